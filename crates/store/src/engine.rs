//! The two engines behind one API: statements, transactions, the clock, and the notices that live pages follow.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use remit_core::UtcMs;
use remit_core::ids::ClinicId;
use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{PgConnection, SqliteConnection};
use tokio::sync::broadcast;

use crate::connections::{ACQUIRE, Connections, Lent};
use crate::{Result, StoreError};

/// The WAL-reset bug can lose committed pages below this (hazard C2).
const SQLITE_OLDEST: (u32, u32, u32) = (3, 51, 3);
/// Readers of SQLite beside its one writer, and connections of one node to PostgreSQL.
const READERS: u32 = 4;
const PG_CONNECTIONS: u32 = 24;
/// A connection to PostgreSQL that idled for longer may have been hung up.
const PG_TRUSTED: Duration = Duration::from_secs(1);
const CHANNEL: &str = "remit";

/// One statement, as each engine reads it. They differ in row locks, in how the clock and a JSON array are
/// read, nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Sql {
    pub lite: &'static str,
    pub pg: &'static str,
}

macro_rules! lite_piece {
    (lock) => {
        ""
    };
    (skip_locked) => {
        ""
    };
    (now) => {
        "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)"
    };
    ((ids $n:literal)) => {
        concat!("(SELECT value FROM json_each($", $n, "))")
    };
    ((texts $n:literal)) => {
        concat!("json_each($", $n, ") AS j")
    };
    ((each $n:literal)) => {
        concat!("json_each($", $n, ") AS j")
    };
    (($($shared:tt)+)) => {
        $($shared)+
    };
    ($text:literal) => {
        $text
    };
}

macro_rules! pg_piece {
    (lock) => {
        // Not FOR UPDATE: that also waits for every row being written with a foreign key to this one, and two writers who
        // each hold such a row would wait for each other.
        " FOR NO KEY UPDATE"
    };
    (skip_locked) => {
        " FOR UPDATE SKIP LOCKED"
    };
    (now) => {
        "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"
    };
    ((ids $n:literal)) => {
        concat!("(SELECT jsonb_array_elements_text(CAST($", $n, " AS JSONB)))")
    };
    ((texts $n:literal)) => {
        concat!("jsonb_array_elements_text(CAST($", $n, " AS JSONB)) AS j (value)")
    };
    ((each $n:literal)) => {
        concat!("jsonb_array_elements(CAST($", $n, " AS JSONB)) AS j (value)")
    };
    (($($shared:tt)+)) => {
        $($shared)+
    };
    ($text:literal) => {
        $text
    };
}

/// Names statements and lists them in `ALL`. Pieces are literals, the holes `now`, `lock`, `skip_locked`, and for
/// many rows in one statement `(ids 2)`, a JSON array of texts bound as `$2`, `(texts 2)`, its rows as
/// `j.value`, and `(each 2)`, a JSON array of objects
/// whose fields are read as `j.value ->> 'field'`, which both engines answer with text or a number: cast numbers.
/// A macro in brackets, `(view!())`, is a text that several statements share.
macro_rules! statements {
    ($($name:ident = [$($piece:tt)+];)*) => {
        $(const $name: $crate::Sql = $crate::Sql {
            lite: concat!($(lite_piece!($piece)),+),
            pg: concat!($(pg_piece!($piece)),+),
        };)*
        pub(crate) const ALL: &[(&str, $crate::Sql)] = &[$((stringify!($name), $name)),*];
    };
}

macro_rules! on_tx {
    ($tx:expr, $t:ty, $run:ident, $q:expr $(, $b:expr)*) => {{
        $tx.count();
        // The binds are built before the connection is borrowed, so that they may ask the transaction for its clinic.
        if $tx.is_sqlite() {
            let query = sqlx::query_as::<_, $t>($q.lite)$(.bind($b))*;
            query.$run($tx.lite()?).await
        } else {
            let query = sqlx::query_as::<_, $t>($q.pg)$(.bind($b))*;
            query.$run($tx.pg()?).await
        }
        .map_err($crate::StoreError::from)
    }};
}

/// Runs a statement in a transaction; answers with the number of rows touched.
macro_rules! exec {
    ($tx:expr, $q:expr $(, $b:expr)* $(,)?) => {{
        $tx.count();
        if $tx.is_sqlite() {
            let query = sqlx::query($q.lite)$(.bind($b))*;
            query.execute($tx.lite()?).await.map(|done| done.rows_affected())
        } else {
            let query = sqlx::query($q.pg)$(.bind($b))*;
            query.execute($tx.pg()?).await.map(|done| done.rows_affected())
        }
        .map_err($crate::StoreError::from)
    }};
}

