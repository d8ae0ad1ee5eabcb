//! Cards: what the test numbers do, and what is wrong with what was typed. Pure.

/// What the bank says to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    /// The payer's bank takes it back right afterwards.
    ApprovedAndDisputed,
    /// For the person at the page, and as the session's last error.
    Declined(&'static str),
    /// The bank wants to see its customer first (3-D Secure).
    Challenge,
}

/// A card that may be charged: `label` is what people and receipts see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub label: String,
    pub verdict: Verdict,
}

/// The card form as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed<'a> {
    pub number: &'a str,
    pub expiry: &'a str,
    pub cvc: &'a str,
}

/// A sentence per field that cannot be right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    pub number: Option<&'static str>,
    pub expiry: Option<&'static str>,
    pub cvc: Option<&'static str>,
}

impl FieldErrors {
    pub fn any(&self) -> bool {
        self.number.is_some() || self.expiry.is_some() || self.cvc.is_some()
    }
}

/// The numbers that the page offers, with what each does.
pub const TEST_CARDS: [(&str, &str); 5] = [
    ("4242 4242 4242 4242", "Pays"),
    ("4000 0000 0000 0002", "Is declined"),
    ("4000 0025 0000 3155", "Asks for 3-D Secure"),
    ("4000 0000 0000 9995", "Has insufficient funds"),
    ("4000 0000 0000 0259", "Pays, then is disputed"),
];

const NOT_A_CARD: &str = "Enter the 16 digits on the front of the card.";
const NOT_A_TEST_CARD: &str =
    "Only test cards work here, never a real one. Use a number from the list of test cards.";

/// Reads the form; `month` is the current one, counted as year * 12 + month - 1 (see [`month_of`]).
///
/// # Errors
/// What is wrong, field by field.
pub fn check(typed: &Typed<'_>, month: i64) -> Result<Card, FieldErrors> {
    let digits = digits(typed.number);
    let errors = FieldErrors {
        number: number_error(digits.as_deref()),
        expiry: expiry_error(typed.expiry, month),
        cvc: match typed.cvc.trim() {
            cvc if (3..=4).contains(&cvc.len()) && cvc.bytes().all(|b| b.is_ascii_digit()) => None,
            _ => Some("Enter the 3 digits on the back of the card."),
        },
    };
    let (Some(digits), false) = (digits, errors.any()) else {
        return Err(errors);
    };
    let verdict = verdict(&digits).ok_or(errors)?;
    let ending = digits.get(digits.len() - 4..).unwrap_or_default();
    Ok(Card {
        label: format!("Visa ending {ending}"),
        verdict,
    })
}

fn verdict(digits: &str) -> Option<Verdict> {
    match digits {
        "4242424242424242" => Some(Verdict::Approved),
        "4000000000000002" => Some(Verdict::Declined(
            "The card was declined. Use another card, or ask your bank.",
        )),
        "4000000000009995" => Some(Verdict::Declined(
            "The card was declined: insufficient funds. Use another card.",
        )),
        "4000002500003155" => Some(Verdict::Challenge),
        "4000000000000259" => Some(Verdict::ApprovedAndDisputed),
        _ => None,
    }
}

/// The digits of a number typed with or without spaces and hyphens.
fn digits(number: &str) -> Option<String> {
    let bare: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '\u{a0}'))
        .collect();
    ((12..=19).contains(&bare.len()) && bare.bytes().all(|b| b.is_ascii_digit())).then_some(bare)
}

fn number_error(digits: Option<&str>) -> Option<&'static str> {
    match digits {
        None => Some(NOT_A_CARD),
        Some(digits) if !luhn(digits) => Some("This is not a card number. Check the digits."),
        Some(digits) if verdict(digits).is_none() => Some(NOT_A_TEST_CARD),
        Some(_) => None,
    }
}

