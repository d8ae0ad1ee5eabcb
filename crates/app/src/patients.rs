//! Patients: searched, made, corrected.

pub mod merging;
pub mod notes;

use std::collections::HashMap;

use remit_core::UtcMs;
use remit_core::contact::{Email, Name, Phone};
use remit_core::ids::{ClinicId, PatientId};
use remit_store::Tx;
use remit_store::patients::{self, Patient, State};

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
    /// The version that was looked at; none: whatever it is now is changed.
    pub version: Option<i64>,
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
#[crate::boxed]
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
#[crate::boxed]
pub async fn change(
    app: &App,
    actor: &Actor,
    id: PatientId,
    change: PatientChange,
) -> Result<Patient> {
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let id = patients::surviving(&mut tx, id)
        .await?
        .ok_or(Error::NotFound)?;
    unchanged(&mut tx, id, change.version).await?;
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
    patients::update(&mut tx, &patient, &actor.label, now).await?;
    tx.commit().await?;
    Ok(patient)
}

/// Locks a record; refuses when it is not the version that was looked at any more.
async fn unchanged(tx: &mut Tx, id: PatientId, looked_at: Option<i64>) -> Result<State> {
    let state = patients::lock(tx, id).await?.ok_or(Error::NotFound)?;
    match looked_at {
        Some(version) if version != state.version => Err(Error::ChangedMeanwhile {
            by: if state.updated_by.is_empty() {
                "Somebody".into()
            } else {
                state.updated_by
            },
            at: state.updated_at,
        }),
        _ => Ok(state),
    }
}

/// The record that an id stands for: that of a merged duplicate leads on to the one it became.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, id: PatientId) -> Result<Patient> {
    Ok(with_state(app, clinic, id).await?.0)
}

/// The record that an id stands for, and how it stands.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn with_state(app: &App, clinic: ClinicId, id: PatientId) -> Result<(Patient, State)> {
    let mut state = patients::state(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(into) = state.merged_into {
        state = patients::state(&app.store, clinic, into)
            .await?
            .ok_or(Error::NotFound)?;
    }
    let patient = patients::get(&app.store, clinic, state.id).await?;
    Ok((patient.ok_or(Error::NotFound)?, state))
}

/// When the next appointment of each of these patients begins.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn next_appointments(
    app: &App,
    clinic: ClinicId,
    of: &[Patient],
) -> Result<HashMap<PatientId, UtcMs>> {
    let ids: Vec<PatientId> = of.iter().map(|patient| patient.id).collect();
    let now = app.now().await?;
    let next = patients::next_appointments(&app.store, clinic, &ids, now).await?;
    Ok(next.into_iter().collect())
}

/// Others who share a number or an address: perhaps the same person.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn alike(app: &App, clinic: ClinicId, patient: &Patient) -> Result<Vec<Patient>> {
    let mut alike: Vec<Patient> = Vec::new();
    for q in [&patient.phone, &patient.email].into_iter().flatten() {
        for found in patients::search(&app.store, clinic, q, ALIKE_MAX).await? {
            let shares = (found.phone.is_some() && found.phone == patient.phone)
                || (found.email.is_some() && found.email == patient.email);
            if shares && found.id != patient.id && !alike.contains(&found) {
                alike.push(found);
            }
        }
    }
    alike.truncate(3);
    Ok(alike)
}

/// Records looked at for one shared number.
const ALIKE_MAX: i64 = 10;

/// Finds by the starts of words of the name, by address or by number.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn search(app: &App, clinic: ClinicId, q: &str, limit: i64) -> Result<Vec<Patient>> {
    Ok(patients::search(&app.store, clinic, q, limit).await?)
}

/// A page of patients, newest first; `after` is the id of the last one seen.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(
    app: &App,
    clinic: ClinicId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Patient>> {
    Ok(patients::list(&app.store, clinic, after, limit).await?)
}
