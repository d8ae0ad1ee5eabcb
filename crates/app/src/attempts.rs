//! Attempts: a patient continues to payment, and comes back.

use remit_core::account::Refusal;
use remit_core::attempts::{self as rules, Attempt, Start, Started};
use remit_core::ids::{AttemptId, ClinicId, LinkId};
use remit_core::links::REST_MS;
use remit_core::methods::{Method, NotOffered, offered};
use remit_gateways::payments::{Frozen, SessionOrder};
use remit_gateways::{Answer, Unknown};
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::attempts::Try;
use remit_store::{attempts, links};

use crate::error::{Reach, Unreachable};
use crate::providers::Account;
use crate::settle::{self, Closed};
use crate::{Actor, App, Error, Result, again, clinics, providers, reminders};

/// Where *Continue to payment* leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Continue {
    /// To the provider's page.
    To { url: String, attempt: AttemptId },
    /// A payment is being confirmed; a second one waits for its end.
    InProgress,
    /// The method cannot be used for this amount any more.
    NotOffered(NotOffered),
}

/// Starts a payment through a link, or goes on with the one under way. The press is a POST by a person, so the link
/// becomes *Accessed*. `language`: a BCP 47 tag where another than the patient's own was chosen on the page; the
/// provider's page speaks it too.
///
/// # Errors
/// A refusal when the link has ended or nothing is due; [`Error::ProviderRefused`], [`Error::ProviderUnreachable`];
/// or the store's.
#[crate::boxed]
pub async fn pay(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
    method: Method,
    language: Option<&str>,
) -> Result<Continue> {
    // Each round closes one open try of another amount, method or link; then there is none left (hazard A2).
    const ROUNDS_MAX: u32 = 3;
    crate::reconcile::may_start(app, clinic).await?;
    for _ in 0..ROUNDS_MAX {
        match again(|| start_once(app, clinic, link, method, language)).await? {
            Next::Go(to) => return Ok(to),
            Next::Call(attempt) => return call(app, clinic, attempt).await,
            Next::CloseFirst(attempt) => match settle::ensure_closed(app, clinic, attempt).await? {
                Closed::Closed | Closed::Paid => {}
                Closed::Confirming => return Ok(Continue::InProgress),
                Closed::Unreachable(unreachable) => {
                    return Err(Error::ProviderUnreachable(unreachable));
                }
            },
        }
    }
    Ok(Continue::InProgress)
}

enum Next {
    Go(Continue),
    Call(Box<Attempt>),
    CloseFirst(AttemptId),
}

