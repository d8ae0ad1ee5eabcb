//! Settings -> Practitioners: names, colours, hours, absences.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::practitioners::{self as verbs, AbsenceInput, PractitionerInput};
use remit_app::views::{Absence, Practitioner};
use remit_app::{Error, Result, services};
use remit_core::DAY_MS;
use remit_core::clinic::initials;
use remit_core::ids::{AbsenceId, PractitionerId};
use remit_core::practitioners::{Hue, WorkingDay, WorkingWeek};
use remit_core::roles::Permission;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::{clock, sentences};
use crate::pages::practitioners::{
    AbsenceForm, AbsenceRow, DayRow, HueChoice, PractitionerForm, PractitionerRow, Practitioners,
};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/practitioners";
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
/// How far ahead absences are listed.
const AHEAD_MS: i64 = 2 * 366 * DAY_MS;

/// `GET /settings/practitioners`.
pub async fn list(desk: Desk) -> Answer {
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let weeks = verbs::weeks(&desk.app, desk.clinic()).await?;
    let away = ahead(&desk).await?;
    let rows = people.iter().enumerate().map(|(index, who)| {
        let week = weeks.iter().find(|(id, _)| *id == who.id);
        let absence = away.iter().find(|absence| absence.practitioner == who.id);
        PractitionerRow {
            id: who.id.to_string(),
            name: who.name.clone(),
            initials: initials(&who.name),
            hue: letter(who.hue.unwrap_or(Hue::at(index))),
            detail: detail(who),
            hours: week.map_or_else(|| "No hours entered".into(), |(_, week)| week_words(week)),
            absence: absence.map(|absence| {
                let when = when(&desk, absence);
                format!("{}, {when}", absence.reason)
            }),
            active: who.active,
        }
    });
    let shown = Practitioners {
        people: rows.collect(),
        may_change: desk.may(Permission::Configure),
        shell: desk.shell(Section::Settings).await?,
    };
    Ok(page(StatusCode::OK, &shown))
}

async fn ahead(desk: &Desk) -> Result<Vec<Absence>> {
    let now = desk.now();
    verbs::absences(&desk.app, desk.clinic(), now, now + AHEAD_MS).await
}

/// The class of a colour in the style sheet.
pub fn letter(hue: Hue) -> &'static str {
    match hue {
        Hue::Teal => "a",
        Hue::Blue => "b",
        Hue::Violet => "c",
        Hue::Rose => "d",
    }
}

/// `Physiotherapy · Room 2`.
pub fn detail(who: &Practitioner) -> String {
    let detail = [who.speciality.as_str(), who.room.as_str()];
    let detail: Vec<&str> = detail.into_iter().filter(|text| !text.is_empty()).collect();
    detail.join(" · ")
}

