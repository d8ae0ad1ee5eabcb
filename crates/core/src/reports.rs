//! Figures of the summary that are reckoned, not added up: how long patients take to pay, and how many went how far.

/// From a link's creation to its payment, in whole minutes, with how many links took so long; ascending.
pub type Minutes = [(i64, i64)];

/// Upper ends of the bars of *Time to pay*, in minutes; the last bar has none: paid late.
pub const STEPS_MIN: [i64; 6] = [5, 30, 120, 720, 1_440, 2_880];

/// The minute by which half of the links were paid; `None` without any.
pub fn median(minutes: &Minutes) -> Option<i64> {
    let all: i64 = minutes.iter().map(|(_, links)| links).sum();
    let mut passed = 0;
    for (minute, links) in minutes {
        passed += links;
        if passed * 2 >= all && all > 0 {
            return Some(*minute);
        }
    }
    None
}

/// How many links were paid within each of [`STEPS_MIN`], counted from the step before, and after the last.
pub fn steps(minutes: &Minutes) -> [i64; STEPS_MIN.len() + 1] {
    let mut counts = [0; STEPS_MIN.len() + 1];
    for (minute, links) in minutes {
        let step = STEPS_MIN.iter().position(|end| minute < end);
        counts[step.unwrap_or(STEPS_MIN.len())] += links;
    }
    counts
}

/// How far the links of a span went. Who went further went through what lies before: a link that was paid without a
/// message counts as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funnel {
    pub created: i64,
    pub sent: i64,
    pub accessed: i64,
    pub paid: i64,
}

/// A share of a whole in whole percent, rounded half up; 0 of nothing.
pub fn percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    (part * 200 + whole) / (whole * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_payers_are_quicker() {
        for (minutes, half) in [
            (&[][..], None),
            (&[(7, 1)], Some(7)),
            (&[(1, 1), (9, 1)], Some(1)),
            (&[(1, 1), (5, 1), (9, 1)], Some(5)),
            (&[(0, 10), (30, 9)], Some(0)),
            (&[(0, 9), (30, 10)], Some(30)),
        ] {
            assert_eq!(median(minutes), half, "{minutes:?}");
        }
    }

    #[test]
    fn each_link_is_in_one_step() {
        let minutes = [
            (0, 1),
            (4, 2),
            (5, 4),
            (29, 8),
            (2_879, 16),
            (2_880, 32),
            (9_999, 64),
        ];
        assert_eq!(steps(&minutes), [3, 12, 0, 0, 0, 16, 96]);
    }

    #[test]
    fn percent_is_rounded_half_up() {
        for (part, whole, is) in [
            (0, 0, 0),
            (1, 0, 0),
            (171, 214, 80),
            (1, 200, 1),
            (1, 201, 0),
            (1, 3, 33),
            (2, 3, 67),
            (7, 7, 100),
        ] {
            assert_eq!(percent(part, whole), is, "{part} of {whole}");
        }
    }
}
