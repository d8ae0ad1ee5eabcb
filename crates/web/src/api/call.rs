//! Calls that change something: read, claimed under their idempotency key, carried out once, answered the same.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use remit_app::idempotency::{self, Claimed, KEY_CHARS_MAX, Turn};
use remit_app::{Actor, App};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::body::read;
use super::lists::NoQuery;
use super::problem::{Kind, PROBLEM_JSON, Problem};

/// The id in an address. A malformed one is answered like one that does not exist.
pub struct Id<T>(pub T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id<T>, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = text.map_err(|_| Problem::not_found())?;
        text.parse().map(Id).map_err(|_| Problem::not_found())
    }
}

/// A call with its body, read and checked.
pub struct Call<B> {
    app: Arc<App>,
    actor: Actor,
    key: Option<String>,
    method_path: String,
    raw: Bytes,
    body: B,
}

/// What the work of a call is given.
pub struct Work<B> {
    pub app: Arc<App>,
    pub actor: Actor,
    pub body: B,
    claimed: Option<Claimed>,
}

impl<B> Work<B> {
    /// The id of what the call makes, when it came with an idempotency key.
    pub fn id<T: From<uuid::Uuid>>(&self) -> Option<T> {
        self.claimed.as_ref().map(Claimed::id)
    }
}

/// What a call answers, as it is sent and kept.
pub struct Answer {
    status: StatusCode,
    body: String,
}

impl Answer {
    /// # Errors
    /// The answer cannot be written as JSON: ours.
    pub fn created(body: &impl Serialize) -> Result<Answer, Problem> {
        Answer::new(StatusCode::CREATED, body)
    }

    /// # Errors
    /// The answer cannot be written as JSON: ours.
    pub fn ok(body: &impl Serialize) -> Result<Answer, Problem> {
        Answer::new(StatusCode::OK, body)
    }

    /// Taken in, and waiting for somebody.
    ///
    /// # Errors
    /// The answer cannot be written as JSON: ours.
    pub fn accepted(body: &impl Serialize) -> Result<Answer, Problem> {
        Answer::new(StatusCode::ACCEPTED, body)
    }

    fn new(status: StatusCode, body: &impl Serialize) -> Result<Answer, Problem> {
        let body = serde_json::to_string(body).map_err(|error| Problem::internal(&error))?;
        Ok(Answer { status, body })
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Says that an answer is the kept one of an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let failed = self.status.is_client_error();
        let content = if failed { PROBLEM_JSON } else { JSON };
        (self.status, [(CONTENT_TYPE, content)], self.body).into_response()
    }
}

impl<B: DeserializeOwned> FromRequest<Arc<App>> for Call<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Call<B>, Problem> {
        let (mut parts, body) = request.into_parts();
        let actor = parts.extensions.get::<Actor>().cloned();
        let actor = actor.ok_or_else(Problem::unauthorized)?;
        NoQuery::from_request_parts(&mut parts, app).await?;
        let key = idempotency_key(&parts.headers)?;
        let method_path = format!("{} {}", parts.method, parts.uri.path());
        let is_json = is_json(&parts.headers);
        let raw = Bytes::from_request(Request::from_parts(parts, body), app).await;
        let raw = raw.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                Kind::BodyTooLarge,
                format!("Send at most {} bytes.", super::BODY_BYTES_MAX),
            ),
            _ => Problem::new(
                Kind::Malformed,
                "The body could not be read. Send it again.",
            ),
        })?;
        if !raw.is_empty() && !is_json {
            return Err(Problem::new(
                Kind::MediaType,
                "Send JSON with `Content-Type: application/json`.",
            ));
        }
        let body = read(&raw)?;
        Ok(Call {
            app: app.clone(),
            actor,
            key,
            method_path,
            raw,
            body,
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let media = content.and_then(|text| text.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// 1 to 255 visible ASCII characters, once (draft-ietf-httpapi-idempotency-key-header-07).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let text = key.to_str().ok().filter(|text| {
        (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    });
    match (text, keys.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Problem::new(
            Kind::BadKey,
            "Send one Idempotency-Key of 1 to 255 visible ASCII characters, such as a UUID.",
        )),
    }
}

impl<B: Send + Sync + 'static> Call<B> {
    /// Carries the call out, in a task of its own: a client that hangs up does not cut it off between its commit and
    /// its kept answer.
    ///
    /// # Errors
    /// What the work answers instead, or what stands against the idempotency key.
    pub async fn run<F, Fut>(self, work: F) -> Result<Response, Problem>
    where
        F: FnOnce(Work<B>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Answer, Problem>> + Send + 'static,
    {
        let task = run_once(self, work).instrument(tracing::Span::current());
        match tokio::spawn(task).await {
            Ok(answer) => answer,
            Err(error) => Err(Problem::internal(&error)),
        }
    }
}

async fn run_once<B, F, Fut>(call: Call<B>, work: F) -> Result<Response, Problem>
where
    F: FnOnce(Work<B>) -> Fut,
    Fut: Future<Output = Result<Answer, Problem>>,
{
    let (app, actor) = (call.app.clone(), call.actor.clone());
    let claimed = match &call.key {
        None => None,
        Some(key) => match claim(&call, key).await? {
            Ok(claimed) => Some(claimed),
            Err(answered) => return Ok(answered),
        },
    };
    let given = Work {
        app: call.app,
        actor: call.actor,
        body: call.body,
        claimed: claimed.clone(),
    };
    let done = work(given).await;
    if let Some(claimed) = claimed {
        keep(&app, &actor, &claimed, &done).await;
    }
    done.map(IntoResponse::into_response)
}

/// The key for this request alone, or the answer that is already known.
async fn claim<B>(call: &Call<B>, key: &str) -> Result<Result<Claimed, Response>, Problem> {
    let turn =
        idempotency::claim(&call.app, &call.actor, key, &call.method_path, &call.raw).await?;
    match turn {
        Turn::Work(claimed) => Ok(Ok(claimed)),
        Turn::Answered { status, body } => {
            let status = u16::try_from(status)
                .ok()
                .and_then(|status| StatusCode::from_u16(status).ok())
                .unwrap_or(StatusCode::OK);
            let mut answer = Answer { status, body }.into_response();
            answer
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
            Ok(Err(answer))
        }
        Turn::InFlight => Err(Problem::new(
            Kind::InFlight,
            "Wait for its answer, or send it again in half a minute.",
        )),
        Turn::OtherRequest => Err(Problem::new(
            Kind::KeyReused,
            "Send this request with an Idempotency-Key of its own.",
        )),
    }
}

/// Keeps the answer; what may turn out differently a moment later is not kept, so the request may be sent again. A
/// failure to keep it is no failure of the call: the next asker finds the work done under the same id.
async fn keep(app: &App, actor: &Actor, claimed: &Claimed, done: &Result<Answer, Problem>) {
    let kept = match done {
        Ok(answer) => {
            let status = i64::from(answer.status.as_u16());
            claimed.save(app, actor, status, &answer.body).await
        }
        Err(problem) if passes(problem) => claimed.release(app, actor).await,
        Err(problem) => {
            let status = i64::from(problem.kind.status());
            claimed.save(app, actor, status, &problem.json()).await
        }
    };
    if let Err(error) = kept {
        tracing::error!("the answer of an idempotency key was not kept: {error}");
    }
}

/// Whether a problem may be gone when the same request comes again.
fn passes(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::PaymentInProgress | Kind::InFlight)
        || problem.kind.status() == 429
        || problem.kind.status() >= 500
}
