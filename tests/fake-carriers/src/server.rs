//! Connections, faults, and who answers which path.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{Fault, Shared, Text, gateway, receipts, twilio, vonage};

const BODY_MAX: usize = 1 << 20;

/// The connection ends without an answer.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// A request, read.
pub struct Asked {
    pub verb: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }
}

pub fn pairs(text: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("form:?{}", text.replace('#', "%23")));
    url.map(|url| url.query_pairs().into_owned().collect())
        .unwrap_or_default()
}

/// One value of a form or query.
pub fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// An answer: status and JSON.
pub type Answer = (u16, Value);

/// Takes connections for ever.
pub async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        // A connection that broke before it was taken is nobody's loss.
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(shared.clone(), stream));
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(shared.clone(), request));
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // An error here is a cut, ours or theirs.
    let _ = serving.await;
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), BODY_MAX)
        .await
        .map_err(|_| Cut)?;
    let asked = Asked {
        verb: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, body) = if asked.path.starts_with("/2010-04-01/") {
        twilio::answer(&shared, &asked).await?
    } else if asked.path == "/sms/json" || asked.path == "/v2/reports/records" {
        vonage::answer(&shared, &asked).await?
    } else if asked.path == "/gateway" {
        gateway::answer(&shared, &asked).await?
    } else {
        shared.complain(format!(
            "{} {} is no address of a carrier",
            asked.verb, asked.path
        ));
        (404, json!({}))
    };
    let mut response = Response::new(Body::from(match body {
        Value::String(text) => text,
        body => body.to_string(),
    }));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Cut)?;
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    if status == 429 {
        let wait = axum::http::HeaderValue::from_static("1");
        response.headers_mut().insert("retry-after", wait);
    }
    Ok(response)
}

/// Takes a text with the fault drawn for it. `taken` is the answer for one that was taken, `refused` for a code.
pub async fn take(
    shared: &Arc<Shared>,
    text: Text,
    taken: impl Fn(&Text) -> Answer,
    refused: impl Fn(u32) -> Answer,
) -> Result<Answer, Cut> {
    let fault = shared.fault(&text.to);
    match fault {
        Some(Fault::Refuse(code)) => return Ok(refused(code)),
        Some(Fault::RateLimit) => {
            return Ok((
                429,
                json!({ "code": 20429, "message": "Too Many Requests" }),
            ));
        }
        Some(Fault::CutBefore) => return Err(Cut),
        Some(Fault::ServerError { taken: false }) => return Ok((500, json!({ "message": "no" }))),
        _ => {}
    }
    let answer = taken(&text);
    let (id, company) = (text.id.clone(), text.company);
    let tells = {
        let mut world = shared.world();
        world.texts.push(text);
        world.tells
    };
    if tells && fault != Some(Fault::NoReceipt) {
        let failure = match fault {
            Some(Fault::NotDelivered(code)) => Some(code),
            _ => None,
        };
        receipts::follow(shared, company, id, failure);
    }
    match fault {
        Some(Fault::CutAfter) => Err(Cut),
        Some(Fault::ServerError { .. }) => Ok((500, json!({ "message": "no" }))),
        Some(Fault::Nonsense) => Ok((200, Value::String("<html>It works!</html>".into()))),
        Some(Fault::Slow(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(answer)
        }
        _ => Ok(answer),
    }
}

/// Complains of every field that is not known or missing; answers whether all fit.
pub fn fits(
    shared: &Shared,
    call: &str,
    given: &[(String, String)],
    known: &[&str],
    needed: &[&str],
) -> bool {
    let mut wrong = Vec::new();
    for (name, value) in given {
        if !known.contains(&name.as_str()) {
            wrong.push(format!("{call}: {name} is not known"));
        }
        if value.is_empty() {
            wrong.push(format!("{call}: {name} is empty"));
        }
    }
    for name in needed {
        if one(given, name).is_none() {
            wrong.push(format!("{call}: {name} is missing"));
        }
    }
    let fits = wrong.is_empty();
    wrong.into_iter().for_each(|what| shared.complain(what));
    fits
}
