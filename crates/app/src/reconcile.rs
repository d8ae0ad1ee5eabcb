//! Reconciliation: with every webhook lost, all money is still recorded within minutes (hazards 7.5, R1 to R5).

mod invariants;
mod placing;
mod recovery;

use std::collections::HashSet;

use futures_util::{TryStreamExt as _, stream};
use remit_core::account::{Finding, FindingKind};
use remit_core::ids::{AttemptId, ClinicId};
use remit_core::money::Money;
use remit_core::payments::ProviderPayment;
use remit_core::{DAY_MS, MINUTE_MS, SECOND_MS, UtcMs};
use remit_gateways::Answer;
use remit_gateways::payments::{Facts, SessionStatus};
use remit_store::providers::ProviderAccount;
use remit_store::{
    attempts, findings, inbox as rows, movements as books, payments, providers as accounts,
};

use crate::providers::Account;
use crate::{App, Error, Result, again, disputes, inbox, movements, providers, refunds, settle};

pub use invariants::{check_again, check_chains, check_invariants};
pub use placing::{place, unplaced};
pub(crate) use recovery::may_start;
pub use recovery::{recover, recovering_since, replay, restored};

/// Attempts looked at in one round, and how long this node holds one.
const LOOKS_MAX: i64 = 50;
const HOLD_MS: i64 = 30 * SECOND_MS;
/// Looks under way at once: one that hangs for its whole timeout does not keep the others waiting.
const LOOKS_AT_ONCE: usize = 8;
/// How long this node holds the lists of an account; kept while it reads them.
const LISTS_MS: i64 = 2 * MINUTE_MS;
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
#[crate::boxed]
pub async fn look_at_live_attempts(app: &App) -> Result<usize> {
    let now = app.now().await?;
    let due = attempts::due(&app.store, now, LOOKS_MAX).await?;
    stream::iter(due.iter().copied().map(Ok))
        .try_for_each_concurrent(LOOKS_AT_ONCE, |(clinic, attempt)| {
            look_at(app, clinic, attempt, now)
        })
        .await?;
    Ok(due.len())
}

async fn look_at(app: &App, clinic: ClinicId, attempt: AttemptId, now: UtcMs) -> Result<()> {
    if !claim(app, clinic, attempt, now).await? {
        return Ok(());
    }
    if let Err(error) = settle::look(app, clinic, attempt).await {
        tracing::warn!(attempt.id = %attempt, "look at {attempt}: {error}");
    }
    plan(app, clinic, attempt).await
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

/// Takes or keeps this node's turn at an account's lists; false while another node has it.
pub(crate) async fn hold(app: &App, account: &Account) -> Result<bool> {
    let mut tx = app.store.begin(account.clinic).await?;
    let now = tx.now().await?;
    let until = now + LISTS_MS;
    let ours = books::hold_lists(&mut tx, account.endpoint, &app.node, now, until).await?;
    tx.commit().await?;
    Ok(ours)
}

/// Waits for the turn: another node reads an account's lists for moments, or died and holds them for two minutes.
async fn wait_for_turn(app: &App, account: &Account) -> Result<bool> {
    const LOOKS_MAX: u32 = 260;
    const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(500);
    for _ in 0..LOOKS_MAX {
        if hold(app, account).await? {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(false)
}

async fn let_go(app: &App, account: &Account) -> Result<()> {
    let mut tx = app.store.begin(account.clinic).await?;
    books::release_lists(&mut tx, account.endpoint, &app.node).await?;
    Ok(tx.commit().await?)
}

/// R2: reads every account's event list into the inbox, and its movements into the books, from where they were read
/// last. One account's trouble is its own.
///
/// # Errors
/// The list of accounts could not be read.
#[crate::boxed]
pub async fn read_lists(app: &App) -> Result<usize> {
    let mut stored = 0;
    for row in accounts::list(&app.store).await? {
        match read_lists_of(app, &row).await {
            Ok(count) => stored += count,
            Err(error) => {
                tracing::warn!(endpoint.id = %row.id, "lists of {}: {error}", row.id);
            }
        }
    }
    Ok(stored)
}

async fn read_lists_of(app: &App, row: &ProviderAccount) -> Result<usize> {
    let account = providers::open(app, row.clone())?;
    if !hold(app, &account).await? {
        return Ok(0);
    }
    let events = read_events(app, &account, row.events_since - OVERLAP_MS).await;
    // Movements may be readable where events are not, and the other way round.
    let read = read_books(app, row, &account).await;
    let_go(app, &account).await?;
    read?;
    events
}

async fn read_books(app: &App, row: &ProviderAccount, account: &Account) -> Result<()> {
    let read = movements::read(app, row, account, None).await?;
    if let Some(since) = read.missing_since {
        let mut found = AccountCompared::of(row);
        compare_lists(app, account, since - MINUTE_MS, &mut found).await?;
    }
    movements::compare(app, row).await?;
    Ok(())
}

async fn read_events(app: &App, account: &Account, since: UtcMs) -> Result<usize> {
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
            let foreign = account.is_foreign(&event);
            let fresh =
                rows::store(&mut tx, &inbox::row(account, event, b"", foreign), now).await?;
            stored += usize::from(fresh);
        }
        if page.next.is_none() {
            // Only now: a provider may list its newest events first, and a page that fails is read again (hazard A8).
            accounts::move_cursor(&mut tx, account.endpoint, newest).await?;
        }
        tx.commit().await?;
        match page.next {
            Some(next) if hold(app, account).await? => after = Some(next),
            Some(_) | None => return Ok(stored),
        }
    }
    Err(Error::unreachable())
}

/// What a comparison found at one account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AccountCompared {
    pub clinic: String,
    pub provider: String,
    pub account: String,
    /// Payments that the provider listed.
    pub listed: usize,
    /// Payments that were missing here and are recorded now.
    pub recovered: usize,
    /// Payments that belong to nothing we know; each has a finding.
    pub unmatched: usize,
    /// Movements that were not read before.
    pub movements: usize,
    /// What our books of the account hold more than the provider's, per currency: `GBP -12.50`.
    pub differences: Vec<String>,
    /// Why nothing could be compared.
    pub unreachable: Option<String>,
}

