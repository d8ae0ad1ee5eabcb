//! Financials -> Online Payments: every link, by status, search and date.

use axum::extract::Query;
use axum::http::StatusCode;
use jiff::ToSpan as _;
use jiff::civil::Date;
use remit_app::views::{Cursor, DisputeView, Filter as Wanted, Tallies, Tally};
use remit_app::{disputes, links};
use remit_core::contact::Phone;
use remit_core::links::LinkState;
use remit_core::methods::PurposeKind;
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, page, see_other};
use super::desk::Desk;
use super::{clock, link_rows, words};
use crate::pages::links::Tab;
use crate::pages::online_payments::{
    DisputedNote, Empty, Filter, FollowUpNote, OnlinePayments, Selection,
};
use crate::pages::{Choice, Section};

pub const HERE: &str = "/financials/online-payments";
const PAGE_ROWS: i64 = 25;
/// Pages that *Newer* leads back through.
const TRAIL_MAX: usize = 20;
/// What the list shows unless dates are chosen.
const DAYS_SHOWN: i64 = 30;
/// The hour by which a link must end to be told of, when that is still ahead: most desks close about then.
const EVENING: &str = "18:00";
/// What can still be paid, in whichever state: where the summary's *Outstanding* leads.
pub const OPEN: &str = "open";

/// What the list is asked for; also what an export is narrowed to.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    pub status: String,
    pub q: String,
    /// Absent: the last 30 days. Empty: no bound.
    pub from: Option<String>,
    pub to: Option<String>,
    pub purpose: String,
    pub after: String,
    /// The pages before this one, newest first: where *Newer* leads.
    pub trail: String,
    /// Rows on the pages before this one.
    pub n: String,
}

/// Which days are looked at.
#[derive(Clone, Debug, Default)]
pub struct Days {
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// Nobody chose them: the last 30, whatever day it is.
    rolling: bool,
    error: Option<String>,
    reversed: bool,
}

/// `GET /financials`.
pub async fn start() -> Answer {
    Ok(see_other(HERE))
}

/// `GET /financials/online-payments`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let days = days(&desk, &asked);
    let wanted = wanted(&desk, &asked, &days);
    let after = Cursor::parse(&asked.after);
    let (found, next) = if days.error.is_some() {
        (vec![], None)
    } else {
        links::list(&desk.app, desk.clinic(), &wanted, after.as_ref(), PAGE_ROWS).await?
    };
    let (from, to) = bounds(&wanted);
    let tallies = links::tallies(&desk.app, desk.clinic(), from, to).await?;
    let disputed = disputes::open(&desk.app, desk.clinic()).await?;
    let here = address(&asked, &asked.after, &asked.trail, asked.before());
    let mut rows = Vec::new();
    for link in &found {
        rows.push(link_rows::row(&desk, link, &disputed, &here)?);
    }
    let shell = desk.shell(Section::OnlinePayments).await?;
    let empty = if rows.is_empty() {
        Some(empty(&desk, &asked, &days).await?)
    } else {
        None
    };
    let shown = OnlinePayments {
        about: match asked.status.as_str() {
            OPEN => "Payment links that can still be paid".into(),
            _ => about(&desk, &days),
        },
        note: note(&desk).await?,
        disputed: disputed_note(&desk, &disputed),
        tabs: tabs(&tallies, &asked, false),
        follow_up_count: shell.follow_up,
        filter: filter(&asked, &days),
        total: total(&desk, &tallies, &asked, rows.len(), next.is_some()),
        newer: newer(&asked),
        older: next.map(|next| older(&asked, &next, rows.len())),
        selection: selection(&desk, &here)?,
        export: asked.fields(),
        here,
        empty,
        rows,
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// What acts on ticked rows, where the person's role may.
pub fn selection(desk: &Desk, here: &str) -> remit_app::Result<Option<Selection>> {
    if !desk.may(Permission::TakeMoney) {
        return Ok(None);
    }
    Ok(Some(Selection {
        csrf: desk.who.csrf.clone(),
        idempotency_key: desk.key()?,
        here: here.to_owned(),
    }))
}

impl Asked {
    /// What narrows the list, as the fields of a form. Dates that nobody chose stay out of it.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("status", self.status.clone()),
            ("q", self.q.clone()),
            ("purpose", self.purpose.clone()),
        ];
        for (name, day) in [("from", &self.from), ("to", &self.to)] {
            fields.extend(day.clone().map(|day| (name, day)));
        }
        fields
    }

    fn before(&self) -> u64 {
        self.n.parse().unwrap_or(0)
    }
}

