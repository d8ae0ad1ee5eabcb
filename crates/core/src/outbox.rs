//! When work that leaves the house is tried again.

use crate::{HOUR_MS, SECOND_MS};

/// The longest wait between two tries.
pub const WAIT_MAX_MS: i64 = HOUR_MS;
/// Tries before a piece of work is given up and shown to staff. With the waits below, half of each ceiling on average:
/// about 27 hours, so that a provider's error which is repeated for its key for a day (hazard A15) is outlived.
pub const TRIES_MAX: i64 = 64;

/// Milliseconds to wait after `tries` failed tries: exponential from 1 s, capped, full jitter (hazard A27), never
/// less than the other side asked for. `random` is any 64 random bits.
pub fn backoff_ms(tries: i64, random: u64, retry_after_ms: Option<i64>) -> i64 {
    let ceiling = (SECOND_MS << tries.clamp(0, 12)).min(WAIT_MAX_MS);
    // The modulus is positive and far below 2^63, so both conversions are exact.
    let jittered = (random % ceiling.unsigned_abs()).cast_signed() + 1;
    jittered.max(retry_after_ms.unwrap_or(0).clamp(0, WAIT_MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn waits_grow_stay_capped_and_respect_the_other_side(tries in 0_i64..100, random: u64, asked in 0_i64..10_000_000) {
            let wait = backoff_ms(tries, random, None);
            proptest::prop_assert!((1..=WAIT_MAX_MS).contains(&wait));
            proptest::prop_assert!(backoff_ms(tries, random, Some(asked)) >= asked.min(WAIT_MAX_MS));
        }
    }
}
