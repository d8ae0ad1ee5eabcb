//! S12 of the hazards: 48 hours are elapsed time, judged to the millisecond at the moment of use (hazards B4, B5, B7).
//! `REMIT_TIME_CASES` says how often.

use super::*;
use crate::account::Refusal;
use crate::attempts::session_expiry;
use crate::links::{Purpose, issue, tick};
use crate::{DAY_MS, MINUTE_MS, UtcMs};

/// From 1970 to 2286: whatever a clock may say.
const MOMENTS: std::ops::Range<UtcMs> = 0..10_000_000_000_000;

fn issued_at(now: UtcMs) -> Link {
    let purpose = Purpose::Balance;
    let decision = issue(&standing(0, 4500), id(11), TokenHash([1; 32]), purpose, now).unwrap();
    let issued = decision.events.into_iter().find_map(|event| match event {
        Event::LinkIssued(link) => Some(link),
        _ => None,
    });
    issued.expect("a link")
}

proptest::proptest! {
    #![proptest_config(cases("REMIT_TIME_CASES", 10_000))]

    #[test]
    fn a_link_lives_48_hours_from_any_moment(now in MOMENTS, early in 1..=LIFETIME_MS, late in 0..400 * DAY_MS) {
        let link = issued_at(now);
        let end = now + 172_800_000;
        proptest::prop_assert_eq!(link.expires_at, end);
        // Whether or not a sweep came by: a sweep before the end changes nothing, one after it says what is so.
        proptest::prop_assert_eq!(link.usable(end - early), Ok(()));
        proptest::prop_assert!(tick(&link, end - early).events.is_empty());
        proptest::prop_assert_eq!(link.usable(end + late), Err(Refusal::LinkExpired));
        proptest::prop_assert_eq!(link.shown(end + late), LinkState::Expired);
        proptest::prop_assert_eq!(tick(&link, end + late).events.len(), 1);
    }

    #[test]
    fn a_session_fits_its_provider_and_outlives_its_link_only_by_the_least(
        now in MOMENTS, left in 1..=LIFETIME_MS, min in 1..60 * MINUTE_MS, more in 0..2 * DAY_MS,
    ) {
        let (link_end, max) = (now + left, min + more);
        let end = session_expiry(link_end, min, max, now);
        proptest::prop_assert!((now + min..=now + max).contains(&end));
        proptest::prop_assert!(end <= link_end || end == now + min);
    }
}
