//! The carriers that a clinic can connect, as data: a new one is one more row here and one more arm in `connect`.

use std::collections::BTreeMap;
use std::sync::Arc;

use remit_core::deliveries::Channel;
use remit_core::ids::EndpointId;
use remit_gateways::address;
use remit_gateways::gateway::{self, GatewayConfig, GatewayError, HttpGateway};
use remit_gateways::mail_server::{self, Protocol};
use remit_gateways::messages::MessageChannel;
use remit_gateways::smtp::{Smtp, SmtpConfig, SmtpError};
use remit_gateways::twilio::{self, Twilio, TwilioConfig};
use remit_gateways::vonage::{self, Vonage, VonageConfig};
use serde::{Deserialize, Serialize};

use super::{bounces, receipt_url};
use crate::App;

/// What was entered, by the fields' names. Only what is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held(pub BTreeMap<String, String>);

impl Held {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }

    fn some(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// One thing to enter.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    /// Goes in and never comes out.
    pub secret: bool,
    pub required: bool,
    pub(super) check: fn(&str) -> Result<(), String>,
}

/// A carrier in the settings.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    /// As people read it.
    pub title: &'static str,
    pub channel: Channel,
    pub fields: &'static [Field],
    /// The field that tells one account from another: with another account receipts go to another address.
    pub(super) identity: Option<&'static str>,
    /// The fields of which one is needed for news of what was sent; none: it comes and is believed always.
    pub proofs: &'static [&'static str],
}

impl Kind {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The carrier of this name.
pub fn kind(channel: Channel, name: &str) -> Option<&'static Kind> {
    of_channel(channel).find(|kind| kind.name == name)
}

/// A channel's carriers, in the order of the settings page.
pub fn of_channel(channel: Channel) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().filter(move |kind| kind.channel == channel)
}

const SENDER: Field = Field {
    name: "sender",
    label: "Sender",
    hint: "What the patient sees: a number like +44 7700 900123, or a name of up to 11 letters and digits",
    secret: false,
    required: true,
    check: sender,
};
const API_BASE: Field = Field {
    name: "api_base",
    label: "API address",
    hint: "Only for a proxy or a test service",
    secret: false,
    required: false,
    check: is_address,
};

/// Every carrier.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "twilio",
        title: "Twilio",
        channel: Channel::Sms,
        fields: &[
            Field {
                name: "account_sid",
                label: "Account SID",
                hint: "On the first page of the Twilio console: AC…",
                secret: false,
                required: true,
                check: account_sid,
            },
            Field {
                name: "auth_token",
                label: "Auth token",
                hint: "Beside the account SID. It also proves that delivery receipts come from Twilio",
                secret: true,
                required: true,
                check: key,
            },
            Field {
                hint: "A Twilio number like +44 7700 900123, a name of up to 11 letters and digits, or a messaging service, MG…",
                check: twilio_sender,
                ..SENDER
            },
            API_BASE,
        ],
        identity: Some("account_sid"),
        proofs: &[],
    },
    Kind {
        name: "vonage",
        title: "Vonage",
        channel: Channel::Sms,
        fields: &[
            Field {
                name: "api_key",
                label: "API key",
                hint: "In the Vonage dashboard under API settings",
                secret: false,
                required: true,
                check: key,
            },
            Field {
                name: "api_secret",
                label: "API secret",
                hint: "Beside the API key",
                secret: true,
                required: true,
                check: key,
            },
            Field {
                name: "signature_secret",
                label: "Signature secret",
                hint: "In the API settings; choose SHA-256 HMAC there. Without it delivery receipts are not believed",
                secret: true,
                required: false,
                check: key,
            },
            SENDER,
            API_BASE,
        ],
        identity: Some("api_key"),
        proofs: &["signature_secret"],
    },
    Kind {
        name: "http",
        title: "HTTP gateway",
        channel: Channel::Sms,
        fields: &[
            Field {
                label: "Address",
                hint: "Messages are posted there",
                required: true,
                ..API_BASE
            },
            Field {
                name: "token",
                label: "Token",
                hint: "Sent as Authorization: Bearer, and what the gateway’s delivery receipts prove themselves with",
                secret: true,
                required: false,
                check: key,
            },
            SENDER,
            Field {
                name: "headers",
                label: "More headers",
                hint: "As JSON: {\"X-Api-Key\": \"…\"}",
                secret: true,
                required: false,
                check: is_headers,
            },
            Field {
                name: "body_template",
                label: "Body template",
                hint: "With {{to}}, {{from}}, {{text}} and {{reference}}. Empty: a JSON object of these four",
                secret: false,
                required: false,
                check: |_| Ok(()),
            },
            Field {
                name: "id_path",
                label: "Where the answer has the message’s id",
                hint: "Names with dots between, such as messages.0.id. Empty: id",
                secret: false,
                required: false,
                check: id_path,
            },
        ],
        identity: Some("api_base"),
        proofs: &["token"],
    },
    Kind {
        name: "smtp",
        title: "SMTP",
        channel: Channel::Email,
        fields: &[
            Field {
                name: "smtp_url",
                label: "Mail server",
                hint: "smtps://name@mail.example.com, or smtp://name@mail.example.com?tls=required for STARTTLS",
                secret: false,
                required: true,
                check: |_| Ok(()),
            },
            Field {
                name: "password",
                label: "Password",
                hint: "Leave it empty for a server that wants none",
                secret: true,
                required: false,
                check: password,
            },
            Field {
                name: "from",
                label: "Sender",
                hint: "Your Clinic <pay@clinic.example>, an address that this server may send for",
                secret: false,
                required: true,
                check: |_| Ok(()),
            },
            Field {
                name: "reply_to",
                label: "Answers go to",
                hint: "Empty: to the sender",
                secret: false,
                required: false,
                check: |_| Ok(()),
            },
            Field {
                name: "bounces_url",
                label: "Mailbox for bounces",
                hint: "Where emails to the sender’s address arrive: imaps://name@mail.example.com, with /Folder for another than the inbox. Read every minute, never changed",
                secret: false,
                required: false,
                check: |_| Ok(()),
            },
            Field {
                name: "bounces_password",
                label: "Its password",
                hint: "Of the name in the mailbox’s address",
                secret: true,
                required: false,
                check: password,
            },
            Field {
                name: "receipt_token",
                label: "Token for bounces",
                hint: "Instead of a mailbox: for a service that posts bounces to the address below",
                secret: true,
                required: false,
                check: long_key,
            },
        ],
        identity: None,
        proofs: &["bounces_url", "receipt_token"],
    },
];

