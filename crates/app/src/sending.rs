//! Carrying out a delivery: the message of a link made, handed to its carrier, and the outcome written on the row.
//!
//! That a carrier is about to be given a message is written first. Whoever finds that later asks the carrier before
//! anything is sent again, and only a proof that it does not have the message lets it go out once more (hazard A28).

use remit_core::deliveries::{Channel, DeliveryPurpose, DeliveryStatus};
use remit_core::ids::{AppointmentId, ClinicId, DeliveryId};
use remit_core::reminders::Kind;
use remit_core::templates::Purpose;
use remit_core::{MINUTE_MS, SECOND_MS, UtcMs, messages};
use remit_gateways::messages::{Handover, Message, MessageFacts};
use remit_gateways::{Answer, Unknown};
use remit_store::deliveries::{self, DeliveryView, Handed};
use remit_store::links::{self, LinkView};
use remit_store::outbox::{Leased, Outcome};

use crate::messaging::{self, Carrier};
use crate::reminders::{self, Hindrance};
use crate::templates::{self, About, Composed};
use crate::{App, Error, Result, keys};

/// How long an unknown message is looked for before staff are left to decide (hazard A28).
const LOOK_FOR_MS: i64 = 30 * MINUTE_MS;
/// How often an email whose outcome stays unknown is given to the server again.
const REPEATS_MAX: i64 = 6;
/// The waits between two tries grow with the time that has passed, between these.
const WAIT_MIN_MS: i64 = 2 * SECOND_MS;
const WAIT_MAX_MS: i64 = 10 * MINUTE_MS;

/// Sends a link's message.
pub(crate) async fn send(app: &App, job: &Leased, id: DeliveryId) -> Result<Outcome> {
    let delivery = deliveries::get(&app.store, job.clinic, id)
        .await?
        .ok_or(Error::NotFound)?;
    if !matches!(
        delivery.status,
        DeliveryStatus::Queued | DeliveryStatus::Uncertain
    ) {
        return Ok(Outcome::Done);
    }
    let (message, is_open) = link_message(app, job.clinic, &delivery).await?;
    let handed = deliveries::handed(&app.store, job.clinic, id).await?;
    if let Some(handed) = &handed
        && let Some(outcome) = look(app, job, &delivery, &message, handed).await?
    {
        return Ok(outcome);
    }
    if !is_open && delivery.purpose.automatic().is_some() {
        return withdrawn(app, job, &delivery).await;
    }
    if !is_open {
        let why = "The link had ended before the message was sent.";
        return failed(app, job, &delivery, why).await;
    }
    let carrier = match messaging::carrier(app, job.clinic, delivery.channel).await {
        Ok(carrier) => carrier,
        Err(error @ Error::NotSetUp(_)) => {
            let why = format!("{error}: choose a provider in Settings, Messages.");
            return failed(app, job, &delivery, &messaging::sentence(&why)).await;
        }
        Err(error) => return Err(error),
    };
    if delivery.purpose.automatic().is_some()
        && let Some(appointment) = job.appointment
    {
        match reminders::hindrance(app, job.clinic, appointment, delivery.link).await? {
            Some(Hindrance::Ended) => return withdrawn(app, job, &delivery).await,
            Some(Hindrance::Quiet { until }) => {
                return Ok(again(until, "quiet hours"));
            }
            None => {}
        }
    }
    let Some(handed) = hand(app, job, &delivery, handed.as_ref(), &carrier).await? else {
        // Another node was first, or a receipt: the next look will show.
        return Ok(again(
            app.now().await? + WAIT_MIN_MS,
            "another node was first",
        ));
    };
    match carrier.door.send(&message).await {
        Handover::Taken(facts) => told(app, job, &delivery, &facts).await,
        Handover::Refused(refusal) => failed(app, job, &delivery, &refusal.message).await,
        Handover::NotNow(unknown) => not_now(app, job, &delivery, &unknown).await,
        Handover::Unknown(unknown) => {
            uncertain(app, job, &delivery, &handed, &unknown.why, 0).await
        }
    }
}

