//! Money: an integer of minor units and the currency whose exponent gives them meaning (hazard A21). No floats.

use std::fmt;

use crate::currencies::TABLE;

/// The most that one sum may be, in minor units: large enough for any clinic, small enough that sums of a million
/// of them cannot overflow an `i64`.
pub const MINOR_MAX: i64 = 1_000_000_000_000;

/// An ISO 4217 currency. Made only by [`Currency::parse`], so an unknown one cannot exist.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    pub const GBP: Currency = Currency(*b"GBP");
    pub const EUR: Currency = Currency(*b"EUR");

    /// Three capital letters of the table.
    pub fn parse(code: &str) -> Option<Currency> {
        let found = TABLE
            .binary_search_by(|(known, _)| (*known).cmp(code))
            .ok()?;
        TABLE[found].0.as_bytes().try_into().ok().map(Currency)
    }

    pub fn code(&self) -> &str {
        // ASCII by construction: the bytes come from the table.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal digits of the minor unit: JPY 0, GBP 2, KWD 3.
    pub fn exponent(&self) -> u32 {
        TABLE
            .binary_search_by(|(known, _)| (*known).cmp(self.code()))
            .map_or(2, |found| u32::from(TABLE[found].1))
    }

    /// What people write before the figure; the code and a space where there is no common sign.
    pub fn sign(&self) -> String {
        match self.code() {
            "GBP" => "£".into(),
            "EUR" => "€".into(),
            "USD" => "$".into(),
            "JPY" => "¥".into(),
            code => format!("{code} "),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A sum in minor units of one currency; may be negative (a discount, a ledger line).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

/// Why a text is not an amount of money. The sentence is meant for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("Enter an amount, for example 45.00.")]
    NotANumber,
    #[error("Use at most {0} decimal places.")]
    TooManyDecimals(u32),
    #[error("This amount is too large.")]
    TooLarge,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    pub const fn gbp(minor: i64) -> Money {
        Money::new(minor, Currency::GBP)
    }

    pub const fn zero(currency: Currency) -> Money {
        Money::new(0, currency)
    }

    pub fn is_zero(&self) -> bool {
        self.minor == 0
    }

    /// The same currency with another number of minor units.
    pub fn with(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// Reads what a person types at a desk: `45`, `45.5`, `1,045.50`, with or without the currency's sign.
    ///
    /// # Errors
    /// Nothing that reads as a number, more decimals than the currency has, or more than [`MINOR_MAX`].
    pub fn parse(text: &str, currency: Currency) -> Result<Money, AmountError> {
        let text = text.trim();
        let text = text
            .strip_prefix(currency.sign().trim())
            .unwrap_or(text)
            .trim();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole: String = whole.chars().filter(|c| *c != ',' && *c != ' ').collect();
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(&whole) || !digits(fraction) {
            return Err(AmountError::NotANumber);
        }
        let exponent = currency.exponent();
        if fraction.len() > exponent as usize {
            return Err(AmountError::TooManyDecimals(exponent));
        }
        if whole.len() > 13 {
            return Err(AmountError::TooLarge);
        }
        let scale = 10_i64.pow(exponent);
        let padded = format!("{fraction:0<width$}", width = exponent as usize);
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| AmountError::TooLarge)?
        };
        let part: i64 = if padded.is_empty() {
            0
        } else {
            padded.parse().map_err(|_| AmountError::TooLarge)?
        };
        let minor = whole
            .checked_mul(scale)
            .and_then(|w| w.checked_add(part))
            .ok_or(AmountError::TooLarge)?;
        if minor > MINOR_MAX {
            return Err(AmountError::TooLarge);
        }
        Ok(Money::new(if negative { -minor } else { minor }, currency))
    }

    /// The figure without sign or code, its thousands apart: `1,045.50`. What a field holds that is read more than typed.
    pub fn grouped(&self) -> String {
        let figure = self.figure();
        let (minus, figure) = match figure.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", figure.as_str()),
        };
        let (whole, fraction) = figure.split_once('.').unwrap_or((figure, ""));
        let mut grouped = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let dot = if fraction.is_empty() { "" } else { "." };
        format!("{minus}{grouped}{dot}{fraction}")
    }

    /// The figure without sign or code: `1045.50`. What an input field holds.
    pub fn figure(&self) -> String {
        let exponent = self.currency.exponent();
        let scale = 10_u64.pow(exponent);
        let (abs, minus) = (
            self.minor.unsigned_abs(),
            if self.minor < 0 { "-" } else { "" },
        );
        if exponent == 0 {
            return format!("{minus}{abs}");
        }
        format!(
            "{minus}{}.{:0width$}",
            abs / scale,
            abs % scale,
            width = exponent as usize
        )
    }
}

