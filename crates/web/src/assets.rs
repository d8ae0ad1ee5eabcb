//! Style sheets, scripts, icons and fonts: part of the binary, served under an address that changes with the
//! content, so browsers may keep them for ever. `build.rs` makes the table.

use std::fmt;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A year: the longest that RFC 9111 caches take seriously. Changed content has another address.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// One file, ready to send in three forms. An empty `br` or `gz` means: not worth compressing.
pub struct Asset {
    /// The file's name in the source tree: `remit.css`.
    pub name: &'static str,
    /// Where it is served: `/assets/remit-0123456789ab.css`.
    pub url: &'static str,
    pub content_type: &'static str,
    pub raw: &'static [u8],
    pub br: &'static [u8],
    pub gz: &'static [u8],
}

mod table {
    use super::Asset;
    include!(concat!(env!("OUT_DIR"), "/assets.rs"));
}

/// Every asset.
pub fn all() -> &'static [Asset] {
    table::TABLE
}

/// The address of the file `name`. Names are written in templates only, and a test looks each of them up; one that
/// does not exist gives an address that answers 404.
pub fn url(name: &str) -> &'static str {
    all()
        .iter()
        .find(|asset| asset.name == name)
        .map_or("/assets/missing", |asset| asset.url)
}

/// The asset that is served at `path`.
pub fn find(path: &str) -> Option<&'static Asset> {
    all().iter().find(|asset| asset.url == path)
}

/// An icon's drawing, to be set inside an `<svg>`. It comes from our own sprite, so it is not escaped.
pub struct Glyph(&'static str);

impl fmt::Display for Glyph {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

impl askama::filters::HtmlSafe for Glyph {}

/// The drawing of the icon `name`; empty for a name that the sprite has not (a test looks each one up).
pub fn glyph(name: &str) -> Glyph {
    Glyph(
        table::GLYPHS
            .iter()
            .find(|(glyph, _)| *glyph == name)
            .map_or("", |(_, drawing)| drawing),
    )
}

/// `GET /assets/{file}`.
pub async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = find(&format!("/assets/{file}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (encoding, body) = asset.negotiated(&headers);
    let mut answer = Response::new(Body::from(body));
    let set = answer.headers_mut();
    set.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(asset.content_type),
    );
    set.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static(CACHE_FOR_EVER),
    );
    set.insert(
        header::VARY,
        header::HeaderValue::from_static("Accept-Encoding"),
    );
    set.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        header::HeaderValue::from_static("nosniff"),
    );
    if let Some(encoding) = encoding {
        set.insert(
            header::CONTENT_ENCODING,
            header::HeaderValue::from_static(encoding),
        );
    }
    answer
}

impl Asset {
    /// The smallest form that the client takes (RFC 9110, 12.5.3).
    fn negotiated(&self, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
        let takes = |wanted: &str| {
            headers
                .get_all(header::ACCEPT_ENCODING)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|offer| is_offer_of(offer, wanted))
        };
        if !self.br.is_empty() && takes("br") {
            (Some("br"), self.br)
        } else if !self.gz.is_empty() && takes("gzip") {
            (Some("gzip"), self.gz)
        } else {
            (None, self.raw)
        }
    }
}

/// Whether one member of Accept-Encoding (`br`, `gzip;q=0.5`) names `wanted` and does not refuse it by `q=0`.
fn is_offer_of(offer: &str, wanted: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    let refused = parts
        .filter_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .any(|quality| {
            quality
                .trim()
                .parse::<f32>()
                .is_ok_and(|quality| quality <= 0.0)
        });
    named && !refused
}

#[cfg(test)]
mod tests;
