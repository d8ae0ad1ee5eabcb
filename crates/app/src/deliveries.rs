//! Deliveries: a link handed over by SMS, email, QR code or copy.

use remit_core::account::Effect;
use remit_core::contact::{Email, Phone};
use remit_core::deliveries::{Channel, DeliveryStatus, RESEND_AFTER_MS, SENDS_PER_ADDRESS_A_DAY};
use remit_core::ids::{AppointmentId, ClinicId, DeliveryId, LinkId};
use remit_core::links as rules;
use remit_core::{DAY_MS, UtcMs};
use remit_store::Tx;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::deliveries::{self, DeliveryView};
use remit_store::{links, outbox, patients};

use crate::error::in_field;
use crate::{Actor, App, Error, Result, again, clinics};

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
/// [`Error::TooMany`] (hazard D13); [`Error::NotFound`]; or the store's.
pub async fn deliver(
    app: &App,
    actor: &Actor,
    link: LinkId,
    id: Option<DeliveryId>,
    input: &DeliveryInput,
) -> Result<DeliveryView> {
    let view = crate::links::get(app, actor.clinic, link).await?;
    let country = clinics::context(app, actor.clinic)
        .await?
        .clinic
        .country
        .clone();
    let address = match input.channel {
        Channel::Sms => Some(number(
            input.to.as_deref().or(view.patient_phone.as_deref()),
            &country,
        )?),
        Channel::Email => Some(mailbox(
            input.to.as_deref().or(view.patient_email.as_deref()),
        )?),
        Channel::Qr | Channel::Copy => None,
    };
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let made = deliver_in(
            app,
            &mut tx,
            actor,
            (link, view.appointment),
            id,
            input,
            address.as_deref(),
        )
        .await?;
        tx.commit().await?;
        Ok(made)
    })
    .await
}

fn number(text: Option<&str>, country: &str) -> Result<String> {
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::invalid("to", "Enter a mobile number."))?;
    let phone = Phone::parse(text, country).and_then(Phone::for_sms);
    phone.map(Phone::into_string).map_err(in_field("to"))
}

fn mailbox(text: Option<&str>) -> Result<String> {
    let text = text.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Error::invalid("to", "Enter an email address."))?;
    Email::parse(text)
        .map(Email::into_string)
        .map_err(in_field("to"))
}

async fn deliver_in(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    (link, appointment): (LinkId, AppointmentId),
    id: Option<DeliveryId>,
    input: &DeliveryInput,
    address: Option<&str>,
) -> Result<DeliveryView> {
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
    let sent = matches!(input.channel, Channel::Sms | Channel::Email);
    if sent {
        check_caps(tx, link, input.channel, address, now).await?;
    }
    let delivery = DeliveryView {
        id,
        link,
        channel: input.channel,
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
    };
    deliveries::insert(tx, &delivery).await?;
    links::mark_sent_by(tx, link, input.channel.name()).await?;
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
        if input.remember {
            remember(tx, standing.patient, input.channel, address, now).await?;
        }
    }
    Ok(delivery)
}

/// One message a link, channel and [`RESEND_AFTER_MS`]; a daily cap per address.
async fn check_caps(
    tx: &mut Tx,
    link: LinkId,
    channel: Channel,
    address: Option<&str>,
    now: UtcMs,
) -> Result<()> {
    if let Some(at) = deliveries::latest(tx, link, channel).await?
        && now - at < RESEND_AFTER_MS
    {
        return Err(Error::TooSoon {
            until: at + RESEND_AFTER_MS,
        });
    }
    let address = address.unwrap_or_default();
    if deliveries::to_address(tx, address, now - DAY_MS).await? >= SENDS_PER_ADDRESS_A_DAY {
        return Err(Error::TooMany {
            what: "messages to this address today",
            until: now + DAY_MS,
        });
    }
    Ok(())
}

async fn remember(
    tx: &mut Tx,
    patient: remit_core::ids::PatientId,
    channel: Channel,
    address: Option<&str>,
    now: UtcMs,
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
    Ok(patients::update(tx, &row, now).await?)
}

/// A link's deliveries, oldest first.
///
/// # Errors
/// The store's.
pub async fn of_link(app: &App, clinic: ClinicId, link: LinkId) -> Result<Vec<DeliveryView>> {
    Ok(deliveries::of_link(&app.store, clinic, link).await?)
}

/// The deliveries of many links, oldest first.
///
/// # Errors
/// The store's.
pub async fn of_links(app: &App, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<DeliveryView>> {
    Ok(deliveries::of_links(&app.store, clinic, links).await?)
}
