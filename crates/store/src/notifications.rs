//! Notifications: what staff should hear of, read from the timeline and the findings. Nothing is copied; only how far
//! each person has read is kept.

use remit_core::UtcMs;
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, ClinicId, FindingId, StaffId};
use remit_core::money::{Currency, Money};

use crate::error::{id, id_opt, read};
use crate::events::EventView;
use crate::{Result, Store, StoreError, Tx};

/// Entries of the timeline that staff are told of: the same words stand in the index `event_notable`, which the
/// statements below walk.
pub const NOTABLE: [&str; 6] = [
    "payment_link.paid",
    "payment_link.asked_again",
    "delivery.failed",
    "receipt.failed",
    "payment.disputed",
    "refund.failed",
];

macro_rules! notable {
    () => {
        "kind IN ('payment_link.paid', 'payment_link.asked_again', 'delivery.failed', 'receipt.failed',
        'payment.disputed', 'refund.failed')"
    };
}

/// A dispute and a failed refund are told by the timeline already.
macro_rules! told_apart {
    () => {
        "kind NOT IN ('dispute', 'refund_failed')"
    };
}

statements! {
    SEEN = ["SELECT COALESCE((SELECT seen_until FROM staff_seen WHERE clinic = $1 AND staff = $2),
        (SELECT created_at FROM staff WHERE clinic = $1 AND id = $2), 0) AS seen_until"];
    UNREAD = ["SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM event WHERE clinic = $1 AND at > $2 AND " (notable!())
        " LIMIT $3) AS e) + (SELECT COUNT(*) FROM (SELECT 1 AS one FROM finding WHERE clinic = $1 AND opened_at > $2 AND "
        (told_apart!()) " LIMIT $3) AS f) AS n"];
    EVENTS = ["SELECT e.id, e.at, e.kind, e.appt, e.link, e.actor, e.data, p.name AS patient FROM event e
        LEFT JOIN appointment a ON a.clinic = e.clinic AND a.id = e.appt
        LEFT JOIN patient p ON p.clinic = a.clinic AND p.id = a.patient
        WHERE e.clinic = $1 AND e." (notable!()) " ORDER BY e.at DESC, e.id DESC LIMIT $2"];
    FINDINGS = ["SELECT f.id, f.opened_at, f.kind, f.appt, f.amount, f.currency, p.name AS patient FROM finding f
        LEFT JOIN appointment a ON a.clinic = f.clinic AND a.id = f.appt
        LEFT JOIN patient p ON p.clinic = a.clinic AND p.id = a.patient
        WHERE f.clinic = $1 AND f." (told_apart!()) " ORDER BY f.opened_at DESC, f.id DESC LIMIT $2"];
    MARK = ["INSERT INTO staff_seen (clinic, staff, seen_until) VALUES ($1, $2, $3)
        ON CONFLICT (clinic, staff) DO UPDATE SET seen_until = excluded.seen_until
        WHERE staff_seen.seen_until < excluded.seen_until"];
}

/// An entry of the timeline with whom it is about.
#[derive(Clone, Debug)]
pub struct NotableEvent {
    pub event: EventView,
    pub patient: Option<String>,
}

/// A finding as it is told of.
#[derive(Clone, Debug)]
pub struct NotableFinding {
    pub id: FindingId,
    pub at: UtcMs,
    pub kind: FindingKind,
    pub appointment: Option<AppointmentId>,
    pub amount: Option<Money>,
    pub patient: Option<String>,
}

/// Until when a person has read; who never has, from when they joined.
///
/// # Errors
/// The engine's own.
pub async fn seen_until(store: &Store, clinic: ClinicId, staff: StaffId) -> Result<UtcMs> {
    let row = read_opt!(store, (i64,), SEEN, clinic.to_string(), staff.to_string())?;
    Ok(row.map_or(0, |(at,)| at))
}

/// How much there is after a moment, counted up to `most` of each kind.
///
/// # Errors
/// The engine's own.
pub async fn unread(store: &Store, clinic: ClinicId, since: UtcMs, most: i64) -> Result<i64> {
    let row = read_opt!(store, (i64,), UNREAD, clinic.to_string(), since, most)?;
    Ok(row.map_or(0, |(n,)| n))
}

row! {
    struct EventRow {
        id: String,
        at: i64,
        kind: String,
        appt: Option<String>,
        link: Option<String>,
        actor: String,
        data: String,
        patient: Option<String>,
    }
}

/// The latest entries, newest first.
///
/// # Errors
/// The engine's own.
pub async fn events(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<NotableEvent>> {
    read_all!(store, EventRow, EVENTS, clinic.to_string(), limit)?
        .into_iter()
        .map(|row| {
            Ok(NotableEvent {
                event: EventView {
                    id: id(&row.id, "event id")?,
                    at: row.at,
                    kind: row.kind,
                    appointment: id_opt(&row.appt, "appointment id")?,
                    link: id_opt(&row.link, "link id")?,
                    actor: row.actor,
                    data: serde_json::from_str(&row.data)
                        .map_err(|_| StoreError::Corrupt("event data"))?,
                },
                patient: row.patient,
            })
        })
        .collect()
}

row! {
    struct FindingRow {
        id: String,
        opened_at: i64,
        kind: String,
        appt: Option<String>,
        amount: Option<i64>,
        currency: Option<String>,
        patient: Option<String>,
    }
}

/// The latest findings, open or settled, newest first.
///
/// # Errors
/// The engine's own.
pub async fn findings(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<NotableFinding>> {
    read_all!(store, FindingRow, FINDINGS, clinic.to_string(), limit)?
        .into_iter()
        .map(|row| {
            let currency = row.currency.as_deref().and_then(Currency::parse);
            Ok(NotableFinding {
                id: id(&row.id, "finding id")?,
                at: row.opened_at,
                kind: read(FindingKind::parse(&row.kind), "finding kind")?,
                appointment: id_opt(&row.appt, "appointment id")?,
                amount: row
                    .amount
                    .zip(currency)
                    .map(|(minor, currency)| Money::new(minor, currency)),
                patient: row.patient,
            })
        })
        .collect()
}

/// Notes until when a person has read; never back.
///
/// # Errors
/// The engine's own.
pub async fn mark(tx: &mut Tx, staff: StaffId, until: UtcMs) -> Result<()> {
    tx.tell("notify");
    exec!(tx, MARK, tx.clinic(), staff.to_string(), until).map(drop)
}