/// Whether a typed number may be shown again: a real card's number never is.
pub fn may_be_shown(number: &str) -> bool {
    digits(number).is_none_or(|digits| !luhn(&digits) || verdict(&digits).is_some())
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match place % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn expiry_error(expiry: &str, month: i64) -> Option<&'static str> {
    match expiry_month(expiry) {
        None => Some("Enter the month and year, for example 05 / 30."),
        Some(expiry) if expiry < month => Some("This card has expired. Check the date."),
        // A card is not made for longer than twenty years; a typed 99 is a slip.
        Some(expiry) if expiry > month + 20 * 12 => Some("Check the year: it is too far away."),
        Some(_) => None,
    }
}

/// `MM/YY`, `MM / YYYY`, `MMYY` as year * 12 + month - 1. A card is good to the end of its month.
fn expiry_month(text: &str) -> Option<i64> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (month, year) = match bare.split_once(['/', '-']) {
        Some(parts) => parts,
        None if bare.len() == 4 && bare.is_ascii() => bare.split_at(2),
        None => return None,
    };
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<i64>().ok())?
    };
    let year = match year.len() {
        2 => 2000 + number(year)?,
        4 => number(year)?,
        _ => return None,
    };
    let month = number(month).filter(|month| (1..=12).contains(month) && bare.len() >= 4)?;
    Some(year * 12 + month - 1)
}

/// The month of a moment in UTC, in the count that [`check`] uses.
pub fn month_of(now: i64) -> i64 {
    jiff::Timestamp::from_millisecond(now).map_or(0, |at| {
        let date = at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
        i64::from(date.year()) * 12 + i64::from(date.month()) - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday 24 November 2026.
    const NOW: i64 = 1_795_500_000_000;

    fn typed<'a>(number: &'a str, expiry: &'a str, cvc: &'a str) -> Result<Card, FieldErrors> {
        check(
            &Typed {
                number,
                expiry,
                cvc,
            },
            month_of(NOW),
        )
    }

    #[test]
    fn each_test_card_does_what_the_page_says() {
        for (number, does) in TEST_CARDS {
            let card = typed(number, "12 / 34", "123").unwrap();
            match does {
                "Pays" => {
                    assert_eq!(card.verdict, Verdict::Approved);
                    assert_eq!(card.label, "Visa ending 4242");
                }
                "Pays, then is disputed" => assert_eq!(card.verdict, Verdict::ApprovedAndDisputed),
                "Asks for 3-D Secure" => assert_eq!(card.verdict, Verdict::Challenge),
                _ => assert!(
                    matches!(card.verdict, Verdict::Declined(why) if why.contains("declined"))
                ),
            }
        }
    }

    #[test]
    fn what_cannot_be_right_is_said_at_its_field() {
        for (number, expiry, cvc, wrong) in [
            ("4242424242424242", "11/26", "123", [false, false, false]),
            (
                "4242-4242 4242-4242",
                "1126",
                " 1234 ",
                [false, false, false],
            ),
            ("4242424242424242", "11/2026", "123", [false, false, false]),
            ("4242424242424243", "12/34", "123", [true, false, false]),
            ("", "", "", [true, true, true]),
            ("4242", "12/34", "123", [true, false, false]),
            ("5555555555554444", "12/34", "123", [true, false, false]),
            ("４２４２424242424242", "12/34", "123", [true, false, false]),
            ("4242424242424242", "10/26", "123", [false, true, false]),
            ("4242424242424242", "13/34", "123", [false, true, false]),
            ("4242424242424242", "00/34", "123", [false, true, false]),
            ("4242424242424242", "12/99", "123", [false, true, false]),
            ("4242424242424242", "1é34", "123", [false, true, false]),
            ("4242424242424242", "12/34", "12", [false, false, true]),
            ("4242424242424242", "12/34", "12a", [false, false, true]),
            ("4242424242424242", "12/34", "12345", [false, false, true]),
        ] {
            let told = typed(number, expiry, cvc).err().unwrap_or_default();
            let found = [
                told.number.is_some(),
                told.expiry.is_some(),
                told.cvc.is_some(),
            ];
            assert_eq!(found, wrong, "{number} {expiry} {cvc}");
        }
    }

    #[test]
    fn a_real_cards_number_is_never_shown_again() {
        assert!(
            may_be_shown("4242424242424242")
                && may_be_shown("4242424242424241")
                && may_be_shown("12")
        );
        assert!(!may_be_shown("5555 5555 5555 4444"));
    }
}
