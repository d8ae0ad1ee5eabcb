//! Carrying out a receipt: the message made, handed to its channel, and the outcome written on the row. An SMS whose
//! outcome is unknown is looked up and never sent again by itself; an email goes again under the same Message-ID
//! (hazard A28).

use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{ClinicId, PaymentId, ReceiptId, RefundId};
use remit_core::messages;
use remit_core::outbox::backoff_ms;
use remit_core::payments::Payment;
use remit_core::receipts as rules;
use remit_core::refunds::RefundState;
use remit_core::templates::Purpose;
use remit_core::token::SECRET_CHARS;
use remit_gateways::Answer;
use remit_gateways::messages::{Attachment, Handover, Message, MessageChannel, MessageFacts};
use remit_store::outbox::{Leased, Outcome};
use remit_store::receipts::{self, ReceiptView};
use remit_store::{events, patients};

use super::{document, insert, url};
use crate::sending::News;
use crate::sending_limits::{self, Wish};
use crate::templates::{self, About, Composed};
use crate::{Actor, App, Error, Result, clinics, deliveries, keys, messaging, payments, refunds};

/// How often an unknown outcome is looked up, or an email sent again, before staff are told.
const TRIES_MAX: i64 = 8;

/// The receipt that an online payment sends by itself, once: its id is made of the payment's.
pub(crate) async fn by_itself(app: &App, job: &Leased, id: PaymentId) -> Result<Outcome> {
    let payment = payments::get(app, job.clinic, id).await?.payment;
    of_money(app, job, &payment, None, ReceiptId(id.0)).await
}

/// The word that a refund was made, once: its id is made of the refund's.
pub(crate) async fn of_refund(app: &App, job: &Leased, id: RefundId) -> Result<Outcome> {
    let refund = refunds::get(app, job.clinic, id).await?.refund;
    // It failed at the provider after all: there is nothing to tell.
    if refund.state != RefundState::Succeeded {
        return Ok(Outcome::Done);
    }
    let payment = payments::get(app, job.clinic, refund.payment)
        .await?
        .payment;
    of_money(app, job, &payment, Some(id), ReceiptId(id.0)).await
}

async fn of_money(
    app: &App,
    job: &Leased,
    payment: &Payment,
    refund: Option<RefundId>,
    id: ReceiptId,
) -> Result<Outcome> {
    if receipts::get(&app.store, job.clinic, id).await?.is_none() {
        let Some((channel, address)) = way(app, job.clinic, payment).await? else {
            return Ok(Outcome::Done);
        };
        let context = clinics::context(app, job.clinic).await?;
        let segments = segments(app, job.clinic, payment.id, refund, channel).await?;
        let mut tx = app.store.begin(job.clinic).await?;
        let now = tx.now().await?;
        let receipt = ReceiptView {
            id,
            payment: payment.id,
            appointment: payment.appointment,
            refund,
            channel,
            address,
            status: DeliveryStatus::Queued,
            reason: None,
            token_sealed: None,
            created_at: now,
            created_by: Actor::remit(job.clinic).label,
            done_at: None,
        };
        if receipt.channel == Channel::Sms {
            let wish = Wish {
                channel: receipt.channel,
                address: &receipt.address,
                segments,
            };
            let remit = Actor::remit(job.clinic);
            match sending_limits::take(app, &mut tx, &context, &remit, &wish, now).await {
                Ok(()) => {}
                Err(Error::Capped(_)) => {
                    drop(tx);
                    return capped(app, job, receipt).await;
                }
                Err(error) => return Err(error),
            }
        }
        insert(app, &mut tx, job.clinic, receipt).await?;
        tx.commit().await?;
    }
    carry_out(app, job, id).await
}

/// A text too many for today is not sent later by itself: its row says so, and staff may send it by email.
async fn capped(app: &App, job: &Leased, receipt: ReceiptView) -> Result<Outcome> {
    let mut tx = app.store.begin(job.clinic).await?;
    let receipt = insert(app, &mut tx, job.clinic, receipt).await?;
    tx.commit().await?;
    let why = "Today’s limit for texts is reached (Settings, Limits).";
    write(
        app,
        job.clinic,
        &receipt,
        &News::of(DeliveryStatus::Failed, why),
    )
    .await?;
    Ok(Outcome::Done)
}

