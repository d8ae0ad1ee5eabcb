//! The part of Stripe's JSON that is read here, of the version in [`super::VERSION`]. Answers grow: what is not named
//! is passed over, words are kept as they are, and whatever may be missing may be missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Our own marks on their objects.
pub(super) type Metadata = BTreeMap<String, String>;

/// The mark of an attempt, on its session and its payment; the mark of a refund.
pub(super) const ATTEMPT: &str = "remit_attempt";
pub(super) const REFUND: &str = "remit_refund";

/// An id, or the object itself where `expand[]` asked for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Linked<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Linked<T> {
    pub fn object(&self) -> Option<&T> {
        match self {
            Linked::Id(_) => None,
            Linked::Object(object) => Some(object),
        }
    }
}

/// `null` and absent are the same to us.
fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A page of a list, newest first.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ListAnswer<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

/// What has an id that a list can go on from.
pub(super) trait Listed {
    fn id(&self) -> &str;
}

macro_rules! listed {
    ($($answer:ty),*) => { $(impl Listed for $answer {
        fn id(&self) -> &str { &self.id }
    })* };
}
listed!(
    SessionAnswer,
    RefundAnswer,
    DisputeAnswer,
    MovementAnswer,
    EventAnswer
);

/// `checkout.session`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SessionAnswer {
    pub id: String,
    pub livemode: bool,
    /// `open`, `complete`, `expired`
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    /// `paid`, `unpaid`, `no_payment_required`
    #[serde(default, deserialize_with = "nullable")]
    pub payment_status: String,
    pub url: Option<String>,
    /// Seconds.
    pub expires_at: i64,
    pub client_reference_id: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// In the smallest unit.
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    /// Made when the payer first confirms, not before.
    pub payment_intent: Option<Linked<PaymentAnswer>>,
}

/// `payment_intent`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PaymentAnswer {
    pub id: String,
    /// `requires_payment_method`, `requires_confirmation`, `requires_action`, `processing`, `requires_capture`,
    /// `canceled`, `succeeded`
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    #[serde(default, deserialize_with = "nullable")]
    pub amount_received: i64,
    pub currency: String,
    pub last_payment_error: Option<ErrorBody>,
    pub latest_charge: Option<Linked<ChargeAnswer>>,
}

/// `charge`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ChargeAnswer {
    /// Seconds.
    pub created: i64,
    pub payment_method_details: Option<MeansAnswer>,
}

/// How somebody paid.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MeansAnswer {
    /// `card`, `klarna`, `afterpay_clearpay`, `link`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub card: Option<CardAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct CardAnswer {
    pub brand: Option<String>,
    pub last4: Option<String>,
    pub wallet: Option<WalletAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct WalletAnswer {
    /// `apple_pay`, `google_pay`, `link`, ...
    #[serde(rename = "type")]
    pub kind: String,
}

/// `refund`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RefundAnswer {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    /// `pending`, `requires_action`, `succeeded`, `failed`, `canceled`
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    pub failure_reason: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
    pub payment_intent: Option<Linked<OwnerAnswer>>,
}

/// A payment as far as needed to tell whether it is ours.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct OwnerAnswer {
    pub id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub metadata: Metadata,
}

impl Linked<OwnerAnswer> {
    pub fn id(&self) -> &str {
        match self {
            Linked::Id(id) => id,
            Linked::Object(owner) => &owner.id,
        }
    }

    /// An id alone does not tell; then whoever keeps the payment decides.
    fn may_be_ours(&self) -> bool {
        match self {
            Linked::Id(_) => true,
            Linked::Object(owner) => owner.metadata.contains_key(ATTEMPT),
        }
    }
}

impl RefundAnswer {
    /// Made by us, or of a payment that is ours as far as the answer tells.
    pub fn may_be_ours(&self) -> bool {
        let payment = self.payment_intent.as_ref();
        payment.is_some_and(Linked::may_be_ours) || self.metadata.contains_key(REFUND)
    }
}

impl DisputeAnswer {
    /// Of a payment that is ours as far as the answer tells.
    pub fn may_be_ours(&self) -> bool {
        self.payment_intent
            .as_ref()
            .is_some_and(Linked::may_be_ours)
    }
}

/// `dispute`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DisputeAnswer {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    /// Seconds.
    pub created: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    #[serde(default, deserialize_with = "nullable")]
    pub reason: String,
    pub payment_intent: Option<Linked<OwnerAnswer>>,
    /// What was taken for it, and what was given back.
    #[serde(default, deserialize_with = "nullable")]
    pub balance_transactions: Vec<TakenAnswer>,
    pub evidence_details: Option<EvidenceAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct TakenAnswer {
    pub amount: i64,
    pub currency: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct EvidenceAnswer {
    /// Seconds; 0 where the bank takes no answer.
    pub due_by: Option<i64>,
}

/// `balance_transaction`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MovementAnswer {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub reporting_category: String,
    pub amount: i64,
    pub fee: i64,
    pub net: i64,
    pub currency: String,
    /// Seconds.
    pub created: i64,
    pub source: Option<Linked<SourceAnswer>>,
}

/// What a movement came from: a charge, a refund, a dispute, a payout, ...
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SourceAnswer {
    pub id: String,
    #[serde(default, deserialize_with = "nullable")]
    pub object: String,
    pub payment_intent: Option<String>,
}

/// `account`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AccountAnswer {
    pub id: String,
    pub country: Option<String>,
    pub default_currency: Option<String>,
    #[serde(default)]
    pub charges_enabled: bool,
    /// Name to `active`, `inactive` or `pending`.
    pub capabilities: Option<BTreeMap<String, String>>,
    pub business_profile: Option<BusinessAnswer>,
    pub settings: Option<SettingsAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct BusinessAnswer {
    pub name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct SettingsAnswer {
    pub dashboard: Option<DashboardAnswer>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct DashboardAnswer {
    pub display_name: Option<String>,
}

/// `webhook_endpoint`
#[derive(Clone, Debug, Deserialize)]
pub(super) struct EndpointAnswer {
    pub id: String,
    pub url: String,
    /// `enabled`, `disabled`
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    /// Told once, in the answer to its making.
    pub secret: Option<String>,
}

/// `event`, by webhook or in the list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct EventAnswer {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// The connected account it comes from; absent for our own.
    pub account: Option<String>,
    /// Seconds.
    pub created: i64,
    pub livemode: bool,
    pub data: EventData,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct EventData {
    pub object: EventObject,
}

/// The object of an event, of whatever kind; its marks and links are all that is read, the facts are fetched anew.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventObject {
    #[serde(deserialize_with = "nullable")]
    pub object: String,
    #[serde(deserialize_with = "nullable")]
    pub id: String,
    #[serde(deserialize_with = "nullable")]
    pub metadata: Metadata,
    /// An id in every event; an object would be of no use here.
    pub payment_intent: Option<Linked<serde::de::IgnoredAny>>,
}

/// Every answer of 400 and above that is Stripe's own.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ErrorAnswer {
    pub error: ErrorBody,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ErrorBody {
    /// `api_error`, `card_error`, `idempotency_error`, `invalid_request_error`, ...
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub code: String,
    #[serde(default, deserialize_with = "nullable")]
    pub decline_code: String,
    /// Read for one phrase only, never shown: it may repeat a key or what somebody typed.
    #[serde(default, deserialize_with = "nullable")]
    pub message: String,
    #[serde(default, deserialize_with = "nullable")]
    pub param: String,
}
