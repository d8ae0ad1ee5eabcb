//! The outbox's work: messages, provider calls, receipts. Each piece may run more than once and has its effect once.

use remit_core::MINUTE_MS;
use remit_core::account::{Effect, Finding, FindingKind, Refusal};
use remit_core::attempts::AttemptState;
use remit_core::ids::{AttemptId, ClinicId};
use remit_core::outbox::{TRIES_MAX, backoff_ms};
use remit_store::outbox::{self, Leased, Outcome};
use remit_store::{attempts, findings};

use crate::attempts::Made;
use crate::queue::{self, Queue};
use crate::settle::{self, Closed};
use crate::{App, Error, Result, digests, keys, receipts, refunds, sending};

/// How long this node holds what it took: longer than any call's timeout.
const LEASE_MS: i64 = 2 * MINUTE_MS;
/// Pieces that [`run`] takes.
const BATCH: i64 = 10;

/// The outbox as the worker's queue.
pub(crate) struct Outbox;

impl Queue for Outbox {
    const TOPIC: &'static str = "outbox";
    type Piece = Leased;

    async fn take(app: &App, room: i64) -> Result<Vec<Leased>> {
        let mut tx = app.store.begin_installation().await?;
        let now = tx.now().await?;
        let leased = outbox::lease(&mut tx, &app.node, now, now + LEASE_MS, room).await?;
        tx.commit().await?;
        Ok(leased)
    }

    async fn carry_out(app: &App, job: &Leased) {
        // What cannot be written down now comes back when its lease ends.
        if let Err(error) = one(app, job).await {
            tracing::warn!(job.id = %job.id, "outside work {} is not written down: {error}", job.id);
        }
    }
}

/// Carries out due work, one piece after the other; answers how many were taken. The worker itself has several under way.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn run(app: &App) -> Result<usize> {
    queue::run::<Outbox>(app, BATCH).await
}

async fn one(app: &App, job: &Leased) -> Result<()> {
    let outcome = match carry_out(app, job).await {
        Ok(outcome) => outcome,
        Err(error) => retry(app, job, &error).await?,
    };
    finish(app, job, &outcome).await
}

async fn carry_out(app: &App, job: &Leased) -> Result<Outcome> {
    match job.effect {
        Some(Effect::Send { delivery }) => sending::send(app, job, delivery).await,
        Some(Effect::CreateSession { attempt }) => create_session(app, job.clinic, attempt).await,
        Some(Effect::EnsureClosed { attempt }) => close(app, job.clinic, attempt).await,
        Some(Effect::CallRefund { refund }) => refunds::call(app, job.clinic, refund)
            .await
            .map(|()| Outcome::Done),
        Some(Effect::Receipt { payment }) => receipts::by_itself(app, job, payment).await,
        Some(Effect::SendReceipt { receipt }) => receipts::carry_out(app, job, receipt).await,
        Some(Effect::RefundReceipt { refund }) => receipts::of_refund(app, job, refund).await,
        Some(Effect::Digest { staff, day }) => digests::send(app, job, staff, day).await,
        None => Ok(Outcome::Dead {
            why: "work of a kind this release does not know".into(),
        }),
    }
}

async fn retry(app: &App, job: &Leased, error: &Error) -> Result<Outcome> {
    let why = error.to_string();
    let now = app.now().await?;
    tracing::warn!(job.id = %job.id, tries = job.tries, "outside work {} not done yet: {why}", job.id);
    let lasting = matches!(error, Error::NotFound | Error::NotSetUp(_) | Error::Sealed);
    let counts = error.is_a_try();
    if lasting || (counts && job.tries >= TRIES_MAX) {
        return Ok(Outcome::Dead { why });
    }
    Ok(Outcome::Again {
        due_at: now + backoff_ms(job.tries, keys::random_u64(), error.retry_after_ms()),
        why,
        counts,
    })
}

async fn finish(app: &App, job: &Leased, outcome: &Outcome) -> Result<()> {
    let mut tx = app.store.begin(job.clinic).await?;
    let now = tx.now().await?;
    let ours = outbox::settle(&mut tx, job, outcome, now).await?;
    if let Outcome::Dead { why } = outcome
        && ours
    {
        let finding = Finding {
            kind: FindingKind::DeadLetter,
            about: job.id.to_string(),
            amount: None,
            detail: format!(
                "Work outside was given up after {} tries: {why}.",
                job.tries
            ),
        };
        findings::stands(&mut tx, &finding, job.appointment, now).await?;
    }
    Ok(tx.commit().await?)
}

async fn create_session(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<Outcome> {
    let row = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    if !matches!(row.state, AttemptState::Creating | AttemptState::Unknown) {
        return Ok(Outcome::Done);
    }
    if app.now().await? >= row.repeatable_until() {
        return settle::look(app, clinic, attempt)
            .await
            .map(|()| Outcome::Done);
    }
    match crate::attempts::create_session(app, clinic, &row).await? {
        Made::Session(_) | Made::Refused(_) => Ok(Outcome::Done),
        Made::Unknown(unknown) => Err(unknown.into()),
    }
}

async fn close(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<Outcome> {
    match settle::ensure_closed(app, clinic, attempt).await? {
        Closed::Closed | Closed::Paid => Ok(Outcome::Done),
        Closed::Confirming => Err(Error::Refused(Refusal::LivePayment)),
        Closed::Unreachable(unreachable) => Err(Error::ProviderUnreachable(unreachable)),
    }
}
