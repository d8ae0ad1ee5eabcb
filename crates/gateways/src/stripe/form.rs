//! The requests' bodies: forms, as Stripe takes them, made once and frozen as text (hazard A15).

use remit_core::SECOND_MS;
use remit_core::methods::Method;
use reqwest::Url;

use super::amounts::to_stripe;
use super::wire::{ATTEMPT, REFUND};
use crate::payments::{Frozen, RefundOrder, SessionOrder};

/// The languages of the hosted page; any other is left to Stripe, which asks the browser.
const LOCALES: [&str; 41] = [
    "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR",
    "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW", "auto",
];

/// The longest suffix that fits a bank statement whatever the account's prefix: 22 characters less a prefix of ten and
/// the mark between them.
const SUFFIX_MAX: usize = 10;
/// The longest name of a product that Stripe takes, and so of a clinic in one.
const NAME_MAX: usize = 200;

/// The name of a method in `payment_method_types`.
pub(super) fn method_type(method: Method) -> &'static str {
    match method {
        Method::Card => "card",
        Method::Klarna => "klarna",
        Method::Clearpay => "afterpay_clearpay",
    }
}

/// `POST /v1/checkout/sessions`. Nothing clinical and nothing personal (hazard E2). No shipping address is asked for:
/// Clearpay has taken payments without one since March 2025 (stripe-ios#4669, stripe-android#10421), and a visit has
/// none.
pub(super) fn session(order: &SessionOrder) -> Frozen {
    let payee: String = order.payee.chars().take(NAME_MAX).collect();
    let to = format!("Payment to {payee}");
    let mut form = Form::default();
    form.put("mode", "payment")
        .put("payment_method_types[0]", method_type(order.method))
        .put("line_items[0][quantity]", "1")
        .put(
            "line_items[0][price_data][currency]",
            &order.amount.currency.code().to_ascii_lowercase(),
        )
        .put(
            "line_items[0][price_data][unit_amount]",
            &amount(to_stripe(order.amount)),
        )
        .put("line_items[0][price_data][product_data][name]", &to)
        // The payer's own currency would be another amount than the one agreed.
        .put("adaptive_pricing[enabled]", "false")
        .put("client_reference_id", &order.reference)
        .put(&format!("metadata[{ATTEMPT}]"), &order.reference)
        .put(
            &format!("payment_intent_data[metadata][{ATTEMPT}]"),
            &order.reference,
        )
        .put("payment_intent_data[description]", &to)
        .put("success_url", &order.return_url)
        .put("cancel_url", &order.cancel_url)
        .put("expires_at", &(order.expires_at / SECOND_MS).to_string())
        .put("locale", locale(&order.locale));
    if order.method == Method::Card
        && let Some(suffix) = statement_suffix(&order.payee)
    {
        form.put("payment_intent_data[statement_descriptor_suffix]", suffix);
    }
    if let Some(email) = &order.email {
        form.put("customer_email", email);
    }
    form.frozen()
}

/// `POST /v1/refunds`
pub(super) fn refund(order: &RefundOrder) -> Frozen {
    let mut form = Form::default();
    form.put("payment_intent", &order.payment_id)
        .put("amount", &amount(to_stripe(order.amount)))
        .put(&format!("metadata[{REFUND}]"), &order.reference);
    form.frozen()
}

/// `POST /v1/webhook_endpoints`
pub(super) fn webhook(url: &str, events: &[&str], version: &str) -> Frozen {
    let mut form = Form::default();
    form.put("url", url).put("api_version", version);
    for (n, event) in events.iter().enumerate() {
        form.put(&format!("enabled_events[{n}]"), event);
    }
    form.frozen()
}

/// Asks for linked objects to come along with the answer.
pub(super) fn expand(path: &str) -> Frozen {
    let mut form = Form::default();
    form.put("expand[0]", path);
    form.frozen()
}

/// A field of frozen bytes, read back.
pub(super) fn field(frozen: &Frozen, name: &str) -> Option<String> {
    let form = Url::parse(&format!("form:?{}", frozen.0)).ok()?;
    form.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A sum that Stripe cannot write is sent as nothing, which it refuses; a zero would be a session without payment.
fn amount(units: Option<i64>) -> String {
    units.map_or_else(String::new, |units| units.to_string())
}

/// A BCP 47 language as Checkout's `locale`.
pub(super) fn locale(tag: &str) -> &'static str {
    let known = |tag: &str| {
        LOCALES
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(tag))
    };
    let language = tag.split(['-', '_']).next().unwrap_or_default();
    let language = match language {
        "no" | "nn" => "nb",
        "tl" => "fil",
        language => language,
    };
    known(&tag.replace('_', "-"))
        .or_else(|| known(language))
        .unwrap_or("auto")
}

/// A clinic's whole name, if the card schemes' rules allow it on a statement: short, plain letters, at least one of
/// them, none of `<>\'"*`. The account's own prefix stands before it.
fn statement_suffix(name: &str) -> Option<&str> {
    let legal = |byte: u8| {
        (byte == b' ' || byte.is_ascii_graphic())
            && !matches!(byte, b'<' | b'>' | b'\\' | b'\'' | b'"' | b'*')
    };
    let name = name.trim();
    (name.len() <= SUFFIX_MAX
        && name.bytes().all(legal)
        && name.bytes().any(|byte| byte.is_ascii_alphabetic()))
    .then_some(name)
}

/// A form in the making: `application/x-www-form-urlencoded`.
#[derive(Default)]
struct Form(String);

impl Form {
    fn put(&mut self, name: &str, value: &str) -> &mut Form {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        escape(&mut self.0, name);
        self.0.push('=');
        escape(&mut self.0, value);
        self
    }

    fn frozen(self) -> Frozen {
        Frozen(self.0)
    }
}

fn escape(to: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                to.push(char::from(byte));
            }
            b' ' => to.push('+'),
            _ => {
                to.push('%');
                to.push(char::from(HEX[usize::from(byte >> 4)]));
                to.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
}
