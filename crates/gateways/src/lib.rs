//! The outside world: payment providers and messages, each behind one door.
//!
//! A door answers in three ways only (hazards A12 to A14): *done*, *refused* (provably nothing happened) or
//! *unknown* (anything may have happened; ask again with the same bytes and the same key).

pub mod address;
pub mod bounces;
pub mod breaker;
pub mod gateway;
pub mod http;
pub mod mail_server;
pub mod messages;
pub mod mollie;
pub mod payments;
mod pushed;
pub mod roots;
pub mod sandbox;
pub mod signature;
pub mod smtp;
pub mod stripe;
pub mod tray;
pub mod twilio;
pub mod vonage;

/// What came back from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The other side answered, and this is what it said.
    Done(T),
    /// The other side said no, so nothing happened and repeating the same bytes will not help.
    Refused(Refusal),
    /// No answer, half an answer, or one that proves nothing. Never treated as a failure.
    Unknown(Unknown),
}

/// A provable no. `message` is safe to show to staff: it holds no personal data and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The provider's machine-readable code, or ours: `not_found`, `unauthorised`, `invalid_request`, ...
    pub code: String,
    pub message: String,
}

/// Why nothing is known. `retry_after_ms`: the wait that the other side asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub why: String,
    pub retry_after_ms: Option<i64>,
    pub contact: Contact,
}

/// What an unknown answer says of the other side itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// Our own breaker answered; nothing left this machine.
    NotAsked,
    /// Asked, and perhaps not there: an outage looks like this.
    Silent,
    /// There, and said so, but of this one call nothing is proven: an error that it keeps for the key (hazard A15), or
    /// the same call still in flight. Others are answered meanwhile.
    There,
}

impl Unknown {
    pub fn because(why: impl Into<String>) -> Unknown {
        Unknown {
            why: why.into(),
            retry_after_ms: None,
            contact: Contact::Silent,
        }
    }
}

impl<T> Answer<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Done(value) => Answer::Done(f(value)),
            Answer::Refused(refusal) => Answer::Refused(refusal),
            Answer::Unknown(unknown) => Answer::Unknown(unknown),
        }
    }

    /// The value, or what came instead of it, for an answer of another type.
    ///
    /// # Errors
    /// The refusal or the unknown, as it was.
    pub fn into_result<U>(self) -> Result<T, Answer<U>> {
        match self {
            Answer::Done(value) => Ok(value),
            Answer::Refused(refusal) => Err(Answer::Refused(refusal)),
            Answer::Unknown(unknown) => Err(Answer::Unknown(unknown)),
        }
    }

    pub fn refused(code: &str, message: impl Into<String>) -> Answer<T> {
        Answer::Refused(Refusal {
            code: code.to_owned(),
            message: message.into(),
        })
    }

    pub fn unknown(why: impl Into<String>) -> Answer<T> {
        Answer::Unknown(Unknown::because(why))
    }
}
