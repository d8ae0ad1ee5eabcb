//! Appointments: booked, charged, moved, changed, cancelled.

use remit_core::UtcMs;
use remit_core::account::{Decision, Effect, Event, Refusal, Standing};
use remit_core::appointments::{self as rules, Charge, ChargeKind, Slot, Status};
use remit_core::contact::Name;
use remit_core::ids::{
    AppointmentId, ChargeId, ClinicId, LinkId, PatientId, PractitionerId, ServiceId,
};
use remit_core::links::Purpose;
use remit_core::money::Money;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::appointments::{self, AppointmentView, Booking};
use remit_store::services::Service;
use remit_store::{Tx, audit, patients, services};

use crate::settle::{self, Closed};
use crate::{Actor, App, Error, Result, again, clinics, links, notes, practitioners};

mod moving;
pub use moving::{AppointmentChange, PaidIs, change};

/// What a receptionist or program books.
#[derive(Clone, Debug)]
pub struct BookingInput {
    pub patient: PatientId,
    pub services: Vec<ServiceId>,
    pub practitioner: Option<PractitionerId>,
    pub starts_at: UtcMs,
    /// Issue a link for the deposit in the same breath.
    pub with_deposit_link: bool,
    /// Book although the practitioner has another appointment then, is away or does not work.
    pub despite_overlap: bool,
}

const SERVICES_MAX: usize = 20;
/// How far from now an appointment may start: a typing error in the year is caught here.
const FAR_MS: i64 = 3 * 366 * remit_core::DAY_MS;

/// Books; answers with the appointment and, where asked for, its deposit link.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::Clash`]; or the store's.
#[crate::boxed]
pub async fn book(
    app: &App,
    actor: &Actor,
    id: Option<AppointmentId>,
    input: &BookingInput,
) -> Result<(AppointmentId, Option<LinkId>)> {
    let booked = booked_services(app, actor.clinic, &input.services).await?;
    let now = app.now().await?;
    if (input.starts_at - now).abs() > FAR_MS {
        return Err(Error::invalid(
            "starts_at",
            "Choose a date within three years.",
        ));
    }
    if let Some(who) = input.practitioner {
        moving::check_practitioner(app, actor.clinic, who).await?;
    }
    let id = match id {
        Some(id) => id,
        None => app.fresh(now)?,
    };
    again(|| book_once(app, actor, id, input, &booked)).await
}

async fn booked_services(app: &App, clinic: ClinicId, ids: &[ServiceId]) -> Result<Vec<Service>> {
    if ids.is_empty() || ids.len() > SERVICES_MAX {
        return Err(Error::invalid(
            "service_ids",
            "Choose between one and twenty services.",
        ));
    }
    let mut booked = Vec::new();
    for id in ids {
        let service = services::get(&app.store, clinic, *id).await?;
        booked.push(
            service.ok_or_else(|| Error::invalid("service_ids", "This service is not known."))?,
        );
    }
    Ok(booked)
}

async fn book_once(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    input: &BookingInput,
    booked: &[Service],
) -> Result<(AppointmentId, Option<LinkId>)> {
    let context = clinics::context(app, actor.clinic).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    if let Some((standing, _)) = lock_standing(&mut tx, id).await? {
        return Ok((id, standing.open.map(|open| open.id)));
    }
    let Some(patient) = patients::surviving(&mut tx, input.patient).await? else {
        return Err(Error::invalid("patient_id", "This patient is not known."));
    };
    let now = tx.now().await?;
    let minutes: i64 = booked.iter().map(|service| service.duration_minutes).sum();
    let ends_at = input.starts_at + minutes * remit_core::MINUTE_MS;
    let place = Slot {
        starts_at: input.starts_at,
        ends_at,
        practitioner: input.practitioner,
    };
    if !input.despite_overlap {
        practitioners::check_free(&mut tx, &context.clinic.zone, id, place).await?;
    }
    let names: Vec<&str> = booked.iter().map(|service| service.name.as_str()).collect();
    let booking = Booking {
        id,
        patient,
        practitioner: input.practitioner,
        title: names.join(", "),
        starts_at: input.starts_at,
        ends_at,
        currency: context.clinic.currency,
    };
    appointments::insert(&mut tx, &booking, &actor.label, now).await?;
    tell_booked(app, &mut tx, &booking, actor, now).await?;
    charge_services(app, &mut tx, actor, id, booked).await?;
    let link = if input.with_deposit_link {
        Some(links::issue_in(app, &mut tx, actor, id, None, Purpose::Deposit).await?)
    } else {
        None
    };
    tx.commit().await?;
    tracing::info!(appointment.id = %id, "booked appointment {id}");
    Ok((id, link))
}

async fn tell_booked(
    app: &App,
    tx: &mut Tx,
    booking: &Booking,
    actor: &Actor,
    now: UtcMs,
) -> Result<()> {
    let entry = remit_store::events::Entry {
        id: app.fresh(now)?,
        at: now,
        kind: "appointment.booked",
        appointment: Some(booking.id),
        link: None,
        actor: &actor.label,
        data: serde_json::json!({ "starts_at": booking.starts_at }),
    };
    Ok(remit_store::events::append(tx, &entry).await?)
}

