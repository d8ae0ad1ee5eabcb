//! Reminders: when a link that was sent and not paid brings a message by itself. At most two a link, each kind once,
//! never in the quiet hours, never once the link has ended or while somebody is paying.

use crate::account::Standing;
use crate::faults::{Fault, planted};
use crate::links::{Link, LinkState};
use crate::{HOUR_MS, MINUTE_MS, UtcMs};

/// Automatic messages a link may bring. The schema says the same (`delivery.automatic`).
pub const AUTOMATIC_MAX: usize = 2;
/// Milliseconds between a message, whoever sent it, and an automatic one.
pub const GAP_MS: i64 = 4 * HOUR_MS;
/// What is left of a link's life when it is still worth a message.
pub const LEAST_LEFT_MS: i64 = 30 * MINUTE_MS;
/// While somebody is paying nothing is sent; looked at again after this.
pub const PAYING_WAIT_MS: i64 = 30 * MINUTE_MS;
/// The hours that a clinic may choose from: a link lives 48.
pub const HOURS_MIN: i64 = 1;
pub const HOURS_MAX: i64 = 47;
const DAY_MINUTES: i64 = 24 * 60;

/// What a clinic wants to be sent by itself. All `None`: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderSettings {
    /// Milliseconds after the latest message, while nobody has opened the link.
    pub unopened_after_ms: Option<i64>,
    /// Milliseconds after the link was accessed, while it is not paid.
    pub unpaid_after_ms: Option<i64>,
    /// Milliseconds before the link ends.
    pub before_expiry_ms: Option<i64>,
    pub quiet: QuietHours,
}

impl Default for ReminderSettings {
    /// Off; quiet from eight in the evening to nine in the morning once it is on.
    fn default() -> ReminderSettings {
        ReminderSettings {
            unopened_after_ms: None,
            unpaid_after_ms: None,
            before_expiry_ms: None,
            quiet: QuietHours {
                from_minute: 20 * 60,
                to_minute: 9 * 60,
            },
        }
    }
}

/// When no automatic message leaves, by the wall clock in the clinic's zone: minutes of the day, the first included,
/// the second not. Over midnight when `from` is the later one; none when they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    pub from_minute: i64,
    pub to_minute: i64,
}

impl QuietHours {
    /// Whether a minute of the day is quiet.
    pub fn holds(self, minute: i64) -> bool {
        let QuietHours {
            from_minute: from,
            to_minute: to,
        } = self;
        if from <= to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

impl ReminderSettings {
    pub fn is_off(&self) -> bool {
        self.unopened_after_ms.is_none()
            && self.unpaid_after_ms.is_none()
            && self.before_expiry_ms.is_none()
    }

    /// Whether these settings can be kept.
    ///
    /// # Errors
    /// The field and the sentence for the person who typed it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let hours = [
            ("unopened_after_hours", self.unopened_after_ms),
            ("unpaid_after_hours", self.unpaid_after_ms),
            ("before_expiry_hours", self.before_expiry_ms),
        ];
        let range = HOURS_MIN * HOUR_MS..=HOURS_MAX * HOUR_MS;
        for (name, ms) in hours {
            if ms.is_some_and(|ms| !range.contains(&ms)) {
                let message = format!("Enter {HOURS_MIN} to {HOURS_MAX} hours: a link lives 48.");
                return Err((name, message));
            }
        }
        let quiet = [
            ("quiet_from", self.quiet.from_minute),
            ("quiet_to", self.quiet.to_minute),
        ];
        for (name, minute) in quiet {
            if !(0..DAY_MINUTES).contains(&minute) {
                return Err((name, "Enter a time of the day like 20:00.".into()));
            }
        }
        Ok(())
    }
}

/// Why a message leaves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody has opened the link.
    Unopened,
    /// Somebody has, and it is not paid.
    Unpaid,
    /// It ends soon.
    Expiring,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Unopened, Kind::Unpaid, Kind::Expiring];
}

