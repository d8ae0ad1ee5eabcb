//! The demo's message tray: what the patient's phone and mailbox would show.

use askama::Template;

/// `GET /demo/messages`, newest first.
#[derive(Template)]
#[template(path = "demo/messages.html")]
pub struct Tray {
    pub clinic: String,
    /// The number that no message reaches.
    pub unreachable: String,
    pub messages: Vec<TrayMessage>,
}

pub struct TrayMessage {
    pub id: String,
    pub sms: bool,
    pub to: String,
    /// Who it seems to come from: a sender name or an address.
    pub from: String,
    /// Emails only.
    pub subject: String,
    /// Text and addresses in the order they stand.
    pub parts: Vec<TextPart>,
    pub at: String,
    /// SMS parts as the networks bill them; 0 for an email.
    pub segments: u32,
    /// Characters of the SMS.
    pub characters: u32,
}

pub enum TextPart {
    Text(String),
    Link(String),
}
