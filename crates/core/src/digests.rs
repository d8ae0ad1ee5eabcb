//! The daily digest to managers: when it is due, and what it says. Figures only, no names (hazard E1).

use crate::money::Money;

/// When a clinic's digest leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestSettings {
    pub enabled: bool,
    /// The hour of the clinic's day, 0 to 23, from which on it leaves.
    pub hour: i64,
}

impl Default for DigestSettings {
    /// Off.
    fn default() -> Self {
        DigestSettings {
            enabled: false,
            hour: 8,
        }
    }
}

/// Whether today's is due: its hour has come and today's has not been queued. Days are counted in the clinic's zone. A
/// node that was down at that hour makes up for it later in the day.
pub fn is_due(settings: DigestSettings, last_day: i64, today: i64, hour_now: i64) -> bool {
    settings.enabled && last_day < today && hour_now >= settings.hour
}

/// The last day that counts as sent when the settings are saved: whoever turns the digest on after its hour gets the
/// first one tomorrow, and a change of the hour sends none twice.
pub fn last_day_on_saving(hour: i64, last_day: Option<i64>, today: i64, hour_now: i64) -> i64 {
    let passed = if hour_now >= hour { today } else { today - 1 };
    last_day.unwrap_or(passed).max(passed)
}

/// The figures of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    pub collected: Money,
    pub payments: i64,
    pub refunded: Money,
    pub created: i64,
    pub sent: i64,
    pub accessed: i64,
    pub paid: i64,
    /// As they stand now.
    pub open_links: i64,
    pub open_amount: Money,
    pub follow_up: i64,
    pub findings: i64,
}

pub fn subject(clinic: &str, day: &str) -> String {
    format!("{clinic}: online payments on {day}")
}

/// The digest's plain text. `address` leads to the summary.
pub fn text(clinic: &str, day: &str, figures: &Figures, address: &str) -> String {
    let payments = counted(figures.payments, "payment", "payments");
    let links = counted(figures.open_links, "link", "links");
    format!(
        "{clinic}, {day}\n\n\
         Collected online: {} in {payments}\n\
         Given back: {}\n\
         Links made: {}, of which sent {}, opened {}, paid {}\n\n\
         As it stands now\n\
         Open: {links}, {}\n\
         Opened and not paid: {}\n\
         Credits and findings to look at: {}\n\n\
         The day in full: {address}\n\n\
         Managers of {clinic} get this message because it is switched on in Settings, Daily digest.\n",
        figures.collected,
        figures.refunded,
        figures.created,
        figures.sent,
        figures.accessed,
        figures.paid,
        figures.open_amount,
        figures.follow_up,
        figures.findings,
    )
}

fn counted(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_a_day_from_its_hour_on() {
        let on = DigestSettings {
            enabled: true,
            hour: 8,
        };
        for (settings, last, today, hour, due) in [
            (on, 99, 100, 7, false),
            (on, 99, 100, 8, true),
            (on, 99, 100, 23, true), // the node was down at eight
            (on, 100, 100, 9, false),
            (on, 90, 100, 8, true), // one for today, none for the days before
            (
                DigestSettings {
                    enabled: false,
                    ..on
                },
                99,
                100,
                9,
                false,
            ),
        ] {
            assert_eq!(is_due(settings, last, today, hour), due);
        }
    }

    #[test]
    fn switching_on_after_its_hour_waits_for_tomorrow_and_a_change_sends_none_twice() {
        for (hour, last, today, now, counts) in [
            (8, None, 100, 15, 100),
            (8, None, 100, 7, 99),
            (18, Some(100), 100, 9, 100), // today's has left
            (18, Some(90), 100, 9, 99),
            (8, Some(90), 100, 9, 100),
        ] {
            assert_eq!(last_day_on_saving(hour, last, today, now), counts);
        }
    }
}