const KEY_CHARS_MAX: usize = 255;
/// A token that strangers could try must not be short.
const TOKEN_CHARS_MIN: usize = 16;

fn key(text: &str) -> Result<(), String> {
    let plain = text.len() <= KEY_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if plain {
        Ok(())
    } else {
        Err("There are spaces or other characters in it. Copy it again.".into())
    }
}

fn long_key(text: &str) -> Result<(), String> {
    key(text)?;
    if text.len() < TOKEN_CHARS_MIN {
        return Err(format!(
            "Use at least {TOKEN_CHARS_MIN} characters: whoever knows it can say that an email came back."
        ));
    }
    Ok(())
}

fn password(text: &str) -> Result<(), String> {
    if text.len() <= KEY_CHARS_MAX && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err("A password is one line. Copy it again.".into())
    }
}

fn account_sid(text: &str) -> Result<(), String> {
    key(text)?;
    if text.starts_with("AC") && text.len() > 2 {
        return Ok(());
    }
    Err(if text.starts_with("SK") {
        "This is an API key (SK). Enter the account SID, which begins with AC, and its auth token."
    } else {
        "A Twilio account SID begins with AC. Copy it whole from the Twilio console."
    }
    .into())
}

/// A number, a short code, or a name (3GPP TS 23.040: up to 11 characters of the alphabet for SMS).
fn sender(text: &str) -> Result<(), String> {
    let digits: String = text.chars().filter(|c| !" -()".contains(*c)).collect();
    let bare = digits.strip_prefix('+').unwrap_or(&digits);
    let is_number = !bare.is_empty()
        && bare.bytes().all(|b| b.is_ascii_digit())
        && (3..=15).contains(&bare.len());
    let is_name = text.len() <= 11
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" -_&+".contains(&b));
    if is_number || is_name {
        Ok(())
    } else {
        Err("Enter a number with its country code, like +44 7700 900123, or a name of up to 11 letters and digits.".into())
    }
}

fn twilio_sender(text: &str) -> Result<(), String> {
    let is_service = text.len() == 34
        && text.starts_with("MG")
        && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_service { Ok(()) } else { sender(text) }
}

/// A sender as carriers take it: numbers without what makes them readable.
pub(super) fn plain_sender(text: &str) -> String {
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        text.to_owned()
    } else {
        text.chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect()
    }
}

fn is_address(text: &str) -> Result<(), String> {
    address::base(text)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn id_path(text: &str) -> Result<(), String> {
    let fits = text.len() <= 100
        && text.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        });
    if fits {
        Ok(())
    } else {
        Err("Write names with dots between, such as messages.0.id.".into())
    }
}

/// The headers of a setting: a JSON object of texts.
pub(super) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let read: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| {
        "Write a JSON object of names and texts: {\"X-Api-Key\": \"…\"}.".to_owned()
    })?;
    if read.len() > gateway::HEADERS_MAX {
        return Err(format!("Use at most {} headers.", gateway::HEADERS_MAX));
    }
    let pairs: Vec<_> = read.into_iter().collect();
    gateway::headers(&pairs).map_err(|error| error.to_string())?;
    Ok(pairs)
}

