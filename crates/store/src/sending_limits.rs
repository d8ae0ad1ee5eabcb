//! What a clinic allows to be sent, and what was sent today.

use remit_core::UtcMs;
use remit_core::ids::ClinicId;
use remit_core::sending_limits::{Counted, SendingLimits};
use serde_json::{Value, json};

use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT per_number, per_address, per_staff, per_clinic, money, segment_cost, countries FROM sending_limits
        WHERE clinic = $1"];
    SET = ["INSERT INTO sending_limits (clinic, per_number, per_address, per_staff, per_clinic, money, segment_cost,
        countries) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (clinic) DO UPDATE SET
        per_number = excluded.per_number, per_address = excluded.per_address, per_staff = excluded.per_staff,
        per_clinic = excluded.per_clinic, money = excluded.money, segment_cost = excluded.segment_cost,
        countries = excluded.countries"];
    COUNT = ["INSERT INTO sending_count (clinic, day, scope, who, messages, cost)
        SELECT CASE j.value ->> 'scope' WHEN 'installation' THEN '' ELSE $1 END, CAST(j.value ->> 'day' AS BIGINT),
        j.value ->> 'scope', j.value ->> 'who', 1, CAST($3 AS BIGINT) FROM " (each 2) " WHERE true
        ON CONFLICT (clinic, day, scope, who) DO UPDATE SET messages = sending_count.messages + 1,
        cost = sending_count.cost + excluded.cost RETURNING scope, messages, cost"];
    TODAY = ["SELECT messages, cost FROM sending_count WHERE clinic = $1 AND day = $2 AND scope = 'clinic' AND who = ''"];
    SWEEP = ["DELETE FROM sending_count WHERE day < $1"];
}

type Row = (i64, i64, i64, i64, i64, i64, String);

/// The clinic's limits; the defaults where it has set none.
///
/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId) -> Result<SendingLimits> {
    let row = read_opt!(store, Row, GET, clinic.to_string())?;
    Ok(
        row.map_or_else(SendingLimits::default, |row| SendingLimits {
            per_number: row.0,
            per_address: row.1,
            per_staff: row.2,
            per_clinic: row.3,
            money: row.4,
            segment_cost: row.5,
            countries: row.6.split_whitespace().map(str::to_owned).collect(),
        }),
    )
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, limits: &SendingLimits) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET,
        tx.clinic(),
        limits.per_number,
        limits.per_address,
        limits.per_staff,
        limits.per_clinic,
        limits.money,
        limits.segment_cost,
        limits.countries.join(" "),
    )
    .map(drop)
}

/// One message to count.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub address: &'a str,
    /// The person or program; none: Remit itself.
    pub staff: Option<&'a str>,
    /// Minor units.
    pub cost: i64,
    /// The first moments of the present day: the clinic's and the installation's.
    pub clinic_day: UtcMs,
    pub installation_day: UtcMs,
}

/// Counts a message, and answers with what the day has with it. Who counts next waits for this transaction's end, so
/// that no two pass a cap together; rolled back, nothing was counted. The rows are taken in one order, the busiest last.
///
/// # Errors
/// The engine's own.
pub async fn count(tx: &mut Tx, sending: &Sending<'_>) -> Result<Counted> {
    let line =
        |scope: &str, who: &str, day: UtcMs| json!({ "scope": scope, "who": who, "day": day });
    let mut lines = vec![line("address", sending.address, sending.clinic_day)];
    lines.extend(
        sending
            .staff
            .map(|who| line("staff", who, sending.clinic_day)),
    );
    lines.push(line("clinic", "", sending.clinic_day));
    lines.push(line("installation", "", sending.installation_day));
    let rows = all!(
        tx,
        (String, i64, i64),
        COUNT,
        tx.clinic(),
        Value::from(lines).to_string(),
        sending.cost
    )?;
    let of = |scope: &str| rows.iter().find(|(known, _, _)| known == scope);
    let messages = |scope: &str| of(scope).map_or(0, |(_, messages, _)| *messages);
    Ok(Counted {
        to_address: messages("address"),
        by_staff: sending.staff.map(|_| messages("staff")),
        by_clinic: messages("clinic"),
        spent: of("clinic").map_or(0, |(_, _, cost)| *cost),
        by_installation: messages("installation"),
    })
}

/// Messages of the clinic in a day that begins so, and what its texts cost.
///
/// # Errors
/// The engine's own.
pub async fn today(store: &Store, clinic: ClinicId, day: UtcMs) -> Result<(i64, i64)> {
    Ok(read_opt!(store, (i64, i64), TODAY, clinic.to_string(), day)?.unwrap_or_default())
}

/// Forgets days that are over.
///
/// # Errors
/// The engine's own.
pub async fn sweep(tx: &mut Tx, before: UtcMs) -> Result<u64> {
    exec!(tx, SWEEP, before)
}
