//! Torture of the real binary. `REMIT_ROUNDS` (default 50) and `REMIT_SEED` replay and prolong it.

#[path = "../http/server.rs"]
#[allow(dead_code, reason = "the flow tests use the rest")]
mod server;

mod clients;
mod kill9;
