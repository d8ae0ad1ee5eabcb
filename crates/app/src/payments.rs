//! Money taken at the desk, and payments as they are listed.

use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PaymentId};
use remit_core::links::Purpose;
use remit_core::money::{Money, Payable};
use remit_core::payments::{self as rules, DeskMethod, Take};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::links::Cursor;
use remit_store::payments::{self, PaymentView};
use remit_store::{Tx, audit};

use crate::notes::note;
use crate::settle::{self, Closed};
use crate::{Actor, App, ClinicContext, Error, Result, again, clinics, links};

/// One sum taken at the desk.
#[derive(Clone, Debug)]
pub struct DeskInput {
    pub method: DeskMethod,
    pub amount: Money,
    pub reference: Option<String>,
}

/// A checkout in one go: sums taken at the desk, and a link for what remains.
#[derive(Clone, Debug)]
pub struct Checkout {
    pub taken: Vec<DeskInput>,
    pub link: Option<Purpose>,
    /// Record although the provider cannot be asked to close a payment under way (hazards 7.6). It is asked first all
    /// the same.
    pub despite_live_payment: bool,
}

const REFERENCE_CHARS_MAX: usize = 100;

/// What a checkout made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedOut {
    pub payments: Vec<PaymentId>,
    pub link: Option<LinkId>,
}

/// Records what was taken and issues the link, all or nothing. A payment under way is closed at the provider first;
/// if it turns out to be made, the desk is told instead of charging twice (hazard A24).
///
/// # Errors
/// [`Error::Invalid`] names the field; a refusal; [`Error::ProviderUnreachable`]; or the store's.
#[crate::boxed]
pub async fn check_out(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<PaymentId>,
    input: &Checkout,
) -> Result<CheckedOut> {
    for sum in &input.taken {
        check(sum)?;
        reference(sum)?;
    }
    const CLOSINGS_MAX: u32 = 3;
    let mut despite = false;
    for _ in 0..CLOSINGS_MAX {
        match again(|| check_out_once(app, actor, appointment, id, input, despite)).await {
            Err(Error::Refused(Refusal::LivePayment)) => {
                match settle::close_live(app, actor.clinic, appointment).await? {
                    Closed::Closed => {}
                    Closed::Paid => return Err(Error::Refused(Refusal::LinkPaid)),
                    Closed::Confirming | Closed::Unreachable(_) if input.despite_live_payment => {
                        despite = true;
                    }
                    Closed::Confirming => return Err(Error::Refused(Refusal::LivePayment)),
                    Closed::Unreachable(unreachable) => {
                        return Err(Error::ProviderUnreachable(unreachable));
                    }
                }
            }
            done => return done,
        }
    }
    Err(Error::Refused(Refusal::LivePayment))
}

fn reference(sum: &DeskInput) -> Result<Option<String>> {
    note("reference", sum.reference.as_deref(), REFERENCE_CHARS_MAX)
}

fn check(sum: &DeskInput) -> Result<Payable> {
    Payable::parse(sum.amount)
        .ok_or_else(|| Error::invalid("amount", "Enter an amount above zero."))
}

fn is_on(context: &ClinicContext, method: DeskMethod) -> Result<()> {
    if context.at_desk.contains(&method) {
        return Ok(());
    }
    let title = method.title();
    let why =
        format!("{title} is switched off in Settings, Payment methods. Choose another way to pay.");
    Err(Error::invalid("method", why))
}

async fn check_out_once(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<PaymentId>,
    input: &Checkout,
    despite_live_payment: bool,
) -> Result<CheckedOut> {
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let mut made = CheckedOut {
        payments: vec![],
        link: None,
    };
    for (index, sum) in input.taken.iter().enumerate() {
        // The request's own id names its first sum and its link; the others are made in the same transaction.
        let id = id.filter(|_| index == 0);
        if let Some(id) = id
            && payments::get_in(&mut tx, id).await?.is_some()
        {
            // All or nothing: where the first sum is, the link is.
            return Ok(CheckedOut {
                payments: vec![id],
                link: input.link.map(|_| LinkId::from(id.0)),
            });
        }
        is_on(&context, sum.method)?;
        made.payments.push(
            take_in(
                app,
                &mut tx,
                actor,
                appointment,
                id,
                sum,
                despite_live_payment,
            )
            .await?,
        );
    }
    if let Some(purpose) = input.link {
        let own = id.map(|id| LinkId::from(id.0));
        made.link = Some(links::issue_in(app, &mut tx, actor, appointment, own, purpose).await?);
    }
    tx.commit().await?;
    Ok(made)
}

async fn take_in(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<PaymentId>,
    sum: &DeskInput,
    despite_live_payment: bool,
) -> Result<PaymentId> {
    let (standing, now) = lock_standing(tx, appointment)
        .await?
        .ok_or(Error::NotFound)?;
    let take = Take {
        payment: match id {
            Some(id) => id,
            None => app.fresh(now)?,
        },
        txn: app.fresh(now)?,
        method: sum.method,
        amount: check(sum)?,
        reference: reference(sum)?,
        despite_live_payment,
    };
    let payment = take.payment;
    let decision = rules::take(&standing, take, now)?;
    if despite_live_payment && let Some(live) = &standing.live {
        let what = format!("{payment} beside {}", live.id);
        let action = "payment.recorded_despite_live_payment";
        audit::append(tx, &actor.label, action, &what, now).await?;
    }
    apply(
        tx,
        &standing,
        &decision,
        &Extras::default(),
        &actor.label,
        now,
    )
    .await?;
    tracing::info!(payment.id = %payment, appointment.id = %appointment, "recorded desk payment {payment}");
    Ok(payment)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, payment: PaymentId) -> Result<PaymentView> {
    payments::get(&app.store, clinic, payment)
        .await?
        .ok_or(Error::NotFound)
}

/// An appointment's payments, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointment(
    app: &App,
    clinic: ClinicId,
    appt: AppointmentId,
) -> Result<Vec<PaymentView>> {
    Ok(payments::of_appointment(&app.store, clinic, appt).await?)
}

/// A link's payments, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_link(app: &App, clinic: ClinicId, link: LinkId) -> Result<Vec<PaymentView>> {
    Ok(payments::of_link(&app.store, clinic, link).await?)
}

/// The payments of many appointments, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointments(
    app: &App,
    clinic: ClinicId,
    appts: &[AppointmentId],
) -> Result<Vec<PaymentView>> {
    Ok(payments::of_appointments(&app.store, clinic, appts).await?)
}

/// The payments of many links, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_links(app: &App, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<PaymentView>> {
    Ok(payments::of_links(&app.store, clinic, links).await?)
}

/// A page of payments, newest first, `from` inclusive and `to` exclusive.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(
    app: &App,
    clinic: ClinicId,
    after: Option<&Cursor>,
    span: (UtcMs, UtcMs),
    limit: i64,
) -> Result<(Vec<PaymentView>, Option<Cursor>)> {
    Ok(payments::list(&app.store, clinic, after, span, limit).await?)
}
