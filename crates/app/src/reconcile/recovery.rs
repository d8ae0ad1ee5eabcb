//! R5: after a restored backup or a failover the providers know of money that the database has forgotten. Until their
//! history was replayed, no payment starts (hazard C9).

use remit_core::ids::ClinicId;
use remit_core::{DAY_MS, HOUR_MS, UtcMs};
use remit_store::providers::ProviderAccount;
use remit_store::{Store, installation, providers as accounts};

use super::{Compared, compare, let_go, read_events, wait_for_turn};
use crate::{App, Error, Result, inbox, providers};

/// Providers keep events for about 30 days (hazard A8).
const EVENTS_KEPT_MS: i64 = 30 * DAY_MS;
/// How far before the backup the replay begins: what was under way while it was taken.
const MARGIN_MS: i64 = HOUR_MS;
/// The row that says it.
const RECOVERING: &str = "recovering";
/// Batches of events applied by one replay: more than providers keep of a busy clinic.
const BATCHES_MAX: usize = 10_000;

/// Notes that the database was restored from a backup taken at `backup_at` (UTC ms): the next start replays what
/// happened since. For `remit restore`.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn restored(store: &Store, backup_at: UtcMs) -> Result<()> {
    let mut tx = store.begin_installation().await?;
    let now = tx.now().await?;
    installation::set(&mut tx, RECOVERING, &backup_at.to_string(), now).await?;
    Ok(tx.commit().await?)
}

/// Since when the history has to be replayed (UTC ms); `None` when nothing was restored.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn recovering_since(app: &App) -> Result<Option<UtcMs>> {
    let value = installation::get(&app.store, RECOVERING).await?;
    Ok(value.map(|at| at.parse().unwrap_or(0)))
}

/// Replays what happened since the backup, if one was restored; true when nothing is left to recover. An account that
/// cannot be reached keeps the installation recovering: ask again.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn recover(app: &App) -> Result<bool> {
    let Some(backup_at) = recovering_since(app).await? else {
        return Ok(true);
    };
    tracing::warn!("the database was restored: replaying what happened since the backup");
    let compared = replay(app, backup_at - MARGIN_MS, &|_, _| {}).await?;
    if compared.unreachable > 0 {
        let left = compared.unreachable;
        tracing::warn!(
            "{left} provider accounts cannot be reached: no payment starts before they were"
        );
        return Ok(false);
    }
    let mut tx = app.store.begin_installation().await?;
    installation::clear(&mut tx, RECOVERING).await?;
    tx.commit().await?;
    let recovered = compared.recovered;
    tracing::warn!("recovered {recovered} payments; payments may start again");
    Ok(true)
}

/// R5: events and R3 over the whole gap.
///
/// # Errors
/// The list of accounts could not be read; an account's own trouble is in the answer.
#[crate::boxed]
pub async fn replay(
    app: &App,
    since: UtcMs,
    told: &(dyn Fn(usize, usize) + Sync),
) -> Result<Compared> {
    let events_since = since.max(app.now().await? - EVENTS_KEPT_MS);
    for row in accounts::list(&app.store).await? {
        // What is missing of the events, the comparison below finds by itself.
        if let Err(error) = replay_events(app, &row, events_since).await {
            tracing::warn!(endpoint.id = %row.id, "events of {}: {error}", row.id);
        }
    }
    for _ in 0..BATCHES_MAX {
        if inbox::run(app).await? == 0 {
            break;
        }
    }
    compare(app, since, told).await
}

async fn replay_events(app: &App, row: &ProviderAccount, since: UtcMs) -> Result<()> {
    let account = providers::open(app, row.clone())?;
    if !wait_for_turn(app, &account).await? {
        return Ok(());
    }
    let read = read_events(app, &account, since).await;
    let_go(app, &account).await?;
    read.map(drop)
}

/// Whether a payment may start: not while a restored backup has not caught up.
pub(crate) async fn may_start(app: &App, clinic: ClinicId) -> Result<()> {
    match recovering_since(app).await? {
        None => Ok(()),
        Some(_) => {
            tracing::warn!(clinic.id = %clinic, "a payment has to wait for the recovery");
            Err(Error::unreachable())
        }
    }
}
