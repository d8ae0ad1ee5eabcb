//! API keys: who may call the API. The secret as SHA-256 only.

use remit_core::UtcMs;
use remit_core::ids::{ApiKeyId, ClinicId};
use remit_core::roles::Role;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    ADD = ["INSERT INTO api_key (clinic, id, key_hash, name, role, created_at, created_by, tail)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
    CALLER = ["SELECT clinic, id, name, role, last_used_at, " now " AS now FROM api_key
        WHERE key_hash = $1 AND revoked_at IS NULL"];
    LIST = ["SELECT id, name, role, tail, created_at, created_by, last_used_at, revoked_at, revoked_by FROM api_key
        WHERE clinic = $1 ORDER BY id DESC LIMIT 1000"];
    GET = ["SELECT role FROM api_key WHERE clinic = $1 AND id = $2"];
    USED = ["UPDATE api_key SET last_used_at = $3 WHERE clinic = $1 AND id = $2"];
    REVOKE = ["UPDATE api_key SET revoked_at = $3, revoked_by = $4 WHERE clinic = $1 AND id = $2
        AND revoked_at IS NULL"];
}

/// A key to keep.
pub struct NewKey<'a> {
    pub id: ApiKeyId,
    pub hash: &'a [u8],
    pub name: &'a str,
    pub role: Role,
    /// The secret's last characters.
    pub tail: &'a str,
    pub created_by: &'a str,
}

/// # Errors
/// The engine's own.
pub async fn add(tx: &mut Tx, key: &NewKey<'_>, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        ADD,
        tx.clinic(),
        key.id.to_string(),
        key.hash.to_vec(),
        key.name.to_owned(),
        key.role.name(),
        now,
        key.created_by.to_owned(),
        key.tail.to_owned()
    )
    .map(drop)
}

/// The program behind a call, and the database's clock.
#[derive(Clone, Debug)]
pub struct Caller {
    pub clinic: ClinicId,
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    pub last_used_at: Option<UtcMs>,
    pub now: UtcMs,
}

type CallerRow = (String, String, String, String, Option<i64>, i64);

/// # Errors
/// The engine's own.
pub async fn caller(store: &Store, hash: &[u8]) -> Result<Option<Caller>> {
    let row = read_opt!(store, CallerRow, CALLER, hash.to_vec())?;
    row.map(|(clinic, key, name, role, last_used_at, now)| {
        Ok(Caller {
            clinic: id(&clinic, "clinic id")?,
            id: id(&key, "api key id")?,
            name,
            role: read(Role::parse(&role), "role")?,
            last_used_at,
            now: store.shifted(now),
        })
    })
    .transpose()
}

/// A key as the settings show it.
#[derive(Clone, Debug)]
pub struct ApiKeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub role: Role,
    /// Empty for a key from before it was kept.
    pub tail: String,
    pub created_at: UtcMs,
    pub created_by: String,
    pub last_used_at: Option<UtcMs>,
    pub revoked_at: Option<UtcMs>,
    pub revoked_by: Option<String>,
}

row! {
    struct Row {
        id: String,
        name: String,
        role: String,
        tail: String,
        created_at: i64,
        created_by: String,
        last_used_at: Option<i64>,
        revoked_at: Option<i64>,
        revoked_by: Option<String>,
    }
}

/// Every key that was made, the newest first.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store, clinic: ClinicId) -> Result<Vec<ApiKeyView>> {
    let key = |row: Row| {
        Ok(ApiKeyView {
            id: id(&row.id, "api key id")?,
            name: row.name,
            role: read(Role::parse(&row.role), "role")?,
            tail: row.tail,
            created_at: row.created_at,
            created_by: row.created_by,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            revoked_by: row.revoked_by,
        })
    };
    let rows = read_all!(store, Row, LIST, clinic.to_string())?;
    rows.into_iter().map(key).collect()
}

/// The role of a key of this clinic.
///
/// # Errors
/// The engine's own.
pub async fn role_in(tx: &mut Tx, key: ApiKeyId) -> Result<Option<Role>> {
    opt!(tx, (String,), GET, tx.clinic(), key.to_string())?
        .map(|(role,)| read(Role::parse(&role), "role"))
        .transpose()
}

/// # Errors
/// The engine's own.
pub async fn used(tx: &mut Tx, key: ApiKeyId, now: UtcMs) -> Result<()> {
    exec!(tx, USED, tx.clinic(), key.to_string(), now).map(drop)
}

/// Whether this call ended it.
///
/// # Errors
/// The engine's own.
pub async fn revoke(tx: &mut Tx, key: ApiKeyId, by: &str, now: UtcMs) -> Result<bool> {
    let by = by.to_owned();
    Ok(exec!(tx, REVOKE, tx.clinic(), key.to_string(), now, by)? == 1)
}
