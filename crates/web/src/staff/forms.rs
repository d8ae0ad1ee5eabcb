//! A form as it was sent: names and values, read once for the whole request.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use remit_core::money::{AmountError, Currency, Money};

use super::answer::Failure;

/// Bytes of the largest form: a booking is under two thousand.
pub const FORM_BYTES_MAX: usize = 64 * 1024;

/// The fields of a POST, checked for the session's token before any handler sees them.
#[derive(Clone, Debug, Default)]
pub struct Form(pub Vec<(String, String)>);

impl Form {
    /// What was typed into a field; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub fn ticked(&self, name: &str) -> bool {
        self.text(name) == "1"
    }

    /// What was typed, or nothing.
    pub fn some(&self, name: &str) -> Option<String> {
        let text = self.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// # Errors
    /// A sentence for the person who typed it.
    pub fn money(&self, name: &str, currency: Currency) -> Result<Money, AmountError> {
        Money::parse(self.text(name), currency)
    }

    /// The bytes that say what the form asks for: all but the session's token.
    pub fn wish(&self) -> Vec<u8> {
        let mut wish = Vec::new();
        for (name, value) in self.0.iter().filter(|(name, _)| name != "csrf") {
            for part in [name, value] {
                wish.extend_from_slice(&(part.len() as u64).to_le_bytes());
                wish.extend_from_slice(part.as_bytes());
            }
        }
        wish
    }
}

/// The file of a form that has one.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    pub bytes: Bytes,
}

/// Bytes of the largest form with a file: more than any file that is taken, so that one too large is refused beside its
/// field and not by a connection that ends.
const UPLOAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Fields of a form with a file.
const FIELDS_MAX: usize = 20;

pub fn has_file(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// A form with a file (RFC 7578).
///
/// # Errors
/// [`Failure::TooLarge`], or [`Failure::Unreadable`].
pub async fn with_file(parts: &Parts, body: Body) -> Result<(Form, Upload), Failure> {
    let bytes = to_bytes(body, UPLOAD_BYTES_MAX)
        .await
        .map_err(|_| Failure::TooLarge)?;
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = parts.method.clone();
    *request.headers_mut() = parts.headers.clone();
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| Failure::Unreadable)?;
    let (mut form, mut upload) = (Form::default(), Upload::default());
    for _ in 0..FIELDS_MAX {
        let Some(part) = parts.next_field().await.map_err(|_| Failure::Unreadable)? else {
            return Ok((form, upload));
        };
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            upload.bytes = part.bytes().await.map_err(|_| Failure::Unreadable)?;
        } else {
            let text = part.text().await.map_err(|_| Failure::Unreadable)?;
            form.0.push((name, text));
        }
    }
    Err(Failure::Unreadable)
}

impl<S: Send + Sync> FromRequestParts<S> for Upload {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Upload>()
            .cloned()
            .ok_or(Failure::Unreadable)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Form>()
            .cloned()
            .ok_or(Failure::Unreadable)
    }
}
