//! The diary: one day, a column per practitioner.

use axum::extract::Query;
use axum::http::StatusCode;
use jiff::civil::Date;
use remit_app::views::{AppointmentView, Practitioner};
use remit_app::{appointments, services};
use remit_core::appointments::Status;
use remit_core::clinic::initials;
use remit_core::links::LinkState;
use serde::Deserialize;

use super::answer::{Answer, page};
use super::clock::{self, Clock};
use super::desk::Desk;
use super::words;
use crate::pages::diary::{Column, Diary, Entry, Item, ItemKind, NowMark, PaymentNote, Place, hue};
use crate::pages::{Section, Tone};

/// Hours shown on a day on which nothing is booked earlier or later.
const FIRST_HOUR: i64 = 8;
const LAST_HOUR: i64 = 18;
const ROW_MINUTES: i64 = 15;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    day: String,
    date: String,
    practitioner: String,
}

/// `GET /diary`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let clock = &desk.clock;
    let day = clock::day(&asked.day)
        .or_else(|| clock::day(&asked.date))
        .unwrap_or_else(|| clock.today());
    let span = (clock.start_of(day), clock.start_of(clock::next(day)));
    let booked = appointments::between(&desk.app, desk.clinic(), span.0, span.1).await?;
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let hours = hours(&booked, clock, day);
    let mut columns = columns(&people, &booked, clock, hours.0);
    if columns.is_empty() && !booked.is_empty() {
        columns.push(nobodys(&booked, clock, hours.0));
    }
    let chosen = columns
        .iter()
        .position(|column| column.id == asked.practitioner)
        .unwrap_or(0);
    for (index, column) in columns.iter_mut().enumerate() {
        column.chosen = index == chosen;
    }
    let diary = Diary {
        shell: desk.shell(Section::Diary).await?,
        heading: clock.day_words(day),
        day: day.to_string(),
        previous_day: clock::previous(day).to_string(),
        next_day: clock::next(day).to_string(),
        is_today: day == clock.today(),
        hours: (hours.0..hours.1)
            .map(|hour| format!("{hour:02}:00"))
            .collect(),
        columns,
        now: now_mark(clock, day, hours),
    };
    Ok(page(StatusCode::OK, &diary))
}

/// First and last hour: the working day, wider where something is booked outside it.
fn hours(booked: &[AppointmentView], clock: &Clock, day: Date) -> (i64, i64) {
    booked
        .iter()
        .fold((FIRST_HOUR, LAST_HOUR), |(first, last), one| {
            let start = clock.minute_of_day(one.starts_at);
            let end = if clock.date(one.ends_at) == day {
                clock.minute_of_day(one.ends_at)
            } else {
                24 * 60
            };
            (first.min(start / 60), last.max((end + 59) / 60))
        })
}

fn columns(
    people: &[Practitioner],
    booked: &[AppointmentView],
    clock: &Clock,
    first_hour: i64,
) -> Vec<Column> {
    let mut columns = Vec::new();
    for person in people {
        let own: Vec<&AppointmentView> = booked
            .iter()
            .filter(|one| one.practitioner == Some(person.id))
            .collect();
        if !person.active && own.is_empty() {
            continue;
        }
        let detail = [person.speciality.as_str(), person.room.as_str()];
        let detail: Vec<&str> = detail.into_iter().filter(|text| !text.is_empty()).collect();
        columns.push(Column {
            id: person.id.to_string(),
            name: person.name.clone(),
            detail: detail.join(" · "),
            initials: initials(&person.name),
            hue: hue(columns.len()),
            chosen: false,
            items: items(&own, clock, first_hour),
        });
    }
    let loose: Vec<&AppointmentView> = booked
        .iter()
        .filter(|one| one.practitioner.is_none())
        .collect();
    if !columns.is_empty() && !loose.is_empty() {
        columns.push(unassigned(columns.len(), &loose, clock, first_hour));
    }
    columns
}

/// A column for what is booked with nobody in particular.
fn unassigned(index: usize, own: &[&AppointmentView], clock: &Clock, first_hour: i64) -> Column {
    Column {
        id: "none".into(),
        name: "No practitioner".into(),
        detail: String::new(),
        initials: "–".into(),
        hue: hue(index),
        chosen: false,
        items: items(own, clock, first_hour),
    }
}

fn nobodys(booked: &[AppointmentView], clock: &Clock, first_hour: i64) -> Column {
    let own: Vec<&AppointmentView> = booked.iter().collect();
    unassigned(0, &own, clock, first_hour)
}

