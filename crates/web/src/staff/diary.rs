//! The diary: one day with a column per practitioner, or a week.

use axum::extract::Query;
use axum::http::StatusCode;
use jiff::civil::Date;
use remit_app::views::{Absence, AppointmentView, Practitioner};
use remit_app::{appointments, practitioners, services};
use remit_core::appointments::Status;
use remit_core::clinic::initials;
use remit_core::ids::PractitionerId;
use remit_core::links::LinkState;
use remit_core::practitioners::{Hue, WorkingWeek};
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page};
use super::clock::{self, Clock};
use super::desk::Desk;
use super::practitioners::{detail, letter};
use super::words;
use crate::pages::diary::{
    Column, Diary, Entry, Item, ItemKind, NowMark, PaymentNote, Place, Span, Toolbar, Week,
    WeekDay, WeekItem,
};
use crate::pages::{Choice, Section, Tone};

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
    only: String,
    view: String,
}

/// What a stretch of the diary is made of.
struct Stretch {
    people: Vec<(Practitioner, &'static str)>,
    weeks: Vec<(PractitionerId, WorkingWeek)>,
    absences: Vec<Absence>,
    booked: Vec<AppointmentView>,
    may_move: bool,
}

impl Stretch {
    /// The days from `first` to before `end`, of one practitioner or all of `people`.
    async fn read(
        desk: &Desk,
        people: &[Practitioner],
        only: &str,
        first: Date,
        end: Date,
    ) -> remit_app::Result<Stretch> {
        let (app, clinic, clock) = (&desk.app, desk.clinic(), &desk.clock);
        let span = (clock.start_of(first), clock.start_of(end));
        let mut booked = appointments::between(app, clinic, span.0, span.1).await?;
        let known = people.iter().any(|who| who.id.to_string() == only);
        let shown = |id: PractitionerId| !known || id.to_string() == only;
        booked.retain(|one| !known || one.practitioner.is_some_and(shown));
        let people = people.iter().enumerate().map(|(index, who)| {
            let hue = letter(who.hue.unwrap_or(Hue::at(index)));
            (who.clone(), hue)
        });
        Ok(Stretch {
            people: people.filter(|(who, _)| shown(who.id)).collect(),
            weeks: practitioners::weeks(app, clinic).await?,
            absences: practitioners::absences(app, clinic, span.0, span.1).await?,
            booked,
            may_move: desk.may(Permission::Book),
        })
    }

    fn week(&self, who: PractitionerId) -> WorkingWeek {
        let known = self.weeks.iter().find(|(id, _)| *id == who);
        known.map(|(_, week)| *week).unwrap_or_default()
    }

    /// When somebody is not there on a day: label, and minutes of the day. `open`: the minutes that are shown.
    fn blocks(
        &self,
        who: PractitionerId,
        clock: &Clock,
        day: Date,
        open: (i64, i64),
    ) -> Vec<(String, i64, i64)> {
        let week = self.week(who);
        let mut blocks: Vec<(String, i64, i64)> = Vec::new();
        let not_in = || "Not in".to_owned();
        match week.on(weekday(day)) {
            None if week.is_known() => blocks.push((not_in(), open.0, open.1)),
            None => {}
            Some(hours) => {
                blocks.push((not_in(), open.0, hours.from()));
                blocks.push((not_in(), hours.to(), open.1));
                let lunch = hours.lunch();
                blocks.extend(lunch.map(|(start, end)| ("Lunch".to_owned(), start, end)));
            }
        }
        let (start, end) = (clock.start_of(day), clock.start_of(clock::next(day)));
        for away in &self.absences {
            if away.practitioner == who && away.starts_at < end && away.ends_at > start {
                let minute = |at| clock.minute_of_day(at);
                let from = if away.starts_at <= start {
                    open.0
                } else {
                    minute(away.starts_at)
                };
                let to = if away.ends_at >= end {
                    open.1
                } else {
                    minute(away.ends_at)
                };
                blocks.push((away.reason.clone(), from, to));
            }
        }
        let within = blocks
            .into_iter()
            .map(|(label, from, to)| (label, from.max(open.0), to.min(open.1)));
        within.filter(|(_, from, to)| from < to).collect()
    }

