//! The memory of Remit: SQLite for one machine, PostgreSQL for many nodes, behind one API.
//!
//! Only [`Tx`] and [`Store`] know the engine. Every statement is one text, listed per file in `ALL` and prepared on
//! both engines by a test. The clinic comes from the transaction, never from a caller's argument (hazard D3).

#[macro_use]
mod engine;
#[macro_use]
mod row;
pub mod account;
pub mod api_keys;
pub mod appointments;
pub mod attempts;
pub mod audit;
pub mod backup;
pub mod bounces;
pub mod branding;
pub mod check;
pub mod clinics;
mod connections;
pub mod credits;
pub mod deliveries;
pub mod digests;
pub mod disputes;
pub mod error;
pub mod events;
pub mod findings;
pub mod follow_up;
pub mod fresh;
pub mod idempotency;
pub mod inbox;
pub mod installation;
pub mod links;
pub mod messaging;
pub mod methods;
pub mod migrate;
pub mod movements;
pub mod notifications;
pub mod outbox;
pub mod patients;
pub mod payments;
pub mod practitioners;
pub mod providers;
pub mod receipts;
pub mod refunds;
pub mod reminders;
pub mod reports;
pub mod sandbox;
pub mod sending_limits;
pub mod services;
pub mod staff;
pub mod templates;
pub mod throttle;
pub mod tray;

pub use engine::{Notice, Sql, Store, Tx, prepare, sqlite_is_sound};
pub use error::{Result, StoreError};

/// Every statement of the crate with its name, for the test that prepares them all on both engines.
pub fn statements() -> Vec<(&'static str, Sql)> {
    [
        account::ALL,
        api_keys::ALL,
        appointments::ALL,
        attempts::ALL,
        audit::ALL,
        bounces::ALL,
        branding::ALL,
        check::ALL,
        clinics::ALL,
        credits::ALL,
        deliveries::ALL,
        digests::ALL,
        disputes::ALL,
        engine::ALL,
        events::ALL,
        findings::ALL,
        follow_up::ALL,
        idempotency::ALL,
        inbox::ALL,
        installation::ALL,
        links::ALL,
        links::list::ALL,
        links::tallies::ALL,
        messaging::ALL,
        methods::ALL,
        migrate::ALL,
        movements::ALL,
        notifications::ALL,
        outbox::ALL,
        patients::ALL,
        payments::ALL,
        practitioners::ALL,
        providers::ALL,
        receipts::ALL,
        refunds::ALL,
        reminders::ALL,
        reports::ALL,
        sandbox::ALL,
        sending_limits::ALL,
        services::ALL,
        staff::ALL,
        templates::ALL,
        throttle::ALL,
        tray::ALL,
    ]
    .concat()
}
