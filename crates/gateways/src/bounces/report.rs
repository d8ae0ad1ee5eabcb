//! A delivery status notification (RFC 3464): which email came back, and why.

use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use crate::messages::{MessageStatus, Receipt};
use crate::pushed;
use crate::smtp::answers;

/// Whether a letter with these header lines is one.
pub fn is_notification(headers: &[u8]) -> bool {
    let read = MessageParser::default().parse_headers(headers);
    read.is_some_and(|letter| is_report(&letter))
}

/// Other reports (a letter was opened, or thrown away) have another type, and some servers leave it out.
fn is_report(letter: &Message<'_>) -> bool {
    let kind = letter.content_type();
    let of = kind.and_then(|kind| kind.attribute("report-type"));
    letter.is_content_type("multipart", "report")
        && of.is_none_or(|of| of.eq_ignore_ascii_case("delivery-status"))
}

/// What a notification says: only of an email that has a Message-ID, and only that it came back for good. That one was
/// delivered is no proof, since anybody may write to the mailbox.
pub fn read(letter: &[u8]) -> Option<Receipt> {
    let letter = MessageParser::default().parse(letter)?;
    if !is_report(&letter) {
        return None;
    }
    let (status, said) = failure(&letter)?;
    let message_id = original(&letter)?;
    Some(Receipt {
        reference: pushed::of_message_id(&message_id),
        provider_message_id: Some(message_id),
        status: MessageStatus::Failed,
        reason: Some(reason(&status, &said)),
    })
}

/// Status and diagnostic code of the first recipient for whom it failed. A delay is no failure yet.
fn failure(letter: &Message<'_>) -> Option<(String, String)> {
    let is_status = |part: &&MessagePart<'_>| {
        part.is_content_type("message", "delivery-status")
            || part.is_content_type("message", "global-delivery-status")
    };
    let part = letter.parts.iter().find(is_status)?;
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    let mut groups = text.split("\n\n").filter_map(|group| {
        let group = format!("{}\n\n", group.trim_start_matches('\n'));
        let fields = MessageParser::default().parse_headers(&group)?;
        let field = |name: &'static str| {
            fields
                .header_raw(name)
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        let failed = field("Action").eq_ignore_ascii_case("failed");
        failed.then(|| (field("Status"), field("Diagnostic-Code")))
    });
    groups.next()
}

/// The Message-ID of the email that came back: in the copy of it, of its headers, or where an answer would name it.
fn original(letter: &Message<'_>) -> Option<String> {
    let within = letter.parts.iter().find_map(|part| match &part.body {
        PartType::Message(inner) => inner.message_id().map(str::to_owned),
        PartType::Text(text) if part.is_content_type("text", "rfc822-headers") => {
            message_id(text.as_bytes())
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes)
            if part.is_content_type("message", "rfc822-headers")
                || part.is_content_type("message", "global-headers") =>
        {
            message_id(bytes)
        }
        _ => None,
    });
    let answered = || last(letter.in_reply_to()).or_else(|| last(letter.references()));
    let id = within.or_else(answered)?;
    Some(format!("<{id}>"))
}

fn message_id(headers: &[u8]) -> Option<String> {
    let whole = [headers, b"\r\n\r\n"].concat();
    let read = MessageParser::default().parse_headers(&whole)?;
    read.message_id().map(str::to_owned)
}

fn last(ids: &HeaderValue<'_>) -> Option<String> {
    let list = ids.as_text_list()?;
    list.last().map(|id| id.to_string())
}

/// Why, in plain words. The server's own sentence is not passed on: it may hold an address.
fn reason(status: &str, said: &str) -> String {
    // "smtp; 550 5.1.1 <ava@example.com>: no such user".
    let mut words = said
        .split_once(';')
        .map_or(said, |(_, rest)| rest)
        .split(|c: char| c.is_whitespace() || c == '-')
        .filter(|word| !word.is_empty());
    let code = words
        .next()
        .filter(|word| word.len() == 3)
        .and_then(|word| word.parse().ok());
    let enhanced = |word: &str| is_enhanced(word).then(|| word.to_owned());
    // What the last server said is nearer to the truth than how the one before wrote it down.
    let exact = words.next().and_then(enhanced);
    let enhanced = exact.or_else(|| enhanced(status)).unwrap_or_default();
    match (code, enhanced.as_str()) {
        (None, "") => "It came back without a reason.".to_owned(),
        (code, enhanced) => answers::permanent(code.unwrap_or(0), enhanced).1,
    }
}

/// `5.1.1` (RFC 3463).
fn is_enhanced(text: &str) -> bool {
    let mut parts = text.split('.');
    let is_number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    parts.clone().count() == 3 && parts.all(is_number)
}

#[cfg(test)]
mod tests;
