//! What the API answers instead of doing its work: RFC 9457, with a `type` that programs may rely on and a `detail`
//! that says what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use remit_app::Error;
use remit_app::views::StoreError;
use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::practitioners::Clash;
use remit_core::sending_limits::{Cap, Capped};
use serde::Serialize;
use utoipa::ToSchema;

use super::money::Time;

macro_rules! kinds {
    ($($kind:ident $status:literal $slug:literal $title:literal)*) => {
        /// The kinds of problem. Their names are part of the contract: add, never rename.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($kind),* }

        impl Kind {
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            pub fn status(self) -> u16 {
                match self { $(Kind::$kind => $status),* }
            }

            /// The last part of the `type`.
            pub fn slug(self) -> &'static str {
                match self { $(Kind::$kind => $slug),* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title),* }
            }
        }
    };
}

kinds! {
    Malformed 400 "malformed-request" "The request cannot be read"
    BadParameter 400 "bad-parameter" "A parameter of the address is not right"
    BadKey 400 "bad-idempotency-key" "The Idempotency-Key is not right"
    Unauthorized 401 "unauthorized" "An API key is needed"
    Forbidden 403 "forbidden" "This key may not do that"
    NotFound 404 "not-found" "There is nothing here"
    MethodNotAllowed 405 "method-not-allowed" "This address does not take that method"
    NothingDue 409 "nothing-due" "Nothing is due"
    AppointmentCancelled 409 "appointment-cancelled" "The appointment is cancelled"
    PaymentInProgress 409 "payment-in-progress" "An online payment is in progress"
    LinkPaid 409 "link-paid" "The payment link is paid"
    LinkExpired 409 "link-expired" "The payment link has expired"
    LinkCancelled 409 "link-cancelled" "The payment link is cancelled"
    LinkOpen 409 "link-open" "The payment link can still be paid"
    AvailableChanged 409 "available-changed" "Another amount can be refunded now"
    PaymentDisputed 409 "payment-disputed" "The payment is disputed"
    OwnRequest 409 "own-request" "Another person has to decide"
    RefundDecided 409 "refund-decided" "The refund was decided already"
    NotCorrectable 409 "not-correctable" "Only a whole payment taken at the desk can be corrected"
    TimeTaken 409 "time-taken" "The practitioner has another appointment then"
    ChangedMeanwhile 409 "changed-meanwhile" "Somebody else changed it meanwhile"
    NotWorking 409 "not-working" "The practitioner is away or does not work then"
    InFlight 409 "request-in-flight" "The same request is being worked on"
    NotSetUp 409 "not-set-up" "Something is not set up"
    ProviderRefused 409 "provider-refused" "The payment provider refused"
    BodyTooLarge 413 "body-too-large" "The body is too large"
    MediaType 415 "unsupported-media-type" "The body must be JSON"
    InvalidFields 422 "invalid-fields" "Some fields are not right"
    MoreThanDue 422 "more-than-due" "More than is due was asked for"
    MoreThanRefundable 422 "more-than-refundable" "More than can be refunded was asked for"
    BelowZero 422 "below-zero" "A discount cannot exceed the total"
    TooLarge 422 "amount-too-large" "The amount is too large"
    OtherCurrency 422 "other-currency" "The amount is in another currency"
    KeyReused 422 "idempotency-key-reused" "The Idempotency-Key was used for another request"
    TooSoon 429 "too-soon" "This was just done"
    TooMany 429 "too-many" "A limit is reached"
    SendingLimit 429 "sending-limit" "A sending limit is reached"
    Internal 500 "internal" "Something went wrong on our side"
    ProviderUnreachable 503 "provider-unreachable" "The payment provider cannot be reached"
    Busy 503 "busy" "Too busy just now"
}

/// One field that can be corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands in the body: `price.currency`; or the name of a parameter.
    pub field: String,
    /// What to do about it.
    pub message: String,
}

/// An answer of 400 and above.
#[derive(Clone, Debug)]
pub struct Problem {
    pub kind: Kind,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Seconds after which the same request may be sent again.
    retry_after_s: Option<i64>,
}

