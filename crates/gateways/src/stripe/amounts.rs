//! Stripe's own minor units. They are ISO 4217's but for three currencies (its page on currencies, *Special cases*),
//! and a sum with three decimals must end in a zero. This is the only place that knows (hazard A21).

use remit_core::money::{Currency, Money};

use crate::payments::Smallest;

/// The smallest charge by settlement currency in ISO 4217's minor units (docs.stripe.com/currencies, *Minimum and
/// maximum charge amounts*). A clinic charges in the currency that it settles in.
pub(super) const SMALLEST: Smallest = Smallest(&[
    ("AED", 200),
    ("AUD", 50),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 1_500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("JPY", 50),
    ("MXN", 1_000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PLN", 200),
    ("RON", 200),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1_000),
    ("USD", 50),
]);

/// Decimal digits of Stripe's unit: it kept two for ISK and UGX, whose minor unit went away, and has none for MGA.
fn exponent(currency: Currency) -> u32 {
    match currency.code() {
        "ISK" | "UGX" => 2,
        "MGA" => 0,
        _ => currency.exponent(),
    }
}

/// A sum as Stripe writes it; `None` when it cannot be written: a fraction of an ariary, a last fil.
pub(super) fn to_stripe(money: Money) -> Option<i64> {
    let (ours, theirs) = (money.currency.exponent(), exponent(money.currency));
    if theirs == 3 && money.minor % 10 != 0 {
        return None;
    }
    match ours.cmp(&theirs) {
        std::cmp::Ordering::Equal => Some(money.minor),
        std::cmp::Ordering::Less => money.minor.checked_mul(10_i64.pow(theirs - ours)),
        std::cmp::Ordering::Greater => exactly(money.minor, 10_i64.pow(ours - theirs)),
    }
}

/// A sum of Stripe's as ours; `None` for an unknown currency, or a fraction that ours does not have.
pub(super) fn from_stripe(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::parse(&currency.to_ascii_uppercase())?;
    let (ours, theirs) = (currency.exponent(), exponent(currency));
    let minor = match theirs.cmp(&ours) {
        std::cmp::Ordering::Equal => Some(amount),
        std::cmp::Ordering::Less => amount.checked_mul(10_i64.pow(ours - theirs)),
        std::cmp::Ordering::Greater => exactly(amount, 10_i64.pow(theirs - ours)),
    };
    minor.map(|minor| Money::new(minor, currency))
}

fn exactly(amount: i64, unit: i64) -> Option<i64> {
    (amount % unit == 0).then_some(amount / unit)
}
