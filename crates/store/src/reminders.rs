//! What a clinic wants to be sent by itself, and which links are to be looked at.

use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, LinkId};
use remit_core::reminders::{QuietHours, ReminderSettings};

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT unopened_after, unpaid_after, before_expiry, quiet_from, quiet_to FROM reminder_setting
        WHERE clinic = $1"];
    SET = ["INSERT INTO reminder_setting (clinic, unopened_after, unpaid_after, before_expiry, quiet_from, quiet_to)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (clinic) DO UPDATE SET unopened_after = excluded.unopened_after,
        unpaid_after = excluded.unpaid_after, before_expiry = excluded.before_expiry,
        quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to"];
    LOOK_AT_ALL = ["UPDATE payment_link SET remind_at = $2 WHERE clinic = $1 AND state IN ('created', 'sent', 'accessed')
        AND sent_by IS NOT NULL"];
    DUE = ["SELECT clinic, id, appt FROM payment_link WHERE remind_at IS NOT NULL AND remind_at <= $1
        ORDER BY remind_at LIMIT $2"];
    PLAN = ["UPDATE payment_link SET remind_at = CAST($3 AS BIGINT) WHERE clinic = $1 AND id = $2
        AND state IN ('created', 'sent', 'accessed')"];
    FACTS = ["SELECT accessed_at, captured FROM payment_link WHERE clinic = $1 AND id = $2"];
}

type Row = (Option<i64>, Option<i64>, Option<i64>, i64, i64);

/// The clinic's settings; off where it has none.
///
/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId) -> Result<ReminderSettings> {
    let row = read_opt!(store, Row, GET, clinic.to_string())?;
    Ok(
        row.map_or_else(ReminderSettings::default, |row| ReminderSettings {
            unopened_after_ms: row.0,
            unpaid_after_ms: row.1,
            before_expiry_ms: row.2,
            quiet: QuietHours {
                from_minute: row.3,
                to_minute: row.4,
            },
        }),
    )
}

/// Keeps the settings, and has every open link that was handed over looked at under them.
///
/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, settings: &ReminderSettings, now: UtcMs) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET,
        tx.clinic(),
        settings.unopened_after_ms,
        settings.unpaid_after_ms,
        settings.before_expiry_ms,
        settings.quiet.from_minute,
        settings.quiet.to_minute,
    )?;
    exec!(tx, LOOK_AT_ALL, tx.clinic(), now).map(drop)
}

/// Links to look at, longest due first, of every clinic.
///
/// # Errors
/// The engine's own.
pub async fn due(
    store: &Store,
    now: UtcMs,
    limit: i64,
) -> Result<Vec<(ClinicId, LinkId, AppointmentId)>> {
    let rows = read_all!(store, (String, String, String), DUE, now, limit)?;
    rows.iter()
        .map(|(clinic, link, appt)| {
            Ok((
                id(clinic, "clinic id")?,
                id(link, "link id")?,
                id(appt, "appointment id")?,
            ))
        })
        .collect()
}

/// When to look at a link next; never again where there is nothing to wait for.
///
/// # Errors
/// The engine's own.
pub async fn plan(tx: &mut Tx, link: LinkId, at: Option<UtcMs>) -> Result<()> {
    exec!(tx, PLAN, tx.clinic(), link.to_string(), at).map(drop)
}

/// When a link was accessed, and whether money came through it.
///
/// # Errors
/// The engine's own.
pub async fn facts(tx: &mut Tx, link: LinkId) -> Result<(Option<UtcMs>, bool)> {
    let row = opt!(tx, (Option<i64>, i64), FACTS, tx.clinic(), link.to_string())?;
    Ok(row.map_or((None, false), |(at, captured)| (at, captured > 0)))
}
