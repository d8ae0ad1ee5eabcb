//! When a link of the simulated clinic is looked at for a reminder.

use remit_core::deliveries::DeliveryPurpose;
use remit_core::ids::{DeliveryId, LinkId};
use remit_core::reminders::{self, Progress, Quiet, QuietHours, ReminderSettings};
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

pub const SETTINGS: ReminderSettings = ReminderSettings {
    unopened_after_ms: Some(5 * HOUR_MS),
    unpaid_after_ms: Some(2 * HOUR_MS),
    before_expiry_ms: Some(6 * HOUR_MS),
    quiet: QuietHours {
        from_minute: 22 * 60,
        to_minute: 7 * 60,
    },
};

/// One message of a link.
#[derive(Clone, Copy)]
pub struct Sent {
    pub delivery: DeliveryId,
    pub link: LinkId,
    pub at: UtcMs,
    pub purpose: DeliveryPurpose,
}

/// The night that a moment lies in; the clinic's days are those of UTC.
pub fn quiet(at: UtcMs) -> Option<Quiet> {
    let (day, minute) = (
        at - at.rem_euclid(DAY_MS),
        at.rem_euclid(DAY_MS) / MINUTE_MS,
    );
    let (from, to) = (
        day + SETTINGS.quiet.from_minute * MINUTE_MS,
        day + SETTINGS.quiet.to_minute * MINUTE_MS,
    );
    SETTINGS.quiet.holds(minute).then_some(if at < to {
        (from - DAY_MS, to)
    } else {
        (from, to + DAY_MS)
    })
}

/// When a link that was just sent or opened is looked at.
pub fn first_look(link: &remit_core::links::Link, opened: bool, now: UtcMs) -> Option<UtcMs> {
    let progress = Progress::lately(link, opened, now);
    reminders::next(&SETTINGS, &progress, now, quiet).map(|planned| planned.due_at)
}
