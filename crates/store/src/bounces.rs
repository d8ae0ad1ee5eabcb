//! Mailboxes that are read for emails that came back: when each is due, and how far it was read.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, EndpointId};

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    WATCH = ["INSERT INTO bounce_mailbox (clinic, channel, due_at) VALUES ($1, $2, $3)
        ON CONFLICT (clinic, channel) DO UPDATE SET due_at = excluded.due_at, validity = NULL, uid = NULL, error = NULL"];
    FORGET = ["DELETE FROM bounce_mailbox WHERE clinic = $1 AND channel = $2"];
    DUE = ["SELECT b.clinic, b.channel, b.due_at, b.validity, b.uid FROM bounce_mailbox b
        JOIN messaging_channel c ON c.clinic = b.clinic AND c.id = b.channel
        WHERE b.due_at <= $1 AND c.replaced_at IS NULL ORDER BY b.due_at LIMIT $2"];
    CLAIM = ["UPDATE bounce_mailbox SET due_at = $4 WHERE clinic = $1 AND channel = $2 AND due_at = $3"];
    READ = ["UPDATE bounce_mailbox SET due_at = $3, validity = $4, uid = $5, read_at = $6, error = NULL
        WHERE clinic = $1 AND channel = $2"];
    UNREAD = ["UPDATE bounce_mailbox SET error = $3 WHERE clinic = $1 AND channel = $2"];
    GET = ["SELECT read_at, error FROM bounce_mailbox WHERE clinic = $1 AND channel = $2"];
}

/// A mailbox that is due. `position`: how far it was read, as the mailbox's count and the last letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub clinic: ClinicId,
    pub channel: EndpointId,
    pub due_at: UtcMs,
    pub position: Option<(i64, i64)>,
}

/// How reading went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub read_at: Option<UtcMs>,
    /// Why it could not be read the last time.
    pub error: Option<String>,
}

/// Reads a connection's mailbox from now on, its last letters first: it may be another one than before, whose letters have
/// numbers of their own.
///
/// # Errors
/// The engine's own.
pub async fn watch(tx: &mut Tx, channel: EndpointId, now: UtcMs) -> Result<()> {
    exec!(tx, WATCH, tx.clinic(), channel.to_string(), now).map(drop)
}

/// Reads it no more.
///
/// # Errors
/// The engine's own.
pub async fn forget(tx: &mut Tx, channel: EndpointId) -> Result<()> {
    exec!(tx, FORGET, tx.clinic(), channel.to_string()).map(drop)
}

/// Mailboxes of every clinic that are due, the longest waiting first.
///
/// # Errors
/// The engine's own.
pub async fn due(store: &Store, now: UtcMs, limit: i64) -> Result<Vec<Due>> {
    type Row = (String, String, i64, Option<i64>, Option<i64>);
    read_all!(store, Row, DUE, now, limit)?
        .into_iter()
        .map(|(clinic, channel, due_at, validity, uid)| {
            Ok(Due {
                clinic: id(&clinic, "clinic id")?,
                channel: id(&channel, "endpoint id")?,
                due_at,
                position: validity.zip(uid),
            })
        })
        .collect()
}

/// Claims a reading until `until`: true for the one that is first, whichever node it runs on.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, due: &Due, until: UtcMs) -> Result<bool> {
    let (channel, clinic) = (due.channel.to_string(), tx.clinic());
    Ok(exec!(tx, CLAIM, clinic, channel, due.due_at, until)? == 1)
}

/// Keeps how far it was read, and when it is read next.
///
/// # Errors
/// The engine's own.
pub async fn read(
    tx: &mut Tx,
    channel: EndpointId,
    (validity, uid): (i64, i64),
    next: UtcMs,
    now: UtcMs,
) -> Result<()> {
    let clinic = tx.clinic();
    exec!(
        tx,
        READ,
        clinic,
        channel.to_string(),
        next,
        validity,
        uid,
        now
    )
    .map(drop)
}

/// Keeps why it could not be read.
///
/// # Errors
/// The engine's own.
pub async fn unread(tx: &mut Tx, channel: EndpointId, why: &str) -> Result<()> {
    exec!(tx, UNREAD, tx.clinic(), channel.to_string(), why.to_owned()).map(drop)
}

/// How reading a connection's mailbox went; none where none is read.
///
/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId, channel: EndpointId) -> Result<Option<Watched>> {
    type Row = (Option<i64>, Option<String>);
    let row = read_opt!(store, Row, GET, clinic.to_string(), channel.to_string())?;
    Ok(row.map(|(read_at, error)| Watched { read_at, error }))
}
