//! What a handler answers: a page, a way onwards, or a failure that the frame turns into a page of its own.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use remit_app::Error;

/// What every handler gives back.
pub type Answer = std::result::Result<Response, Failure>;

/// Why there is no page. Made into one by [`super::doors::admit`], which knows the person.
#[derive(Debug)]
pub enum Failure {
    Verb(Error),
    /// The same form is still being worked on.
    StillBusy,
    /// The form's key was used for something else: a page from before, sent again with changes.
    AlreadySent,
    /// The form does not carry this session's token.
    OldPage,
    /// A body larger than any form of ours.
    TooLarge,
    /// A body that is no form.
    Unreadable,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Verb(error)
    }
}

impl From<remit_core::ids::IdError> for Failure {
    /// An id that cannot be is answered like one that is not there (hazard D3).
    fn from(_: remit_core::ids::IdError) -> Self {
        Failure::Verb(Error::NotFound)
    }
}

/// A failure on its way to [`super::doors::admit`].
#[derive(Clone)]
pub struct Failed(pub std::sync::Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response
            .extensions_mut()
            .insert(Failed(std::sync::Arc::new(self)));
        response
    }
}

/// A page. Staff pages are never kept by a browser or proxy: they hold personal data and change by the second.
pub fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                ),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (status, headers, html).into_response()
        }
        Err(error) => {
            tracing::error!("rendering a page: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303: what was asked is done, look there.
pub fn see_other(location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
    }
}

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response
            .headers_mut()
            .append(axum::http::header::SET_COOKIE, value);
    }
    response
}

/// A value in an address (RFC 3986, section 2.1).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A path of ours that a form or address asks to go to; anything else leads to `otherwise`. Two slashes, or a slash and
/// a backslash, would be another host (an open redirect).
pub fn own_path<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    let ours = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\\')
        && text.len() <= 2_000
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if ours { text } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::{encoded, own_path};

    #[test]
    fn only_paths_of_ours_are_gone_to() {
        for ours in ["/", "/diary?day=2026-11-24", "/payment-links/lnk_1"] {
            assert_eq!(own_path(ours, "/x"), ours);
        }
        for foreign in [
            "",
            "diary",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(foreign, "/x"), "/x", "{foreign:?}");
        }
        assert_eq!(encoded("a b&c=é/"), "a%20b%26c%3D%C3%A9/");
    }
}
