//! A payment: what came in, what went back, and what its payer's bank says.

use askama::Template;

use super::appointments::WaitingRefund;
use super::receipts::{ReceiptForm, ReceiptLine};
use super::{Badge, Shell};

/// `GET /payments/{id}`.
#[derive(Template)]
#[template(path = "staff/payment.html")]
pub struct PaymentPage {
    pub shell: Shell,
    pub id: String,
    pub appointment_id: String,
    pub patient: String,
    /// `Card, payment link · Fri 20 Nov, 18:42`.
    pub what: String,
    pub badges: Vec<Badge>,
    pub paid: String,
    pub refunded: String,
    /// What is left to give back.
    pub available: String,
    /// Label and value: provider, its id, reference, who recorded it.
    pub facts: Vec<(&'static str, String)>,
    pub refunds: Vec<RefundLine>,
    pub waiting: Vec<WaitingRefund>,
    pub disputes: Vec<DisputeLine>,
    /// Something is left to give back, the role may, and no bank is looking into it.
    pub refundable: bool,
    /// Where the sandbox's bank is played; only in test mode.
    pub sandbox: Option<String>,
    /// What went wrong with an approval.
    pub refused: Option<String>,
    /// Sendings of the receipt, newest first.
    pub receipts: Vec<ReceiptLine>,
    /// For a role that sends.
    pub receipt_form: Option<ReceiptForm>,
}

pub struct RefundLine {
    pub amount: String,
    /// `Succeeded`, `On its way`, `Waits for a second person`, `Failed`, `Declined`.
    pub status: &'static str,
    pub at: String,
    pub by: String,
    /// Why it was made, or why it failed.
    pub note: String,
}

pub struct DisputeLine {
    pub amount: String,
    /// `Disputed. Send evidence to Stripe by Tue 1 December.`
    pub status: String,
    pub reason: String,
    pub opened: String,
    /// `£50.00 is held by the bank`. May be empty.
    pub held: String,
}
