//! One payment: what came in, what went back, what its payer's bank says.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::receipts::ReceiptInput;
use remit_app::views::{DisputeView, PaymentView, ReceiptView, RefundView};
use remit_app::{Error, appointments, disputes, patients, payments, providers, receipts, refunds};
use remit_core::contact::Phone;
use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::disputes::{DisputeState, Disputed};
use remit_core::ids::{PatientId, PaymentId, RefundId};
use remit_core::refunds::{Approval, RefundState};
use remit_core::roles::Permission;

use super::answer::{Answer, page, see_other};
use super::appointments::{may_refund, sent_back, waiting};
use super::desk::Desk;
use super::forms::Form;
use super::{findings, sentences, words};
use crate::pages::payment::{DisputeLine, PaymentPage, RefundLine};
use crate::pages::receipts::{ReceiptForm, ReceiptLine};
use crate::pages::{Badge, Field, Section, Tone};

/// `GET /payments/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    whole(&desk, id.parse()?, None).await
}

/// `POST /refunds/{id}/approve`.
pub async fn approve(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: RefundId = id.parse()?;
    let done = refunds::approve(&desk.app, desk.actor(), id).await;
    onwards(&desk, (id, &form), "refund", done).await
}

/// `POST /refunds/{id}/decline`.
pub async fn decline(desk: Desk, Path(id): Path<String>, form: Form) -> Answer {
    let id: RefundId = id.parse()?;
    let done = refunds::decline(&desk.app, desk.actor(), id).await;
    onwards(&desk, (id, &form), "decline", done).await
}

/// On to the payment, where the decision is seen, or why there is none; from Credits & findings, back there.
async fn onwards(
    desk: &Desk,
    (id, sent): (RefundId, &Form),
    what: &str,
    done: remit_app::Result<()>,
) -> Answer {
    let payment = refunds::get(&desk.app, desk.clinic(), id)
        .await?
        .refund
        .payment;
    match done {
        Ok(()) if sent.has("finding") => Ok(see_other(&findings::done(what))),
        Ok(()) => Ok(see_other(&format!("/payments/{payment}"))),
        Err(error) if sentences::is_mendable(&error) => whole(desk, payment, Some(&error)).await,
        Err(error) => Err(error.into()),
    }
}

/// The page again, with why a receipt was not sent.
pub async fn with_receipt_error(
    desk: &Desk,
    id: PaymentId,
    sent: &ReceiptInput,
    error: &Error,
) -> Answer {
    let mut shown = filled(desk, id, None).await?;
    if let Some(form) = &mut shown.receipt_form {
        form.sms = sent.channel == Channel::Sms;
        form.to.value = sent.to.clone().unwrap_or_default();
        let sentence = Some(sentences::sentence(error, &desk.clock));
        match error {
            Error::Invalid { field: "to", .. } => form.to.error = sentence,
            _ => form.refused = sentence,
        }
    }
    Ok(page(sentences::status(error), &shown))
}

async fn whole(desk: &Desk, id: PaymentId, refused: Option<&Error>) -> Answer {
    let shown = filled(desk, id, refused).await?;
    let status = refused.map_or(StatusCode::OK, sentences::status);
    Ok(page(status, &shown))
}

async fn filled(
    desk: &Desk,
    id: PaymentId,
    refused: Option<&Error>,
) -> remit_app::Result<PaymentPage> {
    let (app, clinic) = (&desk.app, desk.clinic());
    let one = payments::get(app, clinic, id).await?;
    let visit = appointments::get(app, clinic, one.payment.appointment).await?;
    let given = refunds::of_payment(app, clinic, id).await?;
    let disputed = disputes::of_payments(app, clinic, &[id]).await?;
    let sendings = receipts::of_payment(app, clinic, id).await?;
    let receipt_form = receipt_form(desk, visit.patient).await?;
    let payment = &one.payment;
    Ok(PaymentPage {
        shell: desk.shell(Section::OnlinePayments).await?,
        id: id.to_string(),
        appointment_id: visit.id.to_string(),
        patient: visit.patient_name,
        what: format!(
            "{} · {}",
            payment.paid_by.title(),
            desk.clock.moment(payment.received_at)
        ),
        badges: badges(&one, &given),
        paid: payment.amount.to_string(),
        refunded: one.refunded.to_string(),
        available: payment.available().to_string(),
        facts: facts(&one),
        waiting: waiting(desk, &given),
        refunds: given.iter().rev().map(|view| refund(desk, view)).collect(),
        disputes: disputed.iter().map(|view| dispute(desk, view)).collect(),
        refundable: may_refund(desk) && payment.available().minor > 0,
        sandbox: sandbox(desk, &one),
        refused: refused.map(|error| sentences::sentence(error, &desk.clock)),
        receipts: sendings.iter().map(|view| receipt(desk, view)).collect(),
        receipt_form,
    })
}

