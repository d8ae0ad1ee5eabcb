//! Who is signed in: the session's cookie, the person behind it, and the token that their forms carry.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remit_app::{Actor, App, sign_in};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::{encoded, see_other};
use crate::{cookies, peer};

/// The session's secret. `__Host-`: this host alone, over TLS or on this machine, and no other host can set it
/// (hazard D10).
pub use crate::live::SESSION_COOKIE as SESSION;
/// A secret of a browser that is not signed in yet, so that the sign-in form has a token too.
pub const VISITOR: &str = "__Host-remit_visitor";

/// The person behind a request.
#[derive(Clone)]
pub struct SignedIn {
    pub actor: Actor,
    /// The token that every form of this session carries (hazard B12).
    pub csrf: String,
    /// What they sign in with.
    pub email: String,
    secret: String,
}

impl SignedIn {
    /// Whoever the request's cookie belongs to, while the session lasts.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(app: &App, headers: &HeaderMap) -> remit_app::Result<Option<SignedIn>> {
        let Some(secret) = cookie(headers, SESSION) else {
            return Ok(None);
        };
        let found = sign_in::session(app, secret).await?;
        Ok(found.map(|(actor, view)| SignedIn {
            actor,
            email: view.email,
            csrf: form_token(secret),
            secret: secret.to_owned(),
        }))
    }

    /// The session's secret, for verbs that must know this session from the person's others.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Ends this session.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(&self, app: &App) -> remit_app::Result<()> {
        sign_in::sign_out(app, &self.secret).await
    }
}

/// Nobody is signed in: a page leads to the sign-in, anything that a script asked for says 401.
pub fn stranger(parts: &Parts) -> Response {
    let asks_for_page = parts
        .headers
        .get("accept")
        .and_then(|value| value.to_str().ok())
        .is_none_or(|accept| !accept.contains("text/event-stream"));
    let is_script = parts.headers.contains_key("remit-fragment")
        || parts.headers.contains_key("hx-request")
        || !asks_for_page;
    if is_script {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if parts.method == axum::http::Method::GET && path != "/" {
        see_other(&format!("/sign-in?next={}", encoded(path)))
    } else {
        see_other("/sign-in")
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        if let Some(known) = parts.extensions.get::<SignedIn>() {
            return Ok(known.clone());
        }
        match SignedIn::find(app, &parts.headers).await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(stranger(parts)),
            Err(error) => {
                tracing::error!("looking up a session: {error}");
                Err(StatusCode::SERVICE_UNAVAILABLE.into_response())
            }
        }
    }
}

impl OptionalFromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Option<Self>, Infallible> {
        Ok(SignedIn::find(app, &parts.headers).await.ok().flatten())
    }
}

/// The value of a cookie, unless it is longer than any of ours.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    cookies::read(headers, name).filter(|value| !value.is_empty() && value.len() <= 200)
}

/// A cookie that scripts cannot read and other hosts cannot set; it ends with the browser.
pub fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

/// Takes a cookie away.
pub fn drop_cookie(name: &str) -> String {
    format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// The form token of a session: told to the pages, from which the secret cannot be found.
pub fn form_token(secret: &str) -> String {
    let digest = Sha256::new()
        .chain_update(b"remit form token\0")
        .chain_update(secret.as_bytes())
        .finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

/// Compares in constant time.
pub fn same_token(expected: &str, given: &str) -> bool {
    expected.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Proxies whose word about the address behind them is believed.
#[derive(Clone)]
pub struct TrustedProxies(pub Arc<[IpAddr]>);

/// Whom to count sign-in tries against: the address that the request comes from.
pub fn peer(parts: &Parts) -> String {
    let trusted = parts.extensions.get::<TrustedProxies>();
    let trusted = trusted.map_or(&[][..], |proxies| &proxies.0);
    peer::address(&parts.headers, &parts.extensions, trusted).to_string()
}
