//! The languages that patients read. One file holds all words of a language: the standard messages of every purpose and
//! channel, all of the patient's pages, its dates and figures, and the words that no message may hold. Adding one is
//! one file and its line in [`ALL`]; the compiler asks for every word, the tests for every placeholder.

mod ar;
mod cy;
mod de;
mod en;
mod es;
mod fr;
mod pl;
mod words;

use std::fmt;

pub use words::PageWords;

use crate::money::Money;

/// Every language, English first: what is not known is answered in English.
pub static ALL: [&Language; 7] = [
    &en::LANGUAGE,
    &cy::LANGUAGE,
    &pl::LANGUAGE,
    &fr::LANGUAGE,
    &de::LANGUAGE,
    &es::LANGUAGE,
    &ar::LANGUAGE,
];

/// One language with all of its words.
pub struct Language {
    /// Its name in addresses, settings and rows (BCP 47, primary subtag).
    pub tag: &'static str,
    /// The `lang` of a page.
    pub html_lang: &'static str,
    /// As its readers call it.
    pub own_name: &'static str,
    /// As staff call it.
    pub english_name: &'static str,
    pub direction: Direction,
    pub figures: Figures,
    pub calendar: Calendar,
    pub page: PageWords,
    pub messages: MessageWords,
    pub refused: RefusedWords,
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag)
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Language) -> bool {
        self.tag == other.tag
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    LeftToRight,
    RightToLeft,
}

/// How a sum is written.
pub struct Figures {
    pub decimal: &'static str,
    /// Between thousands, from numbers of `group_from` digits on.
    pub group: &'static str,
    pub group_from: usize,
    /// `£30.00`, not `30,00 £`.
    pub sign_first: bool,
}

/// How a moment is written. Patterns may use `{weekday} {day} {month} {mon} {number} {year} {time}`.
pub struct Calendar {
    /// As they stand in a date.
    pub months: [&'static str; 12],
    pub months_short: [&'static str; 12],
    /// Monday first.
    pub weekdays: [&'static str; 7],
    /// `1`, or `1er`.
    pub first_day: &'static str,
    /// `Tuesday 24 November 2026 at 11:00`.
    pub full: &'static str,
    /// `Thursday 26 November at 08:05`.
    pub day_time: &'static str,
    /// `24 November 2026, 11:00`.
    pub long: &'static str,
    /// `24 Nov, 11:00`.
    pub short_time: &'static str,
    /// `24 Nov 2026, 11:00`.
    pub short_year_time: &'static str,
    /// `24 Nov`.
    pub short: &'static str,
    /// In an SMS: letters of the GSM alphabet alone.
    pub sms: &'static str,
}

/// Which of a calendar's patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateStyle {
    Full,
    DayTime,
    Long,
    ShortTime,
    ShortYearTime,
    Short,
    Sms,
}

/// A moment as the clinic's clocks and calendars show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 is Monday.
    pub weekday: u8,
    pub hour: u8,
    pub minute: u8,
}

/// The standard messages, and the buttons of emails.
pub struct MessageWords {
    pub deposit: StandardText,
    pub balance: StandardText,
    pub reminder: StandardText,
    pub expiring: StandardText,
    pub receipt: StandardText,
    pub refund: StandardText,
    /// `Pay {amount}`.
    pub pay_button: &'static str,
    pub see_button: &'static str,
}

/// The standard text of one purpose.
pub struct StandardText {
    pub subject: &'static str,
    pub email: &'static str,
    /// From the fullest to the shortest: the first that fits is sent. A last sentence about `{clinic_phone}` is left off
    /// before the next one is taken.
    pub sms: &'static [&'static str],
}

/// What no message may say. `x*` begins with, `*x` ends with, `*x*` holds; several words are a phrase.
pub struct RefusedWords {
    /// Words about health and treatment (hazard E1).
    pub clinical: &'static [&'static str],
    /// Urgency and threats, as swindlers write them (hazard D14).
    pub urgent: &'static [&'static str],
}

/// First strong isolate and its end (Unicode, UAX 9): what stands between keeps its own direction.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');
/// Left-to-right mark: figures after it stay in their order.
const LEFT_TO_RIGHT: char = '\u{200e}';

/// English.
pub fn english() -> &'static Language {
    ALL[0]
}

/// The language with this name (`cy`); none when it is not among ours.
pub fn named(tag: &str) -> Option<&'static Language> {
    ALL.into_iter().find(|language| language.tag == tag)
}

/// The language of a patient's locale (`pl-PL`); English for what we do not have.
pub fn of_locale(locale: &str) -> &'static Language {
    known(locale).unwrap_or_else(english)
}

