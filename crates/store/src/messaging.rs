//! A clinic's connections to carriers of messages: what was entered, sealed, and how sending went last.

use remit_core::UtcMs;
use remit_core::deliveries::Channel;
use remit_core::ids::{ClinicId, EndpointId};

use crate::error::{id, read};
use crate::{Result, Store, StoreError, Tx};

macro_rules! columns {
    () => {
        "SELECT clinic, id, channel, provider, settings_sealed, version, last_error, last_error_at, last_success_at"
    };
}

statements! {
    INSERT = ["INSERT INTO messaging_channel (clinic, id, channel, provider, settings_sealed, version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, 1, $6, $6)"];
    REPLACE = ["UPDATE messaging_channel SET replaced_at = $3 WHERE clinic = $1 AND channel = $2
        AND replaced_at IS NULL"];
    SAVE = ["UPDATE messaging_channel SET settings_sealed = $3, version = version + 1, updated_at = $4
        WHERE clinic = $1 AND id = $2 AND version = $5 AND replaced_at IS NULL"];
    CURRENT = [(columns!()) " FROM messaging_channel WHERE clinic = $1 AND channel = $2 AND replaced_at IS NULL"];
    BY_ID = [(columns!()) ", " now " AS now FROM messaging_channel WHERE id = $1"];
    NOTE_ERROR = ["UPDATE messaging_channel SET last_error = $3, last_error_at = $4 WHERE clinic = $1 AND id = $2"];
    NOTE_SUCCESS = ["UPDATE messaging_channel SET last_success_at = $3 WHERE clinic = $1 AND id = $2"];
}

/// One connection to a carrier.
#[derive(Clone, Debug)]
pub struct MessagingChannel {
    pub clinic: ClinicId,
    /// Names the route of delivery receipts.
    pub id: EndpointId,
    pub channel: Channel,
    /// `smtp`, `twilio`, `vonage`, `http`.
    pub provider: String,
    pub settings_sealed: Vec<u8>,
    /// Rises with every change.
    pub version: i64,
    /// The last sending that went wrong, and when.
    pub last_error: Option<(String, UtcMs)>,
    pub last_success_at: Option<UtcMs>,
}

row! {
    struct Row {
        clinic: String,
        id: String,
        channel: String,
        provider: String,
        settings_sealed: Vec<u8>,
        version: i64,
        last_error: Option<String>,
        last_error_at: Option<i64>,
        last_success_at: Option<i64>,
    }
}

fn view(row: Row) -> Result<MessagingChannel> {
    Ok(MessagingChannel {
        clinic: id(&row.clinic, "clinic id")?,
        id: id(&row.id, "endpoint id")?,
        channel: read(Channel::parse(&row.channel), "channel")?,
        provider: row.provider,
        settings_sealed: row.settings_sealed,
        version: row.version,
        last_error: row.last_error.zip(row.last_error_at),
        last_success_at: row.last_success_at,
    })
}

/// Adds a connection, which takes the place of the channel's one before.
///
/// # Errors
/// `Unique` when another command added one at the same time; the engine's own.
pub async fn insert(tx: &mut Tx, row: &MessagingChannel, now: UtcMs) -> Result<()> {
    replace(tx, row.channel, now).await?;
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        row.id.to_string(),
        row.channel.name(),
        row.provider.clone(),
        row.settings_sealed.clone(),
        now,
    )
    .map(drop)
}

/// Takes a channel's connection out of the settings; false when there was none. Receipts of what it carried are still
/// understood.
///
/// # Errors
/// The engine's own.
pub async fn replace(tx: &mut Tx, channel: Channel, now: UtcMs) -> Result<bool> {
    tx.tell("clinic");
    Ok(exec!(tx, REPLACE, tx.clinic(), channel.name(), now)? == 1)
}

/// Writes what was entered anew. `row.version` is the one that was read.
///
/// # Errors
/// [`StoreError::Retry`] when it was changed since; the engine's own.
pub async fn save(tx: &mut Tx, row: &MessagingChannel, now: UtcMs) -> Result<()> {
    tx.tell("clinic");
    let saved = exec!(
        tx,
        SAVE,
        tx.clinic(),
        row.id.to_string(),
        row.settings_sealed.clone(),
        now,
        row.version,
    )?;
    if saved == 1 {
        Ok(())
    } else {
        Err(StoreError::Retry)
    }
}

/// The connection that carries a channel's messages now.
///
/// # Errors
/// The engine's own.
pub async fn current(
    store: &Store,
    clinic: ClinicId,
    channel: Channel,
) -> Result<Option<MessagingChannel>> {
    read_opt!(store, Row, CURRENT, clinic.to_string(), channel.name())?
        .map(view)
        .transpose()
}

row! {
    struct AtRow {
        now: i64,
    }
    with row: Row
}

/// The connection behind a receipts' route, replaced or not, and the moment of reading by the database's clock.
///
/// # Errors
/// The engine's own.
pub async fn by_endpoint(
    store: &Store,
    endpoint: EndpointId,
) -> Result<Option<(MessagingChannel, UtcMs)>> {
    let row = read_opt!(store, AtRow, BY_ID, endpoint.to_string())?;
    row.map(|row| Ok((view(row.row)?, store.shifted(row.now))))
        .transpose()
}

/// Keeps what went wrong.
///
/// # Errors
/// The engine's own.
pub async fn note_error(tx: &mut Tx, endpoint: EndpointId, why: &str, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        NOTE_ERROR,
        tx.clinic(),
        endpoint.to_string(),
        why.to_owned(),
        now
    )
    .map(drop)
}

/// Keeps that a message was taken.
///
/// # Errors
/// The engine's own.
pub async fn note_success(tx: &mut Tx, endpoint: EndpointId, now: UtcMs) -> Result<()> {
    exec!(tx, NOTE_SUCCESS, tx.clinic(), endpoint.to_string(), now).map(drop)
}
