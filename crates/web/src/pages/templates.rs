//! Settings -> Messages -> Texts: what patients read.

use askama::Template;

use super::{Choice, Field, Shell};

/// `GET|POST /settings/messages/texts`, and `POST .../preview`: `subject`, `body`.
#[derive(Template)]
#[template(path = "staff/message_texts.html")]
pub struct MessageTexts {
    pub shell: Shell,
    pub may_change: bool,
    pub saved: bool,
    /// `sms`, `email`.
    pub channel: &'static str,
    pub language: &'static str,
    pub purpose: &'static str,
    pub channels: Vec<Choice>,
    pub languages: Vec<Choice>,
    pub purposes: Vec<Choice>,
    /// `Balance by SMS in Welsh`.
    pub heading: String,
    pub html_lang: &'static str,
    pub dir: &'static str,
    /// Emails only.
    pub subject: Option<Field>,
    pub body: Field,
    pub is_standard: bool,
    /// Name with its brackets, and what stands there.
    pub placeholders: Vec<(String, &'static str)>,
    pub preview: Preview,
    pub versions: Vec<Version>,
}

/// A text as it would arrive.
pub struct Preview {
    /// The standard text, which is shortened by itself.
    pub is_standard: bool,
    pub subject: Option<String>,
    pub text: String,
    /// Characters, segments, alphabet, cost; SMS only.
    pub facts: Vec<String>,
    pub findings: Vec<TextFinding>,
}

/// What is to be said about a text.
pub struct TextFinding {
    /// The text cannot be saved with it.
    pub refused: bool,
    /// `Subject`; empty for the text itself.
    pub part: &'static str,
    pub sentence: String,
}

/// One version of a text.
pub struct Version {
    pub number: i64,
    pub in_use: bool,
    /// None: the standard text.
    pub text: Option<String>,
    pub who: String,
    pub when: String,
}
