//! What a mail server's answers mean, in plain words. Its own sentence is not passed on: it may hold an address.

use std::error::Error as _;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;

use crate::messages::{Handover, OF_ACCOUNT, OF_MESSAGE, OF_RECIPIENT};

/// `550 5.1.1`: the code, and the enhanced one (RFC 3463) where the server gives it.
fn code(error: &Error) -> (u16, String) {
    let status = error.status().map_or(0, u16::from);
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let first = said.split_whitespace().next().unwrap_or_default();
    let is_enhanced = first.split('.').count() == 3
        && first.split('.').all(|part| {
            !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
        });
    (
        status,
        if is_enhanced {
            first.to_owned()
        } else {
            String::new()
        },
    )
}

fn told(status: u16, enhanced: &str) -> String {
    match status {
        0 => enhanced.to_owned(),
        status => format!("{status} {enhanced}").trim().to_owned(),
    }
}

/// A failure before anything of a message was sent: connection, TLS, greeting.
pub fn before(error: &Error) -> Handover {
    let (status, enhanced) = code(error);
    if error.is_permanent() {
        let code = told(status, &enhanced);
        return Handover::refused(
            OF_ACCOUNT,
            format!("The mail server turns this installation away ({code})."),
        );
    }
    if error.is_transient() {
        return Handover::not_now(format!("the mail server is busy ({status})"), None);
    }
    if error.is_client() {
        let why = "The mail server does not offer an encrypted connection (STARTTLS), which the settings ask for.";
        return Handover::refused(OF_ACCOUNT, why);
    }
    if error.is_tls() || is_of_tls(error) {
        return Handover::not_now(
            "no encrypted connection to the mail server could be made: its certificate may not fit its name, or come from \
             an authority that is not known here",
            None,
        );
    }
    if error.is_response() {
        return Handover::not_now("what answers there is not a mail server", None);
    }
    Handover::not_now("no connection to the mail server", None)
}

/// A TLS failure while connecting comes wrapped as one of the connection.
fn is_of_tls(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inside = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inside.is_some_and(|inside| inside.is::<rustls::Error>())
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A failure of the sign-in.
pub fn sign_in(error: &Error) -> Handover {
    if error.is_permanent() {
        let (status, enhanced) = code(error);
        let code = told(status, &enhanced);
        let why = format!(
            "The mail server does not accept the name and password ({code}). Enter them again in Settings, Messages."
        );
        return Handover::refused(OF_ACCOUNT, why);
    }
    if error.is_client() {
        return Handover::refused(
            OF_ACCOUNT,
            "The mail server takes no name and password over this connection.",
        );
    }
    before(error)
}

/// A failure while the message was sent. Only the server's own words prove that it did not take it.
pub fn to_message(error: &Error, envelope: &Envelope) -> Handover {
    let (status, enhanced) = code(error);
    if error.is_transient() {
        let code = told(status, &enhanced);
        return Handover::not_now(
            format!("the mail server asks to try again later ({code})"),
            None,
        );
    }
    if error.is_permanent() {
        return refused(status, &enhanced);
    }
    if error.is_client()
        && envelope
            .to()
            .iter()
            .any(|address| !address.to_string().is_ascii())
    {
        let why =
            "The mail server cannot send to an address with such letters. Use another address.";
        return Handover::refused(OF_RECIPIENT, why);
    }
    Handover::unknown("the connection to the mail server was lost")
}

fn refused(status: u16, enhanced: &str) -> Handover {
    let (blame, words) = permanent(status, enhanced);
    Handover::refused(blame, words)
}

/// Who is to blame for a permanent no (RFC 5321, 4.2.3; RFC 3463, 3), and the sentence for it. A status of 0 is not known.
pub fn permanent(status: u16, enhanced: &str) -> (&'static str, String) {
    let class = enhanced.split_once('.').map_or("", |(_, rest)| rest);
    let (blame, words) = match (class, status) {
        ("1.1" | "1.6" | "1.10" | "2.1", _) => (
            OF_RECIPIENT,
            "There is no mailbox with this address. Correct it and send again",
        ),
        ("1.2" | "1.3" | "4.4", _) => (
            OF_RECIPIENT,
            "The part after the @ takes no email. Correct the address and send again",
        ),
        ("2.2", _) | (_, 552) if class != "3.4" => (
            OF_RECIPIENT,
            "The mailbox is full. Send the link by SMS, or try again later",
        ),
        ("3.4" | "2.3", _) => (OF_MESSAGE, "The mail server found the email too large"),
        ("1.7" | "1.8", _) => (
            OF_ACCOUNT,
            "The mail server does not accept the sender’s address. Change it in Settings, Messages",
        ),
        ("7.0" | "7.8" | "7.9", _) | (_, 530 | 534 | 535) => (
            OF_ACCOUNT,
            "The mail server wants another sign-in. Check the settings of Messages",
        ),
        ("7.1" | "7.26" | "7.27", _) => (
            OF_ACCOUNT,
            "The mail server refused the email as unwanted, or does not send for this sender",
        ),
        (_, 550 | 551 | 553) => (
            OF_RECIPIENT,
            "The mail server does not take email for this address. Correct it and send again",
        ),
        _ => (OF_MESSAGE, "The mail server refused the email"),
    };
    (blame, format!("{words} ({}).", told(status, enhanced)))
}