/// The days that are chosen; what cannot be is told and nothing is guessed.
pub fn days(desk: &Desk, asked: &Asked) -> Days {
    if asked.from.is_none() && asked.to.is_none() {
        let today = desk.clock.today();
        let first = today.checked_sub((DAYS_SHOWN - 1).days()).unwrap_or(today);
        return Days {
            from: Some(first),
            to: Some(today),
            rolling: true,
            ..Days::default()
        };
    }
    let mut days = Days::default();
    let mut day = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        let read = clock::day(text);
        if read.is_none() && !text.trim().is_empty() {
            days.error = Some("Enter dates as day, month and year, like 24/11/2026.".into());
        }
        read
    };
    let (from, to) = (day(&asked.from), day(&asked.to));
    (days.from, days.to) = (from, to);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        days.error = Some("The first date is after the last one.".into());
        days.reversed = true;
    }
    days
}

/// What the list is narrowed to.
pub fn wanted(desk: &Desk, asked: &Asked, days: &Days) -> Wanted {
    let q = asked.q.trim();
    Wanted {
        status: LinkState::parse(&asked.status),
        open: asked.status == OPEN,
        purpose: PurposeKind::parse(&asked.purpose),
        created_from: days.from.map(|day| desk.clock.start_of(day)),
        created_to: days.to.map(|day| desk.clock.start_of(clock::next(day))),
        q: (!q.is_empty()).then(|| sought(desk, q)),
        ..Wanted::default()
    }
}

/// The counts of the status that is chosen.
pub fn tallied(tallies: &Tallies, asked: &Asked) -> Tally {
    match LinkState::parse(&asked.status) {
        Some(state) => tallies.of(state),
        None if asked.status == OPEN => tallies.open(),
        None => tallies.all(),
    }
}

/// Milliseconds of creation: from, until.
pub fn bounds(wanted: &Wanted) -> (i64, i64) {
    let from = wanted.created_from.unwrap_or(0);
    (from, wanted.created_to.unwrap_or(i64::MAX))
}

/// A whole number in any writing of the clinic's country is looked for as it is kept; anything else as it is typed.
fn sought(desk: &Desk, q: &str) -> String {
    match Phone::parse(q, &desk.about().country) {
        Ok(phone) => phone.into_string(),
        Err(_) => q.to_owned(),
    }
}

/// `Every payment link of the last 30 days`.
fn about(desk: &Desk, days: &Days) -> String {
    let written = |day: Date| {
        let text = day.strftime("%-d %B").to_string();
        if day.year() == desk.clock.today().year() {
            text
        } else {
            format!("{text} {}", day.year())
        }
    };
    match (days.from, days.to) {
        _ if days.rolling => format!("Every payment link of the last {DAYS_SHOWN} days"),
        (Some(from), Some(to)) if from == to => format!("Payment links made on {}", written(from)),
        (Some(from), Some(to)) => {
            format!(
                "Payment links made from {} to {}",
                written(from),
                written(to)
            )
        }
        (Some(from), None) => format!("Payment links made since {}", written(from)),
        (None, Some(to)) => format!("Payment links made until {}", written(to)),
        (None, None) => "Every payment link, newest first".into(),
    }
}

/// Why nothing is shown, and how to look wider.
async fn empty(desk: &Desk, asked: &Asked, days: &Days) -> remit_app::Result<Empty> {
    let ever = links::tallies(&desk.app, desk.clinic(), 0, i64::MAX).await?;
    if ever.all().links == 0 {
        return Ok(Empty::NothingYet);
    }
    let q = asked.q.trim();
    let mut text = match LinkState::parse(&asked.status) {
        Some(status) => format!("No link is {}", status.title().to_lowercase()),
        None if asked.status == OPEN => "No link is open".into(),
        None => "No link is here".into(),
    };
    if let Some(purpose) = PurposeKind::parse(&asked.purpose) {
        text.push_str(&format!(" for a {}", purpose.title().to_lowercase()));
    }
    if !q.is_empty() {
        text.push_str(&format!(" that “{q}” finds"));
    }
    let dated = days.from.is_some() || days.to.is_some();
    text.push_str(if days.rolling {
        " in the last 30 days."
    } else if dated {
        " in these days."
    } else {
        "."
    });
    let mut ways = Vec::new();
    let without = |change: &dyn Fn(&mut Asked)| {
        let mut wider = asked.clone();
        change(&mut wider);
        address(&wider, "", "", 0)
    };
    let unbounded = |asked: &mut Asked| {
        (asked.from, asked.to) = (Some(String::new()), Some(String::new()));
    };
    if dated || days.error.is_some() {
        ways.push(("Look at all dates", without(&unbounded)));
    }
    if !asked.status.is_empty() {
        ways.push(("Any status", without(&|asked| asked.status.clear())));
    }
    if !q.is_empty() || !asked.purpose.is_empty() {
        ways.push((
            "Clear the search",
            without(&|asked| {
                asked.q.clear();
                asked.purpose.clear();
            }),
        ));
    }
    Ok(Empty::NothingFound { text, ways })
}