/// Rows of a statement in a transaction.
macro_rules! all {
    ($tx:expr, $t:ty, $q:expr $(, $b:expr)* $(,)?) => { on_tx!($tx, $t, fetch_all, $q $(, $b)*) };
}

/// At most one row of a statement in a transaction.
macro_rules! opt {
    ($tx:expr, $t:ty, $q:expr $(, $b:expr)* $(,)?) => { on_tx!($tx, $t, fetch_optional, $q $(, $b)*) };
}

macro_rules! on_store {
    ($store:expr, $t:ty, $run:ident, $q:expr $(, $b:expr)*) => {
        match $store.engine() {
            $crate::engine::Engine::Lite { read, .. } => {
                let query = sqlx::query_as::<_, $t>($q.lite)$(.bind($b))*;
                let mut lent = read.take().await?;
                let answer = query.$run(lent.get()?).await;
                lent.judge(answer)
            }
            $crate::engine::Engine::Pg(connections) => {
                let query = sqlx::query_as::<_, $t>($q.pg)$(.bind($b))*;
                let mut lent = connections.take().await?;
                let answer = query.$run(lent.get()?).await;
                lent.judge(answer)
            }
        }
    };
}

/// Rows of a read outside any transaction.
macro_rules! read_all {
    ($store:expr, $t:ty, $q:expr $(, $b:expr)* $(,)?) => { on_store!($store, $t, fetch_all, $q $(, $b)*) };
}

/// At most one row of a read outside any transaction.
macro_rules! read_opt {
    ($store:expr, $t:ty, $q:expr $(, $b:expr)* $(,)?) => { on_store!($store, $t, fetch_optional, $q $(, $b)*) };
}

pub(crate) enum Engine {
    /// One writer connection (hazard C1) and readers beside it.
    Lite {
        read: Connections<SqliteConnection>,
        write: Connections<SqliteConnection>,
    },
    Pg(Connections<PgConnection>),
}

struct Inner {
    engine: Engine,
    /// Where notices of other nodes are heard.
    url: String,
    notices: broadcast::Sender<Notice>,
    /// Added to the clock; moved by tests only.
    offset_ms: AtomicI64,
    statements: AtomicU64,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// Something changed: what live pages follow. Carries ids only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub clinic: String,
    /// Ids of what changed, such as a link and its appointment; `outbox` and `inbox` wake the worker.
    pub topics: Vec<String>,
}

