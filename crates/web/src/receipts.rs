//! A payment's receipt as a page and as a file, the same for patients and staff: both are made of the same facts.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use remit_app::ClinicContext;
use remit_app::receipts::{self, Document};
use remit_core::languages::Language;

use crate::pages::patient::Receipt;
use crate::patient::show;

/// Where a receipt's page stands, and where it leads.
pub(crate) struct Place {
    /// Its own address, where another language can be chosen; none for staff.
    pub here: Option<String>,
    /// Where the person came from, if anywhere.
    pub back: Option<String>,
    /// The same as a file.
    pub file: String,
}

/// The page.
pub(crate) fn page(
    document: &Document,
    context: &ClinicContext,
    language: &'static Language,
    place: Place,
) -> Receipt {
    Receipt {
        frame: show::frame(context, "", language, place.here),
        number: document.number.clone(),
        patient: document.patient.clone(),
        amount: language.isolated(&language.money(document.amount)),
        rows: document.rows(language),
        services: document.services(language),
        sums: document.sums(language),
        legal: document.legal_lines(language),
        back_url: place.back,
        file_url: place.file,
    }
}

/// The file, to be kept by the person and by nobody on the way.
pub(crate) fn file(document: &Document) -> Response {
    let bytes = match receipts::pdf(document) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!(payment.id = %document.payment, "a receipt could not be drawn: {error}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let name = format!("attachment; filename=\"{}\"", document.file_name());
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}
