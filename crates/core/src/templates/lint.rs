//! What a clinic's own text must hold to (hazards E1, D14): no word about health, no urgency or threat, the clinic's
//! name and phone in it, one link, readable and whole.

use std::fmt;

use super::{Placeholder, Purpose, Segment, Template, Text, TextChannel, Values};
use crate::languages::{self, Language};
use crate::messages::{is_gsm7, segments};

/// Characters of a subject; mail programs show about half of it.
pub const SUBJECT_CHARS_MAX: usize = 120;
/// Characters of a body.
pub const BODY_CHARS_MAX: usize = 4_000;
/// Segments of an SMS: more is a letter, and paid for like one.
pub const SEGMENTS_MAX: usize = 3;

/// Which part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Subject,
    Body,
}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Part::Subject => "subject",
            Part::Body => "body",
        }
    }
}

/// Something to mend in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub part: Part,
    /// A text with this cannot be saved; anything else is advice.
    pub refused: bool,
    pub advice: Advice,
}

/// What is to be done; its sentence is for the person who wrote the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    Misread(String),
    Empty,
    TooLong { chars_max: usize },
    Control,
    NoLink,
    ManyLinks,
    LinkTouched,
    OtherAddress(String),
    NoClinic,
    NoPhone,
    NoReference,
    PrivateInSubject(Placeholder),
    Clinical(String),
    Urgent(String),
    Loud,
    TooManySegments { count: usize },
    MoreSegments { count: usize },
    Unicode(char),
    ClinicNameTells(String),
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Advice::Misread(why) => f.write_str(why),
            Advice::Empty => f.write_str("Write something here, or go back to the standard text."),
            Advice::TooLong { chars_max } => write!(f, "Use at most {chars_max} characters."),
            Advice::Control => f.write_str("Take out line breaks and control characters."),
            Advice::NoLink => f.write_str("Put {link} where the patient’s page is to stand: without it nobody can pay."),
            Advice::ManyLinks => f.write_str("Use {link} once: two addresses look like two payments."),
            Advice::LinkTouched => f.write_str(
                "Leave a blank or a new line before and after {link}: phones take what touches it for a part of the address.",
            ),
            Advice::OtherAddress(address) => write!(
                f,
                "Take out “{address}”: the only address in a message is {{link}}, so that patients learn to trust it.",
            ),
            Advice::NoClinic => f.write_str("Put {clinic} in: a message must say who it is from."),
            Advice::NoPhone => f.write_str("Put {clinic_phone} in, so that patients can ask whether the message is real."),
            Advice::NoReference => f.write_str("Put {reference} in: patients can compare it with the page’s."),
            Advice::PrivateInSubject(placeholder) => write!(
                f,
                "Take {placeholder} out: a subject is shown on locked screens. It may hold {{clinic}} and {{reference}}.",
            ),
            Advice::Clinical(word) => write!(
                f,
                "Take out “{word}”: others may read this message, so it must not tell of health or treatment.",
            ),
            Advice::Urgent(word) => write!(
                f,
                "Take out “{word}”: urgency and threats are how swindlers write, and phones filter them out.",
            ),
            Advice::Loud => f.write_str("Write without capitals and with one exclamation mark at most: it reads like a swindler’s text."),
            Advice::TooManySegments { count } => write!(
                f,
                "This takes {count} SMS segments. Shorten it to {SEGMENTS_MAX} or fewer.",
            ),
            Advice::MoreSegments { count } => write!(f, "This takes {count} SMS segments, and each is paid for."),
            Advice::Unicode(c) => write!(
                f,
                "“{c}” is not in the phones’ own alphabet: with it a segment holds 70 characters instead of 160.",
            ),
            Advice::ClinicNameTells(word) => write!(
                f,
                "The clinic’s own name says “{word}”. A neutral trading name keeps that off patients’ screens.",
            ),
        }
    }
}

