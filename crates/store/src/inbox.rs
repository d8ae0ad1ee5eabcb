//! The inbox: provider events received, each exactly once, acknowledged before they are applied (hazards A6, A8).

use remit_core::UtcMs;
use remit_core::ids::ClinicId;

use crate::error::id;
use crate::{Result, Tx};

statements! {
    STORE = ["INSERT INTO webhook_inbox (clinic, provider, account, event_id, kind, session_id, reference, refund_id,
        payload, received_at, state, tries, due_at, dispute_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $10, $12)
        ON CONFLICT (clinic, provider, account, event_id) DO NOTHING"];
    LEASE = ["WITH picked AS MATERIALIZED (SELECT clinic, provider, account, event_id FROM webhook_inbox
        WHERE state = 'received' AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
        ORDER BY due_at LIMIT $2" skip_locked ")
        UPDATE webhook_inbox SET lease_until = $3, tries = tries + 1
        WHERE (clinic, provider, account, event_id) IN (SELECT clinic, provider, account, event_id FROM picked)
        RETURNING clinic, provider, account, event_id, kind, session_id, reference, refund_id, tries, received_at,
        dispute_id"];
    RELEASE = ["UPDATE webhook_inbox SET lease_until = NULL WHERE state = 'received' AND lease_until IS NOT NULL"];
    AGAIN = ["UPDATE webhook_inbox SET state = 'received', due_at = $3, tries = 0
        WHERE clinic = $1 AND state = 'dead' AND provider || ':' || account || ':' || event_id = $2"];
    SETTLE = ["UPDATE webhook_inbox SET state = $5, due_at = $6, lease_until = NULL, last_error = $7,
        tries = tries - $8 WHERE clinic = $1 AND provider = $2 AND account = $3 AND event_id = $4"];
}

/// An authentic event, as it was verified.
#[derive(Clone, Debug)]
pub struct Received {
    pub provider: String,
    pub account: String,
    pub event_id: String,
    pub kind: String,
    pub session_id: Option<String>,
    pub reference: Option<String>,
    pub refund_id: Option<String>,
    pub dispute_id: Option<String>,
    /// The raw body.
    pub payload: String,
    /// Authentic but of no interest, or of the wrong mode (hazard A22): kept, never applied.
    pub ignored: bool,
}

/// Stores an event; false when it was there already.
///
/// # Errors
/// The engine's own.
pub async fn store(tx: &mut Tx, event: &Received, now: UtcMs) -> Result<bool> {
    if !event.ignored {
        tx.tell("inbox");
    }
    let rows = exec!(
        tx,
        STORE,
        tx.clinic(),
        event.provider.clone(),
        event.account.clone(),
        event.event_id.clone(),
        event.kind.clone(),
        event.session_id.clone(),
        event.reference.clone(),
        event.refund_id.clone(),
        event.payload.clone(),
        now,
        if event.ignored { "ignored" } else { "received" },
        event.dispute_id.clone(),
    )?;
    Ok(rows == 1)
}

/// Opens every lease for the next taker. Only where this process is the only one: SQLite, at start.
///
/// # Errors
/// The engine's own.
pub async fn release_all(tx: &mut Tx) -> Result<u64> {
    exec!(tx, RELEASE)
}

/// An event that this node is to apply.
#[derive(Clone, Debug)]
pub struct Leased {
    pub clinic: ClinicId,
    pub provider: String,
    pub account: String,
    pub event_id: String,
    pub kind: String,
    pub session_id: Option<String>,
    pub reference: Option<String>,
    pub refund_id: Option<String>,
    pub dispute_id: Option<String>,
    pub tries: i64,
    pub received_at: UtcMs,
}

type Row = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    i64,
    Option<String>,
);

/// Takes due events for this node, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn lease(tx: &mut Tx, now: UtcMs, until: UtcMs, limit: i64) -> Result<Vec<Leased>> {
    let rows = all!(tx, Row, LEASE, now, limit, until)?;
    rows.into_iter()
        .map(
            |(
                clinic,
                provider,
                account,
                event_id,
                kind,
                session_id,
                reference,
                refund_id,
                tries,
                received_at,
                dispute_id,
            )| {
                let clinic = id(&clinic, "clinic id")?;
                Ok(Leased {
                    clinic,
                    provider,
                    account,
                    event_id,
                    kind,
                    session_id,
                    reference,
                    refund_id,
                    dispute_id,
                    tries,
                    received_at,
                })
            },
        )
        .collect()
}

impl Leased {
    /// The name of the event in findings.
    pub fn about(&self) -> String {
        format!("{}:{}:{}", self.provider, self.account, self.event_id)
    }
}

/// Has a given-up event applied again: `about` names it as [`Leased::about`] does. False when it is not given up.
///
/// # Errors
/// The engine's own.
pub async fn again(tx: &mut Tx, about: &str, now: UtcMs) -> Result<bool> {
    tx.tell("inbox");
    Ok(exec!(tx, AGAIN, tx.clinic(), about.to_owned(), now)? > 0)
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Ignored {
        why: String,
    },
    Again {
        due_at: UtcMs,
        why: String,
        /// This one was a try; else nobody outside was asked.
        counts: bool,
    },
    Dead {
        why: String,
    },
}

/// # Errors
/// The engine's own.
pub async fn settle(tx: &mut Tx, event: &Leased, outcome: &Outcome, now: UtcMs) -> Result<()> {
    let (state, due_at, why) = match outcome {
        Outcome::Done => ("done", now, None),
        Outcome::Ignored { why } => ("ignored", now, Some(why.clone())),
        Outcome::Again { due_at, why, .. } => ("received", *due_at, Some(why.clone())),
        Outcome::Dead { why } => ("dead", now, Some(why.clone())),
    };
    exec!(
        tx,
        SETTLE,
        event.clinic.to_string(),
        event.provider.clone(),
        event.account.clone(),
        event.event_id.clone(),
        state,
        due_at,
        why,
        i64::from(matches!(outcome, Outcome::Again { counts: false, .. })),
    )
    .map(drop)
}
