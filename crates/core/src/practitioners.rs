//! Practitioners: when they work, and what stands against a time in their diary. Minutes are counted from midnight on
//! the clinic's wall clock; which moments those are is for the caller, who knows the zone.

use crate::UtcMs;

const DAY_MINUTES: i64 = 24 * 60;

/// The hours of one day, with lunch or another break where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingDay {
    from: i64,
    to: i64,
    lunch: Option<(i64, i64)>,
}

/// Hours that cannot be: the manager corrects them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    #[error("The day must end after it starts.")]
    Backwards,
    #[error("Lunch must end after it starts, and both must lie within the day.")]
    LunchOutside,
}

impl WorkingDay {
    /// Minutes of the day, the ends left out.
    ///
    /// # Errors
    /// [`HoursError`]
    pub fn new(from: i64, to: i64, lunch: Option<(i64, i64)>) -> Result<WorkingDay, HoursError> {
        if !(0 <= from && from < to && to <= DAY_MINUTES) {
            return Err(HoursError::Backwards);
        }
        if lunch.is_some_and(|(start, end)| !(from <= start && start < end && end <= to)) {
            return Err(HoursError::LunchOutside);
        }
        Ok(WorkingDay { from, to, lunch })
    }

    pub fn from(&self) -> i64 {
        self.from
    }

    pub fn to(&self) -> i64 {
        self.to
    }

    pub fn lunch(&self) -> Option<(i64, i64)> {
        self.lunch
    }
}

/// A week's hours, Monday first. Somebody without any is taken to be at work whenever they are booked: a clinic that
/// has entered no hours is not asked about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkingWeek(pub [Option<WorkingDay>; 7]);

impl WorkingWeek {
    pub fn is_known(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// `weekday`: 0 is Monday.
    pub fn on(&self, weekday: usize) -> Option<WorkingDay> {
        self.0.get(weekday).copied().flatten()
    }

    /// What stands against a time of a day, `from` and `to` in its minutes.
    fn against(&self, weekday: usize, from: i64, to: i64) -> Option<Clash> {
        if !self.is_known() {
            return None;
        }
        let Some(day) = self.on(weekday) else {
            return Some(Clash::DayOff);
        };
        if from < day.from || to > day.to {
            return Some(Clash::OutsideHours {
                from: day.from,
                to: day.to,
            });
        }
        let (start, end) = day.lunch?;
        (from < end && to > start).then_some(Clash::Lunch { start, end })
    }
}

/// What stands against a time in a practitioner's diary. Staff may insist; it is their diary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Another appointment.
    Taken {
        patient: String,
        starts_at: UtcMs,
        ends_at: UtcMs,
    },
    /// Away until then.
    Absent {
        reason: String,
        until: UtcMs,
    },
    DayOff,
    /// Minutes of the day.
    OutsideHours {
        from: i64,
        to: i64,
    },
    /// Minutes of the day.
    Lunch {
        start: i64,
        end: i64,
    },
}

/// A time that is asked for, as the clinic's wall clock has it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// 0 is Monday.
    pub weekday: usize,
    pub from_minute: i64,
    /// After midnight it counts on.
    pub to_minute: i64,
}

/// What stands against a time, the weightiest first: somebody else who comes then, an absence, the hours.
pub fn clash(
    week: &WorkingWeek,
    wanted: Wanted,
    taken: Option<Clash>,
    absent: Option<Clash>,
) -> Option<Clash> {
    taken
        .or(absent)
        .or_else(|| week.against(wanted.weekday, wanted.from_minute, wanted.to_minute))
}

/// The colour of somebody's column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hue {
    Teal,
    Blue,
    Violet,
    Rose,
}

impl Hue {
    pub const ALL: [Hue; 4] = [Hue::Blue, Hue::Teal, Hue::Violet, Hue::Rose];

