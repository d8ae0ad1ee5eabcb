//! Carrying out a delivery: the message of a link made, handed to its channel, and the outcome written on the row.

use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{ClinicId, DeliveryId};
use remit_core::messages;
use remit_core::outbox::backoff_ms;
use remit_gateways::Answer;
use remit_gateways::messages::{Message, MessageFacts, MessageStatus};
use remit_store::deliveries::{self, DeliveryView};
use remit_store::links::{self, LinkView};
use remit_store::outbox::{Leased, Outcome};

use crate::{App, ClinicContext, Error, Result, clinics, keys, messaging};

/// How often an unknown SMS is looked up before staff are told (hazard A28).
const LOOK_UPS_MAX: i64 = 5;

/// Sends a link's message. A try that a crash cut off may have handed it over already, so every try after the first
/// asks before it sends (hazard A28).
pub(crate) async fn send(app: &App, job: &Leased, id: DeliveryId) -> Result<Outcome> {
    let delivery = deliveries::get(&app.store, job.clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    if matches!(
        delivery.status,
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Sent
    ) {
        return Ok(Outcome::Done);
    }
    let channel = match messaging::channel(app, job.clinic, delivery.channel).await {
        Ok(channel) => channel,
        Err(error @ Error::NotSetUp(_)) => {
            let why = format!("{error}: choose a provider in Settings, Messages.");
            return failed(app, job, &delivery, &why).await;
        }
        Err(error) => return Err(error),
    };
    let (message, is_open) = link_message(app, job.clinic, &delivery).await?;
    if job.tries > 1 {
        match channel.look_up(&message, delivery.created_at).await {
            Answer::Done(facts) => return told(app, job, &delivery, &facts).await,
            Answer::Refused(refusal) if refusal.code == "not_found" => {}
            Answer::Refused(refusal) => {
                return uncertain(app, job, &delivery, &refusal.message).await;
            }
            Answer::Unknown(unknown) => return uncertain(app, job, &delivery, &unknown.why).await,
        }
    }
    if !is_open {
        let why = "The link had ended before the message was sent.";
        return failed(app, job, &delivery, why).await;
    }
    match channel.send(&message).await {
        Answer::Done(facts) => told(app, job, &delivery, &facts).await,
        Answer::Refused(refusal) => failed(app, job, &delivery, &refusal.message).await,
        Answer::Unknown(unknown) => uncertain(app, job, &delivery, &unknown.why).await,
    }
}

/// The message of a delivery, and whether its link can still be paid.
async fn link_message(
    app: &App,
    clinic: ClinicId,
    delivery: &DeliveryView,
) -> Result<(Message, bool)> {
    let link = crate::links::get(app, clinic, delivery.link).await?;
    let now = app.now().await?;
    let amount = link.amount_due();
    let is_open = link.shown(now).is_open() && !amount.is_zero();
    let context = clinics::context(app, clinic).await?;
    let (subject, text) = words(app, &context, &link, delivery.channel)?;
    let to = delivery.address.clone().ok_or(Error::NotFound)?;
    let message = Message {
        reference: delivery.id.to_string(),
        channel: delivery.channel,
        to,
        subject,
        text,
        html: None,
        attachments: vec![],
    };
    Ok((message, is_open))
}

/// Subject and text of a link's message.
fn words(
    app: &App,
    context: &ClinicContext,
    link: &LinkView,
    channel: Channel,
) -> Result<(Option<String>, String)> {
    let url = crate::links::url(app, context.clinic.id, link)?;
    let expires = clinics::in_zone(&context.clinic, link.expires_at, "%A %-d %B at %H:%M");
    let text = messages::LinkMessage {
        clinic: &context.clinic.name,
        clinic_phone: &context.clinic.phone,
        first_name: link
            .patient_name
            .split_whitespace()
            .next()
            .unwrap_or_default(),
        amount: link.amount_due(),
        url: &url,
        reference: &link.reference,
        expires: &expires,
    };
    Ok(match channel {
        Channel::Email => (
            Some(messages::email_subject(&context.clinic.name)),
            messages::marked(messages::email(&text), context.is_test()),
        ),
        Channel::Sms | Channel::Qr | Channel::Copy => (None, messages::sms(&text)),
    })
}

/// How many parts a link's text has as it would leave now; none for an email.
pub(crate) fn segments(
    app: &App,
    context: &ClinicContext,
    link: &LinkView,
    channel: Channel,
) -> Result<usize> {
    match channel {
        Channel::Sms => {
            let (_, text) = words(app, context, link, channel)?;
            Ok(messages::segments(&text).count)
        }
        Channel::Email | Channel::Qr | Channel::Copy => Ok(0),
    }
}

async fn told(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    facts: &MessageFacts,
) -> Result<Outcome> {
    let status = match facts.status {
        MessageStatus::Sent => DeliveryStatus::Sent,
        MessageStatus::Delivered => DeliveryStatus::Delivered,
        MessageStatus::Failed => DeliveryStatus::Failed,
    };
    write(
        app,
        job,
        delivery,
        status,
        facts.reason.as_deref(),
        Some(&facts.provider_message_id),
    )
    .await?;
    Ok(Outcome::Done)
}

async fn failed(app: &App, job: &Leased, delivery: &DeliveryView, why: &str) -> Result<Outcome> {
    write(app, job, delivery, DeliveryStatus::Failed, Some(why), None).await?;
    Ok(Outcome::Done)
}

/// Nothing is known of the message. It is looked up a few times and never sent again by itself; then staff decide.
async fn uncertain(app: &App, job: &Leased, delivery: &DeliveryView, why: &str) -> Result<Outcome> {
    write(
        app,
        job,
        delivery,
        DeliveryStatus::Uncertain,
        Some(why),
        None,
    )
    .await?;
    if job.tries >= LOOK_UPS_MAX {
        return Ok(Outcome::Uncertain {
            why: why.to_owned(),
        });
    }
    let now = app.now().await?;
    Ok(Outcome::Again {
        due_at: now + backoff_ms(job.tries, keys::random_u64(), None),
        why: why.to_owned(),
        counts: true,
    })
}

async fn write(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    status: DeliveryStatus,
    reason: Option<&str>,
    known: Option<&str>,
) -> Result<()> {
    let mut tx = app.store.begin(job.clinic).await?;
    let now = tx.now().await?;
    if deliveries::settle(&mut tx, delivery.id, status, reason, known, now).await? {
        links::mark_delivery(&mut tx, delivery.link, status == DeliveryStatus::Failed).await?;
        let kind = match status {
            DeliveryStatus::Queued => return Ok(()),
            DeliveryStatus::Sent => "delivery.sent",
            DeliveryStatus::Uncertain => "delivery.uncertain",
            DeliveryStatus::Delivered => "delivery.delivered",
            DeliveryStatus::Failed => "delivery.failed",
        };
        let entry = remit_store::events::Entry {
            id: app.fresh(now)?,
            at: now,
            kind,
            appointment: job.appointment,
            link: Some(delivery.link),
            actor: "Remit",
            data: serde_json::json!({ "channel": delivery.channel.name(), "to": delivery.address, "reason": reason }),
        };
        remit_store::events::append(&mut tx, &entry).await?;
        if let Some(appointment) = job.appointment {
            tx.tell(appointment.to_string());
        }
    }
    Ok(tx.commit().await?)
}
