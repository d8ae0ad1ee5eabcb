//! HTTP to the outside: one way to build the client, and one way to judge what came back.
//!
//! The rule (hazards A12 to A14): only the other side's own words prove that nothing happened. A lost connection, a
//! 5xx, a redirect, or an error page of something in between proves nothing and stays *unknown*.

use std::time::Duration;

use remit_core::{DAY_MS, SECOND_MS};
pub use reqwest::Client;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, Url};

use crate::messages::{Handover, OF_ACCOUNT};
use crate::roots::Roots;
use crate::{Answer, Contact, Refusal, Unknown};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the first byte sent to the last one read.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(20);
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const POOL_IDLE_PER_HOST_MAX: usize = 16;
/// The largest answer that is read: a page of a provider's list is far below it.
const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest wait that we let another side ask for.
const RETRY_AFTER_MAX_MS: i64 = DAY_MS;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the HTTP client could not be built: {0}")]
    Build(#[from] reqwest::Error),
}

/// The client of every gateway: rustls with these roots, no redirects (a redirected POST would lose its body or
/// reach somebody else), no proxy from the environment, timeouts always. Cheap to clone; build it once.
///
/// # Errors
/// See [`ClientError`]; neither depends on anything outside this process.
pub fn client(roots: &Roots) -> Result<Client, ClientError> {
    let mut tls = roots.tls()?;
    // A preconfigured backend is taken as it is, so HTTP/2 has to be offered here.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .pool_max_idle_per_host(POOL_IDLE_PER_HOST_MAX)
        .user_agent(concat!("Remit/", env!("CARGO_PKG_VERSION")))
        .build()?)
}

/// An address below a base. Every part of the path is escaped, so an id from outside cannot leave its place.
pub(crate) fn below(base: &Url, path: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// An HTTP answer that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub retry_after_ms: Option<i64>,
    /// The other side's clock when it answered (UTC ms, whole seconds), from `Date`.
    pub date_ms: Option<i64>,
    /// The answer is a stored one, repeated for its idempotency key (`Idempotent-Replayed`).
    pub replayed: bool,
    pub body: Vec<u8>,
}

/// Sends a request and reads the whole answer, whatever its status. `Refused` only when the request could not even be
/// built, so that nothing left this machine.
pub async fn send(request: RequestBuilder) -> Answer<Reply> {
    match request.send().await {
        Ok(response) => read(response).await,
        Err(error) if error.is_builder() => Answer::refused(
            "invalid_request",
            "The provider's address or key cannot be used.",
        ),
        Err(error) => Answer::unknown(reason(&error)),
    }
}

/// Sends what must not happen twice, and reads the whole answer, whatever its status. Without one it tells apart what
/// never left this machine (no connection came about) from what may have arrived.
pub(crate) async fn hand_over(request: RequestBuilder) -> Result<Reply, Handover> {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => {
            let why = "The address or key of the message service cannot be used.";
            return Err(Handover::refused(OF_ACCOUNT, why));
        }
        Err(error) if error.is_connect() => {
            return Err(Handover::not_now(
                "no connection to the message service",
                None,
            ));
        }
        Err(error) => return Err(Handover::unknown(reason(&error))),
    };
    match read(response).await {
        Answer::Done(reply) => Ok(reply),
        Answer::Refused(refusal) => Err(Handover::Refused(refusal)),
        Answer::Unknown(unknown) => Err(Handover::Unknown(unknown)),
    }
}

/// The parameter that carries our reference in the address of delivery receipts.
const REFERENCE: &str = "reference";

/// An address of ours for the receipts of one message.
pub(crate) fn with_reference(url: &str, reference: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(REFERENCE, reference);
            url.into()
        }
        Err(_) => url.to_owned(),
    }
}

/// Our reference in the address of a receipt.
pub(crate) fn reference_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let found = url.query_pairs().find(|(name, _)| name == REFERENCE);
    found.map(|(_, value)| value.into_owned())
}

/// The fields of a form body. `None`: not one.
pub(crate) fn form(body: &str) -> Option<Vec<(String, String)>> {
    // A control character is none that a form may hold, and `Url` would leave it out without a word.
    if body.chars().any(char::is_control) {
        return None;
    }
    let url = Url::parse(&format!("form:?{}", body.replace('#', "%23"))).ok()?;
    Some(url.query_pairs().into_owned().collect())
}

