//! Online payments received: the list behind the figures of the summary.

use askama::Template;

use super::{Choice, Shell};

/// `GET /financials/payments`
#[derive(Template)]
#[template(path = "staff/payments.html")]
pub struct Payments {
    pub shell: Shell,
    pub from: String,
    pub to: String,
    pub methods: Vec<Choice>,
    pub error: Option<String>,
    pub rows: Vec<PaymentRow>,
    /// `171 payments, £18,462.50`.
    pub total: String,
    pub first: Option<String>,
    pub older: Option<String>,
    pub here: String,
    /// The summary of the same days.
    pub summary: String,
}

pub struct PaymentRow {
    pub id: String,
    pub appointment_id: String,
    pub patient: String,
    pub received: String,
    pub method: &'static str,
    pub paid_with: String,
    pub amount: String,
    /// Empty when nothing went back.
    pub refunded: String,
}
