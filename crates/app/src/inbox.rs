//! Provider webhooks: verified, stored once, acknowledged; applied by the worker (hazards A6 to A8, D1, D2).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use remit_core::account::{Finding, FindingKind};
use remit_core::ids::{ClinicId, EndpointId};
use remit_core::outbox::{TRIES_MAX, backoff_ms};
use remit_core::{MINUTE_MS, UtcMs};
use remit_gateways::payments::{About, ProviderEvent, WebhookError, WebhookRequest};
use remit_store::inbox::{self, Leased, Outcome, Received};
use remit_store::providers::RefusedWebhooks;
use remit_store::{attempts, findings};

use crate::queue::{self, Queue};
use crate::{App, Error, Result, disputes, keys, providers, refunds, settle};

/// How long this node holds events that it took.
const LEASE_MS: i64 = MINUTE_MS;
/// Events that [`run`] takes.
const BATCH: i64 = 20;

/// How often it is noted that webhooks come: not with each, or all of a clinic's would wait for one row.
const HEARD_EVERY_MS: i64 = MINUTE_MS;
/// Endpoints whose refused webhooks one node counts between two writings.
const REFUSED_ENDPOINTS_MAX: usize = 10_000;

/// Webhooks that this node did not believe, until they are written: strangers must not make it write with each.
#[derive(Default)]
pub(crate) struct RefusedHere(Mutex<HashMap<EndpointId, (ClinicId, RefusedWebhooks)>>);

impl RefusedHere {
    fn note(&self, account: &providers::Account, now: UtcMs) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= REFUSED_ENDPOINTS_MAX && !kept.contains_key(&account.endpoint) {
            return;
        }
        let fresh = RefusedWebhooks {
            count: 0,
            since: now,
            last: now,
        };
        let (_, refused) = kept
            .entry(account.endpoint)
            .or_insert((account.clinic, fresh));
        refused.count += 1;
        refused.last = refused.last.max(now);
    }
}

/// Writes what this node refused; answers for how many endpoints.
///
/// # Errors
/// The store's; what was counted is lost then.
#[crate::boxed]
pub async fn write_refused(app: &App) -> Result<usize> {
    let counted =
        std::mem::take(&mut *app.refused.0.lock().unwrap_or_else(PoisonError::into_inner));
    for (endpoint, (clinic, refused)) in &counted {
        let mut tx = app.store.begin(*clinic).await?;
        remit_store::providers::refused(&mut tx, *endpoint, *refused).await?;
        tx.commit().await?;
    }
    Ok(counted.len())
}

/// How a webhook was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    Stored,
    /// It was there already.
    Known,
    /// Not believed; nothing was stored.
    Refused(WebhookError),
}