/// Places a column's appointments. Those that overlap share the width: each takes the first lane that is free.
fn items(own: &[&AppointmentView], clock: &Clock, first_hour: i64) -> Vec<Item> {
    let mut placed: Vec<(usize, usize)> = vec![(0, 1); own.len()];
    let mut start = 0;
    while start < own.len() {
        let mut end = start;
        let mut until = own[start].ends_at;
        let mut lanes: Vec<i64> = Vec::new();
        while end < own.len() && (end == start || own[end].starts_at < until) {
            let one = own[end];
            until = until.max(one.ends_at);
            let lane = lanes.iter().position(|free| *free <= one.starts_at);
            let lane = lane.unwrap_or_else(|| {
                lanes.push(0);
                lanes.len() - 1
            });
            lanes[lane] = one.ends_at;
            placed[end] = (lane, 0);
            end += 1;
        }
        for place in &mut placed[start..end] {
            place.1 = lanes.len();
        }
        start = end;
    }
    let own = own.iter().zip(placed);
    own.map(|(one, (lane, lanes))| item(one, clock, first_hour, lane, lanes))
        .collect()
}

fn item(one: &AppointmentView, clock: &Clock, first_hour: i64, lane: usize, lanes: usize) -> Item {
    let rows = |minutes: i64| u32::try_from((minutes / ROW_MINUTES).max(0)).unwrap_or(0);
    let from = clock.minute_of_day(one.starts_at) - first_hour * 60;
    let length = (one.ends_at - one.starts_at) / remit_core::MINUTE_MS;
    let small = |number: usize| u32::try_from(number).unwrap_or(Place::LANES_MAX);
    Item {
        place: Place {
            row: rows(from) + 1,
            rows: rows(length + ROW_MINUTES - 1).max(1),
            lane: small(lane + 1),
            lanes: small(lanes),
        },
        kind: ItemKind::Appointment(Entry {
            id: one.id.to_string(),
            patient: one.patient_name.clone(),
            service: one.title.clone(),
            time: format!(
                "{} – {}",
                clock.time(one.starts_at),
                clock.time(one.ends_at)
            ),
            status: words::appointment_status(one.status),
            payment: note(one, clock),
        }),
    }
}

/// What to know about the money of an appointment at a glance.
fn note(one: &AppointmentView, clock: &Clock) -> Option<PaymentNote> {
    let balance = &one.balance;
    let note = |text: String, icon, tone| Some(PaymentNote { text, icon, tone });
    if one.status == Status::Cancelled {
        return None;
    }
    if balance.due == 0 {
        let paid = balance.money(balance.paid - balance.refunded);
        return if paid.minor > 0 {
            note(format!("Paid {paid}"), "circle-check", Tone::Good)
        } else {
            None
        };
    }
    if let Some((state, amount, ends)) = one.open_link
        && clock.now < ends
    {
        let amount = balance.money(amount.min(balance.due));
        return match state {
            LinkState::Created => note(format!("{amount} link made"), "circle-dashed", Tone::Plain),
            LinkState::Sent => note(format!("{amount} link sent"), "send", Tone::Sent),
            LinkState::Accessed => note(format!("{amount} link opened"), "eye", Tone::Warn),
            LinkState::Paid | LinkState::Expired | LinkState::Cancelled => None,
        };
    }
    let lapsed = one.open_link.is_some() || one.expired_unpaid;
    let deposit = balance.deposit_due();
    if lapsed {
        note("Link expired".into(), "timer-off", Tone::Bad)
    } else if deposit.minor > 0 {
        note(format!("Deposit due {deposit}"), "circle-alert", Tone::Warn)
    } else if balance.paid > 0 && balance.deposit > 0 {
        note(
            format!("Deposit paid {}", balance.money(balance.paid)),
            "circle-check",
            Tone::Good,
        )
    } else {
        note(
            format!("{} to pay", balance.due()),
            "credit-card",
            Tone::Plain,
        )
    }
}

fn now_mark(clock: &Clock, day: Date, hours: (i64, i64)) -> Option<NowMark> {
    let minute = clock.minute_of_day(clock.now);
    if day != clock.today() || !(hours.0 * 60..hours.1 * 60).contains(&minute) {
        return None;
    }
    let minute = minute - hours.0 * 60;
    Some(NowMark {
        time: clock.time(clock.now),
        row: u32::try_from(minute / ROW_MINUTES).unwrap_or(0) + 1,
        fifth: u32::try_from(minute % ROW_MINUTES / 3).unwrap_or(0),
    })
}
