//! Vonage's codes in plain words (developer.vonage.com/messaging/sms/guides/troubleshooting-sms, .../delivery-receipts).

use crate::messages::{Handover, OF_ACCOUNT, OF_MESSAGE, OF_RECIPIENT};

/// What a non-zero status of the SMS API means for the message.
pub fn refused(status: &str) -> Handover {
    let (blame, words) = match status {
        "1" => return Handover::not_now("Vonage takes no more messages just now", None),
        "10" => return Handover::not_now("Vonage has too many connections of this account", None),
        "5" => return Handover::unknown("Vonage had an error of its own"),
        "4" => (
            OF_ACCOUNT,
            "Vonage does not accept the API key and secret. Copy them again from the Vonage dashboard.",
        ),
        "8" => (OF_ACCOUNT, "The Vonage account is suspended."),
        "9" => (
            OF_ACCOUNT,
            "The Vonage account has no credit left. Top it up and send again.",
        ),
        "11" => (OF_ACCOUNT, "The Vonage account may not use the SMS API."),
        "14" | "32" => (
            OF_ACCOUNT,
            "The Vonage account takes only signed requests. Allow unsigned ones in its API settings.",
        ),
        "15" => (
            OF_ACCOUNT,
            "Vonage does not accept the sender. Enter a number or name that the account may use.",
        ),
        "23" => (
            OF_ACCOUNT,
            "Vonage does not accept this installation’s public address for delivery receipts. Set REMIT_PUBLIC_URL to an https address.",
        ),
        "29" => (
            OF_ACCOUNT,
            "This is a Vonage trial account: it sends only to numbers that were added to its list.",
        ),
        "6" => (
            OF_RECIPIENT,
            "Vonage cannot send to this number. Correct it, or send the link by email.",
        ),
        "7" => (
            OF_RECIPIENT,
            "This number takes no texts from the clinic’s sender. Send the link by email.",
        ),
        "33" => (
            OF_RECIPIENT,
            "The number is no longer in use. Correct it, or send the link by email.",
        ),
        "12" => (OF_MESSAGE, "The message is too long for a text."),
        other => {
            let known: String = other.chars().filter(char::is_ascii_digit).take(4).collect();
            return Handover::refused(
                OF_MESSAGE,
                format!("Vonage refused the message (status {known})."),
            );
        }
    };
    Handover::refused(blame, words)
}

/// Why a message that Vonage had taken did not arrive.
pub fn failed(code: Option<&str>) -> String {
    match code.unwrap_or("1") {
        "2" | "7" => "The phone could not be reached: it may be switched off or without signal.",
        "3" => "The number is no longer in use.",
        "4" | "14" => "The number is barred from such texts. Its owner can ask the mobile network.",
        "5" => "The number is moving between networks. Try again later, or send the link by email.",
        "6" => "The mobile network filtered the text as unwanted.",
        "8" => "The mobile network had an error.",
        "9" => "This person has asked not to get texts from this sender.",
        "11" | "12" => "There is no way to this number. Check it.",
        "13" => "The network does not pass such texts on to this person.",
        "15" => "The network takes texts only from known senders.",
        _ => "The mobile network did not deliver it and gave no reason.",
    }
    .to_owned()
}
