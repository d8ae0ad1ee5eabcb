//! The staff pages: what a clinic's people see and press. A handler reads a form, calls one verb of the application and
//! answers with a page or with 303; it decides nothing about money.

mod answer;
mod appointments;
mod booking;
mod checkout;
mod clock;
mod desk;
mod diary;
mod digest;
mod doors;
mod findings;
mod follow_up;
mod forms;
mod links;
mod messaging;
mod methods;
mod notifications;
mod once;
mod online_payments;
mod patients;
mod payment;
mod payments;
mod providers;
mod receipts;
mod refunds;
mod reminders;
mod sending_limits;
mod sentences;
mod services;
pub mod session;
mod sign_in;
mod summary;
mod templates;
mod timeline;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Extension, Router};
use remit_app::App;

pub use doors::{Door, doors};
pub use session::SignedIn;

/// Every staff page, each behind the permission that its row of [`doors`] names.
pub fn router(app: Arc<App>, trusted_proxies: &[IpAddr]) -> Router {
    let proxies = session::TrustedProxies(trusted_proxies.into());
    let mut router = Router::new().route(
        "/sign-in",
        get(sign_in::show)
            .post(sign_in::enter)
            .layer(Extension(proxies)),
    );
    for door in doors() {
        let guard = doors::Guard {
            app: app.clone(),
            permission: door.permission,
        };
        let handler = door.handler.layer(from_fn_with_state(guard, doors::admit));
        router = router.route(door.path, handler);
    }
    router.with_state(app)
}
