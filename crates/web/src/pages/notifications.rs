//! Notifications: what staff should hear of, as a page and as a window over another.

use askama::Template;

use super::{Shell, Tone};

/// `GET /notifications`.
#[derive(Template)]
#[template(path = "staff/notifications.html")]
pub struct Notifications {
    pub shell: Shell,
    pub notices: Notices,
}

/// The same over another page.
#[derive(Template)]
#[template(path = "staff/notifications_dialog.html")]
pub struct NotificationsDialog {
    pub notices: Notices,
}

/// The list, newest first, and the form that marks it as read: `until`.
pub struct Notices {
    pub csrf: String,
    pub rows: Vec<Notice>,
    pub unread: usize,
    /// UTC milliseconds of the newest.
    pub until: i64,
}

pub struct Notice {
    pub id: String,
    pub icon: &'static str,
    pub tone: Tone,
    pub text: String,
    /// Why, or how it stands. May be empty.
    pub detail: String,
    pub at: String,
    /// UTC milliseconds.
    pub at_ms: i64,
    pub href: String,
    pub unread: bool,
    /// Every open page says it aloud when it comes.
    pub toast: bool,
}
