//! The one place where online money is applied. Webhook, browser return and reconciliation all come here (rule 2).

use remit_core::account::Decision;
use remit_core::attempts::{self as rules, Attempt, Report, Reported, SettleIds};
use remit_core::ids::{AppointmentId, AttemptId, ClinicId};
use remit_core::payments::ProviderPayment;
use remit_gateways::Answer;
use remit_gateways::payments::{Closing, Facts, Lookup, SessionStatus};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::{attempts, links, payments};

use crate::attempts::Made;
use crate::error::{Reach, Unreachable};
use crate::{Actor, App, Error, Result, again, clinics, providers, refunds};

/// Applies what a provider reports of an attempt: posts money once, moves states upwards, queues what follows.
/// Repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn apply_facts(
    app: &App,
    clinic: ClinicId,
    attempt: AttemptId,
    report: &Report,
) -> Result<()> {
    let place = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    let context = clinics::context(app, clinic).await?;
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place.appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let attempt = attempts::get(&mut tx, attempt)
            .await?
            .ok_or(Error::NotFound)?;
        let link = match attempt.link {
            Some(link) => links::get(&mut tx, link).await?,
            None => None,
        };
        if let Reported::Paid { payment_id, .. } = &report.status {
            let source = ProviderPayment {
                provider: attempt.provider.clone(),
                account: attempt.account.clone(),
                payment_id: payment_id.clone(),
            };
            if payments::posted(&mut tx, &source).await?.is_some() {
                return Ok(());
            }
        }
        let ids = SettleIds {
            payment: app.fresh(now)?,
            txn: app.fresh(now)?,
        };
        let decision = rules::settle(&standing, &attempt, link.as_ref(), report, ids, now);
        if decision.events.is_empty() && decision.effects.is_empty() {
            return Ok(());
        }
        let actor = Actor::patient(clinic).label;
        apply(
            &mut tx,
            &standing,
            &decision,
            &Extras::default(),
            &actor,
            now,
        )
        .await?;
        refunds::give_surplus_back(app, &mut tx, place.appointment, &decision, &context).await?;
        tx.commit().await?;
        if let Reported::Paid { .. } = report.status {
            metrics::counter!("remit_payments_posted_total").increment(1);
            tracing::info!(attempt.id = %attempt.id, "posted the payment of {}", attempt.id);
        }
        Ok(())
    })
    .await
}

