//! What an answer of Stripe's proves, and what staff are told to do about a no (hazards A12 to A15).
//!
//! *Refused*: Stripe's own error body with a 4xx that is about the request. *Unknown*: everything else, among them what
//! Stripe sends before it has looked (429, a lock that was not free, a key in flight) and all of 5xx, stored ones too.

use serde::de::DeserializeOwned;

use super::wire::{ErrorAnswer, ErrorBody};
use crate::http::{self, Reply};
use crate::{Answer, Refusal};

/// Turns a reply into an answer; `read` says `None` to one that makes no sense.
pub(super) fn judge<W: DeserializeOwned, T>(
    reply: &Reply,
    read: impl FnOnce(W) -> Option<T>,
) -> Answer<T> {
    http::judge(
        reply,
        |body| serde_json::from_slice(body).ok().and_then(read),
        refusal,
    )
}

/// Stripe's own no; `None` when it is none, or says only that it was too busy to look.
fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorAnswer>(body).ok()?.error;
    if asks_to_repeat(status, &error) {
        return None;
    }
    let (code, message) = match (status, error.kind.as_str()) {
        (401, _) => unauthorised(&error),
        (403, _) => (
            "forbidden",
            "The Stripe key may not do this. In the Stripe dashboard give it write access to Checkout Sessions, \
             Refunds and Webhook Endpoints, and read access to the rest; or use the secret key."
                .to_owned(),
        ),
        (402, _) | (_, "card_error") => (
            "declined",
            "Stripe did not carry this out: the bank or the lender said no.".to_owned(),
        ),
        (_, "idempotency_error") => (
            "idempotency_mismatch",
            "Stripe has seen this request before, with other contents, and did nothing.".to_owned(),
        ),
        _ => invalid(&error),
    };
    Some(Refusal {
        code: code.to_owned(),
        message,
    })
}

/// The rate limiter and the locks answer before the request is looked at; a failed dependency (424) and an error of
/// Stripe's own prove nothing whatever their number.
fn asks_to_repeat(status: u16, error: &ErrorBody) -> bool {
    matches!(
        error.code.as_str(),
        "rate_limit" | "lock_timeout" | "idempotency_key_in_use" | "api_error"
    ) || matches!(
        error.kind.as_str(),
        "api_error" | "api_connection_error" | "rate_limit_error"
    ) || status == 424
        || (error.kind.is_empty() && error.code.is_empty())
}

fn unauthorised(error: &ErrorBody) -> (&'static str, String) {
    let why = match error.code.as_str() {
        "api_key_expired" => "This Stripe key has expired or was replaced.",
        "secret_key_required" => "This is a publishable Stripe key, which cannot take payments.",
        _ => "Stripe does not know this key.",
    };
    (
        "unauthorised",
        format!(
            "{why} Copy the secret key, or a restricted one, from the Stripe dashboard under Developers, API keys."
        ),
    )
}

/// A request that Stripe looked at and refused. Its own sentence is never passed on: it may repeat what was sent.
fn invalid(error: &ErrorBody) -> (&'static str, String) {
    if error.message.contains("a similar object exists in") {
        // Neither proof that there is none, nor that there is one: it was asked with the other mode's key.
        return (
            "wrong_mode",
            "This was made in Stripe's other mode: the key is a test key and it is live, or the other way round."
                .into(),
        );
    }
    let (code, message) = match error.code.as_str() {
        "resource_missing" => ("not_found", "Stripe has no such object in this account."),
        "amount_too_small" => (
            "amount_too_small",
            "The amount is below what Stripe takes. Ask for more, or take it at the desk.",
        ),
        "amount_too_large" => (
            "amount_too_large",
            "The amount is above what Stripe takes. Ask for less, or take it in parts.",
        ),
        "charge_already_refunded" => (
            "already_refunded",
            "This payment has been refunded in full already.",
        ),
        "charge_disputed" | "refund_disputed_payment" => (
            "disputed",
            "The bank is looking into this payment. Wait for its decision.",
        ),
        "charge_not_refundable" => (
            "not_refundable",
            "Stripe does not refund this payment. Refund another way.",
        ),
        "balance_insufficient" | "insufficient_funds" => (
            "balance_insufficient",
            "The Stripe balance is too low. Add funds in the Stripe dashboard, or wait for the next payments.",
        ),
        "payment_method_unactivated"
        | "payment_method_not_available"
        | "payment_method_configuration_failures"
        | "payment_method_invalid_parameter" => (
            "method_not_active",
            "This method is not switched on in the Stripe account. Switch it on there under Settings, Payment \
             methods, or off in Remit.",
        ),
        "testmode_charges_only"
        | "account_closed"
        | "account_invalid"
        | "account_number_invalid"
        | "account_country_invalid_address"
        | "account_information_mismatch"
        | "country_unsupported" => (
            "account_not_ready",
            "The Stripe account cannot take live payments yet. Finish its set-up in the Stripe dashboard.",
        ),
        "url_invalid" => (
            "invalid_address",
            "Stripe cannot use Remit's address. Set REMIT_PUBLIC_URL to the https address that patients reach.",
        ),
        "secret_key_required" => return unauthorised(error),
        _ => return ("invalid_request", unexplained(error)),
    };
    (code, message.to_owned())
}

/// Names the field and the code, both of which are Stripe's own words.
fn unexplained(error: &ErrorBody) -> String {
    let word = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '[' | ']' | '.');
        (!text.is_empty() && text.len() <= 80 && text.chars().all(plain)).then(|| text.to_owned())
    };
    let what = match (word(&error.param), word(&error.code)) {
        (Some(param), Some(code)) => format!(" ({code}: {param})"),
        (None, Some(code)) => format!(" ({code})"),
        (Some(param), None) => format!(" ({param})"),
        (None, None) => String::new(),
    };
    format!("Stripe refused this{what}. Its dashboard says more under Developers, Logs.")
}
