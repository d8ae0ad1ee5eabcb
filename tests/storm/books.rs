//! A look into the database from outside: what was posted, what is left open.

use std::time::{Duration, Instant};

use crate::clinic::Clinic;

const LOOK_EVERY: Duration = Duration::from_millis(250);

/// One number.
pub async fn count(clinic: &Clinic, sql: &'static str) -> i64 {
    use sqlx::Connection as _;
    let at = &clinic.database;
    let counted = if at.starts_with("sqlite") {
        let mut database = sqlx::SqliteConnection::connect(at).await.expect("SQLite");
        sqlx::query_scalar(sql).fetch_one(&mut database).await
    } else {
        let mut database = sqlx::PgConnection::connect(at).await.expect("PostgreSQL");
        sqlx::query_scalar(sql).fetch_one(&mut database).await
    };
    counted.expect("a number")
}

/// Payments that came through Stripe.
pub const PAYMENTS: &str = "SELECT COUNT(*) FROM payment WHERE provider = 'stripe'";
/// Money posted that came through any provider: as many as payments, or something was posted twice or not at all.
pub const POSTINGS: &str = "SELECT COUNT(*) FROM ledger_txn WHERE kind = 'capture'";
pub const LIVE: &str = "SELECT COUNT(*) FROM payment_attempt WHERE provider = 'stripe' \
    AND state IN ('creating', 'unknown', 'open', 'processing')";
pub const REFUNDS_OPEN: &str = "SELECT COUNT(*) FROM refund WHERE state IN ('requested', 'unknown', 'pending') \
    AND payment IN (SELECT id FROM payment WHERE provider = 'stripe')";
pub const INBOX_OPEN: &str = "SELECT COUNT(*) FROM webhook_inbox WHERE provider = 'stripe' AND state IN ('received', 'dead')";
pub const CREDITS: &str = "SELECT COUNT(*) FROM appointment_balance WHERE credit > 0";

/// Work for outside that is due by a moment (UTC ms).
pub async fn due(clinic: &Clinic, at: i64) -> i64 {
    use sqlx::Connection as _;
    const DUE: &str =
        "SELECT COUNT(*) FROM outbox WHERE state IN ('pending', 'sending') AND due_at <= $1";
    let database = &clinic.database;
    let counted = if database.starts_with("sqlite") {
        let mut database = sqlx::SqliteConnection::connect(database)
            .await
            .expect("SQLite");
        sqlx::query_scalar(DUE)
            .bind(at)
            .fetch_one(&mut database)
            .await
    } else {
        let mut database = sqlx::PgConnection::connect(database)
            .await
            .expect("PostgreSQL");
        sqlx::query_scalar(DUE)
            .bind(at)
            .fetch_one(&mut database)
            .await
    };
    counted.expect("a number")
}

/// Waits until a count is as wanted.
pub async fn comes_to(clinic: &Clinic, sql: &'static str, wanted: i64, within: Duration) {
    let end = Instant::now() + within;
    loop {
        let now = count(clinic, sql).await;
        if now == wanted {
            return;
        }
        assert!(Instant::now() < end, "{now}, not {wanted}: {sql}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