/// How many parts the text will have: its address is as long as this one. 0 for an email.
pub(super) async fn segments(
    app: &App,
    clinic: ClinicId,
    payment: PaymentId,
    refund: Option<RefundId>,
    channel: Channel,
) -> Result<usize> {
    if channel != Channel::Sms {
        return Ok(0);
    }
    let context = clinics::context(app, clinic).await?;
    let token = format!("{}{}", context.clinic.route, "x".repeat(SECRET_CHARS));
    let url = super::address(app, &token);
    let composed = words(app, clinic, payment, refund, channel, Some(&url)).await?;
    Ok(messages::segments(&composed.text).count)
}

/// A receipt's message, or a refund's, in the patient's language.
async fn words(
    app: &App,
    clinic: ClinicId,
    payment: PaymentId,
    refund: Option<RefundId>,
    channel: Channel,
    url: Option<&str>,
) -> Result<Composed> {
    let payment = payments::get(app, clinic, payment).await?.payment;
    let visit = crate::appointments::get(app, clinic, payment.appointment).await?;
    let patient = crate::patients::get(app, clinic, visit.patient).await?;
    let number = rules::number(payment.id);
    let (purpose, amount, happened_at) = match refund {
        Some(id) => {
            let view = refunds::get(app, clinic, id).await?;
            let at = view.done_at.unwrap_or(view.refund.requested_at);
            (Purpose::Refund, view.refund.amount, at)
        }
        None => (Purpose::Receipt, payment.amount, payment.received_at),
    };
    let about = About {
        channel,
        purpose,
        locale: &patient.locale,
        patient_name: &patient.name,
        amount,
        link: url,
        reference: &number,
        expires_at: None,
        appointment_at: visit.starts_at,
        happened_at: Some(happened_at),
    };
    templates::compose(app, clinic, &about).await
}

