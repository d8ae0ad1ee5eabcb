//! What happened, told in sentences.

use remit_app::views::EventView;
use remit_core::contact::Phone;
use remit_core::money::{Currency, Money};
use remit_core::roles::Permission;
use serde_json::Value;

use super::clock::Clock;
use super::desk::Desk;
use crate::api::masking;
use crate::pages::{TimelineEntry, Tone};

/// The timeline of an appointment or a link, newest first. A kind that this release does not know is left out.
pub fn entries(events: &[EventView], desk: &Desk) -> Vec<TimelineEntry> {
    let clock = &desk.clock;
    let whole = desk.may(Permission::Contact);
    events
        .iter()
        .filter_map(|event| {
            let told = if whole {
                tell(event, clock)?
            } else {
                let mut event = event.clone();
                masking::mask(&mut event.data);
                tell(&event, clock)?
            };
            Some(TimelineEntry {
                icon: told.icon,
                tone: told.tone,
                detail: if told.detail.is_empty() {
                    event.actor.clone()
                } else {
                    told.detail
                },
                text: told.text,
                at: clock.lately(event.at),
            })
        })
        .collect()
}

struct Told {
    icon: &'static str,
    tone: Tone,
    text: String,
    detail: String,
}

fn told(icon: &'static str, tone: Tone, text: impl Into<String>) -> Told {
    Told {
        icon,
        tone,
        text: text.into(),
        detail: String::new(),
    }
}

fn money(data: &Value) -> String {
    let money = &data["money"];
    let currency = money["currency"].as_str().and_then(Currency::parse);
    match (money["amount"].as_i64(), currency) {
        (Some(minor), Some(currency)) => Money::new(minor, currency).to_string(),
        _ => String::new(),
    }
}

fn tell(event: &EventView, clock: &Clock) -> Option<Told> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    Some(match event.kind.as_str() {
        "appointment.booked" => told("calendar-plus", Tone::Plain, "Appointment booked"),
        "appointment.status" => status(text("to"))?,
        "appointment.moved" => {
            let to = data["starts_at"]
                .as_i64()
                .map(|at| clock.moment(at))
                .unwrap_or_default();
            told("calendar-clock", Tone::Plain, format!("Moved to {to}"))
        }
        "charge.added" | "charge.removed" => charge(event)?,
        "refund.requested" | "refund.approved" | "refund.declined" | "refund.failed" => {
            refund(event)?
        }
        "payment.disputed" => disputed(data, clock)?,
        "payment.refunded" => told("undo-2", Tone::Good, format!("{} given back", money(data))),
        "payment.succeeded" => received(data),
        "attempt.started" => {
            let method = remit_core::methods::Method::parse(text("method"))?;
            told(
                "loader",
                Tone::Warn,
                format!(
                    "Patient went on to pay {} by {}",
                    money(data),
                    super::words::method(method)
                ),
            )
        }
        "attempt.processing" => told("loader", Tone::Warn, "The payment is being confirmed"),
        "attempt.failed" => told("circle-alert", Tone::Bad, "The payment did not go through"),
        "follow_up.called" => told("phone", Tone::Plain, "The patient was called"),
        "follow_up.noted" => match data["note"].as_str() {
            Some(note) => told("message-square", Tone::Plain, format!("Note: {note}")),
            None => told("message-square", Tone::Plain, "Note taken away"),
        },
        kind => match kind.split_once('.')? {
            ("payment_link", what) => link(what, data)?,
            ("delivery", outcome) => delivery("Link", outcome, data)?,
            ("receipt", outcome) if data["what"] == "refund" => {
                delivery("Refund message", outcome, data)?
            }
            ("receipt", outcome) => delivery("Receipt", outcome, data)?,
            _ => return None,
        },
    })
}

/// What the appointment costs changed.
fn charge(event: &EventView) -> Option<Told> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    Some(match event.kind.as_str() {
        "charge.added" => {
            let amount = money(data);
            let sentence = match amount.strip_prefix('-') {
                Some(less) => format!("Discount of {less} given: {}", text("what")),
                None => format!("Charge added: {} {amount}", text("what")),
            };
            told("package-plus", Tone::Plain, sentence)
        }
        "charge.removed" => with_reason(
            told(
                "trash-2",
                Tone::Plain,
                format!("Charge of {} removed", money(data)),
            ),
            &event.actor,
            text("reason"),
        ),
        _ => return None,
    })
}

/// Money that staff sent back, or that never came.
fn refund(event: &EventView) -> Option<Told> {
    let data = &event.data;
    let text = |name: &str| data[name].as_str().unwrap_or_default();
    Some(match event.kind.as_str() {
        "refund.requested" if data["correction"] == true => with_reason(
            told(
                "history",
                Tone::Plain,
                format!(
                    "Payment of {} corrected, it was recorded by mistake",
                    money(data)
                ),
            ),
            &event.actor,
            text("reason"),
        ),
        "refund.requested" => {
            let told = told(
                "undo-2",
                Tone::Plain,
                match text("approval") {
                    "needed" => format!("Refund of {} waits for a second person", money(data)),
                    _ => format!("Refund of {} asked for", money(data)),
                },
            );
            with_reason(told, &event.actor, text("reason"))
        }
        "refund.approved" => told(
            "check",
            Tone::Plain,
            format!("Refund of {} approved", money(data)),
        ),
        "refund.declined" => told(
            "circle-x",
            Tone::Warn,
            format!("Refund of {} declined", money(data)),
        ),
        "refund.failed" => told(
            "circle-alert",
            Tone::Bad,
            format!("The refund of {} failed", money(data)),
        ),
        _ => return None,
    })
}

