//! Schema changes: embedded, one transaction each with its bookkeeping row, safe when several nodes start at once,
//! refusing a newer schema (hazard C8).

use sha2::{Digest, Sha256};

use crate::engine::script;
use crate::{Result, Store, StoreError, Tx};

struct Migration {
    version: i64,
    /// Text for both engines with holes, and what only one of them needs.
    common: &'static str,
    lite: &'static str,
    pg: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        common: include_str!("../migrations/0001_start.sql"),
        lite: include_str!("../migrations/0001_start.lite.sql"),
        pg: include_str!("../migrations/0001_start.pg.sql"),
    },
    Migration {
        version: 2,
        common: include_str!("../migrations/0002_books.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 3,
        common: include_str!("../migrations/0003_disputes.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 4,
        common: include_str!("../migrations/0004_providers.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 5,
        common: include_str!("../migrations/0005_sending_limits.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 6,
        common: include_str!("../migrations/0006_email_for_providers.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 7,
        common: include_str!("../migrations/0007_messaging.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 8,
        common: include_str!("../migrations/0008_message_templates.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 9,
        common: include_str!("../migrations/0009_reminders.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 10,
        common: include_str!("../migrations/0010_receipts.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 11,
        common: include_str!("../migrations/0011_staff.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 12,
        common: include_str!("../migrations/0012_branding.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 13,
        common: include_str!("../migrations/0013_patients.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 14,
        common: include_str!("../migrations/0014_practitioners.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 15,
        common: include_str!("../migrations/0015_corrections.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 16,
        common: include_str!("../migrations/0016_quantity.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 17,
        common: include_str!("../migrations/0017_bounces.sql"),
        lite: "",
        pg: "",
    },
    Migration {
        version: 18,
        common: include_str!("../migrations/0018_clinic_pages.sql"),
        lite: "",
        pg: "",
    },
];

/// The schema that this release knows.
pub const CURRENT: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The versions that an empty database is brought through, in order.
pub fn versions() -> Vec<i64> {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .collect()
}

statements! {
    MADE = ["INSERT INTO schema_migration (version, checksum, applied_at) VALUES ($1, $2, " now ")"];
    APPLIED = ["SELECT version, checksum FROM schema_migration ORDER BY version"];
}

const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
    version {int} NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at {int} NOT NULL) {strict}";

/// Brings the schema up to this release; answers with the versions applied now.
///
/// # Errors
/// [`StoreError::Newer`], [`StoreError::Altered`], or the engine's own.
pub async fn run(store: &Store) -> Result<Vec<i64>> {
    let mut applied = Vec::new();
    for migration in MIGRATIONS {
        let mut tx = store.begin_installation().await?;
        lock(&mut tx).await?;
        let known = known(&mut tx).await?;
        if known
            .iter()
            .any(|(version, _)| *version == migration.version)
        {
            continue;
        }
        script(&mut tx, migration.text(store.is_sqlite())).await?;
        exec!(tx, MADE, migration.version, migration.checksum())?;
        tx.commit().await?;
        applied.push(migration.version);
    }
    Ok(applied)
}

/// Whether the schema is this release's, for `/readyz` and for commands that must not migrate.
///
/// # Errors
/// The database cannot be reached, or is newer.
pub async fn is_current(store: &Store) -> Result<bool> {
    match read_all!(store, (i64, String), APPLIED) {
        Ok(rows) => {
            refuse_strangers(&rows)?;
            Ok(rows.len() == MIGRATIONS.len())
        }
        Err(StoreError::Other(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// One node migrates at a time: SQLite by its writer lock (BEGIN IMMEDIATE), PostgreSQL by an advisory lock.
async fn lock(tx: &mut Tx) -> Result<()> {
    if !tx.is_sqlite() {
        script(tx, "SELECT pg_advisory_xact_lock(8207364516)".to_owned()).await?;
    }
    let bookkeeping = fill(BOOKKEEPING, tx.is_sqlite());
    script(tx, bookkeeping).await
}

async fn known(tx: &mut Tx) -> Result<Vec<(i64, String)>> {
    let rows = all!(tx, (i64, String), APPLIED)?;
    refuse_strangers(&rows)?;
    Ok(rows)
}

fn refuse_strangers(rows: &[(i64, String)]) -> Result<()> {
    for (version, checksum) in rows {
        match MIGRATIONS
            .iter()
            .find(|migration| migration.version == *version)
        {
            None => {
                return Err(StoreError::Newer {
                    found: *version,
                    known: CURRENT,
                });
            }
            Some(ours) if ours.checksum() != *checksum => {
                return Err(StoreError::Altered(*version));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

impl Migration {
    fn text(&self, lite: bool) -> String {
        fill(self.common, lite) + if lite { self.lite } else { self.pg }
    }

    fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.common, self.lite, self.pg] {
            hash.update(part.as_bytes());
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn fill(text: &str, lite: bool) -> String {
    let holes = if lite {
        [
            ("{int}", "INTEGER"),
            ("{blob}", "BLOB"),
            ("{strict}", "STRICT"),
            ("{text_c}", "TEXT"),
        ]
    } else {
        [
            ("{int}", "BIGINT"),
            ("{blob}", "BYTEA"),
            ("{strict}", ""),
            ("{text_c}", "TEXT COLLATE \"C\""),
        ]
    };
    holes.iter().fold(text.to_owned(), |text, (hole, word)| {
        text.replace(hole, word)
    })
}

/// Makes a PostgreSQL schema, for tests that share one database.
///
/// # Errors
/// The engine's own; refused on SQLite.
pub async fn own_schema(store: &Store, name: &str) -> Result<()> {
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if store.is_sqlite() || !plain {
        return Err(StoreError::Refused(
            "a schema needs PostgreSQL and a plain name".into(),
        ));
    }
    let mut tx = store.begin_installation().await?;
    script(
        &mut tx,
        format!("DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}"),
    )
    .await?;
    tx.commit().await
}
