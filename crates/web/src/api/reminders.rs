//! What leaves by itself while a link is not paid.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::{App, clinics, reminders as verbs};
use remit_core::HOUR_MS;
use remit_core::reminders::{QuietHours, ReminderSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::problem::Problem;

/// Hours are 1 to 47, null switches a kind off. At most two messages leave for one link, none after it was paid or ended,
/// and none in the quiet hours.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reminders {
    /// After the latest message, while the link was not accessed.
    unopened_after_hours: Option<i64>,
    /// After the link was accessed, while it is not paid.
    unpaid_after_hours: Option<i64>,
    /// Before the link expires.
    before_expiry_hours: Option<i64>,
    /// By the clock of the clinic's zone; from and to the same: none.
    #[schema(example = "20:00")]
    quiet_from: String,
    #[schema(example = "09:00")]
    quiet_to: String,
}

impl From<&ReminderSettings> for Reminders {
    fn from(settings: &ReminderSettings) -> Reminders {
        let hours = |ms: Option<i64>| ms.map(|ms| ms / HOUR_MS);
        let time = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        Reminders {
            unopened_after_hours: hours(settings.unopened_after_ms),
            unpaid_after_hours: hours(settings.unpaid_after_ms),
            before_expiry_hours: hours(settings.before_expiry_ms),
            quiet_from: time(settings.quiet.from_minute),
            quiet_to: time(settings.quiet.to_minute),
        }
    }
}

impl Reminders {
    fn settings(&self) -> Result<ReminderSettings, Problem> {
        let ms = |hours: Option<i64>| hours.map(|hours| hours.saturating_mul(HOUR_MS));
        Ok(ReminderSettings {
            unopened_after_ms: ms(self.unopened_after_hours),
            unpaid_after_ms: ms(self.unpaid_after_hours),
            before_expiry_ms: ms(self.before_expiry_hours),
            quiet: QuietHours {
                from_minute: minute("quiet_from", &self.quiet_from)?,
                to_minute: minute("quiet_to", &self.quiet_to)?,
            },
        })
    }
}

/// A time of the day, as minutes since its begin.
fn minute(field: &str, text: &str) -> Result<i64, Problem> {
    let time = jiff::civil::Time::strptime("%H:%M", text.trim());
    time.map(|time| i64::from(time.hour()) * 60 + i64::from(time.minute()))
        .map_err(|_| Problem::invalid(field, "Enter a time of the day like 20:00."))
}

/// Read the reminder settings
#[utoipa::path(get, path = "/settings/reminders", tag = "Settings", operation_id = "get_reminders",
    responses((status = 200, body = Reminders)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<Reminders>, Problem> {
    let context = clinics::context(&app, actor.clinic).await?;
    Ok(Json((&context.reminders).into()))
}

/// Change the reminder settings
///
/// Also for links that are open already. A kind that is left out is switched off.
#[utoipa::path(put, path = "/settings/reminders", tag = "Settings", operation_id = "change_reminders",
    request_body = Reminders, responses((status = 200, body = Reminders)))]
pub async fn save(call: Call<Reminders>) -> Result<Response, Problem> {
    call.run(async |work| {
        let settings = work.body.settings()?;
        verbs::save(&work.app, &work.actor, &settings).await?;
        Answer::ok(&Reminders::from(&settings))
    })
    .await
}