async fn read(mut response: Response) -> Answer<Reply> {
    let status = response.status().as_u16();
    let retry_after_ms = retry_after_ms(response.headers());
    let date_ms = header(response.headers(), &DATE).and_then(date_ms);
    let replayed = response
        .headers()
        .get("idempotent-replayed")
        .is_some_and(|value| value.as_bytes() == b"true");
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > ANSWER_BYTES_MAX => {
                return Answer::unknown(format!("answer {status} was too long"));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                return Answer::unknown(format!("answer {status}, then {}", reason(&error)));
            }
        }
    }
    Answer::Done(Reply {
        status,
        retry_after_ms,
        date_ms,
        replayed,
        body,
    })
}

/// What went wrong on the way, without the address: it may hold an id or a key.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "connection lost"
    }
}

/// Judges a reply. `value` reads the body of a 2xx; `refusal` reads the other side's own error body.
///
/// Refused: a 4xx that the other side explains itself. Unknown: everything else, among them 408, 409 (the same key is
/// in flight), 425 and 429, which ask for a repetition.
pub fn judge<T>(
    reply: &Reply,
    value: impl FnOnce(&[u8]) -> Option<T>,
    refusal: impl FnOnce(u16, &[u8]) -> Option<Refusal>,
) -> Answer<T> {
    let unknown = |why: &str| {
        Answer::Unknown(Unknown {
            why: format!("{why} (status {})", reply.status),
            retry_after_ms: reply.retry_after_ms,
            contact: if reply.replayed || reply.status == 409 {
                Contact::There
            } else {
                Contact::Silent
            },
        })
    };
    match reply.status {
        200..=299 => {
            value(&reply.body).map_or_else(|| unknown("answer not understood"), Answer::Done)
        }
        408 | 409 | 425 | 429 => unknown("asked to try again later"),
        400..=499 => refusal(reply.status, &reply.body)
            .map_or_else(|| unknown("no proof of a refusal"), Answer::Refused),
        _ => unknown("no proof either way"),
    }
}

/// `Retry-After` in milliseconds: seconds, or a date, which is read against the answer's own `Date` so that our clock
/// does not matter (hazard B6). `None` for anything else.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = header(headers, &RETRY_AFTER)?;
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse::<i64>().ok()?.checked_mul(SECOND_MS)?
    } else {
        date_ms(text)? - header(headers, &DATE).and_then(date_ms)?
    };
    Some(wait.clamp(0, RETRY_AFTER_MAX_MS))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// An HTTP date (RFC 9110, 5.6.7, the preferred form) in UTC milliseconds.
fn date_ms(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
        .map(|at| at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(status: u16, body: &[u8]) -> Option<Refusal> {
        (body == b"no").then(|| Refusal {
            code: format!("c{status}"),
            message: "No.".into(),
        })
    }

    #[test]
    fn only_the_other_sides_own_words_are_a_refusal() {
        for status in 0..=999_u16 {
            for body in ["yes", "no", "<html>"] {
                let reply = Reply {
                    status,
                    retry_after_ms: Some(7),
                    date_ms: None,
                    replayed: false,
                    body: body.into(),
                };
                let told = judge(&reply, |body| (body == b"yes").then_some(()), words);
                let again = matches!(status, 408 | 409 | 425 | 429);
                match (status, body) {
                    (200..=299, "yes") => assert_eq!(told, Answer::Done(())),
                    (400..=499, "no") if !again => {
                        assert!(matches!(told, Answer::Refused(_)), "{status}")
                    }
                    _ => assert!(
                        matches!(&told, Answer::Unknown(unknown) if unknown.retry_after_ms == Some(7)),
                        "{status} {body}: {told:?}"
                    ),
                }
            }
        }
    }

    #[test]
    fn a_wait_that_was_asked_for_is_read() {
        let sent = "Tue, 24 Nov 2026 06:00:00 GMT";
        for (retry_after, date, expected) in [
            ("3", None, Some(3_000)),
            ("0", None, Some(0)),
            ("999999999", None, Some(RETRY_AFTER_MAX_MS)),
            ("99999999999999999999", None, None),
            ("-3", None, None),
            ("soon", Some(sent), None),
            ("Tue, 24 Nov 2026 06:02:00 GMT", Some(sent), Some(120_000)),
            ("Tue, 24 Nov 2026 05:00:00 GMT", Some(sent), Some(0)),
            ("Tue, 24 Nov 2026 06:02:00 GMT", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(retry_after_ms(&headers), expected, "{retry_after}");
        }
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_built_never_left() {
        let client = client(&Roots::default()).unwrap();
        let told = send(client.get("http://127.0.0.1:1/").header("x", "\n")).await;
        assert!(matches!(told, Answer::Refused(_)), "{told:?}");
        let told = send(client.get("http://127.0.0.1:1/")).await;
        assert_eq!(told, Answer::unknown("no connection"));
    }
}
