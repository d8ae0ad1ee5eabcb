//! Live pages: one stream a tab tells which topics changed; the page fetches what it shows of them anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use remit_app::views::Notice;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::{Web, cookies};

/// The session cookie's name.
pub const SESSION_COOKIE: &str = "__Host-remit_session";
/// A comment this often keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub fn routes() -> Router<Web> {
    Router::new().route("/live", get(live))
}

/// Whose changes a stream may tell.
enum Scope {
    /// A clinic's staff: everything of their clinic.
    Clinic(String),
    /// The demo's message tray: only that a message came.
    Tray,
}

async fn live(State(web): State<Web>, headers: HeaderMap) -> Response {
    let session = match cookies::read(&headers, SESSION_COOKIE) {
        Some(secret) => remit_app::sign_in::session(&web.app, secret).await,
        None => Ok(None),
    };
    let scope = match session {
        Ok(Some((actor, _))) => Scope::Clinic(actor.clinic.to_string()),
        Ok(None) if web.app.config.demo => Scope::Tray,
        Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(error) => {
            tracing::error!("live stream: {error}");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let stream = events(web.app.notices(), scope, web.options.stop.clone());
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response()
}

fn events(
    notices: broadcast::Receiver<Notice>,
    scope: Scope,
    stop: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(
        (notices, scope, stop),
        async |(mut notices, scope, mut stop)| {
            loop {
                let notice = tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return None,
                    notice = notices.recv() => notice,
                };
                let topics = match notice {
                    Ok(notice) => topics(&notice, &scope),
                    // Something was missed: whatever the page shows may have changed.
                    Err(RecvError::Lagged(_)) => {
                        ["list", "all", "notify"].map(str::to_owned).into()
                    }
                    Err(RecvError::Closed) => return None,
                };
                if !topics.is_empty() {
                    let data = serde_json::json!({ "topics": topics }).to_string();
                    return Some((Ok(Event::default().data(data)), (notices, scope, stop)));
                }
            }
        },
    )
}

/// The page's words for what changed.
fn topics(notice: &Notice, scope: &Scope) -> Vec<String> {
    let tray = notice.topics.iter().any(|topic| topic == "tray");
    match scope {
        Scope::Tray => {
            if tray {
                vec!["messages".to_owned()]
            } else {
                vec![]
            }
        }
        Scope::Clinic(clinic) if *clinic == notice.clinic => {
            let shown = |topic: &&String| topic.starts_with("lnk_") || topic.starts_with("apt_");
            let mut topics: Vec<String> = notice.topics.iter().filter(shown).cloned().collect();
            let lists = notice
                .topics
                .iter()
                .any(|topic| topic == "diary" || topic == "findings");
            if lists || !topics.is_empty() {
                topics.push("list".to_owned());
            }
            if tray {
                topics.push("messages".to_owned());
            }
            let told = |topic: &String| topic == "notify" || topic == "findings";
            if notice.topics.iter().any(told) {
                topics.push("notify".to_owned());
            }
            topics
        }
        Scope::Clinic(_) => vec![],
    }
}
