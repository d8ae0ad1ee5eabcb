//! Counting caps against guessing, kept over all nodes.

use crate::{App, Error, Result};

/// A cap: how many in how long.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub what: &'static str,
    pub hits: i64,
    pub window_ms: i64,
}

/// Sign-in tries per address, and per network address. Not a lock-out: the window passes (hazard D10).
pub const SIGN_IN_ACCOUNT: Cap = Cap {
    what: "sign-in",
    hits: 10,
    window_ms: 15 * remit_core::MINUTE_MS,
};
pub const SIGN_IN_PEER: Cap = Cap {
    what: "sign-in",
    hits: 60,
    window_ms: 15 * remit_core::MINUTE_MS,
};
/// Counts a hit against a cap.
///
/// # Errors
/// [`Error::TooMany`] once the cap is passed; or the store's.
pub async fn hit(app: &App, cap: Cap, who: &str) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    let now = tx.now().await?;
    let hits = remit_store::throttle::hit(&mut tx, &bucket(cap, who), cap.window_ms, now).await?;
    tx.commit().await?;
    if hits > cap.hits {
        Err(too_many(cap, now))
    } else {
        Ok(())
    }
}

/// Takes a hit back, because it turned out to be none.
///
/// # Errors
/// The store's.
pub async fn take_back(app: &App, cap: Cap, who: &str) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    let now = tx.now().await?;
    remit_store::throttle::take_back(&mut tx, &bucket(cap, who), cap.window_ms, now).await?;
    Ok(tx.commit().await?)
}

fn bucket(cap: Cap, who: &str) -> String {
    format!("{}:{who}", cap.what)
}

fn too_many(cap: Cap, now: i64) -> Error {
    Error::TooMany {
        what: cap.what,
        until: now - now.rem_euclid(cap.window_ms) + cap.window_ms,
    }
}