/// Verifies and stores one webhook; `header` reads the one that carries the signature. The object it names is not
/// looked at here: acknowledge first.
///
/// # Errors
/// [`Error::NotFound`] for an unknown endpoint; or the store's, so that the provider tries again.
#[crate::boxed]
pub async fn receive(
    app: &App,
    endpoint: EndpointId,
    header: &(dyn Fn(&'static str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<Accepted> {
    let (account, now) = providers::by_endpoint(app, endpoint).await?;
    let signature = header(account.gateway.signature_header()).unwrap_or_default();
    let request = WebhookRequest {
        signature: &signature,
        body,
        received_at: now,
    };
    let event = match account.gateway.verify_webhook(request) {
        Ok(event) => event,
        Err(error) => {
            metrics::counter!("remit_webhooks_refused_total").increment(1);
            if error == WebhookError::Signature {
                app.refused.note(&account, now);
            }
            return Ok(Accepted::Refused(error));
        }
    };
    // Another mode or another account's event is authentic and not ours: kept, never applied (hazard A22).
    let foreign = account.is_foreign(&event);
    let mut tx = app.store.begin_single(account.clinic).await?;
    let stored = inbox::store(&mut tx, &row(&account, event, body, foreign), now).await?;
    tx.commit().await?;
    if account.has_refused
        || account
            .webhook_at
            .is_none_or(|at| now - at >= HEARD_EVERY_MS)
    {
        let mut tx = app.store.begin_single(account.clinic).await?;
        remit_store::providers::heard(&mut tx, account.endpoint, now).await?;
        tx.commit().await?;
    }
    Ok(if stored {
        Accepted::Stored
    } else {
        Accepted::Known
    })
}

pub(crate) fn row(
    account: &providers::Account,
    event: ProviderEvent,
    body: &[u8],
    foreign: bool,
) -> Received {
    let (session_id, reference, refund_id, dispute_id) = match event.about {
        About::Session {
            session_id,
            reference,
        } => (Some(session_id), reference, None, None),
        About::Refund {
            provider_refund_id,
            reference,
            ..
        } => (None, reference, Some(provider_refund_id), None),
        About::Payment { reference, .. } => (None, Some(reference), None, None),
        About::Dispute { dispute_id, .. } => (None, None, None, Some(dispute_id)),
        About::Nothing => (None, None, None, None),
    };
    let about_nothing = [&session_id, &reference, &refund_id, &dispute_id]
        .iter()
        .all(|named| named.is_none());
    Received {
        provider: account.provider.clone(),
        account: account.account.clone(),
        event_id: event.event_id,
        kind: event.kind,
        ignored: foreign || about_nothing,
        session_id,
        reference,
        refund_id,
        dispute_id,
        payload: String::from_utf8_lossy(body).into_owned(),
    }
}

/// The inbox as the worker's queue.
pub(crate) struct Inbox;

impl Queue for Inbox {
    const TOPIC: &'static str = "inbox";
    type Piece = Leased;

    async fn take(app: &App, room: i64) -> Result<Vec<Leased>> {
        let mut tx = app.store.begin_installation().await?;
        let now = tx.now().await?;
        let leased = inbox::lease(&mut tx, now, now + LEASE_MS, room).await?;
        tx.commit().await?;
        Ok(leased)
    }

    async fn carry_out(app: &App, event: &Leased) {
        // What cannot be written down now comes back when its lease ends.
        if let Err(error) = one(app, event).await {
            let id = &event.event_id;
            tracing::warn!(event.id = %id, "provider event {id} is not written down: {error}");
        }
    }
}

/// Applies stored events, one after the other; answers how many were taken. The worker itself has several under way.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn run(app: &App) -> Result<usize> {
    queue::run::<Inbox>(app, BATCH).await
}

async fn one(app: &App, event: &Leased) -> Result<()> {
    let outcome = match carry_out(app, event).await {
        Ok(outcome) => outcome,
        Err(error) => retry(app, event, error).await?,
    };
    let mut tx = app.store.begin(event.clinic).await?;
    let now = tx.now().await?;
    inbox::settle(&mut tx, event, &outcome, now).await?;
    if let Outcome::Dead { why } = &outcome {
        let finding = Finding {
            kind: FindingKind::DeadLetter,
            about: event.about(),
            amount: None,
            detail: format!(
                "The provider told of something (“{}”) that could not be applied after {} tries: {why}.",
                event.kind, event.tries
            ),
        };
        findings::stands(&mut tx, &finding, None, now).await?;
    }
    Ok(tx.commit().await?)
}

async fn carry_out(app: &App, event: &Leased) -> Result<Outcome> {
    let account = (event.provider.as_str(), event.account.as_str());
    if let Some(dispute) = &event.dispute_id {
        disputes::look(app, event.clinic, account, dispute).await?;
        return Ok(Outcome::Done);
    }
    if let Some(refund) = &event.refund_id {
        refunds::look(app, event.clinic, account, refund).await?;
        return Ok(Outcome::Done);
    }
    if event.session_id.is_none() && event.reference.is_none() {
        return Ok(Outcome::Ignored {
            why: "about nothing we keep".into(),
        });
    }
    let by_session = match &event.session_id {
        Some(session) => {
            attempts::by_session(&app.store, event.clinic, &event.provider, session).await?
        }
        None => None,
    };
    // The webhook may overtake the answer that tells us the session's id, or name only the payment: our reference finds
    // the attempt then.
    let attempt = by_session.or_else(|| {
        event
            .reference
            .as_deref()
            .and_then(|text| text.parse().ok())
    });
    settle::look(app, event.clinic, attempt.ok_or(Error::NotFound)?).await?;
    Ok(Outcome::Done)
}

async fn retry(app: &App, event: &Leased, error: Error) -> Result<Outcome> {
    let now: UtcMs = app.now().await?;
    let why = error.to_string();
    tracing::warn!(event.id = %event.event_id, tries = event.tries, "provider event {} not applied yet: {why}", event.event_id);
    let counts = error.is_a_try();
    if counts && event.tries >= TRIES_MAX {
        return Ok(Outcome::Dead { why });
    }
    Ok(Outcome::Again {
        due_at: now + backoff_ms(event.tries, keys::random_u64(), error.retry_after_ms()),
        why,
        counts,
    })
}