/// Asks whom the message was handed to. `None`: it provably does not have it, so it may be sent.
async fn look(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    message: &Message,
    handed: &Handed,
) -> Result<Option<Outcome>> {
    let carrier = match messaging::carrier_named(app, job.clinic, &handed.carrier).await {
        Ok(carrier) => carrier,
        Err(Error::Store(error)) => return Err(error.into()),
        Err(error) => {
            let why = format!("the carrier cannot be asked any more: {error}");
            let told = uncertain(app, job, delivery, handed, &why, 0).await?;
            return Ok(Some(told));
        }
    };
    let late_ms = carrier.door.late_ms();
    let told = match carrier.door.look_up(message, delivery.created_at).await {
        Answer::Done(facts) => told(app, job, delivery, &facts).await?,
        Answer::Refused(refusal) if refusal.code == "not_found" => {
            let age = app.now().await? - handed.at;
            let is_repeatable = delivery.channel == Channel::Sms || job.tries <= REPEATS_MAX;
            if age >= late_ms && is_repeatable {
                return Ok(None);
            }
            uncertain(app, job, delivery, handed, &refusal.message, late_ms - age).await?
        }
        Answer::Refused(refusal) => {
            uncertain(app, job, delivery, handed, &refusal.message, 0).await?
        }
        Answer::Unknown(unknown) => uncertain(app, job, delivery, handed, &unknown.why, 0).await?,
    };
    Ok(Some(told))
}

/// Writes the intent: from its commit on the carrier may have the message.
async fn hand(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    before: Option<&Handed>,
    carrier: &Carrier,
) -> Result<Option<Handed>> {
    let mut tx = app.store.begin(job.clinic).await?;
    let handed = Handed {
        at: tx.now().await?,
        carrier: carrier.name.clone(),
    };
    let ours = deliveries::hand(&mut tx, delivery.id, before, &handed).await?;
    tx.commit().await?;
    Ok(ours.then_some(handed))
}

/// The message of a delivery, and whether its link can still be paid.
async fn link_message(
    app: &App,
    clinic: ClinicId,
    delivery: &DeliveryView,
) -> Result<(Message, bool)> {
    let link = crate::links::get(app, clinic, delivery.link).await?;
    let now = app.now().await?;
    let is_open = link.shown(now).is_open() && !link.amount_due().is_zero();
    let composed = words(app, clinic, &link, delivery.channel, delivery.purpose).await?;
    let to = delivery.address.clone().ok_or(Error::NotFound)?;
    let message = Message {
        reference: delivery.id.to_string(),
        channel: delivery.channel,
        to,
        subject: composed.subject,
        text: composed.text,
        html: composed.html,
        attachments: vec![],
    };
    Ok((message, is_open))
}

/// A link's message, worded.
async fn words(
    app: &App,
    clinic: ClinicId,
    link: &LinkView,
    channel: Channel,
    purpose: DeliveryPurpose,
) -> Result<Composed> {
    let url = crate::links::url(app, clinic, link)?;
    let about = About {
        channel,
        purpose: match purpose {
            DeliveryPurpose::Link => link.purpose.into(),
            DeliveryPurpose::Automatic(Kind::Unopened | Kind::Unpaid) => Purpose::Reminder,
            DeliveryPurpose::Automatic(Kind::Expiring) => Purpose::Expiring,
        },
        locale: &link.patient_locale,
        patient_name: &link.patient_name,
        amount: link.amount_due(),
        link: Some(&url),
        reference: &link.reference,
        expires_at: Some(link.expires_at),
        appointment_at: link.appointment_starts_at,
        happened_at: None,
    };
    templates::compose(app, clinic, &about).await
}

