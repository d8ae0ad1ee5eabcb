//! Safe copies of an SQLite database while it is in use, and what has to be known of one before it is put back.
//! PostgreSQL has its own tools for that.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use remit_core::UtcMs;
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{Connection as _, SqliteConnection};

use crate::{Result, Store, StoreError, installation};

/// The row of a copy that says when it was taken (UTC ms).
const TAKEN: &str = "backup_taken";

fn refused<T>(why: impl Into<String>) -> Result<T> {
    Err(StoreError::Refused(why.into()))
}

/// Copies the database as it stands at one moment into a new file, which also says when that was. Work goes on meanwhile.
/// The file is whole when this answers; what a failure leaves of it is no backup.
///
/// # Errors
/// [`StoreError::Refused`] on PostgreSQL, for a file that is there already, and for a copy that is not sound;
/// [`StoreError::Full`]; or the engine's own.
pub async fn copy(store: &Store, to: &Path) -> Result<UtcMs> {
    let Some(path) = to.to_str() else {
        return refused("the backup's path is not readable text");
    };
    if to.exists() {
        return refused(format!("{path} is there already: choose another name"));
    }
    // Before the copy: what is written while it is taken is replayed rather than missed.
    let at = store.now().await?;
    let mut source = reader(store.url()?).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(path)
        .execute(&mut source)
        .await?;
    source.close().await?;
    let copied = Store::open(&format!("sqlite://{path}")).await?;
    let mut tx = copied.begin_installation().await?;
    installation::set(&mut tx, TAKEN, &at.to_string(), at).await?;
    tx.commit().await?;
    copied.close().await;
    proven(to).await?;
    Ok(at)
}

/// When a backup was taken (UTC ms), once it is proven to be whole and one of ours.
///
/// # Errors
/// [`StoreError::Refused`] says what is wrong with it; or the engine's own.
pub async fn proven(file: &Path) -> Result<UtcMs> {
    let shown = file.display();
    if !file.is_file() {
        return refused(format!("{shown} is not there"));
    }
    let mut copy = reader(&format!("sqlite://{shown}")).await?;
    let no_database = || StoreError::Refused(format!("{shown} is not a backup of Remit"));
    let (verdict,): (String,) = sqlx::query_as("PRAGMA integrity_check(1)")
        .fetch_one(&mut copy)
        .await
        .map_err(|_| no_database())?;
    if verdict != "ok" {
        return refused(format!(
            "{shown} is damaged ({verdict}): take an older backup"
        ));
    }
    let taken: Option<(String,)> = sqlx::query_as("SELECT value FROM installation WHERE name = $1")
        .bind(TAKEN)
        .fetch_optional(&mut copy)
        .await
        .map_err(|_| no_database())?;
    copy.close().await?;
    let at = taken.and_then(|(at,)| at.parse().ok());
    at.ok_or_else(no_database)
}

/// Whether another process works with a database; no is an answer for this moment only.
///
/// # Errors
/// The engine's own.
pub async fn is_in_use(url: &str) -> Result<bool> {
    // Exclusive locking asks for the file as a whole, which every open connection in WAL mode holds a part of.
    let options = SqliteConnectOptions::from_str(url)?
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(Duration::ZERO);
    let asked = async {
        let mut alone = SqliteConnection::connect_with(&options).await?;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut alone).await?;
        sqlx::query("ROLLBACK").execute(&mut alone).await?;
        alone.close().await
    };
    match asked.await.map_err(StoreError::from) {
        Ok(()) => Ok(false),
        Err(StoreError::Retry) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The file of an SQLite address; none for PostgreSQL.
///
/// # Errors
/// An unreadable address.
pub fn file_of(url: &str) -> Result<Option<PathBuf>> {
    if !url.starts_with("sqlite:") {
        return Ok(None);
    }
    let options = SqliteConnectOptions::from_str(url)?;
    Ok(Some(options.get_filename().to_path_buf()))
}

async fn reader(url: &str) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::from_str(url)?.read_only(true);
    Ok(SqliteConnection::connect_with(&options).await?)
}
