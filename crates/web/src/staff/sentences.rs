//! What staff are told when something is not done: what happened and what to do. One match over every refusal, without
//! a wildcard, so that a new one cannot be forgotten.

use axum::http::StatusCode;
use remit_app::Error;
use remit_app::error::{Meanwhile, Reach, Unreachable};
use remit_core::account::Refusal;
use remit_core::practitioners::Clash;
use remit_core::sending_limits::{Cap, Capped};

use super::answer::Failure;
use super::clock::Clock;

/// A failure told on a page of its own.
pub struct Told {
    pub status: StatusCode,
    pub heading: &'static str,
    pub text: String,
    /// Where to go on: address and words.
    pub link: (&'static str, &'static str),
}

/// Whether the person can mend it in the form they sent; otherwise it is told on a page of its own.
pub fn is_mendable(error: &Error) -> bool {
    match error {
        Error::Refused(_)
        | Error::Invalid { .. }
        | Error::TooSoon { .. }
        | Error::TooMany { .. }
        | Error::Capped(_)
        | Error::ProviderUnreachable(_)
        | Error::ProviderRefused(_)
        | Error::NotSetUp(_)
        | Error::SignIn
        | Error::ChangedMeanwhile { .. }
        | Error::Clash(_)
        | Error::MovedMeanwhile(_) => true,
        Error::NotFound | Error::Forbidden | Error::Sealed | Error::Setup(_) | Error::Store(_) => {
            false
        }
    }
}

/// The message beside a field: what is wrong with what was typed into it, under any of these names.
pub fn beside(error: Option<&Error>, names: &[&str]) -> Option<String> {
    match error {
        Some(Error::Invalid { field, message }) if names.contains(field) => Some(message.clone()),
        _ => None,
    }
}

/// The sentence over a form; none where the message stands beside a field.
pub fn over(error: Option<&Error>, clock: &Clock) -> Option<String> {
    let error = error.filter(|error| !matches!(error, Error::Invalid { .. }))?;
    Some(sentence(error, clock))
}

/// The sentence beside the form.
pub fn sentence(error: &Error, clock: &Clock) -> String {
    match error {
        Error::Refused(refusal) => refused(refusal, clock),
        Error::NotFound => "This is not here any more. Load the page again.".into(),
        Error::Forbidden => "Your role does not allow this. Ask a manager.".into(),
        Error::Invalid { message, .. } => message.clone(),
        Error::TooSoon { until } => format!(
            "It was sent a moment ago. You can send it again from {}.",
            clock.time(*until)
        ),
        Error::Capped(capped) => self::capped(capped, clock),
        Error::TooMany { what: "sign-in", until } => format!(
            "There were too many wrong tries. Try again at {}.",
            clock.time(*until)
        ),
        Error::TooMany { what, until } => format!(
            "There were too many {what}. Try again after {}.",
            clock.moment(*until)
        ),
        Error::ProviderUnreachable(Unreachable { reach: Reach::CannotClose, .. }) => "An online payment is in progress \
            and the payment provider cannot stop one of this kind: it ends by itself, mostly within the hour. Nothing \
            was recorded. Wait for it, or go on anyway."
            .into(),
        Error::ProviderUnreachable(_) => "An online payment is in progress and the payment provider does not answer, \
            so it cannot be stopped. Nothing was recorded. Wait a minute and try again."
            .into(),
        Error::ProviderRefused(why) => {
            format!("The payment provider refused: {}. Nothing was changed.", why.trim_end_matches('.'))
        }
        Error::NotSetUp(what) => {
            format!("{} is not set up for this clinic. Choose it in Settings.", capital(what))
        }
        Error::SignIn => "Email and password do not fit. Try again.".into(),
        Error::ChangedMeanwhile { by, at } => format!(
            "{by} changed this at {}, while you had it open. Nothing of yours is saved yet.",
            clock.time(*at)
        ),
        Error::Clash(clash) => self::clash(clash, clock),
        Error::MovedMeanwhile(meanwhile) => self::meanwhile(meanwhile, clock),
        Error::Sealed => "A secret cannot be opened with this installation's master key. Tell whoever runs Remit."
            .into(),
        Error::Setup(_) | Error::Store(_) => "Something went wrong on our side. Try again in a moment.".into(),
    }
}

