//! Findings and given-up work: what a person has to look at.

use remit_core::UtcMs;
use remit_core::account::FindingKind;
use remit_core::ids::{ClinicId, FindingId, JobId};
use remit_store::findings::{self, FindingView};
use remit_store::outbox::{self, StuckView};
use remit_store::{Tx, inbox};

use crate::{Actor, App, Error, Result};

/// Open findings, newest first.
///
/// # Errors
/// The store's.
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<FindingView>> {
    Ok(findings::list(&app.store, clinic, 200).await?)
}

/// # Errors
/// The store's.
pub async fn count(app: &App, clinic: ClinicId) -> Result<i64> {
    Ok(findings::count(&app.store, clinic).await?)
}

/// Marks a finding as dealt with.
///
/// # Errors
/// [`Error::NotFound`] when it is closed already; or the store's.
pub async fn close(app: &App, actor: &Actor, finding: FindingId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if !findings::close(&mut tx, finding, &actor.label, now).await? {
        return Err(Error::NotFound);
    }
    remit_store::audit::append(
        &mut tx,
        &actor.label,
        "finding.closed",
        &finding.to_string(),
        now,
    )
    .await?;
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
