//! The raw floor: what the same machine gives when nothing of Remit stands above the database. Same tables, same
//! indexes, same durability, prepared statements, no rules.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use remit_app::keys::random_hex;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::fill::{appointment, now_ms};

pub enum Db {
    /// One writer, as SQLite wants it, and four readers.
    Lite {
        read: SqlitePool,
        write: SqlitePool,
    },
    Pg(PgPool),
}

const LOCK: &str = "SELECT due FROM appointment_balance WHERE clinic = $1 AND appt = $2";
const LOCK_PG: &str =
    "SELECT due FROM appointment_balance WHERE clinic = $1 AND appt = $2 FOR UPDATE";
const LINK: &str = "INSERT INTO payment_link (clinic, id, appt, patient, purpose, amount, currency, token_hash,
    token_sealed, reference, state, late, created_at, created_by, expires_at, captured, refunded, disputed,
    delivery_failed)
    VALUES ($1, $2, $3, $4, 'balance', $5, 'GBP', $6, $7, $8, 'created', 0, $9, 'API key \"bench\"', $10, 0, 0, 0, 0)";
const EVENT: &str = "INSERT INTO event (clinic, id, at, kind, appt, link, actor, data)
    VALUES ($1, $2, $3, 'payment_link.created', $4, $5, 'API key \"bench\"', $6)";
const TALLY: &str = "INSERT INTO link_tally (clinic, day, state, slot, links, amount) VALUES ($1, $2, 'created', $3, 1, $4)
    ON CONFLICT (clinic, day, state, slot) DO UPDATE SET links = link_tally.links + 1,
    amount = link_tally.amount + excluded.amount";
const WEBHOOK: &str =
    "INSERT INTO webhook_inbox (clinic, provider, account, event_id, kind, session_id, reference,
    refund_id, payload, received_at, state, tries, due_at)
    VALUES ($1, 'sandbox', 'bench', $2, 'ping', NULL, NULL, NULL, $3, $4, 'ignored', 0, $4)
    ON CONFLICT (clinic, provider, account, event_id) DO NOTHING";
const DATA: &str = r#"{"money":{"amount":4500,"currency":"GBP"},"purpose":"balance"}"#;

/// The statements of one link within an open transaction.
macro_rules! issue {
    ($tx:expr, $lock:expr, $clinic:expr, $number:expr) => {{
        let (appt, link, now) = (
            appointment($number),
            format!("lnk_{:032x}", $number),
            now_ms(),
        );
        let (hash, sealed) = (random_hex(16)?.into_bytes(), random_hex(35)?.into_bytes());
        let (due,): (i64,) = sqlx::query_as($lock)
            .bind($clinic)
            .bind(&appt)
            .fetch_one(&mut *$tx)
            .await?;
        sqlx::query(LINK)
            .bind($clinic)
            .bind(&link)
            .bind(&appt)
            .bind(format!("pat_{:032x}", $number % 1000))
            .bind(due)
            .bind(hash)
            .bind(sealed)
            .bind(format!("PL-{:06X}", $number))
            .bind(now)
            .bind(now + 172_800_000)
            .execute(&mut *$tx)
            .await?;
        sqlx::query(EVENT)
            .bind($clinic)
            .bind(format!("evt_{:032x}", $number))
            .bind(now)
            .bind(&appt)
            .bind(&link)
            .bind(DATA)
            .execute(&mut *$tx)
            .await?;
        sqlx::query(TALLY)
            .bind($clinic)
            .bind(now / 86_400_000)
            .bind(i64::try_from($number % 16)?)
            .bind(due)
            .execute(&mut *$tx)
            .await?;
    }};
}

impl Db {
    pub async fn open(url: &str) -> Result<Db> {
        if url.starts_with("postgres") {
            return Ok(Db::Pg(
                PgPoolOptions::new()
                    .max_connections(24)
                    .connect(url)
                    .await?,
            ));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = |most| {
            SqlitePoolOptions::new()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(30))
        };
        Ok(Db::Lite {
            write: pool(1).connect_with(options.clone()).await?,
            read: pool(4).connect_with(options.read_only(true)).await?,
        })
    }

    /// Locks the appointment, inserts a link and its event, raises the tally, commits durably.
    pub async fn issue(&self, clinic: &str, number: u64) -> Result<()> {
        match self {
            Db::Lite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
                issue!(tx, LOCK, clinic, number);
                tx.commit().await?;
            }
            Db::Pg(pool) => {
                let mut tx = pool.begin().await?;
                issue!(tx, LOCK_PG, clinic, number);
                tx.commit().await?;
            }
        }
        Ok(())
    }

    async fn row(&self, clinic: &str, appt: &str) -> Result<String> {
        let (title,): (String,) = match self {
            Db::Lite { read, .. } => {
                sqlx::query_as(ROW)
                    .bind(clinic)
                    .bind(appt)
                    .fetch_one(read)
                    .await?
            }
            Db::Pg(pool) => {
                sqlx::query_as(ROW)
                    .bind(clinic)
                    .bind(appt)
                    .fetch_one(pool)
                    .await?
            }
        };
        Ok(title)
    }

    async fn receive(&self, clinic: &str, body: String) -> Result<()> {
        let event = format!("evt_{}", random_hex(16)?);
        match self {
            Db::Lite { write, .. } => {
                let query = sqlx::query(WEBHOOK)
                    .bind(clinic)
                    .bind(event)
                    .bind(body)
                    .bind(now_ms());
                query.execute(write).await.map(drop)?;
            }
            Db::Pg(pool) => {
                let query = sqlx::query(WEBHOOK)
                    .bind(clinic)
                    .bind(event)
                    .bind(body)
                    .bind(now_ms());
                query.execute(pool).await.map(drop)?;
            }
        }
        Ok(())
    }
}

const ROW: &str = "SELECT title FROM appointment WHERE clinic = $1 AND id = $2";

struct Bare {
    db: Db,
    clinic: String,
}

/// Serves the two bare routes until killed: `GET /row/{appt}` and `POST /hook`.
pub async fn serve(url: &str, clinic: String, listen: &str) -> Result<()> {
    let bare = Arc::new(Bare {
        db: Db::open(url).await?,
        clinic,
    });
    let router = Router::new()
        .route("/row/{appt}", get(row))
        .route("/hook", post(hook))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    Ok(axum::serve(listener, router).await?)
}

async fn row(State(bare): State<Arc<Bare>>, Path(appt): Path<String>) -> (StatusCode, String) {
    match bare.db.row(&bare.clinic, &appt).await {
        Ok(title) => (StatusCode::OK, title),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn hook(State(bare): State<Arc<Bare>>, body: String) -> (StatusCode, String) {
    match bare.db.receive(&bare.clinic, body).await {
        Ok(()) => (StatusCode::OK, String::new()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
