//! Answers kept per idempotency key (hazard A15; draft-ietf-httpapi-idempotency-key-header-07).

use remit_core::UtcMs;

use crate::{Result, Tx};

statements! {
    CLAIM = ["INSERT INTO idempotency (clinic, actor, method_path, key, request_sha, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (clinic, actor, method_path, key) DO NOTHING"];
    GET = ["SELECT request_sha, status, body, created_at FROM idempotency
        WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4"];
    SAVE = ["UPDATE idempotency SET status = $5, body = $6
        WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4"];
    RELEASE = ["DELETE FROM idempotency WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4
        AND status IS NULL"];
    SWEEP = ["DELETE FROM idempotency WHERE created_at < $1"];
}

/// Who asked for what under which key. All four belong to the scope, so that nobody gets another's answer.
#[derive(Clone, Debug)]
pub struct Key {
    pub actor: String,
    pub method_path: String,
    pub key: String,
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours now: do the work, then save its answer.
    Fresh,
    /// The same request was answered: give the same answer.
    Answered { status: i64, body: String },
    /// The same request is being worked on; since when.
    InFlight { since: UtcMs },
    /// The key was used for another request.
    OtherRequest,
}

/// Claims a key for a request.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, key: &Key, request_sha: &[u8], now: UtcMs) -> Result<Claim> {
    let claimed = exec!(
        tx,
        CLAIM,
        tx.clinic(),
        key.actor.clone(),
        key.method_path.clone(),
        key.key.clone(),
        request_sha.to_vec(),
        now,
    )?;
    if claimed == 1 {
        return Ok(Claim::Fresh);
    }
    type Row = (Vec<u8>, Option<i64>, Option<String>, i64);
    let found = opt!(
        tx,
        Row,
        GET,
        tx.clinic(),
        key.actor.clone(),
        key.method_path.clone(),
        key.key.clone()
    )?;
    Ok(match found {
        Some((sha, _, _, _)) if sha != request_sha => Claim::OtherRequest,
        Some((_, Some(status), body, _)) => Claim::Answered {
            status,
            body: body.unwrap_or_default(),
        },
        Some((_, None, _, since)) => Claim::InFlight { since },
        None => Claim::InFlight { since: now },
    })
}

/// Keeps the answer.
///
/// # Errors
/// The engine's own.
pub async fn save(tx: &mut Tx, key: &Key, status: i64, body: &str) -> Result<()> {
    exec!(
        tx,
        SAVE,
        tx.clinic(),
        key.actor.clone(),
        key.method_path.clone(),
        key.key.clone(),
        status,
        body.to_owned()
    )
    .map(drop)
}

/// Gives a key back whose work did not happen.
///
/// # Errors
/// The engine's own.
pub async fn release(tx: &mut Tx, key: &Key) -> Result<()> {
    exec!(
        tx,
        RELEASE,
        tx.clinic(),
        key.actor.clone(),
        key.method_path.clone(),
        key.key.clone()
    )
    .map(drop)
}

/// Forgets answers older than a moment.
///
/// # Errors
/// The engine's own.
pub async fn sweep(tx: &mut Tx, before: UtcMs) -> Result<u64> {
    exec!(tx, SWEEP, before)
}
