//! What a user of the memory relies on, on both engines. PostgreSQL needs `REMIT_TEST_POSTGRES_URL` (see `scripts/pg`).

#[macro_use]
mod harness;
mod chains;
mod constraints;
mod desk;
mod lists;
mod migrations;
mod movements;
mod providers;
mod queues;
mod reports;
mod size;
mod statements;
mod tallies;
mod transactions;
