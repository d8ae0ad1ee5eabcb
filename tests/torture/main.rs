//! Torture of the real binary. `REMIT_ROUNDS` (default 50) and `REMIT_SEED` replay and prolong it.

#[path = "../http/server.rs"]
mod server;

mod clients;
mod kill9;
