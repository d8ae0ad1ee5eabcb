//! What every request and answer passes: the host, the site it comes from, and the headers (hazards 2D, B11, B12).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Web;

/// Staff pages: only our own files, no inline script or style (frontend, section 3).
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of a page whose form leads to other addresses: browsers judge the redirect that answers a form by the
/// page that holds it (hazard B12).
pub fn csp_with_form_targets(targets: &[String]) -> Option<HeaderValue> {
    let own = "form-action 'self'";
    let policy = CSP.replace(own, &format!("{own} {}", targets.join(" ")));
    HeaderValue::from_str(&policy).ok()
}

/// Set where a handler has not set its own.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", CSP),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), microphone=(), geolocation=(), payment=()",
    ),
    ("x-robots-tag", "noindex, nofollow"),
];

/// Refuses foreign hosts and other sites' posts, then sets the headers.
pub async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let secure = web.app.config.public_url.starts_with("https://");
    let mut response = if !host_is_ours(&web, request.headers(), request.uri().host()) {
        (
            StatusCode::MISDIRECTED_REQUEST,
            "This address is not served here.\n",
        )
            .into_response()
    } else if is_from_another_site(&web, &path, request.method(), request.headers()) {
        (
            StatusCode::FORBIDDEN,
            "This form was sent from another site. Open the page again and repeat it.\n",
        )
            .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    // A patient's address must not travel on; staff pages need the referrer for nothing but themselves (hazard D4).
    let referrer = if path.starts_with("/p/") {
        "no-referrer"
    } else {
        "same-origin"
    };
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static(referrer));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers
            .entry(header::STRICT_TRANSPORT_SECURITY)
            .or_insert(year);
    }
    response
}

/// The host and port of an address.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

/// `Host` must be the configured one, or this machine's own name for itself (hazard D5).
fn host_is_ours(web: &Web, headers: &HeaderMap, uri_host: Option<&str>) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or(uri_host)
        .unwrap_or_default();
    let config = &web.app.config;
    if host.eq_ignore_ascii_case(authority(&config.public_url))
        || host == authority(&config.self_url)
    {
        return true;
    }
    // A person at the machine may write localhost for 127.0.0.1; nobody else can reach either.
    let port = authority(&config.self_url)
        .rsplit(':')
        .next()
        .unwrap_or_default();
    [
        format!("localhost:{port}"),
        format!("127.0.0.1:{port}"),
        format!("[::1]:{port}"),
    ]
    .iter()
    .any(|own| own == host)
}

/// A post that another site made the browser send. Programs (the API, webhooks) prove themselves otherwise, and the
/// sandbox's pages belong to another company.
fn is_from_another_site(web: &Web, path: &str, method: &Method, headers: &HeaderMap) -> bool {
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let program = ["/api/", "/hooks/", "/sandbox/"]
        .iter()
        .any(|start| path.starts_with(start));
    if safe || program {
        return false;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        // `Origin: null` is what a page without referrer sends; the browser vouches for the site (hazard B12).
        Some(site) => site != "same-origin" && site != "none",
        // An older browser: its Origin, where it says one. The form token stands behind it in any case.
        None => match text("origin") {
            None | Some("null") => false,
            Some(origin) => {
                let (public, own) = (
                    authority(&web.app.config.public_url),
                    authority(&web.app.config.self_url),
                );
                let origin = authority(origin);
                origin != public
                    && origin != own
                    && !origin.starts_with("localhost:")
                    && !origin.starts_with("127.0.0.1:")
            }
        },
    }
}
