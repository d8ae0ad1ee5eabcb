//! Settings -> Audit log: who changed what, newest first.

use askama::Template;

use super::Shell;

/// `GET /settings/audit?before=`: the lines before one of that number.
#[derive(Template)]
#[template(path = "staff/audit.html")]
pub struct AuditLog {
    pub shell: Shell,
    pub rows: Vec<AuditRow>,
    /// `214 lines`.
    pub total: String,
    pub first: Option<String>,
    pub older: Option<String>,
}

pub struct AuditRow {
    /// `Today 10:38`.
    pub at: String,
    pub who: String,
    /// `Changed the refund limits`.
    pub what: String,
    /// What it was done to, word by word.
    pub about: Vec<AboutWord>,
}

/// A word of it, or the page of what it names.
pub struct AboutWord {
    pub text: String,
    pub href: Option<String>,
}