fn filter(asked: &Asked, days: &Days) -> Filter {
    let any = Choice {
        value: String::new(),
        label: "Deposit and balance".into(),
        selected: PurposeKind::parse(&asked.purpose).is_none(),
    };
    let each = PurposeKind::ALL.into_iter().map(|purpose| Choice {
        value: purpose.name().into(),
        label: purpose.title().into(),
        selected: purpose.name() == asked.purpose,
    });
    let typed = |day: Option<Date>, text: &Option<String>| match day {
        Some(day) => day.to_string(),
        None => text.clone().unwrap_or_default(),
    };
    Filter {
        q: asked.q.clone(),
        from: typed(days.from, &asked.from),
        to: typed(days.to, &asked.to),
        purposes: std::iter::once(any).chain(each).collect(),
        status: asked.status.clone(),
        swap: days.reversed.then(|| {
            let swapped = Asked {
                from: asked.to.clone(),
                to: asked.from.clone(),
                ..asked.clone()
            };
            address(&swapped, "", "", 0)
        }),
        error: days.error.clone(),
    }
}

/// The tabs of the list as it opens, for a page beside it.
///
/// # Errors
/// The store's.
pub async fn tabs_beside(desk: &Desk) -> remit_app::Result<Vec<Tab>> {
    let asked = Asked::default();
    let (from, to) = bounds(&wanted(desk, &asked, &days(desk, &asked)));
    let tallies = links::tallies(&desk.app, desk.clinic(), from, to).await?;
    Ok(tabs(&tallies, &asked, true))
}

/// The tabs with their counts for the dates that are chosen. `elsewhere`: none of them is open.
fn tabs(tallies: &Tallies, asked: &Asked, elsewhere: bool) -> Vec<Tab> {
    use LinkState::{Accessed, Cancelled, Created, Expired, Paid, Sent};
    let count = |links: i64| links.max(0).unsigned_abs();
    let tab = |label, status: &str, links: i64| {
        let chosen = Asked {
            status: status.to_owned(),
            ..asked.clone()
        };
        Tab {
            label,
            href: address(&chosen, "", "", 0),
            count: count(links),
            current: !elsewhere && asked.status == status,
        }
    };
    let all = tab("All", "", tallies.all().links);
    let each = [Created, Sent, Accessed, Paid, Expired, Cancelled];
    let each = each.map(|state| tab(state.title(), state.name(), tallies.of(state).links));
    std::iter::once(all).chain(each).collect()
}

/// The list's address. Dates that nobody chose stay out of it, so that the days go on by themselves.
pub fn address(asked: &Asked, after: &str, trail: &str, before: u64) -> String {
    let before = if before == 0 {
        String::new()
    } else {
        before.to_string()
    };
    let chosen = |day: &Option<String>| day.clone().map(|day| day.trim().to_owned());
    let (from, to) = (chosen(&asked.from), chosen(&asked.to));
    let dates = from.is_some() || to.is_some();
    let pairs = [
        ("status", asked.status.as_str(), false),
        ("q", asked.q.trim(), false),
        ("from", from.as_deref().unwrap_or_default(), dates),
        ("to", to.as_deref().unwrap_or_default(), dates),
        ("purpose", asked.purpose.as_str(), false),
        ("after", after, false),
        ("trail", trail, false),
        ("n", before.as_str(), false),
    ];
    let pairs = pairs
        .iter()
        .filter(|(_, value, always)| *always || !value.is_empty());
    let query: Vec<String> = pairs
        .map(|(name, value, _)| format!("{name}={}", encoded(value)))
        .collect();
    if query.is_empty() {
        HERE.into()
    } else {
        format!("{HERE}?{}", query.join("&"))
    }
}

/// The next page remembers this one: `-` stands for the first.
fn older(asked: &Asked, next: &Cursor, rows: usize) -> String {
    let here = if asked.after.is_empty() {
        "-"
    } else {
        &asked.after
    };
    let before = asked.trail.split('~').filter(|text| !text.is_empty());
    let trail: Vec<&str> = std::iter::once(here)
        .chain(before)
        .take(TRAIL_MAX)
        .collect();
    let shown = asked.before() + rows as u64;
    address(asked, &next.written(), &trail.join("~"), shown)
}

