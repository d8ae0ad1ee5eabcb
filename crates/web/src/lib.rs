//! The doors: staff pages, patient pages, JSON API, provider webhooks; templates and assets.

pub mod api;
pub mod assets;
pub mod cookies;
pub mod demo;
pub mod health;
pub mod hooks;
pub mod live;
pub mod pages;
pub mod patient;
pub mod peer;
mod receipts;
pub mod security;
pub mod staff;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use remit_app::App;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

/// The largest form or JSON body (hazard C10).
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the binary tells the doors.
#[derive(Clone)]
pub struct Options {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Renders the metrics in Prometheus' text form.
    pub metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// Turns true when the process ends, so that open streams let go.
    pub stop: watch::Receiver<bool>,
}

/// What every handler of this crate may use.
#[derive(Clone)]
pub struct Web {
    pub app: Arc<App>,
    pub options: Options,
    pub(crate) misses: Arc<peer::Limiter>,
}

/// All doors of an installation.
pub fn router(app: Arc<App>, options: Options) -> Router {
    let staff = staff::router(app.clone(), &options.trusted_proxies);
    let web = Web {
        app: app.clone(),
        options,
        misses: Arc::default(),
    };
    let mut doors = Router::new()
        .merge(patient::routes())
        .merge(live::routes())
        .merge(health::routes())
        .route("/assets/{file}", get(assets::serve));
    if app.config.demo {
        doors = doors.merge(demo::routes());
    }
    let doors = doors
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .merge(hooks::routes())
        .with_state(web.clone())
        .merge(api::router(app.clone()))
        .merge(staff);
    let mut all = doors;
    if let Some(company) = app.company() {
        all = all.nest("/sandbox", remit_app::sandbox::routes(company));
    }
    all.layer(axum::middleware::from_fn_with_state(web, security::guard))
        .layer(CatchPanicLayer::new())
}
