//! Patients: found, looked at, corrected.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::patients::{self as verbs, PatientChange};
use remit_app::views::{AppointmentView, Filter, Patient};
use remit_app::{Error, appointments, links};
use remit_core::DAY_MS;
use remit_core::clinic::initials;
use remit_core::contact::Phone;
use remit_core::ids::PatientId;
use remit_core::languages;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, encoded, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::{sentences, words};
use crate::pages::patients::{
    PatientAppointment, PatientLink, PatientRecord, PatientRow, Patients,
};
use crate::pages::{Choice, Field, Section};

const PAGE_ROWS: i64 = 25;
const FOUND_MAX: i64 = 50;
/// How far ahead an appointment can be booked, and some more.
const FAR_MS: i64 = 4 * 366 * DAY_MS;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
    after: String,
}

/// `GET /patients`.
pub async fn list(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let q = asked.q.trim();
    let (app, clinic) = (&desk.app, desk.clinic());
    let after = (!asked.after.is_empty()).then_some(asked.after.as_str());
    let mut found = if q.is_empty() {
        verbs::list(app, clinic, after, PAGE_ROWS + 1).await?
    } else {
        verbs::search(app, clinic, q, FOUND_MAX).await?
    };
    let more = q.is_empty() && found.len() > 25;
    if more {
        found.truncate(25);
    }
    let older = found
        .last()
        .filter(|_| more)
        .map(|last| format!("/patients?after={}", encoded(&last.id.to_string())));
    let mut rows = Vec::new();
    for patient in found {
        rows.push(row(&desk, patient).await?);
    }
    let shown = Patients {
        shell: desk.shell(Section::Patients).await?,
        q: q.to_owned(),
        rows,
        newer: after.map(|_| "/patients".into()),
        older,
    };
    Ok(page(StatusCode::OK, &shown))
}

async fn row(desk: &Desk, patient: Patient) -> remit_app::Result<PatientRow> {
    let from = (desk.now(), "");
    let to = desk.now() + FAR_MS;
    let next = appointments::list(&desk.app, desk.clinic(), Some(patient.id), from, to, 1).await?;
    Ok(PatientRow {
        id: patient.id.to_string(),
        initials: initials(&patient.name),
        name: patient.name,
        phone: patient
            .phone
            .as_deref()
            .map(Phone::grouped)
            .unwrap_or_default(),
        email: patient.email.unwrap_or_default(),
        next_appointment: next
            .first()
            .map(|next| desk.clock.moment(next.starts_at))
            .unwrap_or_default(),
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// `GET /patients/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(told): Query<Told>) -> Answer {
    record(&desk, id.parse()?, StatusCode::OK, None, told.saved == "1").await
}

/// `POST /patients/{id}`.
pub async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: PatientId = id.parse()?;
    let change = PatientChange {
        name: Some(form.text("name").to_owned()),
        email: Some(form.some("email")),
        phone: Some(form.some("phone")),
        locale: language(&desk, id, &form).await?,
    };
    match verbs::change(&desk.app, desk.actor(), id, change).await {
        Ok(_) => Ok(see_other(&format!("/patients/{id}?saved=1"))),
        Err(error) if sentences::is_mendable(&error) => {
            record(
                &desk,
                id,
                sentences::status(&error),
                Some((&form, &error)),
                false,
            )
            .await
        }
        Err(error) => Err(error.into()),
    }
}

/// The language that was chosen, where it is another: `pl-GB` stays as it is when Polish is chosen again.
async fn language(desk: &Desk, id: PatientId, form: &Form) -> remit_app::Result<Option<String>> {
    let Some(chosen) = languages::named(form.text("language")) else {
        return Ok(None);
    };
    let kept = verbs::get(&desk.app, desk.clinic(), id).await?.locale;
    let is_other = *languages::of_locale(&kept) != *chosen;
    Ok(is_other.then(|| chosen.html_lang.to_owned()))
}

async fn record(
    desk: &Desk,
    id: PatientId,
    status: StatusCode,
    retry: Option<(&Form, &Error)>,
    saved: bool,
) -> Answer {
    let (app, clinic) = (&desk.app, desk.clinic());
    let patient = verbs::get(app, clinic, id).await?;
    let to = desk.now() + FAR_MS;
    let mut visits = appointments::list(app, clinic, Some(id), (0, ""), to, 200).await?;
    visits.reverse();
    let filter = Filter {
        patient: Some(id),
        ..Filter::default()
    };
    let (made, _) = links::list(app, clinic, &filter, None, 50).await?;
    let field = |name: &str, kept: String| match retry {
        None => Field::new(kept),
        Some((form, error)) => Field {
            value: form.text(name).to_owned(),
            error: match error {
                Error::Invalid { field, message } if *field == name => Some(message.clone()),
                _ => None,
            },
        },
    };
    let credit: i64 = visits.iter().map(|visit| visit.balance.credit).sum();
    let shown = PatientRecord {
        shell: desk.shell(Section::Patients).await?,
        id: id.to_string(),
        heading: patient.name.clone(),
        name: field("name", patient.name.clone()),
        phone: field(
            "phone",
            patient
                .phone
                .as_deref()
                .map(Phone::grouped)
                .unwrap_or_default(),
        ),
        email: field("email", patient.email.clone().unwrap_or_default()),
        languages: spoken(retry.map_or_else(
            || languages::of_locale(&patient.locale).tag,
            |(form, _)| form.text("language"),
        )),
        may_change: desk.may(Permission::Book),
        saved,
        credit: (credit > 0)
            .then(|| remit_core::money::Money::new(credit, desk.currency()).to_string()),
        appointments: visits
            .iter()
            .map(|visit| appointment(desk, visit))
            .collect(),
        links: made
            .iter()
            .map(|link| PatientLink {
                id: link.id.to_string(),
                created: desk.clock.moment(link.created_at),
                expires: desk.clock.moment(link.expires_at),
                amount: link.amount.to_string(),
                status: words::link_status(link.shown(desk.now())),
                badges: words::badges(link),
            })
            .collect(),
    };
    Ok(page(status, &shown))
}

fn spoken(chosen: &str) -> Vec<Choice> {
    let choice = |one: &'static languages::Language| Choice {
        value: one.tag.into(),
        label: one.english_name.into(),
        selected: one.tag == chosen,
    };
    languages::ALL.into_iter().map(choice).collect()
}

fn appointment(desk: &Desk, visit: &AppointmentView) -> PatientAppointment {
    let with = visit.practitioner_name.as_deref();
    PatientAppointment {
        id: visit.id.to_string(),
        when: desk.clock.moment(visit.starts_at),
        what: match with {
            Some(with) => format!("{} with {with}", visit.title),
            None => visit.title.clone(),
        },
        status: words::appointment_status(visit.status),
        balance: visit.balance.due().to_string(),
    }
}
