//! The JSON that the sandbox's company and its customers exchange. Requests refuse unknown fields; answers may grow,
//! so their reader passes over what it does not know and keeps unknown words as they are.

use serde::{Deserialize, Serialize};

/// `POST /v1/sessions`. Amounts in minor units, times in UTC milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// The shop's own id of the attempt: 1 to 64 of `A-Za-z0-9_-`.
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    /// `card`, `klarna`, `clearpay`.
    pub method: String,
    /// The shop's name as the page shows it.
    pub payee: String,
    pub return_url: String,
    pub cancel_url: String,
    /// 30 minutes to 24 hours away.
    pub expires_at: i64,
    pub locale: String,
}

/// A session as the company tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionAnswer {
    pub id: String,
    pub account: String,
    pub livemode: bool,
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    pub method: String,
    /// `open`, `processing`, `complete`, `failed`, `expired`.
    pub status: String,
    /// The hosted page while somebody can still do something there.
    pub url: Option<String>,
    pub expires_at: i64,
    pub payment: Option<PaymentAnswer>,
    pub last_error: Option<String>,
}

/// The payment of a session: there from the moment that money is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAnswer {
    pub id: String,
    /// Minor units received; null while it is on its way.
    pub received: Option<i64>,
    pub currency: String,
    pub paid_with: Option<String>,
    pub paid_at: Option<i64>,
}

/// `GET /v1/account`: whose key it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAnswer {
    pub id: String,
    pub livemode: bool,
    pub webhook_url: String,
}

/// `POST /v1/refunds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// The shop's own id of the refund.
    pub reference: String,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundAnswer {
    pub id: String,
    pub reference: Option<String>,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    /// `pending`, `succeeded`, `failed`.
    pub status: String,
    pub failure: Option<String>,
}

/// A line of the company's books of an account: `gross - fee = net`; positive: into the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementAnswer {
    pub id: String,
    /// `payment`, `refund`, `dispute`, `dispute_reversal`, `payout`.
    pub kind: String,
    /// The payment, refund or payout it came from.
    pub source: Option<String>,
    pub gross: i64,
    pub fee: i64,
    pub net: i64,
    pub currency: String,
    pub created_at: i64,
}

/// `GET /v1/disputes/{id}`: what the payer's bank disputes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeAnswer {
    pub id: String,
    pub account: String,
    pub payment: String,
    pub amount: i64,
    pub currency: String,
    /// `needs_response`, `under_review`, `won`, `lost`, `withdrawn`.
    pub status: String,
    /// What the bank holds of it, or has kept; in the same currency.
    pub withdrawn: i64,
    pub reason: String,
    /// Evidence must be in by then; null when nothing can be sent any more.
    pub due_by: Option<i64>,
    pub opened_at: i64,
}

/// An event, in the list and as a webhook's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAnswer {
    pub id: String,
    /// `session.completed`, `session.processing`, `session.failed`, `session.expired`, `refund.pending`,
    /// `refund.succeeded`, `refund.failed`, `dispute.opened`, `dispute.funds_withdrawn`, `dispute.under_review`,
    /// `dispute.won`, `dispute.lost`, `dispute.withdrawn`, `dispute.funds_reinstated`.
    pub kind: String,
    pub account: String,
    pub livemode: bool,
    pub created_at: i64,
    pub object: EventObject,
}

/// What an event is about. `object` says which of the others are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventObject {
    /// `session`, `refund` or `dispute`.
    pub object: String,
    pub id: String,
    pub reference: Option<String>,
    pub payment: Option<String>,
}

/// A page of a list, oldest first; `next` is the `after` of the following page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAnswer<T> {
    pub data: Vec<T>,
    pub next: Option<String>,
}

/// Every answer of 400 and above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    pub error: ErrorBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// `unauthorised`, `not_found`, `invalid_request`, `idempotency_mismatch`, `amount_too_large`, `not_refundable`, `disputed`,
    /// `try_again`.
    pub code: String,
    pub message: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
