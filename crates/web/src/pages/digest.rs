//! Settings -> Daily digest.

use askama::Template;

use super::{Choice, Shell};

/// `GET|POST /settings/digest`: `enabled`, `hour`.
#[derive(Template)]
#[template(path = "staff/digest.html")]
pub struct DigestPage {
    pub shell: Shell,
    pub may_change: bool,
    pub saved: bool,
    pub enabled: bool,
    pub hours: Vec<Choice>,
    pub zone: String,
    /// Why it was not saved.
    pub refused: Option<String>,
}
