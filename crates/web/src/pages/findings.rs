//! Credits & findings: what the books noticed and a person should look at, patients' credits, work that gave up.

use askama::Template;

use super::{Choice, Shell};

/// `GET /financials/findings`: `view` is empty for what is open, `credits` or `settled`; `kind` narrows findings.
///
/// Forms: `POST /financials/findings/{id}/close` with `note`; `POST /financials/failed-work/{id}/retry`;
/// `POST /financials/events/retry` with `about`; `POST /financials/credits/{appointment}/keep`.
#[derive(Template)]
#[template(path = "staff/findings.html")]
pub struct Findings {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub view: View,
    /// The kinds of findings to choose from.
    pub kinds: Vec<Choice>,
    /// The list is narrowed to one kind.
    pub narrowed: bool,
    pub findings: Vec<Finding>,
    pub credits: Vec<Credit>,
    /// `3 appointments, £84.00`.
    pub credit_total: String,
    pub failed_work: Vec<FailedWork>,
    pub may_close: bool,
    pub first: Option<String>,
    pub older: Option<String>,
    pub here: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Open,
    Credits,
    Settled,
}

impl View {
    /// As it stands in the page's address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Credits => "credits",
            Self::Settled => "settled",
        }
    }
}

pub struct Tab {
    pub label: &'static str,
    pub href: String,
    pub count: Option<u64>,
    pub current: bool,
}

pub struct Finding {
    pub id: String,
    pub at: String,
    /// `More was received than was due`.
    pub heading: String,
    pub happened: String,
    pub to_do: String,
    pub amount: Option<String>,
    /// Gives money back: address of the form with its amount, and the button's words.
    pub refund: Option<(String, String)>,
    /// Keeps the credit of this appointment.
    pub keep: Option<String>,
    pub retry: Option<Retry>,
    /// Where to look: address and words.
    pub link: Option<(String, String)>,
    /// Who settled it, when, with which words; none while it is open.
    pub settled: Option<String>,
}

/// Has given-up work done again.
pub enum Retry {
    /// Of the outbox, by its id.
    Work(String),
    /// An event of a provider, as its finding names it.
    Event(String),
}

pub struct Credit {
    pub appointment_id: String,
    pub patient: String,
    pub appointment: String,
    pub amount: String,
    /// Nobody has decided yet.
    pub undecided: bool,
    pub refund: Option<(String, String)>,
}

pub struct FailedWork {
    pub id: String,
    pub at: String,
    /// `SMS to the patient of appointment ...`: never a token or a name of a treatment.
    pub what: String,
    pub why: String,
    pub tries: u32,
    pub link: Option<(String, String)>,
}
