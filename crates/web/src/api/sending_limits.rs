//! How much may be sent in a day.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::{App, ClinicContext, clinics, sending_limits as verbs};
use remit_core::money::Money;
use remit_core::sending_limits as rules;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::not_null;
use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::methods::limit;
use super::money::{MoneyBody, Time};
use super::problem::Problem;

/// What may be sent in one day, from midnight to midnight at the clinic. A message beyond it is answered with 429
/// `sending-limit`.
#[derive(Serialize, ToSchema)]
pub struct SendingLimits {
    /// Texts to one number.
    per_number: i64,
    /// Emails to one address.
    per_address: i64,
    /// Messages of one person or one API key.
    per_staff: i64,
    /// Messages of the whole clinic, reminders included.
    per_clinic: i64,
    /// What all texts of a day may cost.
    money: MoneyBody,
    /// What one segment of a text costs.
    segment_cost: MoneyBody,
    /// Whose mobile numbers may be texted, ISO 3166 alpha-2; empty: the clinic's own country.
    countries: Vec<String>,
    today: SentToday,
}

/// What was sent today.
#[derive(Serialize, ToSchema)]
pub struct SentToday {
    messages: i64,
    /// What the texts of it cost.
    spent: MoneyBody,
    /// When the counting begins anew.
    ends_at: Time,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedLimits {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    per_number: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    per_address: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    per_staff: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    per_clinic: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    money: Option<MoneyBody>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    segment_cost: Option<MoneyBody>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    countries: Option<Vec<String>>,
}

impl ChangedLimits {
    fn onto(&self, context: &ClinicContext) -> Result<rules::SendingLimits, Problem> {
        let before = &context.sending_limits;
        let currency = context.clinic.currency;
        let money = |name: &str, money: &Option<MoneyBody>, stays: i64| {
            Ok::<i64, Problem>(limit(name, money.as_ref(), currency)?.unwrap_or(stays))
        };
        Ok(rules::SendingLimits {
            per_number: self.per_number.unwrap_or(before.per_number),
            per_address: self.per_address.unwrap_or(before.per_address),
            per_staff: self.per_staff.unwrap_or(before.per_staff),
            per_clinic: self.per_clinic.unwrap_or(before.per_clinic),
            money: money("money", &self.money, before.money)?,
            segment_cost: money("segment_cost", &self.segment_cost, before.segment_cost)?,
            countries: self
                .countries
                .clone()
                .unwrap_or_else(|| before.countries.clone()),
        })
    }
}

async fn shown(app: &App, context: &ClinicContext) -> Result<SendingLimits, Problem> {
    let limits = &context.sending_limits;
    let money = |minor| Money::new(minor, context.clinic.currency).into();
    let today = verbs::today(app, context).await?;
    Ok(SendingLimits {
        per_number: limits.per_number,
        per_address: limits.per_address,
        per_staff: limits.per_staff,
        per_clinic: limits.per_clinic,
        money: money(limits.money),
        segment_cost: money(limits.segment_cost),
        countries: limits.countries.clone(),
        today: SentToday {
            messages: today.messages,
            spent: today.spent.into(),
            ends_at: Time(today.ends_at),
        },
    })
}

/// Read the sending limits
#[utoipa::path(get, path = "/settings/sending-limits", tag = "Settings", operation_id = "get_sending_limits",
    responses((status = 200, body = SendingLimits)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<SendingLimits>, Problem> {
    let context = clinics::context(&app, actor.clinic).await?;
    Ok(Json(shown(&app, &context).await?))
}

/// Change the sending limits
#[utoipa::path(put, path = "/settings/sending-limits", tag = "Settings", operation_id = "change_sending_limits",
    request_body = ChangedLimits, responses((status = 200, body = SendingLimits)))]
pub async fn save(call: Call<ChangedLimits>) -> Result<Response, Problem> {
    call.run(async |work| {
        let context = clinics::context(&work.app, work.actor.clinic).await?;
        let limits = work.body.onto(&context)?;
        verbs::save(&work.app, &work.actor, &limits).await?;
        let context = clinics::context(&work.app, work.actor.clinic).await?;
        Answer::ok(&shown(&work.app, &context).await?)
    })
    .await
}
