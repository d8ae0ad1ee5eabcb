//! How much may be sent in a day: to one address, by one person, by a clinic and for how much money, and from the whole
//! installation; and to which countries. Whoever takes over a sign-in must not be able to send texts without end, which
//! the clinic would pay for (hazard D13).

use crate::UtcMs;
use crate::deliveries::Channel;
use crate::money::{Currency, MINOR_MAX, Money};

/// The largest figures that make sense as limits.
pub const PER_NUMBER_MAX: i64 = 50;
pub const PER_ADDRESS_MAX: i64 = 200;
pub const PER_STAFF_MAX: i64 = 10_000;
pub const PER_CLINIC_MAX: i64 = 100_000;
/// Minor units that one segment of a text may be said to cost.
pub const SEGMENT_COST_MAX: i64 = 1_000;
pub const COUNTRIES_MAX: usize = 40;
/// Messages of the whole installation in a day (UTC) unless its operator decides otherwise.
pub const INSTALLATION_A_DAY: i64 = 10_000;

/// What a clinic allows in one day, which is a calendar day in its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingLimits {
    /// Texts to one number.
    pub per_number: i64,
    /// Emails to one address.
    pub per_address: i64,
    /// Messages sent by one person or one program.
    pub per_staff: i64,
    /// Messages of the whole clinic.
    pub per_clinic: i64,
    /// What all texts together may cost, in minor units of the clinic's currency.
    pub money: i64,
    /// What one segment of a text costs, in the same units: what the clinic's provider asks for it.
    pub segment_cost: i64,
    /// Countries (ISO 3166 alpha-2) whose mobile numbers may be texted; empty: the clinic's own.
    pub countries: Vec<String>,
}

impl Default for SendingLimits {
    /// Three texts to one number (hazard D13), 500 texts of one segment in all.
    fn default() -> SendingLimits {
        SendingLimits {
            per_number: 3,
            per_address: 10,
            per_staff: 200,
            per_clinic: 500,
            money: 2_000,
            segment_cost: 4,
            countries: vec![],
        }
    }
}

impl SendingLimits {
    /// Whether a number of this country may be texted from a clinic in `own`. A number of no country may not.
    pub fn may_text(&self, country: Option<&str>, own: &str) -> bool {
        let Some(country) = country else {
            return false;
        };
        if self.countries.is_empty() {
            country == own
        } else {
            self.countries.iter().any(|allowed| allowed == country)
        }
    }

    /// What a message costs: minor units, texts only.
    pub fn cost(&self, channel: Channel, segments: usize) -> i64 {
        match channel {
            Channel::Sms => {
                let segments = i64::try_from(segments).unwrap_or(i64::MAX);
                segments.saturating_mul(self.segment_cost).min(MINOR_MAX)
            }
            Channel::Email | Channel::Qr | Channel::Copy => 0,
        }
    }

    /// Whether these limits can be kept.
    ///
    /// # Errors
    /// The field and the sentence for the person who typed it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let fields = [
            ("per_number", self.per_number, 1, PER_NUMBER_MAX),
            ("per_address", self.per_address, 1, PER_ADDRESS_MAX),
            ("per_staff", self.per_staff, 1, PER_STAFF_MAX),
            ("per_clinic", self.per_clinic, 1, PER_CLINIC_MAX),
        ];
        for (name, value, least, most) in fields {
            if !(least..=most).contains(&value) {
                return Err((name, format!("Enter a number from {least} to {most}.")));
            }
        }
        if !(0..=MINOR_MAX).contains(&self.money) {
            return Err(("money", "Enter an amount of zero or more.".into()));
        }
        if !(0..=SEGMENT_COST_MAX).contains(&self.segment_cost) {
            let message =
                "Enter what one part of a text costs, zero or more, at most ten of the currency.";
            return Err(("segment_cost", message.into()));
        }
        if self.countries.len() > COUNTRIES_MAX {
            let message = format!("Name at most {COUNTRIES_MAX} countries.");
            return Err(("countries", message));
        }
        match self
            .countries
            .iter()
            .find(|code| !crate::contact::is_country(code))
        {
            Some(unknown) => Err((
                "countries",
                format!("{unknown:?} is no country. Use codes of two letters, such as GB or IE."),
            )),
            None => Ok(()),
        }
    }
}