impl AccountCompared {
    fn of(row: &ProviderAccount) -> AccountCompared {
        AccountCompared {
            clinic: row.clinic.to_string(),
            provider: row.provider.clone(),
            account: row.account.clone(),
            listed: 0,
            recovered: 0,
            unmatched: 0,
            movements: 0,
            differences: Vec::new(),
            unreachable: None,
        }
    }

    /// Whether something is left for a person.
    pub fn is_clean(&self) -> bool {
        self.unmatched == 0 && self.differences.is_empty() && self.unreachable.is_none()
    }
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compared {
    pub accounts: Vec<AccountCompared>,
    pub listed: usize,
    pub recovered: usize,
    pub unmatched: usize,
    /// Accounts whose books differ from the provider's.
    pub differing: usize,
    /// Accounts that gave no answer.
    pub unreachable: usize,
}

impl Compared {
    fn add(&mut self, found: AccountCompared) {
        self.listed += found.listed;
        self.recovered += found.recovered;
        self.unmatched += found.unmatched;
        self.differing += usize::from(!found.differences.is_empty());
        self.unreachable += usize::from(found.unreachable.is_some());
        self.accounts.push(found);
    }

    pub fn is_clean(&self) -> bool {
        self.accounts.iter().all(AccountCompared::is_clean)
    }
}

/// R3: compares every account's payments, refunds, disputes and movements since a moment with ours, and records what
/// is missing. `told` hears how many of how many accounts are done.
///
/// # Errors
/// The list of accounts could not be read; an account's own trouble is in the answer.
#[crate::boxed]
pub async fn compare(
    app: &App,
    since: UtcMs,
    told: &(dyn Fn(usize, usize) + Sync),
) -> Result<Compared> {
    let rows = accounts::list(&app.store).await?;
    let mut compared = Compared::default();
    told(0, rows.len());
    for (done, row) in rows.iter().enumerate() {
        let mut found = AccountCompared::of(row);
        if let Err(error) = compare_account(app, row, since, &mut found).await {
            tracing::warn!(endpoint.id = %row.id, "comparing {}: {error}", row.id);
            found.unreachable = Some(error.to_string());
        }
        compared.add(found);
        told(done + 1, rows.len());
    }
    Ok(compared)
}

/// Compares one account now, because somebody asked; its findings close by themselves where both books agree.
///
/// # Errors
/// [`Error::NotFound`], [`Error::ProviderUnreachable`], [`Error::ProviderRefused`]; or the store's.
pub(crate) async fn compare_one(
    app: &App,
    clinic: ClinicId,
    (provider, account): (&str, &str),
) -> Result<()> {
    let row = accounts::by_account(&app.store, clinic, provider, account).await?;
    let row = row.ok_or(Error::NotFound)?;
    let since = app.now().await? - COMPARE_MS;
    compare_account(app, &row, since, &mut AccountCompared::of(&row)).await
}

async fn compare_account(
    app: &App,
    row: &ProviderAccount,
    since: UtcMs,
    found: &mut AccountCompared,
) -> Result<()> {
    let account = providers::open(app, row.clone())?;
    if !wait_for_turn(app, &account).await? {
        return Err(Error::Setup(
            "another node is reading this account’s lists".into(),
        ));
    }
    let done = compare_all(app, (row, &account), since, found).await;
    let_go(app, &account).await?;
    done
}

async fn compare_all(
    app: &App,
    (row, account): (&ProviderAccount, &Account),
    since: UtcMs,
    found: &mut AccountCompared,
) -> Result<()> {
    compare_lists(app, account, since, found).await?;
    let read = movements::read(app, row, account, Some(since)).await?;
    found.movements = read.fresh;
    let differences = movements::compare(app, row).await?;
    found.differences = differences.iter().map(Money::to_string).collect();
    Ok(())
}

/// Compares the lists of what an account did with what is recorded.
async fn compare_lists(
    app: &App,
    account: &Account,
    since: UtcMs,
    found: &mut AccountCompared,
) -> Result<()> {
    let open = findings::open_about(&app.store, account.clinic, FindingKind::Unreconciled).await?;
    let open = open.into_iter().collect();
    let mut after = None;
    for _ in 0..PAGES_MAX {
        let page = match account.gateway.list_payments(since, after.as_deref()).await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        for facts in page.items {
            found.listed += 1;
            compare_payment(app, account, facts, &open, found).await?;
        }
        match page.next {
            Some(next) if hold(app, account).await? => after = Some(next),
            Some(_) | None => break,
        }
    }
    // Payments first: what went back or is disputed belongs to one.
    refunds::compare(app, account, since).await?;
    disputes::compare(app, account, since).await?;
    Ok(())
}

async fn compare_payment(
    app: &App,
    account: &Account,
    facts: Facts,
    open: &HashSet<String>,
    found: &mut AccountCompared,
) -> Result<()> {
    let (SessionStatus::Paid, Some(payment_id)) = (&facts.status, facts.payment_id.clone()) else {
        return Ok(());
    };
    let source = ProviderPayment {
        provider: account.provider.clone(),
        account: account.account.clone(),
        payment_id,
    };
    let about = placing::about(&source);
    if payments::is_posted(&app.store, account.clinic, &source).await? {
        return close_if_open(app, account.clinic, &about, open).await;
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
        found.recovered += 1;
        return close_if_open(app, account.clinic, &about, open).await;
    }
    found.unmatched += 1;
    let finding = Finding {
        kind: FindingKind::Unreconciled,
        about,
        amount: facts.received,
        detail: "The provider has a payment that belongs to no link of ours.".into(),
    };
    let mut tx = app.store.begin(account.clinic).await?;
    let now = tx.now().await?;
    findings::open(&mut tx, &finding, None, now).await?;
    Ok(tx.commit().await?)
}

/// The cause of a finding is gone.
async fn close_if_open(
    app: &App,
    clinic: ClinicId,
    about: &str,
    open: &HashSet<String>,
) -> Result<()> {
    if !open.contains(about) {
        return Ok(());
    }
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let now = tx.now().await?;
        let kind = FindingKind::Unreconciled;
        findings::close_about(&mut tx, kind, about, "Remit", now).await?;
        Ok(tx.commit().await?)
    })
    .await
}
