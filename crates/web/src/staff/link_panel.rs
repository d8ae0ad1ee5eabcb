//! The panel beside the list: everything about one link, in an address of its own.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::views::{DeliveryView, LinkView, Try};
use remit_app::{deliveries, links};
use remit_core::attempts::AttemptState;
use remit_core::deliveries::{Channel, DeliveryPurpose, DeliveryStatus};
use remit_core::ids::LinkId;

use super::answer::{Answer, page};
use super::desk::{Desk, Wants};
use super::tries::{self, Known, Seen};
use super::{clock, link_rows, timeline, words};
use crate::pages::online_payments::{LinkPanel, LinkPanelDialog, LinkPanelPage};
use crate::pages::{Section, TimelineEntry, Tone};

/// `GET /payment-links/{id}/timeline`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: LinkId = id.parse()?;
    let link = links::get(&desk.app, desk.clinic(), id).await?;
    let known = Known::of(&desk, &[id]).await?;
    let sent = deliveries::of_link(&desk.app, desk.clinic(), id).await?;
    let events = links::timeline(&desk.app, desk.clinic(), id).await?;
    let shown = link.shown(desk.now());
    let panel = LinkPanel {
        id: id.to_string(),
        appointment_id: link.appointment.to_string(),
        patient: link.patient_name.clone(),
        subject: format!(
            "{}: {}",
            link.purpose.title(),
            clock::within(&link_rows::appointment(&desk, &link))
        ),
        amount: if shown.is_open() {
            link.amount_due()
        } else {
            link.amount
        }
        .to_string(),
        status: words::link_status(shown),
        badges: words::badges(&link),
        facts: facts(&desk, &link),
        visits: visits(&desk, &link, &known),
        deliveries: sent.iter().rev().map(|one| delivery(&desk, one)).collect(),
        tries: known
            .tries(id)
            .iter()
            .rev()
            .map(|one| a_try(&desk, one))
            .collect(),
        timeline: timeline::entries(&events, &desk),
    };
    if desk.wants == Wants::Dialog {
        return Ok(page(StatusCode::OK, &LinkPanelDialog { panel }));
    }
    let shell = desk.shell(Section::OnlinePayments).await?;
    Ok(page(StatusCode::OK, &LinkPanelPage { shell, panel }))
}

fn facts(desk: &Desk, link: &LinkView) -> Vec<(&'static str, String)> {
    let clock = &desk.clock;
    let mut facts = vec![
        ("Reference", link.reference.clone()),
        (
            "Created",
            format!("{} by {}", clock.lately(link.created_at), link.created_by),
        ),
    ];
    let open = link.shown(desk.now()).is_open();
    let ends = clock.moment(link.expires_at);
    facts.push(if open {
        (
            "Expires",
            format!("{ends}, in {}", clock.left(link.expires_at)),
        )
    } else {
        ("Expiry", ends)
    });
    if let Some(phone) = &link.patient_phone {
        facts.push(("Mobile", desk.number(phone)));
    }
    if let Some(email) = &link.patient_email {
        facts.push(("Email", desk.email(email)));
    }
    facts
}

/// Openings that a person made, then those that nobody confirmed.
fn visits(desk: &Desk, link: &LinkView, known: &Known) -> Vec<TimelineEntry> {
    let times = |seen: Seen| words::count(seen.times as u64, "time", "times");
    let mut visits = Vec::new();
    if let (Some(first), Some(seen)) = (link.accessed_at, known.opened(link)) {
        visits.push(TimelineEntry {
            icon: "eye",
            tone: Tone::Warn,
            text: format!("Opened by the patient, {}", times(seen)),
            detail: format!("First {}", desk.clock.lately_within(first)),
            at: desk.clock.lately(seen.last),
        });
    }
    if let Some(seen) = known.unconfirmed(link) {
        visits.push(TimelineEntry {
            icon: "search",
            tone: Tone::Plain,
            text: format!("Opened, not confirmed, {}", times(seen)),
            detail: "Nobody touched the page: it may have been a mail scanner or a preview".into(),
            at: desk.clock.lately(seen.last),
        });
    }
    visits
}

fn delivery(desk: &Desk, one: &DeliveryView) -> TimelineEntry {
    let to = one.address.as_deref().unwrap_or_default();
    let (icon, what) = match one.channel {
        Channel::Sms => ("message-square", format!("SMS to {}", desk.number(to))),
        Channel::Email => ("mail", format!("Email to {}", desk.email(to))),
        Channel::Qr => ("qr-code", "QR code shown".into()),
        Channel::Copy => ("copy", "Address copied".into()),
    };
    let (tone, fate) = match one.status {
        _ if one.address.is_none() => (Tone::Plain, ""),
        DeliveryStatus::Queued => (Tone::Warn, "On its way"),
        DeliveryStatus::Sent => (Tone::Sent, "Sent"),
        DeliveryStatus::Delivered => (Tone::Good, "Delivered"),
        DeliveryStatus::Uncertain => (Tone::Warn, "It may have arrived or not"),
        DeliveryStatus::Failed => (Tone::Bad, "Failed"),
    };
    let reminder = match one.purpose {
        DeliveryPurpose::Link => "",
        _ => "Reminder",
    };
    let reason = one.reason.as_deref().unwrap_or_default();
    let parts = [reminder, fate, reason, one.created_by.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    TimelineEntry {
        icon,
        tone,
        text: what,
        detail: parts.join(" · "),
        at: desk.clock.lately(one.done_at.unwrap_or(one.created_at)),
    }
}

fn a_try(desk: &Desk, one: &Try) -> TimelineEntry {
    let (icon, tone) = match one.state {
        AttemptState::Succeeded => ("circle-check", Tone::Good),
        AttemptState::Failed => ("circle-alert", Tone::Bad),
        AttemptState::Expired | AttemptState::Cancelled => ("circle-alert", Tone::Plain),
        AttemptState::Creating
        | AttemptState::Unknown
        | AttemptState::Open
        | AttemptState::Processing => ("loader", Tone::Warn),
    };
    let ended = one.ended_at.filter(|at| *at > one.at);
    TimelineEntry {
        icon,
        tone,
        text: tries::outcome(one),
        detail: match ended {
            Some(at) => format!("{}, ended {}", one.amount, desk.clock.lately_within(at)),
            None => one.amount.to_string(),
        },
        at: desk.clock.lately(one.at),
    }
}