fn with_reason(mut told: Told, actor: &str, reason: &str) -> Told {
    if !reason.is_empty() {
        told.detail = format!("{actor}: {reason}");
    }
    told
}

fn status(to: &str) -> Option<Told> {
    let status = super::words::appointment_status(remit_core::appointments::Status::parse(to)?);
    let tone = if status.is_cancelled() {
        Tone::Bad
    } else {
        Tone::Plain
    };
    Some(told(
        status.icon(),
        tone,
        format!("Marked as {}", status.word().to_lowercase()),
    ))
}

fn received(data: &Value) -> Told {
    let paid_by = data["method"]
        .as_str()
        .and_then(remit_core::payments::PaidBy::parse);
    let by = match paid_by {
        Some(remit_core::payments::PaidBy::Online(method)) => {
            format!("by {}", super::words::method(method))
        }
        Some(remit_core::payments::PaidBy::Desk(method)) => match method {
            remit_core::payments::DeskMethod::Cash => "in cash".into(),
            remit_core::payments::DeskMethod::CardTerminal => "by card terminal".into(),
            remit_core::payments::DeskMethod::BankTransfer => "by bank transfer".into(),
        },
        None => String::new(),
    };
    let mut told = told(
        "circle-check",
        Tone::Good,
        format!("{} paid {by}", money(data)),
    );
    if let Some(with) = data["with"].as_str() {
        told.detail = with.to_owned();
    }
    told
}

fn link(what: &str, data: &Value) -> Option<Told> {
    Some(match what {
        "created" => told(
            "link",
            Tone::Plain,
            format!("Payment link for {} made", money(data)),
        ),
        "sent" => told("send", Tone::Sent, "Link handed over"),
        "accessed" => told("eye", Tone::Warn, "Link opened by the patient"),
        "fetched" => told("eye", Tone::Plain, "Link opened, not confirmed"),
        "paid" if data["late"] == true => told("clock-alert", Tone::Good, "Link paid, late"),
        "paid" => told("circle-check", Tone::Good, "Link paid"),
        "expired" => told("timer-off", Tone::Bad, "Link expired"),
        "cancelled" => told(
            "ban",
            Tone::Plain,
            ended(data["why"].as_str().unwrap_or_default()),
        ),
        "asked_again" => told("bell-ring", Tone::Warn, "The patient asked for a new link"),
        _ => return None,
    })
}

fn ended(why: &str) -> &'static str {
    use remit_core::links::Closing;
    match Closing::parse(why) {
        Some(Closing::Superseded) => "Link replaced by a newer one",
        Some(Closing::Settled) => "Link closed: settled another way",
        Some(Closing::AppointmentCancelled) => "Link closed with the appointment",
        Some(Closing::Expired) => "Link expired",
        Some(Closing::Cancelled) | None => "Link cancelled",
    }
}

/// A message: `what` was sent, and how it went.
fn delivery(what: &str, outcome: &str, data: &Value) -> Option<Told> {
    let to = data["to"].as_str().unwrap_or_default();
    let to = if to.starts_with('+') {
        Phone::grouped(to)
    } else {
        to.to_owned()
    };
    let (icon, noun, verb) = match data["channel"].as_str()? {
        "sms" => ("message-square", "Text", "texted"),
        "email" => ("mail", "Email", "emailed"),
        _ => return None,
    };
    let mut told = match outcome {
        "sent" => {
            let what = match data["purpose"].as_str() {
                Some("unopened" | "unpaid") => "Reminder",
                Some("expiring") => "Last reminder",
                Some(_) | None => what,
            };
            told(icon, Tone::Sent, format!("{what} {verb} to {to}"))
        }
        "delivered" if what == "Link" => {
            told(icon, Tone::Sent, format!("{noun} delivered to {to}"))
        }
        "delivered" => told(icon, Tone::Sent, format!("{what} delivered to {to}")),
        "uncertain" => told(
            icon,
            Tone::Warn,
            format!("{noun} to {to}: it may have arrived or not"),
        ),
        "failed" => told("mail-x", Tone::Bad, format!("{noun} to {to} failed")),
        _ => return None,
    };
    if let Some(reason) = data["reason"].as_str() {
        told.detail = reason.to_owned();
    }
    Some(told)
}

/// What the payer's bank did about a payment.
fn disputed(data: &Value, clock: &Clock) -> Option<Told> {
    use remit_core::disputes::DisputeState as S;
    let amount = money(data);
    let state = S::parse(data["status"].as_str().unwrap_or_default())?;
    let (icon, tone, text) = match state {
        S::NeedsResponse => (
            "circle-alert",
            Tone::Bad,
            format!("The payer’s bank disputes {amount}"),
        ),
        S::UnderReview => (
            "loader",
            Tone::Warn,
            format!("The bank looks at the evidence for {amount}"),
        ),
        S::Won => (
            "circle-check",
            Tone::Good,
            format!("Dispute of {amount} won"),
        ),
        S::Lost => ("circle-x", Tone::Bad, format!("Dispute of {amount} lost")),
        S::Withdrawn => (
            "circle-check",
            Tone::Good,
            format!("Dispute of {amount} taken back"),
        ),
    };
    let mut told = told(icon, tone, text);
    let due_by = data["due_by"]
        .as_i64()
        .filter(|_| state == S::NeedsResponse);
    let reason = data["reason"].as_str().unwrap_or_default();
    told.detail = match due_by {
        Some(due) => format!("{reason}; evidence by {}", clock.written(due, "%a %-d %B")),
        None => String::new(),
    };
    Some(told)
}
