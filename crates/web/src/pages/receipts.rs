//! Receipts as staff see them: the sendings of a payment's receipt, and the settings.

use askama::Template;

use super::{Field, Shell, Tone};

/// One sending of a receipt.
pub struct ReceiptLine {
    /// `Receipt`, `Refund message`.
    pub what: &'static str,
    pub icon: &'static str,
    pub to: String,
    /// `Queued`, `Sent`, `Delivered`, `Failed`, `May have arrived or not`.
    pub status: &'static str,
    pub tone: Tone,
    /// Why it failed or is uncertain. May be empty.
    pub reason: String,
    pub at: String,
    pub by: String,
}

/// The form that sends one: `channel`, `to`.
pub struct ReceiptForm {
    pub to: Field,
    pub sms: bool,
    /// The patient's own, shown beside the choices.
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Why it was not sent, where no field is wrong.
    pub refused: Option<String>,
    pub idempotency_key: String,
}

/// `GET|POST /settings/receipts`.
#[derive(Template)]
#[template(path = "staff/receipt_settings.html")]
pub struct ReceiptSettingsPage {
    pub shell: Shell,
    pub may_change: bool,
    pub saved: bool,
    pub legal_name: Field,
    pub registered_address: Field,
    pub company_number: Field,
    pub vat_number: Field,
    pub vat_rate: Field,
    pub by_sms: bool,
    pub name_services: bool,
}
