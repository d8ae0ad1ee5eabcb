//! Idempotency keys (docs.stripe.com/api/idempotent_requests): the first answer is kept for a day, errors of the server
//! too; other contents are refused; what failed validation is not kept.

use std::collections::HashMap;

use serde_json::Value;

use crate::errors::Refusal;

const LIFE_MS: i64 = 86_400_000;
/// The longest key.
pub const KEY_MAX: usize = 255;

struct Stored {
    /// The address and the bytes of the first request.
    request: (String, String),
    at: i64,
    /// Until then the first request is still at work (the machine's clock, UTC ms).
    ready_at: i64,
    status: u16,
    body: Value,
}

/// The answers kept, by mode and key.
#[derive(Default)]
pub struct Answers(HashMap<(bool, String), Stored>);

/// What is known of a key.
pub enum Known {
    Nothing,
    Answer(u16, Value),
}

impl Answers {
    /// # Errors
    /// The refusal of a key that came with other contents, or whose first request is still at work.
    pub fn look(
        &mut self,
        livemode: bool,
        key: &str,
        request: (&str, &str),
        now: i64,
        machine: i64,
    ) -> Result<Known, Refusal> {
        let place = (livemode, key.to_owned());
        let Some(stored) = self.0.get(&place) else {
            return Ok(Known::Nothing);
        };
        if now - stored.at >= LIFE_MS {
            self.0.remove(&place);
            return Ok(Known::Nothing);
        }
        if (stored.request.0.as_str(), stored.request.1.as_str()) != request {
            return Err(Refusal::idempotency(key));
        }
        if machine < stored.ready_at {
            return Err(Refusal::in_flight(key));
        }
        Ok(Known::Answer(stored.status, stored.body.clone()))
    }

    pub fn keep(
        &mut self,
        livemode: bool,
        key: &str,
        request: (&str, &str),
        at: i64,
        ready_at: i64,
        answer: (u16, &Value),
    ) {
        let stored = Stored {
            request: (request.0.to_owned(), request.1.to_owned()),
            at,
            ready_at,
            status: answer.0,
            body: answer.1.clone(),
        };
        self.0.insert((livemode, key.to_owned()), stored);
    }
}
