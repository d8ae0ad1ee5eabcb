//! Financials -> Online Payments: every link, by status, search and date.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::views::{Cursor, DisputeView, Filter as Wanted, LinkView, Tallies};
use remit_app::{disputes, links};
use remit_core::links::{Closing, LinkState};
use remit_core::methods::PurposeKind;
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, page, see_other};
use super::appointments::may_refund;
use super::desk::Desk;
use super::{clock, words};
use crate::pages::links::{
    DisputedNote, Empty, Filter, FollowUpNote, LinkRow, OnlinePayments, Tab,
};
use crate::pages::{Choice, Section};

pub const HERE: &str = "/financials/online-payments";
const PAGE_ROWS: i64 = 25;
/// Pages that *Newer* leads back through.
const TRAIL_MAX: usize = 20;

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    status: String,
    q: String,
    from: String,
    to: String,
    purpose: String,
    after: String,
    /// The pages before this one, newest first: where *Newer* leads.
    trail: String,
}

/// `GET /financials`.
pub async fn start() -> Answer {
    Ok(see_other(HERE))
}

/// `GET /financials/online-payments`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let (wanted, error) = wanted(&desk, &asked);
    let after = Cursor::parse(&asked.after);
    let (found, next) =
        links::list(&desk.app, desk.clinic(), &wanted, after.as_ref(), PAGE_ROWS).await?;
    let from = wanted.created_from.unwrap_or(0);
    let to = wanted.created_to.map_or(i64::MAX / 2, |to| to - 1);
    let tallies = links::tallies(&desk.app, desk.clinic(), from, to).await?;
    let disputed = disputes::open(&desk.app, desk.clinic()).await?;
    let mut rows = Vec::new();
    for link in &found {
        rows.push(row(&desk, link, &disputed)?);
    }
    let shell = desk.shell(Section::OnlinePayments).await?;
    let narrowed = asked.status.is_empty()
        && [
            &asked.q,
            &asked.from,
            &asked.to,
            &asked.purpose,
            &asked.after,
        ]
        .iter()
        .all(|text| text.is_empty());
    let shown = OnlinePayments {
        note: note(&desk).await?,
        disputed: disputed_note(&desk, &disputed),
        tabs: tabs(&tallies, &asked, false),
        follow_up_count: shell.follow_up,
        filter: filter(&asked, error),
        total: total(&desk, &tallies, &asked, found.len()),
        newer: newer(&asked),
        older: next.map(|next| older(&asked, &next)),
        here: address(&asked, &asked.after, &asked.trail),
        empty: match (found.is_empty(), narrowed) {
            (false, _) => None,
            (true, true) => Some(Empty::NothingYet),
            (true, false) => Some(Empty::NothingFound),
        },
        rows,
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// What the list is narrowed to; a date that cannot be is left out and told.
fn wanted(desk: &Desk, asked: &Asked) -> (Wanted, Option<String>) {
    let mut error = None;
    let mut day = |text: &str| {
        let read = clock::day(text);
        if read.is_none() && !text.trim().is_empty() {
            error = Some("Enter dates as day, month and year, like 24/11/2026.".to_owned());
        }
        read
    };
    let (from, to) = (day(&asked.from), day(&asked.to));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        error = Some("The first date is after the last one. Swap them.".into());
    }
    let q = asked.q.trim();
    let wanted = Wanted {
        status: LinkState::parse(&asked.status),
        purpose: PurposeKind::parse(&asked.purpose),
        created_from: from.map(|day| desk.clock.start_of(day)),
        created_to: to.map(|day| desk.clock.start_of(clock::next(day))),
        q: (!q.is_empty()).then(|| q.to_owned()),
        ..Wanted::default()
    };
    (wanted, error)
}

fn filter(asked: &Asked, error: Option<String>) -> Filter {
    let any = Choice {
        value: String::new(),
        label: "Any purpose".into(),
        selected: PurposeKind::parse(&asked.purpose).is_none(),
    };
    let each = PurposeKind::ALL.into_iter().map(|purpose| Choice {
        value: purpose.name().into(),
        label: purpose.title().into(),
        selected: purpose.name() == asked.purpose,
    });
    Filter {
        q: asked.q.clone(),
        from: asked.from.clone(),
        to: asked.to.clone(),
        purposes: std::iter::once(any).chain(each).collect(),
        status: asked.status.clone(),
        error,
    }
}

/// The tabs with their counts for the dates that are chosen. `elsewhere`: none of them is open.
pub fn tabs(tallies: &Tallies, asked: &Asked, elsewhere: bool) -> Vec<Tab> {
    use LinkState::{Accessed, Cancelled, Created, Expired, Paid, Sent};
    let count = |links: i64| links.max(0).unsigned_abs();
    let tab = |label, status: &str, links: i64| {
        let chosen = Asked {
            status: status.to_owned(),
            ..asked.clone()
        };
        Tab {
            label,
            href: address(&chosen, "", ""),
            count: count(links),
            current: !elsewhere && asked.status == status,
        }
    };
    let all = tab("All", "", tallies.all().links);
    let each = [Created, Sent, Accessed, Paid, Expired, Cancelled];
    let each = each.map(|state| tab(state.title(), state.name(), tallies.of(state).links));
    std::iter::once(all).chain(each).collect()
}

