//! Twilio's Programmable Messaging: the Messages resource of API version 2010-04-01, its status callbacks and their
//! signature (twilio.com/docs/messaging/api/message-resource, twilio.com/docs/usage/security).

mod faults;
mod signature;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use remit_core::{MINUTE_MS, UtcMs};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;

use crate::address::{self, AddressError};
use crate::http::{self, Client, Reply};
use crate::messages::{
    Handover, Message, MessageChannel, MessageFacts, MessageStatus, Receipt, ReceiptError,
    ReceiptRequest,
};
use crate::{Answer, Refusal};

pub const DEFAULT_API_BASE: &str = "https://api.twilio.com";
const VERSION: &str = "2010-04-01";
const SIGNATURE_HEADER: &str = "x-twilio-signature";
/// How far Twilio's clock and ours may differ when a message is looked for by its time: too wide finds an older message
/// of the same words, too narrow sends a second one. Less than the two minutes that lie between two sendings of one link.
const SKEW_MS: i64 = MINUTE_MS;
/// Twilio drops a request whose sender has hung up within moments; two minutes are beyond every timeout on the way.
const LATE_MS: i64 = 2 * MINUTE_MS;
/// The most that Twilio gives in one page.
const PAGE_SIZE: &str = "1000";

/// What a clinic's owner enters, and where receipts go.
pub struct TwilioConfig {
    pub api_base: String,
    pub account_sid: String,
    pub auth_token: String,
    /// A number in E.164, a name of up to 11 characters, a short code, or a messaging service (`MG...`).
    pub sender: String,
    /// Where status callbacks go; none where Twilio cannot reach us.
    pub callback: Option<String>,
    pub client: Client,
}

pub struct Twilio {
    messages: Url,
    config: TwilioConfig,
}

impl Twilio {
    /// # Errors
    /// An address that cannot be used.
    pub fn new(config: TwilioConfig) -> Result<Twilio, AddressError> {
        let base = address::base(&config.api_base)?;
        let path = [VERSION, "Accounts", &config.account_sid, "Messages.json"];
        Ok(Twilio {
            messages: http::below(&base, &path, &[]),
            config,
        })
    }

    fn list(&self, filter: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.messages.clone();
        url.query_pairs_mut().extend_pairs(filter);
        let (name, password) = (&self.config.account_sid, &self.config.auth_token);
        self.config.client.get(url).basic_auth(name, Some(password))
    }

    fn form<'a>(
        &'a self,
        message: &'a Message,
        callback: Option<&'a str>,
    ) -> Vec<(&'a str, &'a str)> {
        let from = if self.config.sender.starts_with("MG") {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let mut form = vec![
            ("To", message.to.as_str()),
            (from, &self.config.sender),
            ("Body", &message.text),
        ];
        form.extend(callback.map(|url| ("StatusCallback", url)));
        form
    }
}

/// A message as Twilio describes it.
#[derive(Deserialize)]
struct Described {
    sid: String,
    status: String,
    error_code: Option<i64>,
    #[serde(default)]
    body: String,
    /// RFC 2822.
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    direction: String,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Described>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

/// Twilio's own words for a no.
#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    code: Option<i64>,
}

impl Described {
    /// `None`: a status that no version of the API names.
    fn facts(self) -> Option<MessageFacts> {
        let status = status(&self.status)?;
        Some(MessageFacts {
            provider_message_id: self.sid,
            status,
            reason: (status == MessageStatus::Failed).then(|| faults::failed(self.error_code)),
        })
    }

    fn created_at(&self) -> Option<UtcMs> {
        let text = self.date_created.as_deref()?;
        let at = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        Some(at.as_millisecond())
    }
}

fn status(word: &str) -> Option<MessageStatus> {
    Some(match word {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => MessageStatus::Sent,
        "delivered" | "read" => MessageStatus::Delivered,
        "failed" | "undelivered" | "canceled" => MessageStatus::Failed,
        _ => return None,
    })
}

/// The refusal in a reply that is no 2xx, or nothing where the reply proves nothing.
fn refusal(reply: &Reply) -> Option<Refusal> {
    let code = serde_json::from_slice::<Fault>(&reply.body).ok();
    match (reply.status, code) {
        (401, fault) => Some(faults::refused(
            fault.and_then(|fault| fault.code).unwrap_or(20_003),
        )),
        (400..=499, Some(Fault { code: Some(code) })) => Some(faults::refused(code)),
        (404, Some(_)) => Some(faults::refused(20_404)),
        _ => None,
    }
}

