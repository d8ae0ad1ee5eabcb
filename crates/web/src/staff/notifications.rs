//! Notifications: the bell's window and page.

use axum::http::StatusCode;
use remit_app::notifications::{self as verbs, Kind, Notification};
use remit_core::account::FindingKind;
use remit_core::disputes::DisputeState;

use super::answer::{Answer, page, see_other};
use super::desk::{Desk, Wants};
use super::findings;
use super::forms::Form;
use crate::pages::notifications::{Notice, Notices, Notifications, NotificationsDialog};
use crate::pages::{Section, Tone};

/// How many are shown; a page that only looks for news needs fewer.
const SHOWN: i64 = 50;
const LATEST: i64 = 20;

/// `GET /notifications`.
pub async fn show(desk: Desk) -> Answer {
    let limit = match desk.wants {
        Wants::Page => SHOWN,
        Wants::Dialog | Wants::Live => LATEST,
    };
    let found = verbs::list(&desk.app, desk.actor(), limit).await?;
    let notices = Notices {
        csrf: desk.who.csrf.clone(),
        unread: found.iter().filter(|notice| notice.unread).count(),
        until: found.first().map_or(0, |notice| notice.at),
        rows: found.iter().map(|notice| row(&desk, notice)).collect(),
    };
    if desk.wants == Wants::Dialog {
        return Ok(page(StatusCode::OK, &NotificationsDialog { notices }));
    }
    let shell = desk.shell(Section::None).await?;
    Ok(page(StatusCode::OK, &Notifications { shell, notices }))
}

/// `POST /notifications/read`.
pub async fn read(desk: Desk, form: Form) -> Answer {
    // Whatever is no time marks nothing.
    let until = form.text("until").parse().unwrap_or(0);
    verbs::mark_read(&desk.app, desk.actor(), until).await?;
    Ok(see_other("/notifications"))
}

fn row(desk: &Desk, notice: &Notification) -> Notice {
    let who = notice.patient.as_deref().unwrap_or("A patient");
    let sum = notice
        .money
        .map_or("a sum".to_owned(), |money| money.to_string());
    let (icon, tone, text) = match notice.kind {
        Kind::Paid { late: false } => ("circle-check", Tone::Good, format!("{who} paid {sum}")),
        Kind::Paid { late: true } => (
            "clock-alert",
            Tone::Good,
            format!("{who} paid {sum} after the link had ended"),
        ),
        Kind::AskedForNewLink => (
            "bell-ring",
            Tone::Warn,
            format!("{who} asked for a new link"),
        ),
        Kind::DeliveryFailed => (
            "mail-x",
            Tone::Bad,
            format!("The message to {who} did not arrive"),
        ),
        Kind::ReceiptFailed => (
            "mail-x",
            Tone::Bad,
            format!("The receipt of {who} did not arrive"),
        ),
        Kind::Disputed => dispute(notice, who, &sum),
        Kind::RefundFailed => (
            "circle-alert",
            Tone::Bad,
            format!("The refund of {sum} to {who} failed"),
        ),
        Kind::Finding(kind) => ("circle-alert", Tone::Warn, finding(notice, kind)),
    };
    let detail = match notice.kind {
        Kind::Disputed => None,
        _ => notice.reason.clone(),
    };
    Notice {
        id: notice.id.clone(),
        icon,
        tone,
        text,
        detail: detail.unwrap_or_default(),
        at: desk.clock.lately(notice.at),
        at_ms: notice.at,
        href: href(notice),
        unread: notice.unread,
        toast: matches!(notice.kind, Kind::Paid { .. }),
    }
}

/// The finding's heading, and whom it is about where somebody is.
fn finding(notice: &Notification, kind: FindingKind) -> String {
    let heading = findings::heading(kind);
    match &notice.patient {
        Some(patient) => format!("{heading}: {patient}"),
        None => heading.to_owned(),
    }
}

fn dispute(notice: &Notification, who: &str, sum: &str) -> (&'static str, Tone, String) {
    let state = notice.reason.as_deref().and_then(DisputeState::parse);
    match state {
        Some(DisputeState::Won) => (
            "shield-check",
            Tone::Good,
            format!("The dispute of {sum} with {who} was won"),
        ),
        Some(DisputeState::Lost) => (
            "shield-alert",
            Tone::Bad,
            format!("The dispute of {sum} with {who} was lost"),
        ),
        Some(DisputeState::UnderReview) => (
            "shield-alert",
            Tone::Warn,
            format!("The bank of {who} looks into {sum}"),
        ),
        Some(DisputeState::Withdrawn) => (
            "shield-check",
            Tone::Good,
            format!("The dispute of {sum} with {who} was taken back"),
        ),
        Some(DisputeState::NeedsResponse) | None => (
            "shield-alert",
            Tone::Bad,
            format!("The bank of {who} disputes {sum}"),
        ),
    }
}

/// The thing itself.
fn href(notice: &Notification) -> String {
    let appointment = notice.appointment.map(|id| format!("/appointments/{id}"));
    let place = match notice.kind {
        Kind::Finding(_) => Some("/financials/findings".to_owned()),
        Kind::DeliveryFailed | Kind::AskedForNewLink => {
            notice.link.map(|id| format!("/payment-links/{id}"))
        }
        Kind::ReceiptFailed | Kind::Disputed => {
            notice.payment.as_ref().map(|id| format!("/payments/{id}"))
        }
        Kind::Paid { .. } | Kind::RefundFailed => None,
    };
    place.or(appointment).unwrap_or_else(|| "/".into())
}
