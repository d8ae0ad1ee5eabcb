//! What a provider tells of refunds: ours, found by its id or our reference, and those that somebody made in its own
//! dashboard. Those are recorded once, under the provider's id (hazard A17).

use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::ids::{AppointmentId, ClinicId, PaymentId, RefundId};
use remit_core::payments::ProviderPayment;
use remit_core::refunds::{self as rules, Refund, RefundState};
use remit_gateways::Answer;
use remit_gateways::payments::{FOREIGN, RefundFacts, RefundStatus};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::payments as rows;
use remit_store::refunds;

use super::note_and_settle;
use crate::providers::{self, Account};
use crate::{Actor, App, Error, Result, again};

/// The provider tells of a refund: ask it for the facts and apply them.
///
/// # Errors
/// [`Error::NotFound`] while its payment is not known here, [`Error::ProviderUnreachable`], or the store's.
pub(crate) async fn look(
    app: &App,
    clinic: ClinicId,
    (provider, account): (&str, &str),
    provider_refund_id: &str,
) -> Result<()> {
    let account = providers::of_account(app, clinic, provider, account).await?;
    match account.gateway.retrieve_refund(provider_refund_id).await {
        Answer::Done(facts) => hear(app, &account, facts).await,
        // The account is used for other things too; this is one of them.
        Answer::Refused(refusal) if refusal.code == FOREIGN => Ok(()),
        Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
        Answer::Unknown(unknown) => Err(unknown.into()),
    }
}

/// Applies what a provider says of a refund, whoever made it; repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`] while its payment is not known here; [`Error::Refused`] while it does not fit beside what is
/// reserved; or the store's.
pub(crate) async fn hear(app: &App, account: &Account, facts: RefundFacts) -> Result<()> {
    let named = match facts.reference.as_deref().map(str::parse) {
        Some(Ok(named)) => Some(named),
        Some(Err(_)) | None => None,
    };
    match heard(app, account, named, facts).await {
        // Pending is an answer too: the next event or the outbox goes on.
        Err(Error::ProviderUnreachable(_)) => Ok(()),
        done => done,
    }
}

/// The same for a refund that carries our own name, if it is one of ours. The provider's own id counts before it.
pub(super) async fn heard(
    app: &App,
    account: &Account,
    named: Option<RefundId>,
    facts: RefundFacts,
) -> Result<()> {
    let clinic = account.clinic;
    let provider_id = facts.provider_refund_id.as_str();
    if let Some(known) = refunds::by_provider_id(&app.store, clinic, provider_id).await? {
        return note_and_settle(app, clinic, known, facts).await;
    }
    let ours = match named {
        Some(named) => refunds::get(&app.store, clinic, named).await?,
        None => None,
    };
    match ours {
        // Refused once and given up, and then let through by the provider: its money has gone all the same.
        Some(view) if view.refund.state == RefundState::Failed => {
            take_in(app, account, facts).await
        }
        Some(view) => note_and_settle(app, clinic, view.refund.id, facts).await,
        None => take_in(app, account, facts).await,
    }
}

/// Records a refund that was made without us.
async fn take_in(app: &App, account: &Account, facts: RefundFacts) -> Result<()> {
    let to = match &facts.status {
        RefundStatus::Pending => RefundState::Pending,
        RefundStatus::Succeeded => RefundState::Succeeded,
        // It failed before we heard of it: nothing has moved, and nothing was reserved.
        RefundStatus::Failed => return Ok(()),
        RefundStatus::Other(word) => {
            return Err(Error::ProviderRefused(format!(
                "unknown refund status {word:?}"
            )));
        }
    };
    let source = ProviderPayment {
        provider: account.provider.clone(),
        account: account.account.clone(),
        payment_id: facts.payment_id.clone(),
    };
    let (payment, place) = rows::by_provider_id(&app.store, account.clinic, &source)
        .await?
        .ok_or(Error::NotFound)?;
    let at = (payment, place);
    let recorded = again(async || write(app, account, at, &facts, to).await);
    let recorded = match recorded.await {
        Err(Error::Refused(Refusal::MoreThanRefundable { .. }))
            if make_room(app, account.clinic, payment).await? =>
        {
            again(async || write(app, account, at, &facts, to).await).await?
        }
        done => done?,
    };
    match recorded {
        Recorded::Known(ours) => note_and_settle(app, account.clinic, ours, facts).await,
        Recorded::Fresh(refund) => {
            tracing::info!(refund.id = %refund, payment.id = %payment, "recorded refund {refund} made at the provider");
            Ok(())
        }
    }
}

/// Pages of a list read in one run: far more than a clinic makes in days.
const PAGES_MAX: usize = 1_000;

enum Recorded {
    Fresh(RefundId),
    /// Somebody else was first.
    Known(RefundId),
}

async fn write(
    app: &App,
    account: &Account,
    (payment, place): (PaymentId, AppointmentId),
    facts: &RefundFacts,
    to: RefundState,
) -> Result<Recorded> {
    let mut tx = app.store.begin(account.clinic).await?;
    let (standing, now) = lock_standing(&mut tx, place)
        .await?
        .ok_or(Error::NotFound)?;
    let payment = rows::get_in(&mut tx, payment)
        .await?
        .ok_or(Error::NotFound)?;
    let provider_id = facts.provider_refund_id.as_str();
    if let Some(known) = refunds::by_provider_id_in(&mut tx, provider_id).await? {
        return Ok(Recorded::Known(known));
    }
    if facts.amount.currency != payment.amount.currency {
        return Err(Error::ProviderRefused(
            "a refund in another currency than its payment".into(),
        ));
    }
    let refund = Refund {
        id: app.fresh(now)?,
        payment: payment.id,
        amount: facts.amount,
        reason: None,
        state: RefundState::Requested,
        reopen: false,
        correction: false,
        requested_at: now,
        approval: None,
        asker: String::new(),
    };
    let id = refund.id;
    let txn = app.fresh(now)?;
    let decision = rules::elsewhere(&standing, &payment, refund, to, txn, now)?;
    let by = format!("{} dashboard", providers::title(&account.provider));
    apply(&mut tx, &standing, &decision, &Extras::default(), &by, now).await?;
    refunds::note(&mut tx, id, Some(provider_id), None).await?;
    if let Some(link) = payment.link {
        tx.tell(link.to_string());
    }
    tx.commit().await?;
    Ok(Recorded::Fresh(id))
}

/// Declines what waits for a second person and was never sent: the money has gone another way. Answers whether
/// anything was released.
async fn make_room(app: &App, clinic: ClinicId, payment: PaymentId) -> Result<bool> {
    let mut released = false;
    for view in refunds::of_payment(&app.store, clinic, payment).await? {
        if view.refund.waits_for_approval() {
            super::decline(app, &Actor::remit(clinic), view.refund.id).await?;
            released = true;
        }
    }
    Ok(released)
}

/// R3: compares an account's refunds since a moment with ours; answers how many were listed. Those of payments that are
/// not ours are passed over, and one that does not fit yet is left for the next run.
///
/// # Errors
/// [`Error::ProviderUnreachable`], [`Error::ProviderRefused`], or the store's.
pub(crate) async fn compare(app: &App, account: &Account, since: UtcMs) -> Result<usize> {
    let (mut after, mut listed) = (None, 0);
    for _ in 0..PAGES_MAX {
        let page = match account.gateway.list_refunds(since, after.as_deref()).await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        for facts in page.items {
            listed += 1;
            match hear(app, account, facts).await {
                Ok(()) | Err(Error::NotFound | Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(listed)
}