#[async_trait]
impl MessageChannel for Twilio {
    async fn send(&self, message: &Message) -> Handover {
        let callback = self
            .config
            .callback
            .as_deref()
            .map(|url| http::with_reference(url, &message.reference));
        let request = self
            .config
            .client
            .post(self.messages.clone())
            .basic_auth(&self.config.account_sid, Some(&self.config.auth_token))
            .form(&self.form(message, callback.as_deref()));
        let reply = match http::hand_over(request).await {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        match reply.status {
            200..=299 => serde_json::from_slice::<Described>(&reply.body)
                .ok()
                .and_then(Described::facts)
                .map_or_else(
                    || Handover::unknown("Twilio’s answer was not understood"),
                    Handover::Taken,
                ),
            429 => Handover::not_now(
                "Twilio takes no more messages just now",
                reply.retry_after_ms,
            ),
            status => match refusal(&reply) {
                Some(refusal) => Handover::Refused(refusal),
                None => {
                    Handover::unknown(format!("Twilio’s answer proves nothing (status {status})"))
                }
            },
        }
    }

    /// By number, words and time: Twilio keeps no reference of ours. Without a filter on the date, which would leave out
    /// what still waits to be sent.
    async fn look_up(&self, message: &Message, since: UtcMs) -> Answer<MessageFacts> {
        let request = self.list(&[("To", message.to.as_str()), ("PageSize", PAGE_SIZE)]);
        let reply = match http::send(request).await.into_result() {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        if reply.status != 200 {
            return Answer::unknown(format!(
                "Twilio could not be asked (status {})",
                reply.status
            ));
        }
        let Ok(page) = serde_json::from_slice::<Page>(&reply.body) else {
            return Answer::unknown("Twilio’s answer was not understood");
        };
        let is_whole = page.next_page_uri.is_none();
        // The newest first, so the first that fits is the latest.
        let found = page.messages.into_iter().find(|listed| {
            listed.direction.starts_with("outbound")
                && listed.created_at().is_none_or(|at| at >= since - SKEW_MS)
                && same_words(&listed.body, &message.text)
        });
        match found {
            Some(listed) => listed.facts().map_or_else(
                || Answer::unknown("Twilio’s answer was not understood"),
                Answer::Done,
            ),
            None if is_whole => Answer::refused("not_found", "Twilio has no such message."),
            None => Answer::unknown("Twilio has more messages to this number than fit one answer"),
        }
    }

    async fn greet(&self) -> Answer<()> {
        let request = self.list(&[("PageSize", "1")]);
        let reply = match http::send(request).await.into_result() {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        match (reply.status, refusal(&reply)) {
            (200, _) => Answer::Done(()),
            (_, Some(refusal)) => Answer::Refused(refusal),
            (status, None) => {
                Answer::unknown(format!("Twilio’s answer proves nothing (status {status})"))
            }
        }
    }

    fn late_ms(&self) -> i64 {
        LATE_MS
    }

    fn parse_receipt(&self, request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
        let signed = request.headers.get(SIGNATURE_HEADER);
        let signed = signed
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let body = std::str::from_utf8(request.body).map_err(|_| ReceiptError::Malformed)?;
        let params = http::form(body).ok_or(ReceiptError::Malformed)?;
        if !signature::fits(&self.config.auth_token, request.url, &params, signed) {
            return Err(ReceiptError::Signature);
        }
        let param = |name: &str| {
            let found = params.iter().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        if param("AccountSid").is_some_and(|account| account != self.config.account_sid) {
            return Err(ReceiptError::Signature);
        }
        let status = param("MessageStatus").as_deref().and_then(status);
        let status = status.ok_or(ReceiptError::Malformed)?;
        let code = param("ErrorCode").and_then(|code| code.parse().ok());
        Ok(Receipt {
            reference: http::reference_of(request.url),
            provider_message_id: param("MessageSid"),
            status,
            reason: (status == MessageStatus::Failed).then(|| faults::failed(code)),
        })
    }
}

/// Whether two texts are the same message. Twilio may exchange typographic characters for plain ones, so an address
/// that both hold is enough: a link's address is in no other message.
fn same_words(listed: &str, ours: &str) -> bool {
    let address = ours.split_whitespace().find(|word| word.contains("://"));
    listed.trim() == ours.trim()
        || address.is_some_and(|address| listed.split_whitespace().any(|word| word == address))
}