/// How the patient is reached; none where they are not, or the clinic has no such channel: nobody asked for this
/// message, so nobody is told of it either.
async fn way(app: &App, clinic: ClinicId, payment: &Payment) -> Result<Option<(Channel, String)>> {
    let visit = crate::appointments::get(app, clinic, payment.appointment).await?;
    let Some(patient) = patients::get(&app.store, clinic, visit.patient).await? else {
        return Ok(None);
    };
    let context = clinics::context(app, clinic).await?;
    let way = rules::by_itself(
        &context.receipts,
        patient.email.as_deref(),
        patient.phone.as_deref(),
    );
    let Some((channel, address)) = way else {
        return Ok(None);
    };
    if channel == Channel::Sms {
        let country = &context.clinic.country;
        let textable = deliveries::number(Some(&address), country, &context.sending_limits);
        // A landline, or a country that is not texted: the same as no number.
        if textable.is_err() {
            return Ok(None);
        }
    }
    match messaging::channel(app, clinic, channel).await {
        Ok(_) => Ok(Some((channel, address))),
        Err(Error::NotSetUp(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a receipt whose row is written. A try that a crash cut off may have handed an SMS over already, so every try
/// after the first asks before it sends.
pub(crate) async fn carry_out(app: &App, job: &Leased, id: ReceiptId) -> Result<Outcome> {
    let receipt = receipts::get(&app.store, job.clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    if matches!(
        receipt.status,
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Sent
    ) {
        return Ok(Outcome::Done);
    }
    let channel = match messaging::channel(app, job.clinic, receipt.channel).await {
        Ok(channel) => channel,
        Err(error @ Error::NotSetUp(_)) => {
            let why = format!("{error}: choose a provider in Settings, Messages.");
            write(
                app,
                job.clinic,
                &receipt,
                &News::of(DeliveryStatus::Failed, &why),
            )
            .await?;
            return Ok(Outcome::Done);
        }
        Err(error) => return Err(error),
    };
    let message = message(app, job.clinic, &receipt).await?;
    if job.tries > 1 && receipt.channel == Channel::Sms {
        match look_up(&*channel, &message, &receipt).await {
            Found::Never => {}
            Found::Facts(facts) => {
                told(app, job.clinic, id, &said(&facts)).await?;
                return Ok(Outcome::Done);
            }
            Found::Unknown(why) => return uncertain(app, job, &receipt, &*channel, &why).await,
        }
    }
    match channel.send(&message).await {
        Handover::Taken(facts) => told(app, job.clinic, id, &said(&facts)).await?,
        Handover::Refused(refusal) => {
            let news = News::of(DeliveryStatus::Failed, &refusal.message);
            write(app, job.clinic, &receipt, &news).await?;
        }
        Handover::NotNow(unknown) if job.tries < TRIES_MAX => {
            return again(app, job, &*channel, unknown.retry_after_ms, unknown.why).await;
        }
        Handover::NotNow(unknown) => {
            let news = News::of(DeliveryStatus::Failed, &unknown.why);
            write(app, job.clinic, &receipt, &news).await?;
        }
        Handover::Unknown(unknown) => {
            return uncertain(app, job, &receipt, &*channel, &unknown.why).await;
        }
    }
    Ok(Outcome::Done)
}

enum Found {
    /// It never arrived at the carrier.
    Never,
    Facts(MessageFacts),
    Unknown(String),
}

async fn look_up(channel: &dyn MessageChannel, message: &Message, receipt: &ReceiptView) -> Found {
    match channel.look_up(message, receipt.created_at).await {
        Answer::Done(facts) => Found::Facts(facts),
        Answer::Refused(refusal) if refusal.code == "not_found" => Found::Never,
        Answer::Refused(refusal) => Found::Unknown(refusal.message),
        Answer::Unknown(unknown) => Found::Unknown(unknown.why),
    }
}

async fn uncertain(
    app: &App,
    job: &Leased,
    receipt: &ReceiptView,
    channel: &dyn MessageChannel,
    why: &str,
) -> Result<Outcome> {
    write(
        app,
        job.clinic,
        receipt,
        &News::of(DeliveryStatus::Uncertain, why),
    )
    .await?;
    let why = why.to_owned();
    if job.tries >= TRIES_MAX {
        return Ok(Outcome::Uncertain { why });
    }
    again(app, job, channel, None, why).await
}

/// Not before a carrier that does not show the message then provably does not have it.
async fn again(
    app: &App,
    job: &Leased,
    channel: &dyn MessageChannel,
    retry_after_ms: Option<i64>,
    why: String,
) -> Result<Outcome> {
    let wait_ms = backoff_ms(job.tries, keys::random_u64(), retry_after_ms);
    Ok(Outcome::Again {
        due_at: app.now().await? + wait_ms.max(channel.late_ms()),
        why,
        counts: true,
    })
}

/// Writes what became known of a receipt, now or by a later delivery receipt. Nothing when it is known already.
pub(crate) async fn told(
    app: &App,
    clinic: ClinicId,
    id: ReceiptId,
    news: &News<'_>,
) -> Result<()> {
    let receipt = receipts::get(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    write(app, clinic, &receipt, news).await
}

/// What the carrier says of a message that it has.
fn said(facts: &MessageFacts) -> News<'_> {
    News {
        status: facts.status.into(),
        reason: facts.reason.as_deref(),
        known_as: Some(&facts.provider_message_id),
    }
}

async fn write(app: &App, clinic: ClinicId, receipt: &ReceiptView, news: &News<'_>) -> Result<()> {
    let News {
        status,
        reason,
        known_as,
    } = *news;
    let kind = match status {
        DeliveryStatus::Queued => return Ok(()),
        DeliveryStatus::Sent => "receipt.sent",
        DeliveryStatus::Uncertain => "receipt.uncertain",
        DeliveryStatus::Delivered => "receipt.delivered",
        DeliveryStatus::Failed => "receipt.failed",
    };
    let mut tx = app.store.begin(clinic).await?;
    let now = tx.now().await?;
    if receipts::settle(&mut tx, receipt.id, status, reason, known_as, now).await? {
        let what = if receipt.refund.is_some() {
            "refund"
        } else {
            "receipt"
        };
        let entry = events::Entry {
            id: app.fresh(now)?,
            at: now,
            kind,
            appointment: Some(receipt.appointment),
            link: None,
            actor: "Remit",
            data: serde_json::json!({ "payment": receipt.payment, "channel": receipt.channel.name(),
                "to": receipt.address, "reason": reason, "what": what }),
        };
        events::append(&mut tx, &entry).await?;
        tx.tell(receipt.appointment.to_string());
    }
    Ok(tx.commit().await?)
}

/// The message of a receipt, or of a refund. An email carries the receipt as it stands now; an SMS its address.
async fn message(app: &App, clinic: ClinicId, receipt: &ReceiptView) -> Result<Message> {
    let (payment, refund, channel) = (receipt.payment, receipt.refund, receipt.channel);
    let url = url(app, clinic, receipt)?;
    let composed = words(app, clinic, payment, refund, channel, url.as_deref()).await?;
    let attachments = if channel == Channel::Email {
        let shown = document(app, clinic, payment).await?;
        vec![Attachment {
            file_name: shown.file_name(),
            media_type: "application/pdf".into(),
            bytes: super::pdf(&shown)?,
        }]
    } else {
        vec![]
    };
    Ok(Message {
        reference: receipt.id.to_string(),
        channel,
        to: receipt.address.clone(),
        subject: composed.subject,
        text: composed.text,
        html: composed.html,
        attachments,
    })
}
