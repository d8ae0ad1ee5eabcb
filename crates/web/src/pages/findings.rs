//! Credits & findings: what the books noticed and a person should look at, patients' credits, work that gave up.

use askama::Template;

use super::{Choice, Field, Shell};

/// `GET /financials/findings`: `view` is empty for what is open, `credits` or `settled`; `kind` narrows findings.
///
/// Forms: `POST /financials/findings/{id}/close` with `note`, `POST /financials/findings/{id}/ask`;
/// `POST /payments/{id}/refund` with `finding`; `POST /refunds/{id}/approve|decline`;
/// `POST /financials/failed-work/{id}/retry`; `POST /financials/events/retry` with `about`;
/// `POST /financials/credits/{appointment}/keep`.
#[derive(Template)]
#[template(path = "staff/findings.html")]
pub struct Findings {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub view: View,
    /// What the person just did, said once: `The credit is kept for the next visit.`
    pub said: Option<&'static str>,
    /// Why what the person asked for was not done.
    pub refused: Option<String>,
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
    /// `Paid twice`.
    pub heading: String,
    /// Whom it is about, if it is about a patient's appointment.
    pub patient: Option<String>,
    pub happened: String,
    pub to_do: String,
    pub amount: Option<String>,
    /// The button that does it; none for a role that may not, and where only a person elsewhere can.
    pub button: Option<Button>,
    /// Keeps the credit of this appointment.
    pub keep: Option<String>,
    /// Where to look, the likelier place first.
    pub links: Vec<Place>,
    /// What was typed when it was marked as done, and what is wrong with it.
    pub note: Field,
    /// It is done only with words about what it was.
    pub needs_note: bool,
    /// Who settled it, when, with which words; none while it is open.
    pub settled: Option<String>,
}

/// Where a finding leads.
pub struct Place {
    pub href: String,
    pub words: String,
    /// On somebody else's site, so it opens beside this page.
    pub elsewhere: bool,
}

/// What settles a finding with one press.
pub enum Button {
    Refund(Box<Refund>),
    /// Lets a waiting refund go, or declines it.
    Decide(Decide),
    /// Has given-up work of the outbox done again, by its id.
    Work(String),
    /// Applies an event of a provider again, as its finding names it.
    Event(String),
    /// Asks whoever knows once more, in these words.
    Ask(&'static str),
    /// Chooses the appointment that a payment belongs to: where that is done.
    Match(String),
}

/// A refund as its form sends it: nothing is left to be typed.
pub struct Refund {
    pub payment_id: String,
    /// Empty where no finding is about it: a row of the credits.
    pub finding_id: String,
    /// As it is typed, and what the person sees as available.
    pub amount: String,
    pub seen: String,
    /// For the clinic's records.
    pub reason: &'static str,
    /// `Refund £20.00`.
    pub words: String,
    /// `To the card it was paid with, in 5 to 10 working days.`
    pub hint: String,
    /// The form with another amount.
    pub other: String,
    pub key: String,
}

pub struct Decide {
    pub refund_id: String,
    /// `Approve £120.00`.
    pub words: String,
    pub may_approve: bool,
    pub may_decline: bool,
}

pub struct Credit {
    pub appointment_id: String,
    pub patient: String,
    pub appointment: String,
    pub amount: String,
    /// `Not decided`, `Kept as credit`, `£20.00 is on its way back`.
    pub standing: String,
    /// Nobody has decided yet.
    pub undecided: bool,
    pub refund: Option<Refund>,
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

/// `GET|POST /financials/findings/{id}/match`: the appointment that a provider's payment belongs to; `q` searches for a
/// patient, `appointment` is chosen.
#[derive(Template)]
#[template(path = "staff/match.html")]
pub struct Match {
    pub shell: Shell,
    pub id: String,
    /// `£45.00 at Stripe, payment pi_123`.
    pub payment: String,
    pub q: String,
    /// What the list below holds.
    pub about: String,
    pub refused: Option<String>,
    pub found: Vec<Candidate>,
    pub idempotency_key: String,
}

pub struct Candidate {
    pub appointment_id: String,
    pub patient: String,
    /// `Today 10:15, Tom Hargreaves · Physiotherapy follow-up`.
    pub appointment: String,
    pub due: String,
    /// Exactly as much is due as was paid.
    pub exact: bool,
}
