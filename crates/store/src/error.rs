//! What can go wrong with the memory, sorted by who can mend it.

/// The answer of every function of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer was first; the whole verb may be run again.
    #[error("the database is busy with another writer")]
    Retry,
    /// A unique key is taken. On SQLite the name is the columns, on PostgreSQL the index: never match on it.
    #[error("already there: {0}")]
    Unique(String),
    /// The disk is full. The transaction is gone already (hazard C4).
    #[error("the database's disk is full")]
    Full,
    /// Stored text that this release cannot read.
    #[error("unreadable {0} in the database")]
    Corrupt(&'static str),
    /// The schema was made by a newer release.
    #[error("the database has schema {found}, this release knows {known}: use the newer release")]
    Newer { found: i64, known: i64 },
    /// A migration that was applied is not the one this release has.
    #[error(
        "migration {0} was applied in another form: restore the backup or the release that made it"
    )]
    Altered(i64),
    #[error("{0}")]
    Refused(String),
    #[error("database: {0}")]
    Other(#[from] Box<sqlx::Error>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return StoreError::Retry;
        }
        if let sqlx::Error::Database(database) = &error {
            if database.is_unique_violation() {
                return StoreError::Unique(
                    database
                        .constraint()
                        .unwrap_or(database.message())
                        .to_owned(),
                );
            }
            let lite = database
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some();
            match database.code().as_deref() {
                Some("40001" | "40P01" | "55P03") if !lite => return StoreError::Retry,
                Some("53100") if !lite => return StoreError::Full,
                // sqlx gives SQLite's extended code as text; the low byte is the primary code.
                Some(code) if lite => match code.parse::<i32>().unwrap_or(0) & 0xff {
                    5 | 6 => return StoreError::Retry,
                    13 => return StoreError::Full,
                    _ => {}
                },
                _ => {}
            }
        }
        StoreError::Other(Box::new(error))
    }
}

/// Reads stored text into a type of core.
pub(crate) fn read<T>(parsed: Option<T>, what: &'static str) -> Result<T> {
    parsed.ok_or(StoreError::Corrupt(what))
}

pub(crate) fn id<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Corrupt(what))
}

pub(crate) fn id_opt<T: std::str::FromStr>(
    text: &Option<String>,
    what: &'static str,
) -> Result<Option<T>> {
    text.as_deref().map(|text| id(text, what)).transpose()
}
