//! Connections to the database, lent one at a time.
//!
//! The pool of sqlx asks a connection whether it still lives both when it lends it and when it gets it back. On SQLite
//! each of these is a trip to another thread, for a file that cannot hang up; on PostgreSQL a trip to the server. So
//! connections are lent here instead: one that idled for a while is asked first, one that failed is closed, and one
//! that comes back in the midst of a transaction is rolled back before anybody else gets it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Result, StoreError};

/// How long a command waits for a connection before it answers "busy".
pub(crate) const ACQUIRE: Duration = Duration::from_secs(5);

/// What can be lent: a connection of either engine.
pub(crate) trait Lendable: Connection<Options: Clone> + Send + 'static {
    /// Statements without parameters, in one trip. Never anything that came from outside.
    fn run(&mut self, statements: String) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Lendable for SqliteConnection {
    async fn run(&mut self, statements: String) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(statements));
        script.execute(self).await.map(drop)
    }
}

impl Lendable for PgConnection {
    async fn run(&mut self, statements: String) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(statements));
        script.execute(self).await.map(drop)
    }
}

/// Lends connections of one kind, the one that came back last first.
pub(crate) struct Connections<C: Lendable>(Arc<Shelf<C>>);

struct Shelf<C: Lendable> {
    options: C::Options,
    most: u32,
    /// Idle for longer than this, a connection is asked whether it lives; `None`: it cannot die.
    trusted: Option<Duration>,
    free: Arc<Semaphore>,
    idle: Mutex<Vec<(C, Instant)>>,
}

impl<C: Lendable> Connections<C> {
    pub(crate) fn new(options: C::Options, most: u32, trusted: Option<Duration>) -> Self {
        Connections(Arc::new(Shelf {
            options,
            most,
            trusted,
            free: Arc::new(Semaphore::new(most as usize)),
            idle: Mutex::new(Vec::new()),
        }))
    }

    /// A connection that works, in nobody's transaction.
    ///
    /// # Errors
    /// [`StoreError::Retry`] when none came free in time; or the engine's own when none could be made.
    pub(crate) async fn take(&self) -> Result<Lent<C>> {
        let permit = tokio::time::timeout(ACQUIRE, self.0.free.clone().acquire_owned())
            .await
            .map_err(|_| StoreError::Retry)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        while let Some((mut connection, since)) = self.0.pop() {
            let trusted = self.0.trusted.is_none_or(|span| since.elapsed() < span);
            if trusted || connection.ping().await.is_ok() {
                return Ok(self.lend(connection, permit));
            }
        }
        let connection = C::connect_with(&self.0.options).await?;
        Ok(self.lend(connection, permit))
    }

    fn lend(&self, connection: C, permit: OwnedSemaphorePermit) -> Lent<C> {
        Lent {
            out: Some((connection, permit)),
            state: State::Clean,
            shelf: self.0.clone(),
        }
    }

    /// Waits until all are back, then closes them.
    pub(crate) async fn close(&self) {
        // Who is still at work gets as long as a command waits for a connection; after that the engine recovers.
        let all_back = self.0.free.acquire_many(self.0.most);
        let waited = tokio::time::timeout(ACQUIRE, all_back).await;
        self.0.free.close();
        drop(waited);
        while let Some((connection, _)) = self.0.pop() {
            if let Err(error) = connection.close().await {
                tracing::warn!("a database connection did not close cleanly: {error}");
            }
        }
    }
}

impl<C: Lendable> Shelf<C> {
    fn pop(&self) -> Option<(C, Instant)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn push(&self, connection: C) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, Instant::now()));
    }
}

/// In which state a connection comes back.
enum State {
    Clean,
    InTransaction,
    /// It failed outside a transaction: nobody knows what it would answer next.
    Suspect,
}

/// A connection on loan; it goes back when dropped.
pub(crate) struct Lent<C: Lendable> {
    /// Taken out only by `drop`.
    out: Option<(C, OwnedSemaphorePermit)>,
    state: State,
    shelf: Arc<Shelf<C>>,
}

impl<C: Lendable> Lent<C> {
    /// # Errors
    /// None while it is on loan.
    pub(crate) fn get(&mut self) -> Result<&mut C> {
        match &mut self.out {
            Some((connection, _)) => Ok(connection),
            None => Err(StoreError::Refused("this connection was given back".into())),
        }
    }

    /// # Errors
    /// The engine's own; on SQLite also that another process holds the writer.
    pub(crate) async fn begin(&mut self, statement: &'static str) -> Result<()> {
        // From here on, also if this future is dropped half way.
        self.state = State::InTransaction;
        Ok(self.get()?.run(statement.to_owned()).await?)
    }

    /// Ends the transaction, if one was begun, with a last statement on the same trip.
    ///
    /// # Errors
    /// The commit may have held although its answer was lost (hazard C7).
    pub(crate) async fn commit(mut self, last: Option<String>) -> Result<()> {
        let commit = matches!(self.state, State::InTransaction).then(|| "COMMIT".to_owned());
        let statements: Vec<String> = last.into_iter().chain(commit).collect();
        if !statements.is_empty() {
            self.get()?.run(statements.join("; ")).await?;
        }
        self.state = State::Clean;
        Ok(())
    }

    /// The last answer, passed on; after an error the connection is not lent again.
    pub(crate) fn judge<T>(&mut self, answer: sqlx::Result<T>) -> Result<T> {
        if answer.is_err() {
            self.state = State::Suspect;
        }
        Ok(answer?)
    }
}

impl<C: Lendable> Drop for Lent<C> {
    fn drop(&mut self) {
        let Some((mut connection, permit)) = self.out.take() else {
            return;
        };
        match self.state {
            State::Clean => {
                self.shelf.push(connection);
                drop(permit);
            }
            State::InTransaction => {
                let shelf = self.shelf.clone();
                // Without a runtime the process is ending, and the engine rolls back by itself.
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move {
                        if connection.run("ROLLBACK".to_owned()).await.is_ok() {
                            shelf.push(connection);
                        }
                        drop(permit);
                    });
                }
            }
            State::Suspect => {}
        }
    }
}
