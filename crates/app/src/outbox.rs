//! The outbox's work: messages, provider calls, receipts. Each piece may run more than once and has its effect once.

use remit_core::account::{Effect, Finding, FindingKind, Refusal};
use remit_core::attempts::AttemptState;
use remit_core::deliveries::{Channel, DeliveryStatus};
use remit_core::ids::{AttemptId, ClinicId, DeliveryId, PaymentId};
use remit_core::outbox::{TRIES_MAX, backoff_ms};
use remit_core::{MINUTE_MS, messages};
use remit_gateways::Answer;
use remit_gateways::messages::{Message, MessageFacts, MessageStatus};
use remit_store::deliveries::{self, DeliveryView};
use remit_store::outbox::{self, Leased, Outcome};
use remit_store::{attempts, findings, links, patients};

use crate::attempts::Made;
use crate::settle::{self, Closed};
use crate::{App, Error, Result, clinics, keys, refunds, tray};

/// Pieces taken at once, and how long this node holds them: longer than any call's timeout.
const BATCH: i64 = 10;
const LEASE_MS: i64 = 2 * MINUTE_MS;
/// How often an unknown SMS is looked up before staff are told (hazard A28).
const LOOK_UPS_MAX: i64 = 5;

/// Carries out due work; answers how many pieces were taken.
///
/// # Errors
/// The store's.
pub async fn run(app: &App) -> Result<usize> {
    let leased = {
        let mut tx = app.store.begin_installation().await?;
        let now = tx.now().await?;
        let leased = outbox::lease(&mut tx, &app.node, now, now + LEASE_MS, BATCH).await?;
        tx.commit().await?;
        leased
    };
    for job in &leased {
        // What cannot be written down now comes back when its lease ends; the others do not wait for it.
        if let Err(error) = one(app, job).await {
            tracing::warn!(job.id = %job.id, "outside work {} is not written down: {error}", job.id);
        }
    }
    Ok(leased.len())
}

async fn one(app: &App, job: &Leased) -> Result<()> {
    let outcome = match carry_out(app, job).await {
        Ok(outcome) => outcome,
        Err(error) => retry(app, job, &error).await?,
    };
    finish(app, job, &outcome).await
}

async fn carry_out(app: &App, job: &Leased) -> Result<Outcome> {
    match job.effect {
        Some(Effect::Send { delivery }) => send(app, job, delivery).await,
        Some(Effect::CreateSession { attempt }) => create_session(app, job.clinic, attempt).await,
        Some(Effect::EnsureClosed { attempt }) => close(app, job.clinic, attempt).await,
        Some(Effect::CallRefund { refund }) => refunds::call(app, job.clinic, refund)
            .await
            .map(|()| Outcome::Done),
        Some(Effect::Receipt { payment }) => receipt(app, job, payment).await,
        None => Ok(Outcome::Dead {
            why: "work of a kind this release does not know".into(),
        }),
    }
}

async fn retry(app: &App, job: &Leased, error: &Error) -> Result<Outcome> {
    let why = error.to_string();
    let now = app.now().await?;
    tracing::warn!(job.id = %job.id, tries = job.tries, "outside work {} not done yet: {why}", job.id);
    let lasting = matches!(error, Error::NotFound | Error::NotSetUp(_) | Error::Sealed);
    if lasting || job.tries >= TRIES_MAX {
        return Ok(Outcome::Dead { why });
    }
    Ok(Outcome::Again {
        due_at: now + backoff_ms(job.tries, keys::random_u64(), error.retry_after_ms()),
        why,
    })
}

async fn finish(app: &App, job: &Leased, outcome: &Outcome) -> Result<()> {
    let mut tx = app.store.begin(job.clinic).await?;
    let now = tx.now().await?;
    let ours = outbox::settle(&mut tx, job, outcome, now).await?;
    if let Outcome::Dead { why } = outcome
        && ours
    {
        let finding = Finding {
            kind: FindingKind::DeadLetter,
            about: job.id.to_string(),
            amount: None,
            detail: format!(
                "Work outside was given up after {} tries: {why}.",
                job.tries
            ),
        };
        findings::stands(&mut tx, &finding, job.appointment, now).await?;
    }
    Ok(tx.commit().await?)
}

