//! Receipts: what a patient is sent once money has come.

use remit_core::deliveries::Channel;
use remit_core::ids::PaymentId;
use remit_core::messages;
use remit_gateways::messages::{Handover, Message};
use remit_store::outbox::{Leased, Outcome};
use remit_store::patients;

use crate::{App, Error, Result, clinics, messaging};

/// Emails a receipt to a patient who has an address. Email reuses its reference, so a repeat is the same message.
pub(crate) async fn send(app: &App, job: &Leased, id: PaymentId) -> Result<Outcome> {
    let payment = crate::payments::get(app, job.clinic, id).await?.payment;
    let appointment = crate::appointments::get(app, job.clinic, payment.appointment).await?;
    let Some(patient) = patients::get(&app.store, job.clinic, appointment.patient).await? else {
        return Ok(Outcome::Done);
    };
    let Some(to) = patient.email.clone() else {
        return Ok(Outcome::Done);
    };
    let channel = match messaging::channel(app, job.clinic, Channel::Email).await {
        Ok(channel) => channel,
        // Nobody asked for this message, so a clinic without email is not told of it.
        Err(Error::NotSetUp(_)) => return Ok(Outcome::Done),
        Err(error) => return Err(error),
    };
    let context = clinics::context(app, job.clinic).await?;
    let when = clinics::in_zone(
        &context.clinic,
        payment.received_at,
        "%A %-d %B %Y at %H:%M",
    );
    let clinic = &context.clinic;
    let text = messages::receipt(
        &clinic.name,
        &clinic.phone,
        patient.first_name(),
        payment.amount,
        &when,
        &messages::reference(&id.to_string()),
    );
    let text = messages::marked(text, context.is_test());
    let subject = Some(messages::receipt_subject(&clinic.name));
    let message = Message {
        reference: id.to_string(),
        channel: Channel::Email,
        to,
        subject,
        text,
        html: None,
        attachments: vec![],
    };
    match channel.send(&message).await {
        Handover::Taken(_) => Ok(Outcome::Done),
        Handover::Refused(refusal) => Ok(Outcome::Dead {
            why: refusal.message,
        }),
        Handover::NotNow(unknown) | Handover::Unknown(unknown) => Err(Error::Setup(unknown.why)),
    }
}