/// Reads a text with the eyes of whoever may see it. `sample` is what a real message would hold.
pub fn lint(
    text: &Text,
    channel: TextChannel,
    purpose: Purpose,
    language: &Language,
    sample: &Values,
) -> Vec<Finding> {
    let mut found = Vec::new();
    if channel == TextChannel::Email {
        subject(&text.subject, purpose, language, &mut found);
    }
    let mut body = Findings {
        part: Part::Body,
        found: &mut found,
    };
    if let Some(template) = read(&text.body, purpose, BODY_CHARS_MAX, &mut body) {
        must_stand(&template, channel, purpose, &mut body);
        words(&template, language, &mut body);
        if channel == TextChannel::Sms {
            length(&template, sample, &mut body);
        }
        if let Some(word) = said(&sample.clinic, language.refused.clinical) {
            body.advise(Advice::ClinicNameTells(word));
        }
    }
    found
}

struct Findings<'a> {
    part: Part,
    found: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    fn refuse(&mut self, advice: Advice) {
        self.add(true, advice);
    }

    fn advise(&mut self, advice: Advice) {
        self.add(false, advice);
    }

    fn add(&mut self, refused: bool, advice: Advice) {
        self.found.push(Finding {
            part: self.part,
            refused,
            advice,
        });
    }
}

fn read(
    text: &str,
    purpose: Purpose,
    chars_max: usize,
    found: &mut Findings<'_>,
) -> Option<Template> {
    if text.trim().is_empty() {
        found.refuse(Advice::Empty);
        return None;
    }
    if text.chars().count() > chars_max {
        found.refuse(Advice::TooLong { chars_max });
        return None;
    }
    let breaks = found.part == Part::Body;
    let hidden = |c: char| (c.is_control() && !(breaks && c == '\n')) || is_hidden(c);
    if text.chars().any(hidden) {
        found.refuse(Advice::Control);
    }
    match Template::parse(text, purpose) {
        Ok(template) => Some(template),
        Err(misread) => {
            found.refuse(Advice::Misread(misread.to_string()));
            None
        }
    }
}

/// Characters that turn the direction of what follows, or that nobody sees: a text could show another address than it
/// holds.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn subject(text: &str, purpose: Purpose, language: &Language, found: &mut Vec<Finding>) {
    let mut found = Findings {
        part: Part::Subject,
        found,
    };
    let Some(template) = read(text, purpose, SUBJECT_CHARS_MAX, &mut found) else {
        return;
    };
    for segment in template.segments() {
        match segment {
            Segment::Slot(Placeholder::Clinic | Placeholder::Reference) | Segment::Words(_) => {}
            Segment::Slot(placeholder) => found.refuse(Advice::PrivateInSubject(*placeholder)),
        }
    }
    words(&template, language, &mut found);
}

fn must_stand(
    template: &Template,
    channel: TextChannel,
    purpose: Purpose,
    found: &mut Findings<'_>,
) {
    match template.count(Placeholder::Link) {
        0 if purpose.asks_for_money() => found.refuse(Advice::NoLink),
        0 | 1 => {}
        _ => found.refuse(Advice::ManyLinks),
    }
    if is_touched(template) {
        found.refuse(Advice::LinkTouched);
    }
    if template.count(Placeholder::Clinic) == 0 {
        found.refuse(Advice::NoClinic);
    }
    if template.count(Placeholder::ClinicPhone) == 0 {
        found.add(channel == TextChannel::Email, Advice::NoPhone);
    }
    if template.count(Placeholder::Reference) == 0 {
        found.advise(Advice::NoReference);
    }
}

