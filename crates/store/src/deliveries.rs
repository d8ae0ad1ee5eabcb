//! Deliveries of links: the rows and their outcomes.

use remit_core::UtcMs;
use remit_core::deliveries::{Channel, DeliveryPurpose, DeliveryStatus};
use remit_core::ids::{ClinicId, DeliveryId, LinkId};

use crate::error::{id, read};
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO delivery (clinic, id, link, channel, address, status, created_at, created_by, done_at,
        purpose, automatic) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"];
    SETTLE = ["UPDATE delivery SET status = $3, reason = $4, provider_message_id = COALESCE($5, provider_message_id),
        done_at = $6 WHERE clinic = $1 AND id = $2 AND status IN ($7, $8, $9)"];
    HAND = ["UPDATE delivery SET handed_at = $3, carrier = $4 WHERE clinic = $1 AND id = $2
        AND COALESCE(handed_at, 0) = $5 AND status IN ('queued', 'uncertain')"];
    TAKE_BACK = ["UPDATE delivery SET handed_at = NULL WHERE clinic = $1 AND id = $2"];
    HANDED = ["SELECT handed_at, carrier FROM delivery WHERE clinic = $1 AND id = $2"];
    BY_MESSAGE = ["SELECT id FROM delivery WHERE clinic = $1 AND provider_message_id = $2 AND carrier = $3
        ORDER BY created_at DESC LIMIT 1"];
    GET = ["SELECT id, link, channel, address, status, reason, created_at, created_by, done_at, purpose
        FROM delivery
        WHERE clinic = $1 AND id = $2"];
    OF_LINK = ["SELECT id, link, channel, address, status, reason, created_at, created_by, done_at, purpose
        FROM delivery
        WHERE clinic = $1 AND link = $2 ORDER BY created_at, id LIMIT 100"];
    OF_LINKS = ["SELECT id, link, channel, address, status, reason, created_at, created_by, done_at, purpose
        FROM delivery
        WHERE clinic = $1 AND link IN " (ids 2) " ORDER BY created_at, id"];
    LATEST = ["SELECT created_at FROM delivery WHERE clinic = $1 AND link = $2 AND channel = $3 AND status <> 'failed'
        ORDER BY created_at DESC LIMIT 1"];
}

/// One handing-over of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryView {
    pub id: DeliveryId,
    pub link: LinkId,
    pub channel: Channel,
    /// Number or address; none for QR code and copy.
    pub address: Option<String>,
    pub status: DeliveryStatus,
    pub reason: Option<String>,
    pub created_at: UtcMs,
    pub created_by: String,
    pub done_at: Option<UtcMs>,
    pub purpose: DeliveryPurpose,
}

type Row = (
    String,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
    i64,
    String,
    Option<i64>,
    String,
);

fn view(
    (delivery, link, channel, address, status, reason, created_at, created_by, done_at, purpose): Row,
) -> Result<DeliveryView> {
    Ok(DeliveryView {
        id: id(&delivery, "delivery id")?,
        link: id(&link, "link id")?,
        channel: read(Channel::parse(&channel), "channel")?,
        address,
        status: read(DeliveryStatus::parse(&status), "delivery status")?,
        reason,
        created_at,
        created_by,
        done_at,
        purpose: read(DeliveryPurpose::parse(&purpose), "delivery purpose")?,
    })
}

/// Writes a delivery; `ordinal` says of one that leaves by itself whether it is the first or the second.
///
/// # Errors
/// The engine's own; a third automatic one is refused.
pub async fn insert(tx: &mut Tx, delivery: &DeliveryView, ordinal: Option<usize>) -> Result<()> {
    let ordinal = ordinal.map(|ordinal| i64::try_from(ordinal).unwrap_or(i64::MAX));
    tx.tell(delivery.link.to_string());
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        delivery.id.to_string(),
        delivery.link.to_string(),
        delivery.channel.name(),
        delivery.address.clone(),
        delivery.status.name(),
        delivery.created_at,
        delivery.created_by.clone(),
        delivery.done_at,
        delivery.purpose.name(),
        ordinal,
    )
    .map(drop)
}

/// Writes an outcome; false when it says less than what is known already ([`DeliveryStatus::replaces`]).
///
/// # Errors
/// The engine's own.
pub async fn settle(
    tx: &mut Tx,
    delivery: DeliveryId,
    status: DeliveryStatus,
    reason: Option<&str>,
    provider_message_id: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    let [first, second, third] = replaced_by(status);
    let rows = exec!(
        tx,
        SETTLE,
        tx.clinic(),
        delivery.to_string(),
        status.name(),
        reason.map(str::to_owned),
        provider_message_id.map(str::to_owned),
        (status != DeliveryStatus::Queued).then_some(now),
        first,
        second,
        third,
    )?;
    Ok(rows == 1)
}

/// The outcomes that one may replace, as statements take them. Three values and not a list in one: PostgreSQL would join
/// it, and where two outcomes come at once it would hold the row that the first one wrote against the value that the list
/// gave before (its recheck keeps the joined side).
pub(crate) fn replaced_by(status: DeliveryStatus) -> [Option<&'static str>; 3] {
    let all = status.replaces();
    [0, 1, 2].map(|place| all.get(place).or(all.first()).map(|old| old.name()))
}

/// That a carrier was given a message, or is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    pub at: UtcMs,
    /// A messaging channel's id, or the tray.
    pub carrier: String,
}

/// Writes that a carrier is about to be given the message; `before` is what was read. False when another node was first,
/// or an outcome is known by now: then nobody may send.
///
/// # Errors
/// The engine's own.
pub async fn hand(
    tx: &mut Tx,
    delivery: DeliveryId,
    before: Option<&Handed>,
    handed: &Handed,
) -> Result<bool> {
    let rows = exec!(
        tx,
        HAND,
        tx.clinic(),
        delivery.to_string(),
        handed.at,
        handed.carrier.clone(),
        before.map_or(0, |before| before.at),
    )?;
    Ok(rows == 1)
}

/// The carrier provably did not take it.
///
/// # Errors
/// The engine's own.
pub async fn take_back(tx: &mut Tx, delivery: DeliveryId) -> Result<()> {
    exec!(tx, TAKE_BACK, tx.clinic(), delivery.to_string()).map(drop)
}

/// Who was given the message, if anybody.
///
/// # Errors
/// The engine's own.
pub async fn handed(
    store: &Store,
    clinic: ClinicId,
    delivery: DeliveryId,
) -> Result<Option<Handed>> {
    let row = read_opt!(
        store,
        (Option<i64>, Option<String>),
        HANDED,
        clinic.to_string(),
        delivery.to_string()
    )?;
    let (at, carrier) = row.unwrap_or_default();
    Ok(at.zip(carrier).map(|(at, carrier)| Handed { at, carrier }))
}

/// The delivery that a carrier knows under its own id.
///
/// # Errors
/// The engine's own.
pub async fn by_message(
    store: &Store,
    clinic: ClinicId,
    carrier: &str,
    message: &str,
) -> Result<Option<DeliveryId>> {
    let row = read_opt!(
        store,
        (String,),
        BY_MESSAGE,
        clinic.to_string(),
        message.to_owned(),
        carrier.to_owned()
    )?;
    row.map(|(delivery,)| id(&delivery, "delivery id"))
        .transpose()
}

/// # Errors
/// The engine's own.
pub async fn get(
    store: &Store,
    clinic: ClinicId,
    delivery: DeliveryId,
) -> Result<Option<DeliveryView>> {
    read_opt!(store, Row, GET, clinic.to_string(), delivery.to_string())?
        .map(view)
        .transpose()
}

/// Reads a delivery within a transaction.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx, delivery: DeliveryId) -> Result<Option<DeliveryView>> {
    opt!(tx, Row, GET, tx.clinic(), delivery.to_string())?
        .map(view)
        .transpose()
}

/// A link's deliveries, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_link(store: &Store, clinic: ClinicId, link: LinkId) -> Result<Vec<DeliveryView>> {
    let rows = read_all!(store, Row, OF_LINK, clinic.to_string(), link.to_string())?;
    rows.into_iter().map(view).collect()
}

/// A link's deliveries, oldest first, within a transaction.
///
/// # Errors
/// The engine's own.
pub async fn of_link_in(tx: &mut Tx, link: LinkId) -> Result<Vec<DeliveryView>> {
    let rows = all!(tx, Row, OF_LINK, tx.clinic(), link.to_string())?;
    rows.into_iter().map(view).collect()
}

/// The deliveries of many links in one statement, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn of_links(
    store: &Store,
    clinic: ClinicId,
    links: &[LinkId],
) -> Result<Vec<DeliveryView>> {
    let ids = serde_json::json!(links).to_string();
    let rows = read_all!(store, Row, OF_LINKS, clinic.to_string(), ids)?;
    rows.into_iter().map(view).collect()
}

/// When the link last went out over a channel without failing.
///
/// # Errors
/// The engine's own.
pub async fn latest(tx: &mut Tx, link: LinkId, channel: Channel) -> Result<Option<UtcMs>> {
    Ok(opt!(
        tx,
        (i64,),
        LATEST,
        tx.clinic(),
        link.to_string(),
        channel.name()
    )?
    .map(|(at,)| at))
}