    /// First and last hour: the working day, wider where something is booked or somebody works outside it.
    fn hours(&self, clock: &Clock, days: &[Date]) -> (i64, i64) {
        let mut hours = (FIRST_HOUR, LAST_HOUR);
        for day in days {
            let own: Vec<_> = self
                .booked
                .iter()
                .filter(|one| clock.date(one.starts_at) == *day)
                .collect();
            let booked = hours_of(&own, clock, *day);
            hours = (hours.0.min(booked.0), hours.1.max(booked.1));
            for (who, _) in &self.people {
                if let Some(day) = self.week(who.id).on(weekday(*day)) {
                    hours = (
                        hours.0.min(day.from() / 60),
                        hours.1.max((day.to() + 59) / 60),
                    );
                }
            }
        }
        hours
    }
}

/// 0 is Monday.
fn weekday(day: Date) -> usize {
    usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default()
}

/// A minute of a day, for the script.
fn local(day: Date, minute: i64) -> String {
    if minute >= 24 * 60 {
        return format!("{}T00:00", clock::next(day));
    }
    format!("{day}T{:02}:{:02}", minute / 60, minute % 60)
}

/// `GET /diary`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let day = clock::day(&asked.day)
        .or_else(|| clock::day(&asked.date))
        .unwrap_or_else(|| desk.clock.today());
    if asked.view == "week" {
        week(&desk, &asked, day).await
    } else {
        one_day(&desk, &asked, day).await
    }
}

async fn one_day(desk: &Desk, asked: &Asked, day: Date) -> Answer {
    let clock = &desk.clock;
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let stretch = Stretch::read(desk, &people, &asked.only, day, clock::next(day)).await?;
    let hours = stretch.hours(clock, &[day]);
    let mut columns = columns(&stretch, clock, day, hours);
    if columns.is_empty() && !stretch.booked.is_empty() {
        let own: Vec<&AppointmentView> = stretch.booked.iter().collect();
        columns.push(unassigned(
            "b",
            items(&own, clock, hours.0, stretch.may_move),
        ));
    }
    let chosen = columns
        .iter()
        .position(|column| column.id == asked.practitioner)
        .unwrap_or(0);
    for (index, column) in columns.iter_mut().enumerate() {
        column.chosen = index == chosen;
    }
    let mut bar = toolbar(
        &people,
        asked,
        day,
        (clock::previous(day), clock::next(day)),
    );
    bar.heading = clock.day_words(day);
    bar.is_today = day == clock.today();
    let diary = Diary {
        shell: desk.shell(Section::Diary).await?,
        bar,
        hours: (hours.0..hours.1)
            .map(|hour| format!("{hour:02}:00"))
            .collect(),
        from: format!("{:02}:00", hours.0),
        until: format!("{:02}:00", hours.1),
        columns,
        now: now_mark(clock, day, hours),
        as_of: clock.moment(clock.now),
    };
    Ok(page(StatusCode::OK, &diary))
}

