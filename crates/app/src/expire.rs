//! Expiry: announces what time has already brought about (rule 7). Every use of a link judges the clock by itself;
//! nothing depends on this sweep being punctual.

use remit_core::ids::{AppointmentId, ClinicId, LinkId};
use remit_core::links as rules;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::links;

use crate::{Actor, App, Error, Result, again};

/// Links announced in one sweep.
const SWEEP_MAX: i64 = 200;

/// Announces the links whose time is over; answers how many.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn run(app: &App) -> Result<usize> {
    let now = app.now().await?;
    let due = links::expired(&app.store, now, SWEEP_MAX).await?;
    for (clinic, link, appointment) in &due {
        announce(app, *clinic, *link, *appointment).await?;
    }
    Ok(due.len())
}

async fn announce(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
    appointment: AppointmentId,
) -> Result<()> {
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let row = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        let decision = rules::tick(&row, now);
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &Actor::remit(clinic).label,
            now,
        )
        .await?;
        Ok(tx.commit().await?)
    })
    .await
}
