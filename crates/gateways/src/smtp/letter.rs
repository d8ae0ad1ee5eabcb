//! An email, written out.

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::unwritable;
use crate::messages::{Handover, Message, OF_RECIPIENT};

/// RFC 3834: written by a program, so no absence notice answers it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The Message-ID of a reference: the same for every try (hazard A28).
pub fn message_id(reference: &str, from: &Mailbox) -> String {
    let clean = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '.'
        }
    };
    let local: String = reference.chars().map(clean).collect();
    format!("<{local}@{}>", from.email.domain())
}

/// # Errors
/// A refusal: the address or a part cannot be written.
pub fn write(
    message: &Message,
    from: &Mailbox,
    reply_to: Option<&Mailbox>,
) -> Result<lettre::Message, Handover> {
    let Ok(to) = message.to.parse() else {
        let why = "This is not an address that email can be sent to. Correct it and send again.";
        return Err(Handover::refused(OF_RECIPIENT, why));
    };
    let mut letter = lettre::Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.subject.clone().unwrap_or_default())
        .message_id(Some(message_id(&message.reference, from)))
        .header(AutoSubmitted);
    if let Some(reply_to) = reply_to {
        letter = letter.reply_to(reply_to.clone());
    }
    let words = words(message);
    let written = if message.attachments.is_empty() {
        match words {
            Words::Plain(part) => letter.singlepart(part),
            Words::Both(parts) => letter.multipart(parts),
        }
    } else {
        let mixed = MultiPart::mixed();
        let mut mixed = match words {
            Words::Plain(part) => mixed.singlepart(part),
            Words::Both(parts) => mixed.multipart(parts),
        };
        for file in &message.attachments {
            let kind = ContentType::parse(&file.media_type).map_err(|_| unwritable())?;
            let file_name = file.file_name.chars().filter(|c| !c.is_control()).collect();
            mixed = mixed.singlepart(Attachment::new(file_name).body(file.bytes.clone(), kind));
        }
        letter.multipart(mixed)
    };
    written.map_err(|_| unwritable())
}

enum Words {
    Plain(SinglePart),
    Both(MultiPart),
}

fn words(message: &Message) -> Words {
    match &message.html {
        None => Words::Plain(SinglePart::plain(message.text.clone())),
        Some(html) => Words::Both(MultiPart::alternative_plain_html(
            message.text.clone(),
            html.clone(),
        )),
    }
}
