//! A form as it was sent: names and values, read once for the whole request.

use axum::extract::FromRequestParts;
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