/// Charges what the services cost and keeps what they ask for at booking.
async fn charge_services(
    app: &App,
    tx: &mut Tx,
    actor: &Actor,
    id: AppointmentId,
    booked: &[Service],
) -> Result<()> {
    for service in booked {
        let (standing, now) = lock_standing(tx, id).await?.ok_or(Error::NotFound)?;
        let charge = Charge {
            id: app.fresh(now)?,
            kind: ChargeKind::Service,
            description: service.name.clone(),
            quantity: 1,
            amount: service.price,
            service: Some(service.id),
        };
        let decision = rules::charge(&standing, charge, app.fresh(now)?, now)?;
        apply(
            tx,
            &standing,
            &decision,
            &Extras::default(),
            &actor.label,
            now,
        )
        .await?;
    }
    let (standing, now) = lock_standing(tx, id).await?.ok_or(Error::NotFound)?;
    let rows: Vec<_> = booked
        .iter()
        .map(|service| (service.price, service.deposit))
        .collect();
    let (_, deposit) = rules::quote(&rows, Money::zero(standing.balance.currency));
    if deposit.minor > 0 {
        let mut balance = standing.balance.clone();
        balance.deposit = deposit.minor;
        let decision = Decision {
            events: vec![Event::BalanceSet(balance)],
            effects: vec![],
        };
        apply(
            tx,
            &standing,
            &decision,
            &Extras::default(),
            &actor.label,
            now,
        )
        .await?;
    }
    Ok(())
}

/// The figures of a booking before it is made: total and deposit.
///
/// # Errors
/// [`Error::Invalid`] for an unknown service; or the store's.
#[crate::boxed]
pub async fn quote(
    app: &App,
    clinic: ClinicId,
    ids: &[ServiceId],
) -> Result<(Money, Money, Vec<Service>)> {
    let currency = clinics::context(app, clinic).await?.clinic.currency;
    let booked = booked_services(app, clinic, ids).await?;
    let rows: Vec<_> = booked
        .iter()
        .map(|service| (service.price, service.deposit))
        .collect();
    let (total, deposit) = rules::quote(&rows, Money::zero(currency));
    Ok((total, deposit, booked))
}

/// A charge to add; a negative amount is a discount.
#[derive(Clone, Debug)]
pub struct ChargeInput {
    pub description: String,
    /// How many it is for.
    pub quantity: u32,
    /// Of all of them.
    pub amount: Money,
    /// Although the provider cannot be asked to close a payment under way (hazards 7.6); it is asked first.
    pub despite_live_payment: bool,
}

/// Adds a charge. A price that falls closes a payment under way first (hazard A25).
///
/// # Errors
/// [`Error::Invalid`] names the field; a refusal; [`Error::ProviderUnreachable`]; or the store's.
#[crate::boxed]
pub async fn add_charge(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    id: Option<ChargeId>,
    input: &ChargeInput,
) -> Result<()> {
    let description = Name::parse(&input.description)
        .map_err(|_| Error::invalid("description", "Say in a few words what the charge is for."))?;
    if !(1..=rules::QUANTITY_MAX).contains(&input.quantity) {
        let why = format!("Enter how many, from 1 to {}.", rules::QUANTITY_MAX);
        return Err(Error::invalid("quantity", why));
    }
    if input.amount.is_zero() {
        return Err(Error::invalid("amount", "Enter an amount other than zero."));
    }
    // Found done, even where someone has taken the charge away since.
    if let Some(id) = id
        && appointments::knows_charge(&app.store, actor.clinic, id).await?
    {
        return Ok(());
    }
    let now = app.now().await?;
    let charge = Charge {
        id: match id {
            Some(id) => id,
            None => app.fresh(now)?,
        },
        kind: if input.amount.minor < 0 {
            ChargeKind::Discount
        } else {
            ChargeKind::Extra
        },
        description: description.into_string(),
        quantity: input.quantity,
        amount: input.amount,
        service: None,
    };
    let despite = input.despite_live_payment;
    decide(
        app,
        actor,
        appointment,
        despite,
        None,
        |standing, charges, _, now| {
            // `decide` repeats what it does not know the end of.
            if charges.iter().any(|known| known.id == charge.id) {
                return Ok(Decision::default());
            }
            Ok(rules::charge(
                standing,
                charge.clone(),
                app.fresh(now)?,
                now,
            )?)
        },
    )
    .await
}

/// Takes a charge away. `why`: what staff say about it, for the timeline.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], a refusal, [`Error::ProviderUnreachable`], or the store's.
#[crate::boxed]
pub async fn remove_charge(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    id: ChargeId,
    why: Option<&str>,
    despite: bool,
) -> Result<()> {
    let why = notes::note("reason", why, notes::REASON_CHARS_MAX)?;
    decide(
        app,
        actor,
        appointment,
        despite,
        None,
        |standing, charges, _, now| {
            let charge = charges
                .iter()
                .find(|charge| charge.id == id)
                .ok_or(Error::NotFound)?;
            let why = why.clone();
            Ok(rules::uncharge(
                standing,
                charge,
                why,
                app.fresh(now)?,
                now,
            )?)
        },
    )
    .await
}

