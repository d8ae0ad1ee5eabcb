//! The JSON API `/api/v1`: the same verbs as the pages, for programs with a key.
//!
//! A call passes one guard ([`guard::ROUTES`] says who may make it), is parsed into types, and is carried out in a task
//! of its own, so that a client that hangs up does not cut it in half. Every refusal is a [`problem::Problem`].

pub mod appointments;
pub mod body;
pub mod call;
pub mod deliveries;
mod digest;
mod docs;
pub mod events;
pub mod follow_up;
pub mod guard;
pub mod links;
pub mod lists;
pub mod masking;
pub mod messaging;
pub mod methods;
pub mod money;
pub mod openapi;
pub mod patients;
pub mod payments;
pub mod problem;
pub mod providers;
pub mod receipts;
pub mod refunds;
pub mod reminders;
pub mod reports;
pub mod sending_limits;
pub mod services;
pub mod templates;
pub mod words;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use axum::{Router, middleware};
use remit_app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use guard::ROUTES;

pub use crate::BODY_BYTES_MAX;

/// Every call, with its description.
fn calls() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::info())
        .routes(routes!(patients::list, patients::create))
        .routes(routes!(patients::get, patients::change))
        .routes(routes!(services::list, services::create))
        .routes(routes!(services::get))
        .routes(routes!(services::practitioners, services::add_practitioner))
        .routes(routes!(appointments::list, appointments::create))
        .routes(routes!(appointments::get, appointments::change))
        .routes(routes!(appointments::add_charge))
        .routes(routes!(payments::take))
        .routes(routes!(links::issue))
        .routes(routes!(links::list))
        .routes(routes!(links::get))
        .routes(routes!(links::qr_svg))
        .routes(routes!(links::qr_png))
        .routes(routes!(links::timeline))
        .routes(routes!(deliveries::deliver))
        .routes(routes!(links::cancel))
        .routes(routes!(links::renew))
        .routes(routes!(follow_up::list))
        .routes(routes!(follow_up::mark))
        .routes(routes!(payments::list))
        .routes(routes!(payments::get))
        .routes(routes!(receipts::send))
        .routes(routes!(receipts::list))
        .routes(routes!(receipts::file))
        .routes(routes!(receipts::settings, receipts::change_settings))
        .routes(routes!(digest::get, digest::save))
        .routes(routes!(refunds::request))
        .routes(routes!(refunds::get))
        .routes(routes!(refunds::decide))
        .routes(routes!(refunds::limits, refunds::change_limits))
        .routes(routes!(methods::get, methods::save))
        .routes(routes!(sending_limits::get, sending_limits::save))
        .routes(routes!(templates::list))
        .routes(routes!(templates::get, templates::save))
        .routes(routes!(reminders::get, reminders::save))
        .routes(routes!(reports::online_payments))
        .routes(routes!(providers::get, providers::save))
        .routes(routes!(providers::test))
        .routes(routes!(
            messaging::get_sms,
            messaging::save_sms,
            messaging::disconnect_sms
        ))
        .routes(routes!(messaging::test_sms))
        .routes(routes!(
            messaging::get_email,
            messaging::save_email,
            messaging::disconnect_email
        ))
        .routes(routes!(messaging::test_email))
}

/// The API with its description, to be mounted at `/`.
pub fn router(app: Arc<App>) -> Router {
    let (calls, _) = calls().split_for_parts();
    let guarded = calls.route_layer(middleware::from_fn_with_state(app.clone(), guard::check));
    Router::new()
        .nest("/api/v1", guarded)
        .route("/api/v1/openapi.json", get(description))
        .route("/api/docs", get(docs::page))
        .route(
            "/problems/{kind}",
            get(async || Redirect::to("/api/docs#problems")),
        )
        .route("/api", any(problem::not_found))
        .route("/api/{*rest}", any(problem::not_found))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

/// `GET /api/v1/openapi.json`.
async fn description() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::text())
}