/// How many parts a link's text has as it would leave now; none for an email.
pub(crate) async fn segments(
    app: &App,
    clinic: ClinicId,
    link: &LinkView,
    channel: Channel,
    purpose: DeliveryPurpose,
) -> Result<usize> {
    match channel {
        Channel::Sms => {
            let composed = words(app, clinic, link, channel, purpose).await?;
            Ok(messages::segments(&composed.text).count)
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
    let news = News {
        status: facts.status.into(),
        reason: facts.reason.as_deref(),
        known_as: Some(&facts.provider_message_id),
    };
    write(app, job.clinic, job.appointment, delivery, &news).await?;
    Ok(Outcome::Done)
}

async fn failed(app: &App, job: &Leased, delivery: &DeliveryView, why: &str) -> Result<Outcome> {
    let news = News::of(DeliveryStatus::Failed, why);
    write(app, job.clinic, job.appointment, delivery, &news).await?;
    Ok(Outcome::Done)
}

/// A message that would have left by itself is not needed any more: it was paid, or the link has ended. Nothing failed,
/// so the link gets no badge and staff nothing to do.
async fn withdrawn(app: &App, job: &Leased, delivery: &DeliveryView) -> Result<Outcome> {
    let why = "Not needed any more: the link was paid, or had ended, before it was sent.";
    let mut tx = app.store.begin(job.clinic).await?;
    let now = tx.now().await?;
    let failed = DeliveryStatus::Failed;
    deliveries::settle(&mut tx, delivery.id, failed, Some(why), None, now).await?;
    tx.tell(delivery.link.to_string());
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// The carrier provably does not have it and may take it later: it waits, as long as its link can be paid.
async fn not_now(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    unknown: &Unknown,
) -> Result<Outcome> {
    let mut tx = app.store.begin(job.clinic).await?;
    deliveries::take_back(&mut tx, delivery.id).await?;
    tx.commit().await?;
    let why = messaging::sentence(&unknown.why);
    let news = News::of(DeliveryStatus::Queued, &why);
    write(app, job.clinic, job.appointment, delivery, &news).await?;
    let now = app.now().await?;
    let asked = unknown.retry_after_ms.unwrap_or(0).clamp(0, WAIT_MAX_MS);
    let wait = wait_ms(now - delivery.created_at).max(asked);
    Ok(again(now + wait, &unknown.why))
}

/// Nothing is known of the message. It is looked for, longer and longer apart, and not sent again by itself; then staff
/// decide. `least_ms`: no sooner than this.
async fn uncertain(
    app: &App,
    job: &Leased,
    delivery: &DeliveryView,
    handed: &Handed,
    why: &str,
    least_ms: i64,
) -> Result<Outcome> {
    let sentence = messaging::sentence(why);
    let news = News::of(DeliveryStatus::Uncertain, &sentence);
    write(app, job.clinic, job.appointment, delivery, &news).await?;
    let now = app.now().await?;
    let age = now - handed.at;
    let given_up = delivery.channel == Channel::Email && job.tries > REPEATS_MAX;
    if age >= LOOK_FOR_MS || given_up {
        return Ok(Outcome::Uncertain {
            why: why.to_owned(),
        });
    }
    let since = now - delivery.created_at;
    let wait = wait_ms(since).max(least_ms.min(WAIT_MAX_MS));
    Ok(Outcome::Again {
        due_at: now + wait,
        why: why.to_owned(),
        counts: true,
    })
}

/// As long again as it took so far, half of it by chance, so that many do not come back at once (hazard A27).
fn wait_ms(age_ms: i64) -> i64 {
    let ceiling = age_ms.clamp(WAIT_MIN_MS, WAIT_MAX_MS);
    let chance = i64::try_from(keys::random_u64() % 1_000).unwrap_or(0);
    ceiling / 2 + ceiling / 2 * chance / 1_000
}

fn again(due_at: UtcMs, why: &str) -> Outcome {
    Outcome::Again {
        due_at,
        why: why.to_owned(),
        counts: false,
    }
}

/// What became known of a delivery or a receipt.
pub(crate) struct News<'a> {
    pub status: DeliveryStatus,
    pub reason: Option<&'a str>,
    /// The carrier's own id of the message.
    pub known_as: Option<&'a str>,
}

impl<'a> News<'a> {
    pub(crate) fn of(status: DeliveryStatus, why: &'a str) -> News<'a> {
        News {
            status,
            reason: Some(why),
            known_as: None,
        }
    }
}

/// Writes an outcome on its row, the link's badge and the timeline, and tells every open page. False when it says less
/// than is known.
pub(crate) async fn write(
    app: &App,
    clinic: ClinicId,
    appointment: Option<AppointmentId>,
    delivery: &DeliveryView,
    news: &News<'_>,
) -> Result<bool> {
    let mut tx = app.store.begin(clinic).await?;
    let now = tx.now().await?;
    let (status, reason) = (news.status, news.reason);
    if !deliveries::settle(&mut tx, delivery.id, status, reason, news.known_as, now).await? {
        return Ok(false);
    }
    links::mark_delivery(&mut tx, delivery.link).await?;
    if let Some(kind) = event(status).filter(|_| status != delivery.status) {
        let entry = remit_store::events::Entry {
            id: app.fresh(now)?,
            at: now,
            kind,
            appointment,
            link: Some(delivery.link),
            actor: "Remit",
            data: serde_json::json!({ "channel": delivery.channel.name(), "to": delivery.address, "reason": reason,
                "purpose": delivery.purpose.name() }),
        };
        remit_store::events::append(&mut tx, &entry).await?;
    }
    if let Some(appointment) = appointment {
        tx.tell(appointment.to_string());
    }
    tx.commit().await?;
    Ok(true)
}

/// The timeline's word. Waiting for another try is none.
fn event(status: DeliveryStatus) -> Option<&'static str> {
    Some(match status {
        DeliveryStatus::Queued => return None,
        DeliveryStatus::Sent => "delivery.sent",
        DeliveryStatus::Uncertain => "delivery.uncertain",
        DeliveryStatus::Delivered => "delivery.delivered",
        DeliveryStatus::Failed => "delivery.failed",
    })
}
