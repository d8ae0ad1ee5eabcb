//! Patients.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::patients::{self, PatientChange, PatientInput};
use remit_app::{App, views};
use remit_core::ids::{ClinicId, PatientId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::{not_null, present};
use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists::{self, List, Query};
use super::money::Time;
use super::problem::Problem;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPatient {
    name: String,
    email: Option<String>,
    /// With its country code, or a national number of the clinic's country. Kept as E.164.
    phone: Option<String>,
    /// BCP 47, such as `en-GB`.
    locale: Option<String>,
}

/// A field that is left out stays as it is; null empties it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedPatient {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    locale: Option<String>,
    /// The version that was read: 409 `changed-meanwhile` when it is another one by now. Left out, the change is made to
    /// whatever is there.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    version: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Patient {
    #[schema(value_type = String, example = "pat_019ab000000070008000000000000001")]
    id: PatientId,
    name: String,
    email: Option<String>,
    /// E.164.
    phone: Option<String>,
    locale: String,
    created_at: Time,
}

/// A patient, with the version that a change may name.
#[derive(Serialize, ToSchema)]
pub struct PatientInFull {
    #[schema(value_type = String, example = "pat_019ab000000070008000000000000001")]
    id: PatientId,
    name: String,
    email: Option<String>,
    /// E.164.
    phone: Option<String>,
    locale: String,
    created_at: Time,
    /// Rises with each change.
    version: i64,
}

impl From<views::Patient> for Patient {
    fn from(patient: views::Patient) -> Patient {
        Patient {
            id: patient.id,
            name: patient.name,
            email: patient.email,
            phone: patient.phone,
            locale: patient.locale,
            created_at: Time(patient.created_at),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PatientQuery {
    /// Starts of words of the name, of the email address or of the number. The best `limit` are answered, without a
    /// next page: narrow the search instead.
    q: Option<String>,
    /// 1 to 200; 50 without it.
    limit: Option<String>,
    cursor: Option<String>,
}

/// List or search patients
///
/// Newest first; a search by name.
#[utoipa::path(get, path = "/patients", tag = "Patients", operation_id = "list_patients", params(PatientQuery),
    responses((status = 200, body = List<Patient>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<PatientQuery>,
) -> Result<Json<List<Patient>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    if let Some(q) = lists::given(&query.q) {
        if lists::given(&query.cursor).is_some() {
            let message = "A search has one page. Narrow it instead.";
            return Err(Problem::bad_parameter("cursor", message));
        }
        let found = patients::search(&app, actor.clinic, q, limit).await?;
        return Ok(Json(List::whole(
            found.into_iter().map(Into::into).collect(),
        )));
    }
    let after = lists::cursor(&query.cursor)?;
    let after = after.as_ref().map(|cursor| cursor.id.as_str());
    let rows = patients::list(&app, actor.clinic, after, limit + 1).await?;
    let (page, next_cursor) = lists::page(rows, limit, |row| (row.created_at, row.id.to_string()));
    Ok(Json(List {
        data: page.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Add a patient
#[utoipa::path(post, path = "/patients", tag = "Patients", operation_id = "create_patient", request_body = NewPatient,
    responses((status = 201, body = PatientInFull)))]
pub async fn create(call: Call<NewPatient>) -> Result<Response, Problem> {
    call.run(async |work| {
        let input = PatientInput {
            name: work.body.name.clone(),
            email: work.body.email.clone(),
            phone: work.body.phone.clone(),
            locale: work.body.locale.clone(),
        };
        let made = patients::create(&work.app, &work.actor, work.id(), input).await?;
        Answer::created(&read(&work.app, work.actor.clinic, made.id).await?)
    })
    .await
}

/// Read a patient
///
/// The id of a duplicate that was merged answers with the record it became, whose id is another one.
#[utoipa::path(get, path = "/patients/{id}", tag = "Patients", operation_id = "get_patient", params(("id" = String, Path)),
    responses((status = 200, body = PatientInFull)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<PatientId>,
    _: lists::NoQuery,
) -> Result<Json<PatientInFull>, Problem> {
    Ok(Json(read(&app, actor.clinic, id).await?))
}

async fn read(app: &App, clinic: ClinicId, id: PatientId) -> Result<PatientInFull, Problem> {
    let (patient, state) = patients::with_state(app, clinic, id).await?;
    Ok(PatientInFull {
        id: patient.id,
        name: patient.name,
        email: patient.email,
        phone: patient.phone,
        locale: patient.locale,
        created_at: Time(patient.created_at),
        version: state.version,
    })
}

/// Change a patient
#[utoipa::path(patch, path = "/patients/{id}", tag = "Patients", operation_id = "change_patient", params(("id" = String, Path)),
    request_body = ChangedPatient, responses((status = 200, body = PatientInFull)))]
pub async fn change(
    Id(id): Id<PatientId>,
    call: Call<ChangedPatient>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let change = PatientChange {
            name: work.body.name,
            email: work.body.email,
            phone: work.body.phone,
            locale: work.body.locale,
            version: work.body.version,
        };
        let changed = patients::change(&work.app, &work.actor, id, change).await?;
        Answer::ok(&read(&work.app, work.actor.clinic, changed.id).await?)
    })
    .await
}
