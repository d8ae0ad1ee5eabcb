//! Rows for a clinic, written straight into the tables: the verbs would take an hour for a million links.

use anyhow::{Context as _, Result};
use remit_app::keys::Keys;
use remit_core::token::Token;
use sqlx::{Connection as _, Executor as _, Row as _};

use crate::house::House;

/// Two patients in a hundred are called so, and one.
pub const COMMON: &str = "smith";
pub const RARE: &str = "zyskind";
const DAY_MS: i64 = 86_400_000;

/// Both engines' connections; the texts differ only in how numbers are written.
enum Db {
    Lite(sqlx::SqliteConnection),
    Pg(sqlx::PgConnection),
}

impl Db {
    async fn open(url: &str) -> Result<Db> {
        Ok(if url.starts_with("postgres") {
            Db::Pg(sqlx::PgConnection::connect(url).await?)
        } else {
            Db::Lite(sqlx::SqliteConnection::connect(url).await?)
        })
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        let sql = sqlx::AssertSqlSafe(sql);
        match self {
            Db::Lite(conn) => conn.execute(sql).await.map(drop)?,
            Db::Pg(conn) => conn.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    fn id(&self, prefix: &str, number: &str) -> String {
        match self {
            Db::Lite(_) => format!("printf('{prefix}_%032x', {number})"),
            Db::Pg(_) => format!("('{prefix}_' || lpad(to_hex({number}), 32, '0'))"),
        }
    }

    fn blob(&self, number: &str) -> String {
        match self {
            Db::Lite(_) => format!("CAST(printf('%032d', {number}) AS BLOB)"),
            Db::Pg(_) => format!("CAST(lpad(CAST({number} AS TEXT), 32, '0') AS BYTEA)"),
        }
    }

    fn padded(&self, number: &str) -> String {
        match self {
            Db::Lite(_) => format!("printf('%08d', {number})"),
            Db::Pg(_) => format!("lpad(CAST({number} AS TEXT), 8, '0')"),
        }
    }

    fn hex6(&self, number: &str) -> String {
        match self {
            Db::Lite(_) => format!("printf('%06X', {number})"),
            Db::Pg(_) => format!("lpad(upper(to_hex({number})), 6, '0')"),
        }
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

fn numbers(count: u64) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
    )
}

/// The id of the appointment with this number.
pub fn appointment(number: u64) -> String {
    format!("apt_{number:032x}")
}

/// Patients (one to ten appointments) and appointments that each owe 45.00.
pub async fn appointments(house: &House, count: u64) -> Result<()> {
    let mut db = Db::open(&house.url).await?;
    let (clinic, now) = (&house.clinic, now_ms());
    let people = (count / 10).max(1000);
    let (pat, apt, eight) = (db.id("pat", "i"), db.id("apt", "i"), db.padded("i"));
    let owner = db.id("pat", &format!("((i * 7919) % {people})"));
    let surname = format!(
        "CASE WHEN i = 7 THEN '{RARE}' WHEN i % 50 = 0 THEN '{COMMON}' ELSE 'family' || (i % 3000) END"
    );
    let created = format!("({now} - i * {} - 1)", 365 * DAY_MS / i64::try_from(count)?);
    let (patients, visits) = (numbers(people), numbers(count));
    db.run("BEGIN".into()).await?;
    db.run(format!(
        "{patients} INSERT INTO patient (clinic, id, name, email, phone, locale, created_at, updated_at)
         SELECT '{clinic}', {pat}, 'Anna ' || {surname}, 'p' || i || '@mail.example',
         '+447700' || substr({eight}, 3), 'en-GB', {now}, {now} FROM n"
    ))
    .await?;
    db.run(format!(
        "{patients} INSERT INTO patient_term SELECT '{clinic}', 'anna', {pat} FROM n
         UNION ALL SELECT '{clinic}', {surname}, {pat} FROM n
         UNION ALL SELECT '{clinic}', 'p' || i || '@mail.example', {pat} FROM n
         UNION ALL SELECT '{clinic}', '07700' || substr({eight}, 3), {pat} FROM n
         UNION ALL SELECT '{clinic}', '447700' || substr({eight}, 3), {pat} FROM n
         UNION ALL SELECT '{clinic}', substr({eight}, 5), {pat} FROM n"
    ))
    .await?;
    db.run(format!(
        "{visits} INSERT INTO appointment (clinic, id, patient, title, starts_at, ends_at, status, created_at, created_by)
         SELECT '{clinic}', {apt}, {owner}, 'Check-up', {created},
         {created} + 1800000, 'booked', {created}, 'reception' FROM n"
    ))
    .await?;
    db.run(format!(
        "{visits} INSERT INTO appointment_balance SELECT '{clinic}', {apt}, 'GBP', 4500, 0, 0, 0, 4500, 0, 1 FROM n"
    ))
    .await?;
    db.run("COMMIT".into()).await?;
    settle(&mut db).await
}

/// A year's links, one an appointment, the newest 48 hours of them open.
pub async fn links(house: &House, count: u64) -> Result<()> {
    appointments(house, count).await?;
    let mut db = Db::open(&house.url).await?;
    let (clinic, now) = (&house.clinic, now_ms());
    let sealed = sealed_token(&house.keys()?, clinic)?;
    let sealed = match db {
        Db::Lite(_) => format!("x'{sealed}'"),
        Db::Pg(_) => format!("'\\x{sealed}'::bytea"),
    };
    let (apt, lnk, blob) = (db.id("apt", "i"), db.id("lnk", "i"), db.blob("i"));
    let owner = db.id("pat", &format!("((i * 7919) % {})", (count / 10).max(1000)));
    let reference = db.hex6("(i * 7919) % 16777216");
    let created = format!("({now} - i * {} - 1)", 365 * DAY_MS / i64::try_from(count)?);
    let state = format!(
        "CASE WHEN {created} > {now} - 172800000 THEN CASE i % 10 WHEN 0 THEN 'created' WHEN 1 THEN 'sent'
           WHEN 2 THEN 'sent' WHEN 3 THEN 'accessed' ELSE 'paid' END
         ELSE CASE i % 10 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'expired' WHEN 2 THEN 'expired' WHEN 3 THEN 'expired'
           ELSE 'paid' END END"
    );
    db.run(format!(
        "{} INSERT INTO payment_link (clinic, id, appt, patient, purpose, amount, currency, token_hash, token_sealed,
         reference, state, late, created_at, created_by, expires_at, paid_at, captured, refunded, disputed,
         delivery_failed)
         SELECT '{clinic}', {lnk}, {apt}, {owner}, CASE WHEN i % 3 = 0 THEN 'deposit' ELSE 'balance' END, 4500, 'GBP',
         {blob}, {sealed}, 'PL-' || {reference}, state, 0, created_at, 'reception', created_at + 172800000,
         CASE WHEN state = 'paid' THEN created_at ELSE NULL END, 0, 0, 0, 0
         FROM (SELECT i, {created} AS created_at, {state} AS state FROM n) AS m",
        numbers(count)
    ))
    .await?;
    db.run(format!(
        "INSERT INTO link_tally SELECT clinic, created_at / 86400000, state, created_at % 16, COUNT(*), SUM(amount)
         FROM payment_link WHERE clinic = '{clinic}' GROUP BY 1, 2, 3, 4"
    ))
    .await?;
    settle(&mut db).await
}

/// What a database that has stood for a while has done: its log folded, its statistics read.
async fn settle(db: &mut Db) -> Result<()> {
    match db {
        Db::Lite(_) => db.run("PRAGMA wal_checkpoint(TRUNCATE)".into()).await,
        Db::Pg(_) => db.run("VACUUM ANALYZE".into()).await,
    }
}

/// A sealed token in hex. It is sealed for the clinic, so every row may carry the same.
fn sealed_token(keys: &Keys, clinic: &str) -> Result<String> {
    let token = Token::compose("b0", &remit_app::keys::random_secret()?).context("a token")?;
    let sealed = keys.seal(
        &format!("{clinic} payment_link.token"),
        token.reveal().as_bytes(),
    )?;
    Ok(sealed.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The sandbox account that signs webhooks: its endpoint, name and secret.
pub struct Endpoint {
    pub id: String,
    pub account: String,
    pub secret: String,
}

pub async fn endpoint(house: &House) -> Result<Endpoint> {
    let mut conn = sqlx::SqliteConnection::connect(&house.url).await?;
    let row =
        sqlx::query("SELECT id, account, secrets_sealed FROM provider_account WHERE clinic = $1")
            .bind(&house.clinic)
            .fetch_one(&mut conn)
            .await?;
    let place = format!("{} provider_account.secrets", house.clinic);
    let opened = house.keys()?.open(&place, &row.get::<Vec<u8>, _>(2))?;
    let secrets: serde_json::Value = serde_json::from_slice(&opened)?;
    let secret = secrets["webhook_secrets"][0].as_str().context("a secret")?;
    Ok(Endpoint {
        id: row.get(0),
        account: row.get(1),
        secret: secret.to_owned(),
    })
}