/// Moves an attempt by a rule that needs nothing else.
pub(crate) async fn move_attempt(
    app: &App,
    clinic: ClinicId,
    attempt: AttemptId,
    rule: impl Fn(&Attempt) -> Decision,
) -> Result<()> {
    let place = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    again(async || {
        let mut tx = app.store.begin(clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place.appointment)
            .await?
            .ok_or(Error::NotFound)?;
        let attempt = attempts::get(&mut tx, attempt)
            .await?
            .ok_or(Error::NotFound)?;
        let decision = rule(&attempt);
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

/// A provider's facts in the rules' words.
fn report(facts: Facts) -> Report {
    let status = match facts.status {
        SessionStatus::Open => Reported::Open,
        SessionStatus::Processing => Reported::Processing {
            payment_id: facts.payment_id,
        },
        SessionStatus::Paid => match (facts.payment_id, facts.received) {
            (Some(payment_id), Some(received)) => Reported::Paid {
                payment_id,
                received,
                paid_with: facts.paid_with,
            },
            _ => Reported::Unheard("paid, without a payment".into()),
        },
        SessionStatus::Failed => Reported::Failed,
        SessionStatus::Expired => Reported::Expired,
        SessionStatus::Other(word) => Reported::Unheard(word),
    };
    Report {
        session_id: facts.session_id,
        url: facts.url,
        status,
        last_error: facts.last_error,
    }
}

/// Asks the provider about an attempt and applies the answer.
///
/// # Errors
/// [`Error::ProviderUnreachable`] when it gave no answer; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn look(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<()> {
    let row = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    let account = providers::of_attempt(app, clinic, &row).await?;
    let reference = row.id.to_string();
    let lookup = match &row.session_id {
        Some(session) => Lookup::Session(session),
        None => Lookup::Reference {
            reference: &reference,
            made_at: row.created_at,
        },
    };
    match account.gateway.retrieve(lookup).await {
        Answer::Done(facts) => apply_facts(app, clinic, attempt, &report(facts)).await,
        Answer::Unknown(unknown) => Err(unknown.into()),
        Answer::Refused(refusal) if refusal.code == "not_found" => resume(app, clinic, &row).await,
        Answer::Refused(refusal) => Err(Error::ProviderRefused(refusal.message)),
    }
}

/// The provider knows no session: while the same call may be repeated it is, later the attempt has failed.
async fn resume(app: &App, clinic: ClinicId, attempt: &Attempt) -> Result<()> {
    if !attempt.state.is_live() {
        return Ok(());
    }
    if app.now().await? < attempt.repeatable_until() {
        return match crate::attempts::create_session(app, clinic, attempt).await? {
            Made::Session(_) | Made::Refused(_) => Ok(()),
            Made::Unknown(unknown) => Err(unknown.into()),
        };
    }
    move_attempt(app, clinic, attempt.id, |attempt| {
        rules::refused(attempt, "The provider has no such session.")
    })
    .await
}

/// Whether a session takes more money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Provably not.
    Closed,
    /// It was paid, and the payment is recorded now.
    Paid,
    /// Too late to close, and the provider is still confirming: its answer may take days (hazard A11).
    Confirming,
    /// The provider gave no answer: nothing is proven.
    Unreachable(Unreachable),
}

impl Closed {
    /// There was an answer, and it proves nothing.
    const UNPROVEN: Closed = Closed::Unreachable(Unreachable::UNPROVEN);
}

/// Makes sure that an attempt takes no more money, and applies what comes to light on the way (hazards A2, B8).
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn ensure_closed(app: &App, clinic: ClinicId, attempt: AttemptId) -> Result<Closed> {
    let row = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    if !row.state.is_live() {
        return Ok(if row.captured > 0 {
            Closed::Paid
        } else {
            Closed::Closed
        });
    }
    let session = match row.session_id.clone() {
        Some(session) => session,
        // The first call's answer is not known. The same call again tells the session's id, so that it can be closed.
        None => match look(app, clinic, attempt).await {
            Ok(()) => match attempts::peek(&app.store, clinic, attempt).await? {
                Some(Attempt {
                    session_id: Some(session),
                    state,
                    ..
                }) if state.is_live() => session,
                Some(after) if after.captured > 0 => return Ok(Closed::Paid),
                // Live and still without a session: nothing is proven yet.
                Some(after) if after.state.is_live() => return Ok(Closed::UNPROVEN),
                _ => return Ok(Closed::Closed),
            },
            Err(Error::ProviderUnreachable(unreachable)) => {
                return Ok(Closed::Unreachable(unreachable));
            }
            Err(Error::ProviderRefused(_)) => return Ok(Closed::UNPROVEN),
            Err(error) => return Err(error),
        },
    };
    let account = providers::of_attempt(app, clinic, &row).await?;
    match account.gateway.ensure_closed(&session).await {
        Answer::Done(Closing::Closed) => {
            let report = Report {
                session_id: session,
                url: None,
                status: Reported::Closed,
                last_error: None,
            };
            apply_facts(app, clinic, attempt, &report).await?;
            Ok(Closed::Closed)
        }
        Answer::Done(Closing::TooLate(facts)) => {
            let report = report(facts);
            apply_facts(app, clinic, attempt, &report).await?;
            Ok(match report.status {
                Reported::Paid { .. } => Closed::Paid,
                Reported::Failed | Reported::Expired | Reported::Closed => Closed::Closed,
                Reported::Processing { .. } => Closed::Confirming,
                Reported::Open | Reported::Unheard(_) => Closed::UNPROVEN,
            })
        }
        Answer::Refused(refusal) if refusal.code == "cannot_close" => {
            Ok(Closed::Unreachable(Unreachable {
                retry_after_ms: None,
                reach: Reach::CannotClose,
            }))
        }
        Answer::Refused(refusal) => {
            tracing::warn!(attempt.id = %attempt, code = %refusal.code, "closing {attempt} was refused");
            Ok(Closed::UNPROVEN)
        }
        Answer::Unknown(unknown) => Ok(Closed::Unreachable(unknown.into())),
    }
}

/// Closes whatever payment is under way for an appointment.
pub(crate) async fn close_live(
    app: &App,
    clinic: ClinicId,
    appointment: AppointmentId,
) -> Result<Closed> {
    match attempts::live(&app.store, clinic, appointment).await? {
        Some(live) => ensure_closed(app, clinic, live.id).await,
        None => Ok(Closed::Closed),
    }
}
