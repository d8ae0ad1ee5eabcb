//! The clinic's colour and logo on its patients' pages: files whose address changes with their content, so that browsers
//! may keep them. Their names hold a dot, which no token does.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use remit_app::views::Branding;
use remit_app::{App, ClinicContext, branding, clinics};
use remit_core::branding::{Colour, stylesheet};
use sha2::{Digest, Sha256};

use crate::pages::patient::Logo;

const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Hexadecimal digits of a style sheet's hash in its address.
fn hash(sheet: &str) -> String {
    let digest = Sha256::digest(sheet.as_bytes());
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn sheet_name(accent: Colour, sheet: &str) -> String {
    let digits = accent.to_string();
    format!(
        "brand-{}-{}.css",
        digits.trim_start_matches('#'),
        hash(sheet)
    )
}

/// Where the style sheet of a clinic's accent is; none for Remit's own colour.
pub fn stylesheet_url(looks: &Branding) -> Option<String> {
    looks
        .accent
        .map(|accent| format!("/p/{}", sheet_name(accent, &stylesheet(accent))))
}

/// The clinic's logo as a page shows it; none where its initials stand in its place.
pub fn logo(context: &ClinicContext) -> Option<Logo> {
    let logo = context.branding.logo.as_ref()?;
    let ending = if logo.content_type == "image/png" {
        "png"
    } else {
        "jpg"
    };
    Some(Logo {
        url: format!("/p/logo-{}-{}.{ending}", context.clinic.route, logo.hash),
        width: logo.width,
        height: logo.height,
    })
}

/// The file of this name; none where it is no file of ours, which is answered like any unknown link (hazard B10).
pub async fn file(app: &App, name: &str) -> Option<Response> {
    if let Some(answer) = sheet(name) {
        return Some(answer);
    }
    match picture(app, name).await {
        Ok(Some((content_type, bytes))) => {
            let kind = HeaderValue::from_str(&content_type);
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            Some(kept(kind, bytes.into_response()))
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!("a logo could not be read: {error}");
            Some(StatusCode::SERVICE_UNAVAILABLE.into_response())
        }
    }
}

/// Made from the address alone: the colour stands in it, and the hash says that this release makes the same of it.
fn sheet(name: &str) -> Option<Response> {
    let (digits, _) = name
        .strip_prefix("brand-")?
        .strip_suffix(".css")?
        .split_once('-')?;
    let accent = Colour::parse(digits)?;
    let sheet = stylesheet(accent);
    (sheet_name(accent, &sheet) == name).then(|| {
        let kind = HeaderValue::from_static("text/css; charset=utf-8");
        kept(kind, sheet.into_response())
    })
}

async fn picture(app: &App, name: &str) -> remit_app::Result<Option<(String, Vec<u8>)>> {
    let parts = name
        .strip_prefix("logo-")
        .and_then(|rest| rest.rsplit_once('.'))
        .and_then(|(rest, _)| rest.rsplit_once('-'));
    let Some((route, hash)) = parts else {
        return Ok(None);
    };
    let Some(clinic) = clinics::by_route(app, route).await? else {
        return Ok(None);
    };
    branding::logo(app, clinic, hash).await
}

fn kept(kind: HeaderValue, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(CACHE_FOR_EVER),
    );
    answer
}

#[cfg(test)]
mod tests {
    use remit_app::views::Branding;
    use remit_core::branding::Colour;

    #[test]
    fn a_sheet_is_found_under_its_own_name_only() {
        let looks = Branding {
            accent: Some(Colour(0x8a, 0x1c, 0x4a)),
            ..Branding::default()
        };
        let url = super::stylesheet_url(&looks).unwrap();
        let name = url.strip_prefix("/p/").unwrap();
        let answer = super::sheet(name).unwrap();
        assert_eq!(answer.headers()["content-type"], "text/css; charset=utf-8");
        for other in [
            "brand-8a1c4a-000000000000.css",
            "brand-8A1C4A-0.css",
            "brand-.css",
            "x.css",
        ] {
            assert!(super::sheet(other).is_none(), "{other}");
        }
        assert_eq!(super::stylesheet_url(&Branding::default()), None);
    }
}
