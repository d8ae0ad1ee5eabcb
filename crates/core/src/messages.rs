//! The texts that leave: fixed templates, neutral words, the clinic's name and phone (hazards E1, D14).

use crate::money::Money;

/// What a link's message says.
#[derive(Clone, Debug)]
pub struct LinkMessage<'a> {
    pub clinic: &'a str,
    pub clinic_phone: &'a str,
    pub first_name: &'a str,
    pub amount: Money,
    pub url: &'a str,
    /// The last characters of a reference that the page shows as well, so that the two can be compared.
    pub reference: &'a str,
    /// When the link ends, already written in the clinic's zone.
    pub expires: &'a str,
}

/// An SMS: one segment wherever the clinic's name allows it; the link is never cut.
pub fn sms(message: &LinkMessage<'_>) -> String {
    let LinkMessage {
        clinic,
        amount,
        url,
        reference,
        clinic_phone,
        ..
    } = message;
    let long = format!(
        "{clinic}: please pay {amount} by secure link {url} Ref {reference}. Questions? {clinic_phone}"
    );
    if segments(&long).count <= 1 {
        return long;
    }
    let short = format!("{clinic}: {amount} {url} Ref {reference}");
    if segments(&short).count <= 1 {
        short
    } else {
        format!("{amount} {url}")
    }
}

/// An email's text as it leaves: while no money moves, it says so first.
pub fn marked(text: String, is_test: bool) -> String {
    if is_test {
        format!("Test mode: no money moves.\n\n{text}")
    } else {
        text
    }
}

/// An email's subject: no amount, no reason.
pub fn email_subject(clinic: &str) -> String {
    format!("Your secure payment link from {clinic}")
}

/// An email's plain text.
pub fn email(message: &LinkMessage<'_>) -> String {
    let LinkMessage {
        clinic,
        clinic_phone,
        first_name,
        amount,
        url,
        reference,
        expires,
    } = message;
    format!(
        "Hello {first_name},\n\n\
         {clinic} has sent you a secure link to pay {amount}:\n\n\
         {url}\n\n\
         The link works until {expires}. Your reference is {reference}; the page shows the same one.\n\n\
         {clinic} will never ask for your card number by text, email or phone.\n\
         Questions? Call {clinic_phone}.\n"
    )
}

/// A receipt's plain text.
pub fn receipt(
    clinic: &str,
    clinic_phone: &str,
    first_name: &str,
    amount: Money,
    when: &str,
    reference: &str,
) -> String {
    format!(
        "Hello {first_name},\n\n\
         Thank you. {clinic} has received {amount} on {when}.\n\
         Reference: {reference}\n\n\
         Questions? Call {clinic_phone}.\n"
    )
}

pub fn receipt_subject(clinic: &str) -> String {
    format!("Your receipt from {clinic}")
}

/// How an SMS is cut and coded (3GPP TS 23.038).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub count: usize,
    pub unicode: bool,
}

const GSM7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const GSM7_EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Counts the segments of an SMS: 160 septets (153 when joined), or 70 UTF-16 units (67 when joined).
pub fn segments(text: &str) -> Segments {
    let septets: Option<usize> = text
        .chars()
        .map(|c| {
            if GSM7.contains(c) {
                Some(1)
            } else {
                GSM7_EXTENDED.contains(c).then_some(2)
            }
        })
        .sum();
    let (units, single, joined) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    let count = if units <= single {
        1
    } else {
        units.div_ceil(joined)
    };
    Segments {
        count,
        unicode: septets.is_none(),
    }
}

/// `PL-` and the last six characters of an id: short enough to be read over the phone.
pub fn reference(id: &str) -> String {
    let tail: String = id
        .chars()
        .rev()
        .take(6)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    format!("PL-{}", tail.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_as_the_network_counts_it() {
        for (text, count, unicode) in [
            ("", 1, false),
            (&"a".repeat(160) as &str, 1, false),
            (&"a".repeat(161), 2, false),
            (&"€".repeat(80), 1, false),
            (&"€".repeat(81), 2, false),
            (&"ł".repeat(70), 1, true),
            (&"ł".repeat(71), 2, true),
        ] {
            assert_eq!(
                segments(text),
                Segments { count, unicode },
                "{} chars",
                text.chars().count()
            );
        }
    }

    #[test]
    fn a_link_fits_one_segment_and_is_never_cut() {
        let url = "https://pay.larkhill.example/p/lark7Qm2vXc9RtL0aZk4sWfH1w";
        for clinic in [
            "Larkhill Clinic",
            "The Very Long Established Larkhill and District Health and Wellbeing Practice of Bristol",
        ] {
            let message = LinkMessage {
                clinic,
                clinic_phone: "0117 496 0142",
                first_name: "Ava",
                amount: Money::gbp(3000),
                url,
                reference: "PL-20671A",
                expires: "",
            };
            let text = sms(&message);
            assert_eq!(segments(&text).count, 1, "{text}");
            assert!(text.contains(url) && text.contains("£30.00"));
        }
    }
}