fn known(locale: &str) -> Option<&'static Language> {
    let primary = locale.split(['-', '_']).next().unwrap_or_default();
    ALL.into_iter()
        .find(|language| language.tag.eq_ignore_ascii_case(primary.trim()))
}

/// The best of a browser's wishes (`Accept-Language`, RFC 9110, 12.5.4); English when it names none of ours.
pub fn of_accept(header: &str) -> &'static Language {
    // Nobody reads more than a few languages: the rest of a long header is noise.
    const WISHES_MAX: usize = 20;
    let mut best: (u32, Option<&'static Language>) = (0, None);
    for wish in header.split(',').take(WISHES_MAX) {
        let mut parts = wish.split(';');
        let tag = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1_000, thousandths);
        if let Some(language) = known(tag)
            && weight > best.0
        {
            best = (weight, Some(language));
        }
    }
    best.1.unwrap_or_else(english)
}

/// `0.8` as 800; what cannot be read weighs nothing.
fn thousandths(weight: &str) -> u32 {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), fraction.parse::<u32>()) {
        (Ok(whole @ 0..=1), Ok(part)) => (whole * 1_000 + part).min(1_000),
        _ => 0,
    }
}

/// A text with its `{placeholders}` filled; one without a value stays as it is, so that it is seen.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Slot(name) => values
                .iter()
                .find(|(known, _)| *known == name)
                .map_or_else(|| format!("{{{name}}}"), |(_, value)| (*value).to_owned()),
        })
        .collect()
}

/// A piece of one of our own texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Slot(&'a str),
}

/// One of our own texts, cut at its placeholders.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Slot(name));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

impl Language {
    pub fn is_right_to_left(&self) -> bool {
        self.direction == Direction::RightToLeft
    }

    /// The `dir` of a page.
    pub fn dir(&self) -> &'static str {
        match self.direction {
            Direction::LeftToRight => "ltr",
            Direction::RightToLeft => "rtl",
        }
    }

    /// A sum as readers of this language write it: `£1,045.50`, `1.045,50 £`.
    pub fn money(&self, money: Money) -> String {
        let figure = money.figure();
        let digits = figure.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut text = String::new();
        if money.minor < 0 {
            text.push('-');
        }
        let sign = money.currency.sign();
        if self.figures.sign_first {
            text.push_str(&sign);
        }
        let grouped = whole.len() >= self.figures.group_from;
        for (at, digit) in whole.chars().enumerate() {
            if grouped && at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push_str(self.figures.group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push_str(self.figures.decimal);
            text.push_str(fraction);
        }
        if !self.figures.sign_first {
            text.push('\u{a0}');
            text.push_str(sign.trim());
        }
        text
    }

    /// A moment as readers of this language write it.
    pub fn date(&self, at: LocalTime, style: DateStyle) -> String {
        let calendar = &self.calendar;
        let pattern = match style {
            DateStyle::Full => calendar.full,
            DateStyle::DayTime => calendar.day_time,
            DateStyle::Long => calendar.long,
            DateStyle::ShortTime => calendar.short_time,
            DateStyle::ShortYearTime => calendar.short_year_time,
            DateStyle::Short => calendar.short,
            DateStyle::Sms => calendar.sms,
        };
        let month = usize::from(at.month.saturating_sub(1));
        let day = match at.day {
            1 => calendar.first_day.to_owned(),
            day => day.to_string(),
        };
        let named = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or_default();
        let values = [
            (
                "weekday",
                named(&calendar.weekdays, usize::from(at.weekday)),
            ),
            ("day", &day),
            ("month", named(&calendar.months, month)),
            ("mon", named(&calendar.months_short, month)),
            ("number", &format!("{:02}", at.month)),
            ("year", &at.year.to_string()),
            ("time", &format!("{:02}:{:02}", at.hour, at.minute)),
        ];
        fill(pattern, &values)
    }

    /// A name, number or date within a sentence of this language: it keeps its own direction.
    pub fn isolated(&self, value: &str) -> String {
        if self.is_right_to_left() && !value.is_empty() {
            format!("{}{value}{}", ISOLATE.0, ISOLATE.1)
        } else {
            value.to_owned()
        }
    }

    /// The same in an SMS: one character, and only before figures. Blanks that a phone's alphabet lacks become plain.
    pub fn marked_for_sms(&self, value: &str) -> String {
        let plain = value.replace(['\u{a0}', '\u{202f}'], " ");
        let begins_with_figures = plain.chars().next().is_some_and(|c| !c.is_alphabetic());
        if self.is_right_to_left() && begins_with_figures {
            format!("{LEFT_TO_RIGHT}{plain}")
        } else {
            plain
        }
    }
}

#[cfg(test)]
mod tests;
