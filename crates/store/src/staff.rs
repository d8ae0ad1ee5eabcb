//! Staff, their sessions, and the links by which they set a password. Passwords as argon2id PHC strings, the secrets of
//! sessions and links as SHA-256 only.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, StaffId};
use remit_core::roles::Role;

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO staff (clinic, id, email, name, role, password_hash, active, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7)"];
    BY_EMAIL = ["SELECT clinic, id, email, name, role, password_hash, active FROM staff WHERE email = $1"];
    LIST = ["SELECT clinic, id, email, name, role, password_hash, active FROM staff WHERE clinic = $1 ORDER BY name"];
    OPEN_SESSION = ["INSERT INTO session (token_hash, clinic, staff, created_at, seen_at, ends_at, device)
        VALUES ($1, $2, $3, $4, $4, $5, $6)"];
    SESSION = ["SELECT s.clinic, s.id, s.email, s.name, s.role, s.active, x.seen_at, x.ends_at, " now " AS now
        FROM session x JOIN staff s ON s.clinic = x.clinic AND s.id = x.staff WHERE x.token_hash = $1"];
    SEEN = ["UPDATE session SET seen_at = $2 WHERE token_hash = $1"];
    END_SESSION = ["DELETE FROM session WHERE token_hash = $1"];
    END_ALL = ["DELETE FROM session WHERE clinic = $1 AND staff = $2"];
    SWEEP = ["DELETE FROM session WHERE ends_at < $1 OR seen_at < $2"];
    LOCK = ["SELECT id FROM clinic WHERE id = $1" lock];
    GET = ["SELECT clinic, id, email, name, role, password_hash, active FROM staff WHERE clinic = $1 AND id = $2"];
    OTHER_OWNERS = ["SELECT COUNT(*) AS n FROM staff WHERE clinic = $1 AND id <> $2 AND role = 'owner' AND active = 1"];
    COLLEAGUES = ["SELECT s.id, s.email, s.name, s.role, s.active, s.signed_in_at, i.expires_at,
        (SELECT COUNT(*) FROM session x WHERE x.clinic = s.clinic AND x.staff = s.id AND x.ends_at > $2
          AND x.seen_at > $3) AS sessions
        FROM staff s LEFT JOIN staff_invitation i ON i.clinic = s.clinic AND i.staff = s.id
        WHERE s.clinic = $1 ORDER BY s.active DESC, s.name, s.id LIMIT 1000"];
    CHANGE = ["UPDATE staff SET email = $3, name = $4, role = $5 WHERE clinic = $1 AND id = $2"];
    SET_ACTIVE = ["UPDATE staff SET active = $3 WHERE clinic = $1 AND id = $2"];
    SET_PASSWORD = ["UPDATE staff SET password_hash = $3 WHERE clinic = $1 AND id = $2"];
    SIGNED_IN = ["UPDATE staff SET signed_in_at = $3 WHERE clinic = $1 AND id = $2"];
    INVITE = ["INSERT INTO staff_invitation (clinic, staff, token_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (clinic, staff) DO UPDATE SET token_hash = excluded.token_hash,
        created_at = excluded.created_at, expires_at = excluded.expires_at"];
    UNINVITE = ["DELETE FROM staff_invitation WHERE clinic = $1 AND staff = $2"];
    INVITED = ["SELECT s.clinic, s.id, s.email, s.name, s.role, s.password_hash, s.active
        FROM staff_invitation i JOIN staff s ON s.clinic = i.clinic AND s.id = i.staff
        WHERE i.token_hash = $1 AND i.expires_at > $2"];
    SESSIONS = ["SELECT token_hash, device, created_at, seen_at FROM session WHERE clinic = $1 AND staff = $2
        AND ends_at > $3 AND seen_at > $4 ORDER BY seen_at DESC LIMIT 100"];
    END_OTHERS = ["DELETE FROM session WHERE clinic = $1 AND staff = $2 AND token_hash <> $3"];
    END_OWN = ["DELETE FROM session WHERE clinic = $1 AND staff = $2 AND token_hash = $3"];
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
    device: &str,
    now: UtcMs,
    ends_at: UtcMs,
) -> Result<()> {
    exec!(tx, SIGNED_IN, tx.clinic(), who.to_string(), now)?;
    exec!(
        tx,
        OPEN_SESSION,
        token_hash.to_vec(),
        tx.clinic(),
        who.to_string(),
        now,
        ends_at,
        device.to_owned()
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

/// Waits for whoever else changes the clinic's staff at this moment.
///
/// # Errors
/// The engine's own.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    opt!(tx, (String,), LOCK, tx.clinic()).map(drop)
}

/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, who: StaffId) -> Result<Option<StaffRow>> {
    opt!(tx, Row, GET, tx.clinic(), who.to_string())?
        .map(staff)
        .transpose()
}

/// Owners besides one person who can sign in.
///
/// # Errors
/// The engine's own.
pub async fn other_owners(tx: &mut Tx, who: StaffId) -> Result<usize> {
    let row = opt!(tx, (i64,), OTHER_OWNERS, tx.clinic(), who.to_string())?;
    Ok(row.map_or(0, |(count,)| usize::try_from(count).unwrap_or_default()))
}

/// A person as the settings show them.
#[derive(Clone, Debug)]
pub struct StaffView {
    pub id: StaffId,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub active: bool,
    pub signed_in_at: Option<UtcMs>,
    /// Until when their link to set a password works; none: there is none.
    pub invited_until: Option<UtcMs>,
    pub sessions: i64,
}

type Colleague = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
);

/// Everybody who signs in or did, by name, those who cannot any more last.
///
/// # Errors
/// The engine's own.
pub async fn colleagues(
    store: &Store,
    clinic: ClinicId,
    now: UtcMs,
    idle_since: UtcMs,
) -> Result<Vec<StaffView>> {
    let clinic = clinic.to_string();
    let rows = read_all!(store, Colleague, COLLEAGUES, clinic, now, idle_since)?;
    rows.into_iter()
        .map(
            |(who, email, name, role, active, signed_in_at, invited_until, sessions)| {
                Ok(StaffView {
                    id: id(&who, "staff id")?,
                    email,
                    name,
                    role: read(Role::parse(&role), "role")?,
                    active: active == 1,
                    signed_in_at,
                    invited_until,
                    sessions,
                })
            },
        )
        .collect()
}

/// # Errors
/// The engine's own; `Unique` when the address is taken.
pub async fn change(tx: &mut Tx, row: &StaffRow) -> Result<()> {
    exec!(
        tx,
        CHANGE,
        tx.clinic(),
        row.id.to_string(),
        row.email.clone(),
        row.name.clone(),
        row.role.name(),
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn set_active(tx: &mut Tx, who: StaffId, active: bool) -> Result<()> {
    let active = i64::from(active);
    exec!(tx, SET_ACTIVE, tx.clinic(), who.to_string(), active).map(drop)
}

/// # Errors
/// The engine's own.
pub async fn set_password(tx: &mut Tx, who: StaffId, hash: &str) -> Result<()> {
    let hash = hash.to_owned();
    exec!(tx, SET_PASSWORD, tx.clinic(), who.to_string(), hash).map(drop)
}

/// Keeps the hash of the one link by which a person may set their password; one from before stops working.
///
/// # Errors
/// The engine's own.
pub async fn invite(
    tx: &mut Tx,
    who: StaffId,
    token_hash: &[u8],
    now: UtcMs,
    expires_at: UtcMs,
) -> Result<()> {
    exec!(
        tx,
        INVITE,
        tx.clinic(),
        who.to_string(),
        token_hash.to_vec(),
        now,
        expires_at
    )
    .map(drop)
}

/// Whether there was a link to take away.
///
/// # Errors
/// The engine's own.
pub async fn uninvite(tx: &mut Tx, who: StaffId) -> Result<bool> {
    Ok(exec!(tx, UNINVITE, tx.clinic(), who.to_string())? == 1)
}

/// Whose link this is, while it works.
///
/// # Errors
/// The engine's own.
pub async fn invited(store: &Store, token_hash: &[u8], now: UtcMs) -> Result<Option<StaffRow>> {
    read_opt!(store, Row, INVITED, token_hash.to_vec(), now)?
        .map(staff)
        .transpose()
}

/// One session of a person.
#[derive(Clone, Debug)]
pub struct OwnSession {
    pub token_hash: Vec<u8>,
    pub device: String,
    pub created_at: UtcMs,
    pub seen_at: UtcMs,
}

/// A person's sessions that still last, the latest used first.
///
/// # Errors
/// The engine's own.
pub async fn sessions(
    store: &Store,
    clinic: ClinicId,
    who: StaffId,
    now: UtcMs,
    idle_since: UtcMs,
) -> Result<Vec<OwnSession>> {
    let (clinic, who) = (clinic.to_string(), who.to_string());
    let rows = read_all!(
        store,
        (Vec<u8>, String, i64, i64),
        SESSIONS,
        clinic,
        who,
        now,
        idle_since
    )?;
    let session = |(token_hash, device, created_at, seen_at)| OwnSession {
        token_hash,
        device,
        created_at,
        seen_at,
    };
    Ok(rows.into_iter().map(session).collect())
}

/// Ends a person's sessions but the one that this is the hash of.
///
/// # Errors
/// The engine's own.
pub async fn end_other_sessions(tx: &mut Tx, who: StaffId, kept: &[u8]) -> Result<u64> {
    let kept = kept.to_vec();
    exec!(tx, END_OTHERS, tx.clinic(), who.to_string(), kept)
}

/// Ends one session of a person's own.
///
/// # Errors
/// The engine's own.
pub async fn end_own_session(tx: &mut Tx, who: StaffId, token_hash: &[u8]) -> Result<bool> {
    let hash = token_hash.to_vec();
    Ok(exec!(tx, END_OWN, tx.clinic(), who.to_string(), hash)? == 1)
}
