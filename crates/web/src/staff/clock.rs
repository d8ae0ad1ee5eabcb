//! Moments as people at the clinic read and type them: in the clinic's zone, British order, 24 hours.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, ZonedDateTime};
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

/// The clinic's zone and the moment at which the page is made.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    pub now: UtcMs,
}

impl Clock {
    /// An unknown zone is read as UTC.
    pub fn new(zone: &str, now: UtcMs) -> Clock {
        Clock {
            zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC),
            now,
        }
    }

    fn local(&self, at: UtcMs) -> ZonedDateTime {
        Timestamp::from_millisecond(at)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned_datetime(self.zone.clone())
    }

    pub fn written(&self, at: UtcMs, format: &str) -> String {
        self.local(at).strftime(format).to_string()
    }

    pub fn date(&self, at: UtcMs) -> Date {
        self.local(at).date()
    }

    pub fn today(&self) -> Date {
        self.date(self.now)
    }

    /// `10:44`.
    pub fn time(&self, at: UtcMs) -> String {
        self.written(at, "%H:%M")
    }

    /// `Tue 24 Nov, 10:44`; with its year when that is another one.
    pub fn moment(&self, at: UtcMs) -> String {
        if self.date(at).year() == self.today().year() {
            self.written(at, "%a %-d %b, %H:%M")
        } else {
            self.written(at, "%a %-d %b %Y, %H:%M")
        }
    }

    /// `Today 10:38`, `Yesterday 15:00`, `20 Nov 18:42`.
    pub fn lately(&self, at: UtcMs) -> String {
        let day = self.date(at);
        let today = self.today();
        let time = self.time(at);
        if day == today {
            format!("Today {time}")
        } else if today.yesterday().is_ok_and(|yesterday| day == yesterday) {
            format!("Yesterday {time}")
        } else if today.tomorrow().is_ok_and(|tomorrow| day == tomorrow) {
            format!("Tomorrow {time}")
        } else if day.year() == today.year() {
            self.written(at, "%-d %b %H:%M")
        } else {
            self.written(at, "%-d %b %Y %H:%M")
        }
    }

    /// The same within a sentence: `today 10:38`.
    pub fn lately_within(&self, at: UtcMs) -> String {
        within(&self.lately(at))
    }

    /// `Tuesday 24 November`; with its year when that is another one.
    pub fn day_words(&self, day: Date) -> String {
        if day.year() == self.today().year() {
            day.strftime("%A %-d %B").to_string()
        } else {
            day.strftime("%A %-d %B %Y").to_string()
        }
    }

    /// RFC 3339, for scripts.
    pub fn instant(at: UtcMs) -> String {
        Timestamp::from_millisecond(at)
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_string()
    }

    /// The first moment of a day here.
    pub fn start_of(&self, day: Date) -> UtcMs {
        self.at(day, Time::midnight())
    }

    /// A day and a time here. A time that the change of the clocks leaves out is moved on by the gap; one that comes
    /// twice is its first.
    pub fn at(&self, day: Date, time: Time) -> UtcMs {
        day.to_datetime(time)
            .to_zoned_datetime(self.zone.clone())
            .map_or(0, |moment| moment.timestamp().as_millisecond())
    }

    /// Minutes since the day's first hour here, as the wall clock shows them.
    pub fn minute_of_day(&self, at: UtcMs) -> i64 {
        let local = self.local(at);
        i64::from(local.hour()) * 60 + i64::from(local.minute())
    }

    /// `47 h 58 min`, `12 min`.
    pub fn left(&self, until: UtcMs) -> String {
        span(until - self.now)
    }

    /// `26 min ago`, `19 h ago`, `3 days ago`.
    pub fn ago(&self, at: UtcMs) -> String {
        let passed = (self.now - at).max(0);
        if passed < MINUTE_MS {
            "just now".into()
        } else if passed < HOUR_MS {
            format!("{} min ago", passed / MINUTE_MS)
        } else if passed < DAY_MS {
            format!("{} h ago", passed / HOUR_MS)
        } else if passed < 2 * DAY_MS {
            "a day ago".into()
        } else {
            format!("{} days ago", passed / DAY_MS)
        }
    }
}

/// `47 h 05 min`, `12 min`.
fn span(ms: i64) -> String {
    let minutes = ms.max(0) / MINUTE_MS;
    if minutes >= 60 {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    } else {
        format!("{minutes} min")
    }
}

/// A moment in words as it stands within a sentence.
pub fn within(moment: &str) -> String {
    moment
        .replace("Today", "today")
        .replace("Yesterday", "yesterday")
        .replace("Tomorrow", "tomorrow")
}

/// A day as a date field sends it: `2026-11-24`.
pub fn day(text: &str) -> Option<Date> {
    let day = Date::strptime("%Y-%m-%d", text.trim()).ok()?;
    (1900..=2200).contains(&day.year()).then_some(day)
}

/// A time as a time field sends it: `14:30`, also with seconds.
pub fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    Time::strptime("%H:%M", text)
        .or_else(|_| Time::strptime("%H:%M:%S", text))
        .ok()
}

/// The day after, or the same at the end of time.
pub fn next(day: Date) -> Date {
    day.checked_add(1.day()).unwrap_or(day)
}

/// The day before.
pub fn previous(day: Date) -> Date {
    day.checked_sub(1.day()).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_clinics_zone() {
        // 24 November 2026, 10:46 in London.
        let now = 1_795_517_160_000;
        let clock = Clock::new("Europe/London", now);
        assert_eq!(clock.moment(now), "Tue 24 Nov, 10:46");
        assert_eq!(clock.lately(now - 8 * MINUTE_MS), "Today 10:38");
        assert_eq!(clock.lately(now - DAY_MS), "Yesterday 10:46");
        assert_eq!(clock.lately(now - 4 * DAY_MS), "20 Nov 10:46");
        assert_eq!(clock.left(now + 48 * HOUR_MS - 1), "47 h 59 min");
        let june = clock.at(day("2026-06-01").unwrap(), time("09:00").unwrap());
        assert_eq!(Clock::instant(june), "2026-06-01T08:00:00Z", "summer time");
        for wrong in ["", "24/11/2026", "2026-13-01", "9999-01-01"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
        assert!(time("25:00").is_none() && time("").is_none() && time("9").is_none());
    }
}
