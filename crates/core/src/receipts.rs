//! Receipts: their number, the VAT that is in a sum, and which way one leaves by itself. No I/O.

use crate::deliveries::Channel;
use crate::ids::PaymentId;
use crate::money::Money;

/// The longest legal name, address line or number that a receipt carries, in characters.
pub const DETAIL_CHARS_MAX: usize = 200;

/// A rate of value added tax, in hundredths of a percent: 2,000 is 20 %. Above zero and at most 100 %; made only by
/// its parsers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VatRate(i64);

impl VatRate {
    /// Hundredths of a percent.
    pub fn of_hundredths(hundredths: i64) -> Option<VatRate> {
        (1..=10_000)
            .contains(&hundredths)
            .then_some(VatRate(hundredths))
    }

    /// As people type it: `20`, `17.5`, `5,50`, with or without the sign.
    pub fn parse(text: &str) -> Option<VatRate> {
        let text = text.trim().trim_end_matches('%').trim_end();
        let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || part.len() > 2 || !digits(whole) || !digits(part)
        {
            return None;
        }
        let hundredths = format!("{part:0<2}");
        let whole: i64 = whole.parse().ok()?;
        let part: i64 = hundredths.parse().ok()?;
        VatRate::of_hundredths(whole * 100 + part)
    }

    pub fn hundredths(self) -> i64 {
        self.0
    }

    /// As people read it, without the sign: `20`, `17.5`.
    pub fn figure(self) -> String {
        let text = format!("{}.{:02}", self.0 / 100, self.0 % 100);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// The VAT that a gross sum contains: `gross * rate / (100 % + rate)`, rounded to the nearest minor unit, a half
    /// away from zero. Nothing of a sum that is zero or below.
    pub fn included(self, gross: Money) -> Money {
        if gross.minor <= 0 {
            return gross.with(0);
        }
        // Sums are at most 10^12 minor units (`MINOR_MAX`), so the products stay far below 2^127.
        let (gross_minor, rate) = (i128::from(gross.minor), i128::from(self.0));
        let below = 10_000 + rate;
        let vat = (2 * gross_minor * rate + below) / (2 * below);
        gross.with(i64::try_from(vat).unwrap_or(0))
    }
}

/// What the law wants to see on a clinic's receipts. Empty texts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegalDetails {
    pub legal_name: String,
    pub registered_address: String,
    pub company_number: String,
    pub vat_number: String,
    /// None: no VAT line.
    pub vat_rate: Option<VatRate>,
}

/// How a clinic's receipts look and leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptSettings {
    pub legal: LegalDetails,
    /// A patient without an email address gets an SMS with the receipt's address. Off by default: it costs.
    pub by_sms: bool,
    /// Name what was booked on the receipt. Off by default (hazard E1).
    pub name_services: bool,
}

/// `R-` and the last twelve characters of the payment's id, in two groups: the same for each sending, and read over
/// the phone. They are 48 random bits, so two receipts of one clinic do not share a number.
pub fn number(payment: PaymentId) -> String {
    let id = payment.0.simple().to_string().to_uppercase();
    format!("R-{}-{}", &id[20..26], &id[26..32])
}

/// How a receipt leaves by itself: by email where there is an address, else by SMS where the clinic allows it and
/// there is a number.
pub fn by_itself(
    settings: &ReceiptSettings,
    email: Option<&str>,
    phone: Option<&str>,
) -> Option<(Channel, String)> {
    match (email, phone) {
        (Some(email), _) => Some((Channel::Email, email.to_owned())),
        (None, Some(phone)) if settings.by_sms => Some((Channel::Sms, phone.to_owned())),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vat_is_taken_out_of_the_gross_sum_to_the_nearest_penny() {
        for (rate, gross, vat) in [
            ("20", 12_000, 2_000),
            ("20", 4_500, 750),
            ("20", 1, 0),    // a sixth of a penny
            ("20", 3, 1),    // exactly half a penny: away from zero
            ("20", 100, 17), // 16.67
            ("17.5", 11_750, 1_750),
            ("5,5", 10_550, 550),
            ("100", 1, 1), // half a penny
            ("0.01", 1_000_000, 100),
            ("20", 0, 0),
            ("20", -500, 0),
            ("20", 1_000_000_000_000, 166_666_666_667),
        ] {
            let rate = VatRate::parse(rate).unwrap();
            assert_eq!(
                rate.included(Money::gbp(gross)),
                Money::gbp(vat),
                "{rate:?} of {gross}"
            );
        }
    }

    #[test]
    fn a_rate_is_read_as_it_is_typed() {
        for (text, shown) in [
            ("20", "20"),
            (" 17.5 % ", "17.5"),
            ("5,25", "5.25"),
            ("100%", "100"),
        ] {
            assert_eq!(VatRate::parse(text).unwrap().figure(), shown);
        }
        for text in ["", "0", "-5", "100.01", "5.125", "1e1", "vat", ".5", "2000"] {
            assert_eq!(VatRate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_the_payments_own() {
        let payment = PaymentId(uuid::Uuid::from_u128(
            0x019a_b000_0000_7000_8000_12ab_34cd_56ef,
        ));
        assert_eq!(number(payment), "R-12AB34-CD56EF");
    }

    #[test]
    fn email_comes_first_and_sms_only_where_it_is_allowed() {
        let sms = ReceiptSettings {
            by_sms: true,
            ..ReceiptSettings::default()
        };
        let off = ReceiptSettings::default();
        for (settings, email, phone, way) in [
            (
                &off,
                Some("a@b.example"),
                Some("+447700900001"),
                Some(Channel::Email),
            ),
            (
                &sms,
                Some("a@b.example"),
                Some("+447700900001"),
                Some(Channel::Email),
            ),
            (&sms, None, Some("+447700900001"), Some(Channel::Sms)),
            (&off, None, Some("+447700900001"), None),
            (&sms, None, None, None),
        ] {
            assert_eq!(
                by_itself(settings, email, phone).map(|(channel, _)| channel),
                way
            );
        }
    }
}