/// What was sent in the present day, the message in question included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// To this number or address.
    pub to_address: i64,
    /// By this person or program; none for what Remit sends by itself.
    pub by_staff: Option<i64>,
    pub by_clinic: i64,
    /// Minor units.
    pub spent: i64,
    pub by_installation: i64,
}

/// Which cap a message would pass, and what that cap allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    Number { most: i64 },
    Address { most: i64 },
    Staff { most: i64 },
    Clinic { most: i64 },
    Money { most: Money },
    Installation,
}

/// A message that may not be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sending limit is reached")]
pub struct Capped {
    pub cap: Cap,
    pub until: UtcMs,
}

/// When the present day ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayEnds {
    /// In the clinic's zone.
    pub clinic: UtcMs,
    /// UTC, by which the installation counts.
    pub installation: UtcMs,
}

/// Decides whether a message that was just counted may go. Of several caps the one that holds longest is told, so that
/// what is said of the time is true.
///
/// # Errors
/// The cap and until when it holds.
pub fn allow(
    limits: &SendingLimits,
    currency: Currency,
    installation_a_day: i64,
    channel: Channel,
    counted: &Counted,
    ends: DayEnds,
) -> Result<(), Capped> {
    let (to_one, most_to_one) = match channel {
        Channel::Email => (
            Cap::Address {
                most: limits.per_address,
            },
            limits.per_address,
        ),
        Channel::Sms | Channel::Qr | Channel::Copy => (
            Cap::Number {
                most: limits.per_number,
            },
            limits.per_number,
        ),
    };
    let money = Cap::Money {
        most: Money::new(limits.money, currency),
    };
    let texts = channel == Channel::Sms;
    let caps = [
        (counted.to_address > most_to_one, to_one, ends.clinic),
        (
            counted.by_staff.is_some_and(|sent| sent > limits.per_staff),
            Cap::Staff {
                most: limits.per_staff,
            },
            ends.clinic,
        ),
        (
            counted.by_clinic > limits.per_clinic,
            Cap::Clinic {
                most: limits.per_clinic,
            },
            ends.clinic,
        ),
        (texts && counted.spent > limits.money, money, ends.clinic),
        (
            counted.by_installation > installation_a_day,
            Cap::Installation,
            ends.installation,
        ),
    ];
    let passed = caps
        .into_iter()
        .filter_map(|(is_passed, cap, until)| is_passed.then_some(Capped { cap, until }));
    // Among equals the first, which is the narrowest.
    match passed.reduce(|told, next| if next.until > told.until { next } else { told }) {
        Some(capped) => Err(capped),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENDS: DayEnds = DayEnds {
        clinic: 1_000,
        installation: 2_000,
    };

    fn judged(channel: Channel, counted: Counted) -> Result<(), Capped> {
        let limits = SendingLimits::default();
        allow(&limits, Currency::GBP, 1_000, channel, &counted, ENDS)
    }

    /// The hundredth of everything: under every cap but the ones that are named.
    fn counted(to_address: i64) -> Counted {
        Counted {
            to_address,
            by_staff: Some(100),
            by_clinic: 100,
            spent: 400,
            by_installation: 100,
        }
    }

    #[test]
    fn three_texts_reach_a_number_and_the_fourth_waits_for_tomorrow() {
        assert_eq!(judged(Channel::Sms, counted(3)), Ok(()));
        let capped = Capped {
            cap: Cap::Number { most: 3 },
            until: 1_000,
        };
        assert_eq!(judged(Channel::Sms, counted(4)), Err(capped));
        assert_eq!(judged(Channel::Email, counted(4)), Ok(()));
        let capped = Capped {
            cap: Cap::Address { most: 10 },
            until: 1_000,
        };
        assert_eq!(judged(Channel::Email, counted(11)), Err(capped));
    }

    #[test]
    fn each_cap_stands_by_itself_and_the_longest_is_told() {
        let one = counted(1);
        let caps = [
            (
                Counted {
                    by_staff: Some(201),
                    ..one
                },
                Cap::Staff { most: 200 },
                1_000,
            ),
            (
                Counted {
                    by_clinic: 501,
                    ..one
                },
                Cap::Clinic { most: 500 },
                1_000,
            ),
            (
                Counted {
                    spent: 2_001,
                    ..one
                },
                Cap::Money {
                    most: Money::gbp(2_000),
                },
                1_000,
            ),
            (
                Counted {
                    by_installation: 1_001,
                    ..one
                },
                Cap::Installation,
                2_000,
            ),
            (
                Counted {
                    by_clinic: 501,
                    by_installation: 1_001,
                    ..one
                },
                Cap::Installation,
                2_000,
            ),
        ];
        for (counted, cap, until) in caps {
            assert_eq!(judged(Channel::Sms, counted), Err(Capped { cap, until }));
        }
        // Emails cost nothing, and what Remit sends by itself counts for nobody.
        assert_eq!(
            judged(
                Channel::Email,
                Counted {
                    spent: 2_001,
                    ..one
                }
            ),
            Ok(())
        );
        assert_eq!(
            judged(
                Channel::Sms,
                Counted {
                    by_staff: None,
                    ..one
                }
            ),
            Ok(())
        );
    }

    #[test]
    fn texts_stay_in_the_clinics_country_unless_others_are_named() {
        let mut limits = SendingLimits::default();
        assert!(limits.may_text(Some("GB"), "GB") && !limits.may_text(Some("FR"), "GB"));
        assert!(!limits.may_text(None, "GB"), "a satellite phone");
        limits.countries = vec!["IE".into()];
        assert!(limits.may_text(Some("IE"), "GB") && !limits.may_text(Some("GB"), "GB"));
        assert_eq!(limits.check(), Ok(()));
        limits.countries.push("XX".into());
        assert!(matches!(limits.check(), Err(("countries", _))));
    }

    proptest! {
        /// Whatever is sent by whomever to whomever, in whatever order: no cap is ever passed, and nothing is refused
        /// that every cap allows.
        #[test]
        fn no_order_of_messages_passes_a_cap(
            sends in proptest::collection::vec((0_usize..4, 0_usize..3, 1_usize..4, any::<bool>()), 0..200),
        ) {
            let limits = SendingLimits { per_staff: 20, per_clinic: 40, money: 200, ..SendingLimits::default() };
            let (mut to, mut by, mut all, mut spent) = ([[0; 2]; 4], [0; 3], 0, 0);
            for (address, staff, segments, text) in sends {
                let channel = if text { Channel::Sms } else { Channel::Email };
                let cost = limits.cost(channel, segments);
                let kind = usize::from(text);
                let counted = Counted {
                    to_address: to[address][kind] + 1, by_staff: Some(by[staff] + 1), by_clinic: all + 1,
                    spent: spent + cost, by_installation: all + 1,
                };
                let most = if text { limits.per_number } else { limits.per_address };
                let fits = counted.to_address <= most && by[staff] < 20 && all < 40
                    && (!text || spent + cost <= 200);
                let allowed = allow(&limits, Currency::GBP, 1_000, channel, &counted, ENDS);
                prop_assert_eq!(allowed.is_ok(), fits);
                if allowed.is_ok() {
                    (to[address][kind], by[staff]) = (to[address][kind] + 1, by[staff] + 1);
                    (all, spent) = (all + 1, spent + cost);
                }
            }
            prop_assert!(to.iter().all(|[email, text]| *text <= 3 && *email <= 10));
            prop_assert!(by.iter().all(|sent| *sent <= 20) && all <= 40 && spent <= 200);
        }
    }
}
