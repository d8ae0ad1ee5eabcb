//! A database of its own for each test, on either engine.

use std::path::PathBuf;

use remit_store::{Store, migrate};
use sqlx::{AssertSqlSafe, Row};

/// Declares one test as two, `sqlite` and `postgres`, each with a database of its own.
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($place:ident: Place) $body:block)*) => { $(
        mod $name {
            use super::*;

            async fn run($place: Place) $body

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn sqlite() {
                run(Place::sqlite(concat!(module_path!(), "::sqlite")).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            $(#[$attribute])*
            async fn postgres() {
                if let Some(place) = Place::postgres(concat!(module_path!(), "::postgres")).await {
                    run(place).await;
                }
            }
        }
    )* };
}

/// An empty database.
pub struct Place {
    pub url: String,
    pub store: Store,
    folder: Option<PathBuf>,
}

impl Place {
    pub async fn sqlite(name: &str) -> Place {
        let folder = std::env::temp_dir().join(format!("remit-{}", plain(name)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite://{}", folder.join("remit.db").display());
        let store = Store::open(&url).await.unwrap();
        Place {
            url,
            store,
            folder: Some(folder),
        }
    }

    /// A schema of its own, so that tests do not meet.
    pub async fn postgres(name: &str) -> Option<Place> {
        let Ok(url) = std::env::var("REMIT_TEST_POSTGRES_URL") else {
            eprintln!("skipped on PostgreSQL: REMIT_TEST_POSTGRES_URL is not set");
            return None;
        };
        let schema = format!("t_{}", plain(name));
        let joined = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joined}options=-c%20search_path%3D{schema}");
        let store = Store::open(&url).await.unwrap();
        migrate::own_schema(&store, &schema).await.unwrap();
        Some(Place {
            url,
            store,
            folder: None,
        })
    }

    pub async fn migrated(self) -> Place {
        migrate::run(&self.store).await.unwrap();
        self
    }

    /// Another node on the same database.
    pub async fn another_node(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// What somebody with a database shell does, past every rule of the crate.
    pub async fn by_hand(&self, sql: impl Into<String>) -> Result<(), String> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        let done = if self.store.is_sqlite() {
            let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            script.execute(&mut conn).await.map(drop)
        } else {
            let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            script.execute(&mut conn).await.map(drop)
        };
        done.map_err(|error| error.to_string())
    }

    /// A number that a database shell reads.
    pub async fn number(&self, sql: impl Into<String>) -> i64 {
        let sql = AssertSqlSafe(sql.into());
        if self.store.is_sqlite() {
            let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            sqlx::query(sql).fetch_one(&mut conn).await.unwrap().get(0)
        } else {
            let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(&self.url)
                .await
                .unwrap();
            sqlx::query(sql).fetch_one(&mut conn).await.unwrap().get(0)
        }
    }

    /// What `remit check` finds broken.
    pub async fn broken(&self) -> Vec<String> {
        let verdicts = remit_store::check::run(&self.store).await.unwrap();
        verdicts
            .into_iter()
            .flat_map(|verdict| {
                verdict
                    .broken
                    .into_iter()
                    .map(move |what| format!("{}: {what}", verdict.name))
            })
            .collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A short name for folders and schemas, of this process alone.
fn plain(name: &str) -> String {
    let tail: String = name
        .rsplit("::")
        .take(3)
        .flat_map(str::chars)
        .filter(char::is_ascii_alphanumeric)
        .take(44)
        .collect();
    format!("{tail}_{}", std::process::id())
}
