//! Patients: found, looked at, corrected.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::patients::{self as verbs, PatientChange, notes};
use remit_app::views::{AppointmentView, Filter, LinkView, Patient};
use remit_app::{Error, appointments, links};
use remit_core::DAY_MS;
use remit_core::clinic::initials;
use remit_core::contact::Phone;
use remit_core::ids::{AppointmentId, PatientId, PatientNoteId};
use remit_core::languages;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, Failure, encoded, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{sentences, words};
use crate::pages::patients::{
    Meanwhile, PatientAppointment, PatientLink, PatientNote, PatientPayment, PatientRecord,
    PatientRow, Patients,
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
    let rows = rows(&desk, &found).await?;
    let shown = Patients {
        shell: desk.shell(Section::Patients).await?,
        q: q.to_owned(),
        rows,
        newer: after.map(|_| "/patients".into()),
        older,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Patients as a list shows them.
pub async fn rows(desk: &Desk, patients: &[Patient]) -> remit_app::Result<Vec<PatientRow>> {
    let next = verbs::next_appointments(&desk.app, desk.clinic(), patients).await?;
    let row = |patient: &Patient| PatientRow {
        id: patient.id.to_string(),
        initials: initials(&patient.name),
        name: patient.name.clone(),
        phone: shown(patient.phone.as_deref(), |phone| desk.phone(phone)),
        email: shown(patient.email.as_deref(), |email| desk.email(email)),
        next_appointment: next
            .get(&patient.id)
            .map(|at| desk.clock.moment(*at))
            .unwrap_or_default(),
    };
    Ok(patients.iter().map(row).collect())
}

/// Empty where nothing is known.
pub fn shown(known: Option<&str>, words: impl Fn(&str) -> String) -> String {
    known.map(words).unwrap_or_default()
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    done: String,
}

/// `GET /patients/{id}`. The address of a merged duplicate leads on to the record that it became.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(told): Query<Told>) -> Answer {
    let id: PatientId = id.parse()?;
    let lives = verbs::get(&desk.app, desk.clinic(), id).await?.id;
    if lives != id {
        return Ok(see_other(&format!("/patients/{lives}")));
    }
    let done = match told.done.as_str() {
        "saved" => Some("Saved"),
        "noted" => Some("Note saved"),
        "struck" => Some("Note struck through"),
        "merged" => Some("Merged"),
        _ => None,
    };
    record(&desk, id, StatusCode::OK, None, done).await
}

/// `POST /patients/{id}`.
pub async fn save(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: PatientId = id.parse()?;
    let change = PatientChange {
        name: Some(form.text("name").to_owned()),
        email: Some(form.some("email")),
        phone: Some(form.some("phone")),
        locale: language(&desk, id, &form).await?,
        // A page without one is of an older release: it saves as it did there.
        version: form.text("version").parse().ok(),
    };
    let done = verbs::change(&desk.app, desk.actor(), id, change).await;
    finish(&desk, id, done.map(drop), "saved", &form).await
}

/// `POST /patients/{id}/notes`.
pub async fn note(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: PatientId = id.parse()?;
    let path = format!("/patients/{id}/notes");
    let done = once(&desk, &form, &path, async |claimed: Option<Claimed>| {
        let note = claimed.as_ref().map(Claimed::id);
        notes::add(&desk.app, desk.actor(), id, note, form.text("note")).await?;
        Ok(format!("/patients/{id}?done=noted#notes"))
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) => finish(&desk, id, Err(error), "noted", &form).await,
        Err(failure) => Err(failure),
    }
}

/// `POST /patients/{id}/notes/{note}/strike`.
pub async fn strike(desk: Desk, Path((id, note)): Path<(String, String)>) -> Answer {
    let (id, note): (PatientId, PatientNoteId) = (id.parse()?, note.parse()?);
    notes::strike(&desk.app, desk.actor(), id, note).await?;
    Ok(see_other(&format!("/patients/{id}?done=struck#notes")))
}

async fn finish(
    desk: &Desk,
    id: PatientId,
    done: remit_app::Result<()>,
    word: &str,
    form: &Form,
) -> Answer {
    match done {
        Ok(()) => Ok(see_other(&format!("/patients/{id}?done={word}"))),
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            record(desk, id, status, Some((form, &error)), None).await
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
    done: Option<&'static str>,
) -> Answer {
    let (app, clinic) = (&desk.app, desk.clinic());
    let (patient, state) = verbs::with_state(app, clinic, id).await?;
    let id = patient.id;
    let to = desk.now() + FAR_MS;
    let mut visits = appointments::list(app, clinic, Some(id), (0, ""), to, 200).await?;
    visits.reverse();
    let filter = Filter {
        patient: Some(id),
        ..Filter::default()
    };
    let (made, _) = links::list(app, clinic, &filter, None, 50).await?;
    let credit: i64 = visits.iter().map(|visit| visit.balance.credit).sum();
    let spoken_now = languages::of_locale(&patient.locale);
    // What was typed into the contact's form; a note that was refused leaves it as it is kept.
    let typed = retry
        .filter(|(form, _)| form.has("name"))
        .map(|(form, _)| form);
    let error = retry.map(|(_, error)| error);
    let wrong = |name: &str| sentences::beside(error, &[name]);
    let field = |name: &str, kept: String| Field {
        value: typed.map_or(kept, |form| form.text(name).to_owned()),
        error: wrong(name),
    };
    let phone = shown(patient.phone.as_deref(), |phone| desk.phone(phone));
    let email = shown(patient.email.as_deref(), |email| desk.email(email));
    let alike = verbs::alike(app, clinic, &patient).await?;
    let record = PatientRecord {
        shell: desk.shell(Section::Patients).await?,
        id: id.to_string(),
        heading: patient.name.clone(),
        meanwhile: meanwhile(desk, &patient, retry),
        name: field("name", patient.name.clone()),
        phone: field("phone", phone),
        email: field("email", email),
        languages: spoken(typed.map_or(spoken_now.tag, |form| form.text("language"))),
        language_word: spoken_now.english_name.to_owned(),
        version: state.version,
        refused: retry
            .filter(|(_, error)| {
                !matches!(
                    error,
                    Error::Invalid { .. } | Error::ChangedMeanwhile { .. }
                )
            })
            .map(|(_, error)| sentences::sentence(error, &desk.clock)),
        may_change: desk.may(Permission::Book),
        may_merge: desk.may(Permission::Configure),
        done,
        credit: (credit > 0)
            .then(|| remit_core::money::Money::new(credit, desk.currency()).to_string()),
        payments: payments(desk, &visits).await?,
        appointments: visits
            .iter()
            .map(|visit| appointment(desk, visit))
            .collect(),
        links: made.iter().map(|link| patient_link(desk, link)).collect(),
        notes: written(desk, id).await?,
        note: Field {
            value: retry.map_or("", |(form, _)| form.text("note")).to_owned(),
            error: wrong("note"),
        },
        note_key: desk.key()?,
        alike: rows(desk, &alike).await?,
    };
    Ok(page(status, &record))
}

/// Who saved meanwhile, and what is kept now of the fields that were typed otherwise.
fn meanwhile(desk: &Desk, patient: &Patient, retry: Option<(&Form, &Error)>) -> Option<Meanwhile> {
    let (form, error) =
        retry.filter(|(_, error)| matches!(error, Error::ChangedMeanwhile { .. }))?;
    let phone = patient.phone.as_deref();
    let same_phone = Phone::parse(form.text("phone"), &desk.about().country)
        .is_ok_and(|typed| Some(typed.as_str()) == phone);
    let language = languages::of_locale(&patient.locale);
    let email = patient.email.clone().unwrap_or_default();
    let kept = [
        (
            "Full name",
            patient.name.clone(),
            patient.name == form.text("name").trim(),
        ),
        ("Mobile", shown(phone, Phone::grouped), same_phone),
        ("Email", email.clone(), email == form.text("email").trim()),
        (
            "Language of messages",
            language.english_name.to_owned(),
            language.tag == form.text("language"),
        ),
    ];
    Some(Meanwhile {
        text: sentences::sentence(error, &desk.clock),
        kept: kept
            .into_iter()
            .filter(|(_, _, same)| !same)
            .map(|(word, value, _)| {
                (
                    word,
                    if value.is_empty() {
                        "none".into()
                    } else {
                        value
                    },
                )
            })
            .collect(),
    })
}

async fn payments(
    desk: &Desk,
    visits: &[AppointmentView],
) -> remit_app::Result<Vec<PatientPayment>> {
    let ids: Vec<AppointmentId> = visits.iter().map(|visit| visit.id).collect();
    let received = remit_app::payments::of_appointments(&desk.app, desk.clinic(), &ids).await?;
    let shown = received.iter().rev().map(|one| PatientPayment {
        id: one.payment.id.to_string(),
        when: desk.clock.moment(one.payment.received_at),
        method: one.payment.paid_by.title().into(),
        amount: one.payment.amount.to_string(),
        refunded: if one.refunded.minor > 0 {
            format!("{} refunded", one.refunded)
        } else {
            String::new()
        },
    });
    Ok(shown.collect())
}

async fn written(desk: &Desk, id: PatientId) -> remit_app::Result<Vec<PatientNote>> {
    let clock = &desk.clock;
    let found = notes::list(&desk.app, desk.clinic(), id).await?;
    let shown = found.into_iter().map(|note| PatientNote {
        id: note.id.to_string(),
        text: note.text,
        by: format!("{}, {}", note.written_by, clock.lately(note.at)),
        struck: note
            .struck
            .map(|(at, by)| format!("Struck through by {by}, {}", clock.lately(at))),
    });
    Ok(shown.collect())
}

fn patient_link(desk: &Desk, link: &LinkView) -> PatientLink {
    PatientLink {
        id: link.id.to_string(),
        created: desk.clock.moment(link.created_at),
        expires: desk.clock.moment(link.expires_at),
        amount: link.amount.to_string(),
        status: words::link_status(link.shown(desk.now())),
        badges: words::badges(link),
    }
}

pub fn spoken(chosen: &str) -> Vec<Choice> {
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
