//! The daily digest to managers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::{App, digests};
use remit_core::digests::DigestSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::problem::Problem;

/// The figures of the day before, by email to managers and owners.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    enabled: bool,
    /// The hour of the clinic's day, 0 to 23, from which on it leaves.
    #[schema(minimum = 0, maximum = 23, example = 8)]
    hour: i64,
}

impl From<DigestSettings> for Digest {
    fn from(settings: DigestSettings) -> Digest {
        Digest {
            enabled: settings.enabled,
            hour: settings.hour,
        }
    }
}

/// Read the digest settings
#[utoipa::path(get, path = "/settings/digest", tag = "Settings", operation_id = "get_digest_settings",
    responses((status = 200, body = Digest)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<Digest>, Problem> {
    Ok(Json(digests::settings(&app, actor.clinic).await?.into()))
}

/// Change the digest settings
#[utoipa::path(put, path = "/settings/digest", tag = "Settings", operation_id = "change_digest_settings", request_body = Digest,
    responses((status = 200, body = Digest)))]
pub async fn save(call: Call<Digest>) -> Result<Response, Problem> {
    call.run(async |work| {
        let settings = DigestSettings {
            enabled: work.body.enabled,
            hour: work.body.hour,
        };
        digests::save_settings(&work.app, &work.actor, settings).await?;
        Answer::ok(&work.body)
    })
    .await
}
