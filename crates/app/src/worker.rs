//! The background work: any number of nodes may run it, every task acts on stored state alone, so the path after a
//! crash is the everyday path.

use std::sync::Arc;
use std::time::Duration;

use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::inbox::{self, Inbox};
use crate::outbox::Outbox;
use crate::{
    App, Result, clinics, digests, expire, idempotency, messaging, queue, reconcile, reminders,
    sandbox, visits,
};

/// How long a task rests when nothing wakes it. Notices wake it at once; this is for a lost one.
pub(crate) const NAP: Duration = Duration::from_secs(1);
/// How often the providers' lists of events and movements are read, and everything is compared.
const LISTS_EVERY: Duration = Duration::from_secs(300);
/// How often a recovery that could not reach every provider goes on.
const RECOVER_EVERY: Duration = Duration::from_secs(30);
/// When the invariants are looked at first; then as often as the sweep asks, which does nothing within the hour.
const CHECK_FIRST: Duration = Duration::from_secs(120);
/// How often it is looked whether a clinic's daily digest is due.
const DIGEST_EVERY: Duration = Duration::from_secs(30);
/// How often it is looked whether a mailbox is due.
const MAILBOXES_EVERY: Duration = Duration::from_secs(5);
const COMPARE_EVERY: Duration = Duration::from_secs(24 * 3600);
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// How long a shutdown waits for work under way; what is cut off comes back when its lease ends.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// Starts every task; they end when `stop` turns true. The returned future ends when they have, or are cut off.
pub fn start(app: Arc<App>, stop: watch::Receiver<bool>) -> impl Future<Output = ()> + Send {
    let mut tasks = JoinSet::new();
    tasks.spawn(queue::work::<Outbox>(app.clone(), stop.clone()));
    tasks.spawn(queue::work::<Inbox>(app.clone(), stop.clone()));
    tasks.spawn(rounds(app.clone(), stop.clone()));
    tasks.spawn(seldom(app.clone(), stop.clone()));
    tasks.spawn(mailboxes(app.clone(), stop.clone()));
    tasks.spawn(follow(app.clone(), stop.clone()));
    tasks.spawn(forget_changed(app.clone(), stop.clone()));
    if let Some(company) = app.company() {
        let mut stop = stop.clone();
        tasks.spawn(async move {
            company
                .deliver_webhooks(async move { stopped(&mut stop).await })
                .await;
        });
    }
    let mut stop = stop;
    async move {
        // The wait below is for a shutdown: without this line the work itself would end with it.
        stopped(&mut stop).await;
        let rest = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_WAIT, rest).await.is_err() {
            tracing::info!("work cut off by the shutdown goes on at the next start");
        }
    }
}

pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// What is looked at every second: expiry, live attempts, fetched pages.
async fn rounds(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        log("expiry", expire::run(&app).await);
        log("reminders", reminders::run(&app).await);
        log(
            "live attempts",
            reconcile::look_at_live_attempts(&app).await,
        );
        log("visits", visits::write_fetched(&app).await);
        log("refused webhooks", inbox::write_refused(&app).await);
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(NAP) => {}
        }
    }
}

/// What is done every few minutes to once a day. A restored backup comes first: the lists are no use before it has
/// caught up, and it goes on until every provider was reached.
async fn seldom(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let start = Instant::now();
    let mut digest_at = start;
    let (mut lists_at, mut sweep_at, mut compare_at, mut check_at) = (
        start,
        start + SWEEP_EVERY,
        start + Duration::from_secs(60),
        start + CHECK_FIRST,
    );
    let mut recovered = false;
    log("sandbox accounts", sandbox::register_accounts(&app).await);
    loop {
        let now = Instant::now();
        if now >= lists_at {
            recovered = recovered || recover(&app).await;
            log("lists", reconcile::read_lists(&app).await);
            lists_at = now
                + if recovered {
                    LISTS_EVERY
                } else {
                    RECOVER_EVERY
                };
        }
        if now >= digest_at {
            log("digest", digests::run(&app).await);
            digest_at = now + DIGEST_EVERY;
        }
        if now >= sweep_at {
            log("sweep", sweep(&app).await);
            sweep_at = now + SWEEP_EVERY;
        }
        if now >= compare_at {
            log("comparison", compare(&app).await);
            log("tallies", fold_tallies(&app).await);
            compare_at = now + COMPARE_EVERY;
        }
        if now >= check_at {
            log("invariants", reconcile::check_invariants(&app).await);
            log("hash chains", reconcile::check_chains(&app).await);
            check_at = now + SWEEP_EVERY;
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(Duration::from_secs(5)) => {}
        }
    }
}

