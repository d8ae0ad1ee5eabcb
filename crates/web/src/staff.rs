//! The staff pages: what a clinic's people see and press. A handler reads a form, calls one verb of the application and
//! answers with a page or with 303; it decides nothing about money.

mod account;
mod answer;
mod api_keys;
mod appointments;
mod audit;
mod booking;
mod checkout;
mod clinic;
mod clock;
mod desk;
mod device;
mod diary;
mod digest;
mod doors;
mod ending;
mod exports;
mod find;
mod findings;
mod follow_up;
mod forms;
mod link_panel;
mod link_rows;
mod links;
mod merging;
mod messaging;
mod methods;
mod new_link;
mod new_patient;
mod notifications;
mod once;
mod online_payments;
mod patients;
mod payment;
mod payments;
mod people;
mod practitioners;
mod providers;
mod receipts;
mod refunds;
mod reminders;
mod reschedule;
mod selection;
mod sending_limits;
mod sentences;
mod services;
pub mod session;
mod set_password;
mod shortcuts;
mod sign_in;
mod summary;
mod templates;
mod timeline;
mod tries;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Extension, Router};
use remit_app::App;

pub(crate) use answer::page;
pub use doors::{Door, doors};
pub(crate) use links::code as link_code;
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
    router = router.route(
        "/set-password/{secret}",
        get(set_password::show).post(set_password::save),
    );
    for door in doors() {
        let guard = doors::Guard {
            app: app.clone(),
            permission: door.permission,
        };
        let guarded = from_fn_with_state(guard, doors::admit);
        router = router.route(door.path, door.handler().layer(guarded));
    }
    router.with_state(app)
}