/// What stands against a time in the diary.
fn clash(clash: &Clash, clock: &Clock) -> String {
    let hours = |from: &i64, to: &i64| format!("from {} to {}", minute(*from), minute(*to));
    match clash {
        Clash::Taken {
            patient,
            starts_at,
            ends_at,
        } => format!(
            "The practitioner has another appointment then: {patient}, {} – {}.",
            clock.time(*starts_at),
            clock.time(*ends_at)
        ),
        Clash::Absent { reason, until } => {
            format!(
                "The practitioner is away until {}: {reason}.",
                clock.moment(*until)
            )
        }
        Clash::DayOff => "The practitioner does not work on this day.".into(),
        Clash::OutsideHours { from, to } => {
            format!("The practitioner works {} on this day.", hours(from, to))
        }
        Clash::Lunch { start, end } => {
            format!("The practitioner has lunch then, {}.", hours(start, end))
        }
    }
}

/// A minute of the day as a clock shows it.
fn minute(of_day: i64) -> String {
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

/// Who changed the appointment while this page was open, and how.
fn meanwhile(meanwhile: &Meanwhile, clock: &Clock) -> String {
    let Meanwhile {
        by,
        at,
        status,
        slot,
        practitioner_name,
    } = meanwhile;
    let done = match status {
        Some(status) => format!("set it to {}", status.title()),
        None => {
            let with = practitioner_name
                .as_deref()
                .map(|name| format!(" with {name}"));
            format!(
                "moved it to {} – {}{}",
                clock.moment(slot.starts_at),
                clock.time(slot.ends_at),
                with.unwrap_or_default()
            )
        }
    };
    format!(
        "{by} {done} at {}. Nothing of yours was saved: look at it and decide again.",
        clock.time(*at)
    )
}

/// Which limit, until when, and what works meanwhile.
fn capped(capped: &Capped, clock: &Clock) -> String {
    let until = clock.moment(capped.until);
    match capped.cap {
        Cap::Number { most } => format!(
            "This number was texted {most} times today, the most that is allowed. It can be texted again from {until}. \
            Email and the code still work."
        ),
        Cap::Address { most } => format!(
            "{most} emails went to this address today, the most that is allowed. It can be written to again from \
            {until}. A text and the code still work."
        ),
        Cap::Staff { most } => format!(
            "You sent {most} messages today, the most that one person may. You can send again from {until}; a \
            colleague can send this one now."
        ),
        Cap::Clinic { most } => format!(
            "The clinic sent {most} messages today, the most that is allowed. It can send again from {until}. Show the \
            code meanwhile, or ask a manager to raise the limit in Settings, Limits."
        ),
        Cap::Money { most } => format!(
            "With this one, today’s texts would cost more than {most}, the most that is allowed. Texts can be sent \
            again from {until}. Email and the code still work; a manager can raise the limit in Settings, Limits."
        ),
        Cap::Installation => format!(
            "As many messages were sent today as the operator of Remit allows. They can be sent again from {until}. \
            Show the code meanwhile."
        ),
    }
}

fn refused(refusal: &Refusal, clock: &Clock) -> String {
    match refusal {
        Refusal::NothingDue => "Nothing is due here, so there is nothing to ask for.".into(),
        Refusal::MoreThanDue { asked, due } => {
            format!("{asked} is more than the balance. Enter at most {due}.")
        }
        Refusal::Cancelled => "The appointment is cancelled. Book a new one.".into(),
        Refusal::BelowZero { total } => {
            format!("A discount cannot be larger than the total. Enter at most {total}.")
        }
        Refusal::TooLarge => "This amount is too large. Enter a smaller one.".into(),
        Refusal::OtherCurrency => "This amount is in another currency than the appointment.".into(),
        Refusal::LivePayment => {
            "The patient is paying online at this moment, and the payment could not be stopped. \
            Wait for its end and try again."
                .into()
        }
        Refusal::LinkPaid => {
            "The patient has just paid online. Look at the balance before you take more.".into()
        }
        Refusal::LinkExpired => "This link has expired. Renew it to send a new one.".into(),
        Refusal::LinkCancelled => "This link is cancelled. Renew it to send a new one.".into(),
        Refusal::LinkOpen => "This link can still be paid, so it needs no renewal.".into(),
        Refusal::TooManyTries { until } => format!(
            "Too many payments were refused on this link. It opens again at {}.",
            clock.time(*until)
        ),
        Refusal::MoreThanRefundable { asked, available } => {
            format!("{asked} is more than is left of this payment. Enter at most {available}.")
        }
        Refusal::AvailableChanged { available } => format!(
            "Meanwhile a part was given back: {available} is left. Check the amount and press again."
        ),
        Refusal::Disputed => "The bank is looking into this payment. Wait for its decision.".into(),
        Refusal::OwnRequest => {
            "You asked for this refund, so somebody else has to approve it. Ask another manager or the owner.".into()
        }
        Refusal::RefundDecided => "This refund was decided already. Load the page again.".into(),
        Refusal::OnlyWholeAtDesk => "Only a payment taken at the desk can be corrected, and only as a whole. Give the \
            money back instead."
            .into(),
    }
}

/// The answer's status for an error.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Refused(_)
        | Error::Invalid { .. }
        | Error::Clash(_)
        | Error::NotSetUp(_)
        | Error::SignIn => StatusCode::UNPROCESSABLE_ENTITY,
        Error::TooSoon { .. } | Error::TooMany { .. } | Error::Capped(_) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Error::ProviderUnreachable(_)
        | Error::ProviderRefused(_)
        | Error::ChangedMeanwhile { .. }
        | Error::MovedMeanwhile(_) => StatusCode::CONFLICT,
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Forbidden => StatusCode::FORBIDDEN,
        Error::Store(error) if is_busy(error) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Sealed | Error::Setup(_) | Error::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn is_busy(error: &remit_app::views::StoreError) -> bool {
    matches!(error, remit_app::views::StoreError::Retry)
}

/// A failure on a page of its own.
pub fn failure(failure: &Failure, clock: &Clock) -> Told {
    let told = |status, heading, text: &str, link| Told {
        status,
        heading,
        text: text.into(),
        link,
    };
    let diary = ("/diary", "Open the diary");
    match failure {
        Failure::Verb(Error::NotFound) => told(
            StatusCode::NOT_FOUND,
            "This is not here",
            "It may belong to another clinic, or the address has a slip in it.",
            diary,
        ),
        Failure::Verb(Error::Forbidden) => told(
            StatusCode::FORBIDDEN,
            "Your role does not allow this",
            "A manager or the owner of the clinic can do it, or change your role.",
            diary,
        ),
        Failure::Verb(error) => Told {
            status: status(error),
            heading: if is_mendable(error) {
                "This was not done"
            } else {
                "Something went wrong on our side"
            },
            text: sentence(error, clock),
            link: diary,
        },
        Failure::StillBusy => told(
            StatusCode::CONFLICT,
            "This is being done already",
            "The same form was sent before and is still being worked on. Look at it again in a moment: it happens once.",
            diary,
        ),
        Failure::AlreadySent => told(
            StatusCode::CONFLICT,
            "This form was sent before",
            "It was sent with other contents, and what it did stands. Open the page again to do something new.",
            diary,
        ),
        Failure::OldPage => told(
            StatusCode::FORBIDDEN,
            "This page was open for too long",
            "Nothing was changed. Load the page again, then repeat what you did.",
            diary,
        ),
        Failure::TooLarge => told(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This is too much",
            "The form holds more than can be kept. Shorten the text, or choose a smaller file, and send it again.",
            diary,
        ),
        Failure::Unreadable => told(
            StatusCode::BAD_REQUEST,
            "This form could not be read",
            "Load the page again, then repeat what you did.",
            diary,
        ),
    }
}

/// With a capital letter.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