/// Whether anything but a blank stands right beside the link.
fn is_touched(template: &Template) -> bool {
    let segments = template.segments();
    let touches = |segment: Option<&Segment>, ahead: bool| match segment {
        None => false,
        Some(Segment::Slot(_)) => true,
        Some(Segment::Words(words)) => {
            let beside = if ahead {
                words.chars().next_back()
            } else {
                words.chars().next()
            };
            beside.is_some_and(|c| !c.is_whitespace())
        }
    };
    segments.iter().enumerate().any(|(at, segment)| {
        *segment == Segment::Slot(Placeholder::Link)
            && (touches(at.checked_sub(1).and_then(|at| segments.get(at)), true)
                || touches(segments.get(at + 1), false))
    })
}

fn words(template: &Template, language: &Language, found: &mut Findings<'_>) {
    // A placeholder parts words: `pre{amount}scription` is none.
    let text: String = template
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Words(words) => words.as_str(),
            Segment::Slot(_) => " \u{1f} ",
        })
        .collect();
    if let Some(address) = text.split_whitespace().find(|word| is_address(word)) {
        found.refuse(Advice::OtherAddress(address.chars().take(60).collect()));
    }
    // English stands in everybody's texts.
    for language in [language, languages::english()] {
        if let Some(word) = said(&text, language.refused.clinical) {
            found.refuse(Advice::Clinical(word));
            break;
        }
    }
    for language in [language, languages::english()] {
        if let Some(word) = said(&text, language.refused.urgent) {
            found.refuse(Advice::Urgent(word));
            break;
        }
    }
    if text.matches(['!', '¡']).count() > 2
        || text.matches('!').count() > 1
        || text.split_whitespace().any(is_shouted)
    {
        found.advise(Advice::Loud);
    }
}

/// Four letters and more, all of them capitals. `SMS` and `VAT` are no shouts.
fn is_shouted(word: &str) -> bool {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    letters.len() > 3 && letters.iter().all(|c| c.is_uppercase())
}

/// Whether phones and mail programs would make a link of a word. An email address is none: it takes nobody anywhere.
fn is_address(word: &str) -> bool {
    let word = word.to_lowercase();
    if word.contains("://") || word.starts_with("www.") {
        return true;
    }
    if word.contains('@') {
        return false;
    }
    let host = word.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.trim_matches(|c: char| !c.is_alphanumeric());
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    labels.len() > 1
        && labels.iter().all(is_label)
        && labels
            .last()
            .is_some_and(|top| top.len() >= 2 && top.bytes().all(|b| b.is_ascii_lowercase()))
        && (word.contains('/') || labels.first().is_some_and(|first| first.len() >= 2))
}

/// The first refused word or phrase that a text says, as it says it.
fn said(text: &str, refused: &[&str]) -> Option<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || is_mark(c) || c == '\u{1f}'))
        .filter(|word| !word.is_empty())
        .collect();
    for pattern in refused {
        let pattern: Vec<&str> = pattern.split(' ').collect();
        let hit = words.windows(pattern.len()).find(|window| {
            window
                .iter()
                .zip(&pattern)
                .all(|(word, pattern)| is_word(word, pattern))
        });
        if let Some(hit) = hit {
            return Some(hit.join(" "));
        }
    }
    None
}

/// Vowel signs and other marks belong to their word (Arabic, and accents written apart).
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

fn is_word(word: &str, pattern: &str) -> bool {
    let core = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (false, false) => word == core,
        (false, true) => word.starts_with(core),
        (true, false) => word.ends_with(core),
        (true, true) => word.contains(core),
    }
}

fn length(template: &Template, sample: &Values, found: &mut Findings<'_>) {
    let text = template.render(sample);
    let count = segments(&text).count;
    if count > SEGMENTS_MAX {
        found.refuse(Advice::TooManySegments { count });
    } else if count > 1 {
        found.advise(Advice::MoreSegments { count });
    }
    let beyond = template
        .segments()
        .iter()
        .find_map(|segment| match segment {
            Segment::Words(words) => words.chars().find(|c| !is_gsm7(*c)),
            Segment::Slot(_) => None,
        });
    if let Some(c) = beyond {
        found.advise(Advice::Unicode(c));
    }
}