fn address(asked: &Asked, after: &str, trail: &str) -> String {
    let pairs = [
        ("status", asked.status.as_str()),
        ("q", asked.q.as_str()),
        ("from", asked.from.as_str()),
        ("to", asked.to.as_str()),
        ("purpose", asked.purpose.as_str()),
        ("after", after),
        ("trail", trail),
    ];
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if query.is_empty() {
        HERE.into()
    } else {
        format!("{HERE}?{}", query.join("&"))
    }
}

/// The next page remembers this one: `-` stands for the first.
fn older(asked: &Asked, next: &Cursor) -> String {
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
    address(asked, &next.written(), &trail.join("~"))
}

fn newer(asked: &Asked) -> Option<String> {
    if asked.after.is_empty() {
        return None;
    }
    let (last, rest) = asked.trail.split_once('~').unwrap_or((&asked.trail, ""));
    Some(match last {
        "" | "-" => address(asked, "", ""),
        last => address(asked, last, rest),
    })
}

fn total(desk: &Desk, tallies: &Tallies, asked: &Asked, rows: usize) -> String {
    if !asked.q.trim().is_empty() || !asked.purpose.is_empty() {
        return words::count(rows as u64, "link on this page", "links on this page");
    }
    let tally =
        LinkState::parse(&asked.status).map_or_else(|| tallies.all(), |state| tallies.of(state));
    let links = words::count(tally.links.max(0).unsigned_abs(), "link", "links");
    format!("{links}, {}", Money::new(tally.amount, desk.currency()))
}

async fn note(desk: &Desk) -> remit_app::Result<Option<FollowUpNote>> {
    let accessed = Wanted {
        status: Some(LinkState::Accessed),
        ..Wanted::default()
    };
    let (open, _) = links::list(&desk.app, desk.clinic(), &accessed, None, 100).await?;
    let asked = desk.now() - remit_app::follow_up::ASKED_WITHIN_MS;
    let asked = links::asked_again(&desk.app, desk.clinic(), asked).await?;
    if open.is_empty() {
        let head = words::count(
            asked.len() as u64,
            "patient asks for a new link",
            "patients ask for a new link",
        );
        return Ok((!asked.is_empty()).then_some(FollowUpNote {
            head,
            rest: ".".into(),
        }));
    }
    let worth: i64 = open.iter().map(|link| link.amount_due().minor).sum();
    let worth = Money::new(worth, desk.currency());
    let soon = open
        .iter()
        .filter(|link| link.expires_at - desk.now() < super::follow_up::SOON_MS);
    let soon = soon.count() as u64;
    let mut rest = format!(", worth {worth}.");
    if soon > 0 {
        let links = words::count(soon, "link ends", "links end");
        rest.push_str(&format!(" {links} within 12 hours."));
    }
    if !asked.is_empty() {
        let more = words::count(asked.len() as u64, "patient asks", "patients ask");
        rest.push_str(&format!(" {more} for a new link."));
    }
    let head = words::count(
        open.len() as u64,
        "patient opened a link and did not pay",
        "patients opened a link and did not pay",
    );
    Ok(Some(FollowUpNote { head, rest }))
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

fn row(desk: &Desk, link: &LinkView, disputed: &[DisputeView]) -> remit_app::Result<LinkRow> {
    let shown = link.shown(desk.now());
    let dispute = disputed
        .iter()
        .find(|view| link.disputed && view.appointment == link.appointment);
    let open = shown.is_open();
    let take = desk.may(Permission::TakeMoney);
    Ok(LinkRow {
        id: link.id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        appointment: appointment(desk, link),
        amount: if open { link.amount_due() } else { link.amount }.to_string(),
        purpose: link.purpose.title().into(),
        status: words::link_status(shown),
        badges: words::badges(link),
        channel: words::channel(link),
        created: desk.clock.moment(link.created_at),
        expires: desk.clock.moment(link.expires_at),
        expires_note: match dispute.map(|view| view.dispute.due_by) {
            Some(Some(due)) => format!("evidence by {}", desk.clock.written(due, "%a %-d %b")),
            Some(None) => "the bank decides".into(),
            None => expiry(desk, link, shown),
        },
        url: if open && take {
            Some(links::url(&desk.app, desk.clinic(), link)?)
        } else {
            None
        },
        refundable: may_refund(desk) && link.captured > link.refunded && dispute.is_none(),
        has_receipt: link.captured > 0,
        idempotency_key: desk.key()?,
    })
}

/// `Today 10:00, Tom Hargreaves`.
pub fn appointment(desk: &Desk, link: &LinkView) -> String {
    let when = desk.clock.lately(link.appointment_starts_at);
    match &link.practitioner {
        Some(who) => format!("{when}, {who}"),
        None => when,
    }
}

fn expiry(desk: &Desk, link: &LinkView, shown: LinkState) -> String {
    match shown {
        LinkState::Created | LinkState::Sent | LinkState::Accessed => {
            format!("in {}", desk.clock.left(link.expires_at))
        }
        LinkState::Expired => "ended".into(),
        LinkState::Paid => link
            .paid_at
            .map(|at| {
                format!(
                    "paid {}",
                    desk.clock
                        .lately(at)
                        .replace("Today", "today")
                        .replace("Yesterday", "yesterday")
                )
            })
            .unwrap_or_default(),
        LinkState::Cancelled => match link.why {
            Some(Closing::Superseded) => "replaced by a newer link",
            Some(Closing::Settled) => "settled another way",
            Some(Closing::AppointmentCancelled) => "appointment cancelled",
            Some(Closing::Cancelled | Closing::Expired) | None => "cancelled by staff",
        }
        .into(),
    }
}
