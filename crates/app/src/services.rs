//! Services with their deposit rules, and practitioners.

use remit_core::appointments::DepositRule;
use remit_core::contact::Name;
use remit_core::ids::{ClinicId, PractitionerId, ServiceId};
use remit_core::money::{MINOR_MAX, Money};
use remit_store::services::{self, Practitioner, Service};

use crate::error::in_field;
use crate::notes::note;
use crate::{Actor, App, Error, Result, clinics};

/// What a manager or program enters for a service.
#[derive(Clone, Debug)]
pub struct ServiceInput {
    pub name: String,
    pub duration_minutes: i64,
    pub price: Money,
    pub deposit: Deposit,
    pub active: bool,
}

/// A deposit rule as it was entered.
#[derive(Clone, Copy, Debug)]
pub enum Deposit {
    None,
    Fixed(Money),
    Percent(i64),
    Full,
}

/// Characters of a speciality or a room.
const DETAIL_CHARS_MAX: usize = 100;
const DURATION_MINUTES_MAX: i64 = 12 * 60;

fn rule(deposit: Deposit, price: Money) -> Result<DepositRule> {
    Ok(match deposit {
        Deposit::None => DepositRule::None,
        Deposit::Full => DepositRule::Full,
        Deposit::Percent(percent) if (1..=100).contains(&percent) => {
            DepositRule::Percent(u8::try_from(percent).unwrap_or(100))
        }
        Deposit::Percent(_) => {
            return Err(Error::invalid(
                "deposit",
                "Enter a percentage from 1 to 100.",
            ));
        }
        Deposit::Fixed(amount) if amount.currency != price.currency => {
            return Err(Error::invalid(
                "deposit",
                "The deposit must be in the same currency as the price.",
            ));
        }
        Deposit::Fixed(amount) if amount.minor < 1 || amount.minor > price.minor => {
            return Err(Error::invalid(
                "deposit",
                format!("Enter a deposit above zero and at most the price, {price}."),
            ));
        }
        Deposit::Fixed(amount) => DepositRule::Fixed(amount.minor),
    })
}

fn check(
    input: &ServiceInput,
    currency: remit_core::money::Currency,
) -> Result<(String, DepositRule)> {
    let name = Name::parse(&input.name)
        .map_err(in_field("name"))?
        .into_string();
    if !(1..=DURATION_MINUTES_MAX).contains(&input.duration_minutes) {
        return Err(Error::invalid(
            "duration_minutes",
            "Enter a duration from 1 to 720 minutes.",
        ));
    }
    if input.price.currency != currency {
        return Err(Error::invalid(
            "price",
            format!("Enter the price in {currency}, the clinic's currency."),
        ));
    }
    if !(0..=MINOR_MAX).contains(&input.price.minor) {
        return Err(Error::invalid("price", "Enter a price of zero or more."));
    }
    Ok((name, rule(input.deposit, input.price)?))
}

/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn create(
    app: &App,
    actor: &Actor,
    id: Option<ServiceId>,
    input: ServiceInput,
) -> Result<Service> {
    let currency = clinics::context(app, actor.clinic).await?.clinic.currency;
    let (name, deposit) = check(&input, currency)?;
    let now = app.now().await?;
    let id = match id {
        Some(id) => id,
        None => app.fresh(now)?,
    };
    if let Some(made) = services::get(&app.store, actor.clinic, id).await? {
        return Ok(made);
    }
    let service = Service {
        id,
        name,
        duration_minutes: input.duration_minutes,
        price: input.price,
        deposit,
        active: input.active,
        created_at: now,
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    services::insert(&mut tx, &service).await?;
    remit_store::audit::append(
        &mut tx,
        &actor.label,
        "service.created",
        &service.id.to_string(),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(service)
}

/// Changes a service. Appointments already booked keep their charges.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn change(
    app: &App,
    actor: &Actor,
    id: ServiceId,
    input: ServiceInput,
) -> Result<Service> {
    let currency = clinics::context(app, actor.clinic).await?.clinic.currency;
    let (name, deposit) = check(&input, currency)?;
    let before = get(app, actor.clinic, id).await?;
    let service = Service {
        name,
        deposit,
        duration_minutes: input.duration_minutes,
        price: input.price,
        active: input.active,
        ..before
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    services::update(&mut tx, &service).await?;
    remit_store::audit::append(
        &mut tx,
        &actor.label,
        "service.changed",
        &service.id.to_string(),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(service)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, id: ServiceId) -> Result<Service> {
    services::get(&app.store, clinic, id)
        .await?
        .ok_or(Error::NotFound)
}

/// Services in the order they were made; `after` is the id of the last one seen.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(
    app: &App,
    clinic: ClinicId,
    after: Option<&str>,
    with_inactive: bool,
    limit: i64,
) -> Result<Vec<Service>> {
    Ok(services::list(&app.store, clinic, after, with_inactive, limit).await?)
}

/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn add_practitioner(
    app: &App,
    actor: &Actor,
    id: Option<PractitionerId>,
    name: &str,
    speciality: &str,
    room: &str,
) -> Result<Practitioner> {
    let now = app.now().await?;
    let position = i64::try_from(
        services::practitioners(&app.store, actor.clinic)
            .await?
            .len(),
    )
    .unwrap_or(i64::MAX);
    let who = Practitioner {
        id: match id {
            Some(id) => id,
            None => app.fresh(now)?,
        },
        name: Name::parse(name).map_err(in_field("name"))?.into_string(),
        speciality: note("speciality", Some(speciality), DETAIL_CHARS_MAX)?.unwrap_or_default(),
        room: note("room", Some(room), DETAIL_CHARS_MAX)?.unwrap_or_default(),
        position,
        active: true,
        created_at: now,
        hue: None,
    };
    if let Some(made) = services::get_practitioner(&app.store, actor.clinic, who.id).await? {
        return Ok(made);
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    services::add_practitioner(&mut tx, &who).await?;
    tx.commit().await?;
    Ok(who)
}

/// Practitioners in the order of the diary's columns.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn practitioners(app: &App, clinic: ClinicId) -> Result<Vec<Practitioner>> {
    Ok(services::practitioners(&app.store, clinic).await?)
}
