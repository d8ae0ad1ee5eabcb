//! Settings -> Daily digest.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::digests;
use remit_core::digests::DigestSettings;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::digest::DigestPage;
use crate::pages::{Choice, Section};

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// `GET /settings/digest`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    let known = digests::settings(&desk.app, desk.clinic()).await?;
    whole(&desk, StatusCode::OK, known, told.saved == "1", None).await
}

/// `POST /settings/digest`.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let wished = DigestSettings {
        enabled: form.ticked("enabled"),
        // What is no number is no hour either, and is told as such.
        hour: form.text("hour").parse().unwrap_or(-1),
    };
    match digests::save_settings(&desk.app, desk.actor(), wished).await {
        Ok(()) => Ok(see_other("/settings/digest?saved=1")),
        Err(error) if sentences::is_mendable(&error) => {
            let why = sentences::sentence(&error, &desk.clock);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            whole(&desk, status, wished, false, Some(why)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn whole(
    desk: &Desk,
    status: StatusCode,
    settings: DigestSettings,
    saved: bool,
    refused: Option<String>,
) -> Answer {
    let hours = (0..24).map(|hour| Choice {
        value: hour.to_string(),
        label: format!("{hour:02}:00"),
        selected: hour == settings.hour,
    });
    let shown = DigestPage {
        shell: desk.shell(Section::Settings).await?,
        may_change: desk.may(Permission::Configure),
        saved,
        enabled: settings.enabled,
        hours: hours.collect(),
        zone: desk.about().zone.clone(),
        refused,
    };
    Ok(page(status, &shown))
}
