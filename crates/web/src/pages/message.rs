//! One page for everything that is only a sentence: not found, forbidden, conflict, our fault.

use askama::Template;

use super::Shell;

/// A sentence with the next step, for staff who are signed in.
#[derive(Template)]
#[template(path = "staff/message.html")]
pub struct Message {
    pub shell: Shell,
    pub heading: String,
    pub text: String,
    /// Where to go: address and words.
    pub link: (String, String),
}

/// The same for those who are not signed in, without the frame.
#[derive(Template)]
#[template(path = "staff/plain_message.html")]
pub struct PlainMessage {
    pub heading: String,
    pub text: String,
    pub link: Option<(String, String)>,
}
