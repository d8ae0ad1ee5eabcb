//! Follow up: links that somebody should look after, and what was done about them.

use std::collections::HashMap;

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::follow_up::{self, FollowUp, MarkInput, Reason};
use remit_app::views::{LinkView, Mark};
use remit_core::HOUR_MS;
use remit_core::contact::Phone;
use remit_core::ids::LinkId;
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, own_path, page, see_other};
use super::clock::Clock;
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::once::once;
use super::online_payments::{self, HERE};
use super::tries::{self, Known};
use super::{link_rows, words};
use crate::pages::links::Tab;
use crate::pages::online_payments::{
    self as pages, Ends, FollowUpRow, FollowUpRowAlone, FollowUpStep,
};
use crate::pages::{Badge, Choice, Section};

/// A link that ends within this is marked.
const SOON_MS: i64 = 12 * HOUR_MS;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    why: String,
    sort: String,
    /// The list that a row stands in.
    back: String,
}

/// How the list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Soonest,
    Largest,
    Newest,
}

impl Order {
    const ALL: [Order; 3] = [Order::Soonest, Order::Largest, Order::Newest];

    fn name(self) -> &'static str {
        match self {
            Order::Soonest => "soonest",
            Order::Largest => "largest",
            Order::Newest => "newest",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Order::Soonest => "Ending soonest",
            Order::Largest => "Largest amount",
            Order::Newest => "Newest first",
        }
    }

    fn parse(name: &str) -> Order {
        let known = Order::ALL.into_iter().find(|order| order.name() == name);
        known.unwrap_or_default()
    }

    /// By what ends soonest: first whoever asked, since they wait for us; then what is open; what has ended last.
    fn sort(self, list: &mut [FollowUp]) {
        match self {
            Order::Soonest => list.sort_by_key(|one| match one.reason {
                Reason::Asked => (0, -one.link.asked_at.unwrap_or(0)),
                Reason::Failed | Reason::Accessed => (1, one.link.expires_at),
                Reason::Expired => (2, -one.link.expires_at),
            }),
            Order::Largest => list.sort_by_key(|one| -one.link.amount_due().minor),
            Order::Newest => list.sort_by_key(|one| -one.link.created_at),
        }
    }
}

/// A reason as the address names it, as its tab is called, in a sentence, and what helps.
fn told(reason: Reason) -> (&'static str, &'static str, &'static str, &'static str) {
    match reason {
        Reason::Asked => (
            "asked",
            "Asked for a new link",
            "Asked for a new link.",
            "The patient’s link had ended, and they asked for another. Renew it: the new one opens, ready to be sent.",
        ),
        Reason::Failed => (
            "failed",
            "Message failed",
            "The message failed.",
            "The text or email did not arrive. Correct the number or address, use the other way, or call.",
        ),
        Reason::Accessed => (
            "accessed",
            "Opened, not paid",
            "Accessed but not paid.",
            "The patient has the link and looked at it. A call or a second message usually settles it.",
        ),
        Reason::Expired => (
            "expired",
            "Expired, not paid",
            "Expired and not paid.",
            "The link ended in the last 14 days and the appointment still owes. Renew it, or settle it at the desk.",
        ),
    }
}

