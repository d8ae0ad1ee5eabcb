//! Cancelling and no-show: staff say what becomes of the money in the same breath.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::appointments::{self, AppointmentChange, PaidIs};
use remit_app::views::{AppointmentView, PaymentView};
use remit_app::{Error, links, payments};
use remit_core::appointments::Status;
use remit_core::ids::AppointmentId;
use remit_core::payments::PaidBy;
use serde::Deserialize;

use super::answer::{Answer, Failure, page, see_other};
use super::appointments::{OVERRIDE, may_refund, summary};
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::refunds::alone_up_to;
use super::{sentences, words};
use crate::pages::Section;
use crate::pages::ending::{Ending, EndingDialog, EndingPage, Way};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    status: String,
}

/// `GET /appointments/{id}/end?status=cancelled`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let sent = Form(vec![("status".into(), asked.status)]);
    answer(&desk, id.parse()?, StatusCode::OK, &sent, None).await
}

/// `POST /appointments/{id}/end`.
pub async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let done = match wish(&desk, id, &form).await {
        Ok(change) => appointments::change(&desk.app, desk.actor(), id, change).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(see_other(&format!("/appointments/{id}"))),
        Err(error) if sentences::is_mendable(&error) => {
            answer(&desk, id, sentences::status(&error), &form, Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `cancelled` or `no_show`.
fn missed(form: &Form) -> Option<Status> {
    Status::parse(form.text("status")).filter(|status| status.is_missed())
}

async fn wish(desk: &Desk, id: AppointmentId, form: &Form) -> remit_app::Result<AppointmentChange> {
    let to =
        missed(form).ok_or_else(|| Error::invalid("status", "Choose Cancelled or No-show."))?;
    let paid = match form.text("paid_is") {
        "refunded" => Some(PaidIs::Refunded),
        "credited" => Some(PaidIs::Credited),
        "kept" => Some(PaidIs::Kept),
        "as_is" => None,
        // Paid since the window was opened, or nothing was chosen: money is never decided about unasked.
        _ => {
            let view = appointments::get(&desk.app, desk.clinic(), id).await?;
            if view.balance.covered().minor > 0 {
                return Err(Error::invalid(
                    "paid_is",
                    "Choose what becomes of the money.",
                ));
            }
            None
        }
    };
    Ok(AppointmentChange {
        status: Some(to),
        paid,
        despite_live_payment: form.ticked(OVERRIDE),
        ..AppointmentChange::default()
    })
}

async fn answer(
    desk: &Desk,
    id: AppointmentId,
    code: StatusCode,
    sent: &Form,
    error: Option<&Error>,
) -> Answer {
    let to = missed(sent).ok_or(Failure::Unreadable)?;
    let view = appointments::get(&desk.app, desk.clinic(), id).await?;
    if !view.status.may_become(to) {
        return Ok(see_other(&format!("/appointments/{id}")));
    }
    let form = form(desk, &view, to, sent, error).await?;
    Ok(match desk.wants {
        Wants::Dialog => page(code, &EndingDialog { form }),
        Wants::Page | Wants::Live => {
            let shell = desk.shell(Section::Diary).await?;
            page(code, &EndingPage { shell, form })
        }
    })
}

async fn form(
    desk: &Desk,
    view: &AppointmentView,
    to: Status,
    sent: &Form,
    error: Option<&Error>,
) -> remit_app::Result<Ending> {
    let received = payments::of_appointment(&desk.app, desk.clinic(), view.id).await?;
    let made = links::of_appointment(&desk.app, desk.clinic(), view.id).await?;
    let covered = view.balance.covered();
    let cancels = to == Status::Cancelled;
    let mut choices = ways(desk, view, to, &received);
    for way in &mut choices {
        way.chosen = match sent.text("paid_is") {
            "" => way.value == "as_is",
            chosen => way.value == chosen,
        };
    }
    let choice_error = sentences::beside(error, &["paid_is"]);
    let mut notes = Vec::new();
    let open = made.iter().find(|link| link.shown(desk.now()).is_open());
    if let Some(open) = open.filter(|_| cancels) {
        notes.push(format!("The payment link of {} ends with it.", open.amount));
    }
    if cancels {
        notes.push("A cancelled appointment stays cancelled: book it again if the patient comes after all.".into());
    }
    Ok(Ending {
        id: view.id.to_string(),
        csrf: desk.who.csrf.clone(),
        status: words::appointment_status(to),
        title: if cancels {
            format!("Cancel the appointment of {}", view.patient_name)
        } else {
            format!("{} did not come", view.patient_name)
        },
        summary: summary(desk, view),
        question: if covered.minor > 0 {
            format!("What becomes of the {covered} that is paid?")
        } else {
            "What becomes of the bill?".into()
        },
        refused: error
            .filter(|_| choice_error.is_none())
            .map(|error| sentences::sentence(error, &desk.clock)),
        choice_error,
        choices,
        notes,
        offers_override: matches!(error, Some(Error::ProviderUnreachable(_)))
            || sent.ticked(OVERRIDE),
        label: if cancels {
            "Cancel appointment"
        } else {
            "Mark as no-show"
        },
    })
}

/// What can become of the money; nothing to choose where none was paid and the charges go anyway.
fn ways(desk: &Desk, view: &AppointmentView, to: Status, received: &[PaymentView]) -> Vec<Way> {
    let covered = view.balance.covered();
    let due = view.balance.due();
    let paid = covered.minor > 0;
    let missed = to == Status::NoShow;
    let mut ways = Vec::new();
    let mut way = |value, icon, word: String, detail: String| {
        ways.push(Way {
            value,
            icon,
            word,
            detail,
            chosen: false,
        });
    };
    if missed && (paid || due.minor > 0) {
        let detail = if due.minor > 0 {
            format!("{due} stays due, and its payment link stays open.")
        } else {
            "Everything is paid, and nothing goes back.".into()
        };
        way(
            "as_is",
            "receipt-text",
            "Leave the bill as it is".into(),
            detail,
        );
    }
    if paid && (due.minor > 0 || !missed) {
        let name = if missed {
            "a missed appointment"
        } else {
            "a cancellation"
        };
        way(
            "kept",
            "banknote",
            format!("Keep {covered} as {name} fee"),
            "It replaces the charges. Nothing more is due.".into(),
        );
    }
    if paid {
        way(
            "credited",
            "wallet",
            format!("Keep {covered} as the patient’s credit"),
            "The clinic owes it to the patient until it is refunded.".into(),
        );
        if may_refund(desk) {
            way(
                "refunded",
                "undo-2",
                format!("Refund {covered}"),
                going_back(desk, received),
            );
        }
    } else if missed && due.minor > 0 {
        way(
            "credited",
            "circle-check",
            format!("Waive the {due}"),
            "The charges are taken away. Nothing is due.".into(),
        );
    }
    ways
}

/// `Cash £20.00, hand it back first. Card £30.00, sent back the way it came.`
fn going_back(desk: &Desk, received: &[PaymentView]) -> String {
    let left = received
        .iter()
        .map(|one| &one.payment)
        .filter(|payment| payment.refundable().minor > 0);
    let lines: Vec<String> = left
        .map(|payment| {
            let way = match payment.paid_by {
                PaidBy::Online(_) => "sent back the way it came",
                PaidBy::Desk(_) => "hand it back first",
            };
            format!(
                "{} {}, {way}.",
                payment.paid_by.title(),
                payment.refundable()
            )
        })
        .collect();
    let mut detail = lines.join(" ");
    if let Some(limit) = alone_up_to(desk) {
        let limit = desk.money(limit);
        detail.push_str(&format!(" Above {limit} a second person approves it."));
    }
    detail
}