fn newer(asked: &Asked) -> Option<String> {
    if asked.after.is_empty() {
        return None;
    }
    let (last, rest) = asked.trail.split_once('~').unwrap_or((&asked.trail, ""));
    let before = asked.before().saturating_sub(PAGE_ROWS.unsigned_abs());
    Some(match last {
        "" | "-" => address(asked, "", "", 0),
        last => address(asked, last, rest, before),
    })
}

/// `1–25 of 214 · £23,871.50 asked, £18,462.50 paid`. What a search or a purpose leaves is not counted further than it
/// is shown.
fn total(desk: &Desk, tallies: &Tallies, asked: &Asked, rows: usize, more: bool) -> String {
    let first = asked.before() + 1;
    let last = asked.before() + rows as u64;
    let span = if first == last {
        format!("{first}")
    } else {
        format!("{first}–{last}")
    };
    if !asked.q.trim().is_empty() || !asked.purpose.is_empty() {
        return match (more, first) {
            (false, 1) => words::count(last, "link", "links"),
            (false, _) => format!("{span} of {last}"),
            (true, _) => format!("{span}, more follow"),
        };
    }
    let status = LinkState::parse(&asked.status);
    let tally = tallied(tallies, asked);
    let money = |minor| Money::new(minor, desk.currency());
    let sums = match status {
        None if asked.status == OPEN => format!("{} asked", money(tally.amount)),
        None => format!(
            "{} asked, {} paid",
            money(tally.amount),
            money(tallies.of(LinkState::Paid).amount)
        ),
        Some(LinkState::Paid) => format!("{} paid", money(tally.amount)),
        Some(_) => format!("{} asked", money(tally.amount)),
    };
    format!("{span} of {} · {sums}", tally.links.max(0))
}

async fn note(desk: &Desk) -> remit_app::Result<Option<FollowUpNote>> {
    let accessed = Wanted {
        status: Some(LinkState::Accessed),
        ..Wanted::default()
    };
    const LOOKED_AT: i64 = 100;
    let (open, more) = links::list(&desk.app, desk.clinic(), &accessed, None, LOOKED_AT).await?;
    let since = desk.now() - remit_app::follow_up::ASKED_WITHIN_MS;
    let asked = links::asked_again(&desk.app, desk.clinic(), since).await?;
    let asking = asked.len() as u64;
    if open.is_empty() {
        let one = "patient asks for a new link";
        let head = words::count(asking, one, "patients ask for a new link");
        let rest = ".".into();
        return Ok((asking > 0).then_some(FollowUpNote { head, rest }));
    }
    // What a patient would pay now, where all of them are looked at; what was asked for, where they are too many.
    let (count, worth) = if more.is_none() {
        let worth = open.iter().map(|link| link.amount_due().minor).sum();
        (open.len() as u64, worth)
    } else {
        let all = links::accessed(&desk.app, desk.clinic()).await?;
        (all.links.max(0).unsigned_abs(), all.amount)
    };
    let mut rest = format!(", worth {}.", Money::new(worth, desk.currency()));
    let (until, when) = soon(desk);
    let ending = open.iter().filter(|link| link.expires_at < until).count() as u64;
    if ending > 0 {
        let links = words::spelled(ending, "link ends", "links end");
        rest.push_str(&format!(" {links} {when}."));
    }
    if asking > 0 {
        let more = words::count(asking, "patient asks", "patients ask");
        rest.push_str(&format!(" {more} for a new link."));
    }
    let one = "patient opened a link and did not pay";
    let head = words::count(count, one, "patients opened a link and did not pay");
    Ok(Some(FollowUpNote { head, rest }))
}

/// Until when a link's end is near, and how that is said: the evening of today, or its end when that has come.
fn soon(desk: &Desk) -> (i64, &'static str) {
    let today = desk.clock.today();
    let evening = clock::time(EVENING).map_or(0, |time| desk.clock.at(today, time));
    if desk.now() < evening {
        (evening, "before 18:00 today")
    } else {
        let night = desk.clock.start_of(clock::next(today));
        (night, "before midnight")
    }
}

/// How many payments are disputed, and what is to be done first.
fn disputed_note(desk: &Desk, open: &[DisputeView]) -> Option<DisputedNote> {
    let nearest = open.iter().find(|view| view.dispute.due_by.is_some());
    let nearest = nearest.or(open.first())?;
    let count = open.len() as u64;
    let head = words::count(count, "payment is disputed.", "payments are disputed.");
    let told = words::dispute(nearest, &desk.clock);
    Some(DisputedNote {
        head,
        rest: told.strip_prefix("Disputed.").unwrap_or_default().into(),
        payment_id: nearest.dispute.payment.to_string(),
    })
}
