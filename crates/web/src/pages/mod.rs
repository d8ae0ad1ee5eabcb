//! Pages as data: a page is a struct, its fields are all that its template may use, already worded and formatted for
//! display. Nothing here knows a request, the store or the clock; a handler fills the struct and renders it.
//!
//! Three habits hold everywhere:
//! - A form posts plainly to its `action` and answers 303, or 422 with the page again, its fields carrying `error`.
//! - A page that can also be a window over another has a `...Dialog` twin. Send the twin when the request carries
//!   `Remit-Fragment: dialog`, the whole page otherwise.
//! - An element with `data-live` names the topics it shows and, in `data-live-src`, an ordinary page that contains it
//!   under the same `id`; `live.js` fetches that page anew and takes the element out of it. Only the rows of a list that
//!   must not jump have routes of their own (`/payment-links/{id}/row`).

pub mod account;
pub mod api_keys;
pub mod appointments;
pub mod audit;
pub mod chart;
pub mod clinic;
pub mod diary;
pub mod digest;
pub mod ending;
pub mod find;
pub mod findings;
pub mod links;
pub mod message;
pub mod messaging;
pub mod methods;
pub mod notifications;
pub mod online_payments;
pub mod patient;
pub mod patients;
pub mod payment;
pub mod payments;
pub mod people;
pub mod practitioners;
pub mod providers;
pub mod receipts;
pub mod refunds;
pub mod reminders;
pub mod reschedule;
pub mod sending_limits;
pub mod services;
pub mod shortcuts;
pub mod sign_in;
pub mod status;
pub mod styleguide;
pub mod summary;
pub mod templates;
pub mod tray;

pub use status::{AppointmentStatus, Badge, Channel, LinkStatus, Tone};

/// What stands around every staff page: clinic, person, navigation, messages.
#[derive(Clone, Default)]
pub struct Shell {
    pub clinic: String,
    /// Where the clinic is: `Redland, Bristol`. May be empty.
    pub place: String,
    /// One or two letters for the clinic's mark.
    pub initials: String,
    /// None: the initials stand in its place.
    pub logo: Option<patient::Logo>,
    pub staff: String,
    /// The staff member's role in words: `Reception`.
    pub role: String,
    pub staff_initials: String,
    pub section: Section,
    /// Links accessed but not paid; 0 hides the number.
    pub follow_up: u64,
    /// Findings that wait for staff; 0 hides the number.
    pub findings: u64,
    /// Notifications that this person has not read; 0 hides the number.
    pub unread: u64,
    /// When the page was made, UTC milliseconds: what is paid after it is said aloud.
    pub made_at: i64,
    pub test_mode: bool,
    /// The token that every form of the page carries (hazard B12).
    pub csrf: String,
    /// The person's role books and takes money; without it those buttons are left out.
    pub may_book: bool,
    pub may_take: bool,
    /// The person's role changes settings and reads who did.
    pub may_configure: bool,
    /// The person's role connects providers and manages people.
    pub may_administer: bool,
    pub theme: Theme,
    /// Shortcuts of one character are switched off on this device (WCAG 2.2, 2.1.4); kept in the cookie `keys`.
    pub keys_off: bool,
    /// Said once, after what the person just did. Never the only place where an error stands.
    pub toasts: Vec<Toast>,
}

/// The entry of the navigation that is lit.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Section {
    #[default]
    Diary,
    Patients,
    OnlinePayments,
    Summary,
    Findings,
    Settings,
    None,
}

/// The person's choice of colours, kept in the cookie `theme`, so the server sets it without a flash.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Shell {
    /// The number at the bell.
    #[must_use]
    pub fn unread_words(&self) -> String {
        if self.unread > 99 {
            "99+".into()
        } else {
            self.unread.to_string()
        }
    }
}

impl Theme {
    /// Reads the cookie's value; what is not known means the system's choice.
    #[must_use]
    pub fn from_cookie(value: &str) -> Self {
        match value {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value of `data-theme`; empty for the system's choice.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Toast {
    pub text: String,
    /// An error stays until it is closed; anything else leaves after six seconds.
    pub error: bool,
}

/// One field of a form as it was typed, and what is wrong with it.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Field {
    pub value: String,
    /// A sentence that says what to do.
    pub error: Option<String>,
}

impl Field {
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            error: None,
        }
    }

    pub fn wrong(value: impl Into<String>, error: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            error: Some(error.into()),
        }
    }
}

/// One choice of a select.
#[derive(Clone, Default, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// One line of a timeline, newest first.
#[derive(Clone, Debug)]
pub struct TimelineEntry {
    /// A glyph of the sprite; the test of the icons reads these names from the handlers' side too.
    pub icon: &'static str,
    pub tone: Tone,
    pub text: String,
    /// Who or how: `Joanne Bright, reception`. May be empty.
    pub detail: String,
    pub at: String,
}
