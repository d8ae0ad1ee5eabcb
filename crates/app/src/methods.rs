//! Which payment methods a clinic offers, online and at the desk.

use std::sync::Arc;

use remit_core::clinic::Clinic;
use remit_core::methods::{Method, MethodSetting, NotOffered, PurposeKind, offered};
use remit_core::money::Money;
use remit_core::payments::DeskMethod;
use remit_store::methods;

use crate::{Actor, App, ClinicContext, Error, Result, clinics};

/// What is to be different; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub online: Vec<MethodSetting>,
    /// The ways in which the desk takes money, on or off.
    pub at_desk: Vec<(DeskMethod, bool)>,
    /// Payment providers are told the payer's email address, where it is known (hazard E2).
    pub shares_email: Option<bool>,
}

/// Saves changes, all or nothing.
///
/// # Errors
/// [`Error::Invalid`] when a range is upside down or outside the method's own limits; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, changes: &Changes) -> Result<Arc<ClinicContext>> {
    let context = clinics::context(app, actor.clinic).await?;
    for setting in &changes.online {
        check(setting, &context.clinic)?;
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    for setting in &changes.online {
        methods::set(&mut tx, setting).await?;
        let what = format!("{} {}", setting.method.name(), on(setting.enabled));
        remit_store::audit::append(&mut tx, &actor.label, "payment_method.set", &what, now).await?;
    }
    for (method, enabled) in &changes.at_desk {
        // Written always, since another node may have changed it; said only where it changes, since the whole form comes
        // back at each save.
        methods::set_at_desk(&mut tx, *method, *enabled).await?;
        if *enabled != context.at_desk.contains(method) {
            let what = format!("{} {}", method.name(), on(*enabled));
            let kind = "desk_method.set";
            remit_store::audit::append(&mut tx, &actor.label, kind, &what, now).await?;
        }
    }
    if let Some(shares) = changes.shares_email
        && shares != context.shares_email
    {
        remit_store::clinics::set_shares_email(&mut tx, shares).await?;
        let kind = "email_for_providers.set";
        remit_store::audit::append(&mut tx, &actor.label, kind, on(shares), now).await?;
    }
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    clinics::context(app, actor.clinic).await
}

fn on(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

/// Whether one method may be set so.
///
/// # Errors
/// [`Error::Invalid`] when its range is upside down or outside the method's own limits.
pub fn check(setting: &MethodSetting, clinic: &Clinic) -> Result<()> {
    let title = setting.method.title();
    let currency = clinic.currency;
    let own = setting.method.limits(&clinic.country, currency);
    let Ok((own_min, own_max)) = own else {
        let off = !setting.enabled;
        return if off {
            Ok(())
        } else {
            Err(Error::invalid(
                "method",
                format!(
                    "{title} does not take {currency} for clinics in {}.",
                    clinic.country
                ),
            ))
        };
    };
    let money = |minor| Money::new(minor, currency);
    let (min, max) = (
        setting.min.unwrap_or(own_min),
        setting.max.unwrap_or(own_max),
    );
    if min < own_min || max > own_max {
        let range = format!("{title} takes {} to {}.", money(own_min), money(own_max));
        return Err(Error::invalid(
            if min < own_min { "min" } else { "max" },
            range,
        ));
    }
    if min > max {
        return Err(Error::invalid(
            "max",
            "The largest amount must not be below the smallest.",
        ));
    }
    Ok(())
}

/// Every method with whether it can take this amount for this purpose: what a patient is offered, and what staff are
/// told of the rest. `has_email`: the patient's address is known.
pub fn on_offer(
    context: &ClinicContext,
    amount: Money,
    purpose: PurposeKind,
    has_email: bool,
) -> Vec<(Method, std::result::Result<(), NotOffered>)> {
    context
        .methods
        .iter()
        .map(|setting| {
            let verdict = match &context.taking {
                Some(taking) => {
                    let tells_email = context.shares_email && has_email;
                    let terms = taking.terms(&context.clinic, tells_email);
                    offered(setting, terms, amount, purpose)
                }
                None => Err(NotOffered::NoProvider),
            };
            (setting.method, verdict)
        })
        .collect()
}
