//! Visits: who opened a link's page. A fetch proves nothing (scanners fetch); human evidence makes it *Accessed*
//! (hazards B1, B2).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, LinkId};
use remit_core::links as rules;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::{events, links};

use crate::{Actor, App, Error, Result, again, clinics, reminders};

/// Fetches of a link's page within this span are one line of its timeline.
const COALESCE_MS: i64 = 10 * remit_core::MINUTE_MS;
/// Links remembered at once: beyond it fetches go unrecorded, since they prove nothing.
const REMEMBERED_MAX: usize = 10_000;

/// Pages fetched and not yet written to the timeline: a GET itself writes nothing (rule 6).
#[derive(Default)]
pub struct Fetched(Mutex<HashMap<LinkId, Seen>>);

struct Seen {
    clinic: ClinicId,
    at: UtcMs,
    written: bool,
}

/// Remembers that a link's page was fetched.
pub fn fetched(app: &App, clinic: ClinicId, link: LinkId, now: UtcMs) {
    let mut seen = app.fetched.0.lock().unwrap_or_else(PoisonError::into_inner);
    let known = seen
        .get(&link)
        .is_some_and(|known| now - known.at < COALESCE_MS);
    if !known && seen.len() < REMEMBERED_MAX {
        seen.insert(
            link,
            Seen {
                clinic,
                at: now,
                written: false,
            },
        );
    }
}

/// Writes remembered fetches to the timelines as *opened, not confirmed*. Called by the worker.
///
/// # Errors
/// The store's; what was not written is forgotten, since it proves nothing.
#[crate::boxed]
pub async fn write_fetched(app: &App) -> Result<()> {
    let now = app.now().await?;
    let fresh: Vec<(LinkId, ClinicId, UtcMs)> = {
        let mut seen = app.fetched.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, known| now - known.at < COALESCE_MS);
        let fresh = seen
            .iter()
            .filter(|(_, known)| !known.written)
            .map(|(link, k)| (*link, k.clinic, k.at))
            .collect();
        seen.values_mut().for_each(|known| known.written = true);
        fresh
    };
    for (link, clinic, at) in fresh {
        let Some(appointment) = links::place(&app.store, clinic, link).await? else {
            continue;
        };
        let mut tx = app.store.begin(clinic).await?;
        let entry = events::Entry {
            id: app.fresh(at)?,
            at,
            kind: "payment_link.fetched",
            appointment: Some(appointment),
            link: Some(link),
            actor: "Somebody",
            data: serde_json::json!({}),
        };
        events::append(&mut tx, &entry).await?;
        tx.tell(link.to_string());
        tx.commit().await?;
    }
    Ok(())
}

/// A person has the page open: sent by the page itself after a trusted input, by POST.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn seen(app: &App, clinic: ClinicId, link: LinkId) -> Result<()> {
    let appointment = crate::links::appointment_of(app, clinic, link).await?;
    let context = clinics::context(app, clinic).await?;
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let row = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
        let decision = rules::access(&row, now);
        if decision.events.is_empty() {
            return Ok(());
        }
        let extras = Extras {
            remind_at: reminders::first_look(&context, &row, true, now),
            ..Extras::default()
        };
        apply(
            &mut tx,
            &standing,
            &decision,
            &extras,
            &Actor::patient(clinic).label,
            now,
        )
        .await?;
        Ok(tx.commit().await?)
    })
    .await
}
