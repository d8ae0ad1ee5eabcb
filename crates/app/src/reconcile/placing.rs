//! A payment that the provider has and no link of ours explains: staff say at which appointment it belongs.

use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, ClinicId, FindingId, PaymentId};
use remit_core::methods::Method;
use remit_core::money::Payable;
use remit_core::payments::{self as rules, Placing, ProviderPayment};
use remit_core::roles::Permission;
use remit_core::{DAY_MS, UtcMs};
use remit_gateways::Answer;
use remit_gateways::payments::{Facts, SessionStatus};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::findings::{self, FindingView};
use remit_store::payments;

use super::{COMPARE_MS, PAGES_MAX};
use crate::{Actor, App, Error, Result, again, providers};

/// How far before its finding a payment may lie: the comparison of every day finds it within days, that after a
/// restored backup may find an older one.
const LOOK_BACK_MS: [i64; 2] = [COMPARE_MS + DAY_MS, 90 * DAY_MS];

/// What its finding says that it is about; beside it stand movements and whole accounts.
const ABOUT: &str = "payment:";

pub(super) fn about(payment: &ProviderPayment) -> String {
    format!("{ABOUT}{}", payment.source())
}

/// The provider's payment that a finding is about: none when it is about anything else, or done.
pub fn unplaced(finding: &FindingView) -> Option<ProviderPayment> {
    if finding.kind != FindingKind::Unreconciled || finding.closed.is_some() {
        return None;
    }
    let mut parts = finding.about.strip_prefix(ABOUT)?.splitn(3, ':');
    let (provider, account) = (parts.next()?, parts.next()?);
    Some(ProviderPayment {
        provider: provider.to_owned(),
        account: account.to_owned(),
        payment_id: parts.next()?.to_owned(),
    })
}

/// Records a provider's payment at an appointment and settles its finding. The sum is what the provider says now, not
/// what anybody types; the same payment is never recorded twice.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] when the finding is settled or there is no such appointment;
/// [`Error::Invalid`] when the provider has no such payment (any more); [`Error::ProviderUnreachable`]; or the store's.
#[crate::boxed]
pub async fn place(
    app: &App,
    actor: &Actor,
    finding: FindingId,
    appointment: AppointmentId,
) -> Result<PaymentId> {
    actor.require(Permission::Refund)?;
    let open = findings::get(&app.store, actor.clinic, finding).await?;
    let open = open.ok_or(Error::NotFound)?;
    let source = unplaced(&open).ok_or(Error::NotFound)?;
    let facts = told(app, actor.clinic, &source, open.opened_at).await?;
    let gone = || Error::invalid("appointment", "The provider has no such payment any more.");
    let facts = facts.ok_or_else(gone)?;
    let amount = facts.received.and_then(Payable::parse).ok_or_else(gone)?;
    let payment = again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment)
            .await?
            .ok_or(Error::NotFound)?;
        if payments::posted(&mut tx, &source).await?.is_some() {
            return Err(Error::NotFound);
        }
        let placing = Placing {
            payment: app.fresh(now)?,
            txn: app.fresh(now)?,
            method: method(facts.paid_with.as_deref()),
            provider: source.clone(),
            amount,
            reference: facts.paid_with.clone(),
        };
        let payment = placing.payment;
        let decision = rules::place(&standing, placing, now);
        let by = &actor.label;
        apply(&mut tx, &standing, &decision, &Extras::default(), by, now).await?;
        let note = Some("Recorded at an appointment");
        findings::close(&mut tx, finding, by, note, now).await?;
        let what = payment.to_string();
        remit_store::audit::append(&mut tx, by, "payment.placed", &what, now).await?;
        tx.commit().await?;
        Ok(payment)
    })
    .await?;
    tracing::info!(payment.id = %payment, appointment.id = %appointment, "placed payment {payment}");
    Ok(payment)
}

/// What the provider's own list says of a payment.
async fn told(
    app: &App,
    clinic: ClinicId,
    source: &ProviderPayment,
    found_at: UtcMs,
) -> Result<Option<Facts>> {
    let account = providers::of_account(app, clinic, &source.provider, &source.account).await?;
    for back in LOOK_BACK_MS {
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let since = found_at - back;
            let page = match account.gateway.list_payments(since, after.as_deref()).await {
                Answer::Done(page) => page,
                Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
                Answer::Unknown(unknown) => return Err(unknown.into()),
            };
            let ours = |facts: &Facts| {
                facts.status == SessionStatus::Paid
                    && facts.payment_id.as_ref() == Some(&source.payment_id)
            };
            if let Some(facts) = page.items.into_iter().find(ours) {
                return Ok(Some(facts));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(None)
}

/// By which method: the provider's words for people begin with a lender's name.
fn method(paid_with: Option<&str>) -> Method {
    let with = paid_with.unwrap_or_default();
    let lenders = [Method::Klarna, Method::Clearpay];
    let lender = lenders
        .into_iter()
        .find(|one| with.starts_with(one.title()));
    lender.unwrap_or(Method::Card)
}