/// As it is written (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Stable name of the kind of problem: `/problems/nothing-due`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What to do.
    pub detail: String,
    /// The fields that are not right; empty when none is to blame.
    pub errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            errors: vec![],
            retry_after_s: None,
        }
    }

    /// A field that can be corrected, named.
    pub fn field(kind: Kind, field: impl Into<String>, message: impl Into<String>) -> Problem {
        let message = message.into();
        Problem {
            errors: vec![FieldError {
                field: field.into(),
                message: message.clone(),
            }],
            ..Problem::new(kind, message)
        }
    }

    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::field(Kind::InvalidFields, field, message)
    }

    pub fn bad_parameter(name: &str, message: impl Into<String>) -> Problem {
        Problem::field(Kind::BadParameter, name, message)
    }

    /// Without a key and with a wrong one alike.
    pub fn unauthorized() -> Problem {
        Problem::new(
            Kind::Unauthorized,
            "Send a valid API key as `Authorization: Bearer rk_...`.",
        )
    }

    pub fn not_found() -> Problem {
        Problem::new(
            Kind::NotFound,
            "Check the address and the id. What belongs to another clinic is not found either.",
        )
    }

    /// Ours to mend: logged here, once; the caller learns only that it was us.
    pub fn internal(error: &dyn std::fmt::Display) -> Problem {
        tracing::error!("an API call failed: {error}");
        Problem::new(
            Kind::Internal,
            "The request may or may not have been carried out. Send it again with the same Idempotency-Key.",
        )
    }

    fn after(self, seconds: i64) -> Problem {
        Problem {
            retry_after_s: Some(seconds.max(1)),
            ..self
        }
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The body as it is sent, and as it is kept under an idempotency key.
    pub fn json(&self) -> String {
        let body = ProblemBody {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title().into(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            errors: self.errors.clone(),
        };
        // Strings and numbers only: this cannot fail; an empty object would still be JSON.
        serde_json::to_string(&body).unwrap_or_else(|_| "{}".into())
    }
}

pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = (self.status(), self.json()).into_response();
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        if self.kind == Kind::Unauthorized {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"remit\""),
            );
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

/// No wildcard arm: a new error does not compile until someone has written its sentence.
impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::NotFound => Problem::not_found(),
            Error::Forbidden => Problem::new(
                Kind::Forbidden,
                "Use a key whose role allows this call.",
            ),
            Error::Invalid { field, message } => Problem::invalid(field, message),
            Error::TooSoon { until } => Problem::new(
                Kind::TooSoon,
                format!("Send it again after {}.", Time(until)),
            )
            .until(until),
            Error::Capped(capped) => capped.into(),
            Error::TooMany { what, until } => Problem::new(
                Kind::TooMany,
                format!("Too many {what}. Try again after {}.", Time(until)),
            )
            .until(until),
            Error::ProviderUnreachable(unreachable) => Problem::new(
                Kind::ProviderUnreachable,
                "A payment may be under way and the payment provider does not answer. Try again in a moment.",
            )
            .after(unreachable.retry_after_ms.map_or(5, |ms| (ms + 999) / 1_000)),
            Error::ProviderRefused(why) => Problem::new(
                Kind::ProviderRefused,
                format!("The payment provider said: {why}"),
            ),
            Error::NotSetUp(what) => Problem::new(
                Kind::NotSetUp,
                format!("Set up {what} in the settings first."),
            ),
            Error::SignIn => Problem::unauthorized(),
            Error::ChangedMeanwhile { by, .. } => Problem::new(
                Kind::ChangedMeanwhile,
                format!("{by} changed it. Read it again and send the change with its new version."),
            ),
            Error::Clash(clash) => Problem::field(
                match clash {
                    Clash::Taken { .. } => Kind::TimeTaken,
                    Clash::Absent { .. }
                    | Clash::DayOff
                    | Clash::OutsideHours { .. }
                    | Clash::Lunch { .. } => Kind::NotWorking,
                },
                "starts_at",
                "Choose another time, or send `despite_overlap: true`.",
            ),
            Error::MovedMeanwhile(meanwhile) => Problem::field(
                Kind::ChangedMeanwhile,
                "revision",
                format!(
                    "{} changed it at {}. Read the appointment again, then send its `revision`, or none to insist.",
                    meanwhile.by,
                    Time(meanwhile.at)
                ),
            ),
            Error::Store(error) => error.into(),
            error @ (Error::Sealed | Error::Setup(_)) => Problem::internal(&error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let new = |kind, detail: &str| Problem::new(kind, detail);
        let amount = |kind, detail: String| Problem::field(kind, "amount", detail);
        match refusal {
            Refusal::NothingDue => new(
                Kind::NothingDue,
                "This is paid. Add a charge to ask for more.",
            ),
            Refusal::MoreThanDue { due, .. } => {
                amount(Kind::MoreThanDue, format!("Ask for {due} or less."))
            }
            Refusal::Cancelled => new(
                Kind::AppointmentCancelled,
                "Book a new appointment: a cancelled one stays cancelled.",
            ),
            Refusal::BelowZero { total } => amount(
                Kind::BelowZero,
                format!("Give a discount of {total} or less."),
            ),
            Refusal::TooLarge => amount(Kind::TooLarge, "Enter a smaller amount.".into()),
            Refusal::OtherCurrency => amount(
                Kind::OtherCurrency,
                "Use the currency of the appointment.".into(),
            ),
            Refusal::LivePayment => new(
                Kind::PaymentInProgress,
                "The patient is paying just now. Look at the payment link again in a moment.",
            ),
            Refusal::LinkPaid => new(
                Kind::LinkPaid,
                "The patient has paid online. Look at the appointment's balance before taking more.",
            ),
            Refusal::LinkExpired => new(Kind::LinkExpired, "Renew the link and use the new one."),
            Refusal::LinkCancelled => new(
                Kind::LinkCancelled,
                "Renew the link, or use the one that took its place.",
            ),
            Refusal::LinkOpen => new(
                Kind::LinkOpen,
                "Use this link: it works until it expires, is paid or is cancelled.",
            ),
            Refusal::TooManyTries { until } => Problem::new(
                Kind::TooMany,
                format!(
                    "Too many payments on this link were refused. Try again after {}.",
                    Time(until)
                ),
            )
            .until(until),
            Refusal::MoreThanRefundable { available, .. } => amount(
                Kind::MoreThanRefundable,
                format!("Refund {available} or less."),
            ),
            Refusal::AvailableChanged { available } => amount(
                Kind::AvailableChanged,
                format!("{available} can be refunded now. Look at the payment and decide anew."),
            ),
            Refusal::Disputed => new(
                Kind::PaymentDisputed,
                "The bank is looking into this payment. Wait for its decision.",
            ),
            Refusal::OwnRequest => new(
                Kind::OwnRequest,
                "Approve it with another person's sign-in or key than the one that asked for it.",
            ),
            Refusal::RefundDecided => new(
                Kind::RefundDecided,
                "Look at the refund: somebody has approved or declined it.",
            ),
            Refusal::OnlyWholeAtDesk => new(
                Kind::NotCorrectable,
                "Refund what a provider took, or a part; correct the whole of what was taken at the desk.",
            ),
        }
    }
}

