//! Delivery receipts in a form of our own: JSON `{"message_id" or "reference", "status", "reason"}`, for HTTP gateways
//! and for whatever reads a clinic's bounce mailbox. Its sender proves itself by the token that the clinic entered: as
//! `Authorization: Bearer`, or as the key of `Remit-Signature: t=<unix seconds>,v1=<HMAC-SHA256 of "t.body">`.

use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::messages::{MessageStatus, Receipt, ReceiptError, ReceiptRequest};
use crate::signature;

pub const SIGNATURE_HEADER: &str = "remit-signature";
const REASON_CHARS_MAX: usize = 200;

#[derive(Deserialize)]
struct Pushed {
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    reference: Option<String>,
    status: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Reads a receipt. Without a token nobody is believed (hazard D1).
///
/// # Errors
/// See [`ReceiptError`].
pub fn parse(token: Option<&str>, request: &ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
    let token = token.filter(|token| !token.is_empty());
    let token = token.ok_or(ReceiptError::Signature)?;
    if !is_proven(token, request) {
        return Err(ReceiptError::Signature);
    }
    let pushed: Pushed =
        serde_json::from_slice(request.body).map_err(|_| ReceiptError::Malformed)?;
    let status = match pushed.status.to_ascii_lowercase().as_str() {
        "queued" | "accepted" | "sent" | "deferred" => MessageStatus::Sent,
        "delivered" => MessageStatus::Delivered,
        "failed" | "undelivered" | "rejected" | "expired" | "bounced" | "bounce" => {
            MessageStatus::Failed
        }
        _ => return Err(ReceiptError::Malformed),
    };
    let (reference, provider_message_id) = (
        pushed
            .reference
            .or_else(|| pushed.message_id.as_deref().and_then(of_message_id)),
        pushed.message_id,
    );
    if reference.is_none() && provider_message_id.is_none() {
        return Err(ReceiptError::Malformed);
    }
    Ok(Receipt {
        reference,
        provider_message_id,
        status,
        reason: (status == MessageStatus::Failed).then(|| words(pushed.reason.as_deref())),
    })
}

fn is_proven(token: &str, request: &ReceiptRequest<'_>) -> bool {
    let header = |name: &str| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if let Some(signed) = header(SIGNATURE_HEADER) {
        let secrets = [token.to_owned()];
        return signature::verify(signed, request.body, &secrets, request.received_at).is_ok();
    }
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '));
    bearer.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer")
            && bool::from(given.trim().as_bytes().ct_eq(token.as_bytes()))
    })
}

/// Our reference in an email's Message-ID: what stands before the `@`.
pub(crate) fn of_message_id(id: &str) -> Option<String> {
    let bare = id.trim().trim_start_matches('<').trim_end_matches('>');
    let (reference, _) = bare.split_once('@')?;
    Some(reference.to_owned())
}

/// Why, as the other side wrote it: one line of bounded length.
fn words(reason: Option<&str>) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let reason: String = reason
        .unwrap_or_default()
        .trim()
        .chars()
        .map(clean)
        .take(REASON_CHARS_MAX)
        .collect();
    if reason.is_empty() {
        "It came back without a reason.".to_owned()
    } else {
        reason
    }
}
