//! Counting caps against guessing, kept over all nodes.

use remit_core::UtcMs;
use remit_store::throttle::Hits;

use crate::{App, Error, Result};

/// A cap: how many in how long.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub what: &'static str,
    pub hits: i64,
    pub window_ms: i64,
}

impl Cap {
    /// Until when the cap is passed, with the hit that is counted in `hits`; `None` while it is not. The window before
    /// counts for as much of itself as still lies within one window's length, so that its turn opens no second helping.
    fn full_until(self, hits: Hits, now: UtcMs) -> Option<UtcMs> {
        let Cap {
            hits: cap,
            window_ms,
            ..
        } = self;
        let start = now - now.rem_euclid(window_ms);
        // The first moment of a window at which at most `room` of the hits before it weigh still.
        let opens = |start: UtcMs, before: i64, room: i64| {
            start + window_ms - (room * window_ms).checked_div(before).unwrap_or(window_ms)
        };
        let room = cap - hits.current;
        if room >= 0 {
            let until = opens(start, hits.before, room);
            return (now < until).then_some(until);
        }
        let next = start + window_ms;
        Some(opens(next, hits.current - 1, cap - 1).max(next))
    }
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
#[crate::boxed]
pub async fn hit(app: &App, cap: Cap, who: &str) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    let now = tx.now().await?;
    let hits = remit_store::throttle::hit(&mut tx, &bucket(cap, who), cap.window_ms, now).await?;
    match cap.full_until(hits, now) {
        None => Ok(tx.commit().await?),
        // What is refused is not counted: it would only put off the end.
        Some(until) => Err(Error::TooMany {
            what: cap.what,
            until,
        }),
    }
}

/// Takes a hit back, because it turned out to be none.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn take_back(app: &App, cap: Cap, who: &str) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    let now = tx.now().await?;
    remit_store::throttle::take_back(&mut tx, &bucket(cap, who), cap.window_ms, now).await?;
    Ok(tx.commit().await?)
}

fn bucket(cap: Cap, who: &str) -> String {
    format!("{}:{who}", cap.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Cap = Cap {
        what: "tries",
        hits: 10,
        window_ms: 1_000,
    };

    /// Tries at these moments; those that were let through.
    fn passed(tries: impl IntoIterator<Item = UtcMs>) -> Vec<UtcMs> {
        let mut counted: Vec<UtcMs> = Vec::new();
        for now in tries {
            let start = now - now.rem_euclid(CAP.window_ms);
            let within = |from: UtcMs| {
                let hits = counted
                    .iter()
                    .filter(|at| (from..from + CAP.window_ms).contains(*at));
                i64::try_from(hits.count()).unwrap_or(i64::MAX)
            };
            let hits = Hits {
                before: within(start - CAP.window_ms),
                current: within(start) + 1,
            };
            if CAP.full_until(hits, now).is_none() {
                counted.push(now);
            }
        }
        counted
    }

    #[test]
    fn the_turn_of_a_window_opens_no_second_helping() {
        let tries = passed((900..1_100).step_by(5));
        assert_eq!(tries.len(), 10, "{tries:?}");
    }

    #[test]
    fn it_opens_again_when_it_said_it_would() {
        for hits in [
            Hits {
                before: 0,
                current: 11,
            },
            Hits {
                before: 10,
                current: 4,
            },
            Hits {
                before: 7,
                current: 6,
            },
            Hits {
                before: 10,
                current: 11,
            },
        ] {
            let now = 50_250;
            let until = CAP.full_until(hits, now).expect("full");
            // What is refused is not counted.
            let counted = hits.current - 1;
            let later = |at: UtcMs| match (at - 50_000) / CAP.window_ms {
                0 => Hits {
                    before: hits.before,
                    current: counted + 1,
                },
                1 => Hits {
                    before: counted,
                    current: 1,
                },
                _ => Hits {
                    before: 0,
                    current: 1,
                },
            };
            assert_eq!(
                CAP.full_until(later(until), until),
                None,
                "{hits:?} {until}"
            );
            let just_before = until - 1;
            assert!(
                CAP.full_until(later(just_before), just_before).is_some(),
                "{hits:?} {until}"
            );
        }
    }
}
