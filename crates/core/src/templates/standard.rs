//! The standard texts, from the languages' files.

use super::{Placeholder, Purpose, Template, Text, TextChannel, Values};
use crate::languages::{Language, StandardText};
use crate::messages::{is_gsm7, segments};

/// The standard text of one message as a clinic may begin its own from.
pub fn standard(channel: TextChannel, purpose: Purpose, language: &Language) -> Text {
    let words = words(purpose, language);
    match channel {
        TextChannel::Email => Text {
            subject: words.subject.to_owned(),
            body: words.email.to_owned(),
        },
        TextChannel::Sms => Text {
            subject: String::new(),
            body: words.sms.first().copied().unwrap_or_default().to_owned(),
        },
    }
}

fn words(purpose: Purpose, language: &Language) -> &StandardText {
    let messages = &language.messages;
    match purpose {
        Purpose::Deposit => &messages.deposit,
        Purpose::Balance => &messages.balance,
        Purpose::Reminder => &messages.reminder,
        Purpose::Expiring => &messages.expiring,
        Purpose::Receipt => &messages.receipt,
        Purpose::Refund => &messages.refund,
    }
}

/// The standard SMS: the fullest of the language's texts that fits. Where none does, the clinic's name is shortened;
/// the link never is.
///
/// It fits in one segment. Letters beyond the GSM alphabet leave 70 characters, of which the address takes most: then
/// two are used, since a text that does not say who it is from looks like a swindler's (hazard D14).
pub fn standard_sms(purpose: Purpose, language: &Language, values: &Values) -> String {
    let texts: Vec<Template> = words(purpose, language)
        .sms
        .iter()
        .flat_map(|text| [Some(*text), without_phone(text)])
        .flatten()
        .filter_map(|text| Template::parse(text, purpose).ok())
        .collect();
    let says = |text: &Template| {
        let empty = |one: &Placeholder| text.count(*one) > 0 && values.get(*one).is_empty();
        !Placeholder::ALL.iter().any(empty)
    };
    let is_plain = |text: &Template| text.render(values).chars().all(is_gsm7);
    let segments_max = if texts.last().is_some_and(is_plain) {
        1
    } else {
        2
    };
    let fits = |text: &str| segments(text).count <= segments_max;
    for text in texts.iter().filter(|text| says(text)) {
        let rendered = text.render(values);
        if fits(&rendered) {
            return rendered;
        }
    }
    let Some(shortest) = texts.last() else {
        return format!("{} {}", values.amount, values.link);
    };
    for clinic in shortened(&values.clinic) {
        let rendered = shortest.render(&Values {
            clinic,
            ..values.clone()
        });
        if fits(&rendered) {
            return rendered;
        }
    }
    format!("{} {}", values.amount, values.link)
        .trim()
        .to_owned()
}

/// A text without its last sentence, where that is about calling the clinic: the first thing to leave off.
fn without_phone(text: &str) -> Option<&str> {
    let (rest, last) = text.rsplit_once(". ")?;
    last.contains("{clinic_phone}").then_some(rest)
}

/// A name with fewer and fewer of its words, the most first.
fn shortened(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    (1..words.len())
        .rev()
        .map(|count| words[..count].join(" "))
        .collect()
}