/// Tx1 of hazards 7.5: the intent, with the frozen bytes of the call that follows.
async fn start_once(
    app: &App,
    clinic: ClinicId,
    link: LinkId,
    method: Method,
    language: Option<&str>,
) -> Result<Next> {
    let context = clinics::context(app, clinic).await?;
    let account = providers::enabled(app, clinic).await?;
    let payer = links::payer(&app.store, clinic, link)
        .await?
        .ok_or(Error::NotFound)?;
    let appointment = payer.appointment;
    let mut tx = app.store.begin(clinic).await?;
    let (standing, now) = lock_standing(&mut tx, appointment)
        .await?
        .ok_or(Error::NotFound)?;
    let row = links::get(&mut tx, link).await?.ok_or(Error::NotFound)?;
    row.usable(now)?;
    let amount = row.payable(standing.balance.due());
    let setting = context
        .methods
        .iter()
        .find(|setting| setting.method == method);
    let taking = account.taking();
    // An email address only where the clinic allows it (hazard E2).
    let email = payer.email.filter(|_| context.shares_email);
    let terms = taking.terms(&context.clinic, email.is_some());
    let verdict = match setting {
        Some(setting) => offered(setting, terms, amount, row.purpose),
        None => Err(NotOffered::Disabled),
    };
    if let Err(why) = verdict
        && !amount.is_zero()
    {
        return Ok(Next::Go(Continue::NotOffered(why)));
    }
    let (failed_tries, oldest_failed_at) =
        links::failed_tries(&mut tx, link, now - REST_MS).await?;
    let start = Start {
        attempt: app.fresh(now)?,
        method,
        provider: account.provider.clone(),
        account: account.account.clone(),
        // A minute of margin: a first call that is late must still be in time (hazard B7).
        session_min_ms: account.capabilities.session_min_ms + remit_core::MINUTE_MS,
        session_max_ms: account.capabilities.session_max_ms,
        failed_tries,
        oldest_failed_at,
    };
    match rules::start(&standing, &row, start, now)? {
        Started::Same(live) => Ok(Next::Go(same(live))),
        Started::InProgress(_) => Ok(Next::Go(Continue::InProgress)),
        Started::CloseFirst(live) => Ok(Next::CloseFirst(live.id)),
        Started::Fresh(attempt, decision) => {
            // A provider that gives no answer is not waited for: the patient hears it at once, and nothing was begun.
            if let Some(rest_ms) = account.breaker.rest_ms() {
                return Err(Error::ProviderUnreachable(Unreachable {
                    retry_after_ms: Some(rest_ms),
                    reach: Reach::NotAsked,
                }));
            }
            let frozen = account.gateway.freeze_session(&order(
                app,
                &context.clinic.name,
                &account,
                &attempt,
                language.map_or(payer.locale, str::to_owned),
                email,
            ));
            let extras = Extras {
                request_body: Some(frozen.0),
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
            tx.commit().await?;
            Ok(Next::Call(Box::new(attempt)))
        }
    }
}

fn same(live: Attempt) -> Continue {
    match live.url {
        Some(url) => Continue::To {
            url,
            attempt: live.id,
        },
        None => Continue::InProgress,
    }
}

/// What the provider is told: our id, the amount, the payee. Nothing clinical, and nothing personal but the patient's language and
/// an email address where the clinic allows it (hazard E2); the addresses to come back to are constant routes with the attempt's id (hazard D11).
fn order(
    app: &App,
    payee: &str,
    account: &Account,
    attempt: &Attempt,
    locale: String,
    email: Option<String>,
) -> SessionOrder {
    let back = format!("{}/p/return/{}", app.config.public_url, attempt.id);
    SessionOrder {
        reference: attempt.id.to_string(),
        amount: attempt.amount,
        method: attempt.method,
        payee: payee.to_owned(),
        return_url: back.clone(),
        cancel_url: format!("{back}?cancelled"),
        webhook_url: account.webhook_url(app),
        expires_at: attempt.session_expires_at,
        locale,
        email,
    }
}

/// The call and Tx2 of hazards 7.5.
async fn call(app: &App, clinic: ClinicId, attempt: Box<Attempt>) -> Result<Continue> {
    match create_session(app, clinic, &attempt).await? {
        Made::Session(url) => Ok(Continue::To {
            url,
            attempt: attempt.id,
        }),
        Made::Refused(why) => Err(Error::ProviderRefused(why)),
        Made::Unknown(_) => Ok(Continue::InProgress),
    }
}

/// How the making of a session went.
pub(crate) enum Made {
    Session(String),
    Refused(String),
    /// Nothing is known; the worker asks again with the same bytes and key (hazard A14).
    Unknown(Unknown),
}

/// Sends the frozen bytes under the attempt's own key, and writes the outcome. Safe to repeat.
pub(crate) async fn create_session(app: &App, clinic: ClinicId, attempt: &Attempt) -> Result<Made> {
    let account = providers::of_attempt(app, clinic, attempt).await?;
    let body = attempts::frozen(&app.store, clinic, attempt.id)
        .await?
        .ok_or(Error::NotFound)?;
    match account
        .gateway
        .create_session(&Frozen(body), &attempt.id.to_string())
        .await
    {
        Answer::Done(session) => {
            providers::note_page(app, &account, &session.url).await?;
            let report = rules::Report {
                session_id: session.session_id,
                url: Some(session.url.clone()),
                status: rules::Reported::Open,
                last_error: None,
            };
            settle::apply_facts(app, clinic, attempt.id, &report).await?;
            Ok(Made::Session(session.url))
        }
        Answer::Refused(refusal) => {
            tracing::warn!(attempt.id = %attempt.id, code = %refusal.code, "session refused for {}", attempt.id);
            settle::move_attempt(app, clinic, attempt.id, |attempt| {
                rules::refused(attempt, &refusal.message)
            })
            .await?;
            Ok(Made::Refused(refusal.message))
        }
        Answer::Unknown(unknown) => {
            tracing::warn!(attempt.id = %attempt.id, "session unknown for {}: {}", attempt.id, unknown.why);
            settle::move_attempt(app, clinic, attempt.id, rules::lost).await?;
            Ok(Made::Unknown(unknown))
        }
    }
}

/// The patient comes back from the provider. What the address says proves nothing: the provider is asked once, and
/// the link's page shows the truth (hazards D11, 7.5).
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn returned(app: &App, attempt: AttemptId) -> Result<(ClinicId, Option<LinkId>)> {
    let clinic = attempts::clinic_of(&app.store, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    let row = attempts::peek(&app.store, clinic, attempt)
        .await?
        .ok_or(Error::NotFound)?;
    if row.state.is_live() {
        // Without an answer the page says "confirming" and the webhook or the poll brings the end.
        if let Err(error) = settle::look(app, clinic, attempt).await {
            tracing::warn!(attempt.id = %attempt, "look at {attempt} on return: {error}");
        }
    }
    Ok((clinic, row.link))
}

/// The live attempt of a link's appointment, for the page.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn live(
    app: &App,
    clinic: ClinicId,
    appointment: remit_core::ids::AppointmentId,
) -> Result<Option<Attempt>> {
    Ok(attempts::live(&app.store, clinic, appointment).await?)
}

/// The latest attempt of a link.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn last_of_link(app: &App, clinic: ClinicId, link: LinkId) -> Result<Option<Attempt>> {
    Ok(attempts::last_of_link(&app.store, clinic, link).await?)
}

/// The tries to pay of many links, oldest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn tries(app: &App, clinic: ClinicId, links: &[LinkId]) -> Result<Vec<Try>> {
    Ok(attempts::tries(&app.store, clinic, links).await?)
}

/// The patient stops a payment under way to pay another way.
///
/// # Errors
/// [`Error::ProviderUnreachable`], a refusal while the provider is still confirming, or the store's.
#[crate::boxed]
pub async fn stop(app: &App, clinic: ClinicId, link: LinkId) -> Result<()> {
    let appointment = crate::links::appointment_of(app, clinic, link).await?;
    let Some(live) = live(app, clinic, appointment)
        .await?
        .filter(|live| live.link == Some(link))
    else {
        return Ok(());
    };
    match settle::ensure_closed(app, clinic, live.id).await? {
        Closed::Closed | Closed::Paid => Ok(()),
        Closed::Confirming | Closed::Unreachable(_) => Err(Error::Refused(Refusal::LivePayment)),
    }
}
