//! Mollie's answers in our words, and what its refusals say to staff. Pure; `None` says that an answer makes no sense.

use remit_core::UtcMs;
use remit_core::methods::Method;
use remit_core::money::Money;
use serde_json::Value;

use super::wire::{
    ATTEMPT, ChargebackAnswer, Details, ErrorAnswer, PaymentAnswer, REFUND, RefundAnswer,
};
use crate::payments::{
    DisputeFacts, DisputeStatus, Facts, RefundFacts, RefundStatus, SessionStatus,
};
use crate::{Refusal, address};

/// The name of a method; Clearpay is not among them.
pub(super) fn method_name(method: Method) -> Option<&'static str> {
    match method {
        Method::Card => Some("creditcard"),
        Method::Klarna => Some("klarna"),
        Method::Clearpay => None,
    }
}

/// ISO 8601 as UTC milliseconds.
pub(super) fn moment(text: &str) -> Option<UtcMs> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(at.as_millisecond())
}

pub(super) fn mark<'a>(metadata: &'a Value, name: &str) -> Option<&'a str> {
    metadata.get(name)?.as_str()
}

pub(super) fn facts(payment: PaymentAnswer) -> Option<Facts> {
    let status = match payment.status.as_str() {
        "open" => SessionStatus::Open,
        // *Authorized*: the lender has said yes, and pays as soon as it is asked, which Mollie does.
        "pending" | "authorized" => SessionStatus::Processing,
        "paid" => SessionStatus::Paid,
        "failed" => SessionStatus::Failed,
        "expired" | "canceled" => SessionStatus::Expired,
        _ => SessionStatus::Other(payment.status.clone()),
    };
    let with_money = matches!(status, SessionStatus::Paid | SessionStatus::Processing);
    let received = match status {
        SessionStatus::Paid => Some(payment.amount.money()?),
        _ => None,
    };
    Some(Facts {
        reference: mark(&payment.metadata, ATTEMPT)
            .unwrap_or_default()
            .to_owned(),
        url: checkout(&payment).filter(|_| status == SessionStatus::Open),
        payment_id: with_money.then(|| payment.id.clone()),
        received,
        paid_with: with_money.then(|| means(&payment)).flatten(),
        last_error: None,
        livemode: payment.mode == "live",
        session_id: payment.id,
        status,
    })
}

/// The page that the patient is sent to: of the web, and nothing else.
pub(super) fn checkout(payment: &PaymentAnswer) -> Option<String> {
    let href = &payment.links.checkout.as_ref()?.href;
    address::is_page(href).then(|| href.clone())
}

fn means(payment: &PaymentAnswer) -> Option<String> {
    let method = payment.method.as_deref()?;
    match (method, &payment.details) {
        ("creditcard", Some(details)) => Some(card(details)),
        ("creditcard", None) => Some("Card".into()),
        ("klarna", _) => Some("Klarna".into()),
        (other, _) => Some(other.to_owned()),
    }
}

fn card(details: &Details) -> String {
    let label = details.card_label.as_deref().unwrap_or("Card");
    let name = match &details.card_number {
        Some(last4) => format!("{label} ending {last4}"),
        None => label.to_owned(),
    };
    match details.wallet.as_deref() {
        Some("applepay") => format!("Apple Pay ({name})"),
        Some("googlepay") => format!("Google Pay ({name})"),
        _ => name,
    }
}

/// A refund or chargeback can only be asked for below its payment, so its id here names both.
pub(super) fn id_below(payment_id: &str, id: &str) -> String {
    format!("{payment_id}/{id}")
}

pub(super) fn refund(refund: RefundAnswer) -> Option<RefundFacts> {
    Some(RefundFacts {
        provider_refund_id: id_below(&refund.payment_id, &refund.id),
        reference: mark(&refund.metadata, REFUND).map(str::to_owned),
        amount: refund.amount.money()?,
        status: match refund.status.as_str() {
            "queued" | "pending" | "processing" => RefundStatus::Pending,
            "refunded" => RefundStatus::Succeeded,
            "failed" | "canceled" => RefundStatus::Failed,
            _ => RefundStatus::Other(refund.status.clone()),
        },
        failure: match refund.status.as_str() {
            "failed" => Some("The bank could not pass the refund on. Refund another way.".into()),
            "canceled" => Some("The refund was cancelled at Mollie.".into()),
            _ => None,
        },
        payment_id: refund.payment_id,
    })
}

/// Mollie takes the money at once and leaves no time for evidence: a chargeback is lost until it is reversed.
pub(super) fn dispute(chargeback: ChargebackAnswer) -> Option<DisputeFacts> {
    let amount = chargeback.amount.money()?;
    let reversed = chargeback.reversed_at.is_some();
    Some(DisputeFacts {
        dispute_id: id_below(&chargeback.payment_id, &chargeback.id),
        amount,
        status: if reversed {
            DisputeStatus::Won
        } else {
            DisputeStatus::Lost
        },
        withdrawn: if reversed {
            Money::zero(amount.currency)
        } else {
            amount
        },
        reason: chargeback
            .reason
            .and_then(|reason| reason.description)
            .unwrap_or_else(|| "no reason given".into()),
        due_by: None,
        opened_at: moment(&chargeback.created_at)?,
        payment_id: chargeback.payment_id,
    })
}

/// The languages of the hosted page; any other is left to Mollie, which asks the browser.
pub(super) fn locale(tag: &str) -> Option<&'static str> {
    const LOCALES: [&str; 28] = [
        "en_GB", "en_US", "en_NL", "en_BE", "nl_NL", "nl_BE", "fr_FR", "fr_BE", "fr_LU", "de_DE",
        "de_AT", "de_CH", "de_LU", "es_ES", "ca_ES", "pt_PT", "it_IT", "nb_NO", "sv_SE", "fi_FI",
        "da_DK", "is_IS", "hu_HU", "pl_PL", "lv_LV", "lt_LT", "cs_CZ", "sk_SK",
    ];
    let tag = tag.replace('-', "_");
    let language = tag.split('_').next().unwrap_or_default();
    LOCALES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(&tag))
        .or_else(|| {
            LOCALES
                .into_iter()
                .find(|known| known.split('_').next() == Some(language))
        })
}

/// Mollie's own no; `None` when it is none.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    let error = serde_json::from_slice::<ErrorAnswer>(body).ok()?;
    if error.status != status {
        return None;
    }
    let field = error.field.as_deref().unwrap_or_default();
    let (code, message) = match (status, field) {
        (401, _) => (
            "unauthorised",
            "Mollie does not know this key. Copy the API key from the Mollie dashboard under Developers, API keys.",
        ),
        (403, _) => ("forbidden", "The Mollie key may not do this."),
        // A wrong address is a 404 too, and proves nothing about a payment.
        (404, _) if error.detail.contains("exists with token") => {
            ("not_found", "Mollie has no such payment in this profile.")
        }
        (422, "amount" | "amount.value" | "amount.currency") => (
            "amount_refused",
            "Mollie does not take this amount or currency. Check what the method allows, and what is left to refund.",
        ),
        (422, "method") => (
            "method_not_active",
            "This method is not switched on in the Mollie profile. Switch it on there, or off in Remit.",
        ),
        (422, "redirectUrl" | "cancelUrl" | "webhookUrl") => (
            "invalid_address",
            "Mollie cannot use Remit's address. Set REMIT_PUBLIC_URL to the https address that patients reach.",
        ),
        _ => (
            "invalid_request",
            "Mollie refused this. Its dashboard says more about the payment.",
        ),
    };
    Some(Refusal {
        code: code.to_owned(),
        message: message.to_owned(),
    })
}
