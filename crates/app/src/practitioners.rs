//! Practitioners: their names and colours, hours and absences, and whether a time of theirs is free.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use remit_core::appointments::Slot;
use remit_core::contact::Name;
use remit_core::ids::{AbsenceId, AppointmentId, ClinicId, PractitionerId, ServiceId};
use remit_core::practitioners::{Hue, Wanted, WorkingWeek, clash};
use remit_core::{DAY_MS, MINUTE_MS, UtcMs};
use remit_store::practitioners::{self as rows, Absence};
use remit_store::services::{self, Practitioner};
use remit_store::{Tx, appointments, audit};

use crate::error::in_field;
use crate::notes::note;
use crate::{Actor, App, Error, Result};

/// Characters of a speciality, a room or a reason.
const DETAIL_CHARS_MAX: usize = 100;
/// The longest absence: a typing error in the year is caught here.
const ABSENCE_MAX_MS: i64 = 2 * 366 * DAY_MS;

/// What a manager enters for a practitioner.
#[derive(Clone, Debug)]
pub struct PractitionerInput {
    pub name: String,
    pub speciality: String,
    pub room: String,
    pub hue: Option<Hue>,
    pub week: WorkingWeek,
}

/// Adds somebody with their hours.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn add(app: &App, actor: &Actor, input: PractitionerInput) -> Result<Practitioner> {
    let (name, speciality, room) = (&input.name, &input.speciality, &input.room);
    let made = crate::services::add_practitioner(app, actor, None, name, speciality, room).await?;
    change(app, actor, made.id, input).await
}

/// Renames somebody and sets their colour, room, speciality and hours. What is booked stays.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn change(
    app: &App,
    actor: &Actor,
    id: PractitionerId,
    input: PractitionerInput,
) -> Result<Practitioner> {
    let before = get(app, actor.clinic, id).await?;
    let detail = |field, text: &str| {
        note(field, Some(text), DETAIL_CHARS_MAX).map(Option::unwrap_or_default)
    };
    let after = Practitioner {
        name: Name::parse(&input.name)
            .map_err(in_field("name"))?
            .into_string(),
        speciality: detail("speciality", &input.speciality)?,
        room: detail("room", &input.room)?,
        hue: input.hue,
        ..before
    };
    save(
        app,
        actor,
        &after,
        Some(&input.week),
        "practitioner.changed",
    )
    .await?;
    Ok(after)
}

/// Takes somebody out of the diary, or back into it. Their appointments stay.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn set_active(app: &App, actor: &Actor, id: PractitionerId, active: bool) -> Result<()> {
    let before = get(app, actor.clinic, id).await?;
    let after = Practitioner { active, ..before };
    let word = if active {
        "practitioner.returned"
    } else {
        "practitioner.retired"
    };
    save(app, actor, &after, None, word).await
}

async fn save(
    app: &App,
    actor: &Actor,
    who: &Practitioner,
    week: Option<&WorkingWeek>,
    word: &'static str,
) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    rows::update(&mut tx, who).await?;
    if let Some(week) = week {
        rows::set_week(&mut tx, who.id, week).await?;
    }
    audit::append(&mut tx, &actor.label, word, &who.id.to_string(), now).await?;
    Ok(tx.commit().await?)
}

/// A stretch in which somebody is away.
#[derive(Clone, Debug)]
pub struct AbsenceInput {
    pub starts_at: UtcMs,
    pub ends_at: UtcMs,
    pub reason: String,
}

/// Enters an absence. What is booked then stays booked, and the diary shows both.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn add_absence(
    app: &App,
    actor: &Actor,
    id: PractitionerId,
    input: AbsenceInput,
) -> Result<AbsenceId> {
    get(app, actor.clinic, id).await?;
    if input.ends_at <= input.starts_at {
        return Err(Error::invalid(
            "to",
            "The absence must end after it starts.",
        ));
    }
    if input.ends_at - input.starts_at > ABSENCE_MAX_MS {
        return Err(Error::invalid("to", "Enter at most two years."));
    }
    let reason = note("reason", Some(&input.reason), DETAIL_CHARS_MAX)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let absence = Absence {
        id: app.fresh(now)?,
        practitioner: id,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
        reason: reason.unwrap_or_else(|| "Not in".into()),
    };
    rows::add_absence(&mut tx, &absence, &actor.label, now).await?;
    let about = id.to_string();
    audit::append(&mut tx, &actor.label, "practitioner.absent", &about, now).await?;
    tx.commit().await?;
    Ok(absence.id)
}

/// Takes an absence away; one that is gone already stays gone.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn remove_absence(
    app: &App,
    actor: &Actor,
    id: PractitionerId,
    absence: AbsenceId,
) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if rows::remove_absence(&mut tx, id, absence).await? {
        let about = id.to_string();
        audit::append(&mut tx, &actor.label, "practitioner.present", &about, now).await?;
    }
    Ok(tx.commit().await?)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, id: PractitionerId) -> Result<Practitioner> {
    services::get_practitioner(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)
}

/// The weeks of the practitioners whose hours are known.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn weeks(app: &App, clinic: ClinicId) -> Result<Vec<(PractitionerId, WorkingWeek)>> {
    Ok(rows::weeks(&app.store, clinic).await?)
}

/// Absences that touch a span, in order.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn absences(app: &App, clinic: ClinicId, from: UtcMs, to: UtcMs) -> Result<Vec<Absence>> {
    Ok(rows::absences(&app.store, clinic, from, to).await?)
}

/// What somebody was booked for last: a good guess at what comes next.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn last_service(
    app: &App,
    clinic: ClinicId,
    who: PractitionerId,
) -> Result<Option<ServiceId>> {
    Ok(rows::last_service(&app.store, clinic, who).await?)
}

/// Refuses a place that something stands against. Nobody else books with the same person until the transaction ends.
///
/// # Errors
/// [`Error::Clash`], or the store's.
pub(crate) async fn check_free(
    tx: &mut Tx,
    zone: &str,
    appointment: AppointmentId,
    place: Slot,
) -> Result<()> {
    let Some(who) = place.practitioner else {
        return Ok(());
    };
    rows::lock(tx, who).await?;
    let span = (place.starts_at, place.ends_at);
    let taken = appointments::overlapping(tx, who, span, appointment).await?;
    let absent = rows::absent(tx, who, span).await?;
    let week = rows::week_in(tx, who).await?;
    match clash(&week, wanted(zone, place), taken, absent) {
        Some(clash) => Err(Error::Clash(clash)),
        None => Ok(()),
    }
}

/// The place as the clinic's wall clock has it. An unknown zone is read as UTC.
fn wanted(zone: &str, place: Slot) -> Wanted {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let local = Timestamp::from_millisecond(place.starts_at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned_datetime(zone);
    let from_minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    Wanted {
        weekday: usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default(),
        from_minute,
        to_minute: from_minute + (place.ends_at - place.starts_at) / MINUTE_MS,
    }
}
