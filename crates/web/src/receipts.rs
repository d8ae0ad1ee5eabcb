//! A payment's receipt as a page and as a file, the same for patients and staff: both are made of the same facts.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use remit_app::receipts::{self, Document};

use crate::pages::patient::{Frame, Receipt};

/// The page. `back_url`: where the person came from, if anywhere; `file_url`: the same as a file.
pub(crate) fn page(
    document: &Document,
    frame: Frame,
    back_url: Option<String>,
    file_url: String,
) -> Receipt {
    let rows = document.rows();
    Receipt {
        frame,
        number: document.number.clone(),
        patient: document.patient.clone(),
        amount: document.amount.to_string(),
        rows: rows
            .into_iter()
            .filter(|(label, _)| !matches!(*label, "Received from" | "Receipt number"))
            .map(|(label, value)| (label.to_owned(), value))
            .collect(),
        services: document.services.clone(),
        sums: document.sums(),
        legal: document.legal_lines(),
        back_url,
        file_url,
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