fn is_headers(text: &str) -> Result<(), String> {
    headers(text).map(drop)
}

/// The field that is to blame, and a sentence.
pub(crate) type Wrong = (&'static str, String);

/// The one list of carriers: a new one is one more arm, and one more row above.
pub(crate) fn connect(
    app: &App,
    kind: &Kind,
    held: &Held,
    endpoint: EndpointId,
) -> Result<Arc<dyn MessageChannel>, Wrong> {
    let usual = |default: &str| held.some("api_base").unwrap_or_else(|| default.to_owned());
    let base = |error: address::AddressError| ("api_base", error.to_string());
    let sender = plain_sender(&held.text("sender"));
    match kind.name {
        "twilio" => {
            let api_base = usual(twilio::DEFAULT_API_BASE);
            let config = TwilioConfig {
                callback: callback(app, &api_base, endpoint),
                api_base,
                account_sid: held.text("account_sid"),
                auth_token: held.text("auth_token"),
                sender,
                client: app.client.clone(),
            };
            Ok(Arc::new(Twilio::new(config).map_err(base)?))
        }
        "vonage" => {
            let api_base = usual(vonage::DEFAULT_API_BASE);
            let config = VonageConfig {
                callback: callback(app, &api_base, endpoint),
                api_base,
                api_key: held.text("api_key"),
                api_secret: held.text("api_secret"),
                signature_secret: held.some("signature_secret"),
                sender,
                client: app.client.clone(),
            };
            Ok(Arc::new(Vonage::new(config).map_err(base)?))
        }
        "http" => {
            let config = GatewayConfig {
                api_base: held.text("api_base"),
                token: held.some("token"),
                headers: match held.get("headers") {
                    Some(text) => headers(text).map_err(|why| ("headers", why))?,
                    None => vec![],
                },
                body_template: held.some("body_template"),
                id_path: held
                    .some("id_path")
                    .unwrap_or_else(|| gateway::DEFAULT_ID_PATH.to_owned()),
                sender,
                client: app.client.clone(),
            };
            let door = HttpGateway::new(config).map_err(|error| {
                let field = match error {
                    GatewayError::Address(_) => "api_base",
                    GatewayError::Template(_) => "body_template",
                    GatewayError::Header(_) => "headers",
                };
                (field, error.to_string())
            })?;
            Ok(Arc::new(door))
        }
        _ => {
            bounces::of_settings(app, held)?;
            let url =
                mail_server::join(Protocol::Smtp, &held.text("smtp_url"), held.get("password"));
            let config = SmtpConfig {
                url: url.map_err(|error| ("smtp_url", error.to_string()))?,
                from: held.text("from"),
                reply_to: held.some("reply_to"),
                receipt_token: held.some("receipt_token"),
                roots: app.config.roots.clone(),
            };
            let door = Smtp::new(config).map_err(|error| {
                let field = match error {
                    SmtpError::Server(_) => "smtp_url",
                    SmtpError::From => "from",
                    SmtpError::ReplyTo => "reply_to",
                };
                (field, error.to_string())
            })?;
            Ok(Arc::new(door))
        }
    }
}

/// Where status callbacks go. Carriers refuse an address that they cannot reach, so an installation on this machine has
/// them only from a service on it.
fn callback(app: &App, api_base: &str, endpoint: EndpointId) -> Option<String> {
    let reached = app.config.public_url.starts_with("https://") || api_base.starts_with("http://");
    reached.then(|| receipt_url(app, endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_number_or_a_short_name() {
        for good in [
            "+44 7700 900123",
            "447700900123",
            "Larkhill",
            "Larkhill 24",
            "60777",
        ] {
            assert_eq!(sender(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "Larkhill Clinic",
            "+",
            "12",
            "Zoë",
            "a\r\nb",
            "+1234567890123456",
        ] {
            assert!(sender(bad).is_err(), "{bad:?}");
        }
        assert_eq!(plain_sender("+44 (7700) 900-123"), "+447700900123");
        assert_eq!(plain_sender("Larkhill 24"), "Larkhill 24");
        assert!(twilio_sender("MG0123456789abcdef0123456789abcdef").is_ok());
        assert!(sender("MG0123456789abcdef0123456789abcdef").is_err());
    }

    #[test]
    fn every_field_has_one_meaning() {
        for kind in KINDS {
            for name in kind.identity.iter().chain(kind.proofs) {
                assert!(kind.field(name).is_some(), "{} has no {name}", kind.name);
            }
            let mut names: Vec<_> = kind.fields.iter().map(|field| field.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), kind.fields.len(), "{}", kind.name);
        }
    }
}