    pub fn name(self) -> &'static str {
        match self {
            Hue::Teal => "teal",
            Hue::Blue => "blue",
            Hue::Violet => "violet",
            Hue::Rose => "rose",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Hue::Teal => "Teal",
            Hue::Blue => "Blue",
            Hue::Violet => "Violet",
            Hue::Rose => "Rose",
        }
    }

    pub fn parse(name: &str) -> Option<Hue> {
        Hue::ALL.into_iter().find(|hue| hue.name() == name)
    }

    /// For somebody who was given none: by their place in the diary.
    pub fn at(position: usize) -> Hue {
        Hue::ALL[position % Hue::ALL.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: i64 = 9 * 60;
    const FIVE: i64 = 17 * 60;
    const LUNCH: Option<(i64, i64)> = Some((12 * 60, 13 * 60));

    #[test]
    fn hours_that_cannot_be_are_refused() {
        use HoursError::{Backwards, LunchOutside};
        for (from, to, lunch, refused) in [
            (NINE, FIVE, LUNCH, None),
            (0, DAY_MINUTES, None, None),
            (NINE, NINE, None, Some(Backwards)),
            (FIVE, NINE, None, Some(Backwards)),
            (-1, NINE, None, Some(Backwards)),
            (NINE, DAY_MINUTES + 1, None, Some(Backwards)),
            (NINE, FIVE, Some((NINE - 1, NINE + 30)), Some(LunchOutside)),
            (NINE, FIVE, Some((FIVE - 30, FIVE + 1)), Some(LunchOutside)),
            (NINE, FIVE, Some((780, 720)), Some(LunchOutside)),
        ] {
            let made = WorkingDay::new(from, to, lunch);
            assert_eq!(made.err(), refused, "{from} {to} {lunch:?}");
        }
    }

    /// What stands against `from` to `to` on a Tuesday of somebody who works Tuesdays.
    fn against(from: i64, to: i64) -> Option<Clash> {
        let mut week = WorkingWeek::default();
        week.0[1] = WorkingDay::new(NINE, FIVE, LUNCH).ok();
        clash(&week, wanted(1, from, to), None, None)
    }

    fn wanted(weekday: usize, from_minute: i64, to_minute: i64) -> Wanted {
        Wanted {
            weekday,
            from_minute,
            to_minute,
        }
    }

    #[test]
    fn a_time_is_asked_about_to_the_minute() {
        let outside = Some(Clash::OutsideHours {
            from: NINE,
            to: FIVE,
        });
        let lunch = Some(Clash::Lunch {
            start: 720,
            end: 780,
        });
        for (from, to, expected) in [
            (NINE, 720, None),
            (780, FIVE, None),
            (NINE - 1, NINE + 30, outside.clone()),
            (FIVE - 30, FIVE + 1, outside.clone()),
            (23 * 60, 25 * 60, outside),
            (700, 721, lunch.clone()),
            (779, 800, lunch),
        ] {
            assert_eq!(against(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn another_appointment_weighs_more_than_the_hours_and_no_hours_ask_nothing() {
        let mut week = WorkingWeek::default();
        let taken = Clash::Taken {
            patient: "Hannah Whitlock".into(),
            starts_at: 0,
            ends_at: 1,
        };
        let absent = Clash::Absent {
            reason: "Holiday".into(),
            until: 5,
        };
        assert_eq!(clash(&week, wanted(0, 0, 30), None, None), None);
        week.0[1] = WorkingDay::new(NINE, FIVE, None).ok();
        let sunday = wanted(6, NINE, NINE + 30);
        assert_eq!(clash(&week, sunday, None, None), Some(Clash::DayOff));
        let away = clash(&week, sunday, None, Some(absent.clone()));
        assert_eq!(away, Some(absent.clone()));
        let busy = clash(&week, sunday, Some(taken.clone()), Some(absent));
        assert_eq!(busy, Some(taken));
    }

    #[test]
    fn four_columns_have_four_colours() {
        let named: Vec<_> = (0..4).map(|at| Hue::at(at).name()).collect();
        assert_eq!(named, ["blue", "teal", "violet", "rose"]);
        assert_eq!(Hue::at(4), Hue::at(0));
        assert!(
            Hue::ALL
                .iter()
                .all(|hue| Hue::parse(hue.name()) == Some(*hue))
        );
    }
}
