//! Following up: links that somebody should look after, and what staff did about them.

use std::collections::HashSet;

use remit_core::ids::{ClinicId, LinkId};
use remit_core::links::LinkState;
use remit_core::{DAY_MS, UtcMs};
use remit_store::follow_up::{self, Mark};
use remit_store::links::{Filter, LinkView};
use remit_store::{events, links};

use crate::notes::note;
use crate::{Actor, App, Error, Result};

/// How far back a patient's wish for a new link, and a link that expired unpaid, are followed up.
pub const ASKED_WITHIN_MS: i64 = 30 * DAY_MS;
pub const EXPIRED_WITHIN_MS: i64 = 14 * DAY_MS;
/// Links of one reason that a list shows.
const EACH_MAX: i64 = 100;
const NOTE_CHARS_MAX: usize = 300;

/// Why a link is to be looked after. A link has one: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The patient of an ended link asked for a new one.
    Asked,
    /// The latest message failed.
    Failed,
    /// Accessed, not paid, still open.
    Accessed,
    /// Expired, and the appointment still owes.
    Expired,
}

impl Reason {
    pub const ALL: [Reason; 4] = [
        Reason::Asked,
        Reason::Failed,
        Reason::Accessed,
        Reason::Expired,
    ];
}

/// A link to look after.
#[derive(Clone, Debug)]
pub struct FollowUp {
    pub reason: Reason,
    pub link: LinkView,
    pub mark: Option<Mark>,
}

/// Every link to look after: by reason, within it what ends or asked or ended last first. At most 100 of each.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<FollowUp>> {
    let now = app.now().await?;
    let mut found = Vec::new();
    for reason in Reason::ALL {
        let links = of_reason(app, clinic, reason, now).await?;
        found.extend(links.into_iter().map(|link| (reason, link)));
    }
    let mut seen = HashSet::new();
    found.retain(|(_, link)| seen.insert(link.id));
    let ids: Vec<LinkId> = found.iter().map(|(_, link)| link.id).collect();
    let mut marks = follow_up::marks(&app.store, clinic, &ids).await?;
    let with_mark = |(reason, link): (Reason, LinkView)| {
        let at = marks.iter().position(|mark| mark.link == link.id);
        let mark = at.map(|at| marks.swap_remove(at));
        FollowUp { reason, link, mark }
    };
    Ok(found.into_iter().map(with_mark).collect())
}

/// Why a link is to be looked after at this moment, if it still is.
pub fn reason_of(link: &LinkView, now: UtcMs) -> Option<Reason> {
    match link.shown(now) {
        LinkState::Created | LinkState::Sent => link.delivery_failed.then_some(Reason::Failed),
        LinkState::Accessed => Some(Reason::Accessed),
        LinkState::Expired | LinkState::Cancelled if link.due.minor <= 0 => None,
        LinkState::Expired | LinkState::Cancelled if link.asked_at.is_some() => Some(Reason::Asked),
        LinkState::Expired => Some(Reason::Expired),
        LinkState::Cancelled | LinkState::Paid => None,
    }
}

/// One link as it stands: why it is to be looked after (not once a newer one took its place), and what was done.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn of_link(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
) -> Result<(Option<Reason>, LinkView, Option<Mark>)> {
    let view = crate::links::get(app, clinic, link).await?;
    let all = links::of_appointment(&app.store, clinic, view.appointment).await?;
    let newest = all.first().is_some_and(|newest| newest.id == link);
    let reason = reason_of(&view, app.now().await?).filter(|_| newest);
    let mark = follow_up::marks(&app.store, clinic, &[link]).await?.pop();
    Ok((reason, view, mark))
}

async fn of_reason(
    app: &App,
    clinic: ClinicId,
    reason: Reason,
    now: UtcMs,
) -> Result<Vec<LinkView>> {
    let store = &app.store;
    Ok(match reason {
        Reason::Asked => links::asked_again(store, clinic, now - ASKED_WITHIN_MS, EACH_MAX).await?,
        Reason::Failed => follow_up::failed(store, clinic, now, EACH_MAX).await?,
        Reason::Accessed => {
            let accessed = Filter {
                status: Some(LinkState::Accessed),
                ..Filter::default()
            };
            let (mut open, _) = links::list(store, clinic, &accessed, None, EACH_MAX, now).await?;
            open.sort_by_key(|link| link.expires_at);
            open
        }
        Reason::Expired => {
            follow_up::expired(store, clinic, now - EXPIRED_WITHIN_MS, EACH_MAX).await?
        }
    })
}

/// How many links wait for somebody at this moment: those that asked, failed or were accessed. What expired is history
/// and is not counted.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn waiting(app: &App, clinic: ClinicId, accessed: i64, now: UtcMs) -> Result<u64> {
    let asked = links::asked_again(&app.store, clinic, now - ASKED_WITHIN_MS, EACH_MAX).await?;
    let failed = follow_up::failed_count(&app.store, clinic, now).await?;
    Ok(asked.len() as u64 + failed.max(0).unsigned_abs() + accessed.max(0).unsigned_abs())
}

/// What is to be marked.
#[derive(Clone, Debug, Default)]
pub struct MarkInput {
    /// `Some(None)`: take the note away; `None`: leave it.
    pub note: Option<Option<String>>,
    /// Somebody called the patient just now.
    pub called: bool,
}

/// Keeps a note or that the patient was called, on the link and its timeline.
///
/// # Errors
/// [`Error::Invalid`] for a note that cannot be kept, or nothing to mark; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn mark(app: &App, actor: &Actor, link: LinkId, input: &MarkInput) -> Result<Mark> {
    let text = match &input.note {
        Some(text) => Some(note("note", text.as_deref(), NOTE_CHARS_MAX)?),
        None => None,
    };
    if text.is_none() && !input.called {
        return Err(Error::invalid("note", "Write a note, or mark the call."));
    }
    let appointment = crate::links::appointment_of(app, actor.clinic, link).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let entry = |kind, data| -> Result<events::Entry<'_>> {
        Ok(events::Entry {
            id: app.fresh(now)?,
            at: now,
            kind,
            appointment: Some(appointment),
            link: Some(link),
            actor: &actor.label,
            data,
        })
    };
    if input.called {
        follow_up::called(&mut tx, link, &actor.label, now).await?;
        let called = entry("follow_up.called", serde_json::json!({}))?;
        events::append(&mut tx, &called).await?;
    }
    if let Some(text) = &text {
        follow_up::note(&mut tx, link, text.as_deref(), &actor.label, now).await?;
        let noted = entry("follow_up.noted", serde_json::json!({ "note": text }))?;
        events::append(&mut tx, &noted).await?;
    }
    tx.tell(appointment.to_string());
    let mark = follow_up::of_link(&mut tx, link).await?;
    tx.commit().await?;
    mark.ok_or(Error::NotFound)
}
