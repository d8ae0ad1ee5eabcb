//! Credits & findings: what the books noticed and a person should look at, and work that gave up.

use askama::Template;

use super::Shell;

/// `GET /financials/findings`. A finding closes by `POST /financials/findings/{id}/close`; given-up work is tried again
/// by `POST /financials/failed-work/{id}/retry`.
#[derive(Template)]
#[template(path = "staff/findings.html")]
pub struct Findings {
    pub shell: Shell,
    pub findings: Vec<Finding>,
    pub failed_work: Vec<FailedWork>,
    pub may_close: bool,
}

pub struct Finding {
    pub id: String,
    pub at: String,
    /// `Paid twice: £20.00 is now credit`.
    pub heading: String,
    pub happened: String,
    pub to_do: String,
    pub amount: Option<String>,
    /// Where to look: address and words.
    pub link: Option<(String, String)>,
    /// The payment that the one-click refund gives back.
    pub refund_payment_id: Option<String>,
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