/// How far a link has come, as it stands under its appointment's lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub state: LinkState,
    pub expires_at: UtcMs,
    pub accessed_at: Option<UtcMs>,
    /// The latest message that did not fail, by SMS or email, whoever sent it. A link that was only shown or copied has
    /// none, and brings no message by itself: nobody said where to.
    pub messaged_at: Option<UtcMs>,
    /// What left by itself so far.
    pub sent: Vec<Kind>,
    /// Something of it is still due.
    pub owed: bool,
    /// Money came through it, if only in part or in another amount than was asked for: staff look at that, and the patient
    /// hears nothing more by itself.
    pub paid: bool,
    /// A payment is under way.
    pub paying: bool,
}

/// The next automatic message of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    pub kind: Kind,
    pub due_at: UtcMs,
}

impl Progress {
    /// A link right after it was sent, or opened, at `now`, with nothing sent by itself that would put the next message
    /// off: what [`next`] answers for it is when to look at it again at the earliest. Looking early is harmless.
    pub fn lately(link: &Link, opened: bool, now: UtcMs) -> Progress {
        let accessed = opened || link.state == LinkState::Accessed;
        Progress {
            state: if accessed {
                LinkState::Accessed
            } else {
                LinkState::Sent
            },
            expires_at: link.expires_at,
            accessed_at: accessed.then_some(if opened { now } else { link.created_at }),
            messaged_at: Some(if opened { now - GAP_MS } else { now }),
            sent: vec![],
            owed: true,
            paid: false,
            paying: false,
        }
    }
}

/// A span of quiet hours: its first moment, and the first one after it.
pub type Quiet = (UtcMs, UtcMs);

/// When the next message leaves by itself, if any; `due_at <= now` means now. `quiet` answers with the quiet hours that
/// a moment lies in: the zone is the caller's, so that changes of the clocks are right (hazard B5).
pub fn next(
    settings: &ReminderSettings,
    progress: &Progress,
    now: UtcMs,
    quiet: impl Fn(UtcMs) -> Option<Quiet>,
) -> Option<Planned> {
    let ended =
        !progress.state.is_open() || now >= progress.expires_at || !progress.owed || progress.paid;
    let sent_enough = progress.sent.len() >= AUTOMATIC_MAX && !planted(Fault::RemindersUnbounded);
    if (ended && !planted(Fault::ReminderAfterEnd)) || sent_enough {
        return None;
    }
    let messaged_at = progress.messaged_at?;
    let wanted = [
        (Kind::Unopened, unopened(settings, progress, messaged_at)),
        (Kind::Unpaid, unpaid(settings, progress)),
        (
            Kind::Expiring,
            settings.before_expiry_ms.map(|ms| progress.expires_at - ms),
        ),
    ];
    let mut earliest = now.max(messaged_at + GAP_MS);
    if progress.paying {
        earliest = earliest.max(now + PAYING_WAIT_MS);
    }
    wanted
        .into_iter()
        .filter(|(kind, _)| !progress.sent.contains(kind) || planted(Fault::RemindersUnbounded))
        .filter_map(|(kind, wanted)| Some((kind, wanted?)))
        .filter_map(|(kind, wanted)| {
            let latest = progress.expires_at - LEAST_LEFT_MS;
            let due_at = loud(kind, wanted.max(earliest), earliest, latest, &quiet)?;
            Some(Planned { kind, due_at })
        })
        .min_by_key(|planned| planned.due_at)
}

fn unopened(settings: &ReminderSettings, progress: &Progress, messaged_at: UtcMs) -> Option<UtcMs> {
    (progress.state != LinkState::Accessed)
        .then_some(settings.unopened_after_ms)
        .flatten()
        .map(|ms| messaged_at + ms)
}

fn unpaid(settings: &ReminderSettings, progress: &Progress) -> Option<UtcMs> {
    let accessed_at = progress.accessed_at?;
    (progress.state == LinkState::Accessed)
        .then_some(settings.unpaid_after_ms)
        .flatten()
        .map(|ms| accessed_at + ms)
}