/// The form that sends a receipt; none for a role that sends nothing.
async fn receipt_form(desk: &Desk, patient: PatientId) -> remit_app::Result<Option<ReceiptForm>> {
    if !desk.may(Permission::TakeMoney) {
        return Ok(None);
    }
    let patient = patients::get(&desk.app, desk.clinic(), patient).await?;
    Ok(Some(ReceiptForm {
        to: Field::default(),
        sms: patient.email.is_none() && patient.phone.is_some(),
        email: patient.email,
        phone: patient.phone.as_deref().map(Phone::grouped),
        refused: None,
        idempotency_key: desk.key()?,
    }))
}

fn receipt(desk: &Desk, view: &ReceiptView) -> ReceiptLine {
    let (status, tone) = match view.status {
        DeliveryStatus::Queued => ("Queued", Tone::Plain),
        DeliveryStatus::Sent => ("Sent", Tone::Sent),
        DeliveryStatus::Delivered => ("Delivered", Tone::Good),
        DeliveryStatus::Uncertain => ("May have arrived or not", Tone::Warn),
        DeliveryStatus::Failed => ("Failed", Tone::Bad),
    };
    ReceiptLine {
        what: match view.refund {
            Some(_) => "Refund message",
            None => "Receipt",
        },
        icon: match view.channel {
            Channel::Sms => "message-square",
            Channel::Email | Channel::Qr | Channel::Copy => "mail",
        },
        to: desk.reached(view.channel, &view.address),
        status,
        tone,
        reason: view.reason.clone().unwrap_or_default(),
        at: desk.clock.moment(view.created_at),
        by: view.created_by.clone(),
    }
}

fn badges(one: &PaymentView, given: &[RefundView]) -> Vec<Badge> {
    let mut badges: Vec<_> = sent_back(one, given).into_iter().collect();
    if one.payment.disputed != Disputed::default() {
        badges.push(Badge::Disputed);
    }
    badges
}

fn facts(one: &PaymentView) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(provider) = &one.payment.provider {
        facts.push(("Provider", providers::title(&provider.provider)));
        facts.push(("Payment there", provider.payment_id.clone()));
    }
    if let Some(reference) = &one.payment.reference {
        facts.push(("Paid with", reference.clone()));
    }
    facts.push(("Recorded by", one.received_by.clone()));
    facts
}

/// The sandbox's own page of a payment made there.
fn sandbox(desk: &Desk, one: &PaymentView) -> Option<String> {
    let provider = one.payment.provider.as_ref()?;
    let ours = desk.about().test_mode && provider.provider == providers::SANDBOX;
    providers::kinds::payment_page(&provider.provider, &provider.payment_id).filter(|_| ours)
}

fn refund(desk: &Desk, view: &RefundView) -> RefundLine {
    let refund = &view.refund;
    let status = match (refund.state, refund.approval) {
        (RefundState::Requested, Some(Approval::Needed)) => "Waits for a second person",
        (RefundState::Failed, Some(Approval::Declined)) => "Declined",
        (RefundState::Requested | RefundState::Unknown | RefundState::Pending, _) => "On its way",
        (RefundState::Succeeded, _) if refund.correction => "Corrected, no money went back",
        (RefundState::Succeeded, _) => "Succeeded",
        (RefundState::Failed, _) => "Failed",
    };
    let why = match refund.state {
        RefundState::Failed => view.last_error.clone(),
        RefundState::Requested
        | RefundState::Unknown
        | RefundState::Pending
        | RefundState::Succeeded => refund.reason.clone(),
    };
    RefundLine {
        amount: refund.amount.to_string(),
        status,
        at: desk.clock.moment(refund.requested_at),
        by: match (&view.decided_by, refund.approval) {
            (Some(who), Some(Approval::Approved)) => {
                format!("{}, approved by {who}", view.requested_by)
            }
            (Some(who), Some(Approval::Declined)) => {
                format!("{}, declined by {who}", view.requested_by)
            }
            _ => view.requested_by.clone(),
        },
        note: why.unwrap_or_default(),
    }
}

fn dispute(desk: &Desk, view: &DisputeView) -> DisputeLine {
    let dispute = &view.dispute;
    let held = match (dispute.state, dispute.withdrawn.minor) {
        (_, 0) => String::new(),
        (DisputeState::Lost, _) => format!("The bank has kept {}.", dispute.withdrawn),
        _ => format!("The bank holds {} until it has decided.", dispute.withdrawn),
    };
    DisputeLine {
        amount: dispute.amount.to_string(),
        status: words::dispute(view, &desk.clock),
        reason: dispute.reason.clone(),
        opened: desk.clock.moment(dispute.opened_at),
        held,
    }
}