/// `GET /financials/online-payments/follow-up`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let order = Order::parse(&asked.sort);
    let all = follow_up::list(&desk.app, desk.clinic()).await?;
    let wanted = Reason::ALL
        .into_iter()
        .find(|reason| told(*reason).0 == asked.why);
    let reasons = reasons(&all, wanted, order);
    let mut shown: Vec<FollowUp> = all
        .into_iter()
        .filter(|one| wanted.is_none_or(|reason| one.reason == reason))
        .collect();
    order.sort(&mut shown);
    let worth: i64 = shown.iter().map(|one| one.link.amount_due().minor).sum();
    let links = words::count(shown.len() as u64, "link", "links");
    let worth = Money::new(worth, desk.currency());
    let here = address(wanted, order);
    let ids: Vec<LinkId> = shown.iter().map(|one| one.link.id).collect();
    let known = Known::of(&desk, &ids).await?;
    let textable = shown.iter().filter(|one| textable(&desk, one));
    let textable = textable.map(|one| one.link.id.to_string()).collect();
    let mut rows = Vec::new();
    for one in &shown {
        let mut row = row(
            &desk,
            &one.link,
            Some(one.reason),
            one.mark.as_ref(),
            &known,
            &here,
        )?;
        if wanted.is_some() {
            row.reason = "";
        }
        rows.push(row);
    }
    let (head, about) = wanted.map_or(
        (
            "Accessed but not paid, and what else waits.",
            "Patients who asked, messages that failed, links that were opened or ended without a payment.",
        ),
        |reason| (told(reason).2, told(reason).3),
    );
    let shell = desk.shell(Section::OnlinePayments).await?;
    let shown = pages::FollowUp {
        tabs: online_payments::tabs_beside(&desk).await?,
        follow_up_count: shell.follow_up,
        reasons,
        head,
        about,
        why: wanted.map_or("", |reason| told(reason).0),
        orders: orders(order),
        rows,
        total: format!("{links}, {worth} waiting"),
        selection: online_payments::selection(&desk, &here)?,
        export: vec![
            ("list", "follow-up".into()),
            ("why", wanted.map_or("", |reason| told(reason).0).into()),
        ],
        textable,
        here,
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `GET /payment-links/{id}/follow-up`: the row alone, for the list that is open; for anybody else the link's page.
pub async fn show_row(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let id: LinkId = id.parse()?;
    if desk.wants != Wants::Live {
        return Ok(see_other(&format!("/payment-links/{id}")));
    }
    let (reason, link, mark) = follow_up::of_link(&desk.app, desk.clinic(), id).await?;
    let known = Known::of(&desk, &[id]).await?;
    let otherwise = address(None, Order::default());
    let here = own_path(&asked.back, &otherwise);
    let mut row = row(&desk, &link, reason, mark.as_ref(), &known, here)?;
    if here.contains("why=") {
        row.reason = "";
    }
    Ok(page(StatusCode::OK, &FollowUpRowAlone { row }))
}

fn address(reason: Option<Reason>, order: Order) -> String {
    let why = reason.map(|reason| format!("why={}", told(reason).0));
    let sort = (order != Order::default()).then(|| format!("sort={}", order.name()));
    let query: Vec<String> = why.into_iter().chain(sort).collect();
    if query.is_empty() {
        format!("{HERE}/follow-up")
    } else {
        format!("{HERE}/follow-up?{}", query.join("&"))
    }
}

/// Whether an address names this reason so.
pub fn is_called(reason: Reason, name: &str) -> bool {
    told(reason).0 == name
}

fn orders(chosen: Order) -> Vec<Choice> {
    let choice = |order: Order| Choice {
        value: order.name().into(),
        label: order.title().into(),
        selected: order == chosen,
    };
    Order::ALL.map(choice).into()
}

fn reasons(all: &[FollowUp], wanted: Option<Reason>, order: Order) -> Vec<Tab> {
    let mut counts: HashMap<Reason, u64> = HashMap::new();
    for one in all {
        *counts.entry(one.reason).or_default() += 1;
    }
    let everything = Tab {
        label: "Everything",
        href: address(None, order),
        count: all.len() as u64,
        current: wanted.is_none(),
    };
    let each = Reason::ALL.map(|reason| Tab {
        label: told(reason).1,
        href: address(Some(reason), order),
        count: counts.get(&reason).copied().unwrap_or(0),
        current: wanted == Some(reason),
    });
    std::iter::once(everything).chain(each).collect()
}

/// Whether a text can go to this patient now: they looked and did not pay, are not paying, and have a number that the
/// clinic texts to.
fn textable(desk: &Desk, one: &FollowUp) -> bool {
    let home = &desk.about().country;
    let limits = &desk.context.sending_limits;
    let mobile = one.link.patient_phone.as_deref().is_some_and(|phone| {
        let read = Phone::parse(phone, home).and_then(Phone::for_sms);
        read.is_ok_and(|phone| limits.may_text(phone.country(), home))
    });
    one.reason == Reason::Accessed && !one.link.live_attempt && mobile
}

fn row(
    desk: &Desk,
    link: &LinkView,
    reason: Option<Reason>,
    mark: Option<&Mark>,
    known: &Known,
    here: &str,
) -> remit_app::Result<FollowUpRow> {
    let shown = link.shown(desk.now());
    let badges = words::badges(link);
    let home = &desk.about().country;
    let phone = link.patient_phone.as_ref();
    let note = mark.and_then(|mark| mark.note.clone());
    Ok(FollowUpRow {
        id: link.id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        appointment: link_rows::appointment(desk, link),
        amount: link.amount_due().to_string(),
        reason: reason.map_or("", |reason| told(reason).1),
        happened: reason.map_or(String::new(), |reason| {
            let nothing = if reason == Reason::Accessed {
                "No method chosen"
            } else {
                ""
            };
            tries::happened(known.tries(link.id)).unwrap_or_else(|| nothing.into())
        }),
        visits: visits(desk, link, known),
        settled: reason.is_none().then(|| words::link_status(shown)),
        ends: ends(desk, link),
        ends_soon: shown.is_open() && link.expires_at - desk.now() < SOON_MS,
        step: step(desk, link, reason, &badges),
        badges,
        phone: phone
            .filter(|_| desk.may(Permission::Contact))
            .map(|phone| (Phone::written_in(phone, home), phone.clone())),
        called: mark.map_or(String::new(), |mark| called(desk, mark)),
        note: note.unwrap_or_default(),
        noted: mark.map_or(String::new(), |mark| noted(desk, mark)),
        may_act: desk.may(Permission::TakeMoney),
        csrf: desk.who.csrf.clone(),
        idempotency_key: desk.key()?,
        here: here.to_owned(),
        back: encoded(here),
    })
}

fn ends(desk: &Desk, link: &LinkView) -> Ends {
    let clock = &desk.clock;
    if link.shown(desk.now()).is_open() {
        return Ends {
            at: Some(Clock::instant(link.expires_at)),
            text: clock.left(link.expires_at),
            detail: clock.moment(link.expires_at),
            brief: String::new(),
        };
    }
    let ended = link.closed_at.unwrap_or(link.expires_at);
    let ended = ended.min(link.expires_at);
    Ends {
        text: format!("Ended {}", clock.ago(ended)),
        detail: clock.moment(ended),
        ..Ends::default()
    }
}

fn step(desk: &Desk, link: &LinkView, reason: Option<Reason>, badges: &[Badge]) -> FollowUpStep {
    let Some(reason) = reason.filter(|_| desk.may(Permission::TakeMoney)) else {
        return FollowUpStep::Nothing;
    };
    if badges.contains(&Badge::InProgress) {
        return FollowUpStep::Wait;
    }
    match reason {
        Reason::Asked | Reason::Expired => FollowUpStep::Renew,
        Reason::Failed => FollowUpStep::Correct,
        Reason::Accessed => words::channel(link)
            .resend_value()
            .map_or(FollowUpStep::Correct, FollowUpStep::Resend),
    }
}

fn visits(desk: &Desk, link: &LinkView, known: &Known) -> String {
    let asked = link
        .asked_at
        .map(|at| format!("Asked {}", desk.clock.ago(at)));
    let opened = known.opened(link).map(|seen| {
        let last = desk.clock.ago(seen.last);
        match seen.times {
            1 => format!("Opened once, {last}"),
            2 => format!("Opened twice, last {last}"),
            times => format!("Opened {times} times, last {last}"),
        }
    });
    let sent = link
        .sent_at
        .map(|at| format!("Sent {}", desk.clock.ago(at)));
    asked.or(opened).or(sent).unwrap_or_default()
}

fn called(desk: &Desk, mark: &Mark) -> String {
    match (mark.called_at, &mark.called_by) {
        (Some(at), Some(who)) => format!("Called {} by {who}", lately(desk, at)),
        _ => String::new(),
    }
}

fn noted(desk: &Desk, mark: &Mark) -> String {
    match (mark.noted_at, &mark.noted_by) {
        (Some(at), Some(who)) if mark.note.is_some() => format!("{who}, {}", lately(desk, at)),
        _ => String::new(),
    }
}

/// Within a sentence: `today 10:12`.
fn lately(desk: &Desk, at: i64) -> String {
    desk.clock.lately_within(at)
}

/// `POST /payment-links/{id}/follow-up`: `called`, or `note` (empty: taken away).
pub async fn mark(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: LinkId = id.parse()?;
    let path = format!("/payment-links/{id}/follow-up");
    let otherwise = format!("{HERE}/follow-up");
    let location = once(&desk, &form, &path, async |_| {
        let input = MarkInput {
            note: form.has("note").then(|| form.some("note")),
            called: form.ticked("called"),
        };
        follow_up::mark(&desk.app, desk.actor(), id, &input).await?;
        Ok(own_path(form.text("back"), &otherwise).to_owned())
    })
    .await?;
    Ok(see_other(&location))
}
