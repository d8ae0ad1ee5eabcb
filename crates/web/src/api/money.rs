//! Sums of money and moments as JSON writes them.

use std::fmt;

use remit_core::UtcMs;
use remit_core::money::{Currency, MINOR_MAX, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::problem::{Kind, Problem};

/// A sum in minor units of an ISO 4217 currency: 4500 GBP is £45.00.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Money)]
pub struct MoneyBody {
    /// Minor units.
    #[schema(example = 4500)]
    pub amount: i64,
    #[schema(example = "GBP")]
    pub currency: String,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> MoneyBody {
        MoneyBody {
            amount: money.minor,
            currency: money.currency.code().to_owned(),
        }
    }
}

impl MoneyBody {
    /// # Errors
    /// 422 for an unknown currency or a sum too large to reckon with.
    pub fn money(&self, field: &str) -> Result<Money, Problem> {
        let currency = Currency::parse(&self.currency).ok_or_else(|| {
            Problem::field(
                Kind::OtherCurrency,
                format!("{field}.currency"),
                "Use an ISO 4217 code like GBP.",
            )
        })?;
        if self.amount.unsigned_abs() > MINOR_MAX.unsigned_abs() {
            return Err(Problem::field(
                Kind::TooLarge,
                format!("{field}.amount"),
                "Enter a smaller amount.",
            ));
        }
        Ok(Money::new(self.amount, currency))
    }
}

/// A moment, RFC 3339 in UTC, always with milliseconds, so that texts sort as moments do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-24T09:30:00.000Z")]
pub struct Time(pub UtcMs);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every moment that the rules let in lies within jiff's range.
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{moment:.3}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Time {
    /// Any offset is understood; the answer is always in UTC.
    pub fn parse(text: &str) -> Option<Time> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Time(moment.as_millisecond()))
    }
}

/// What to say to a text that is no moment.
pub const TIME_WANTED: &str = "Enter a time like 2026-12-01T09:00:00Z.";

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        Time::parse(&text).ok_or_else(|| serde::de::Error::custom(TIME_WANTED))
    }
}

/// A moment on the diary, as people choose it: whole seconds are written without a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-12-01T09:00:00Z")]
pub struct DiaryTime(pub UtcMs);

impl Serialize for DiaryTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moment = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        serializer.collect_str(&moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc_and_read_with_any_offset() {
        let nine = Time::parse("2026-12-01T09:00:00Z").unwrap();
        assert_eq!(nine.to_string(), "2026-12-01T09:00:00.000Z");
        assert_eq!(Time::parse("2026-12-01T10:00:00+01:00"), Some(nine));
        assert_eq!(
            serde_json::to_string(&DiaryTime(nine.0)).unwrap(),
            "\"2026-12-01T09:00:00Z\""
        );
        for bad in ["", "2026-12-01", "tomorrow", "1764579600"] {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }
}
