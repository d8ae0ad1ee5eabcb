//! The JSON API from outside, as a program of a clinic meets it.

mod bad_input;
mod clinics;
mod closing;
mod contract;
mod desk;
mod follow_up;
mod harness;
mod idempotency;
mod journey;
mod lists;
mod messaging;
mod patients;
mod providers;
mod reports;
mod routes;
mod sending;
mod templates;