async fn create_session(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<Outcome> {
    let row = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    if !matches!(row.state, AttemptState::Creating | AttemptState::Unknown) {
        return Ok(Outcome::Done);
    }
    if app.now().await? >= row.repeatable_until() {
        return settle::look(app, clinic, attempt)
            .await
            .map(|()| Outcome::Done);
    }
    match crate::attempts::create_session(app, clinic, &row).await? {
        Made::Session(_) | Made::Refused(_) => Ok(Outcome::Done),
        Made::Unknown(unknown) => Err(unknown.into()),
    }
}

async fn close(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<Outcome> {
    match settle::ensure_closed(app, clinic, attempt).await? {
        Closed::Closed | Closed::Paid => Ok(Outcome::Done),
        Closed::Confirming => Err(Error::Refused(Refusal::LivePayment)),
        Closed::Unreachable { retry_after_ms } => {
            Err(Error::ProviderUnreachable { retry_after_ms })
        }
    }
}

/// Sends a link's message. A try that a crash cut off may have handed it over already, so every try after the first
/// asks before it sends (hazard A28).
async fn send(app: &App, job: &Leased, id: DeliveryId) -> Result<Outcome> {
    let delivery = deliveries::get(&app.store, job.clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    if matches!(
        delivery.status,
        DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Sent
    ) {
        return Ok(Outcome::Done);
    }
    let channel = match tray::channel(app, job.clinic, delivery.channel).await {
        Ok(channel) => channel,
        Err(error @ Error::NotSetUp(_)) => {
            let why = format!("{error}: choose a provider in Settings, Messages.");
            return failed(app, job, &delivery, &why).await;
        }
        Err(error) => return Err(error),
    };
    if job.tries > 1 {
        match channel.look_up(&id.to_string()).await {
            Answer::Done(facts) => return told(app, job, &delivery, &facts).await,
            Answer::Refused(refusal) if refusal.code == "not_found" => {}
            Answer::Refused(refusal) => {
                return uncertain(app, job, &delivery, &refusal.message).await;
            }
            Answer::Unknown(unknown) => return uncertain(app, job, &delivery, &unknown.why).await,
        }
    }
    let Some(message) = link_message(app, job.clinic, &delivery).await? else {
        return failed(
            app,
            job,
            &delivery,
            "The link had ended before the message was sent.",
        )
        .await;
    };
    match channel.send(&message).await {
        Answer::Done(facts) => told(app, job, &delivery, &facts).await,
        Answer::Refused(refusal) => failed(app, job, &delivery, &refusal.message).await,
        Answer::Unknown(unknown) => uncertain(app, job, &delivery, &unknown.why).await,
    }
}

/// The message of a delivery; none when its link can no longer be paid.
async fn link_message(
    app: &App,
    clinic: ClinicId,
    delivery: &DeliveryView,
) -> Result<Option<Message>> {
    let link = crate::links::get(app, clinic, delivery.link).await?;
    let now = app.now().await?;
    let amount = link.amount_due();
    if !link.shown(now).is_open() || amount.is_zero() {
        return Ok(None);
    }
    let context = clinics::context(app, clinic).await?;
    let url = crate::links::url(app, clinic, &link)?;
    let expires = clinics::in_zone(&context.clinic, link.expires_at, "%A %-d %B at %H:%M");
    let text = messages::LinkMessage {
        clinic: &context.clinic.name,
        clinic_phone: &context.clinic.phone,
        first_name: link
            .patient_name
            .split_whitespace()
            .next()
            .unwrap_or_default(),
        amount,
        url: &url,
        reference: &link.reference,
        expires: &expires,
    };
    let (subject, text) = match delivery.channel {
        Channel::Email => (
            Some(messages::email_subject(&context.clinic.name)),
            messages::marked(messages::email(&text), context.is_test()),
        ),
        Channel::Sms | Channel::Qr | Channel::Copy => (None, messages::sms(&text)),
    };
    let to = delivery.address.clone().ok_or(Error::NotFound)?;
    Ok(Some(Message {
        reference: delivery.id.to_string(),
        channel: delivery.channel,
        to,
        subject,
        text,
    }))
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

/// Emails a receipt to a patient who has an address. Email reuses its reference, so a repeat is the same message.
async fn receipt(app: &App, job: &Leased, id: PaymentId) -> Result<Outcome> {
    let payment = crate::payments::get(app, job.clinic, id).await?.payment;
    let appointment = crate::appointments::get(app, job.clinic, payment.appointment).await?;
    let Some(patient) = patients::get(&app.store, job.clinic, appointment.patient).await? else {
        return Ok(Outcome::Done);
    };
    let Some(to) = patient.email.clone() else {
        return Ok(Outcome::Done);
    };
    let channel = match tray::channel(app, job.clinic, Channel::Email).await {
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
    };
    match channel.send(&message).await {
        Answer::Done(_) => Ok(Outcome::Done),
        Answer::Refused(refusal) => Ok(Outcome::Dead {
            why: refusal.message,
        }),
        Answer::Unknown(unknown) => Err(Error::Setup(unknown.why)),
    }
}
