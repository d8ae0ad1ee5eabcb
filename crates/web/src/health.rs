//! Is the process alive, can it serve, and how is it doing.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::Web;

pub fn routes() -> Router<Web> {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"))
}

/// Ready means: the database answers and its schema is this release's.
async fn ready(State(web): State<Web>) -> Response {
    match remit_app::worker::is_ready(&web.app).await {
        Ok(true) => "ready\n".into_response(),
        Ok(false) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the schema is not current; run `remit migrate`\n",
        )
            .into_response(),
        Err(error) => {
            tracing::warn!("not ready: {error}");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database cannot be reached\n",
            )
                .into_response()
        }
    }
}

async fn metrics(State(web): State<Web>) -> Response {
    match &web.options.metrics {
        Some(render) => (
            [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
            render(),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
