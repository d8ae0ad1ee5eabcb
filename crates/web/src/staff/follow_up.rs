//! Follow up: patients who looked at a link and did not pay, and those who asked for a new one.

use axum::http::StatusCode;
use remit_app::views::{Filter, LinkView};
use remit_app::{attempts, links};
use remit_core::HOUR_MS;
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::contact::Phone;
use remit_core::links::LinkState;
use remit_core::money::Money;

use super::answer::{Answer, page};
use super::desk::{ASKED_WITHIN_MS, Desk};
use super::online_payments::{self, Asked, HERE};
use super::{sentences, words};
use crate::pages::Section;
use crate::pages::links::{FollowUp, FollowUpRow};

/// A link that ends within this is marked.
pub const SOON_MS: i64 = 12 * HOUR_MS;
const ROWS_MAX: i64 = 100;

/// `GET /financials/online-payments/follow-up`: who asked first, then what ends soonest.
pub async fn show(desk: Desk) -> Answer {
    let (app, clinic) = (&desk.app, desk.clinic());
    let filter = Filter {
        status: Some(LinkState::Accessed),
        ..Filter::default()
    };
    let (mut open, _) = links::list(app, clinic, &filter, None, ROWS_MAX).await?;
    open.sort_by_key(|link| link.expires_at);
    let asked = links::asked_again(app, clinic, desk.now() - ASKED_WITHIN_MS).await?;
    let worth: i64 = asked
        .iter()
        .chain(&open)
        .map(|link| link.amount_due().minor)
        .sum();
    let count = (asked.len() + open.len()) as u64;
    let mut rows = Vec::new();
    for link in &asked {
        rows.push(row(&desk, link, true).await?);
    }
    for link in &open {
        rows.push(row(&desk, link, false).await?);
    }
    let tallies = links::tallies(app, clinic, 0, i64::MAX / 2).await?;
    let shell = desk.shell(Section::OnlinePayments).await?;
    let shown = FollowUp {
        tabs: online_payments::tabs(&tallies, &Asked::default(), true),
        follow_up_count: shell.follow_up,
        rows,
        total: format!(
            "{}, {} waiting",
            words::count(count, "link", "links"),
            Money::new(worth, desk.currency())
        ),
        here: format!("{HERE}/follow-up"),
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

async fn row(desk: &Desk, link: &LinkView, asked_for_new: bool) -> remit_app::Result<FollowUpRow> {
    let last = attempts::last_of_link(&desk.app, desk.clinic(), link.id).await?;
    let over = desk.now() >= link.expires_at;
    let opened = link
        .accessed_at
        .map(|at| format!("Opened {}", desk.clock.ago(at)));
    let asked = link
        .asked_at
        .map(|at| format!("Asked {}", desk.clock.ago(at)));
    Ok(FollowUpRow {
        id: link.id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        appointment: online_payments::appointment(desk, link),
        amount: link.amount_due().to_string(),
        happened: happened(last.as_ref()),
        visits: asked.or(opened).unwrap_or_default(),
        badges: words::badges(link),
        ends_in: if over {
            "Ended".into()
        } else {
            format!("In {}", desk.clock.left(link.expires_at))
        },
        ends: desk.clock.moment(link.expires_at),
        ends_soon: !over && link.expires_at - desk.now() < SOON_MS,
        asked_for_new,
        phone: link
            .patient_phone
            .as_ref()
            .map(|phone| (Phone::grouped(phone), phone.clone())),
        channel: words::channel(link),
        idempotency_key: desk.key()?,
    })
}

/// How far the patient went.
fn happened(last: Option<&Attempt>) -> String {
    let Some(last) = last else {
        return "No method chosen".into();
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
