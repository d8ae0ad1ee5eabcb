//! Any SMS gateway with an HTTP interface: one POST per message, its body made from a template, the message's id read
//! from the answer. It cannot be asked what became of a message.

mod template;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use remit_core::UtcMs;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::Answer;
use crate::address::{self, AddressError};
use crate::http::{self, Client};
use crate::messages::{
    Handover, Message, MessageChannel, MessageFacts, MessageStatus, OF_ACCOUNT, OF_MESSAGE,
    Receipt, ReceiptError, ReceiptRequest,
};
use crate::pushed;
pub use template::{Template, TemplateError};

/// Where the id stands in an answer, unless a clinic says otherwise.
pub const DEFAULT_ID_PATH: &str = "id";
/// The longest id that is kept.
const ID_CHARS_MAX: usize = 200;
/// Header names and the most of them.
pub const HEADERS_MAX: usize = 20;

/// What a clinic's owner enters.
pub struct GatewayConfig {
    /// The whole address that messages are posted to.
    pub api_base: String,
    /// Sent as `Authorization: Bearer`, and what receipts prove themselves with.
    pub token: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body_template: Option<String>,
    /// Names and numbers with dots between: `messages.0.id`.
    pub id_path: String,
    pub sender: String,
    pub client: Client,
}

/// Why settings cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("{0:?} is not a header that can be sent.")]
    Header(String),
}

pub struct HttpGateway {
    url: Url,
    headers: HeaderMap,
    template: Template,
    config: GatewayConfig,
}

impl HttpGateway {
    /// # Errors
    /// See [`GatewayError`].
    pub fn new(config: GatewayConfig) -> Result<HttpGateway, GatewayError> {
        let headers = headers(&config.headers)?;
        let content = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        Ok(HttpGateway {
            url: address::base(&config.api_base)?,
            template: Template::parse(config.body_template.as_deref(), content)?,
            headers,
            config,
        })
    }
}

/// Headers that the connection itself sets, which a setting must not bend.
const OWN_HEADERS: [&str; 5] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];

/// The headers of a setting, as they are sent.
///
/// # Errors
/// Names the one that cannot be sent.
pub fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().take(HEADERS_MAX) {
        let wrong = || GatewayError::Header(name.chars().take(40).collect());
        let read = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        if OWN_HEADERS.contains(&read.as_str()) {
            return Err(wrong());
        }
        value.set_sensitive(true);
        headers.insert(read, value);
    }
    Ok(headers)
}

/// The id in an answer: a text or a number.
fn id(body: &[u8], path: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let found = path.split('.').try_fold(&body, |at, part| match at {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        other => other.get(part),
    })?;
    let id = match found {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let fits = !id.is_empty() && id.len() <= ID_CHARS_MAX && !id.chars().any(char::is_control);
    fits.then_some(id)
}

#[async_trait]
impl MessageChannel for HttpGateway {
    async fn send(&self, message: &Message) -> Handover {
        let mut request = self.config.client.post(self.url.clone());
        if !self.headers.contains_key(CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(token) = &self.config.token {
            request = request.bearer_auth(token);
        }
        // The clinic's own headers come last, so that they win.
        let request = request
            .headers(self.headers.clone())
            .body(self.template.fill(message, &self.config.sender));
        let reply = match http::hand_over(request).await {
            Ok(reply) => reply,
            Err(other) => return other,
        };
        match reply.status {
            200..=299 => match id(&reply.body, &self.config.id_path) {
                Some(id) => Handover::Taken(MessageFacts {
                    provider_message_id: id,
                    status: MessageStatus::Sent,
                    reason: None,
                }),
                None => Handover::unknown(format!(
                    "the gateway’s answer has no “{}”",
                    self.config.id_path
                )),
            },
            429 => Handover::not_now(
                "the gateway takes no more messages just now",
                reply.retry_after_ms,
            ),
            401 | 403 => Handover::refused(
                OF_ACCOUNT,
                format!(
                    "The gateway does not accept the token or headers (status {}).",
                    reply.status
                ),
            ),
            404 | 405 => Handover::refused(
                OF_ACCOUNT,
                format!(
                    "Nothing takes messages at the gateway’s address (status {}).",
                    reply.status
                ),
            ),
            400..=499 if !matches!(reply.status, 408 | 409 | 425) => Handover::refused(
                OF_MESSAGE,
                format!(
                    "The gateway refused the message (status {}). Check number and settings.",
                    reply.status
                ),
            ),
            status => Handover::unknown(format!(
                "the gateway’s answer proves nothing (status {status})"
            )),
        }
    }

    async fn look_up(&self, _message: &Message, _since: UtcMs) -> Answer<MessageFacts> {
        Answer::unknown("the gateway cannot be asked what became of a message")
    }

    async fn greet(&self) -> Answer<()> {
        Answer::unknown("a gateway is only heard when a message is sent")
    }

    fn late_ms(&self) -> i64 {
        // There is no look-up that could prove an absence.
        i64::MAX
    }

    fn parse_receipt(&self, request: ReceiptRequest<'_>) -> Result<Receipt, ReceiptError> {
        pushed::parse(self.config.token.as_deref(), &request)
    }
}
