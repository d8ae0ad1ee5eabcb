//! Settings -> Reminders: what leaves by itself while a link is not paid.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::{Error, reminders as verbs};
use remit_core::HOUR_MS;
use remit_core::reminders::{QuietHours, ReminderSettings};
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::clock;
use super::desk::Desk;
use super::forms::Form;
use crate::pages::reminders::{ReminderKind, Reminders};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/reminders";
/// Hours that are proposed while a kind is off.
const PROPOSED: [i64; 3] = [24, 6, 8];

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// A field that is wrong, and its sentence.
type Wrong = (&'static str, String);

/// `GET /settings/reminders`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    settings(&desk, StatusCode::OK, told.saved == "1", None).await
}

/// `POST /settings/reminders`.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let wrong = match wished(&form) {
        Ok(settings) => match verbs::save(&desk.app, desk.actor(), &settings).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?saved=1"))),
            Err(Error::Invalid { field, message }) => (field, message),
            Err(error) => return Err(error.into()),
        },
        Err(wrong) => wrong,
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    settings(&desk, status, false, Some((&form, &wrong))).await
}

fn wished(form: &Form) -> Result<ReminderSettings, Wrong> {
    // The hours of a kind that is off are not read: nobody means them.
    let hours = |tick: &str, name: &str, field: &'static str| {
        if !form.ticked(tick) {
            return Ok(None);
        }
        let hours = form.text(name).trim().parse::<i64>();
        match hours.ok().and_then(|hours| hours.checked_mul(HOUR_MS)) {
            Some(ms) => Ok(Some(ms)),
            None => Err((field, "Enter a whole number of hours.".to_owned())),
        }
    };
    let time = |name: &'static str| {
        let time = clock::time(form.text(name));
        let minute = time.map(|time| i64::from(time.hour()) * 60 + i64::from(time.minute()));
        minute.ok_or_else(|| (name, "Enter a time like 20:00.".to_owned()))
    };
    Ok(ReminderSettings {
        unopened_after_ms: hours("unopened", "unopened_hours", "unopened_after_hours")?,
        unpaid_after_ms: hours("unpaid", "unpaid_hours", "unpaid_after_hours")?,
        before_expiry_ms: hours("expiring", "expiring_hours", "before_expiry_hours")?,
        quiet: QuietHours {
            from_minute: time("quiet_from")?,
            to_minute: time("quiet_to")?,
        },
    })
}

async fn settings(
    desk: &Desk,
    status: StatusCode,
    saved: bool,
    retry: Option<(&Form, &Wrong)>,
) -> Answer {
    let stored = &desk.context.reminders;
    let field = |control: &str, name: &str, stored: String| match retry {
        None => Field::new(stored),
        Some((form, (at, sentence))) => Field {
            value: form.text(control).to_owned(),
            error: (*at == name).then(|| sentence.clone()),
        },
    };
    let rows = [
        (
            ("unopened", "Not opened", "unopened_after_hours"),
            ("Send a reminder", "hours after the last message"),
            stored.unopened_after_ms,
        ),
        (
            ("unpaid", "Opened, not paid", "unpaid_after_hours"),
            ("Send a reminder", "hours after the patient opened it"),
            stored.unpaid_after_ms,
        ),
        (
            ("expiring", "Ending soon", "before_expiry_hours"),
            ("Say so", "hours before the link ends"),
            stored.before_expiry_ms,
        ),
    ];
    let kinds = rows.into_iter().zip(PROPOSED).map(|(row, proposed)| {
        let ((name, title, of), (before, after), ms) = row;
        let hours = ms.map_or(proposed, |ms| ms / HOUR_MS);
        ReminderKind {
            name,
            title,
            before,
            after,
            on: retry.map_or(ms.is_some(), |(form, _)| form.ticked(name)),
            hours: field(&format!("{name}_hours"), of, hours.to_string()),
        }
    });
    let time = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    let shown = Reminders {
        shell: desk.shell(Section::Settings).await?,
        kinds: kinds.collect(),
        quiet_from: field("quiet_from", "quiet_from", time(stored.quiet.from_minute)),
        quiet_to: field("quiet_to", "quiet_to", time(stored.quiet.to_minute)),
        zone: desk.about().zone.clone(),
        saved,
        may_change: desk.may(Permission::Configure),
    };
    Ok(page(status, &shown))
}
