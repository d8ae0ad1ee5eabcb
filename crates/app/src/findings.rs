//! Findings and given-up work: what a person has to look at.

use remit_core::UtcMs;
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, ClinicId, FindingId, JobId};
use remit_store::credits::{self, CreditView};
use remit_store::findings::{self, FindingView};
use remit_store::links::Cursor;
use remit_store::outbox::{self, StuckView};
use remit_store::{Tx, inbox};

use crate::{Actor, App, Error, Result, notes};

/// How long the words about a settled finding may be.
const NOTE_CHARS_MAX: usize = 300;
/// What is noted where credit is kept.
const KEPT: &str = "Kept as credit";

/// A page of findings, open or settled, newest first; of one kind, if one is given.
///
/// # Errors
/// The store's.
pub async fn page(
    app: &App,
    clinic: ClinicId,
    open: bool,
    kind: Option<FindingKind>,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<(Vec<FindingView>, Option<Cursor>)> {
    Ok(findings::page(&app.store, clinic, open, kind, after, limit).await?)
}

/// A page of patients' credits, the appointment booked last first.
///
/// # Errors
/// The store's.
pub async fn credits(
    app: &App,
    clinic: ClinicId,
    after: Option<AppointmentId>,
    limit: i64,
) -> Result<(Vec<CreditView>, Option<AppointmentId>)> {
    Ok(credits::page(&app.store, clinic, after, limit).await?)
}

/// How many appointments have credit, and how much that is together in minor units.
///
/// # Errors
/// The store's.
pub async fn credit_sum(app: &App, clinic: ClinicId) -> Result<(i64, i64)> {
    Ok(credits::sum(&app.store, clinic).await?)
}

/// Keeps an appointment's credit for the patient: what was asked about it is settled.
///
/// # Errors
/// [`Error::NotFound`] when nothing was asked about it any more; or the store's.
pub async fn keep_credit(app: &App, actor: &Actor, appointment: AppointmentId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if findings::keep_credit(&mut tx, appointment, &actor.label, KEPT, now).await? == 0 {
        return Err(Error::NotFound);
    }
    let (by, what) = (&actor.label, appointment.to_string());
    remit_store::audit::append(&mut tx, by, "credit.kept", &what, now).await?;
    Ok(tx.commit().await?)
}

/// # Errors
/// The store's.
pub async fn count(app: &App, clinic: ClinicId) -> Result<i64> {
    Ok(findings::count(&app.store, clinic).await?)
}

/// Marks a finding as settled, with words about how.
///
/// # Errors
/// [`Error::Invalid`] for words that are too long; [`Error::NotFound`] when it is settled already; or the store's.
pub async fn close(app: &App, actor: &Actor, finding: FindingId, note: Option<&str>) -> Result<()> {
    let note = notes::note("note", note, NOTE_CHARS_MAX)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if !findings::close(&mut tx, finding, &actor.label, note.as_deref(), now).await? {
        return Err(Error::NotFound);
    }
    let (by, what) = (&actor.label, finding.to_string());
    remit_store::audit::append(&mut tx, by, "finding.closed", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Outside work that was given up after all its tries.
///
/// # Errors
/// The store's.
pub async fn stuck(app: &App, clinic: ClinicId) -> Result<Vec<StuckView>> {
    Ok(outbox::dead(&app.store, clinic, 100).await?)
}

/// Tries given-up work again. Its finding is closed by itself, and opens again should the work be given up once more.
///
/// # Errors
/// [`Error::NotFound`] when it is not given up; or the store's.
pub async fn try_again(app: &App, actor: &Actor, job: JobId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if !outbox::again(&mut tx, job, now).await? {
        return Err(Error::NotFound);
    }
    again_told(&mut tx, actor, &job.to_string(), now).await?;
    Ok(tx.commit().await?)
}

/// Applies a given-up event of a provider again: `about` as its finding names it.
///
/// # Errors
/// [`Error::NotFound`] when it is not given up; or the store's.
pub async fn apply_again(app: &App, actor: &Actor, about: &str) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if !inbox::again(&mut tx, about, now).await? {
        return Err(Error::NotFound);
    }
    again_told(&mut tx, actor, about, now).await?;
    Ok(tx.commit().await?)
}

async fn again_told(tx: &mut Tx, actor: &Actor, about: &str, now: UtcMs) -> Result<()> {
    findings::close_about(tx, FindingKind::DeadLetter, about, "Remit", now).await?;
    Ok(remit_store::audit::append(tx, &actor.label, "work.again", about, now).await?)
}
