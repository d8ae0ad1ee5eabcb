//! Vonage's SMS API (`/sms/json`), its delivery receipts and their signature, and its Reports API for what is not known
//! (developer.vonage.com/api/sms, /api/reports, /getting-started/concepts/signing-messages).

mod faults;
mod signature;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use remit_core::messages::segments;
use remit_core::{MINUTE_MS, UtcMs};
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::Answer;
use crate::address::{self, AddressError};
use crate::http::{self, Client, Reply};
use crate::messages::{
    Handover, Message, MessageChannel, MessageFacts, MessageStatus, Receipt, ReceiptError,
    ReceiptRequest,
};

pub const DEFAULT_API_BASE: &str = "https://rest.nexmo.com";
/// Reports live on a host of their own.
const REPORTS_API_BASE: &str = "https://api.nexmo.com";
/// How far Vonage's clock and ours may differ.
const SKEW_MS: i64 = MINUTE_MS;
/// The longest stretch that one report may cover, less the skew on both sides.
const REPORT_MS: i64 = 23 * 60 * MINUTE_MS;

/// What a clinic's owner enters, and where receipts go.
pub struct VonageConfig {
    pub api_base: String,
    pub api_key: String,
    pub api_secret: String,
    /// What Vonage signs its receipts with; without it none is believed (hazard D1).
    pub signature_secret: Option<String>,
    pub sender: String,
    pub callback: Option<String>,
    pub client: Client,
}

pub struct Vonage {
    sms: Url,
    reports: Url,
    config: VonageConfig,
}

impl Vonage {
    /// Asks for the records of a span of at most a day.
    fn report(&self, from: UtcMs, to: UtcMs) -> RequestBuilder {
        let at = |ms: UtcMs| {
            jiff::Timestamp::from_millisecond(ms).map_or_else(
                |_| String::new(),
                |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            )
        };
        let mut url = self.reports.clone();
        url.query_pairs_mut().extend_pairs([
            ("account_id", self.config.api_key.as_str()),
            ("product", "SMS"),
            ("direction", "outbound"),
            ("date_start", &at(from)),
            ("date_end", &at(to)),
        ]);
        let (name, password) = (&self.config.api_key, &self.config.api_secret);
        self.config.client.get(url).basic_auth(name, Some(password))
    }

    /// # Errors
    /// An address that cannot be used.
    pub fn new(config: VonageConfig) -> Result<Vonage, AddressError> {
        let base = address::base(&config.api_base)?;
        let reports = if config.api_base == DEFAULT_API_BASE {
            address::base(REPORTS_API_BASE)?
        } else {
            base.clone()
        };
        Ok(Vonage {
            sms: http::below(&base, &["sms", "json"], &[]),
            reports: http::below(&reports, &["v2", "reports", "records"], &[]),
            config,
        })
    }

    fn form<'a>(
        &'a self,
        message: &'a Message,
        callback: Option<&'a str>,
    ) -> Vec<(&'a str, &'a str)> {
        let config = &self.config;
        let kind = if segments(&message.text).unicode {
            "unicode"
        } else {
            "text"
        };
        let mut form = vec![
            ("api_key", config.api_key.as_str()),
            ("api_secret", &config.api_secret),
            ("from", bare(&config.sender)),
            ("to", bare(&message.to)),
            ("text", &message.text),
            ("type", kind),
            ("client-ref", &message.reference),
        ];
        form.extend(callback.map(|url| ("callback", url)));
        form
    }
}

/// Vonage writes numbers without the plus.
fn bare(number: &str) -> &str {
    number.strip_prefix('+').unwrap_or(number)
}

#[derive(Deserialize)]
struct Sent {
    messages: Vec<Part>,
}

/// One segment's outcome. A long text is several.
#[derive(Deserialize)]
struct Part {
    status: String,
    #[serde(rename = "message-id", default)]
    message_id: Option<String>,
}

fn judged(sent: Sent) -> Handover {
    let Some(first) = sent.messages.first() else {
        return Handover::unknown("Vonage’s answer was not understood");
    };
    let refused = sent.messages.iter().find(|part| part.status != "0");
    match (refused, &first.message_id) {
        (None, Some(id)) => Handover::Taken(MessageFacts {
            provider_message_id: id.clone(),
            status: MessageStatus::Sent,
            reason: None,
        }),
        (None, None) => Handover::unknown("Vonage’s answer was not understood"),
        // A part went out: not a no, and not to be repeated.
        (Some(_), _) if sent.messages.iter().any(|part| part.status == "0") => {
            Handover::unknown("Vonage took only a part of the message")
        }
        (Some(part), _) => faults::refused(&part.status),
    }
}

/// One message of a report.
#[derive(Deserialize)]
struct Record {
    message_id: String,
    #[serde(default)]
    client_ref: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    error_code: Option<Value>,
}

