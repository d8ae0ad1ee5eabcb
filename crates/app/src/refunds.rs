//! Refunds: reserved here, made by the provider, posted when they happened (hazards A16 to A18).

use remit_core::ids::{ClinicId, PaymentId, RefundId, TxnId};
use remit_core::money::{Money, Payable};
use remit_core::refunds::{self as rules, RefundState, Request};
use remit_gateways::Answer;
use remit_gateways::payments::{Frozen, RefundFacts, RefundOrder, RefundStatus};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::payments as rows;
use remit_store::refunds::{self, RefundView};

use crate::{Actor, App, Error, Result, again, notes, providers};

/// A wish to send money back.
#[derive(Clone, Debug)]
pub struct RefundInput {
    /// None: everything that is left.
    pub amount: Option<Money>,
    pub reason: Option<String>,
    /// Have the amount owed again, so that it can be paid another way.
    pub reopen: bool,
    /// What the person saw as available; a mismatch is refused (hazard A18).
    pub seen_available: Option<Money>,
}

const REASON_CHARS_MAX: usize = 200;

/// Asks for a refund. Desk money is posted at once, online money once its provider has sent it.
///
/// # Errors
/// [`Error::Invalid`] names the field; a refusal; [`Error::NotFound`]; or the store's.
pub async fn request(
    app: &App,
    actor: &Actor,
    payment: PaymentId,
    id: Option<RefundId>,
    input: &RefundInput,
) -> Result<RefundId> {
    let reason = notes::note("reason", input.reason.as_deref(), REASON_CHARS_MAX)?;
    let place = crate::payments::get(app, actor.clinic, payment)
        .await?
        .payment
        .appointment;
    let refund = again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place)
            .await?
            .ok_or(Error::NotFound)?;
        let payment = rows::get_in(&mut tx, payment)
            .await?
            .ok_or(Error::NotFound)?;
        if let Some(id) = id
            && refunds::get_in(&mut tx, id).await?.is_some()
        {
            return Ok(id);
        }
        let amount = input.amount.unwrap_or_else(|| payment.refundable());
        let request = Request {
            refund: match id {
                Some(id) => id,
                None => app.fresh(now)?,
            },
            txn: app.fresh(now)?,
            amount: Payable::parse(amount)
                .ok_or_else(|| Error::invalid("amount", "Enter an amount above zero."))?,
            reason: reason.clone(),
            reopen: input.reopen,
            seen_available: input.seen_available,
        };
        let refund = request.refund;
        let decision = rules::request(&standing, &payment, request, now)?;
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &actor.label,
            now,
        )
        .await?;
        remit_store::audit::append(
            &mut tx,
            &actor.label,
            "refund.requested",
            &refund.to_string(),
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(refund)
    })
    .await?;
    tracing::info!(refund.id = %refund, payment.id = %payment, "requested refund {refund}");
    Ok(refund)
}

/// Calls the provider for a reserved refund, with frozen bytes under the refund's own key. Safe to repeat.
///
/// # Errors
/// [`Error::ProviderUnreachable`] while nothing is known; or the store's.
pub(crate) async fn call(app: &App, clinic: ClinicId, refund: RefundId) -> Result<()> {
    let view = refunds::get(&app.store, clinic, refund)
        .await?
        .ok_or(Error::NotFound)?;
    if matches!(
        view.refund.state,
        RefundState::Succeeded | RefundState::Failed
    ) {
        return Ok(());
    }
    let payment = crate::payments::get(app, clinic, view.refund.payment)
        .await?
        .payment;
    let provider = payment.provider.clone().ok_or(Error::NotFound)?;
    let account = providers::of_account(app, clinic, &provider.provider, &provider.account).await?;
    if let Some(known) = &view.provider_refund_id {
        return match account.gateway.retrieve_refund(known).await {
            Answer::Done(facts) => note_and_settle(app, clinic, refund, facts).await,
            Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => Err(unknown.into()),
        };
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
        Answer::Done(facts) => note_and_settle(app, clinic, refund, facts).await,
        Answer::Refused(refusal) => {
            note(app, clinic, refund, None, Some(&refusal.message)).await?;
            settle(app, clinic, refund, RefundState::Failed).await
        }
        Answer::Unknown(unknown) => {
            note(app, clinic, refund, None, Some(&unknown.why)).await?;
            settle(app, clinic, refund, RefundState::Unknown).await?;
            Err(unknown.into())
        }
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
    let place = refunds::get(&app.store, clinic, refund)
        .await?
        .ok_or(Error::NotFound)?
        .appointment;
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
        let decision = rules::settle(&standing, &payment, &view.refund, to, txn, now);
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &Actor::remit(clinic).label,
            now,
        )
        .await?;
        if let Some(link) = payment.link {
            tx.tell(link.to_string());
        }
        Ok(tx.commit().await?)
    })
    .await
}

/// The provider tells of a refund of ours: ask it for the facts and apply them.
///
/// # Errors
/// [`Error::NotFound`] for a refund that is not ours, [`Error::ProviderUnreachable`], or the store's.
pub(crate) async fn look(
    app: &App,
    clinic: ClinicId,
    provider_refund_id: &str,
    reference: Option<&str>,
) -> Result<()> {
    let known = refunds::by_provider_id(&app.store, clinic, provider_refund_id).await?;
    let ours = known
        .or_else(|| reference.and_then(|text| text.parse().ok()))
        .ok_or(Error::NotFound)?;
    let view = refunds::get(&app.store, clinic, ours)
        .await?
        .ok_or(Error::NotFound)?;
    let payment = crate::payments::get(app, clinic, view.refund.payment)
        .await?
        .payment;
    let provider = payment.provider.ok_or(Error::NotFound)?;
    let account = providers::of_account(app, clinic, &provider.provider, &provider.account).await?;
    match account.gateway.retrieve_refund(provider_refund_id).await {
        Answer::Done(facts) => match note_and_settle(app, clinic, ours, facts).await {
            // Pending is an answer too: the next event or the outbox goes on.
            Err(Error::ProviderUnreachable { .. }) => Ok(()),
            done => done,
        },
        Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
        Answer::Unknown(unknown) => Err(unknown.into()),
    }
}

/// # Errors
/// [`Error::NotFound`], or the store's.
pub async fn get(app: &App, clinic: ClinicId, refund: RefundId) -> Result<RefundView> {
    refunds::get(&app.store, clinic, refund)
        .await?
        .ok_or(Error::NotFound)
}

/// An appointment's refunds, oldest first.
///
/// # Errors
/// The store's.
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
pub async fn of_payments(
    app: &App,
    clinic: ClinicId,
    payments: &[PaymentId],
) -> Result<Vec<RefundView>> {
    Ok(refunds::of_payments(&app.store, clinic, payments).await?)
}
