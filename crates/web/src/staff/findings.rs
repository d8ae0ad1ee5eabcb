//! Credits & findings, and work outside that was given up.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::Error;
use remit_app::findings::{self as verbs};
use remit_app::views::{FindingView, StuckView};
use remit_core::account::FindingKind;
use remit_core::ids::{FindingId, JobId, PaymentId};
use remit_core::roles::Permission;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use crate::pages::Section;
use crate::pages::findings::{FailedWork, Finding, Findings};

const HERE: &str = "/financials/findings";

/// `GET /financials/findings`.
pub async fn show(desk: Desk) -> Answer {
    let open = verbs::list(&desk.app, desk.clinic()).await?;
    let stuck = verbs::stuck(&desk.app, desk.clinic()).await?;
    let shown = Findings {
        shell: desk.shell(Section::Findings).await?,
        findings: open.iter().map(|finding| told(&desk, finding)).collect(),
        failed_work: stuck.iter().map(|work| given_up(&desk, work)).collect(),
        may_close: desk.may(Permission::Refund),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `POST /financials/findings/{id}/close`. Closed already: as it was wished.
pub async fn close(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: FindingId = id.parse()?;
    match verbs::close(&desk.app, desk.actor(), id).await {
        Ok(()) | Err(Error::NotFound) => Ok(see_other(HERE)),
        Err(error) => Err(error.into()),
    }
}

/// `POST /financials/failed-work/{id}/retry`.
pub async fn retry(desk: Desk, Path(id): Path<String>, _form: Form) -> Answer {
    let id: JobId = id.parse()?;
    match verbs::try_again(&desk.app, desk.actor(), id).await {
        Ok(()) | Err(Error::NotFound) => Ok(see_other(HERE)),
        Err(error) => Err(error.into()),
    }
}

fn told(desk: &Desk, finding: &FindingView) -> Finding {
    let (heading, to_do) = words(finding.kind);
    let payment = match finding.kind {
        FindingKind::Surplus if desk.may(Permission::Refund) => {
            finding.about.parse::<PaymentId>().ok()
        }
        _ => None,
    };
    Finding {
        id: finding.id.to_string(),
        at: desk.clock.moment(finding.opened_at),
        heading: heading.into(),
        happened: finding.detail.clone(),
        to_do: to_do.into(),
        amount: finding.amount.map(|amount| amount.to_string()),
        link: finding
            .appointment
            .map(|id| (format!("/appointments/{id}"), "Open the appointment".into())),
        refund_payment_id: payment.map(|id| id.to_string()),
    }
}

fn words(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::Surplus => (
            "More was received than was due",
            "Refund the rest, or keep it as credit for the next visit and tell the patient.",
        ),
        FindingKind::AmountMismatch => (
            "The provider received another amount than was asked for",
            "Compare the payment with the provider’s own page before you close this.",
        ),
        FindingKind::UnknownStatus => (
            "The provider used a word we do not know",
            "Look the payment up at the provider. Remit goes on asking.",
        ),
        FindingKind::CreditLeft => (
            "The patient has credit",
            "Refund it, or keep it for the next visit and tell the patient.",
        ),
        FindingKind::DeadLetter => (
            "Something could not be sent",
            "See below what it was, mend the cause and try again.",
        ),
        FindingKind::Unreconciled => (
            "Our books and the provider’s differ",
            "Compare the payment with the provider’s own page.",
        ),
        FindingKind::RefundFailed => (
            "A refund failed",
            "The money is still here. Try the refund again, or give it back another way.",
        ),
        FindingKind::RefundApproval => (
            "A refund waits for a second person",
            "Open the appointment, then approve or decline it. Who asked for it cannot approve it.",
        ),
        FindingKind::Dispute => (
            "A payment is disputed",
            "Send the provider what shows that the patient was treated and agreed: the signed form, the booking, your \
             messages. Refunds wait until the bank has decided.",
        ),
        FindingKind::BrokenInvariant => (
            "The books do not add up",
            "Tell whoever runs Remit: they find the details with “remit check”.",
        ),
    }
}

fn given_up(desk: &Desk, work: &StuckView) -> FailedWork {
    let what = match work.kind.as_str() {
        "send" => "A message with a payment link",
        "create_session" => "Starting a payment at the provider",
        "ensure_closed" => "Closing a payment at the provider",
        "call_refund" => "A refund at the provider",
        "receipt" => "A receipt by email",
        _ => "Work outside",
    };
    FailedWork {
        id: work.id.to_string(),
        at: desk.clock.moment(work.created_at),
        what: what.into(),
        why: work.last_error.clone().unwrap_or_default(),
        tries: u32::try_from(work.tries).unwrap_or(u32::MAX),
        link: work
            .appointment
            .map(|id| (format!("/appointments/{id}"), "Its appointment".into())),
    }
}
