//! Patients: searched, made, corrected.

use remit_core::contact::{Email, Name, Phone};
use remit_core::ids::{ClinicId, PatientId};
use remit_store::patients::{self, Patient};

use crate::error::in_field;
use crate::{Actor, App, Error, Result, clinics};

/// What a person or program typed of a patient; empty means none.
#[derive(Clone, Debug, Default)]
pub struct PatientInput {
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub locale: Option<String>,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct PatientChange {
    pub name: Option<String>,
    pub email: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub locale: Option<String>,
}

/// An address, or nothing.
pub(crate) fn email(text: Option<&str>) -> Result<Option<String>> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| {
        Email::parse(text)
            .map(Email::into_string)
            .map_err(in_field("email"))
    })
    .transpose()
}

/// A number in E.164, or nothing.
pub(crate) fn phone(text: Option<&str>, country: &str) -> Result<Option<String>> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| {
        Phone::parse(text, country)
            .map(Phone::into_string)
            .map_err(in_field("phone"))
    })
    .transpose()
}

/// A BCP 47 language tag in its plain form.
fn locale(text: Option<&str>) -> Result<String> {
    let text = text
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .unwrap_or("en-GB");
    let plain = text.len() <= 35
        && text.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if plain {
        Ok(text.to_owned())
    } else {
        Err(Error::invalid("locale", "Enter a language like en-GB."))
    }
}

/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
pub async fn create(
    app: &App,
    actor: &Actor,
    id: Option<PatientId>,
    input: PatientInput,
) -> Result<Patient> {
    let context = clinics::context(app, actor.clinic).await?;
    let now = app.now().await?;
    let patient = Patient {
        id: match id {
            Some(id) => id,
            None => app.fresh(now)?,
        },
        name: Name::parse(&input.name)
            .map_err(in_field("name"))?
            .into_string(),
        email: email(input.email.as_deref())?,
        phone: phone(input.phone.as_deref(), &context.clinic.country)?,
        locale: locale(input.locale.as_deref())?,
        created_at: now,
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    if let Some(made) = patients::get_in(&mut tx, patient.id).await? {
        return Ok(made);
    }
    patients::insert(&mut tx, &patient).await?;
    tx.commit().await?;
    Ok(patient)
}

/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; or the store's.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: PatientId,
    change: PatientChange,
) -> Result<Patient> {
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let mut patient = patients::get_in(&mut tx, id)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(name) = change.name {
        patient.name = Name::parse(&name).map_err(in_field("name"))?.into_string();
    }
    if let Some(text) = change.email {
        patient.email = email(text.as_deref())?;
    }
    if let Some(text) = change.phone {
        patient.phone = phone(text.as_deref(), &context.clinic.country)?;
    }
    if let Some(text) = change.locale {
        patient.locale = locale(Some(&text))?;
    }
    let now = tx.now().await?;
    patients::update(&mut tx, &patient, now).await?;
    tx.commit().await?;
    Ok(patient)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
pub async fn get(app: &App, clinic: ClinicId, id: PatientId) -> Result<Patient> {
    patients::get(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)
}

/// Finds by the starts of words of the name, by address or by number.
///
/// # Errors
/// The store's.
pub async fn search(app: &App, clinic: ClinicId, q: &str, limit: i64) -> Result<Vec<Patient>> {
    Ok(patients::search(&app.store, clinic, q, limit).await?)
}

/// A page of patients, newest first; `after` is the id of the last one seen.
///
/// # Errors
/// The store's.
pub async fn list(
    app: &App,
    clinic: ClinicId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Patient>> {
    Ok(patients::list(&app.store, clinic, after, limit).await?)
}
