//! Follow up: links that somebody should look after, and what was done about them.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::follow_up::{self, FollowUp, MarkInput, Reason};
use remit_app::views::{LinkView, Mark};
use remit_app::{attempts, links};
use remit_core::HOUR_MS;
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::contact::Phone;
use remit_core::ids::LinkId;
use remit_core::money::Money;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, own_path, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::online_payments::{self, HERE};
use super::{sentences, words};
use crate::pages::links::{self as pages, FollowUpRow, FollowUpStep, Tab};
use crate::pages::{Badge, Section};

/// A link that ends within this is marked.
pub const SOON_MS: i64 = 12 * HOUR_MS;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    why: String,
}

/// A reason as the address names it, as its tab is called, and what helps.
fn told(reason: Reason) -> (&'static str, &'static str, &'static str) {
    match reason {
        Reason::Asked => (
            "asked",
            "Asked for a new link",
            "The patient’s link had ended, and they asked for another. Renew it: the new one opens, ready to be sent.",
        ),
        Reason::Failed => (
            "failed",
            "Message failed",
            "The text or email did not arrive. Correct the number or address, use the other way, or call.",
        ),
        Reason::Accessed => (
            "accessed",
            "Opened, not paid",
            "The patient has the link and looked at it. A call or a second message usually settles it.",
        ),
        Reason::Expired => (
            "expired",
            "Expired, not paid",
            "The link ended in the last 14 days and the appointment still owes. Renew it, or settle it at the desk.",
        ),
    }
}

/// `GET /financials/online-payments/follow-up`: who asked first, then what failed, what ends soonest, what ended.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let all = follow_up::list(&desk.app, desk.clinic()).await?;
    let wanted = Reason::ALL
        .into_iter()
        .find(|reason| told(*reason).0 == asked.why);
    let reasons = reasons(&all, wanted);
    let shown: Vec<&FollowUp> = all
        .iter()
        .filter(|one| wanted.is_none_or(|reason| one.reason == reason))
        .collect();
    let worth: i64 = shown.iter().map(|one| one.link.amount_due().minor).sum();
    let total = format!(
        "{}, {} waiting",
        words::count(shown.len() as u64, "link", "links"),
        Money::new(worth, desk.currency())
    );
    let mut rows = Vec::new();
    for one in shown {
        rows.push(row(&desk, one).await?);
    }
    let tallies = links::tallies(&desk.app, desk.clinic(), 0, i64::MAX / 2).await?;
    let shell = desk.shell(Section::OnlinePayments).await?;
    let shown = pages::FollowUp {
        tabs: online_payments::tabs(&tallies, &online_payments::Asked::default(), true),
        follow_up_count: shell.follow_up,
        reasons,
        about: wanted.map_or(
            "Patients who asked, messages that failed, links that were opened or ended without a payment.",
            |reason| told(reason).2,
        ),
        rows,
        total,
        here: address(wanted),
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn address(reason: Option<Reason>) -> String {
    match reason {
        Some(reason) => format!("{HERE}/follow-up?why={}", told(reason).0),
        None => format!("{HERE}/follow-up"),
    }
}

fn reasons(all: &[FollowUp], wanted: Option<Reason>) -> Vec<Tab> {
    let count = |reason: Reason| all.iter().filter(|one| one.reason == reason).count() as u64;
    let everything = Tab {
        label: "Everything",
        href: address(None),
        count: all.len() as u64,
        current: wanted.is_none(),
    };
    let each = Reason::ALL.map(|reason| Tab {
        label: told(reason).1,
        href: address(Some(reason)),
        count: count(reason),
        current: wanted == Some(reason),
    });
    std::iter::once(everything).chain(each).collect()
}

async fn row(desk: &Desk, one: &FollowUp) -> remit_app::Result<FollowUpRow> {
    let link = &one.link;
    let last = attempts::last_of_link(&desk.app, desk.clinic(), link.id).await?;
    let over = !link.shown(desk.now()).is_open();
    let ended = link
        .closed_at
        .unwrap_or(link.expires_at)
        .min(link.expires_at);
    let badges = words::badges(link);
    Ok(FollowUpRow {
        id: link.id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        appointment: online_payments::appointment(desk, link),
        amount: link.amount_due().to_string(),
        reason: told(one.reason).1,
        happened: happened(one.reason, last.as_ref()),
        visits: visits(desk, link),
        ends_in: if over {
            format!("Ended {}", desk.clock.ago(ended))
        } else {
            format!("In {}", desk.clock.left(link.expires_at))
        },
        ends: desk
            .clock
            .moment(if over { ended } else { link.expires_at }),
        ends_soon: !over && link.expires_at - desk.now() < SOON_MS,
        step: step(desk, one, &badges),
        badges,
        phone: link
            .patient_phone
            .as_ref()
            .map(|phone| (Phone::grouped(phone), phone.clone())),
        called: one
            .mark
            .as_ref()
            .map_or(String::new(), |mark| called(desk, mark)),
        note: one
            .mark
            .as_ref()
            .and_then(|mark| mark.note.clone())
            .unwrap_or_default(),
        noted: one
            .mark
            .as_ref()
            .map_or(String::new(), |mark| noted(desk, mark)),
        idempotency_key: desk.key()?,
    })
}

fn step(desk: &Desk, one: &FollowUp, badges: &[Badge]) -> FollowUpStep {
    if !desk.may(Permission::TakeMoney) || badges.contains(&Badge::InProgress) {
        return FollowUpStep::Nothing;
    }
    match one.reason {
        Reason::Asked | Reason::Expired => FollowUpStep::Renew,
        Reason::Failed => FollowUpStep::Correct,
        Reason::Accessed => words::channel(&one.link)
            .resend_value()
            .map_or(FollowUpStep::Correct, FollowUpStep::Resend),
    }
}

fn visits(desk: &Desk, link: &LinkView) -> String {
    let asked = link
        .asked_at
        .map(|at| format!("Asked {}", desk.clock.ago(at)));
    let opened = link
        .accessed_at
        .map(|at| format!("Opened {}", desk.clock.ago(at)));
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
    let text = desk.clock.lately(at);
    text.replace("Today", "today")
        .replace("Yesterday", "yesterday")
}

/// How far the patient went.
fn happened(reason: Reason, last: Option<&Attempt>) -> String {
    let Some(last) = last else {
        return match reason {
            Reason::Accessed => "No method chosen".into(),
            Reason::Asked | Reason::Failed | Reason::Expired => String::new(),
        };
    };
    let method = sentences::capital(words::method(last.method));
    match last.state {
        AttemptState::Creating | AttemptState::Unknown | AttemptState::Open => {
            format!("Paying by {} now", words::method(last.method))
        }
        AttemptState::Processing => format!("{method}: being confirmed"),
        AttemptState::Failed => format!("{method} was refused"),
        AttemptState::Expired | AttemptState::Cancelled => {
            format!("Looked at {}, went no further", words::method(last.method))
        }
        AttemptState::Succeeded => format!("Paid by {}", words::method(last.method)),
    }
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