/// As people read it: `£1,045.50`, `-£5.00`, `KWD 1.500`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minus = if self.minor < 0 { "-" } else { "" };
        let grouped = self.grouped();
        let grouped = grouped.trim_start_matches('-');
        write!(f, "{minus}{}{grouped}", self.currency.sign())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.figure(), self.currency)
    }
}

/// An amount that can be asked of a person: above zero and at most [`MINOR_MAX`]. Made only by its parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable(Money);

impl Payable {
    pub fn parse(money: Money) -> Option<Payable> {
        (money.minor > 0 && money.minor <= MINOR_MAX).then_some(Payable(money))
    }

    pub fn money(self) -> Money {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_agrees_with_a_second_opinion() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mut compared = 0;
        for (code, exponent) in TABLE {
            let Some(other) = iso_currency::Currency::from_code(code) else {
                continue;
            };
            assert_eq!(other.exponent(), Some(u16::from(*exponent)), "{code}");
            compared += 1;
        }
        assert!(
            compared > 150,
            "only {compared} codes were known to both tables"
        );
    }

    #[test]
    fn people_read_and_type_amounts() {
        let kwd = Currency::parse("KWD").unwrap();
        let jpy = Currency::parse("JPY").unwrap();
        for (text, currency, minor, shown) in [
            ("45", Currency::GBP, 4500, "£45.00"),
            ("£1,045.5", Currency::GBP, 104_550, "£1,045.50"),
            (" .05 ", Currency::GBP, 5, "£0.05"),
            ("-5", Currency::GBP, -500, "-£5.00"),
            ("1.5", kwd, 1500, "KWD 1.500"),
            ("1500", jpy, 1500, "¥1,500"),
        ] {
            let money = Money::parse(text, currency).unwrap();
            assert_eq!((money.minor, money.to_string().as_str()), (minor, shown));
        }
        assert_eq!(
            Money::parse("4.005", Currency::GBP),
            Err(AmountError::TooManyDecimals(2))
        );
        assert_eq!(
            Money::parse("1.5", jpy),
            Err(AmountError::TooManyDecimals(0))
        );
        assert_eq!(
            Money::parse("12e3", Currency::GBP),
            Err(AmountError::NotANumber)
        );
        assert_eq!(
            Money::parse("", Currency::GBP),
            Err(AmountError::NotANumber)
        );
        assert_eq!(
            Money::parse("99999999999999", Currency::GBP),
            Err(AmountError::TooLarge)
        );
    }

    proptest::proptest! {
        /// Hazard A21: what is shown in a field reads back as the same minor units, in every currency.
        #[test]
        fn a_figure_reads_back(minor in -MINOR_MAX..=MINOR_MAX, index in 0..TABLE.len()) {
            let currency = Currency::parse(TABLE[index].0).unwrap();
            let money = Money::new(minor, currency);
            proptest::prop_assert_eq!(Money::parse(&money.figure(), currency), Ok(money));
            proptest::prop_assert_eq!(Money::parse(&money.with(minor.abs()).to_string(), currency), Ok(money.with(minor.abs())));
        }
    }
}
