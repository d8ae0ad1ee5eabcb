//! Links that somebody should look after, and what staff did about them.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, LinkId};
use remit_core::links::LIFETIME_MS;

use crate::error::id;
use crate::links::{LinkView, views};
use crate::{Result, Store, Tx};

/// Expired links that one list looks at, newest first, for those that are still owed.
const LOOKED_AT_MAX: i64 = 2_000;

statements! {
    FAILED = ["SELECT id FROM payment_link WHERE clinic = $1 AND delivery_failed = 1
        AND state IN ('created', 'sent') AND created_at > $2
        ORDER BY created_at DESC, id DESC LIMIT $3"];
    FAILED_COUNT = ["SELECT COUNT(*) AS n FROM payment_link WHERE clinic = $1 AND delivery_failed = 1
        AND state IN ('created', 'sent') AND created_at > $2"];
    EXPIRED = ["SELECT l.id FROM (SELECT clinic, id, appt, created_at, asked_at, captured FROM payment_link
          WHERE clinic = $1 AND state = 'expired' AND created_at >= $2
          ORDER BY created_at DESC, id DESC LIMIT $4) l
        WHERE l.asked_at IS NULL AND l.captured = 0
        AND (SELECT b.due FROM appointment_balance b WHERE b.clinic = l.clinic AND b.appt = l.appt) > 0
        AND (SELECT a.status FROM appointment a WHERE a.clinic = l.clinic AND a.id = l.appt) <> 'cancelled'
        AND NOT EXISTS (SELECT 1 FROM payment_link n WHERE n.clinic = l.clinic AND n.appt = l.appt
          AND n.created_at > l.created_at)
        ORDER BY l.created_at DESC, l.id DESC LIMIT $3"];
    MARKS = ["SELECT link, note, noted_at, noted_by, called_at, called_by FROM follow_up
        WHERE clinic = $1 AND link IN " (ids 2)];
    MARK = ["SELECT link, note, noted_at, noted_by, called_at, called_by FROM follow_up
        WHERE clinic = $1 AND link = $2"];
    NOTE = ["INSERT INTO follow_up (clinic, link, note, noted_at, noted_by) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (clinic, link) DO UPDATE SET note = excluded.note, noted_at = excluded.noted_at,
        noted_by = excluded.noted_by"];
    CALLED = ["INSERT INTO follow_up (clinic, link, called_at, called_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (clinic, link) DO UPDATE SET called_at = excluded.called_at, called_by = excluded.called_by"];
}

/// What staff did about a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub link: LinkId,
    pub note: Option<String>,
    pub noted_at: Option<UtcMs>,
    pub noted_by: Option<String>,
    /// When somebody called the patient last, and who.
    pub called_at: Option<UtcMs>,
    pub called_by: Option<String>,
}

type Row = (
    String,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<String>,
);

fn mark((link, note, noted_at, noted_by, called_at, called_by): Row) -> Result<Mark> {
    Ok(Mark {
        link: id(&link, "link id")?,
        note,
        noted_at,
        noted_by,
        called_at,
        called_by,
    })
}

/// Links whose latest message failed and that nobody has opened another way, newest first.
///
/// # Errors
/// The engine's own.
pub async fn failed(
    store: &Store,
    clinic: ClinicId,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<LinkView>> {
    let since = now - LIFETIME_MS;
    let rows = read_all!(store, (String,), FAILED, clinic.to_string(), since, limit)?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    views(store, clinic, &ids).await
}

/// How many of those there are.
///
/// # Errors
/// The engine's own.
pub async fn failed_count(store: &Store, clinic: ClinicId, now: UtcMs) -> Result<i64> {
    let since = now - LIFETIME_MS;
    let row = read_opt!(store, (i64,), FAILED_COUNT, clinic.to_string(), since)?;
    Ok(row.map_or(0, |(n,)| n))
}

/// Links created since a moment that expired while their appointment still owes, and that no newer one replaced; newest
/// first, of the newest 2,000 that expired.
///
/// # Errors
/// The engine's own.
pub async fn expired(
    store: &Store,
    clinic: ClinicId,
    since: UtcMs,
    limit: i64,
) -> Result<Vec<LinkView>> {
    let rows = read_all!(
        store,
        (String,),
        EXPIRED,
        clinic.to_string(),
        since,
        limit,
        LOOKED_AT_MAX
    )?;
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    views(store, clinic, &ids).await
}

/// What staff did about these links.
///
/// # Errors
/// The engine's own.
pub async fn marks(store: &Store, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<Mark>> {
    if links.is_empty() {
        return Ok(vec![]);
    }
    let ids = serde_json::json!(links).to_string();
    let rows = read_all!(store, Row, MARKS, clinic.to_string(), ids)?;
    rows.into_iter().map(mark).collect()
}

/// Writes a note, or takes it away.
///
/// # Errors
/// The engine's own.
pub async fn note(
    tx: &mut Tx,
    link: LinkId,
    text: Option<&str>,
    who: &str,
    now: UtcMs,
) -> Result<()> {
    tx.tell(link.to_string());
    exec!(
        tx,
        NOTE,
        tx.clinic(),
        link.to_string(),
        text.map(str::to_owned),
        now,
        who.to_owned()
    )
    .map(drop)
}

/// Somebody called the patient.
///
/// # Errors
/// The engine's own.
pub async fn called(tx: &mut Tx, link: LinkId, who: &str, now: UtcMs) -> Result<()> {
    tx.tell(link.to_string());
    exec!(
        tx,
        CALLED,
        tx.clinic(),
        link.to_string(),
        now,
        who.to_owned()
    )
    .map(drop)
}

/// What staff did about one link.
///
/// # Errors
/// The engine's own.
pub async fn of_link(tx: &mut Tx, link: LinkId) -> Result<Option<Mark>> {
    opt!(tx, Row, MARK, tx.clinic(), link.to_string())?
        .map(mark)
        .transpose()
}
