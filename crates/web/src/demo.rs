//! The demo's message tray: what the patient's phone and mailbox would show, and the style guide. Open to everybody, and
//! only in a demo.

mod styleguide;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use remit_app::views::TrayMessage;
use remit_app::{Result, clinics, tray};
use remit_core::messages;
use serde_json::json;

use crate::Web;
use crate::pages::tray as pages;

/// Messages that the JSON has, and those on the page, which is to look like a phone: the demo’s history has hundreds.
const MESSAGES_MAX: i64 = 200;
const SHOWN_MAX: usize = 50;

pub fn routes() -> Router<Web> {
    Router::new()
        .route("/demo/messages", get(page))
        .route("/demo/messages.json", get(list))
        .merge(styleguide::routes())
}

async fn newest(web: &Web) -> Result<(Option<remit_core::clinic::Clinic>, Vec<TrayMessage>)> {
    let Some(clinic) = clinics::list(&web.app).await?.into_iter().next() else {
        return Ok((None, vec![]));
    };
    let messages = tray::messages(&web.app, clinic.id, MESSAGES_MAX).await?;
    Ok((Some(clinic), messages))
}

async fn list(State(web): State<Web>) -> Response {
    match newest(&web).await {
        Ok((_, messages)) => {
            let data: Vec<_> = messages
                .iter()
                .map(|message| {
                    json!({ "id": message.id, "channel": message.channel, "to": message.to, "subject": message.subject,
                        "text": message.text, "links": links(&message.text), "at": crate::patient::rfc3339(message.at) })
                })
                .collect();
            Json(json!({ "data": data })).into_response()
        }
        Err(error) => broken(&error),
    }
}

async fn page(State(web): State<Web>) -> Response {
    let (clinic, messages) = match newest(&web).await {
        Ok((Some(clinic), messages)) => (clinic, messages),
        Ok((None, _)) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return broken(&error),
    };
    let shown = |message: &TrayMessage| {
        let sms = message.channel == "sms";
        pages::TrayMessage {
            id: message.id.to_string(),
            sms,
            to: if sms {
                remit_core::contact::Phone::grouped(&message.to)
            } else {
                message.to.clone()
            },
            from: if sms {
                clinic.name.clone()
            } else {
                clinic.email.clone()
            },
            subject: message.subject.clone().unwrap_or_default(),
            parts: parts(&message.text),
            at: clinics::in_zone(&clinic, message.at, "%a %-d %b, %H:%M"),
            segments: if sms {
                u32::try_from(messages::segments(&message.text).count).unwrap_or(0)
            } else {
                0
            },
            characters: u32::try_from(message.text.chars().count()).unwrap_or(0),
        }
    };
    let tray = pages::Tray {
        clinic: clinic.name.clone(),
        unreachable: remit_core::contact::Phone::grouped(tray::UNREACHABLE),
        messages: messages.iter().take(SHOWN_MAX).map(shown).collect(),
    };
    match tray.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => broken(&remit_app::Error::Setup(error.to_string())),
    }
}

fn broken(error: &remit_app::Error) -> Response {
    tracing::error!("message tray: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn is_link(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}

fn links(text: &str) -> Vec<&str> {
    text.split_whitespace()
        .filter(|word| is_link(word))
        .collect()
}

/// Text and addresses in the order they stand.
fn parts(text: &str) -> Vec<pages::TextPart> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if is_link(word) {
            parts.push(pages::TextPart::Text(std::mem::take(&mut plain)));
            parts.push(pages::TextPart::Link(word.to_owned()));
            plain.push_str(&piece[word.len()..]);
        } else {
            plain.push_str(piece);
        }
    }
    parts.push(pages::TextPart::Text(plain));
    parts
}
