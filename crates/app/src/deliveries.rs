//! Deliveries: a link handed over by SMS, email, QR code or copy.

use remit_core::UtcMs;
use remit_core::account::Effect;
use remit_core::contact::{Email, Phone};
use remit_core::deliveries::{Channel, DeliveryPurpose, DeliveryStatus, RESEND_AFTER_MS};
use remit_core::ids::{AppointmentId, ClinicId, DeliveryId, LinkId};
use remit_core::links as rules;
use remit_core::sending_limits::SendingLimits;
use remit_store::Tx;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::deliveries::{self, DeliveryView};
use remit_store::{links, outbox, patients};

use crate::error::in_field;
use crate::sending_limits::{self, Wish};
use crate::{Actor, App, ClinicContext, Error, Result, again, clinics, reminders, sending};

/// A wish to hand a link over.
#[derive(Clone, Debug)]
pub struct DeliveryInput {
    pub channel: Channel,
    /// Number or address; none: the patient's own.
    pub to: Option<String>,
    /// Keep a corrected number or address on the patient.
    pub remember: bool,
}

/// Hands a link over. SMS and email are queued and leave by the outbox; the others are done at once.
///
/// # Errors
/// [`Error::Invalid`] for an address that cannot be; a refusal when the link has ended; [`Error::TooSoon`] and
/// [`Error::Capped`] (hazard D13); [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn deliver(
    app: &App,
    actor: &Actor,
    link: LinkId,
    id: Option<DeliveryId>,
    input: &DeliveryInput,
) -> Result<DeliveryView> {
    let view = crate::links::get(app, actor.clinic, link).await?;
    let context = clinics::context(app, actor.clinic).await?;
    let address = match input.channel {
        Channel::Sms => Some(number(
            input.to.as_deref().or(view.patient_phone.as_deref()),
            &context.clinic.country,
            &context.sending_limits,
        )?),
        Channel::Email => Some(mailbox(
            input.to.as_deref().or(view.patient_email.as_deref()),
        )?),
        Channel::Qr | Channel::Copy => None,
    };
    let wish = match &address {
        Some(address) => Some(Wish {
            channel: input.channel,
            address,
            segments: sending::segments(
                app,
                actor.clinic,
                &view,
                input.channel,
                DeliveryPurpose::Link,
            )
            .await?,
        }),
        None => None,
    };
    let asked = Asked {
        link,
        appointment: view.appointment,
        input,
        wish,
    };
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let made = deliver_in(app, &mut tx, &context, actor, id, &asked).await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

/// A wish that was read and checked, as far as it can be without the appointment's lock.
struct Asked<'a> {
    link: LinkId,
    appointment: AppointmentId,
    input: &'a DeliveryInput,
    /// What leaves by the outbox; none for a code that was shown or an address that was copied.
    wish: Option<Wish<'a>>,
}

pub(crate) fn number(text: Option<&str>, country: &str, limits: &SendingLimits) -> Result<String> {
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::invalid("to", "Enter a mobile number."))?;
    let phone = Phone::parse(text, country).and_then(Phone::for_sms);
    let phone = phone.map_err(in_field("to"))?;
    if limits.may_text(phone.country(), country) {
        return Ok(phone.into_string());
    }
    let message = match phone.country() {
        Some(other) => format!(
            "This is a number of another country ({other}), and texts to it are switched off. Use email, or ask a \
            manager to allow {other} in Settings, Limits."
        ),
        None => "This number belongs to no country, so it cannot be texted. Use email.".into(),
    };
    Err(Error::invalid("to", message))
}

pub(crate) fn mailbox(text: Option<&str>) -> Result<String> {
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::invalid("to", "Enter an email address."))?;
    Email::parse(text)
        .map(Email::into_string)
        .map_err(in_field("to"))
}

async fn deliver_in(
    app: &App,
    tx: &mut Tx,
    context: &ClinicContext,
    actor: &Actor,
    id: Option<DeliveryId>,
    asked: &Asked<'_>,
) -> Result<DeliveryView> {
    let (link, appointment, channel) = (asked.link, asked.appointment, asked.input.channel);
    let (standing, now) = lock_standing(tx, appointment)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(id) = id
        && let Some(made) = deliveries::get_in(tx, id).await?
    {
        return Ok(made);
    }
    let row = links::get(tx, link).await?.ok_or(Error::NotFound)?;
    let decision = rules::hand_over(&row, now)?;
    let id = match id {
        Some(id) => id,
        None => app.fresh(now)?,
    };
    let address = asked.wish.as_ref().map(|wish| wish.address);
    let sent = asked.wish.is_some();
    if let Some(wish) = &asked.wish {
        cool_down(deliveries::latest(tx, link, channel).await?, now)?;
        sending_limits::take(app, tx, context, actor, wish, now).await?;
    }
    let delivery = DeliveryView {
        id,
        link,
        channel,
        address: address.map(str::to_owned),
        status: if sent {
            DeliveryStatus::Queued
        } else {
            DeliveryStatus::Sent
        },
        reason: None,
        created_at: now,
        created_by: actor.label.clone(),
        done_at: (!sent).then_some(now),
        purpose: DeliveryPurpose::Link,
    };
    deliveries::insert(tx, &delivery, None).await?;
    let look = reminders::first_look(context, &row, false, now).filter(|_| sent);
    links::mark_sent_by(tx, link, channel.name(), look).await?;
    apply(
        tx,
        &standing,
        &decision,
        &Extras::default(),
        &actor.label,
        now,
    )
    .await?;
    if sent {
        outbox::push(tx, &Effect::Send { delivery: id }, Some(appointment), now).await?;
        if asked.input.remember {
            let by = (actor.label.as_str(), now);
            remember(tx, standing.patient, channel, address, by).await?;
        }
    }
    Ok(delivery)
}

/// One message of a kind and channel in [`RESEND_AFTER_MS`]; `latest`: when the one before was queued.
pub(crate) fn cool_down(latest: Option<UtcMs>, now: UtcMs) -> Result<()> {
    match latest {
        Some(at) if now - at < RESEND_AFTER_MS => Err(Error::TooSoon {
            until: at + RESEND_AFTER_MS,
        }),
        Some(_) | None => Ok(()),
    }
}

async fn remember(
    tx: &mut Tx,
    patient: remit_core::ids::PatientId,
    channel: Channel,
    address: Option<&str>,
    (by, now): (&str, UtcMs),
) -> Result<()> {
    let Some(mut row) = patients::get_in(tx, patient).await? else {
        return Ok(());
    };
    let address = address.map(str::to_owned);
    match channel {
        Channel::Sms => row.phone = address,
        Channel::Email => row.email = address,
        Channel::Qr | Channel::Copy => {}
    }
    Ok(patients::update(tx, &row, by, now).await?)
}

/// A link's deliveries, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_link(app: &App, clinic: ClinicId, link: LinkId) -> Result<Vec<DeliveryView>> {
    Ok(deliveries::of_link(&app.store, clinic, link).await?)
}

/// The deliveries of many links, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn of_links(app: &App, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<DeliveryView>> {
    Ok(deliveries::of_links(&app.store, clinic, links).await?)
}
