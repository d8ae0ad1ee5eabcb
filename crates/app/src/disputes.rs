//! Disputes: the payer's bank takes money back, and may give it again (hazard A23). Whatever tells of one is a hint; the
//! provider is asked, and its answer is applied under the appointment's lock row.

use std::collections::BTreeSet;

use remit_core::UtcMs;
use remit_core::disputes::{self as rules, DisputeState, Overtaken, Report, Reported, Words};
use remit_core::ids::{AppointmentId, ClinicId, PaymentId};
use remit_core::payments::ProviderPayment;
use remit_gateways::Answer;
use remit_gateways::payments::{DisputeFacts, DisputeStatus, FOREIGN};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::disputes::{self, DisputeView};
use remit_store::payments;

use crate::providers::{self, Account};
use crate::{Actor, App, Error, Result, again, clinics};

/// Pages of a list read in one run, and open disputes looked at: far more than a clinic has.
const PAGES_MAX: usize = 1_000;
const OPEN_MAX: i64 = 1_000;
/// How often an answer may be overtaken by another in a row.
const LOOKS_MAX: usize = 5;

/// Asks the provider about a dispute and applies the answer. One that was overtaken on the way is asked for again.
///
/// # Errors
/// [`Error::NotFound`] while its payment is not known here (the dispute may be heard of first);
/// [`Error::ProviderUnreachable`], [`Error::ProviderRefused`]; or the store's.
pub(crate) async fn look(
    app: &App,
    clinic: ClinicId,
    (provider, account): (&str, &str),
    dispute_id: &str,
) -> Result<()> {
    let at = providers::of_account(app, clinic, provider, account).await?;
    for _ in 0..LOOKS_MAX {
        let place = (provider, account);
        let looks = disputes::looks(&app.store, clinic, place, dispute_id).await?;
        let facts = match at.gateway.retrieve_dispute(dispute_id).await {
            Answer::Done(facts) => facts,
            // The account is used for other things too; this is one of them.
            Answer::Refused(refusal) if refusal.code == FOREIGN => return Ok(()),
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        if hear(app, &at, facts, looks).await?.is_ok() {
            return Ok(());
        }
    }
    Err(Error::unreachable())
}

/// Applies what a provider says of a dispute; repeating it changes nothing.
async fn hear(
    app: &App,
    account: &Account,
    facts: DisputeFacts,
    looks: i64,
) -> Result<std::result::Result<(), Overtaken>> {
    let source = ProviderPayment {
        provider: account.provider.clone(),
        account: account.account.clone(),
        payment_id: facts.payment_id.clone(),
    };
    let (payment, place) = payments::by_provider_id(&app.store, account.clinic, &source)
        .await?
        .ok_or(Error::NotFound)?;
    let words = words(app, account, facts.due_by).await?;
    let report = report(facts, looks);
    let heard = again(async || {
        let mut tx = app.store.begin(account.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place)
            .await?
            .ok_or(Error::NotFound)?;
        let payment = payments::get_in(&mut tx, payment)
            .await?
            .ok_or(Error::NotFound)?;
        let (name, number) = (&account.provider, &account.account);
        let known = disputes::get_in(&mut tx, name, number, &report.dispute_id).await?;
        let txn = app.fresh(now)?;
        let of = (&payment, &source);
        let decision = match rules::hear(of, known.as_ref(), &report, &words, txn, now) {
            Ok(decision) => decision,
            Err(overtaken) => return Ok(Err(overtaken)),
        };
        let (actor, none) = (Actor::remit(account.clinic).label, Extras::default());
        apply(&mut tx, &standing, &decision, &none, &actor, now).await?;
        if let Some(link) = payment.link {
            tx.tell(link.to_string());
        }
        tx.commit().await?;
        Ok(Ok(()))
    })
    .await?;
    if heard.is_ok() {
        tracing::info!(payment.id = %payment, "a dispute of {payment} is {:?}", report.status);
    }
    Ok(heard)
}

async fn words(app: &App, account: &Account, due_by: Option<UtcMs>) -> Result<Words> {
    let context = clinics::context(app, account.clinic).await?;
    Ok(Words {
        provider: providers::title(&account.provider),
        deadline: due_by.map(|due| clinics::in_zone(&context.clinic, due, "%a %-d %B")),
    })
}

/// A provider's facts in the rules' words.
fn report(facts: DisputeFacts, looks: i64) -> Report {
    Report {
        dispute_id: facts.dispute_id,
        status: match facts.status {
            DisputeStatus::NeedsResponse => Reported::State(DisputeState::NeedsResponse),
            DisputeStatus::UnderReview => Reported::State(DisputeState::UnderReview),
            DisputeStatus::Won => Reported::State(DisputeState::Won),
            DisputeStatus::Lost => Reported::State(DisputeState::Lost),
            DisputeStatus::Withdrawn => Reported::State(DisputeState::Withdrawn),
            DisputeStatus::Other(word) => Reported::Unheard(word),
        },
        amount: facts.amount,
        withdrawn: facts.withdrawn,
        reason: facts.reason,
        due_by: facts.due_by,
        opened_at: facts.opened_at,
        looks,
    }
}

/// Reads every account's list of disputes since a moment and applies it: what their webhooks tell as well.
///
/// # Errors
/// [`Error::ProviderUnreachable`], [`Error::ProviderRefused`]; or the store's.
#[crate::boxed]
pub async fn read_lists(app: &App, since: UtcMs) -> Result<()> {
    for row in remit_store::providers::list(&app.store).await? {
        compare(app, &providers::open(app, row)?, since).await?;
    }
    Ok(())
}

/// R3: looks at an account's disputes since a moment, and at every one that is still open here, however old; answers how
/// many. Disputes of payments that are not ours are passed over.
///
/// # Errors
/// [`Error::ProviderUnreachable`], [`Error::ProviderRefused`], or the store's.
pub(crate) async fn compare(app: &App, account: &Account, since: UtcMs) -> Result<usize> {
    let mut ids = BTreeSet::new();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = match account.gateway.list_disputes(since, after.as_deref()).await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        ids.extend(page.items.into_iter().map(|facts| facts.dispute_id));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let place = (account.provider.as_str(), account.account.as_str());
    for view in disputes::open(&app.store, account.clinic, OPEN_MAX).await? {
        if (view.provider.as_str(), view.account.as_str()) == place {
            ids.insert(view.dispute.dispute_id);
        }
    }
    for id in &ids {
        match look(app, account.clinic, place, id).await {
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ids.len())
}

/// An appointment's disputes, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_appointment(
    app: &App,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Vec<DisputeView>> {
    Ok(disputes::of_appointment(&app.store, clinic, appointment).await?)
}

/// The disputes of many payments, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_payments(
    app: &App,
    clinic: ClinicId,
    payments: &[PaymentId],
) -> Result<Vec<DisputeView>> {
    Ok(match payments {
        [] => vec![],
        payments => disputes::of_payments(&app.store, clinic, payments).await?,
    })
}

/// A clinic's disputes that no bank has decided yet, the nearest deadline first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn open(app: &App, clinic: ClinicId) -> Result<Vec<DisputeView>> {
    Ok(disputes::open(&app.store, clinic, OPEN_MAX).await?)
}
