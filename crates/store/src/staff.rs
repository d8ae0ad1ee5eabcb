//! Staff, their sessions, and API keys. Passwords as argon2id PHC strings, session and key as SHA-256 only.

use remit_core::UtcMs;
use remit_core::ids::{ApiKeyId, ClinicId, StaffId};
use remit_core::roles::Role;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO staff (clinic, id, email, name, role, password_hash, active, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7)"];
    BY_EMAIL = ["SELECT clinic, id, email, name, role, password_hash, active FROM staff WHERE email = $1"];
    LIST = ["SELECT clinic, id, email, name, role, password_hash, active FROM staff WHERE clinic = $1 ORDER BY name"];
    OPEN_SESSION = ["INSERT INTO session (token_hash, clinic, staff, created_at, seen_at, ends_at)
        VALUES ($1, $2, $3, $4, $4, $5)"];
    SESSION = ["SELECT s.clinic, s.id, s.email, s.name, s.role, s.active, x.seen_at, x.ends_at, " now " AS now
        FROM session x JOIN staff s ON s.clinic = x.clinic AND s.id = x.staff WHERE x.token_hash = $1"];
    SEEN = ["UPDATE session SET seen_at = $2 WHERE token_hash = $1"];
    END_SESSION = ["DELETE FROM session WHERE token_hash = $1"];
    END_ALL = ["DELETE FROM session WHERE clinic = $1 AND staff = $2"];
    SWEEP = ["DELETE FROM session WHERE ends_at < $1 OR seen_at < $2"];
    ADD_KEY = ["INSERT INTO api_key (clinic, id, key_hash, name, role, created_at) VALUES ($1, $2, $3, $4, $5, $6)"];
    KEY = ["SELECT clinic, id, name, role FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL"];
    KEYS = ["SELECT clinic, id, name, role FROM api_key WHERE clinic = $1 AND revoked_at IS NULL ORDER BY id"];
    REVOKE_KEY = ["UPDATE api_key SET revoked_at = $3 WHERE clinic = $1 AND id = $2 AND revoked_at IS NULL"];
}

/// A person who signs in.
#[derive(Clone, Debug)]
pub struct StaffRow {
    pub clinic: ClinicId,
    pub id: StaffId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub active: bool,
}

type Row = (String, String, String, String, String, String, i64);

fn staff((clinic, staff, email, name, role, password_hash, active): Row) -> Result<StaffRow> {
    Ok(StaffRow {
        clinic: id(&clinic, "clinic id")?,
        id: id(&staff, "staff id")?,
        email,
        name,
        role: read(Role::parse(&role), "role")?,
        password_hash,
        active: active == 1,
    })
}

/// # Errors
/// The engine's own; `Unique` when the address is taken.
pub async fn insert(tx: &mut Tx, row: &StaffRow, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        row.id.to_string(),
        row.email.clone(),
        row.name.clone(),
        row.role.name(),
        row.password_hash.clone(),
        now,
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn by_email(store: &Store, email: &str) -> Result<Option<StaffRow>> {
    read_opt!(store, Row, BY_EMAIL, email.to_owned())?
        .map(staff)
        .transpose()
}

/// # Errors
/// The engine's own.
pub async fn list(store: &Store, clinic: ClinicId) -> Result<Vec<StaffRow>> {
    read_all!(store, Row, LIST, clinic.to_string())?
        .into_iter()
        .map(staff)
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn open_session(
    tx: &mut Tx,
    token_hash: &[u8],
    who: StaffId,
    now: UtcMs,
    ends_at: UtcMs,
) -> Result<()> {
    exec!(
        tx,
        OPEN_SESSION,
        token_hash.to_vec(),
        tx.clinic(),
        who.to_string(),
        now,
        ends_at
    )
    .map(drop)
}

/// A session with the person behind it, and the database's clock.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub clinic: ClinicId,
    pub staff: StaffId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub active: bool,
    pub seen_at: UtcMs,
    pub ends_at: UtcMs,
    pub now: UtcMs,
}

type SessionRow = (String, String, String, String, String, i64, i64, i64, i64);

/// # Errors
/// The engine's own.
pub async fn session(store: &Store, token_hash: &[u8]) -> Result<Option<SessionView>> {
    let row = read_opt!(store, SessionRow, SESSION, token_hash.to_vec())?;
    row.map(
        |(clinic, who, email, name, role, active, seen_at, ends_at, now)| {
            Ok(SessionView {
                clinic: id(&clinic, "clinic id")?,
                staff: id(&who, "staff id")?,
                email,
                name,
                role: read(Role::parse(&role), "role")?,
                active: active == 1,
                seen_at,
                ends_at,
                now: store.shifted(now),
            })
        },
    )
    .transpose()
}

/// # Errors
/// The engine's own.
pub async fn session_seen(tx: &mut Tx, token_hash: &[u8], now: UtcMs) -> Result<()> {
    exec!(tx, SEEN, token_hash.to_vec(), now).map(drop)
}

/// # Errors
/// The engine's own.
pub async fn end_session(tx: &mut Tx, token_hash: &[u8]) -> Result<()> {
    exec!(tx, END_SESSION, token_hash.to_vec()).map(drop)
}

/// Signs a person out everywhere.
///
/// # Errors
/// The engine's own.
pub async fn end_all_sessions(tx: &mut Tx, who: StaffId) -> Result<()> {
    exec!(tx, END_ALL, tx.clinic(), who.to_string()).map(drop)
}

/// Removes sessions that are over.
///
/// # Errors
/// The engine's own.
pub async fn sweep_sessions(tx: &mut Tx, now: UtcMs, idle_since: UtcMs) -> Result<u64> {
    exec!(tx, SWEEP, now, idle_since)
}

/// An API key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKeyView {
    pub clinic: ClinicId,
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
}

type KeyRow = (String, String, String, String);

fn key((clinic, key, name, role): KeyRow) -> Result<ApiKeyView> {
    Ok(ApiKeyView {
        clinic: id(&clinic, "clinic id")?,
        id: id(&key, "api key id")?,
        name,
        role: read(Role::parse(&role), "role")?,
    })
}

/// # Errors
/// The engine's own.
pub async fn add_key(
    tx: &mut Tx,
    key_id: ApiKeyId,
    hash: &[u8],
    name: &str,
    role: Role,
    now: UtcMs,
) -> Result<()> {
    exec!(
        tx,
        ADD_KEY,
        tx.clinic(),
        key_id.to_string(),
        hash.to_vec(),
        name.to_owned(),
        role.name(),
        now
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn api_key(store: &Store, hash: &[u8]) -> Result<Option<ApiKeyView>> {
    read_opt!(store, KeyRow, KEY, hash.to_vec())?
        .map(key)
        .transpose()
}

/// # Errors
/// The engine's own.
pub async fn api_keys(store: &Store, clinic: ClinicId) -> Result<Vec<ApiKeyView>> {
    read_all!(store, KeyRow, KEYS, clinic.to_string())?
        .into_iter()
        .map(key)
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn revoke_key(tx: &mut Tx, key_id: ApiKeyId, now: UtcMs) -> Result<bool> {
    Ok(exec!(tx, REVOKE_KEY, tx.clinic(), key_id.to_string(), now)? == 1)
}
