//! Reconciliation: with every webhook lost, all money is still recorded within minutes (hazards 7.5, R1 to R3).

use remit_core::account::{Finding, FindingKind};
use remit_core::ids::{AttemptId, ClinicId};
use remit_core::payments::ProviderPayment;
use remit_core::{DAY_MS, MINUTE_MS, SECOND_MS, UtcMs};
use remit_gateways::Answer;
use remit_gateways::payments::{Facts, SessionStatus};
use remit_store::{attempts, findings, inbox as rows, payments, providers as accounts};

use crate::providers::Account;
use crate::{App, Error, Result, inbox, providers, settle};

/// Attempts looked at in one round, and how long this node holds one.
const LOOKS_MAX: i64 = 50;
const HOLD_MS: i64 = 30 * SECOND_MS;
/// How far the event list is read again, since providers' clocks have whole seconds (hazard A7).
const OVERLAP_MS: i64 = 10 * MINUTE_MS;
/// How far the comparison of payments goes back.
pub const COMPARE_MS: i64 = 4 * DAY_MS;
/// Pages of a list read in one run: far more than a clinic makes in days.
const PAGES_MAX: usize = 1_000;

/// R1: looks at live attempts whose time has come; answers how many.
///
/// # Errors
/// The store's.
pub async fn look_at_live_attempts(app: &App) -> Result<usize> {
    let now = app.now().await?;
    let due = attempts::due(&app.store, now, LOOKS_MAX).await?;
    for (clinic, attempt) in &due {
        if claim(app, *clinic, *attempt, now).await? {
            if let Err(error) = settle::look(app, *clinic, *attempt).await {
                tracing::warn!(attempt.id = %attempt, "look at {attempt}: {error}");
            }
            plan(app, *clinic, *attempt).await?;
        }
    }
    Ok(due.len())
}

async fn claim(app: &App, clinic: ClinicId, attempt: AttemptId, now: UtcMs) -> Result<bool> {
    let mut tx = app.store.begin(clinic).await?;
    let ours = attempts::claim(&mut tx, attempt, now, now + HOLD_MS).await?;
    tx.commit().await?;
    Ok(ours)
}

async fn plan(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<()> {
    let Some(row) = attempts::peek(&app.store, clinic, attempt).await? else {
        return Ok(());
    };
    let mut tx = app.store.begin(clinic).await?;
    let now = tx.now().await?;
    attempts::plan_check(&mut tx, attempt, row.session_expires_at, now).await?;
    Ok(tx.commit().await?)
}

/// R2: reads every account's event list into the inbox, from where it was read last.
///
/// # Errors
/// The store's. An account that gives no answer is left for the next run.
pub async fn read_events(app: &App) -> Result<usize> {
    let mut stored = 0;
    for (row, account) in providers::all(app).await? {
        match read_account(app, &account, row.events_since - OVERLAP_MS).await {
            Ok(count) => stored += count,
            Err(error @ Error::Store(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(endpoint.id = %account.endpoint, "events of {}: {error}", account.endpoint)
            }
        }
    }
    Ok(stored)
}

async fn read_account(app: &App, account: &Account, since: UtcMs) -> Result<usize> {
    let (mut after, mut stored, mut newest) = (None, 0, since);
    for _ in 0..PAGES_MAX {
        let page = match account.gateway.list_events(since, after.as_deref()).await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        let mut tx = app.store.begin(account.clinic).await?;
        let now = tx.now().await?;
        for event in page.items {
            newest = newest.max(event.created_at.min(now));
            let foreign = event.livemode != account.livemode || event.account != account.account;
            let fresh =
                rows::store(&mut tx, &inbox::row(account, event, b"", foreign), now).await?;
            stored += usize::from(fresh);
        }
        accounts::move_cursor(&mut tx, account.endpoint, newest).await?;
        tx.commit().await?;
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(stored)
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compared {
    /// Payments that the providers listed.
    pub listed: usize,
    /// Payments that were missing here and are recorded now.
    pub recovered: usize,
    /// Payments that belong to nothing we know; each has a finding.
    pub unmatched: usize,
    /// Accounts that gave no answer.
    pub unreachable: usize,
}

/// R3: compares every account's payments since a moment with ours, and records what is missing.
///
/// # Errors
/// The store's.
pub async fn compare(app: &App, since: UtcMs) -> Result<Compared> {
    let mut compared = Compared::default();
    for (_, account) in providers::all(app).await? {
        match compare_account(app, &account, since, &mut compared).await {
            Ok(()) => {}
            Err(error @ Error::Store(_)) => return Err(error),
            Err(_) => compared.unreachable += 1,
        }
    }
    Ok(compared)
}

async fn compare_account(
    app: &App,
    account: &Account,
    since: UtcMs,
    compared: &mut Compared,
) -> Result<()> {
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = match account.gateway.list_payments(since, after.as_deref()).await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        for facts in page.items {
            compared.listed += 1;
            compare_payment(app, account, facts, compared).await?;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
    Ok(())
}

async fn compare_payment(
    app: &App,
    account: &Account,
    facts: Facts,
    compared: &mut Compared,
) -> Result<()> {
    let (SessionStatus::Paid, Some(payment_id)) = (&facts.status, facts.payment_id.clone()) else {
        return Ok(());
    };
    let source = ProviderPayment {
        provider: account.provider.clone(),
        account: account.account.clone(),
        payment_id,
    };
    if payments::is_posted(&app.store, account.clinic, &source).await? {
        return Ok(());
    }
    let by_session = attempts::by_session(
        &app.store,
        account.clinic,
        &account.provider,
        &facts.session_id,
    )
    .await?;
    let attempt: Option<AttemptId> = by_session.or_else(|| facts.reference.parse().ok());
    if let Some(attempt) = attempt
        && attempts::peek(&app.store, account.clinic, attempt)
            .await?
            .is_some()
    {
        settle::look(app, account.clinic, attempt).await?;
        compared.recovered += 1;
        return Ok(());
    }
    compared.unmatched += 1;
    let finding = Finding {
        kind: FindingKind::Unreconciled,
        about: source.source(),
        amount: facts.received,
        detail: "The provider has a payment that belongs to no link of ours.".into(),
    };
    let mut tx = app.store.begin(account.clinic).await?;
    let now = tx.now().await?;
    findings::open(&mut tx, &finding, None, now).await?;
    Ok(tx.commit().await?)
}
