//! Receipts: sent again, read as a file, and how they look.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use remit_app::receipts::{self, ReceiptInput};
use remit_app::{App, clinics, payments, views};
use remit_core::ids::{PaymentId, ReceiptId, RefundId};
use remit_core::receipts::{LegalDetails, ReceiptSettings as Rules, VatRate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists::{self, List};
use super::money::Time;
use super::problem::Problem;
use super::words::{Channel, DeliveryStatus, MessageChannel};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReceipt {
    channel: MessageChannel,
    /// Number or address; the patient's own without it.
    to: Option<String>,
}

/// One sending of a payment's receipt, or of the word that a refund was made, with its own outcome.
#[derive(Serialize, ToSchema)]
pub struct Receipt {
    #[schema(value_type = String, example = "rcp_019ab000000070008000000000000001")]
    id: ReceiptId,
    #[schema(value_type = String)]
    payment_id: PaymentId,
    /// It tells of this refund; null: it is the payment's receipt.
    #[schema(value_type = Option<String>)]
    refund_id: Option<RefundId>,
    channel: Channel,
    to: String,
    status: DeliveryStatus,
    /// Why it failed or is uncertain.
    reason: Option<String>,
    created_at: Time,
    created_by: String,
    /// When the outcome became known.
    done_at: Option<Time>,
}

impl From<views::ReceiptView> for Receipt {
    fn from(view: views::ReceiptView) -> Receipt {
        Receipt {
            id: view.id,
            payment_id: view.payment,
            refund_id: view.refund,
            channel: view.channel.into(),
            to: view.address,
            status: view.status.into(),
            reason: view.reason,
            created_at: Time(view.created_at),
            created_by: view.created_by,
            done_at: view.done_at.map(Time),
        }
    }
}

/// Send a payment's receipt
///
/// The message is queued: an email with the receipt as PDF, or an SMS with the address of its page. 429 when it went out
/// over this channel in the last two minutes.
#[utoipa::path(post, path = "/payments/{id}/receipt", tag = "Payments", operation_id = "send_receipt", params(("id" = String, Path)),
    request_body = NewReceipt, responses((status = 201, body = Receipt)))]
pub async fn send(Id(payment): Id<PaymentId>, call: Call<NewReceipt>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = ReceiptInput {
            channel: work.body.channel.into(),
            to: work.body.to.clone(),
        };
        let made = receipts::send(&work.app, &work.actor, payment, work.id(), &input).await?;
        Answer::created(&Receipt::from(made))
    })
    .await
}

/// List the sendings of a payment's receipt
///
/// Newest first, at most the latest 100.
#[utoipa::path(get, path = "/payments/{id}/receipts", tag = "Payments", operation_id = "list_receipts", params(("id" = String, Path)),
    responses((status = 200, body = List<Receipt>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<PaymentId>,
    _: lists::NoQuery,
) -> Result<Json<List<Receipt>>, Problem> {
    let payment = payments::get(&app, actor.clinic, id).await?.payment.id;
    let rows = receipts::of_payment(&app, actor.clinic, payment).await?;
    Ok(Json(List {
        data: rows.into_iter().map(Receipt::from).collect(),
        next_cursor: None,
    }))
}

/// A payment's receipt, PDF
#[utoipa::path(get, path = "/payments/{id}/receipt.pdf", tag = "Payments", operation_id = "get_receipt_pdf", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf")))]
pub async fn file(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<PaymentId>,
    _: lists::NoQuery,
) -> Result<impl IntoResponse, Problem> {
    let document = receipts::document(&app, actor.clinic, id).await?;
    let file = receipts::pdf(&document)?;
    Ok(([(CONTENT_TYPE, "application/pdf")], file))
}

/// What stands on receipts, and how they reach patients.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptSettings {
    /// Empty: left out, as with the next three.
    #[serde(default)]
    legal_name: String,
    #[serde(default)]
    registered_address: String,
    #[serde(default)]
    company_number: String,
    #[serde(default)]
    vat_number: String,
    /// In percent, such as `20` or `17.5`; null: no VAT line. Needs the VAT number.
    #[schema(example = "20")]
    vat_rate: Option<String>,
    /// Patients without an email address get an SMS with their receipt's address.
    #[serde(default)]
    by_sms: bool,
    /// Name what was booked. It can tell about somebody's health.
    #[serde(default)]
    name_services: bool,
}

impl From<&Rules> for ReceiptSettings {
    fn from(rules: &Rules) -> ReceiptSettings {
        let legal = &rules.legal;
        ReceiptSettings {
            legal_name: legal.legal_name.clone(),
            registered_address: legal.registered_address.clone(),
            company_number: legal.company_number.clone(),
            vat_number: legal.vat_number.clone(),
            vat_rate: legal.vat_rate.map(VatRate::figure),
            by_sms: rules.by_sms,
            name_services: rules.name_services,
        }
    }
}

impl ReceiptSettings {
    fn rules(&self) -> Result<Rules, Problem> {
        let vat_rate = match &self.vat_rate {
            None => None,
            Some(text) => Some(VatRate::parse(text).ok_or_else(|| {
                let message = "Use a percentage above 0 and up to 100, such as \"20\".";
                Problem::invalid("vat_rate", message)
            })?),
        };
        Ok(Rules {
            legal: LegalDetails {
                legal_name: self.legal_name.clone(),
                registered_address: self.registered_address.clone(),
                company_number: self.company_number.clone(),
                vat_number: self.vat_number.clone(),
                vat_rate,
            },
            by_sms: self.by_sms,
            name_services: self.name_services,
        })
    }
}

/// Read the receipt settings
#[utoipa::path(get, path = "/settings/receipts", tag = "Settings", operation_id = "get_receipt_settings",
    responses((status = 200, body = ReceiptSettings)))]
pub async fn settings(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<ReceiptSettings>, Problem> {
    let context = clinics::context(&app, actor.clinic).await?;
    Ok(Json(ReceiptSettings::from(&context.receipts)))
}

/// Change the receipt settings
///
/// What is left out is emptied or switched off.
#[utoipa::path(put, path = "/settings/receipts", tag = "Settings", operation_id = "change_receipt_settings", request_body = ReceiptSettings,
    responses((status = 200, body = ReceiptSettings)))]
pub async fn change_settings(call: Call<ReceiptSettings>) -> Result<Response, Problem> {
    call.run(async |work| {
        let rules = work.body.rules()?;
        let saved = receipts::save_settings(&work.app, &work.actor, &rules).await?;
        Answer::ok(&ReceiptSettings::from(&saved))
    })
    .await
}
