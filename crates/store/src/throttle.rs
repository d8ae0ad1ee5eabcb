//! Counting caps that hold over all nodes, in fixed windows.

use remit_core::UtcMs;

use crate::{Result, Tx};

statements! {
    HIT = ["INSERT INTO throttle (bucket, window_start, hits) VALUES ($1, $2, 1)
        ON CONFLICT (bucket, window_start) DO UPDATE SET hits = throttle.hits + 1 RETURNING hits"];
    TAKE_BACK = ["UPDATE throttle SET hits = hits - 1 WHERE bucket = $1 AND window_start = $2 AND hits > 0"];
    SWEEP = ["DELETE FROM throttle WHERE window_start < $1"];
}

/// Counts one hit; answers how many the window has now.
///
/// # Errors
/// The engine's own.
pub async fn hit(tx: &mut Tx, bucket: &str, window_ms: i64, now: UtcMs) -> Result<i64> {
    let start = now - now.rem_euclid(window_ms);
    Ok(opt!(tx, (i64,), HIT, bucket.to_owned(), start)?.map_or(0, |(hits,)| hits))
}

/// Takes one hit of the present window back.
///
/// # Errors
/// The engine's own.
pub async fn take_back(tx: &mut Tx, bucket: &str, window_ms: i64, now: UtcMs) -> Result<()> {
    let start = now - now.rem_euclid(window_ms);
    exec!(tx, TAKE_BACK, bucket.to_owned(), start).map(drop)
}

/// Forgets old windows.
///
/// # Errors
/// The engine's own.
pub async fn sweep(tx: &mut Tx, before: UtcMs) -> Result<u64> {
    exec!(tx, SWEEP, before)
}
