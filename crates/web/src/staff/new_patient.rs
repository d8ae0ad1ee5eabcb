//! A patient who is added before anything is booked.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::patients::{self as verbs, PatientInput};
use remit_app::{Error, views::Patient};
use remit_core::languages;
use serde::Deserialize;

use super::answer::{Answer, Failure, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{patients, sentences};
use crate::pages::patients::NewPatient;
use crate::pages::{Field, Section};

const HERE: &str = "/patients/new";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    name: String,
}

/// `GET /patients/new?name=`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let filled = Form(vec![("name".into(), asked.name)]);
    form(&desk, StatusCode::OK, &filled, None).await
}

/// `POST /patients/new`: `name`, `phone`, `email`, `language`.
pub async fn create(desk: Desk, sent: Form) -> Answer {
    let done = once(&desk, &sent, HERE, async |claimed: Option<Claimed>| {
        let language = languages::ALL
            .into_iter()
            .find(|one| one.tag == sent.text("language"));
        let input = PatientInput {
            name: sent.text("name").to_owned(),
            email: sent.some("email"),
            phone: sent.some("phone"),
            locale: language.map(|one| one.tag.to_owned()),
        };
        let id = claimed.as_ref().map(Claimed::id);
        let Patient { id, .. } = verbs::create(&desk.app, desk.actor(), id, input).await?;
        Ok(format!("/patients/{id}?done=saved"))
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            form(&desk, sentences::status(&error), &sent, Some(&error)).await
        }
        Err(failure) => Err(failure),
    }
}

async fn form(desk: &Desk, status: StatusCode, filled: &Form, error: Option<&Error>) -> Answer {
    let field = |name: &str| Field {
        value: filled.text(name).to_owned(),
        error: sentences::beside(error, &[name]),
    };
    let chosen = match filled.text("language") {
        "" => languages::of_locale("en-GB").tag,
        tag => tag,
    };
    let shown = NewPatient {
        shell: desk.shell(Section::Patients).await?,
        refused: sentences::over(error, &desk.clock),
        name: field("name"),
        phone: field("phone"),
        email: field("email"),
        languages: patients::spoken(chosen),
        idempotency_key: desk.key()?,
    };
    Ok(page(status, &shown))
}
