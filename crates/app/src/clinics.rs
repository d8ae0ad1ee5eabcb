//! Clinics, kept in memory until they change.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use remit_core::clinic::Clinic;
use remit_core::contact::Phone;
use remit_core::ids::ClinicId;
use remit_core::languages::{DateStyle, Language, LocalTime};
use remit_core::methods::{Method, MethodSetting};
use remit_store::{clinics, methods, reminders, sending_limits};

use crate::providers::{self, Taking};
use crate::{Actor, App, ClinicContext, Error, Result};

/// How old a remembered clinic may be at most; changes are told at once, this is for a lost notice.
const REMEMBERED: Duration = Duration::from_secs(10);

/// A clinic and its methods.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn context(app: &App, clinic: ClinicId) -> Result<Arc<ClinicContext>> {
    let known = app
        .contexts
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&clinic)
        .cloned();
    if let Some(known) = known.filter(|known| known.read_at.elapsed() < REMEMBERED) {
        return Ok(known);
    }
    // Looked at before the rows: whoever changes them forgets the clinic after.
    let before = app.forgotten.load(Ordering::Acquire);
    let row = clinics::get(&app.store, clinic)
        .await?
        .ok_or(Error::NotFound)?;
    let (methods, at_desk) = methods::list(&app.store, clinic).await?;
    let read = ClinicContext {
        methods,
        at_desk,
        dialled: dialled(&row),
        clinic: row,
        refund_limits: clinics::refund_limits(&app.store, clinic).await?,
        shares_email: clinics::shares_email(&app.store, clinic).await?,
        sending_limits: sending_limits::get(&app.store, clinic).await?,
        reminders: reminders::get(&app.store, clinic).await?,
        branding: remit_store::branding::get(&app.store, clinic).await?,
        receipts: remit_store::receipts::settings(&app.store, clinic).await?,
        taking: taking(app, clinic).await?,
        read_at: Instant::now(),
    };
    let read = Arc::new(read);
    let mut contexts = app.contexts.write().unwrap_or_else(PoisonError::into_inner);
    // What was read while somebody changed it may be what it was before the change.
    if app.forgotten.load(Ordering::Acquire) == before {
        contexts.insert(clinic, read.clone());
    }
    drop(contexts);
    Ok(read)
}

/// An account that cannot be opened takes nothing, and keeps nobody from the rest of the product.
async fn taking(app: &App, clinic: ClinicId) -> Result<Option<Taking>> {
    match providers::enabled(app, clinic).await {
        Ok(account) => Ok(Some(account.taking())),
        Err(Error::NotSetUp(_)) => Ok(None),
        Err(error @ (Error::Sealed | Error::Setup(_))) => {
            tracing::error!(clinic.id = %clinic, "the provider account of {clinic} cannot be opened: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// `None` without a phone. One that cannot be read is dialled as it is written.
fn dialled(clinic: &Clinic) -> Option<String> {
    let phone = &clinic.phone;
    (!phone.is_empty()).then(|| {
        Phone::parse(phone, &clinic.country).map_or_else(|_| phone.clone(), Phone::into_string)
    })
}

/// A clinic's routing prefix, asked within a transaction: a second connection taken while one is held is how a pool
/// locks itself up. It never changes, so whatever is remembered is right.
pub(crate) async fn route_in(
    app: &App,
    tx: &mut remit_store::Tx,
    clinic: ClinicId,
) -> Result<String> {
    let known = app
        .contexts
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&clinic)
        .cloned();
    match known {
        Some(known) => Ok(known.clinic.route.clone()),
        None => Ok(clinics::route_in(tx).await?.ok_or(Error::NotFound)?),
    }
}

/// Forgets what is remembered of a clinic, because it changed.
pub fn forget(app: &App, clinic: ClinicId) {
    let mut contexts = app.contexts.write().unwrap_or_else(PoisonError::into_inner);
    app.forgotten.fetch_add(1, Ordering::AcqRel);
    contexts.remove(&clinic);
}

/// The clinic that a token's prefix names. Routes never change, so they are remembered for good.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn by_route(app: &App, route: &str) -> Result<Option<ClinicId>> {
    let known = app
        .routes
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(route)
        .copied();
    if known.is_some() {
        return Ok(known);
    }
    let Some(clinic) = clinics::by_route(&app.store, route).await? else {
        return Ok(None);
    };
    app.routes
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(route.to_owned(), clinic.id);
    Ok(Some(clinic.id))
}

/// Every clinic of the installation.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App) -> Result<Vec<Clinic>> {
    Ok(clinics::list(&app.store).await?)
}

/// Founds a clinic: every method on, and the sandbox as its provider while in test mode.
///
/// # Errors
/// The store's; `Unique` when the route is taken.
#[crate::boxed]
pub async fn found(app: &App, clinic: &Clinic) -> Result<()> {
    let mut tx = app.store.begin(clinic.id).await?;
    let now = tx.now().await?;
    clinics::insert(&mut tx, clinic, now).await?;
    for method in Method::ALL {
        methods::set(&mut tx, &MethodSetting::open(method)).await?;
    }
    let actor = Actor::remit(clinic.id);
    remit_store::audit::append(
        &mut tx,
        &actor.label,
        "clinic.founded",
        &clinic.id.to_string(),
        now,
    )
    .await?;
    tx.commit().await?;
    if clinic.test_mode {
        crate::sandbox::open_account(app, clinic.id).await?;
    }
    Ok(())
}

/// A moment as people at the clinic read it. An unknown zone is read as UTC.
pub fn in_zone(clinic: &Clinic, at: remit_core::UtcMs, format: &str) -> String {
    let zone = jiff::tz::TimeZone::get(&clinic.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(at)
        .map(|moment| moment.to_zoned_datetime(zone).strftime(format).to_string())
        .unwrap_or_default()
}

/// A moment as readers of a language write it, by the clinic's clocks.
pub fn in_language(
    clinic: &Clinic,
    at: remit_core::UtcMs,
    language: &Language,
    style: DateStyle,
) -> String {
    language.date(local_time(clinic, at), style)
}

/// A moment by the clinic's clocks.
pub fn local_time(clinic: &Clinic, at: remit_core::UtcMs) -> LocalTime {
    let zone = jiff::tz::TimeZone::get(&clinic.zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let moment = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    let moment = moment.to_zoned_datetime(zone);
    // Within their ranges by the calendar's own word; what could not be would show as the first.
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    LocalTime {
        year: moment.year(),
        month: small(moment.month()),
        day: small(moment.day()),
        weekday: small(moment.weekday().to_monday_zero_offset()),
        hour: small(moment.hour()),
        minute: small(moment.minute()),
    }
}
