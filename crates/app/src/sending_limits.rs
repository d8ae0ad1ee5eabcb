//! Limits of sending: kept, and asked in the very transaction that sends (hazard D13).

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use remit_core::clinic::Clinic;
use remit_core::deliveries::Channel;
use remit_core::money::Money;
use remit_core::sending_limits::{DayEnds, SendingLimits, allow};
use remit_core::{DAY_MS, UtcMs};
use remit_store::Tx;
use remit_store::sending_limits::{self, Sending};

use crate::actor::Who;
use crate::{Actor, App, ClinicContext, Error, Result, clinics};

/// A message about to be queued.
pub(crate) struct Wish<'a> {
    pub channel: Channel,
    pub address: &'a str,
    /// Parts of a text, see `core::messages::segments`; 0 for an email.
    pub segments: usize,
}

/// Counts a message against every cap, in the transaction that queues it: rolled back, it was not counted.
///
/// # Errors
/// [`Error::Capped`], after which the transaction must be dropped; or the store's.
pub(crate) async fn take(
    app: &App,
    tx: &mut Tx,
    context: &ClinicContext,
    actor: &Actor,
    wish: &Wish<'_>,
    now: UtcMs,
) -> Result<()> {
    let limits = &context.sending_limits;
    let (starts, ends) = day(&context.clinic, now);
    let staff = match actor.who {
        Who::Staff(_) | Who::ApiKey(_) => Some(actor.scope()),
        Who::Patient | Who::Remit => None,
    };
    let installation_day = now - now.rem_euclid(DAY_MS);
    let sending = Sending {
        address: wish.address,
        staff: staff.as_deref(),
        cost: limits.cost(wish.channel, wish.segments),
        clinic_day: starts,
        installation_day,
    };
    let counted = sending_limits::count(tx, &sending).await?;
    let ends = DayEnds {
        clinic: ends,
        installation: installation_day + DAY_MS,
    };
    allow(
        limits,
        context.clinic.currency,
        app.config.messages_a_day,
        wish.channel,
        &counted,
        ends,
    )
    .map_err(Error::Capped)
}

/// The first moment of the clinic's present day, and of its next. A day may have 23 or 25 hours (hazard B5).
pub(crate) fn day(clinic: &Clinic, now: UtcMs) -> (UtcMs, UtcMs) {
    let zone = TimeZone::get(&clinic.zone).unwrap_or(TimeZone::UTC);
    let utc = now - now.rem_euclid(DAY_MS);
    let local = || {
        let today = Timestamp::from_millisecond(now)
            .ok()?
            .to_zoned_datetime(zone);
        let starts = today.start_of_day().ok()?;
        let ends = starts.checked_add(1.day()).ok()?.start_of_day().ok()?;
        Some((
            starts.timestamp().as_millisecond(),
            ends.timestamp().as_millisecond(),
        ))
    };
    local().unwrap_or((utc, utc + DAY_MS))
}

/// Changes the clinic's limits.
///
/// # Errors
/// [`Error::Invalid`] for what cannot be kept; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, limits: &SendingLimits) -> Result<()> {
    limits
        .check()
        .map_err(|(field, message)| Error::invalid(field, message))?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    sending_limits::set(&mut tx, limits).await?;
    let what = format!(
        "number {}, address {}, staff {}, clinic {}, money {}, segment {}, countries {:?}",
        limits.per_number,
        limits.per_address,
        limits.per_staff,
        limits.per_clinic,
        limits.money,
        limits.segment_cost,
        limits.countries
    );
    remit_store::audit::append(&mut tx, &actor.label, "sending_limits.set", &what, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}

/// What the clinic sent today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    pub messages: i64,
    pub spent: Money,
    /// When the day ends and the counting begins anew.
    pub ends_at: UtcMs,
}

/// # Errors
/// The store's.
#[crate::boxed]
pub async fn today(app: &App, context: &ClinicContext) -> Result<Today> {
    let (starts, ends_at) = day(&context.clinic, app.now().await?);
    let (messages, spent) = sending_limits::today(&app.store, context.clinic.id, starts).await?;
    Ok(Today {
        messages,
        spent: Money::new(spent, context.clinic.currency),
        ends_at,
    })
}
