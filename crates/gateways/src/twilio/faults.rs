//! Twilio's error codes in plain words (twilio.com/docs/api/errors). Twilio sharpens its codes now and then, so one that
//! is not listed has a sentence too.

use crate::Refusal;
use crate::messages::{OF_ACCOUNT, OF_MESSAGE, OF_RECIPIENT};

/// Code, who can mend it, what happened and what to do.
const REFUSALS: &[(i64, &str, &str)] = &[
    (
        20_003,
        OF_ACCOUNT,
        "Twilio does not accept the account SID and auth token. Copy them again from the Twilio console.",
    ),
    (
        20_404,
        OF_ACCOUNT,
        "Twilio does not know this account. Copy the account SID again from the Twilio console.",
    ),
    (20_005, OF_ACCOUNT, "The Twilio account is not active."),
    (30_002, OF_ACCOUNT, "The Twilio account is suspended."),
    (
        21_211,
        OF_RECIPIENT,
        "This is not a phone number that exists. Correct it and send again.",
    ),
    (
        21_217,
        OF_RECIPIENT,
        "This is not a phone number that exists. Correct it and send again.",
    ),
    (
        21_214,
        OF_RECIPIENT,
        "This number cannot be reached. Correct it and send again.",
    ),
    (
        21_614,
        OF_RECIPIENT,
        "This is not a mobile number. Send the link by email or to a mobile.",
    ),
    (
        21_635,
        OF_RECIPIENT,
        "This is a landline. Send the link by email or to a mobile.",
    ),
    (
        21_265,
        OF_RECIPIENT,
        "This is a short code, which receives no texts. Send the link to a mobile.",
    ),
    (
        21_268,
        OF_RECIPIENT,
        "This is a premium-rate number. Send the link to a mobile.",
    ),
    (
        21_610,
        OF_RECIPIENT,
        "This person has unsubscribed from texts of the clinic’s sender. They can text START to it, or get the link by email.",
    ),
    (
        21_408,
        OF_RECIPIENT,
        "The Twilio account may not send to this country. Allow it in the Twilio console (Geo permissions), or send the link by email.",
    ),
    (
        21_612,
        OF_RECIPIENT,
        "Twilio cannot send from this sender to this number. Send the link by email, or ask for another sender.",
    ),
    (
        21_212,
        OF_ACCOUNT,
        "Twilio does not accept the sender. Enter a number or name of this Twilio account.",
    ),
    (
        21_603,
        OF_ACCOUNT,
        "Twilio wants a sender. Enter one in Settings, Messages.",
    ),
    (
        21_606,
        OF_ACCOUNT,
        "The sender is not a number of this Twilio account that can send texts.",
    ),
    (
        21_608,
        OF_ACCOUNT,
        "This is a Twilio trial account: it sends only to numbers that were verified with Twilio.",
    ),
    (
        21_609,
        OF_ACCOUNT,
        "Twilio does not accept this installation’s public address for delivery receipts. Set REMIT_PUBLIC_URL to an https address.",
    ),
    (21_659, OF_ACCOUNT, "The sender is not a Twilio number."),
    (
        21_660,
        OF_ACCOUNT,
        "The sender belongs to another Twilio account.",
    ),
    (21_661, OF_ACCOUNT, "The sender cannot send texts."),
    (
        21_701,
        OF_ACCOUNT,
        "The messaging service does not exist in this Twilio account.",
    ),
    (
        21_703,
        OF_ACCOUNT,
        "The messaging service has no number to send from.",
    ),
    (21_617, OF_MESSAGE, "The message is too long for a text."),
    (21_602, OF_MESSAGE, "The message has no words."),
];

/// A refusal of the API.
pub fn refused(code: i64) -> Refusal {
    let known = REFUSALS.iter().find(|(known, _, _)| *known == code);
    let (blame, message) = match known {
        Some((_, blame, words)) => (*blame, (*words).to_owned()),
        None => (
            OF_MESSAGE,
            format!("Twilio refused the message (error {code})."),
        ),
    };
    Refusal {
        code: blame.to_owned(),
        message,
    }
}

/// Why a message that Twilio had taken did not arrive.
pub fn failed(code: Option<i64>) -> String {
    let words = match code {
        Some(30_003) => "The phone could not be reached: it may be switched off or without signal.",
        Some(30_004) => "The number blocks such texts.",
        Some(30_005) => "The number is unknown or no longer in use.",
        Some(30_006) => "The number is a landline, or its network cannot be reached.",
        Some(30_007) => "The mobile network filtered the text as unwanted.",
        Some(30_001) => "Too many texts waited in Twilio’s queue.",
        Some(30_002) => "The Twilio account is suspended.",
        Some(30_008) | None => "The mobile network did not deliver it and gave no reason.",
        Some(code) => {
            let known = REFUSALS.iter().find(|(known, _, _)| *known == code);
            return known.map_or_else(
                || format!("Twilio could not deliver it (error {code})."),
                |(_, _, words)| (*words).to_owned(),
            );
        }
    };
    words.to_owned()
}
