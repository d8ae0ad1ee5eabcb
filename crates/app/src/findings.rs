//! Findings and given-up work: what a person has to look at.

use remit_core::UtcMs;
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, AttemptId, ClinicId, FindingId, JobId};
use remit_core::roles::Permission;
use remit_store::credits::{self, CreditView};
use remit_store::findings::{self, FindingView};
use remit_store::links::Cursor;
use remit_store::outbox::{self, StuckView};
use remit_store::{Tx, attempts, inbox};

use crate::{Actor, App, Error, Result, disputes, notes, reconcile, settle};

/// How long the words about a settled finding may be.
const NOTE_CHARS_MAX: usize = 300;
/// What is noted where credit is kept.
const KEPT: &str = "Kept as credit";

/// A page of findings, open or settled, newest first; of one kind, if one is given.
///
/// # Errors
/// The store's.
#[crate::boxed]
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

/// One finding, open or settled.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, finding: FindingId) -> Result<FindingView> {
    let found = findings::get(&app.store, clinic, finding).await?;
    found.ok_or(Error::NotFound)
}

/// A page of patients' credits, the appointment booked last first.
///
/// # Errors
/// The store's.
#[crate::boxed]
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
#[crate::boxed]
pub async fn credit_sum(app: &App, clinic: ClinicId) -> Result<(i64, i64)> {
    Ok(credits::sum(&app.store, clinic).await?)
}

/// Keeps an appointment's credit for the patient: what was asked about it is settled.
///
/// # Errors
/// [`Error::NotFound`] when nothing was asked about it any more; or the store's.
#[crate::boxed]
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
#[crate::boxed]
pub async fn count(app: &App, clinic: ClinicId) -> Result<i64> {
    Ok(findings::count(&app.store, clinic).await?)
}

/// Whether a finding of this kind is done only with words about what it was: nothing else in the books tells it.
pub fn asks_for_words(kind: FindingKind) -> bool {
    match kind {
        FindingKind::Unreconciled | FindingKind::AmountMismatch | FindingKind::BrokenInvariant => {
            true
        }
        FindingKind::Surplus
        | FindingKind::UnknownStatus
        | FindingKind::CreditLeft
        | FindingKind::DeadLetter
        | FindingKind::RefundFailed
        | FindingKind::RefundApproval
        | FindingKind::Dispute => false,
    }
}

/// Marks a finding as done, with words about how.
///
/// # Errors
/// [`Error::Invalid`] for words that are too long, or missing where the kind asks for them; [`Error::NotFound`] when
/// it is done already; or the store's.
#[crate::boxed]
pub async fn close(app: &App, actor: &Actor, finding: FindingId, note: Option<&str>) -> Result<()> {
    let note = notes::note("note", note, NOTE_CHARS_MAX)?;
    let kind = get(app, actor.clinic, finding).await?.kind;
    if note.is_none() && asks_for_words(kind) {
        return Err(Error::invalid("note", "Say in a few words what it was."));
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if !findings::close(&mut tx, finding, &actor.label, note.as_deref(), now).await? {
        return Err(Error::NotFound);
    }
    let (by, what) = (&actor.label, finding.to_string());
    remit_store::audit::append(&mut tx, by, "finding.closed", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Asks once more whoever knows: the provider about a word that was not known or about its books, our own books about
/// an invariant. What is answered is applied as always; where that is the end of it, the finding closes.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`] when there is nobody to ask; [`Error::ProviderUnreachable`],
/// [`Error::ProviderRefused`]; or the store's.
#[crate::boxed]
pub async fn ask_again(app: &App, actor: &Actor, finding: FindingId) -> Result<()> {
    actor.require(Permission::Refund)?;
    let open = get(app, actor.clinic, finding).await?;
    let settled = match open.kind {
        FindingKind::UnknownStatus => known_now(app, actor.clinic, &open.about).await?,
        FindingKind::Unreconciled => {
            let books = open.about.strip_prefix("books:");
            let account = books.and_then(|account| account.split_once(':'));
            let account = account.ok_or(Error::NotFound)?;
            // Closed by the comparison itself, where both agree.
            reconcile::compare_one(app, actor.clinic, account).await?;
            false
        }
        FindingKind::BrokenInvariant => {
            reconcile::check_again(app, &open.about).await?;
            false
        }
        FindingKind::Surplus
        | FindingKind::AmountMismatch
        | FindingKind::CreditLeft
        | FindingKind::DeadLetter
        | FindingKind::RefundFailed
        | FindingKind::RefundApproval
        | FindingKind::Dispute => return Err(Error::NotFound),
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    if settled {
        findings::close(&mut tx, finding, "Remit", None, now).await?;
    }
    let what = finding.to_string();
    remit_store::audit::append(&mut tx, &actor.label, "finding.asked", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Asks about an attempt, or a dispute, whose word was not known: whether it has come to an end meanwhile.
async fn known_now(app: &App, clinic: ClinicId, about: &str) -> Result<bool> {
    let Ok(attempt) = about.parse::<AttemptId>() else {
        let mut parts = about.splitn(3, ':');
        let place = parts.next().zip(parts.next()).zip(parts.next());
        let (account, dispute) = place.ok_or(Error::NotFound)?;
        disputes::look(app, clinic, account, dispute).await?;
        return Ok(false);
    };
    settle::look(app, clinic, attempt).await?;
    let after = attempts::peek(&app.store, clinic, attempt).await?;
    Ok(after.is_some_and(|attempt| !attempt.state.is_live()))
}

/// What was refunded because of a finding: one that only a refund settles is done with it. Those about credit close by
/// themselves once none is left.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn refunded(app: &App, actor: &Actor, finding: FindingId, words: &str) -> Result<()> {
    let found = findings::get(&app.store, actor.clinic, finding).await?;
    if found.is_none_or(|found| found.kind != FindingKind::RefundFailed) {
        return Ok(());
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    findings::close(&mut tx, finding, &actor.label, Some(words), now).await?;
    Ok(tx.commit().await?)
}

/// Outside work that was given up after all its tries.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn stuck(app: &App, clinic: ClinicId) -> Result<Vec<StuckView>> {
    Ok(outbox::dead(&app.store, clinic, 100).await?)
}

/// Tries given-up work again. Its finding is closed by itself, and opens again should the work be given up once more.
///
/// # Errors
/// [`Error::NotFound`] when it is not given up; or the store's.
#[crate::boxed]
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
#[crate::boxed]
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
