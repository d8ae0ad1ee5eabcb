//! Two records of one patient become one: find the other, look at both, choose what stays.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::patients::merging::{self, Merge, Side};
use remit_app::patients::{self as verbs};
use remit_app::views::{Filter, Patient};
use remit_app::{Error, appointments, links};
use remit_core::ids::PatientId;
use remit_core::languages;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::patients::{rows, shown};
use super::{sentences, words};
use crate::pages::Section;
use crate::pages::patients::{MergeChoice, MergeDetail, MergePage};

const FOUND_MAX: i64 = 10;
/// Appointments and links counted before *more than* is said.
const COUNTED_MAX: i64 = 200;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    q: String,
    with: String,
}

/// `GET /patients/{id}/merge`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    let with = match asked.with.as_str() {
        "" => None,
        with => Some(with.parse()?),
    };
    whole(&desk, id.parse()?, &asked.q, with, StatusCode::OK, None).await
}

/// `POST /patients/{id}/merge`.
pub async fn merge(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let kept: PatientId = id.parse()?;
    let duplicate: PatientId = form.text("with").parse()?;
    let version = |name: &str| form.text(name).parse().unwrap_or_default();
    let side = |name: &str| match form.text(name) {
        "other" => Side::Duplicate,
        _ => Side::Kept,
    };
    let wish = Merge {
        kept,
        duplicate,
        kept_version: version("version"),
        duplicate_version: version("with_version"),
        name: side("name"),
        phone: side("phone"),
        email: side("email"),
        locale: side("locale"),
    };
    match merging::merge(&desk.app, desk.actor(), &wish).await {
        Ok(()) => Ok(see_other(&format!("/patients/{kept}?done=merged"))),
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            whole(&desk, kept, "", Some(duplicate), status, Some(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn whole(
    desk: &Desk,
    id: PatientId,
    q: &str,
    with: Option<PatientId>,
    status: StatusCode,
    refused: Option<&Error>,
) -> Answer {
    let (app, clinic) = (&desk.app, desk.clinic());
    let this = verbs::get(app, clinic, id).await?;
    let mut found = if q.trim().is_empty() {
        verbs::alike(app, clinic, &this).await?
    } else {
        verbs::search(app, clinic, q.trim(), FOUND_MAX).await?
    };
    found.retain(|other| other.id != this.id);
    let chosen = match with {
        Some(with) => Some(choice(desk, &this, with).await?),
        None => None,
    };
    let shown = MergePage {
        shell: desk.shell(Section::Patients).await?,
        id: this.id.to_string(),
        name: this.name.clone(),
        q: q.trim().to_owned(),
        found: rows(desk, &found).await?,
        chosen,
        refused: refused.map(|error| sentences::sentence(error, &desk.clock)),
    };
    Ok(page(status, &shown))
}

async fn choice(desk: &Desk, this: &Patient, with: PatientId) -> remit_app::Result<MergeChoice> {
    let (app, clinic) = (&desk.app, desk.clinic());
    let (_, state) = verbs::with_state(app, clinic, this.id).await?;
    let (other, other_state) = verbs::with_state(app, clinic, with).await?;
    let detail = |field, word, this: String, other: String| MergeDetail {
        field,
        word,
        takes_other: this.is_empty() && !other.is_empty(),
        this,
        other,
    };
    let phone = |one: &Patient| shown(one.phone.as_deref(), |phone| desk.phone(phone));
    let email = |one: &Patient| shown(one.email.as_deref(), |email| desk.email(email));
    let language = |one: &Patient| languages::of_locale(&one.locale).english_name.to_owned();
    Ok(MergeChoice {
        details: vec![
            detail("name", "Full name", this.name.clone(), other.name.clone()),
            detail("phone", "Mobile", phone(this), phone(&other)),
            detail("email", "Email", email(this), email(&other)),
            detail(
                "locale",
                "Language of messages",
                language(this),
                language(&other),
            ),
        ],
        moves: moves(desk, &other).await?,
        other: other.id.to_string(),
        other_name: other.name,
        version: state.version,
        other_version: other_state.version,
    })
}

/// What the other record holds.
async fn moves(desk: &Desk, other: &Patient) -> remit_app::Result<String> {
    let (app, clinic) = (&desk.app, desk.clinic());
    let far = (0, "");
    let visits =
        appointments::list(app, clinic, Some(other.id), far, i64::MAX, COUNTED_MAX).await?;
    let filter = Filter {
        patient: Some(other.id),
        ..Filter::default()
    };
    let (made, _) = links::list(app, clinic, &filter, None, COUNTED_MAX).await?;
    let credit: i64 = visits.iter().map(|visit| visit.balance.credit).sum();
    let count = |number: usize, one, many| {
        words::count(u64::try_from(number).unwrap_or(u64::MAX), one, many)
    };
    let mut parts = vec![
        count(visits.len(), "appointment", "appointments"),
        count(made.len(), "payment link", "payment links"),
    ];
    if credit > 0 {
        let credit = remit_core::money::Money::new(credit, desk.currency());
        parts.push(format!("{credit} of credit"));
    }
    Ok(parts.join(", "))
}