#[derive(Deserialize)]
struct Report {
    records: Vec<Record>,
}

impl Record {
    fn facts(self) -> MessageFacts {
        let status = self.status.as_deref().and_then(status);
        let status = status.unwrap_or(MessageStatus::Sent);
        let code = self.error_code.as_ref().map(plain);
        MessageFacts {
            provider_message_id: self.message_id,
            status,
            reason: (status == MessageStatus::Failed).then(|| faults::failed(code.as_deref())),
        }
    }
}

fn status(word: &str) -> Option<MessageStatus> {
    Some(match word {
        // `unknown`: the network said nothing of use, so it stands as it stood.
        "accepted" | "buffered" | "unknown" => MessageStatus::Sent,
        "delivered" => MessageStatus::Delivered,
        "expired" | "failed" | "rejected" | "deleted" => MessageStatus::Failed,
        _ => return None,
    })
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[async_trait]
impl MessageChannel for Vonage {
    async fn send(&self, message: &Message) -> Handover {
        let callback = self
            .config
            .callback
            .as_deref()
            .map(|url| http::with_reference(url, &message.reference));
        let request = self.config.client.post(self.sms.clone());
        let request = request.form(&self.form(message, callback.as_deref()));
        let reply = match http::hand_over(request).await {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        match reply.status {
            200..=299 => serde_json::from_slice::<Sent>(&reply.body).map_or_else(
                |_| Handover::unknown("Vonage’s answer was not understood"),
                judged,
            ),
            401 | 403 => faults::refused("4"),
            429 => Handover::not_now(
                "Vonage takes no more messages just now",
                reply.retry_after_ms,
            ),
            status => {
                Handover::unknown(format!("Vonage’s answer proves nothing (status {status})"))
            }
        }
    }

    /// By our own reference, which the records of the Reports API carry. A record may be late, so its absence proves
    /// nothing.
    async fn look_up(&self, message: &Message, since: UtcMs) -> Answer<MessageFacts> {
        let request = self.report(since - SKEW_MS, since + REPORT_MS);
        let reply = match http::send(request).await.into_result() {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        if reply.status != 200 {
            return Answer::unknown(format!(
                "Vonage could not be asked (status {})",
                reply.status
            ));
        }
        let Ok(report) = serde_json::from_slice::<Report>(&reply.body) else {
            return Answer::unknown("Vonage’s answer was not understood");
        };
        let mut records = report.records.into_iter();
        let found = records.find(|record| record.client_ref.as_ref() == Some(&message.reference));
        found.map_or_else(
            || Answer::unknown("Vonage has no record of the message yet"),
            |record| Answer::Done(record.facts()),
        )
    }

    async fn greet(&self) -> Answer<()> {
        let now = jiff::Timestamp::now().as_millisecond();
        let request = self.report(now - SKEW_MS, now);
        match http::send(request).await.into_result() {
            Ok(Reply { status: 200, .. }) => Answer::Done(()),
            Ok(Reply {
                status: 401 | 403, ..
            }) => faults::refused("4").into_answer(),
            Ok(Reply { status, .. }) => {
                Answer::unknown(format!("Vonage’s answer proves nothing (status {status})"))
            }
            Err(other) => other,
        }
    }

    fn late_ms(&self) -> i64 {
        // Its look-up never proves an absence.
        i64::MAX
    }

    fn parse_receipt(&self, request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
        let Some(secret) = &self.config.signature_secret else {
            return Err(ReceiptError::Signature);
        };
        let params = params(&request).ok_or(ReceiptError::Malformed)?;
        if !signature::fits(secret, &params) {
            return Err(ReceiptError::Signature);
        }
        let param = |name: &str| {
            let found = params.iter().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        if param("api-key").is_some_and(|key| key != self.config.api_key) {
            return Err(ReceiptError::Signature);
        }
        let status = param("status").as_deref().and_then(status);
        let status = status.ok_or(ReceiptError::Malformed)?;
        Ok(Receipt {
            reference: param("client-ref"),
            provider_message_id: param("messageId"),
            status,
            reason: (status == MessageStatus::Failed)
                .then(|| faults::failed(param("err-code").as_deref())),
        })
    }
}

/// The parameters of a receipt, as JSON or as a form: which of them is a setting of the Vonage account.
fn params(request: &ReceiptRequest<'_>) -> Option<Vec<(String, String)>> {
    let body = std::str::from_utf8(request.body).ok()?;
    let content = request
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if content.is_some_and(|content| content.starts_with("application/json")) {
        let object: serde_json::Map<String, Value> = serde_json::from_str(body).ok()?;
        return Some(
            object
                .into_iter()
                .map(|(name, value)| (name, plain(&value)))
                .collect(),
        );
    }
    http::form(body)
}