/// Mailboxes for emails that came back. A task of its own: a mail server may be slow.
async fn mailboxes(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        log("bounces", messaging::read_bounces(&app).await);
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(MAILBOXES_EVERY) => {}
        }
    }
}

async fn recover(app: &App) -> bool {
    reconcile::recover(app).await.unwrap_or_else(|error| {
        tracing::warn!("the recovery has to wait: {error}");
        false
    })
}

/// Folds the tallies of days that are long over, so that the tabs stay fast for ever.
async fn fold_tallies(app: &App) -> Result<()> {
    const DAYS_A_RUN_MAX: u32 = 400;
    for clinic in clinics::list(app).await? {
        for _ in 0..DAYS_A_RUN_MAX {
            let mut tx = app.store.begin(clinic.id).await?;
            let now = tx.now().await?;
            let folded = remit_store::links::fold_tallies(&mut tx, now - 4 * DAY_MS).await?;
            tx.commit().await?;
            if folded == 0 {
                break;
            }
        }
    }
    Ok(())
}

async fn compare(app: &App) -> Result<()> {
    let since = app.now().await? - reconcile::COMPARE_MS;
    let compared = reconcile::compare(app, since, &|_, _| {}).await?;
    if compared.recovered > 0 || !compared.is_clean() {
        tracing::warn!("comparison with the providers: {compared:?}");
    }
    Ok(())
}

/// Forgets what is over: sessions, kept answers, counted windows.
async fn sweep(app: &App) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    let now = tx.now().await?;
    remit_store::staff::sweep_sessions(&mut tx, now, now - crate::sign_in::IDLE_MS).await?;
    remit_store::idempotency::sweep(&mut tx, now - idempotency::KEPT_MS - HOUR_MS).await?;
    remit_store::throttle::sweep(&mut tx, now - DAY_MS - MINUTE_MS).await?;
    // A day of a clinic begins at most 14 hours before or after the same one of UTC, and has at most 25 hours.
    remit_store::sending_limits::sweep(&mut tx, now - 3 * DAY_MS).await?;
    Ok(tx.commit().await?)
}

/// Passes other nodes' notices on; connects again when the connection is lost.
async fn follow(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            done = app.store.follow_other_nodes() => match done {
                Ok(()) => return,
                Err(error) => tracing::warn!("following other nodes: {error}"),
            },
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(NAP) => {}
        }
    }
}

/// Forgets a remembered clinic when any node changed it.
async fn forget_changed(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut notices = app.notices();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            notice = notices.recv() => if let Ok(notice) = notice
                && notice.topics.iter().any(|topic| topic == "clinic")
                && let Ok(clinic) = notice.clinic.parse()
            {
                clinics::forget(&app, clinic);
            },
        }
    }
}

fn log<T>(what: &str, done: Result<T>) {
    if let Err(error) = done {
        tracing::warn!("{what} has to wait: {error}");
    }
}

/// Whether this node can serve: the database answers and its schema is this release's.
///
/// # Errors
/// The database cannot be reached.
#[crate::boxed]
pub async fn is_ready(app: &App) -> Result<bool> {
    Ok(remit_store::migrate::is_current(&app.store).await?)
}

/// Whether a database has this release's schema.
///
/// # Errors
/// The database cannot be reached, or is newer.
#[crate::boxed]
pub async fn is_current(store: &remit_store::Store) -> Result<bool> {
    Ok(remit_store::migrate::is_current(store).await?)
}

/// Brings the schema up to this release; answers with the versions applied now.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn migrate(store: &remit_store::Store) -> Result<Vec<i64>> {
    Ok(remit_store::migrate::run(store).await?)
}

/// What a process does first: on SQLite it is the only one, so whatever an earlier one left under way is its own.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn take_over(app: &App) -> Result<()> {
    if app.store.is_sqlite() {
        let mut tx = app.store.begin_installation().await?;
        remit_store::idempotency::abandon_all(&mut tx).await?;
        remit_store::outbox::release_all(&mut tx).await?;
        remit_store::inbox::release_all(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Every invariant with what breaks it: up to 20 ids, none when it holds.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn check(store: &remit_store::Store) -> Result<Vec<(&'static str, Vec<String>)>> {
    let verdicts = remit_store::check::run(store).await?;
    Ok(verdicts
        .into_iter()
        .map(|verdict| (verdict.name, verdict.broken))
        .collect())
}