impl From<Capped> for Problem {
    fn from(Capped { cap, until }: Capped) -> Problem {
        let what = match cap {
            Cap::Number { most } => {
                format!("{most} texts went to this number today, the most that is allowed.")
            }
            Cap::Address { most } => {
                format!("{most} emails went to this address today, the most that is allowed.")
            }
            Cap::Staff { most } => {
                format!("{most} messages were sent with this key today, the most that is allowed.")
            }
            Cap::Clinic { most } => {
                format!("The clinic sent {most} messages today, the most that is allowed.")
            }
            Cap::Money { most } => {
                format!("Texts would cost more than {most} today, the most that is allowed.")
            }
            Cap::Installation => {
                "This installation sent as many messages today as its operator allows.".into()
            }
        };
        let detail = format!("{what} Send it after {}.", Time(until));
        Problem::new(Kind::SendingLimit, detail).until(until)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Retry => Problem::new(
                Kind::Busy,
                "Others are writing just now. Send it again with the same Idempotency-Key.",
            )
            .after(1),
            StoreError::Full => {
                tracing::error!("an API call failed: {error}");
                Problem::new(
                    Kind::Busy,
                    "Nothing can be saved just now. Tell the clinic's operator.",
                )
                .after(60)
            }
            StoreError::Unique(_)
            | StoreError::Corrupt(_)
            | StoreError::Newer { .. }
            | StoreError::Altered(_)
            | StoreError::Refused(_)
            | StoreError::Other(_) => Problem::internal(&error),
        }
    }
}

impl Problem {
    /// `Retry-After` is a span in seconds; reckoned by this machine's clock, since it is only advice.
    fn until(self, until: UtcMs) -> Problem {
        let now = jiff::Timestamp::now().as_millisecond();
        self.after((until - now).max(0).saturating_add(999) / 1000)
    }
}

/// The answer of every address below `/api` that does not exist.
pub async fn not_found() -> Problem {
    Problem::not_found()
}

/// The answer to a method that an address does not take.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        "See /api/docs for the methods of this address.",
    )
}
