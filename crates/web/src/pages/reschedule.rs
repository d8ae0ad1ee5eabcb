//! Moving an appointment by its fields: the keyboard's way, and where a drag that is asked about goes on.

use askama::Template;

use super::{Choice, Field, Shell};

/// `GET|POST /appointments/{id}/reschedule`.
#[derive(Template)]
#[template(path = "staff/reschedule.html")]
pub struct ReschedulePage {
    pub shell: Shell,
    pub form: Reschedule,
}

/// The same as a window.
#[derive(Template)]
#[template(path = "staff/reschedule_dialog.html")]
pub struct RescheduleDialog {
    pub form: Reschedule,
}

/// Controls: `date`, `start`, `minutes`, `practitioner`, `seen` (the revision the page was made from), `back` (the day
/// of the diary to return to; empty: the appointment), button `insist` = `1` for *Move anyway*.
pub struct Reschedule {
    pub id: String,
    pub csrf: String,
    pub patient: String,
    /// `Now Tue 24 Nov, 10:00 – 10:45 with Tom Hargreaves`.
    pub now: String,
    /// The revision that this form was made from.
    pub seen: i64,
    pub back: String,
    /// What stands against the time; *Move anyway* is offered.
    pub clash: Option<String>,
    /// Who changed it meanwhile, or another refusal.
    pub refused: Option<String>,
    pub date: Field,
    pub start: Field,
    pub minutes: Field,
    pub practitioners: Vec<Choice>,
    pub practitioner_error: Option<String>,
}
