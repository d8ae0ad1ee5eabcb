//! *New link*: choose an appointment that still owes, and its link window opens.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::views::AppointmentView;
use remit_app::{Error, appointments, links, patients};
use remit_core::appointments::Status;
use remit_core::ids::AppointmentId;
use remit_core::links::{LinkState, Purpose};
use remit_core::money::Money;
use remit_core::{DAY_MS, UtcMs};
use serde::Deserialize;

use super::answer::{Answer, Failure, page, see_other};
use super::desk::{Desk, Wants};
use super::forms::Form;
use super::once::once;
use super::{link_rows, sentences};
use crate::pages::Section;
use crate::pages::online_payments::{NewLink, NewLinkDialog, NewLinkPage, Payer};

const DAYS_AHEAD: i64 = 14;
/// How far back and ahead a found patient's appointments are looked at.
const DAYS_AROUND: i64 = 400;
const PATIENTS_MAX: i64 = 8;
const LOOKED_AT_MAX: i64 = 200;
const SHOWN_MAX: usize = 12;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// `GET /financials/online-payments/new`: today's and coming appointments that owe, or those of patients found by `q`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    shown(&desk, &asked.q, StatusCode::OK, None).await
}

/// `POST /appointments/{id}/payment-links`: `purpose` is `deposit` or `balance`; answers with the link's window.
pub async fn make(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: AppointmentId = id.parse()?;
    let purpose = match form.text("purpose") {
        "deposit" => Purpose::Deposit,
        "balance" => Purpose::Balance,
        _ => return Err(Failure::Unreadable),
    };
    let path = format!("/appointments/{id}/payment-links");
    let done = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let made = claimed.as_ref().map(Claimed::id);
        let link = links::issue(&desk.app, desk.actor(), id, made, purpose).await?;
        Ok(format!("/payment-links/{link}"))
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            shown(&desk, form.text("q"), status, Some(&error)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn shown(desk: &Desk, q: &str, status: StatusCode, refused: Option<&Error>) -> Answer {
    let q = q.trim();
    let found = if q.is_empty() {
        coming(desk).await?
    } else {
        of_patients(desk, q).await?
    };
    let owing = found.into_iter().filter(owes).take(SHOWN_MAX);
    let mut payers = Vec::new();
    for view in owing {
        payers.push(payer(desk, &view).await?);
    }
    let chooser = NewLink {
        csrf: desk.who.csrf.clone(),
        q: q.to_owned(),
        about: match (q.is_empty(), payers.is_empty()) {
            (true, false) => format!("Unpaid today and in the next {DAYS_AHEAD} days"),
            (true, true) => format!(
                "Nothing is due today or in the next {DAYS_AHEAD} days. Search for a patient, or book an appointment."
            ),
            (false, false) => "Appointments with something due".into(),
            (false, true) => format!("No appointment with something due is found by “{q}”."),
        },
        refused: refused.map(|error| sentences::sentence(error, &desk.clock)),
        found: payers,
    };
    if desk.wants == Wants::Dialog {
        return Ok(page(status, &NewLinkDialog { chooser }));
    }
    let shell = desk.shell(Section::OnlinePayments).await?;
    Ok(page(status, &NewLinkPage { shell, chooser }))
}

pub fn owes(view: &AppointmentView) -> bool {
    view.status != Status::Cancelled && view.balance.due().minor > 0
}

/// From the start of today on, soonest first.
async fn coming(desk: &Desk) -> remit_app::Result<Vec<AppointmentView>> {
    let from = desk.clock.start_of(desk.clock.today());
    between(desk, None, from, from + DAYS_AHEAD * DAY_MS).await
}

/// Of each patient that the words find: what is nearest to now first.
pub async fn of_patients(desk: &Desk, q: &str) -> remit_app::Result<Vec<AppointmentView>> {
    let mut found = Vec::new();
    for patient in patients::search(&desk.app, desk.clinic(), q, PATIENTS_MAX).await? {
        let (from, to) = (
            desk.now() - DAYS_AROUND * DAY_MS,
            desk.now() + DAYS_AROUND * DAY_MS,
        );
        found.extend(between(desk, Some(patient.id), from, to).await?);
    }
    found.sort_by_key(|view| (view.starts_at - desk.now()).abs());
    Ok(found)
}

pub async fn between(
    desk: &Desk,
    patient: Option<remit_core::ids::PatientId>,
    from: UtcMs,
    to: UtcMs,
) -> remit_app::Result<Vec<AppointmentView>> {
    let (app, clinic) = (&desk.app, desk.clinic());
    appointments::list(app, clinic, patient, (from, ""), to, LOOKED_AT_MAX).await
}

async fn payer(desk: &Desk, view: &AppointmentView) -> remit_app::Result<Payer> {
    let when = link_rows::day(&desk.clock, view.starts_at);
    let with = view.practitioner_name.as_ref();
    let with = with.map_or(String::new(), |name| format!(", {name}"));
    let due = view.balance.due();
    let deposit = view.balance.deposit_due();
    let open = view
        .open_link
        .filter(|(_, _, expires_at)| *expires_at > desk.now());
    let open_link = match open {
        Some(_) => {
            let all = links::of_appointment(&desk.app, desk.clinic(), view.id).await?;
            let open = |state: LinkState| state.is_open();
            let link = all.iter().find(|link| open(link.shown(desk.now())));
            link.map(|link| link.id.to_string())
        }
        None => None,
    };
    let mut purposes = Vec::new();
    if open_link.is_none() {
        let ask = |what: &str, amount: Money| format!("{what} {amount}");
        if deposit.minor > 0 && deposit.minor < due.minor {
            purposes.push(("deposit", ask("Deposit", deposit), desk.key()?));
            purposes.push(("balance", ask("Balance", due), desk.key()?));
        } else if deposit.minor > 0 {
            purposes.push(("deposit", ask("Ask for", due), desk.key()?));
        } else {
            purposes.push(("balance", ask("Ask for", due), desk.key()?));
        }
    }
    Ok(Payer {
        appointment_id: view.id.to_string(),
        patient: view.patient_name.clone(),
        appointment: format!("{when}{with} · {}", view.title),
        due: format!("{due} due"),
        purposes,
        open_link,
    })
}
