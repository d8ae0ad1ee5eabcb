//! The outbox: effects still to be carried out, leased row by row so that any number of nodes share the work.

use remit_core::UtcMs;
use remit_core::account::Effect;
use remit_core::ids::{AppointmentId, ClinicId, JobId};

use crate::error::{id, id_opt};
use crate::{Result, Store, Tx, fresh};

statements! {
    PUSH = ["INSERT INTO outbox (clinic, id, kind, dedupe_key, appt, state, tries, created_at, due_at, fence)
        VALUES ($1, $2, $3, $4, $5, 'pending', 0, $6, $7, 0)
        ON CONFLICT (clinic, dedupe_key) DO UPDATE SET state = 'pending', due_at = excluded.due_at, tries = 0
        WHERE outbox.state = 'done' AND outbox.kind = 'ensure_closed'"];
    LEASE = ["WITH picked AS MATERIALIZED (SELECT clinic, id FROM outbox
        WHERE state IN ('pending', 'sending') AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
        ORDER BY due_at, id LIMIT $2" skip_locked ")
        UPDATE outbox SET state = 'sending', lease_until = $3, lease_owner = $4, tries = tries + 1, fence = fence + 1
        WHERE (clinic, id) IN (SELECT clinic, id FROM picked)
        RETURNING clinic, id, kind, dedupe_key, appt, tries, fence"];
    SETTLE = ["UPDATE outbox SET state = $3, due_at = $4, lease_until = NULL, lease_owner = NULL, last_error = $5,
        tries = tries - $7 WHERE clinic = $1 AND id = $2 AND fence = $6"];
    RELEASE = ["UPDATE outbox SET lease_until = NULL, lease_owner = NULL WHERE state = 'sending'"];
    LIST_BY_STATE = ["SELECT id, kind, dedupe_key, appt, tries, created_at, last_error FROM outbox
        WHERE clinic = $1 AND state = $2 ORDER BY created_at DESC LIMIT $3"];
    AGAIN = ["UPDATE outbox SET state = 'pending', due_at = $3, tries = 0
        WHERE clinic = $1 AND id = $2 AND state IN ('dead', 'uncertain')"];
    OPEN = ["SELECT COUNT(*) AS n, CAST(COALESCE(MIN(due_at), 0) AS BIGINT) AS oldest FROM outbox
        WHERE state IN ('pending', 'sending')"];
}

/// The kind and the key of an effect: the same effect is queued once.
fn named(effect: &Effect) -> (&'static str, String) {
    match effect {
        Effect::Send { delivery } => ("send", delivery.to_string()),
        Effect::CreateSession { attempt } => ("create_session", attempt.to_string()),
        Effect::EnsureClosed { attempt } => ("ensure_closed", attempt.to_string()),
        Effect::CallRefund { refund } => ("refund", refund.to_string()),
        Effect::Receipt { payment } => ("receipt", payment.to_string()),
        Effect::SendReceipt { receipt } => ("send_receipt", receipt.to_string()),
        Effect::RefundReceipt { refund } => ("refund_receipt", refund.to_string()),
        Effect::Digest { staff, day } => ("digest", format!("{staff}:{day}")),
    }
}

fn effect(kind: &str, key: &str) -> Option<Effect> {
    let object = key.split_once(':')?.1;
    Some(match kind {
        "send" => Effect::Send {
            delivery: object.parse().ok()?,
        },
        "create_session" => Effect::CreateSession {
            attempt: object.parse().ok()?,
        },
        "ensure_closed" => Effect::EnsureClosed {
            attempt: object.parse().ok()?,
        },
        "refund" => Effect::CallRefund {
            refund: object.parse().ok()?,
        },
        "receipt" => Effect::Receipt {
            payment: object.parse().ok()?,
        },
        "send_receipt" => Effect::SendReceipt {
            receipt: object.parse().ok()?,
        },
        "refund_receipt" => Effect::RefundReceipt {
            refund: object.parse().ok()?,
        },
        "digest" => {
            let (staff, day) = object.split_once(':')?;
            Effect::Digest {
                staff: staff.parse().ok()?,
                day: day.parse().ok()?,
            }
        }
        _ => return None,
    })
}

/// Queues an effect in the transaction of the change that asks for it. A second asking while one waits is the same
/// one; only closing a session may be asked for again after it was done.
///
/// # Errors
/// The engine's own.
pub async fn push(
    tx: &mut Tx,
    effect: &Effect,
    appointment: Option<AppointmentId>,
    now: UtcMs,
) -> Result<()> {
    let (kind, object) = named(effect);
    tx.tell("outbox");
    exec!(
        tx,
        PUSH,
        tx.clinic(),
        JobId(fresh::uuid(now)?).to_string(),
        kind,
        format!("{kind}:{object}"),
        appointment.map(|appt| appt.to_string()),
        now,
        now,
    )
    .map(drop)
}

/// A piece of work that this node holds until the lease ends.
#[derive(Clone, Debug)]
pub struct Leased {
    pub clinic: ClinicId,
    pub id: JobId,
    /// `None`: written by a newer release; left to it.
    pub effect: Option<Effect>,
    pub appointment: Option<AppointmentId>,
    /// How many times it was tried, this one included.
    pub tries: i64,
    /// A node whose lease was taken over cannot settle the work any more.
    fence: i64,
}

type LeaseRow = (String, String, String, String, Option<String>, i64, i64);

/// Takes due work for this node, oldest first.
///
/// # Errors
/// The engine's own.
pub async fn lease(
    tx: &mut Tx,
    owner: &str,
    now: UtcMs,
    until: UtcMs,
    limit: i64,
) -> Result<Vec<Leased>> {
    let rows = all!(tx, LeaseRow, LEASE, now, limit, until, owner.to_owned())?;
    rows.into_iter()
        .map(|(clinic, job, kind, key, appt, tries, fence)| {
            Ok(Leased {
                clinic: id(&clinic, "clinic id")?,
                id: id(&job, "job id")?,
                effect: effect(&kind, &key),
                appointment: id_opt(&appt, "appointment id")?,
                tries,
                fence,
            })
        })
        .collect()
}

/// Opens every lease for the next taker. Only where this process is the only one: SQLite, at start. The count of tries
/// stays, so whoever takes the work knows that it may have happened already.
///
/// # Errors
/// The engine's own.
pub async fn release_all(tx: &mut Tx) -> Result<u64> {
    exec!(tx, RELEASE)
}

/// How a piece of work ended for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Try again at the given time.
    Again {
        due_at: UtcMs,
        why: String,
        /// This one was a try; else nobody outside was asked.
        counts: bool,
    },
    /// May have happened or not, and must not be repeated by itself (hazard A28).
    Uncertain {
        why: String,
    },
    /// Given up; a finding tells staff.
    Dead {
        why: String,
    },
}

/// Writes the outcome; false when another node had taken the work over.
///
/// # Errors
/// The engine's own.
pub async fn settle(tx: &mut Tx, job: &Leased, outcome: &Outcome, now: UtcMs) -> Result<bool> {
    let (state, due_at, why) = match outcome {
        Outcome::Done => ("done", now, None),
        Outcome::Again { due_at, why, .. } => ("pending", *due_at, Some(why.clone())),
        Outcome::Uncertain { why } => ("uncertain", now, Some(why.clone())),
        Outcome::Dead { why } => ("dead", now, Some(why.clone())),
    };
    Ok(exec!(
        tx,
        SETTLE,
        job.clinic.to_string(),
        job.id.to_string(),
        state,
        due_at,
        why,
        job.fence,
        i64::from(matches!(outcome, Outcome::Again { counts: false, .. })),
    )? == 1)
}

/// Work that was given up or is uncertain, for staff.
#[derive(Clone, Debug)]
pub struct StuckView {
    pub id: JobId,
    pub kind: String,
    pub about: String,
    pub appointment: Option<AppointmentId>,
    pub tries: i64,
    pub created_at: UtcMs,
    pub last_error: Option<String>,
}

type StuckRow = (
    String,
    String,
    String,
    Option<String>,
    i64,
    i64,
    Option<String>,
);

/// # Errors
/// The engine's own.
pub async fn dead(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<StuckView>> {
    let rows = read_all!(
        store,
        StuckRow,
        LIST_BY_STATE,
        clinic.to_string(),
        "dead",
        limit
    )?;
    rows.into_iter()
        .map(|(job, kind, key, appt, tries, created_at, last_error)| {
            Ok(StuckView {
                id: id(&job, "job id")?,
                about: key
                    .split_once(':')
                    .map_or_else(String::new, |(_, about)| about.to_owned()),
                kind,
                appointment: id_opt(&appt, "appointment id")?,
                tries,
                created_at,
                last_error,
            })
        })
        .collect()
}

/// Puts given-up work back into the queue; false when it is not given up.
///
/// # Errors
/// The engine's own.
pub async fn again(tx: &mut Tx, job: JobId, now: UtcMs) -> Result<bool> {
    tx.tell("outbox");
    Ok(exec!(tx, AGAIN, tx.clinic(), job.to_string(), now)? == 1)
}

/// How much work waits, and since when the oldest is due: for metrics and tests.
///
/// # Errors
/// The engine's own.
pub async fn waiting(store: &Store) -> Result<(i64, UtcMs)> {
    Ok(read_opt!(store, (i64, i64), OPEN)?.unwrap_or((0, 0)))
}
