//! What a session's request must be: every field, each with a sentence that names it.

use remit_core::methods::Method;
use remit_core::money::Currency;
use remit_core::{MINUTE_MS, UtcMs};
use reqwest::Url;

use super::api::Problem;
use crate::sandbox::wire::SessionRequest;
use crate::sandbox::{SESSION_MAX_MS, SESSION_MIN_MS};

/// The bounds of a session's life are judged with this much grace: the customer froze its request a while ago, by its
/// own clock.
const GRACE_MS: i64 = MINUTE_MS;

/// An id of the customer's own: it becomes part of a record's name.
pub(super) fn is_reference(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// What must hold for a session at any time.
pub(super) fn check(request: &SessionRequest) -> Result<(), Problem> {
    if !is_reference(&request.reference) {
        return Err(Problem::field(
            "reference",
            "1 to 64 of A-Z, a-z, 0-9, _ and -.",
        ));
    }
    let currency = Currency::parse(&request.currency)
        .ok_or_else(|| Problem::field("currency", "a code of ISO 4217 in capital letters."))?;
    let method = Method::parse(&request.method)
        .ok_or_else(|| Problem::field("method", "card, klarna or clearpay."))?;
    let (min, max) = method
        .widest_limits(currency)
        .ok_or_else(|| Problem::field("method", "not available in this currency."))?;
    if !(min..=max).contains(&request.amount) {
        return Err(Problem::field(
            "amount",
            "outside what the method takes, in minor units.",
        ));
    }
    let payee = request.payee.trim();
    if payee.is_empty() || payee.chars().count() > 100 || payee.chars().any(char::is_control) {
        return Err(Problem::field("payee", "1 to 100 characters in one line."));
    }
    for (field, address) in [
        ("return_url", &request.return_url),
        ("cancel_url", &request.cancel_url),
    ] {
        if !is_web_address(address) {
            return Err(Problem::field(field, "an absolute http or https address."));
        }
    }
    let locale = &request.locale;
    let tag = (2..=35).contains(&locale.len())
        && locale
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !tag {
        return Err(Problem::field("locale", "a language tag such as en-GB."));
    }
    Ok(())
}

/// The payer's browser is sent there, so nothing but a plain web address will do (hazard D11).
fn is_web_address(address: &str) -> bool {
    address.len() <= 2_048
        && Url::parse(address).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        })
}

/// 30 minutes to 24 hours from now (hazard B7).
pub(super) fn check_life(expires_at: UtcMs, now: UtcMs) -> Result<(), Problem> {
    let life = SESSION_MIN_MS - GRACE_MS..=SESSION_MAX_MS + GRACE_MS;
    match expires_at.checked_sub(now) {
        Some(left) if life.contains(&left) => Ok(()),
        _ => Err(Problem::field(
            "expires_at",
            "30 minutes to 24 hours from now, in UTC milliseconds.",
        )),
    }
}