impl Store {
    /// Opens `sqlite://path` (made if missing) or `postgres://...`. Does not migrate, see `migrate::run`.
    ///
    /// # Errors
    /// An unreadable address, a database that cannot be reached, or an SQLite below 3.51.3 (hazard C2).
    pub async fn open(url: &str) -> Result<Store> {
        let engine = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Engine::Pg(open_pg(url).await?)
        } else {
            open_lite(url).await?
        };
        let (notices, _) = broadcast::channel(1024);
        let inner = Inner {
            engine,
            url: url.to_owned(),
            notices,
            offset_ms: AtomicI64::new(0),
            statements: AtomicU64::new(0),
        };
        Ok(Store(Arc::new(inner)))
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.0.engine, Engine::Lite { .. })
    }

    /// The address of an SQLite database.
    ///
    /// # Errors
    /// [`StoreError::Refused`] on PostgreSQL.
    pub(crate) fn url(&self) -> Result<&str> {
        if self.is_sqlite() {
            return Ok(&self.0.url);
        }
        Err(StoreError::Refused(
            "PostgreSQL keeps its own backups: use pg_dump, or your provider's snapshots".into(),
        ))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Begins a clinic's transaction. On SQLite it holds the one writer, so never keep it over a call outside, and
    /// never begin a second one inside.
    ///
    /// # Errors
    /// [`StoreError::Retry`] when no connection came free in time.
    pub async fn begin(&self, clinic: ClinicId) -> Result<Tx> {
        self.begin_for(clinic.to_string()).await
    }

    /// Begins a transaction of the installation itself: sign-in, leases, the sandbox company.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin_installation(&self) -> Result<Tx> {
        self.begin_for(String::new()).await
    }

    /// For exactly one writing statement, which is durable as soon as it is answered: two trips to the database less.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin_single(&self, clinic: ClinicId) -> Result<Tx> {
        Ok(self.tx(clinic.to_string(), self.take_writer().await?))
    }

    async fn take_writer(&self) -> Result<Conn> {
        Ok(match &self.0.engine {
            Engine::Lite { write, .. } => Conn::Lite(write.take().await?),
            Engine::Pg(connections) => Conn::Pg(connections.take().await?),
        })
    }

    async fn begin_for(&self, clinic: String) -> Result<Tx> {
        let mut conn = self.take_writer().await?;
        match &mut conn {
            Conn::Lite(lent) => lent.begin("BEGIN IMMEDIATE").await?,
            Conn::Pg(lent) => lent.begin("BEGIN").await?,
        }
        Ok(self.tx(clinic, conn))
    }

    fn tx(&self, clinic: String, conn: Conn) -> Tx {
        Tx {
            clinic,
            conn,
            store: self.clone(),
            topics: Vec::new(),
        }
    }

    /// The database's clock, which decides on every node (hazard B6).
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn now(&self) -> Result<UtcMs> {
        let row = read_opt!(self, (i64,), NOW)?;
        Ok(self.shifted(row.map_or(0, |(now,)| now)))
    }

    pub(crate) fn shifted(&self, now: UtcMs) -> UtcMs {
        now + self.0.offset_ms.load(Ordering::Relaxed)
    }

    /// This process's clock, for what cannot wait for the database: the sandbox company.
    pub fn wall_clock(&self) -> UtcMs {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        self.shifted(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Moves this node's clock; for tests of expiry.
    pub fn shift_clock(&self, ms: i64) {
        self.0.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Follows what changes. A slow follower may miss notices and must then look anew.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// Statements run in transactions since the start; a test counts them per verb.
    pub fn statements_run(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// Passes other nodes' notices on, for ever. On SQLite there is one node and nothing to do.
    ///
    /// # Errors
    /// The connection could not be made; once made, it reconnects by itself. What is lost meanwhile is why live pages
    /// also look anew when they reconnect, and the worker also polls.
    pub async fn follow_other_nodes(&self) -> Result<()> {
        if self.is_sqlite() {
            return Ok(());
        }
        let mut listener = PgListener::connect(&self.0.url).await?;
        listener.listen(CHANNEL).await?;
        loop {
            let notification = listener.recv().await?;
            if let Some(notice) = Notice::read(notification.payload()) {
                // No follower is no error.
                let _ = self.0.notices.send(notice);
            }
        }
    }

    /// Waits for open work and closes every connection, so that SQLite folds its log.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Lite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Engine::Pg(connections) => connections.close().await,
        }
    }
}

statements! {
    NOW = ["SELECT " now " AS now"];
}

async fn open_pg(url: &str) -> Result<Connections<PgConnection>> {
    // Statements take a millisecond or two; compiling one takes 25.
    let options = PgConnectOptions::from_str(url)?.options([("jit", "off")]);
    let connections = Connections::new(options, PG_CONNECTIONS, Some(PG_TRUSTED));
    // An address that leads nowhere is told at the start.
    connections.take().await?;
    Ok(connections)
}

async fn open_lite(url: &str) -> Result<Engine> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE)
        .statement_cache_capacity(256);
    // The writer first: it creates the file.
    let write = Connections::new(options.clone(), 1, None);
    refuse_old_sqlite(&write).await?;
    let options = options.read_only(true).pragma("query_only", "on");
    let read = Connections::new(options, READERS, None);
    Ok(Engine::Lite { read, write })
}

async fn refuse_old_sqlite(write: &Connections<SqliteConnection>) -> Result<()> {
    let (version,): (String,) = sqlx::query_as("SELECT sqlite_version()")
        .fetch_one(write.take().await?.get()?)
        .await?;
    if sqlite_is_sound(&version) {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "SQLite {version} can lose committed data; Remit needs 3.51.3 or newer"
    )))
}

/// Whether a version of SQLite is free of the WAL-reset bug; 3.52.0 was withdrawn (hazard C2).
pub fn sqlite_is_sound(version: &str) -> bool {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    version >= SQLITE_OLDEST && version != (3, 52, 0)
}

pub(crate) enum Conn {
    Lite(Lent<SqliteConnection>),
    Pg(Lent<PgConnection>),
}

/// An open transaction of one clinic. Dropped without `commit` it leaves nothing. After any error drop it: PostgreSQL
/// has aborted it, SQLite has not, so code that goes on would behave differently.
pub struct Tx {
    clinic: String,
    conn: Conn,
    store: Store,
    topics: Vec<String>,
}

