//! Refunds: reserved here, made by the provider, posted when they happened (hazards A16 to A18).

mod decisions;
mod elsewhere;

use remit_core::UtcMs;
use remit_core::account::{Decision, Event, FindingKind, Standing};
use remit_core::attempts::REPEAT_MS;
use remit_core::ids::{AppointmentId, ClinicId, PaymentId, RefundId, TxnId};
use remit_core::money::{Money, Payable};
use remit_core::payments::Payment;
use remit_core::refunds::{self as rules, Clearance, Limits, Refund, RefundState, Request};
use remit_gateways::Answer;
use remit_gateways::payments::{Frozen, RefundFacts, RefundOrder, RefundStatus};
use remit_store::Tx;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::payments as rows;
use remit_store::refunds::{self, RefundView};

use crate::providers::Account;
use crate::{Actor, App, ClinicContext, Error, Result, again, clinics, notes, providers};

pub use decisions::{approve, decline};
pub(crate) use elsewhere::{compare, look};

/// A wish to send money back.
#[derive(Clone, Debug)]
pub struct RefundInput {
    /// None: everything that is left.
    pub amount: Option<Money>,
    pub reason: Option<String>,
    /// Have the amount owed again, so that it can be paid another way.
    pub reopen: bool,
    /// No money goes back: the payment was recorded by mistake. Only for desk money, whole and with a reason.
    pub correction: bool,
    /// What the person saw as available; a mismatch is refused (hazard A18).
    pub seen_available: Option<Money>,
}

