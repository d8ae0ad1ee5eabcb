//! Cookies: read from the request, written with the strictest attributes a browser knows.

use axum::http::{HeaderMap, HeaderValue, header};

/// The value of a cookie of this name.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// A `Set-Cookie` for a name that begins with `__Host-`: this host only, over TLS (or loopback), not for scripts, not
/// sent with other sites' posts (hazard D10). `None` when the value cannot stand in a header.
pub fn set(name: &str, value: &str, max_age_seconds: i64) -> Option<HeaderValue> {
    let text = format!(
        "{name}={value}; Path=/; Max-Age={max_age_seconds}; Secure; HttpOnly; SameSite=Lax"
    );
    HeaderValue::from_str(&text).ok()
}
