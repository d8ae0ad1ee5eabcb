//! An appointment that does not take place: what becomes of its money is asked before anything is done.

use askama::Template;

use super::{AppointmentStatus, Shell};

/// `GET|POST /appointments/{id}/end`.
#[derive(Template)]
#[template(path = "staff/ending.html")]
pub struct EndingPage {
    pub shell: Shell,
    pub form: Ending,
}

/// The same as a window.
#[derive(Template)]
#[template(path = "staff/ending_dialog.html")]
pub struct EndingDialog {
    pub form: Ending,
}

/// Controls: `status` (`cancelled` or `no_show`), `paid_is` (`refunded`, `credited`, `kept` or `as_is`), `override` =
/// `1` for *Go on anyway*.
pub struct Ending {
    pub id: String,
    pub csrf: String,
    pub status: AppointmentStatus,
    /// `Cancel the appointment of Hannah Whitlock`.
    pub title: String,
    /// `Physiotherapy assessment with Tom Hargreaves · 10:00 – 10:45 · Room 2`.
    pub summary: String,
    /// What is to be decided: `What becomes of the £20.00 that is paid?` Empty: nothing.
    pub question: String,
    pub choices: Vec<Way>,
    /// Nothing was chosen.
    pub choice_error: Option<String>,
    /// What happens besides: the open link, a second person.
    pub notes: Vec<String>,
    pub refused: Option<String>,
    /// A payment under way could not be closed because the provider does not answer: staff may go on.
    pub offers_override: bool,
    /// `Cancel appointment`.
    pub label: &'static str,
}

/// One thing that can become of the money.
pub struct Way {
    pub value: &'static str,
    pub icon: &'static str,
    /// `Refund £20.00`.
    pub word: String,
    /// `Card £20.00 goes back the way it came.`
    pub detail: String,
    pub chosen: bool,
}
