//! Fresh ids: UUIDv7 whose order within a millisecond is the order of making, per process.

use std::sync::Mutex;

use uuid::{Builder, Uuid};

use crate::{Result, StoreError};

/// The last millisecond that made an id, and how many it made.
static LAST: Mutex<(u64, u16)> = Mutex::new((0, 0));

/// A new UUIDv7 for the given time (UTC ms).
///
/// # Errors
/// The operating system gave no random bits.
pub fn uuid(now: i64) -> Result<Uuid> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes)
        .map_err(|_| StoreError::Refused("no random numbers from the system".into()))?;
    let ms = now.max(0).unsigned_abs();
    let counter = {
        let mut last = LAST
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = if last.0 == ms {
            (ms, last.1.wrapping_add(1))
        } else {
            (ms, 0)
        };
        last.1 & 0x0fff
    };
    // rand_a (12 bits) carries the counter, so that ids of one millisecond sort as they were made (RFC 9562, 6.2).
    bytes[0] = (counter >> 8) as u8;
    bytes[1] = (counter & 0xff) as u8;
    Ok(Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_of_one_moment_sort_as_they_were_made() {
        let made: Vec<_> = (0..1000)
            .map(|_| super::uuid(1_764_000_000_000).unwrap())
            .collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
