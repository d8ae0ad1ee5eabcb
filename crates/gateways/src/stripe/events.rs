//! Stripe's events: which of them are read, and what they are about.

use super::facts::ms;
use super::wire::{ATTEMPT, EventAnswer, EventObject, Linked, REFUND};
use crate::payments::{About, ProviderEvent};

/// What is asked for, by webhook and from the list, which takes twenty names at most. `charge.refunded` and the other
/// events of charges say nothing that these do not.
pub(super) const KINDS: [&str; 15] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
];

/// An event in our words; `account` is our own, which events leave out.
pub(super) fn event(event: EventAnswer, account: &str) -> ProviderEvent {
    let about = if KINDS.contains(&event.kind.as_str()) {
        about(event.data.object)
    } else {
        About::Nothing
    };
    ProviderEvent {
        event_id: event.id,
        kind: event.kind,
        about,
        livemode: event.livemode,
        account: event.account.unwrap_or_else(|| account.to_owned()),
        created_at: ms(event.created),
    }
}

/// A clinic may use its account for other things: a session or payment without our mark is none of ours. Refunds and
/// disputes do not carry the payment's mark, so whoever keeps the payment decides.
fn about(mut object: EventObject) -> About {
    let payment = match object.payment_intent {
        Some(Linked::Id(payment_id)) => Some(payment_id),
        Some(Linked::Object(_)) | None => None,
    };
    if object.id.is_empty() {
        return About::Nothing;
    }
    match (object.object.as_str(), payment) {
        ("checkout.session", _) if object.metadata.contains_key(ATTEMPT) => About::Session {
            session_id: object.id,
            reference: object.metadata.remove(ATTEMPT),
        },
        ("payment_intent", _) => match object.metadata.remove(ATTEMPT) {
            Some(reference) => About::Payment {
                payment_id: object.id,
                reference,
            },
            None => About::Nothing,
        },
        ("refund", Some(payment_id)) => About::Refund {
            provider_refund_id: object.id,
            payment_id,
            reference: object.metadata.remove(REFUND),
        },
        ("dispute", Some(payment_id)) => About::Dispute {
            dispute_id: object.id,
            payment_id,
        },
        _ => About::Nothing,
    }
}
