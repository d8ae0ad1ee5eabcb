//! Practitioners: how they are named and coloured, their hours and absences.

use remit_core::UtcMs;
use remit_core::ids::{AbsenceId, ClinicId, PractitionerId, ServiceId};
use remit_core::practitioners::{Clash, WorkingDay, WorkingWeek};

use crate::error::id;
use crate::services::Practitioner;
use crate::{Result, Store, StoreError, Tx};

statements! {
    UPDATE = ["UPDATE practitioner SET name = $3, speciality = $4, room = $5, hue = $6, active = $7
        WHERE clinic = $1 AND id = $2"];
    LOCK = ["UPDATE practitioner SET active = active WHERE clinic = $1 AND id = $2"];
    CLEAR_HOURS = ["DELETE FROM practitioner_hours WHERE clinic = $1 AND practitioner = $2"];
    SET_HOURS = ["INSERT INTO practitioner_hours (clinic, practitioner, weekday, from_minute, to_minute, lunch_from,
        lunch_to) VALUES ($1, $2, $3, $4, $5, $6, $7)"];
    HOURS = ["SELECT practitioner, weekday, from_minute, to_minute, lunch_from, lunch_to FROM practitioner_hours
        WHERE clinic = $1 ORDER BY practitioner, weekday"];
    HOURS_OF = ["SELECT practitioner, weekday, from_minute, to_minute, lunch_from, lunch_to FROM practitioner_hours
        WHERE clinic = $1 AND practitioner = $2 ORDER BY weekday"];
    ADD_ABSENCE = ["INSERT INTO practitioner_absence (clinic, id, practitioner, starts_at, ends_at, reason, created_at,
        created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
    REMOVE_ABSENCE = ["DELETE FROM practitioner_absence WHERE clinic = $1 AND id = $2 AND practitioner = $3"];
    ABSENCES = ["SELECT id, practitioner, starts_at, ends_at, reason FROM practitioner_absence
        WHERE clinic = $1 AND ends_at > $2 AND starts_at < $3 ORDER BY starts_at, id LIMIT $4"];
    ABSENT = ["SELECT reason, ends_at FROM practitioner_absence
        WHERE clinic = $1 AND practitioner = $2 AND ends_at > $3 AND starts_at < $4 ORDER BY ends_at DESC LIMIT 1"];
    LAST_SERVICE = ["SELECT c.service FROM appointment a JOIN charge c ON c.clinic = a.clinic AND c.appt = a.id
        JOIN service s ON s.clinic = c.clinic AND s.id = c.service
        WHERE a.clinic = $1 AND a.practitioner = $2 AND c.kind = 'service' AND s.active = 1
        ORDER BY a.starts_at DESC, c.id LIMIT 1"];
}

/// Absences read at once.
const ABSENCES_MAX: i64 = 500;

/// A stretch in which somebody is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    pub id: AbsenceId,
    pub practitioner: PractitionerId,
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    /// For staff: `Holiday`, `Training`. Shown in the diary.
    pub reason: String,
}

/// # Errors
/// The engine's own.
pub async fn update(tx: &mut Tx, who: &Practitioner) -> Result<bool> {
    tx.tell("diary");
    let rows = exec!(
        tx,
        UPDATE,
        tx.clinic(),
        who.id.to_string(),
        who.name.clone(),
        who.speciality.clone(),
        who.room.clone(),
        who.hue.map(|hue| hue.name().to_owned()),
        i64::from(who.active),
    )?;
    Ok(rows == 1)
}

/// Keeps others who book with the same person waiting until this transaction ends, so that two cannot find the same
/// time free. Taken after the appointment's lock row, never before.
///
/// # Errors
/// The engine's own.
pub async fn lock(tx: &mut Tx, who: PractitionerId) -> Result<()> {
    exec!(tx, LOCK, tx.clinic(), who.to_string()).map(drop)
}

/// # Errors
/// The engine's own.
pub async fn set_week(tx: &mut Tx, who: PractitionerId, week: &WorkingWeek) -> Result<()> {
    tx.tell("diary");
    exec!(tx, CLEAR_HOURS, tx.clinic(), who.to_string())?;
    for (weekday, day) in (1_i64..).zip(week.0) {
        let Some(day) = day else { continue };
        let (lunch_from, lunch_to) = day.lunch().unzip();
        exec!(
            tx,
            SET_HOURS,
            tx.clinic(),
            who.to_string(),
            weekday,
            day.from(),
            day.to(),
            lunch_from,
            lunch_to
        )?;
    }
    Ok(())
}

type HoursRow = (String, i64, i64, i64, Option<i64>, Option<i64>);

/// The weeks of the practitioners whose hours are known.
fn weeks_of(rows: Vec<HoursRow>) -> Result<Vec<(PractitionerId, WorkingWeek)>> {
    let mut weeks: Vec<(PractitionerId, WorkingWeek)> = Vec::new();
    for (who, weekday, from, to, lunch_from, lunch_to) in rows {
        let who = id(&who, "practitioner id")?;
        let day = WorkingDay::new(from, to, lunch_from.zip(lunch_to))
            .map_err(|_| StoreError::Corrupt("working hours"))?;
        if weeks.last().is_none_or(|(last, _)| *last != who) {
            weeks.push((who, WorkingWeek::default()));
        }
        let place = usize::try_from(weekday - 1).ok();
        let week = weeks.last_mut().map(|(_, week)| week);
        let slot = week
            .zip(place)
            .and_then(|(week, place)| week.0.get_mut(place));
        *slot.ok_or(StoreError::Corrupt("weekday"))? = Some(day);
    }
    Ok(weeks)
}

/// # Errors
/// The engine's own.
pub async fn weeks(store: &Store, clinic: ClinicId) -> Result<Vec<(PractitionerId, WorkingWeek)>> {
    weeks_of(read_all!(store, HoursRow, HOURS, clinic.to_string())?)
}

/// The week of one person; without hours an empty one.
///
/// # Errors
/// The engine's own.
pub async fn week_in(tx: &mut Tx, who: PractitionerId) -> Result<WorkingWeek> {
    let rows = all!(tx, HoursRow, HOURS_OF, tx.clinic(), who.to_string())?;
    let week = weeks_of(rows)?.pop();
    Ok(week.map(|(_, week)| week).unwrap_or_default())
}

/// # Errors
/// The engine's own.
pub async fn add_absence(tx: &mut Tx, absence: &Absence, actor: &str, now: UtcMs) -> Result<()> {
    tx.tell("diary");
    exec!(
        tx,
        ADD_ABSENCE,
        tx.clinic(),
        absence.id.to_string(),
        absence.practitioner.to_string(),
        absence.starts_at,
        absence.ends_at,
        absence.reason.clone(),
        now,
        actor.to_owned()
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn remove_absence(tx: &mut Tx, who: PractitionerId, absence: AbsenceId) -> Result<bool> {
    tx.tell("diary");
    let (absence, who) = (absence.to_string(), who.to_string());
    Ok(exec!(tx, REMOVE_ABSENCE, tx.clinic(), absence, who)? == 1)
}

/// Absences that touch a span, in order.
///
/// # Errors
/// The engine's own.
pub async fn absences(
    store: &Store,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
) -> Result<Vec<Absence>> {
    type Row = (String, String, i64, i64, String);
    let clinic = clinic.to_string();
    let rows = read_all!(store, Row, ABSENCES, clinic, from, to, ABSENCES_MAX)?;
    rows.into_iter()
        .map(|(absence, who, starts_at, ends_at, reason)| {
            Ok(Absence {
                id: id(&absence, "absence id")?,
                practitioner: id(&who, "practitioner id")?,
                starts_at,
                ends_at,
                reason,
            })
        })
        .collect()
}

/// The absence that touches a span and lasts longest.
///
/// # Errors
/// The engine's own.
pub async fn absent(
    tx: &mut Tx,
    who: PractitionerId,
    (from, to): (UtcMs, UtcMs),
) -> Result<Option<Clash>> {
    type Row = (String, i64);
    let row = opt!(tx, Row, ABSENT, tx.clinic(), who.to_string(), from, to)?;
    Ok(row.map(|(reason, until)| Clash::Absent { reason, until }))
}

/// The service that somebody was booked with last and that can still be booked.
///
/// # Errors
/// The engine's own.
pub async fn last_service(
    store: &Store,
    clinic: ClinicId,
    who: PractitionerId,
) -> Result<Option<ServiceId>> {
    let row = read_opt!(
        store,
        (Option<String>,),
        LAST_SERVICE,
        clinic.to_string(),
        who.to_string()
    )?;
    crate::error::id_opt(&row.and_then(|(service,)| service), "service id")
}
