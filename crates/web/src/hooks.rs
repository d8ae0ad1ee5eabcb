//! Provider webhooks: raw bytes in, verified, stored, acknowledged. Applying them is the worker's (hazards A8, D1, D2).
//! Beside them the delivery receipts of message carriers, which are small enough to be written at once.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use remit_app::Error;
use remit_app::inbox::{self, Accepted};
use remit_app::messaging::receipts::{self, Accepted as Receipt, ReceiptError};

use crate::Web;

/// The largest webhook (hazard C10).
const BODY_BYTES_MAX: usize = 256 * 1024;

pub fn routes() -> Router<Web> {
    Router::new()
        .route("/hooks/{endpoint}", post(receive))
        .route("/hooks/messages/{endpoint}", post(receipt))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// `POST /hooks/{endpoint_id}`: 200 once stored, 400 when not believed, 404 for an unknown endpoint, 503 when it could
/// not be stored, so that the provider tries again.
async fn receive(
    State(web): State<Web>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(endpoint) = endpoint.parse() else {
        return StatusCode::NOT_FOUND;
    };
    let header = |name: &'static str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    match inbox::receive(&web.app, endpoint, &header, &body).await {
        Ok(Accepted::Stored | Accepted::Known) => StatusCode::OK,
        Ok(Accepted::Refused(why)) => {
            tracing::warn!(endpoint.id = %endpoint, "refused a webhook for {endpoint}: {why}");
            StatusCode::BAD_REQUEST
        }
        Err(error) => refused(&error),
    }
}

/// `POST /hooks/messages/{endpoint_id}`: 200 once written, also when it changes nothing; 403 when it does not prove where
/// it comes from, 400 when it cannot be read, 404 for an unknown endpoint, 503 when it could not be written.
async fn receipt(
    State(web): State<Web>,
    Path(endpoint): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(endpoint) = endpoint.parse() else {
        return StatusCode::NOT_FOUND;
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    match receipts::receive(&web.app, endpoint, path, &headers, &body).await {
        Ok(Receipt::Written | Receipt::Ignored) => StatusCode::OK,
        Ok(Receipt::Refused(why)) => {
            tracing::warn!(endpoint.id = %endpoint, "refused a delivery receipt for {endpoint}: {why}");
            match why {
                ReceiptError::Malformed => StatusCode::BAD_REQUEST,
                ReceiptError::Signature | ReceiptError::Unsupported => StatusCode::FORBIDDEN,
            }
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &Error) -> StatusCode {
    if matches!(error, Error::NotFound) {
        return StatusCode::NOT_FOUND;
    }
    tracing::error!("a webhook could not be stored: {error}");
    StatusCode::SERVICE_UNAVAILABLE
}
