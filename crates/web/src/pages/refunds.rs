//! Giving money back.

use askama::Template;

use super::{Field, Shell};

/// `GET|POST /payments/{id}/refund`: `amount`, `reason`. `POST /payments/{id}/correct`: `reason`.
#[derive(Template)]
#[template(path = "staff/refund.html")]
pub struct RefundPage {
    pub shell: Shell,
    pub payment_id: String,
    pub appointment_id: String,
    pub patient: String,
    /// `Card, payment link · Fri 20 Nov, 18:42`.
    pub payment: String,
    pub paid: String,
    pub refunded: String,
    /// What is left to give back.
    pub available: String,
    /// The same as the form sends it back (`seen`), so that what changed meanwhile is noticed.
    pub available_figure: String,
    /// Something is left: the form is there.
    pub offers: bool,
    pub currency_sign: String,
    pub amount: Field,
    pub reason: Field,
    /// The reason of a correction; none for money that a provider took.
    pub correction: Option<Field>,
    /// `Refunds reach a card in 5 to 10 working days.`
    pub note: String,
    pub refused: Option<String>,
    pub idempotency_key: String,
}

/// `GET|POST /settings/refunds`: `reception_max`, `approval_above`, `auto_refund`; what is empty is switched off.
#[derive(Template)]
#[template(path = "staff/refund_limits.html")]
pub struct RefundLimits {
    pub shell: Shell,
    pub currency_sign: String,
    pub reception_max: Field,
    pub approval_above: Field,
    pub auto_refund: bool,
    pub saved: bool,
    pub may_change: bool,
}