/// A minute of the day as a time field has it.
fn minute(of_day: i64) -> String {
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

/// `Mon to Fri 08:00 – 17:30, Sat 09:00 – 13:00`: days in a row with the same hours are told together.
fn week_words(week: &WorkingWeek) -> String {
    let mut told: Vec<(usize, usize, WorkingDay)> = Vec::new();
    for (index, day) in week.0.iter().enumerate() {
        let Some(day) = day else { continue };
        match told.last_mut() {
            Some((_, last, same))
                if *last + 1 == index && (same.from(), same.to()) == (day.from(), day.to()) =>
            {
                *last = index;
            }
            _ => told.push((index, index, *day)),
        }
    }
    let short = |index: usize| &WEEKDAYS[index][..3];
    let told = told.iter().map(|(first, last, day)| {
        let days = if first == last {
            short(*first).to_owned()
        } else {
            format!("{} to {}", short(*first), short(*last))
        };
        format!("{days} {} – {}", minute(day.from()), minute(day.to()))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// `Mon 30 Nov to Fri 4 Dec`, or with times where it is not whole days.
fn when(desk: &Desk, absence: &Absence) -> String {
    let clock = &desk.clock;
    let whole = |at| clock.time(at) == "00:00";
    if whole(absence.starts_at) && whole(absence.ends_at) {
        let day = |at| clock.written(at, "%a %-d %b");
        let (first, last) = (day(absence.starts_at), day(absence.ends_at - 1));
        if first == last {
            first
        } else {
            format!("{first} to {last}")
        }
    } else {
        let (first, last) = (
            clock.moment(absence.starts_at),
            clock.moment(absence.ends_at),
        );
        format!("{first} to {last}")
    }
}

/// `GET /settings/practitioners/new`.
pub async fn fresh(desk: Desk) -> Answer {
    form(&desk, None, StatusCode::OK, None).await
}

/// `GET /settings/practitioners/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let who = verbs::get(&desk.app, desk.clinic(), id.parse()?).await?;
    form(&desk, Some(&who), StatusCode::OK, None).await
}

/// `POST /settings/practitioners/new`.
pub async fn create(desk: Desk, sent: Form) -> Answer {
    let made = match input(&sent) {
        Ok(input) => verbs::add(&desk.app, desk.actor(), input).await,
        Err(error) => Err(error),
    };
    finish(&desk, None, made.map(drop), &sent).await
}

/// `POST /settings/practitioners/{id}`.
pub async fn change(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    let id: PractitionerId = id.parse()?;
    let before = verbs::get(&desk.app, desk.clinic(), id).await?;
    let changed = match input(&sent) {
        Ok(input) => verbs::change(&desk.app, desk.actor(), id, input).await,
        Err(error) => Err(error),
    };
    finish(&desk, Some(&before), changed.map(drop), &sent).await
}

/// `POST /settings/practitioners/{id}/retire`.
pub async fn retire(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    let id: PractitionerId = id.parse()?;
    verbs::set_active(&desk.app, desk.actor(), id, sent.ticked("active")).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

/// `POST /settings/practitioners/{id}/absences`.
pub async fn add_absence(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    let id: PractitionerId = id.parse()?;
    let added = match absence(&desk, &sent) {
        Ok(input) => verbs::add_absence(&desk.app, desk.actor(), id, input).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(_) => Ok(see_other(&format!("{HERE}/{id}"))),
        Err(error) => {
            let who = verbs::get(&desk.app, desk.clinic(), id).await?;
            finish(&desk, Some(&who), Err(error), &sent).await
        }
    }
}

/// `POST /settings/practitioners/{id}/absences/{absence}/remove`.
pub async fn remove_absence(
    desk: Desk,
    Path((id, absence)): Path<(String, String)>,
    _: Form,
) -> Answer {
    let id: PractitionerId = id.parse()?;
    let absence: AbsenceId = absence.parse()?;
    verbs::remove_absence(&desk.app, desk.actor(), id, absence).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}

async fn finish(
    desk: &Desk,
    before: Option<&Practitioner>,
    done: Result<()>,
    sent: &Form,
) -> Answer {
    match done {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            form(desk, before, status, Some((sent, &error))).await
        }
        Err(error) => Err(error.into()),
    }
}

fn input(sent: &Form) -> Result<PractitionerInput> {
    let mut week = WorkingWeek::default();
    for (number, slot) in (1..).zip(&mut week.0) {
        *slot =
            day(sent, number).map_err(|message| Error::invalid(DAY_FIELDS[number - 1], message))?;
    }
    Ok(PractitionerInput {
        name: sent.text("name").to_owned(),
        speciality: sent.text("speciality").to_owned(),
        room: sent.text("room").to_owned(),
        hue: Hue::parse(sent.text("hue")),
        week,
    })
}

/// How an error names the weekday that it is about.
const DAY_FIELDS: [&str; 7] = [
    "day_1", "day_2", "day_3", "day_4", "day_5", "day_6", "day_7",
];

/// The hours typed for a weekday; none when it is not ticked.
fn day(sent: &Form, number: usize) -> std::result::Result<Option<WorkingDay>, String> {
    if !sent.ticked(&format!("works_{number}")) {
        return Ok(None);
    }
    let at = |name: &str| {
        let time = clock::time(sent.text(&format!("{name}_{number}")))?;
        Some(i64::from(time.hour()) * 60 + i64::from(time.minute()))
    };
    let hours = at("from").zip(at("to"));
    let (from, to) = hours.ok_or("Enter when the day starts and ends, like 09:00 and 17:30.")?;
    let typed = |name: &str| !sent.text(&format!("{name}_{number}")).trim().is_empty();
    let lunch = at("lunch_from").zip(at("lunch_to"));
    if lunch.is_none() && (typed("lunch_from") || typed("lunch_to")) {
        return Err("Enter when lunch starts and ends, or leave both empty.".into());
    }
    let day = WorkingDay::new(from, to, lunch).map_err(|error| error.to_string())?;
    Ok(Some(day))
}

/// Whole days unless times are given.
fn absence(desk: &Desk, sent: &Form) -> Result<AbsenceInput> {
    let date = |name: &'static str, message: &str| {
        clock::day(sent.text(name)).ok_or_else(|| Error::invalid(name, message))
    };
    let first = date("from", "Choose the first day.")?;
    let last = match sent.some("to") {
        Some(_) => date("to", "Choose the last day.")?,
        None => first,
    };
    let time = |name: &'static str| match sent.some(name) {
        None => Ok(None),
        Some(text) => clock::time(&text)
            .map(Some)
            .ok_or_else(|| Error::invalid(name, "Choose a time, like 14:30.")),
    };
    Ok(AbsenceInput {
        starts_at: match time("from_time")? {
            Some(time) => desk.clock.at(first, time),
            None => desk.clock.start_of(first),
        },
        ends_at: match time("to_time")? {
            Some(time) => desk.clock.at(last, time),
            None => desk.clock.start_of(clock::next(last)),
        },
        reason: sent.text("reason").to_owned(),
    })
}

async fn form(
    desk: &Desk,
    before: Option<&Practitioner>,
    status: StatusCode,
    retry: Option<(&Form, &Error)>,
) -> Answer {
    let away = ahead(desk).await?;
    let weeks = verbs::weeks(&desk.app, desk.clinic()).await?;
    let week = before
        .and_then(|who| weeks.iter().find(|(id, _)| *id == who.id))
        .map(|(_, week)| *week);
    // The form of an absence names its own fields, so the other one shows what is stored.
    let of_absence = retry.filter(|(sent, _)| sent.has("reason"));
    let of_person = retry.filter(|(sent, _)| !sent.has("reason"));
    let kept = |read: &dyn Fn(&Practitioner) -> String| before.map(read).unwrap_or_default();
    let hue = match of_person {
        Some((sent, _)) => Hue::parse(sent.text("hue")),
        None => before.and_then(|who| who.hue),
    };
    let own = away
        .iter()
        .filter(|absence| before.is_some_and(|who| who.id == absence.practitioner));
    let shown = PractitionerForm {
        shell: desk.shell(Section::Settings).await?,
        id: before.map(|who| who.id.to_string()),
        active: before.is_none_or(|who| who.active),
        name: field("name", kept(&|who| who.name.clone()), of_person),
        speciality: field("speciality", kept(&|who| who.speciality.clone()), of_person),
        room: field("room", kept(&|who| who.room.clone()), of_person),
        hues: hues(hue),
        days: days(week, of_person),
        refused: sentences::over(retry.map(|(_, error)| error), &desk.clock),
        absences: own
            .map(|absence| AbsenceRow {
                id: absence.id.to_string(),
                reason: absence.reason.clone(),
                when: when(desk, absence),
            })
            .collect(),
        absence: AbsenceForm {
            from: field("from", String::new(), of_absence),
            from_time: field("from_time", String::new(), of_absence),
            to: field("to", String::new(), of_absence),
            to_time: field("to_time", String::new(), of_absence),
            reason: field("reason", String::new(), of_absence),
        },
    };
    Ok(page(status, &shown))
}

fn field(name: &str, kept: String, retry: Option<(&Form, &Error)>) -> Field {
    match retry {
        None => Field::new(kept),
        Some((sent, error)) => Field {
            value: sent.text(name).to_owned(),
            error: sentences::beside(Some(error), &[name]),
        },
    }
}

fn hues(chosen: Option<Hue>) -> Vec<HueChoice> {
    let all = Hue::ALL.into_iter().map(|hue| HueChoice {
        value: hue.name(),
        label: hue.title(),
        letter: letter(hue),
        chosen: chosen == Some(hue),
    });
    all.collect()
}

/// The week as it was typed, else as it is kept, else a usual one to start from.
fn days(week: Option<WorkingWeek>, retry: Option<(&Form, &Error)>) -> Vec<DayRow> {
    let rows = (1..).zip(WEEKDAYS).map(|(number, name)| {
        if let Some((sent, error)) = retry {
            let typed = |part: &str| sent.text(&format!("{part}_{number}")).to_owned();
            return DayRow {
                number,
                name,
                works: sent.ticked(&format!("works_{number}")),
                from: typed("from"),
                to: typed("to"),
                lunch_from: typed("lunch_from"),
                lunch_to: typed("lunch_to"),
                error: sentences::beside(Some(error), &[DAY_FIELDS[number - 1]]),
            };
        }
        let day = week.and_then(|week| week.on(number - 1));
        let lunch = day.and_then(|day| day.lunch());
        let or = |minute_of_day: Option<i64>, usual: &str| {
            minute_of_day.map_or_else(|| usual.to_owned(), minute)
        };
        DayRow {
            number,
            name,
            works: day.is_some(),
            from: or(day.map(|day| day.from()), "09:00"),
            to: or(day.map(|day| day.to()), "17:00"),
            lunch_from: or(lunch.map(|(start, _)| start), ""),
            lunch_to: or(lunch.map(|(_, end)| end), ""),
            error: None,
        }
    });
    rows.collect()
}
