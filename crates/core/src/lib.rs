//! The rules of Remit: money, appointments, links, attempts, ledger.
//!
//! Pure functions over plain data: `decide(state, command, now) -> events + effects`. This crate performs no I/O,
//! reads no clock, draws no random number and knows no async; whatever it needs is an argument.

pub mod account;
pub mod appointments;
pub mod attempts;
pub mod branding;
pub mod clinic;
pub mod contact;
mod currencies;
pub mod deliveries;
pub mod digests;
pub mod disputes;
pub mod faults;
pub mod ids;
pub mod languages;
pub mod ledger;
pub mod links;
pub mod messages;
pub mod methods;
pub mod money;
pub mod movements;
pub mod outbox;
pub mod payments;
pub mod practitioners;
pub mod receipts;
pub mod refunds;
pub mod reminders;
pub mod reports;
pub mod roles;
pub mod sending_limits;
pub mod staff;
pub mod templates;
pub mod token;

#[cfg(test)]
mod tests;

/// Milliseconds since 1970-01-01T00:00:00Z. Zones exist only where a person reads (hazard B5).
pub type UtcMs = i64;

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;
