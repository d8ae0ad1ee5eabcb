//! What a verb may answer instead of doing its work, sorted by who can mend it. The doors write the sentences.

use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::appointments::{Slot, Status};
use remit_core::contact::ContactError;
use remit_core::practitioners::Clash;
use remit_core::sending_limits::Capped;
use remit_gateways::{Contact, Unknown};
use remit_store::StoreError;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule said no; nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not in this clinic, or not at all: the same answer (hazard D3).
    #[error("not found")]
    NotFound,
    #[error("not allowed")]
    Forbidden,
    /// A field that the person can correct.
    #[error("{field}: {message}")]
    Invalid {
        field: &'static str,
        message: String,
    },
    /// The same thing was just done; when it may be done again.
    #[error("too soon")]
    TooSoon { until: UtcMs },
    /// A limit of sending is reached: which, and until when (hazard D13).
    #[error(transparent)]
    Capped(#[from] Capped),
    /// A cap was reached (hazard D10, B10).
    #[error("too many: {what}")]
    TooMany { what: &'static str, until: UtcMs },
    /// A payment is under way and the provider cannot be asked to close it.
    #[error("the payment provider cannot be reached")]
    ProviderUnreachable(Unreachable),
    /// The provider said no; what it said is safe to show.
    #[error("the payment provider refused: {0}")]
    ProviderRefused(String),
    /// No provider or message channel is set up.
    #[error("{0} is not set up")]
    NotSetUp(&'static str),
    /// Wrong address or password: which of them is not told.
    #[error("wrong sign-in")]
    SignIn,
    /// Somebody else changed it since it was looked at; nothing was written.
    #[error("changed meanwhile by {by}")]
    ChangedMeanwhile { by: String, at: UtcMs },
    /// Something stands against the time in the practitioner's diary; staff may insist.
    #[error("the time is not free")]
    Clash(Clash),
    /// Somebody else moved the appointment, or changed its status, after the page was made.
    #[error("moved meanwhile")]
    MovedMeanwhile(Meanwhile),
    /// Sealed text that the master key does not open.
    #[error("a secret cannot be opened with this master key")]
    Sealed,
    #[error("setting up: {0}")]
    Setup(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody else did to an appointment, and where it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// As the timeline names them.
    pub by: String,
    pub at: UtcMs,
    /// The status it was given; none: it was moved.
    pub status: Option<Status>,
    pub slot: Slot,
    pub practitioner_name: Option<String>,
}

impl From<Unknown> for Error {
    /// No answer that proves anything: asked again later, never taken for a no (hazard A14).
    fn from(unknown: Unknown) -> Error {
        Error::ProviderUnreachable(unknown.into())
    }
}

/// A provider that gave no answer which proves anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The wait in milliseconds that the provider, or our own breaker, asked for.
    pub retry_after_ms: Option<i64>,
    pub reach: Reach,
}

/// How far the question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The breaker kept it back; nothing left this machine.
    NotAsked,
    /// It was asked, and what came back, if anything, proves nothing.
    NoProof,
    /// The provider answers, and cannot close a payment such as this: it ends by itself.
    CannotClose,
}

impl Unreachable {
    /// There was an answer, and it proves nothing.
    pub(crate) const UNPROVEN: Unreachable = Unreachable {
        retry_after_ms: None,
        reach: Reach::NoProof,
    };
}

impl From<Unknown> for Unreachable {
    fn from(unknown: Unknown) -> Unreachable {
        Unreachable {
            retry_after_ms: unknown.retry_after_ms,
            reach: match unknown.contact {
                Contact::NotAsked => Reach::NotAsked,
                Contact::Silent | Contact::There => Reach::NoProof,
            },
        }
    }
}

impl Error {
    /// Unreachable, without a word of how long to wait.
    pub(crate) fn unreachable() -> Error {
        Error::ProviderUnreachable(Unreachable::UNPROVEN)
    }

    /// Whether a try that ended so counts as one: not when the breaker kept the call back (hazard A27), for then an
    /// outage would use up the tries of all work that waits for it.
    pub(crate) fn is_a_try(&self) -> bool {
        !matches!(self, Error::ProviderUnreachable(unreachable) if unreachable.reach == Reach::NotAsked)
    }

    /// The wait in milliseconds that the other side asked for (hazard A27).
    pub(crate) fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Error::ProviderUnreachable(unreachable) => unreachable.retry_after_ms,
            _ => None,
        }
    }

    pub fn invalid(field: &'static str, message: impl ToString) -> Error {
        Error::Invalid {
            field,
            message: message.to_string(),
        }
    }
}

/// Names the field that a contact detail was typed into.
pub(crate) fn in_field(field: &'static str) -> impl Fn(ContactError) -> Error {
    move |error| Error::invalid(field, error)
}