/// # Errors
/// A refusal, [`Error::ProviderUnreachable`], or the store's.
#[crate::boxed]
pub async fn change_status(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    to: Status,
) -> Result<()> {
    let to = AppointmentChange {
        status: Some(to),
        ..AppointmentChange::default()
    };
    change(app, actor, appointment, to).await
}

/// Loads, decides, saves. Where the rule finds a payment under way, it is closed at the provider first and the rule
/// asked again: a payment that turns out to be made is then simply part of what it sees. `despite`: staff go on although
/// the provider could not be asked; money that still comes is the patient's credit (hazards 7.6).
async fn decide(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    despite: bool,
    moving: Option<&moving::Moving>,
    rule: impl Fn(&Standing, &[Charge], Option<Slot>, UtcMs) -> Result<Decision>,
) -> Result<()> {
    const CLOSINGS_MAX: u32 = 3;
    let mut blind = false;
    for _ in 0..CLOSINGS_MAX {
        match again(|| decide_once(app, actor, appointment, (blind, moving), &rule)).await {
            Err(Error::Refused(Refusal::LivePayment)) => {
                match settle::close_live(app, actor.clinic, appointment).await? {
                    Closed::Closed | Closed::Paid => {}
                    Closed::Confirming | Closed::Unreachable(_) if despite => blind = true,
                    Closed::Confirming => return Err(Error::Refused(Refusal::LivePayment)),
                    Closed::Unreachable(unreachable) => {
                        return Err(Error::ProviderUnreachable(unreachable));
                    }
                }
            }
            done => return done,
        }
    }
    Err(Error::Refused(Refusal::LivePayment))
}

/// `moving`: where it is to stand, worked out under the lock. `blind`: the rule is not shown the payment under way, which is closed as soon as its provider can be asked.
async fn decide_once(
    app: &App,
    actor: &Actor,
    appointment: AppointmentId,
    (blind, moving): (bool, Option<&moving::Moving>),
    rule: &impl Fn(&Standing, &[Charge], Option<Slot>, UtcMs) -> Result<Decision>,
) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let (mut standing, now) = lock_standing(&mut tx, appointment)
        .await?
        .ok_or(Error::NotFound)?;
    let unseen = if blind { standing.live.take() } else { None };
    let charges = appointments::charges_in(&mut tx, appointment).await?;
    let to = match moving {
        Some(moving) => moving.place(&mut tx, appointment).await?,
        None => None,
    };
    let mut decision = rule(&standing, &charges, to, now)?;
    if let Some(live) = unseen {
        decision
            .effects
            .push(Effect::EnsureClosed { attempt: live.id });
        let what = format!("{appointment} beside {}", live.id);
        let action = "appointment.changed_despite_live_payment";
        audit::append(&mut tx, &actor.label, action, &what, now).await?;
        standing.live = Some(live);
    }
    apply(
        &mut tx,
        &standing,
        &decision,
        &Extras::default(),
        &actor.label,
        now,
    )
    .await?;
    if let Some(moving) = moving {
        moving.give_back(app, &mut tx, actor, &standing).await?;
    }
    Ok(tx.commit().await?)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, id: AppointmentId) -> Result<AppointmentView> {
    appointments::view(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)
}

/// # Errors
/// The store's.
#[crate::boxed]
pub async fn charges(app: &App, clinic: ClinicId, id: AppointmentId) -> Result<Vec<Charge>> {
    Ok(appointments::charges(&app.store, clinic, id).await?)
}

/// The charges of many appointments.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn charges_of(
    app: &App,
    clinic: ClinicId,
    ids: &[AppointmentId],
) -> Result<Vec<(AppointmentId, Charge)>> {
    Ok(appointments::charges_of(&app.store, clinic, ids).await?)
}

/// Appointments that start within a span, in order.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn between(
    app: &App,
    clinic: ClinicId,
    from: UtcMs,
    to: UtcMs,
) -> Result<Vec<AppointmentView>> {
    Ok(appointments::between(&app.store, clinic, from, to).await?)
}

/// A page in order of start; `after`: start and id of the last one seen.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(
    app: &App,
    clinic: ClinicId,
    patient: Option<PatientId>,
    after: (UtcMs, &str),
    to: UtcMs,
    limit: i64,
) -> Result<Vec<AppointmentView>> {
    Ok(appointments::list(&app.store, clinic, patient, after, to, limit).await?)
}

/// An appointment's timeline, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn timeline(
    app: &App,
    clinic: ClinicId,
    id: AppointmentId,
) -> Result<Vec<remit_store::events::EventView>> {
    Ok(remit_store::events::of_appointment(&app.store, clinic, id, 200).await?)
}
