//! Delivery receipts: what a carrier tells of a message later. Believed by its proof, matched to a delivery that this
//! very carrier was handed, and written only when it says more than is known.

use remit_core::ids::{ClinicId, DeliveryId, EndpointId, ReceiptId};
pub use remit_gateways::messages::ReceiptError;
use remit_gateways::messages::{Receipt, ReceiptRequest};
use remit_store::{deliveries, links, messaging};

use super::open;
use crate::sending::{self, News};
use crate::{App, Error, Result, receipts};

/// The headers of a receipt.
pub type Headers = axum::http::HeaderMap;

/// How a receipt was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Written on its delivery.
    Written,
    /// Believed, and it changes nothing: about a message that we do not keep, or less than is known already.
    Ignored,
    /// Not believed.
    Refused(ReceiptError),
}

/// Takes one receipt. `path` is the path and query that were asked for.
///
/// # Errors
/// [`Error::NotFound`] for an unknown endpoint; or the store's, so that the carrier tries again.
#[crate::boxed]
pub async fn receive(
    app: &App,
    endpoint: EndpointId,
    path: &str,
    headers: &Headers,
    body: &[u8],
) -> Result<Accepted> {
    let found = messaging::by_endpoint(&app.store, endpoint).await?;
    let (row, now) = found.ok_or(Error::NotFound)?;
    // The address as carriers know it: from our own setting, never from a request's Host (hazard D5).
    let url = format!("{}{path}", app.config.public_url);
    let request = ReceiptRequest {
        url: &url,
        headers,
        body,
        received_at: now,
    };
    let receipt = match open(app, &row)?.parse_receipt(request) {
        Ok(receipt) => receipt,
        Err(error) => {
            metrics::counter!("remit_receipts_refused_total").increment(1);
            return Ok(Accepted::Refused(error));
        }
    };
    apply(app, row.clinic, endpoint, &receipt).await
}

/// Writes what is believed of a message on the delivery, or on the patient's receipt, that it was sent for.
pub(super) async fn apply(
    app: &App,
    clinic: ClinicId,
    endpoint: EndpointId,
    receipt: &Receipt,
) -> Result<Accepted> {
    let named = receipt.reference.as_deref();
    if let Some(id) = named.and_then(|named| named.parse().ok()) {
        return of_receipt(app, clinic, id, receipt).await;
    }
    match delivery_of(app, clinic, endpoint, receipt).await? {
        Some(delivery) => write(app, clinic, delivery, receipt).await,
        None => Ok(Accepted::Ignored),
    }
}

/// The delivery that a receipt is about. Its reference is believed only where this carrier was handed that delivery.
async fn delivery_of(
    app: &App,
    clinic: ClinicId,
    endpoint: EndpointId,
    receipt: &Receipt,
) -> Result<Option<DeliveryId>> {
    let carrier = endpoint.to_string();
    let named = receipt.reference.as_deref();
    if let Some(delivery) = named.and_then(|reference| reference.parse().ok()) {
        let handed = deliveries::handed(&app.store, clinic, delivery).await?;
        if handed.is_some_and(|handed| handed.carrier == carrier) {
            return Ok(Some(delivery));
        }
    }
    let Some(message) = &receipt.provider_message_id else {
        return Ok(None);
    };
    Ok(deliveries::by_message(&app.store, clinic, &carrier, message).await?)
}

/// What became of a patient's receipt, which is no delivery of a link.
async fn of_receipt(
    app: &App,
    clinic: ClinicId,
    id: ReceiptId,
    receipt: &Receipt,
) -> Result<Accepted> {
    let news = News {
        status: receipt.status.into(),
        reason: receipt.reason.as_deref(),
        known_as: receipt.provider_message_id.as_deref(),
    };
    match receipts::told(app, clinic, id, &news).await {
        Ok(()) => Ok(Accepted::Written),
        Err(Error::NotFound) => Ok(Accepted::Ignored),
        Err(error) => Err(error),
    }
}

async fn write(app: &App, clinic: ClinicId, id: DeliveryId, receipt: &Receipt) -> Result<Accepted> {
    let Some(delivery) = deliveries::get(&app.store, clinic, id).await? else {
        return Ok(Accepted::Ignored);
    };
    let appointment = links::place(&app.store, clinic, delivery.link).await?;
    let news = News {
        status: receipt.status.into(),
        reason: receipt.reason.as_deref(),
        known_as: receipt.provider_message_id.as_deref(),
    };
    let written = sending::write(app, clinic, appointment, &delivery, &news).await?;
    Ok(if written {
        Accepted::Written
    } else {
        Accepted::Ignored
    })
}
