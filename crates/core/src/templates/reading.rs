//! Reading a text: words and placeholders, and where it cannot be read.

use std::fmt;

use super::{Placeholder, Purpose, Values};

/// A text that was read: words, and places to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Words(String),
    Slot(Placeholder),
}

/// Why a text cannot be read, and where: lines and characters are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    pub line: usize,
    pub column: usize,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A `{` without its `}`.
    NotClosed,
    /// A `}` without its `{`.
    NotOpened,
    /// No placeholder of the list; perhaps this one was meant.
    Unknown {
        name: String,
        meant: Option<Placeholder>,
    },
    /// Known, but a message of this purpose has no such value.
    NotHere {
        placeholder: Placeholder,
        purpose: Purpose,
    },
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {}, character {}: ", self.line, self.column)?;
        match &self.why {
            Why::NotClosed => f.write_str("this { has no }. Write } after the placeholder’s name."),
            Why::NotOpened => f.write_str(
                "this } has no {. Write { before the placeholder’s name, or take it out.",
            ),
            Why::Unknown {
                name,
                meant: Some(meant),
            } => {
                write!(f, "{{{name}}} is not known. Did you mean {meant}?")
            }
            Why::Unknown { name, meant: None } => {
                write!(
                    f,
                    "{{{name}}} is not known. Use one of the placeholders of the list."
                )
            }
            Why::NotHere {
                placeholder,
                purpose,
            } => write!(
                f,
                "{placeholder} is not known in the text “{}”. Take it out.",
                purpose.title()
            ),
        }
    }
}

impl Template {
    pub(super) fn of(segments: Vec<Segment>) -> Template {
        Template { segments }
    }

    /// Reads a text. Curly brackets stand only around placeholders.
    ///
    /// # Errors
    /// The first place that cannot be read.
    pub fn parse(text: &str, purpose: Purpose) -> Result<Template, Misread> {
        let mut segments = Vec::new();
        let mut words = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let offset = text.len() - rest.len() + at;
            let misread = |why| Err(misread(text, offset, why));
            words.push_str(&rest[..at]);
            if rest[at..].starts_with('}') {
                return misread(Why::NotOpened);
            }
            let inside = &rest[at + 1..];
            let Some(end) = inside
                .find(['{', '}', '\n'])
                .filter(|end| inside[*end..].starts_with('}'))
            else {
                return misread(Why::NotClosed);
            };
            let name = &inside[..end];
            let Some(placeholder) = Placeholder::parse(name) else {
                return misread(Why::Unknown {
                    name: name.chars().take(NAME_SHOWN_MAX).collect(),
                    meant: meant(name).filter(|meant| meant.fits(purpose)),
                });
            };
            if !placeholder.fits(purpose) {
                return misread(Why::NotHere {
                    placeholder,
                    purpose,
                });
            }
            if !words.is_empty() {
                segments.push(Segment::Words(std::mem::take(&mut words)));
            }
            segments.push(Segment::Slot(placeholder));
            rest = &inside[end + 1..];
        }
        words.push_str(rest);
        if !words.is_empty() {
            segments.push(Segment::Words(words));
        }
        Ok(Template { segments })
    }

    /// The pieces in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// How often a placeholder stands in it.
    pub fn count(&self, placeholder: Placeholder) -> usize {
        self.segments
            .iter()
            .filter(|segment| **segment == Segment::Slot(placeholder))
            .count()
    }

    /// The text with its values. Values are put in as they are: what looks like a placeholder in a name stays a name.
    pub fn render(&self, values: &Values) -> String {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Words(words) => words.as_str(),
                Segment::Slot(placeholder) => values.get(*placeholder),
            })
            .collect()
    }

    /// The lines of the text, without those that hold a placeholder with nothing to say: a clinic without a phone
    /// sends no line about calling it.
    pub fn lines(&self, values: &Values) -> Vec<Vec<Segment>> {
        let mut lines: Vec<Vec<Segment>> = vec![vec![]];
        for segment in &self.segments {
            match segment {
                Segment::Slot(_) => push(&mut lines, segment.clone()),
                Segment::Words(words) => {
                    for (at, line) in words.split('\n').enumerate() {
                        if at > 0 {
                            lines.push(vec![]);
                        }
                        if !line.is_empty() {
                            push(&mut lines, Segment::Words(line.to_owned()));
                        }
                    }
                }
            }
        }
        let says = |segment: &Segment| match segment {
            Segment::Words(_) => true,
            Segment::Slot(placeholder) => !values.get(*placeholder).is_empty(),
        };
        lines.retain(|line| line.iter().all(says));
        lines
    }
}

/// Characters of an unknown name that are said again.
const NAME_SHOWN_MAX: usize = 30;

fn push(lines: &mut [Vec<Segment>], segment: Segment) {
    if let Some(line) = lines.last_mut() {
        line.push(segment);
    }
}

/// The place of a byte in a text, as people count.
fn misread(text: &str, offset: usize, why: Why) -> Misread {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Misread { line, column, why }
}

/// The placeholder that a name was perhaps meant for: the same letters, or at most two slips away.
fn meant(name: &str) -> Option<Placeholder> {
    const SLIPS_MAX: usize = 2;
    let plain: String = name
        .trim()
        .to_lowercase()
        .chars()
        .map(|c| if c == ' ' || c == '-' { '_' } else { c })
        .take(NAME_SHOWN_MAX)
        .collect();
    Placeholder::ALL
        .into_iter()
        .map(|known| (slips(&plain, known.name()), known))
        .filter(|(slips, known)| *slips <= SLIPS_MAX && *slips < known.name().len() / 2)
        .min()
        .map(|(_, known)| known)
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (place, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *known);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}
