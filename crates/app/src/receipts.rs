//! Receipts: what a patient gets once money has come or gone back. Online payments and refunds send one by themselves;
//! staff send one of any payment. Each sending is a row with its own outcome.

mod document;
mod pdf;
mod sending;

use remit_core::account::Effect;
use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{ClinicId, PaymentId, ReceiptId};
use remit_core::receipts::{DETAIL_CHARS_MAX, ReceiptSettings};
use remit_core::token::Token;
use remit_store::account::lock_standing;
use remit_store::receipts::{self, ReceiptView};
use remit_store::{Tx, audit, outbox};

use crate::sending_limits::{self, Wish};
use crate::{Actor, App, Error, Result, again, clinics, deliveries, keys, notes, payments};

pub use document::{Document, RefundLine, document};
pub(crate) use sending::{by_itself, carry_out, of_refund, told};

/// A wish to send a receipt.
#[derive(Clone, Debug)]
pub struct ReceiptInput {
    /// SMS or email.
    pub channel: Channel,
    /// Number or address; none: the patient's own.
    pub to: Option<String>,
}

/// Queues a payment's receipt. It leaves by the outbox, and its outcome is written on its row.
///
/// # Errors
/// [`Error::Invalid`] for an address that cannot be; [`Error::TooSoon`] and [`Error::Capped`] (hazard D13);
/// [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn send(
    app: &App,
    actor: &Actor,
    payment: PaymentId,
    id: Option<ReceiptId>,
    input: &ReceiptInput,
) -> Result<ReceiptView> {
    let place = payments::get(app, actor.clinic, payment).await?.payment;
    let visit = crate::appointments::get(app, actor.clinic, place.appointment).await?;
    let patient = crate::patients::get(app, actor.clinic, visit.patient).await?;
    let context = clinics::context(app, actor.clinic).await?;
    let to = input.to.as_deref();
    let address = match input.channel {
        Channel::Sms => deliveries::number(
            to.or(patient.phone.as_deref()),
            &context.clinic.country,
            &context.sending_limits,
        )?,
        Channel::Email => deliveries::mailbox(to.or(patient.email.as_deref()))?,
        Channel::Qr | Channel::Copy => {
            return Err(Error::invalid("channel", "Send it by SMS or email."));
        }
    };
    let segments = sending::segments(app, actor.clinic, payment, None, input.channel).await?;
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (_, now) = lock_standing(&mut tx, place.appointment)
            .await?
            .ok_or(Error::NotFound)?;
        if let Some(id) = id
            && let Some(made) = receipts::get_in(&mut tx, id).await?
        {
            return Ok(made);
        }
        let latest = receipts::latest(&mut tx, payment, input.channel).await?;
        deliveries::cool_down(latest, now)?;
        let wish = Wish {
            channel: input.channel,
            address: &address,
            segments,
        };
        sending_limits::take(app, &mut tx, &context, actor, &wish, now).await?;
        let receipt = ReceiptView {
            id: match id {
                Some(id) => id,
                None => app.fresh(now)?,
            },
            payment,
            appointment: place.appointment,
            refund: None,
            channel: input.channel,
            address: address.clone(),
            status: DeliveryStatus::Queued,
            reason: None,
            token_sealed: None,
            created_at: now,
            created_by: actor.label.clone(),
            done_at: None,
        };
        let effect = Effect::SendReceipt {
            receipt: receipt.id,
        };
        let receipt = insert(app, &mut tx, actor.clinic, receipt).await?;
        outbox::push(&mut tx, &effect, Some(place.appointment), now).await?;
        tx.commit().await?;
        tracing::info!(receipt.id = %receipt.id, payment.id = %payment, "queued receipt {}", receipt.id);
        Ok(receipt)
    })
    .await
}

/// Writes a sending. An SMS carries an address of its own, which shows this receipt and nothing else.
async fn insert(
    app: &App,
    tx: &mut Tx,
    clinic: ClinicId,
    mut receipt: ReceiptView,
) -> Result<ReceiptView> {
    let mut hash = None;
    if receipt.channel == Channel::Sms {
        let route = clinics::route_in(app, tx, clinic).await?;
        let token = Token::compose(&route, &keys::random_secret()?)
            .ok_or_else(|| Error::Setup("the clinic's route does not fit a token".into()))?;
        hash = Some(token.hash());
        let sealed = app.keys.seal(&place(clinic), token.reveal().as_bytes())?;
        receipt.token_sealed = Some(sealed);
    }
    receipts::insert(tx, &receipt, hash).await?;
    Ok(receipt)
}

/// Where a token is sealed for: the clinic and the column.
fn place(clinic: ClinicId) -> String {
    format!("{clinic} receipt.token")
}

/// The address that an SMS carries; none for an email.
fn url(app: &App, clinic: ClinicId, receipt: &ReceiptView) -> Result<Option<String>> {
    let Some(sealed) = &receipt.token_sealed else {
        return Ok(None);
    };
    let token = app.keys.open(&place(clinic), sealed)?;
    let token = std::str::from_utf8(&token).map_err(|_| Error::Sealed)?;
    Ok(Some(address(app, token)))
}

/// Where a receipt's token leads.
fn address(app: &App, token: &str) -> String {
    format!("{}/p/{token}/receipt", app.config.public_url)
}

/// The payment whose receipt an address's token shows. The same answer for unknown and malformed ones (hazard B10).
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn by_token(app: &App, text: &str) -> Result<(ClinicId, PaymentId)> {
    let token = Token::parse(text).ok_or(Error::NotFound)?;
    let clinic = clinics::by_route(app, token.route())
        .await?
        .ok_or(Error::NotFound)?;
    let receipt = receipts::by_token(&app.store, clinic, token.hash())
        .await?
        .ok_or(Error::NotFound)?;
    Ok((clinic, receipt.payment))
}

/// A payment's sendings, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_payment(
    app: &App,
    clinic: ClinicId,
    payment: PaymentId,
) -> Result<Vec<ReceiptView>> {
    Ok(receipts::of_payment(&app.store, clinic, payment).await?)
}

/// The receipt as a file: PDF, A4, the same bytes for the same receipt.
///
/// # Errors
/// [`Error::Setup`] when it could not be drawn, which would be ours.
pub fn pdf(document: &Document) -> Result<Vec<u8>> {
    pdf::write(document)
}

/// Saves how receipts look and leave.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn save_settings(
    app: &App,
    actor: &Actor,
    settings: &ReceiptSettings,
) -> Result<ReceiptSettings> {
    let mut clean = settings.clone();
    let legal = &mut clean.legal;
    for (field, text) in [
        ("legal_name", &mut legal.legal_name),
        ("registered_address", &mut legal.registered_address),
        ("company_number", &mut legal.company_number),
        ("vat_number", &mut legal.vat_number),
    ] {
        *text = notes::note(field, Some(text), DETAIL_CHARS_MAX)?.unwrap_or_default();
    }
    if legal.vat_rate.is_some() && legal.vat_number.is_empty() {
        // A receipt that states VAT must say who is registered for it.
        return Err(Error::invalid(
            "vat_number",
            "Enter the VAT number, or leave the rate empty.",
        ));
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    receipts::set(&mut tx, &clean).await?;
    let what = actor.clinic.to_string();
    audit::append(
        &mut tx,
        &actor.label,
        "receipt_settings.changed",
        &what,
        now,
    )
    .await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(clean)
}