/// Asks for a refund. Desk money is posted at once, online money once its provider has sent it; above the clinic's limit
/// nothing moves before a second person has approved it (hazard D18).
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Forbidden`] for a role that may not; a refusal; [`Error::NotFound`]; or
/// the store's.
#[crate::boxed]
pub async fn request(
    app: &App,
    actor: &Actor,
    payment: PaymentId,
    id: Option<RefundId>,
    input: &RefundInput,
) -> Result<RefundId> {
    check(input)?;
    let place = crate::payments::get(app, actor.clinic, payment)
        .await?
        .payment
        .appointment;
    let limits = limits(app, actor.clinic).await?;
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let refund = request_in(app, &mut tx, actor, (place, payment), id, input, limits).await?;
        tx.commit().await?;
        Ok(refund)
    })
    .await
}

/// The reason as it is kept. A correction needs one: it is all that tells it from money taken out of the till.
fn check(input: &RefundInput) -> Result<Option<String>> {
    let reason = notes::note("reason", input.reason.as_deref(), notes::REASON_CHARS_MAX)?;
    if input.correction && reason.is_none() {
        return Err(Error::invalid(
            "reason",
            "Say what was wrong with the payment.",
        ));
    }
    Ok(reason)
}

/// [`request`] as a part of something larger: a cancelled appointment gives its payments back in one go.
pub(crate) async fn request_in(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    (place, payment): (AppointmentId, PaymentId),
    id: Option<RefundId>,
    input: &RefundInput,
    limits: Limits,
) -> Result<RefundId> {
    let (standing, now) = lock_standing(tx, place).await?.ok_or(Error::NotFound)?;
    let payment = rows::get_in(tx, payment).await?.ok_or(Error::NotFound)?;
    if let Some(id) = id
        && refunds::get_in(tx, id).await?.is_some()
    {
        return Ok(id);
    }
    let amount = input.amount.unwrap_or_else(|| payment.refundable());
    let reserved = payment.refund_reserved;
    let needs_approval = match rules::clearance(actor.role, limits, reserved, amount.minor) {
        Clearance::Forbidden => return Err(Error::Forbidden),
        Clearance::Alone => false,
        Clearance::NeedsApproval => true,
    };
    let request = Request {
        refund: match id {
            Some(id) => id,
            None => app.fresh(now)?,
        },
        txn: app.fresh(now)?,
        amount: Payable::parse(amount)
            .ok_or_else(|| Error::invalid("amount", "Enter an amount above zero."))?,
        reason: check(input)?,
        reopen: input.reopen,
        correction: input.correction,
        seen_available: input.seen_available,
        needs_approval,
        asker: actor.scope(),
    };
    let refund = request.refund;
    let decision = rules::request(&standing, &payment, request, now)?;
    let extras = Extras::default();
    apply(tx, &standing, &decision, &extras, &actor.label, now).await?;
    let what = refund.to_string();
    remit_store::audit::append(tx, &actor.label, "refund.requested", &what, now).await?;
    tracing::info!(refund.id = %refund, payment.id = %payment.id, "requested refund {refund}");
    Ok(refund)
}

/// Gives back by itself what a decision posted beyond what was due, in the transaction that posts it: where the clinic
/// wants it, the money is on its way as surely as it has come (7.6). The clinic's limits hold; what cannot go back now
/// stays with the finding about it.
pub(crate) async fn give_surplus_back(
    app: &App,
    tx: &mut Tx,
    appointment: AppointmentId,
    posted: &Decision,
    context: &ClinicContext,
) -> Result<()> {
    let surplus = posted.events.iter().find_map(|event| match event {
        Event::FindingOpened(found) if found.kind == FindingKind::Surplus => {
            found.about.parse().ok().zip(found.amount)
        }
        _ => None,
    });
    let Some((payment, amount)) = surplus.filter(|_| context.clinic.auto_refund) else {
        return Ok(());
    };
    let input = RefundInput {
        amount: Some(amount),
        reason: Some("More was received than was due".into()),
        reopen: false,
        correction: false,
        seen_available: None,
    };
    let (by, limits) = (Actor::remit(context.clinic.id), context.refund_limits);
    match request_in(app, tx, &by, (appointment, payment), None, &input, limits).await {
        Err(Error::Refused(refusal)) => {
            tracing::warn!(payment.id = %payment, "the surplus of {payment} stays: {refusal:?}");
            Ok(())
        }
        requested => requested.map(drop),
    }
}

/// Calls the provider for a reserved refund, with frozen bytes under the refund's own key. Safe to repeat.
///
/// # Errors
/// [`Error::ProviderUnreachable`] while nothing is known; or the store's.
pub(crate) async fn call(app: &App, clinic: ClinicId, refund: RefundId) -> Result<()> {
    let view = refunds::get(&app.store, clinic, refund)
        .await?
        .ok_or(Error::NotFound)?;
    let ended = matches!(
        view.refund.state,
        RefundState::Succeeded | RefundState::Failed
    );
    if ended || view.refund.waits_for_approval() {
        return Ok(());
    }
    let payment = crate::payments::get(app, clinic, view.refund.payment)
        .await?
        .payment;
    let provider = payment.provider.clone().ok_or(Error::NotFound)?;
    let account = providers::of_account(app, clinic, &provider.provider, &provider.account).await?;
    if let Some(known) = &view.provider_refund_id {
        return match account.gateway.retrieve_refund(known).await {
            Answer::Done(facts) => elsewhere::heard(app, &account, Some(refund), facts).await,
            Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => Err(unknown.into()),
        };
    }
    // Past the life of the key the same call could be a second refund: what is there is looked for first (hazard A14).
    let repeatable_ms = REPEAT_MS.min(account.capabilities.idempotency_ms);
    if app.now().await? >= view.refund.requested_at + repeatable_ms
        && let Some(facts) = made_already(&account, &provider.payment_id, refund).await?
    {
        return elsewhere::heard(app, &account, Some(refund), facts).await;
    }
    let order = RefundOrder {
        reference: refund.to_string(),
        payment_id: provider.payment_id,
        amount: view.refund.amount,
    };
    let body = {
        let mut tx = app.store.begin(clinic).await?;
        let body =
            refunds::freeze(&mut tx, refund, &account.gateway.freeze_refund(&order).0).await?;
        tx.commit().await?;
        body
    };
    match account
        .gateway
        .refund(&Frozen(body), &refund.to_string())
        .await
    {
        Answer::Done(facts) => elsewhere::heard(app, &account, Some(refund), facts).await,
        Answer::Refused(refusal) => {
            note(app, clinic, refund, None, Some(&refusal.message)).await?;
            decide(app, clinic, refund, rules::refused).await
        }
        Answer::Unknown(unknown) => {
            note(app, clinic, refund, None, Some(&unknown.why)).await?;
            settle(app, clinic, refund, RefundState::Unknown).await?;
            Err(unknown.into())
        }
    }
}

/// The refund at the provider that carries our reference.
async fn made_already(
    account: &Account,
    payment_id: &str,
    refund: RefundId,
) -> Result<Option<RefundFacts>> {
    let reference = refund.to_string();
    match account.gateway.refunds_of(payment_id).await {
        Answer::Done(all) => Ok(all
            .into_iter()
            .find(|facts| facts.reference.as_deref() == Some(&reference))),
        Answer::Refused(refusal) if refusal.code == "not_found" => Ok(None),
        Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
        Answer::Unknown(unknown) => Err(unknown.into()),
    }
}

async fn note_and_settle(
    app: &App,
    clinic: ClinicId,
    refund: RefundId,
    facts: RefundFacts,
) -> Result<()> {
    note(
        app,
        clinic,
        refund,
        Some(&facts.provider_refund_id),
        facts.failure.as_deref(),
    )
    .await?;
    match facts.status {
        RefundStatus::Succeeded => settle(app, clinic, refund, RefundState::Succeeded).await,
        RefundStatus::Failed => settle(app, clinic, refund, RefundState::Failed).await,
        RefundStatus::Pending => {
            settle(app, clinic, refund, RefundState::Pending).await?;
            // The webhook brings the end; until then the outbox looks again.
            Err(Error::unreachable())
        }
        RefundStatus::Other(word) => Err(Error::ProviderRefused(format!(
            "unknown refund status {word:?}"
        ))),
    }
}

async fn note(
    app: &App,
    clinic: ClinicId,
    refund: RefundId,
    known: Option<&str>,
    error: Option<&str>,
) -> Result<()> {
    let mut tx = app.store.begin(clinic).await?;
    refunds::note(&mut tx, refund, known, error).await?;
    Ok(tx.commit().await?)
}

/// Applies what became of a refund; repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
pub(crate) async fn settle(
    app: &App,
    clinic: ClinicId,
    refund: RefundId,
    to: RefundState,
) -> Result<()> {
    decide(
        app,
        clinic,
        refund,
        |standing, payment, refund, txn, now| {
            rules::settle(standing, payment, refund, to, txn, now)
        },
    )
    .await
}

/// Decides about a refund by the rule given, under the appointment's lock row.
async fn decide(
    app: &App,
    clinic: ClinicId,
    refund: RefundId,
    rule: impl Fn(&Standing, &Payment, &Refund, TxnId, UtcMs) -> Decision,
) -> Result<()> {
    let place = get(app, clinic, refund).await?.appointment;
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place)
            .await?
            .ok_or(Error::NotFound)?;
        let view = refunds::get_in(&mut tx, refund)
            .await?
            .ok_or(Error::NotFound)?;
        let payment = rows::get_in(&mut tx, view.refund.payment)
            .await?
            .ok_or(Error::NotFound)?;
        let txn: TxnId = app.fresh(now)?;
        let decision = rule(&standing, &payment, &view.refund, txn, now);
        let (actor, none) = (Actor::remit(clinic).label, Extras::default());
        apply(&mut tx, &standing, &decision, &none, &actor, now).await?;
        if let Some(link) = payment.link {
            tx.tell(link.to_string());
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// How much may be refunded without whom.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn limits(app: &App, clinic: ClinicId) -> Result<Limits> {
    Ok(clinics::context(app, clinic).await?.refund_limits)
}

/// Chooses how much may be refunded without whom, and whether surplus money goes back by itself.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn set_limits(app: &App, actor: &Actor, limits: Limits, auto_refund: bool) -> Result<()> {
    for (field, limit) in [
        ("reception_max", limits.reception_max),
        ("approval_above", limits.approval_above),
    ] {
        if limit.is_some_and(|limit| !(0..=remit_core::money::MINOR_MAX).contains(&limit)) {
            return Err(Error::invalid(field, "Enter an amount of zero or more."));
        }
    }
    let currency = clinics::context(app, actor.clinic).await?.clinic.currency;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    remit_store::clinics::set_refund_limits(&mut tx, limits, auto_refund).await?;
    let (reception, approval) = (limits.reception_max, limits.approval_above);
    let limit = |minor: Option<i64>| {
        minor.map_or("none".into(), |minor| {
            Money::new(minor, currency).to_string()
        })
    };
    let what = format!(
        "reception up to {}, second person above {}, surplus by itself {auto_refund}",
        limit(reception),
        limit(approval)
    );
    let action = "refund_limits.changed";
    remit_store::audit::append(&mut tx, &actor.label, action, &what, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, refund: RefundId) -> Result<RefundView> {
    refunds::get(&app.store, clinic, refund)
        .await?
        .ok_or(Error::NotFound)
}

/// An appointment's refunds, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointment(
    app: &App,
    clinic: ClinicId,
    appointment: remit_core::ids::AppointmentId,
) -> Result<Vec<RefundView>> {
    Ok(refunds::of_appointment(&app.store, clinic, appointment).await?)
}

/// A payment's refunds, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_payment(
    app: &App,
    clinic: ClinicId,
    payment: PaymentId,
) -> Result<Vec<RefundView>> {
    Ok(refunds::of_payment(&app.store, clinic, payment).await?)
}

/// The refunds of many payments, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_payments(
    app: &App,
    clinic: ClinicId,
    payments: &[PaymentId],
) -> Result<Vec<RefundView>> {
    Ok(refunds::of_payments(&app.store, clinic, payments).await?)
}
