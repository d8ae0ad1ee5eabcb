//! The timeline: what happened to links, payments and appointments, append-only.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, EventId, LinkId};
use serde_json::{Value, json};

use crate::error::{id, id_opt};
use crate::notifications::NOTABLE;
use crate::{Result, Store, StoreError, Tx};

statements! {
    APPEND = ["INSERT INTO event (clinic, id, at, kind, appt, link, actor, data)
        SELECT $1, j.value ->> 'id', CAST(j.value ->> 'at' AS BIGINT), j.value ->> 'kind', j.value ->> 'appt',
        j.value ->> 'link', j.value ->> 'actor', j.value ->> 'data' FROM " (each 2)];
    OF_APPOINTMENT = ["SELECT id, at, kind, appt, link, actor, data FROM event WHERE clinic = $1 AND appt = $2
        ORDER BY id DESC LIMIT $3"];
    OF_LINK = ["SELECT id, at, kind, appt, link, actor, data FROM event WHERE clinic = $1 AND link = $2
        ORDER BY id DESC LIMIT $3"];
    PAGE = ["SELECT id, at, kind, appt, link, actor, data FROM event WHERE clinic = $1 AND id > $2
        ORDER BY id LIMIT $3"];
    FETCHES = ["SELECT link, at FROM event WHERE clinic = $1 AND link IN " (ids 2)
        " AND kind = 'payment_link.fetched' ORDER BY at LIMIT 5000"];
}

/// One line to append.
pub struct Entry<'a> {
    pub id: EventId,
    pub at: UtcMs,
    pub kind: &'static str,
    pub appointment: Option<AppointmentId>,
    pub link: Option<LinkId>,
    pub actor: &'a str,
    pub data: Value,
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct EventView {
    pub id: EventId,
    pub at: UtcMs,
    pub kind: String,
    pub appointment: Option<AppointmentId>,
    pub link: Option<LinkId>,
    pub actor: String,
    pub data: Value,
}

/// # Errors
/// The engine's own.
pub async fn append(tx: &mut Tx, entry: &Entry<'_>) -> Result<()> {
    append_all(tx, std::slice::from_ref(entry)).await
}

/// Appends lines in one statement.
pub(crate) async fn append_all(tx: &mut Tx, entries: &[Entry<'_>]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    if entries.iter().any(|entry| NOTABLE.contains(&entry.kind)) {
        tx.tell("notify");
    }
    let lines = entries.iter().map(|entry| {
        json!({ "id": entry.id, "at": entry.at, "kind": entry.kind, "appt": entry.appointment, "link": entry.link,
            "actor": entry.actor, "data": entry.data.to_string() })
    });
    let lines = Value::from_iter(lines).to_string();
    exec!(tx, APPEND, tx.clinic(), lines).map(drop)
}

type Row = (
    String,
    i64,
    String,
    Option<String>,
    Option<String>,
    String,
    String,
);

fn view((event, at, kind, appt, link, actor, data): Row) -> Result<EventView> {
    Ok(EventView {
        id: id(&event, "event id")?,
        at,
        kind,
        appointment: id_opt(&appt, "appointment id")?,
        link: id_opt(&link, "link id")?,
        actor,
        data: serde_json::from_str(&data).map_err(|_| StoreError::Corrupt("event data"))?,
    })
}

/// An appointment's timeline, newest first.
///
/// # Errors
/// The engine's own.
pub async fn of_appointment(
    store: &Store,
    clinic: ClinicId,
    appt: AppointmentId,
    limit: i64,
) -> Result<Vec<EventView>> {
    let rows = read_all!(
        store,
        Row,
        OF_APPOINTMENT,
        clinic.to_string(),
        appt.to_string(),
        limit
    )?;
    rows.into_iter().map(view).collect()
}

/// A link's timeline, newest first.
///
/// # Errors
/// The engine's own.
pub async fn of_link(
    store: &Store,
    clinic: ClinicId,
    link: LinkId,
    limit: i64,
) -> Result<Vec<EventView>> {
    let rows = read_all!(
        store,
        Row,
        OF_LINK,
        clinic.to_string(),
        link.to_string(),
        limit
    )?;
    rows.into_iter().map(view).collect()
}

/// When the pages of these links were fetched, oldest first (UTC ms); 5,000 at most.
///
/// # Errors
/// The engine's own.
pub async fn fetches(
    store: &Store,
    clinic: ClinicId,
    links: &[LinkId],
) -> Result<Vec<(LinkId, UtcMs)>> {
    if links.is_empty() {
        return Ok(vec![]);
    }
    let ids = json!(links).to_string();
    let rows = read_all!(store, (String, i64), FETCHES, clinic.to_string(), ids)?;
    rows.iter()
        .map(|(link, at)| Ok((id(link, "link id")?, *at)))
        .collect()
}

/// Everything that happened after an event, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn after(
    store: &Store,
    clinic: ClinicId,
    after: &str,
    limit: i64,
) -> Result<Vec<EventView>> {
    let rows = read_all!(
        store,
        Row,
        PAGE,
        clinic.to_string(),
        after.to_owned(),
        limit
    )?;
    rows.into_iter().map(view).collect()
}
