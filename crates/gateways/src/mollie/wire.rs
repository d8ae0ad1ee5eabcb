//! The part of Mollie's JSON that is sent and read here (payments API v2). Answers grow: what is not named is passed
//! over, and words are kept as they are.

use remit_core::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Our own marks in their `metadata`.
pub(super) const ATTEMPT: &str = "remit_attempt";
pub(super) const REFUND: &str = "remit_refund";

/// A sum: the currency and a decimal text with exactly its digits, `{"currency": "GBP", "value": "45.50"}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Amount {
    pub currency: String,
    pub value: String,
}

impl Amount {
    pub fn of(money: Money) -> Amount {
        let digits = usize::try_from(money.currency.exponent()).unwrap_or_default();
        let sign = if money.minor < 0 { "-" } else { "" };
        let plain = format!("{:0width$}", money.minor.unsigned_abs(), width = digits + 1);
        let (whole, part) = plain.split_at(plain.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        Amount {
            currency: money.currency.code().to_owned(),
            value: format!("{sign}{whole}{point}{part}"),
        }
    }

    /// `None` for an unknown currency, or for a text that is not written as above.
    pub fn money(&self) -> Option<Money> {
        let currency = Currency::parse(&self.currency)?;
        let digits = usize::try_from(currency.exponent()).ok()?;
        let unsigned = self.value.strip_prefix('-').unwrap_or(&self.value);
        let (whole, part) = match unsigned.split_once('.') {
            Some(parts) => parts,
            None => (unsigned, ""),
        };
        let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let whole_form = !whole.is_empty() && numeric(whole) && numeric(part);
        if !whole_form || part.len() != digits || unsigned.contains('.') != (digits > 0) {
            return None;
        }
        let minor = format!("{whole}{part}").parse::<i64>().ok()?;
        let minor = if unsigned.len() < self.value.len() {
            -minor
        } else {
            minor
        };
        Some(Money::new(minor, currency))
    }
}

/// `POST /v2/payments`
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentRequest {
    pub amount: Amount,
    pub description: String,
    pub redirect_url: String,
    pub cancel_url: String,
    pub webhook_url: String,
    pub method: &'static str,
    pub metadata: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'static str>,
    /// Klarna wants to know what is paid for, and whom to write to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<BillingAddress>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    pub description: String,
    pub quantity: u32,
    pub unit_price: Amount,
    pub total_amount: Amount,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct BillingAddress {
    pub email: String,
}

/// `POST /v2/payments/{id}/refunds`
#[derive(Clone, Debug, Serialize)]
pub(super) struct RefundRequest {
    pub amount: Amount,
    pub description: &'static str,
    pub metadata: Value,
}

/// `payment`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentAnswer {
    pub id: String,
    /// `live`, `test`
    pub mode: String,
    pub amount: Amount,
    /// `open`, `pending`, `authorized`, `paid`, `canceled`, `expired`, `failed`
    pub status: String,
    #[serde(default)]
    pub is_cancelable: Option<bool>,
    #[serde(default)]
    pub metadata: Value,
    #[serde(default)]
    pub method: Option<String>,
    #[serde(default)]
    pub details: Option<Details>,
    pub created_at: String,
    #[serde(default)]
    pub expires_at: Option<String>,
    #[serde(default)]
    pub paid_at: Option<String>,
    #[serde(rename = "_links", default)]
    pub links: PaymentLinks,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct PaymentLinks {
    #[serde(default)]
    pub checkout: Option<Link>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Link {
    pub href: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    pub card_label: Option<String>,
    /// The last four digits.
    pub card_number: Option<String>,
    /// `applepay`, `googlepay`
    pub wallet: Option<String>,
}

/// `refund`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefundAnswer {
    pub id: String,
    pub payment_id: String,
    pub amount: Amount,
    /// `queued`, `pending`, `processing`, `refunded`, `failed`, `canceled`
    pub status: String,
    #[serde(default)]
    pub metadata: Value,
    pub created_at: String,
    #[serde(rename = "_embedded", default)]
    pub embedded: WithPayment,
}

/// `chargeback`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChargebackAnswer {
    pub id: String,
    pub payment_id: String,
    pub amount: Amount,
    #[serde(default)]
    pub reason: Option<Reason>,
    pub created_at: String,
    #[serde(default)]
    pub reversed_at: Option<String>,
    #[serde(rename = "_embedded", default)]
    pub embedded: WithPayment,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reason {
    pub description: Option<String>,
}

/// The payment of a refund or chargeback, where `embed=payment` asked for it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WithPayment {
    #[serde(default)]
    pub payment: Option<Owner>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Owner {
    #[serde(default)]
    pub metadata: Value,
}

/// `profile`: whose key it is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ProfileAnswer {
    pub id: String,
    pub name: Option<String>,
    /// `unverified`, `verified`, `blocked`
    #[serde(default)]
    pub status: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct MethodAnswer {
    pub id: String,
}

/// A page of a list, newest first.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ListAnswer<E> {
    #[serde(rename = "_embedded")]
    pub embedded: E,
    #[serde(rename = "_links", default)]
    pub links: ListLinks,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ListLinks {
    #[serde(default)]
    pub next: Option<Link>,
}

/// What a list holds, under the name that it has there, with the moment of each.
pub(super) trait Embedded {
    type Item;
    fn items(self) -> Vec<Self::Item>;
    fn created_at(item: &Self::Item) -> &str;
}

macro_rules! embedded {
    ($($list:ident { $field:ident: $item:ty })*) => { $(
        #[derive(Clone, Debug, Deserialize)]
        pub(super) struct $list { pub $field: Vec<$item> }
        impl Embedded for $list {
            type Item = $item;
            fn items(self) -> Vec<$item> { self.$field }
            fn created_at(item: &$item) -> &str { &item.created_at }
        }
    )* };
}
embedded! {
    Payments { payments: PaymentAnswer }
    Refunds { refunds: RefundAnswer }
    Chargebacks { chargebacks: ChargebackAnswer }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Methods {
    pub methods: Vec<MethodAnswer>,
}

/// Every answer of 400 and above that is Mollie's own.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ErrorAnswer {
    pub status: u16,
    /// The status in words.
    #[serde(rename = "title")]
    pub _title: String,
    /// Read for two phrases only, never shown: it may repeat what was sent.
    #[serde(default)]
    pub detail: String,
    #[serde(default)]
    pub field: Option<String>,
}