async fn week(desk: &Desk, asked: &Asked, day: Date) -> Answer {
    let clock = &desk.clock;
    let ahead = |days: i64| day.checked_add(jiff::Span::new().days(days)).unwrap_or(day);
    let from_monday = -i64::try_from(weekday(day)).unwrap_or_default();
    let days: Vec<Date> = (from_monday..from_monday + 7).map(ahead).collect();
    let monday = days.first().copied().unwrap_or(day);
    let sunday = *days.last().unwrap_or(&monday);
    let people = services::practitioners(&desk.app, desk.clinic()).await?;
    let stretch = Stretch::read(desk, &people, &asked.only, monday, clock::next(sunday)).await?;
    let hours = stretch.hours(clock, &days);
    let mut bar = toolbar(&people, asked, day, (ahead(-7), ahead(7)));
    bar.heading = if monday.month() == sunday.month() {
        format!("{} – {}", monday.day(), sunday.strftime("%-d %B"))
    } else {
        format!(
            "{} – {}",
            monday.strftime("%-d %b"),
            sunday.strftime("%-d %b")
        )
    };
    bar.is_today = days.contains(&clock.today());
    let shown = Week {
        shell: desk.shell(Section::Diary).await?,
        from: format!("{:02}:00", hours.0),
        until: format!("{:02}:00", hours.1),
        days: days
            .iter()
            .map(|day| week_day(&stretch, clock, *day, hours, &bar.only))
            .collect(),
        now: now_mark(clock, clock.today(), hours).filter(|_| bar.is_today),
        bar,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Breaks are shown of one practitioner alone: over each other they would mean nothing.
fn week_day(stretch: &Stretch, clock: &Clock, day: Date, hours: (i64, i64), only: &str) -> WeekDay {
    let mut items = Vec::new();
    if let Some(&(ref who, hue)) = stretch.people.first().filter(|_| !only.is_empty()) {
        let blocks = stretch.blocks(who.id, clock, day, (hours.0 * 60, hours.1 * 60));
        items.extend(blocks.into_iter().map(|(label, from, to)| WeekItem {
            hue,
            with: who.name.clone(),
            kind: blocked(label, day, &who.id.to_string(), (from, to)),
        }));
    }
    let own = stretch
        .booked
        .iter()
        .filter(|one| clock.date(one.starts_at) == day);
    items.extend(own.map(|one| {
        WeekItem {
            hue: stretch
                .people
                .iter()
                .find(|(who, _)| Some(who.id) == one.practitioner)
                .map_or("b", |(_, hue)| *hue),
            with: one.practitioner_name.clone().unwrap_or_default(),
            kind: ItemKind::Appointment(entry(one, clock, stretch.may_move)),
        }
    }));
    WeekDay {
        day: day.to_string(),
        address: address(day, false, only),
        heading: day.strftime("%a %-d %B").to_string(),
        is_today: day == clock.today(),
        items,
    }
}

fn blocked(label: String, day: Date, who: &str, (from, to): (i64, i64)) -> ItemKind {
    ItemKind::Blocked {
        label,
        span: Span {
            starts: local(day, from),
            ends: local(day, to),
            who: who.to_owned(),
        },
    }
}

/// The address of a day or week of the diary.
fn address(day: Date, is_week: bool, only: &str) -> String {
    let view = if is_week { "&view=week" } else { "" };
    let only = if only.is_empty() {
        String::new()
    } else {
        format!("&only={only}")
    };
    format!("/diary?day={day}{view}{only}")
}

fn toolbar(
    people: &[Practitioner],
    asked: &Asked,
    day: Date,
    (previous, next): (Date, Date),
) -> Toolbar {
    let only = people.iter().find(|who| who.id.to_string() == asked.only);
    let id = only.map(|who| who.id.to_string()).unwrap_or_default();
    let is_week = asked.view == "week";
    let offered = people
        .iter()
        .filter(|who| who.active || who.id.to_string() == id);
    Toolbar {
        heading: String::new(),
        day: day.to_string(),
        here: address(day, is_week, &id),
        previous: address(previous, is_week, &id),
        next: address(next, is_week, &id),
        as_day: address(day, false, &id),
        as_week: address(day, true, &id),
        everybody: address(day, is_week, ""),
        is_today: false,
        is_week,
        only_name: only.map(|who| who.name.clone()),
        people: offered
            .map(|who| Choice {
                value: address(day, is_week, &who.id.to_string()),
                label: who.name.clone(),
                selected: who.id.to_string() == id,
            })
            .collect(),
        only: id,
    }
}

/// First and last hour: the usual day, wider where something is booked outside it.
fn hours_of(booked: &[&AppointmentView], clock: &Clock, day: Date) -> (i64, i64) {
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

fn columns(stretch: &Stretch, clock: &Clock, day: Date, hours: (i64, i64)) -> Vec<Column> {
    let mut columns = Vec::new();
    for &(ref person, hue) in &stretch.people {
        let of = |one: &&AppointmentView| one.practitioner == Some(person.id);
        let own: Vec<&AppointmentView> = stretch.booked.iter().filter(of).collect();
        if !person.active && own.is_empty() {
            continue;
        }
        let id = person.id.to_string();
        let open = (hours.0 * 60, hours.1 * 60);
        let blocks = stretch.blocks(person.id, clock, day, open).into_iter();
        let mut all: Vec<Item> = blocks
            .map(|(label, from, to)| Item {
                place: place(from - open.0, to - from, 0, 1),
                kind: blocked(label, day, &id, (from, to)),
            })
            .collect();
        all.extend(items(&own, clock, hours.0, stretch.may_move));
        columns.push(Column {
            name: person.name.clone(),
            detail: detail(person),
            initials: initials(&person.name),
            hue,
            chosen: false,
            items: all,
            id,
        });
    }
    let loose = |one: &&AppointmentView| one.practitioner.is_none();
    let loose: Vec<&AppointmentView> = stretch.booked.iter().filter(loose).collect();
    if !columns.is_empty() && !loose.is_empty() {
        columns.push(unassigned(
            "a",
            items(&loose, clock, hours.0, stretch.may_move),
        ));
    }
    columns
}

/// A column for what is booked with nobody in particular.
fn unassigned(hue: &'static str, items: Vec<Item>) -> Column {
    Column {
        id: "none".into(),
        name: "No practitioner".into(),
        detail: String::new(),
        initials: "–".into(),
        hue,
        chosen: false,
        items,
    }
}

/// Places a column's appointments. Those that overlap share the width: each takes the first lane that is free.
fn items(own: &[&AppointmentView], clock: &Clock, first_hour: i64, may_move: bool) -> Vec<Item> {
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
    own.map(|(one, (lane, lanes))| {
        let from = clock.minute_of_day(one.starts_at) - first_hour * 60;
        let length = (one.ends_at - one.starts_at) / remit_core::MINUTE_MS;
        Item {
            place: place(from, length, lane, lanes),
            kind: ItemKind::Appointment(entry(one, clock, may_move)),
        }
    })
    .collect()
}

/// Minutes from the first hour shown, and how many.
fn place(from: i64, length: i64, lane: usize, lanes: usize) -> Place {
    let rows = |minutes: i64| u32::try_from((minutes / ROW_MINUTES).max(0)).unwrap_or(0);
    let small = |number: usize| u32::try_from(number).unwrap_or(Place::LANES_MAX);
    Place {
        row: rows(from) + 1,
        rows: rows(length + ROW_MINUTES - 1).max(1),
        lane: small(lane + 1),
        lanes: small(lanes),
    }
}

fn entry(one: &AppointmentView, clock: &Clock, may_move: bool) -> Entry {
    let local = |at| clock.written(at, "%Y-%m-%dT%H:%M");
    let over = matches!(
        one.status,
        Status::Completed | Status::Cancelled | Status::NoShow
    );
    Entry {
        id: one.id.to_string(),
        span: Span {
            starts: local(one.starts_at),
            ends: local(one.ends_at),
            who: one
                .practitioner
                .map_or_else(|| "none".into(), |who| who.to_string()),
        },
        seen: one.revision,
        movable: may_move && !over,
        patient: one.patient_name.clone(),
        service: one.title.clone(),
        time: format!(
            "{} – {}",
            clock.time(one.starts_at),
            clock.time(one.ends_at)
        ),
        status: words::appointment_status(one.status),
        payment: note(one, clock),
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
