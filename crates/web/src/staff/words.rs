//! The rules' enums in the pages' words: one place, so that a status looks the same wherever it stands.

use remit_app::providers;
use remit_app::views::{DisputeView, LinkView};
use remit_core::appointments::Status;
use remit_core::deliveries;
use remit_core::disputes::DisputeState;
use remit_core::links::{self, LinkState};
use remit_core::methods::{Method, NotOffered};

use super::clock::Clock;
use crate::pages::{AppointmentStatus, Badge, Channel, LinkStatus};

pub fn link_status(state: LinkState) -> LinkStatus {
    match state {
        LinkState::Created => LinkStatus::Created,
        LinkState::Sent => LinkStatus::Sent,
        LinkState::Accessed => LinkStatus::Accessed,
        LinkState::Paid => LinkStatus::Paid,
        LinkState::Expired => LinkStatus::Expired,
        LinkState::Cancelled => LinkStatus::Cancelled,
    }
}

pub fn badges(link: &LinkView) -> Vec<Badge> {
    let word = |badge| match badge {
        links::Badge::Late => Badge::Late,
        links::Badge::InProgress => Badge::InProgress,
        links::Badge::PartRefunded => Badge::PartRefunded,
        links::Badge::Refunded => Badge::Refunded,
        links::Badge::Disputed => Badge::Disputed,
        links::Badge::DeliveryFailed => Badge::DeliveryFailed,
    };
    link.badges().into_iter().map(word).collect()
}

pub fn appointment_status(status: Status) -> AppointmentStatus {
    match status {
        Status::Booked => AppointmentStatus::Booked,
        Status::Confirmed => AppointmentStatus::Confirmed,
        Status::Arrived => AppointmentStatus::Arrived,
        Status::InProgress => AppointmentStatus::InProgress,
        Status::Completed => AppointmentStatus::Completed,
        Status::Cancelled => AppointmentStatus::Cancelled,
        Status::NoShow => AppointmentStatus::NoShow,
    }
}

/// The channel of a link's latest handing-over.
pub fn channel(link: &LinkView) -> Channel {
    match link.sent_by.as_deref().and_then(deliveries::Channel::parse) {
        Some(deliveries::Channel::Sms) => Channel::Sms,
        Some(deliveries::Channel::Email) => Channel::Email,
        Some(deliveries::Channel::Qr) => Channel::Qr,
        Some(deliveries::Channel::Copy) => Channel::Copy,
        None => Channel::NotSent,
    }
}

/// How a method stands within a sentence: `card, Klarna or Clearpay`.
pub fn method(method: Method) -> &'static str {
    match method {
        Method::Card => "card",
        Method::Klarna => "Klarna",
        Method::Clearpay => "Clearpay",
    }
}

/// Why a method is not on offer, to go on after its name: `Clearpay: at most £1,200.00`. For staff only.
pub fn not_offered(why: NotOffered) -> String {
    match why {
        NotOffered::Disabled => "switched off in Settings".into(),
        NotOffered::NotForThisPurpose => "not offered for this kind of payment".into(),
        NotOffered::BelowMinimum { min } => format!("from {min}"),
        NotOffered::AboveMaximum { max } => format!("at most {max}"),
        NotOffered::NotInThisCountry => "not available in the clinic’s country".into(),
        NotOffered::NotInThisCurrency => "not available in this currency".into(),
        NotOffered::NoProvider => "no payment provider is connected".into(),
        NotOffered::NotWithThisProvider => "the payment provider does not have it".into(),
        NotOffered::NeedsEmail => "it asks for the patient’s email address".into(),
        NotOffered::NotWithThisAccount => "not switched on in the provider’s account".into(),
    }
}

/// What the patient is not offered, and why: `Clearpay: at most £1,200.00`. What the clinic has switched off itself is
/// left out. Nothing where everything is offered.
pub fn not_on_offer(verdicts: &[(Method, Result<(), NotOffered>)]) -> Option<String> {
    if verdicts
        .iter()
        .all(|(_, verdict)| *verdict == Err(NotOffered::NoProvider))
    {
        return Some("No payment provider is connected, so nothing can be paid online. Connect one in Settings.".into());
    }
    let reasons: Vec<String> = verdicts
        .iter()
        .filter_map(|(method, verdict)| match verdict {
            Ok(()) | Err(NotOffered::Disabled | NotOffered::NotForThisPurpose) => None,
            Err(why) => Some(format!("{}: {}", method.title(), not_offered(*why))),
        })
        .collect();
    (!reasons.is_empty()).then(|| reasons.join(" · "))
}

/// `card`, `card or Klarna`, `card, Klarna or Clearpay`.
pub fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The currency's name as it is read aloud; its code where there is no common one.
pub fn currency(code: &str) -> String {
    match code {
        "GBP" => "pounds".into(),
        "EUR" => "euros".into(),
        "USD" => "dollars".into(),
        "JPY" => "yen".into(),
        code => code.into(),
    }
}

/// `1 link`, `3 links`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The same at the start of a sentence, small numbers in words: `Two links`.
pub fn spelled(number: u64, one: &str, many: &str) -> String {
    const SMALL: [&str; 10] = [
        "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine",
    ];
    let small = usize::try_from(number).ok().and_then(|at| SMALL.get(at));
    match small {
        Some(word) => format!("{word} {}", if number == 1 { one } else { many }),
        None => count(number, one, many),
    }
}

/// How a dispute stands, and what is to be done: `Disputed. Send evidence to Stripe by Tue 1 December.`
pub fn dispute(view: &DisputeView, clock: &Clock) -> String {
    let dispute = &view.dispute;
    let provider = providers::title(&view.provider);
    match dispute.state {
        DisputeState::NeedsResponse => match dispute.due_by {
            Some(due) => format!(
                "Disputed. Send evidence to {provider} by {}.",
                clock.written(due, "%a %-d %B")
            ),
            None => format!("Disputed. Send evidence to {provider}."),
        },
        DisputeState::UnderReview => "Disputed. The bank is looking into it.".into(),
        DisputeState::Won => "The dispute was won.".into(),
        DisputeState::Lost => format!("The dispute was lost: {} is gone.", dispute.amount),
        DisputeState::Withdrawn => "The dispute was taken back.".into(),
    }
}