/// The first moment from `at` on that is not quiet. A word that the link ends comes before the quiet hours instead, so
/// that as much time is left as the clinic wants.
fn loud(
    kind: Kind,
    at: UtcMs,
    earliest: UtcMs,
    latest: UtcMs,
    quiet: &impl Fn(UtcMs) -> Option<Quiet>,
) -> Option<UtcMs> {
    let Some((begins, ends)) = quiet(at) else {
        return (at <= latest).then_some(at);
    };
    let before = begins - MINUTE_MS;
    if kind == Kind::Expiring && before >= earliest && quiet(before).is_none() {
        return Some(before);
    }
    (ends <= latest && quiet(ends).is_none()).then_some(ends)
}

/// Whether a message that is about to leave by itself may still do so: the link can be paid, something is due, nothing was
/// `paid` through it, and nobody is paying. Asked under the appointment's lock, right before the channel is called.
pub fn still_wanted(standing: &Standing, link: &Link, paid: bool, now: UtcMs) -> bool {
    if planted(Fault::ReminderAfterEnd) {
        return true;
    }
    !paid
        && link.usable(now).is_ok()
        && !link.payable(standing.balance.due()).is_zero()
        && standing.live.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_MS: i64 = crate::DAY_MS;

    fn settings() -> ReminderSettings {
        ReminderSettings {
            unopened_after_ms: Some(24 * HOUR_MS),
            unpaid_after_ms: Some(6 * HOUR_MS),
            before_expiry_ms: Some(5 * HOUR_MS),
            ..ReminderSettings::default()
        }
    }

    /// A link sent at `at`, in a zone that is UTC.
    fn sent(at: UtcMs) -> Progress {
        Progress {
            state: LinkState::Sent,
            expires_at: at + crate::links::LIFETIME_MS,
            accessed_at: None,
            messaged_at: Some(at),
            sent: vec![],
            owed: true,
            paid: false,
            paying: false,
        }
    }

    fn accessed(progress: Progress, at: UtcMs) -> Progress {
        Progress {
            state: LinkState::Accessed,
            accessed_at: Some(at),
            ..progress
        }
    }

    /// The quiet hours of a place whose days are the ones of UTC.
    fn quiet_in_utc(hours: QuietHours) -> impl Fn(UtcMs) -> Option<Quiet> {
        move |at| {
            let minute = at.rem_euclid(DAY_MS) / MINUTE_MS;
            if !hours.holds(minute) {
                return None;
            }
            let day = at - at.rem_euclid(DAY_MS);
            let from = day + hours.from_minute * MINUTE_MS;
            let to = day + hours.to_minute * MINUTE_MS;
            Some(match (hours.from_minute <= hours.to_minute, at < to) {
                (true, _) => (from, to),
                (false, true) => (from - DAY_MS, to),
                (false, false) => (from, to + DAY_MS),
            })
        }
    }

    fn planned(progress: &Progress, now: UtcMs) -> Option<(Kind, i64)> {
        let settings = settings();
        let next = next(&settings, progress, now, quiet_in_utc(settings.quiet))?;
        Some((next.kind, next.due_at))
    }

    const fn h(hours: i64) -> i64 {
        hours * HOUR_MS
    }

    #[test]
    fn what_nobody_opens_is_told_once_and_then_that_it_ends() {
        // Sent at ten: a day later, and five hours before ten two days later, which is quiet: the evening before.
        let mut link = sent(h(10));
        assert_eq!(planned(&link, h(10)), Some((Kind::Unopened, h(34))));
        link.sent.push(Kind::Unopened);
        link.messaged_at = Some(h(34));
        assert_eq!(
            planned(&link, h(34)),
            Some((Kind::Expiring, h(44) - MINUTE_MS))
        );
        link.sent.push(Kind::Expiring);
        assert_eq!(planned(&link, h(45)), None, "two at most");
    }

    #[test]
    fn what_was_opened_is_told_six_hours_later_but_not_at_night() {
        let morning = accessed(sent(h(10)), h(11));
        assert_eq!(planned(&morning, h(11)), Some((Kind::Unpaid, h(17))));
        let evening = accessed(sent(h(10)), h(16));
        assert_eq!(
            planned(&evening, h(16)),
            Some((Kind::Unpaid, h(33))),
            "22:00 becomes 09:00"
        );
    }

    #[test]
    fn nothing_follows_an_end_or_a_payment_and_nobody_is_disturbed_while_paying() {
        let due = accessed(sent(h(10)), h(11));
        for state in [LinkState::Paid, LinkState::Expired, LinkState::Cancelled] {
            assert_eq!(
                planned(
                    &Progress {
                        state,
                        ..due.clone()
                    },
                    h(17)
                ),
                None
            );
        }
        for short in [
            Progress {
                owed: false,
                ..due.clone()
            },
            Progress {
                paid: true,
                ..due.clone()
            },
        ] {
            assert_eq!(planned(&short, h(17)), None);
        }
        assert_eq!(
            planned(
                &Progress {
                    messaged_at: None,
                    ..due.clone()
                },
                h(17)
            ),
            None
        );
        assert_eq!(planned(&due, due.expires_at), None);
        let paying = Progress {
            paying: true,
            ..due
        };
        assert_eq!(
            planned(&paying, h(17)),
            Some((Kind::Unpaid, h(17) + PAYING_WAIT_MS))
        );
    }

    #[test]
    fn the_look_comes_early_enough() {
        let token = crate::token::TokenHash([0; 32]);
        let link = Link {
            id: uuid::Uuid::nil().into(),
            appointment: uuid::Uuid::nil().into(),
            purpose: crate::methods::PurposeKind::Balance,
            amount: crate::money::Money::gbp(4500),
            token,
            state: LinkState::Sent,
            why: None,
            late: false,
            created_at: h(10),
            expires_at: h(58),
        };
        let at =
            |opened, now| planned(&Progress::lately(&link, opened, now), now).map(|(_, at)| at);
        assert_eq!(at(false, h(10)), Some(h(34)));
        assert_eq!(at(true, h(11)), Some(h(17)));
        assert_eq!(
            at(true, h(40)),
            Some(h(44) - MINUTE_MS),
            "the end is nearer than six hours' wait"
        );
    }

    #[test]
    fn a_message_of_staff_puts_the_next_one_off() {
        let mut link = accessed(sent(h(10)), h(11));
        link.messaged_at = Some(h(16));
        // Four hours after theirs is quiet already.
        assert_eq!(planned(&link, h(17)), Some((Kind::Unpaid, h(33))));
    }

    proptest! {
        #[test]
        fn what_is_planned_keeps_every_promise(
            hours in (1_i64..48, 1_i64..48, 1_i64..48), on in (any::<bool>(), any::<bool>(), any::<bool>()),
            from_minute in 0_i64..1_440, to_minute in 0_i64..1_440, sent_at in 0..2 * DAY_MS,
            opened in proptest::option::of(0..h(48)), age in 0..h(60), known in 0_usize..8, paying: bool,
        ) {
            let settings = ReminderSettings {
                unopened_after_ms: on.0.then_some(h(hours.0)), unpaid_after_ms: on.1.then_some(h(hours.1)),
                before_expiry_ms: on.2.then_some(h(hours.2)), quiet: QuietHours { from_minute, to_minute },
            };
            let mut link = sent(sent_at);
            if let Some(opened) = opened.filter(|opened| *opened <= age) {
                link = accessed(link, sent_at + opened);
            }
            link.sent = Kind::ALL.into_iter().enumerate().filter(|(bit, _)| known >> bit & 1 == 1)
                .map(|(_, kind)| kind).collect();
            link.paying = paying;
            let (now, quiet) = (sent_at + age, quiet_in_utc(settings.quiet));
            let planned = next(&settings, &link, now, &quiet);
            let Some(planned) = planned else { return Ok(()) };
            prop_assert!(link.sent.len() < AUTOMATIC_MAX && !link.sent.contains(&planned.kind));
            prop_assert!(now < link.expires_at && planned.due_at >= now.max(sent_at + GAP_MS));
            prop_assert!(planned.due_at + LEAST_LEFT_MS <= link.expires_at);
            prop_assert_eq!(quiet(planned.due_at), None, "in the quiet hours");
            // Looked at when it is due, it is still the same message, and it is due then.
            if !paying {
                let later = next(&settings, &link, planned.due_at, &quiet);
                prop_assert_eq!(later.map(|later| later.due_at), Some(planned.due_at));
            }
        }
    }
}
