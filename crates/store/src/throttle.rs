//! Counting caps that hold over all nodes. Hits are kept by fixed windows; the cap weighs this one and the one before.

use remit_core::UtcMs;

use crate::{Result, Tx};

statements! {
    HIT = ["INSERT INTO throttle (bucket, window_start, hits) VALUES ($1, $2, 1)
        ON CONFLICT (bucket, window_start) DO UPDATE SET hits = throttle.hits + 1 RETURNING hits"];
    BEFORE = ["SELECT hits FROM throttle WHERE bucket = $1 AND window_start = $2"];
    TAKE_BACK = ["UPDATE throttle SET hits = hits - 1 WHERE bucket = $1 AND window_start = $2 AND hits > 0"];
    SWEEP = ["DELETE FROM throttle WHERE window_start < $1"];
}

/// What a bucket has: hits of the window before, and of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hits {
    pub before: i64,
    pub current: i64,
}

/// Counts one hit; answers how many there are with it. It locks the bucket's window until the transaction ends.
///
/// # Errors
/// The engine's own.
pub async fn hit(tx: &mut Tx, bucket: &str, window_ms: i64, now: UtcMs) -> Result<Hits> {
    let start = now - now.rem_euclid(window_ms);
    let current = opt!(tx, (i64,), HIT, bucket.to_owned(), start)?;
    let before = opt!(tx, (i64,), BEFORE, bucket.to_owned(), start - window_ms)?;
    let hits = |row: Option<(i64,)>| row.map_or(0, |(hits,)| hits);
    Ok(Hits {
        before: hits(before),
        current: hits(current),
    })
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