impl Tx {
    pub(crate) fn lite(&mut self) -> Result<&mut SqliteConnection> {
        match &mut self.conn {
            Conn::Lite(lent) => lent.get(),
            Conn::Pg(_) => Err(StoreError::Refused(
                "this transaction is PostgreSQL's".into(),
            )),
        }
    }

    pub(crate) fn pg(&mut self) -> Result<&mut PgConnection> {
        match &mut self.conn {
            Conn::Pg(lent) => lent.get(),
            Conn::Lite(_) => Err(StoreError::Refused("this transaction is SQLite's".into())),
        }
    }

    pub(crate) fn count(&self) {
        self.store.0.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn clinic(&self) -> String {
        self.clinic.clone()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.conn, Conn::Lite(_))
    }

    pub(crate) fn shifted(&self, now: UtcMs) -> UtcMs {
        self.store.shifted(now)
    }

    /// The database's clock. Read it under the lock row: what was decided before someone else's commit is old.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn now(&mut self) -> Result<UtcMs> {
        let row = opt!(self, (i64,), NOW)?;
        let store = self.store.clone();
        Ok(store.shifted(row.map_or(0, |(now,)| now)))
    }

    /// Tells live pages and workers of every node, once committed.
    pub fn tell(&mut self, topic: impl Into<String>) {
        let topic = topic.into();
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
    }

    /// Makes everything durable, then tells.
    ///
    /// # Errors
    /// The commit may have held although its answer was lost (hazard C7): repeat only what carries a natural key.
    pub async fn commit(mut self) -> Result<()> {
        let notice = (!self.topics.is_empty()).then(|| Notice {
            clinic: self.clinic.clone(),
            topics: std::mem::take(&mut self.topics),
        });
        match self.conn {
            Conn::Lite(lent) => {
                lent.commit(None).await?;
                if let Some(notice) = notice {
                    // No follower is no error.
                    let _ = self.store.0.notices.send(notice);
                }
            }
            Conn::Pg(lent) => {
                let told = notice.map(|notice| notice.statement());
                lent.commit(told).await?;
            }
        }
        Ok(())
    }
}

impl Notice {
    /// Tells the other nodes, once committed.
    fn statement(&self) -> String {
        let payload = self.written().replace('\'', "''");
        format!("SELECT pg_notify('{CHANNEL}', '{payload}')")
    }

    fn written(&self) -> String {
        format!(
            "{} {}",
            if self.clinic.is_empty() {
                "-"
            } else {
                &self.clinic
            },
            self.topics.join(" ")
        )
    }

    fn read(payload: &str) -> Option<Notice> {
        let mut words = payload.split(' ');
        let clinic = words.next()?.trim_start_matches('-').to_owned();
        Some(Notice {
            clinic,
            topics: words.map(str::to_owned).collect(),
        })
    }
}

/// Runs a script of several statements, for migrations only.
pub(crate) async fn script(tx: &mut Tx, text: String) -> Result<()> {
    let script = sqlx::raw_sql(sqlx::AssertSqlSafe(text));
    if tx.is_sqlite() {
        script.execute(tx.lite()?).await?;
    } else {
        script.execute(tx.pg()?).await?;
    }
    Ok(())
}

/// Prepares a statement without running it, for the test that tries them all.
///
/// # Errors
/// The engine's own complaint.
pub async fn prepare(store: &Store, sql: Sql) -> Result<()> {
    use sqlx::{Executor, SqlSafeStr};
    match store.engine() {
        Engine::Lite { write, .. } => {
            let mut lent = write.take().await?;
            let answer = lent.get()?.prepare(sql.lite.into_sql_str()).await.map(drop);
            lent.judge(answer)
        }
        Engine::Pg(connections) => {
            let mut lent = connections.take().await?;
            let answer = lent.get()?.prepare(sql.pg.into_sql_str()).await.map(drop);
            lent.judge(answer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_can_lose_pages_is_refused() {
        for (version, sound) in [
            ("3.51.3", true),
            ("3.53.0", true),
            ("3.51.2", false),
            ("3.46.0", false),
            ("3.52.0", false),
            ("x", false),
        ] {
            assert_eq!(sqlite_is_sound(version), sound, "{version}");
        }
    }

    #[test]
    fn a_notice_reads_back() {
        let notice = Notice {
            clinic: "cln_1".into(),
            topics: vec!["lnk_1".into(), "outbox".into()],
        };
        assert_eq!(Notice::read(&notice.written()), Some(notice));
    }
}
