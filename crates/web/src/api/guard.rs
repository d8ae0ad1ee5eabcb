//! Who may make which call: one table, asked in one place before any handler (hazard D10, suite S11).

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use remit_app::{Actor, App, api_keys};
use remit_core::roles::Permission::{self, Administer, Book, Configure, Look, TakeMoney};

use super::masking;
use super::problem::Problem;

/// Method, path below `/api/v1`, and what it needs. A call that is not listed is refused.
pub const ROUTES: &[(&str, &str, Permission)] = &[
    ("GET", "/patients", Look),
    ("POST", "/patients", Book),
    ("GET", "/patients/{id}", Look),
    ("PATCH", "/patients/{id}", Book),
    ("GET", "/services", Look),
    ("POST", "/services", Configure),
    ("GET", "/services/{id}", Look),
    ("GET", "/practitioners", Look),
    ("POST", "/practitioners", Configure),
    ("GET", "/appointments", Look),
    ("POST", "/appointments", Book),
    ("GET", "/appointments/{id}", Look),
    ("PATCH", "/appointments/{id}", Book),
    ("POST", "/appointments/{id}/charges", TakeMoney),
    ("POST", "/appointments/{id}/payments", TakeMoney),
    ("POST", "/appointments/{id}/payment-links", TakeMoney),
    ("GET", "/payment-links", Look),
    ("GET", "/payment-links/{id}", Look),
    ("GET", "/payment-links/{id}/qr.svg", Look),
    ("GET", "/payment-links/{id}/qr.png", Look),
    ("GET", "/payment-links/{id}/events", Look),
    ("POST", "/payment-links/{id}/deliveries", TakeMoney),
    ("POST", "/payment-links/{id}/cancel", TakeMoney),
    ("POST", "/payment-links/{id}/renew", TakeMoney),
    ("GET", "/follow-ups", Look),
    ("POST", "/payment-links/{id}/follow-up", TakeMoney),
    ("GET", "/payments", Look),
    ("GET", "/payments/{id}", Look),
    ("POST", "/payments/{id}/receipt", TakeMoney),
    ("GET", "/payments/{id}/receipts", Look),
    ("GET", "/payments/{id}/receipt.pdf", Look),
    ("POST", "/payments/{id}/refunds", TakeMoney),
    ("GET", "/refunds/{id}", Look),
    ("POST", "/refunds/{id}/approval", TakeMoney),
    ("GET", "/settings/receipts", Look),
    ("PUT", "/settings/receipts", Configure),
    ("GET", "/settings/digest", Look),
    ("PUT", "/settings/digest", Configure),
    ("GET", "/settings/refunds", Look),
    ("PUT", "/settings/refunds", Administer),
    ("GET", "/settings/payment-methods", Look),
    ("PUT", "/settings/payment-methods", Configure),
    ("GET", "/settings/reminders", Look),
    ("PUT", "/settings/reminders", Configure),
    ("GET", "/settings/sending-limits", Look),
    ("PUT", "/settings/sending-limits", Configure),
    ("GET", "/settings/message-templates", Look),
    (
        "GET",
        "/settings/message-templates/{channel}/{language}/{purpose}",
        Look,
    ),
    (
        "PUT",
        "/settings/message-templates/{channel}/{language}/{purpose}",
        Configure,
    ),
    ("GET", "/reports/online-payments", Look),
    ("GET", "/settings/providers/{provider}", Administer),
    ("PUT", "/settings/providers/{provider}", Administer),
    ("POST", "/settings/providers/{provider}/test", Administer),
    ("GET", "/settings/messaging/sms", Administer),
    ("PUT", "/settings/messaging/sms", Administer),
    ("DELETE", "/settings/messaging/sms", Administer),
    ("POST", "/settings/messaging/sms/test", Administer),
    ("GET", "/settings/messaging/email", Administer),
    ("PUT", "/settings/messaging/email", Administer),
    ("DELETE", "/settings/messaging/email", Administer),
    ("POST", "/settings/messaging/email/test", Administer),
];

/// What a call needs. HEAD is GET without the body (RFC 9110, 9.3.2).
fn needs(method: &Method, path: &str) -> Option<Permission> {
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    ROUTES
        .iter()
        .find(|(known, template, _)| *known == method && *template == path)
        .map(|(_, _, permission)| *permission)
}

/// Lets a call pass, with its [`Actor`] beside it.
///
/// # Errors
/// 401 without a key that is known, 403 when its role may not.
pub async fn check(
    State(app): State<Arc<App>>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secret = bearer(request.headers()).ok_or_else(Problem::unauthorized)?;
    let actor = api_keys::caller(&app, secret)
        .await?
        .ok_or_else(Problem::unauthorized)?;
    let permission = needs(request.method(), path.as_str()).ok_or(remit_app::Error::Forbidden)?;
    actor.require(permission)?;
    request.extensions_mut().insert(actor.clone());
    masking::seen_by(&actor, next.run(request).await).await
}

/// The key of `Authorization: Bearer rk_...`; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

/// Who makes the call, as [`check`] found.
pub struct Caller(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor.map(Caller).ok_or_else(Problem::unauthorized)
    }
}
