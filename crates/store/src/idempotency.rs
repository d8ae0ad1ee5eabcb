//! Answers kept per idempotency key (hazard A15; draft-ietf-httpapi-idempotency-key-header-07).

use remit_core::UtcMs;

use crate::{Result, Tx};

statements! {
    CLAIM = ["INSERT INTO idempotency (clinic, actor, method_path, key, request_sha, created_at, lease_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (clinic, actor, method_path, key) DO NOTHING"];
    GET = ["SELECT request_sha, status, body, created_at FROM idempotency
        WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4"];
    TAKE_OVER = ["UPDATE idempotency SET lease_until = $5
        WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4 AND status IS NULL AND lease_until <= $6"];
    SAVE = ["UPDATE idempotency SET status = $5, body = $6
        WHERE clinic = $1 AND actor = $2 AND method_path = $3 AND key = $4"];
    RELEASE = ["UPDATE idempotency SET lease_until = 0 WHERE clinic = $1 AND actor = $2 AND method_path = $3
        AND key = $4 AND status IS NULL"];
    ABANDON = ["UPDATE idempotency SET lease_until = 0 WHERE status IS NULL"];
    SWEEP = ["DELETE FROM idempotency WHERE created_at < $1"];
}

/// Milliseconds a request may work before another may take its key over: far longer than any request takes.
const LEASE_MS: i64 = 30 * remit_core::SECOND_MS;

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
    /// It is ours now: do the work, then save its answer. `since` is when the key was first used: what the work makes
    /// takes its ids from key and moment, so work that a crash cut off is found done, not done again.
    Ours { since: UtcMs },
    /// The same request was answered: give the same answer.
    Answered { status: i64, body: String },
    /// The same request is being worked on.
    InFlight,
    /// The key was used for another request.
    OtherRequest,
}

/// Claims a key for a request, or takes it over from one that never came back.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, key: &Key, request_sha: &[u8], now: UtcMs) -> Result<Claim> {
    let (actor, path, name) = (key.actor.clone(), key.method_path.clone(), key.key.clone());
    let until = now + LEASE_MS;
    let sha = request_sha.to_vec();
    let claimed = exec!(
        tx,
        CLAIM,
        tx.clinic(),
        actor.clone(),
        path.clone(),
        name.clone(),
        sha,
        now,
        until
    )?;
    if claimed == 1 {
        return Ok(Claim::Ours { since: now });
    }
    type Row = (Vec<u8>, Option<i64>, Option<String>, i64);
    let found = opt!(
        tx,
        Row,
        GET,
        tx.clinic(),
        actor.clone(),
        path.clone(),
        name.clone()
    )?;
    Ok(match found {
        Some((sha, _, _, _)) if sha != request_sha => Claim::OtherRequest,
        Some((_, Some(status), body, _)) => Claim::Answered {
            status,
            body: body.unwrap_or_default(),
        },
        Some((_, None, _, since)) => {
            let taken = exec!(tx, TAKE_OVER, tx.clinic(), actor, path, name, until, now)?;
            if taken == 1 {
                Claim::Ours { since }
            } else {
                Claim::InFlight
            }
        }
        None => Claim::InFlight,
    })
}

/// Opens every unanswered key for its next asker. Only where this process is the only one: SQLite, at start.
///
/// # Errors
/// The engine's own.
pub async fn abandon_all(tx: &mut Tx) -> Result<u64> {
    exec!(tx, ABANDON)
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

/// Gives a key back whose work did not happen, or whose commit is in doubt (hazard C7): the same request may be sent
/// again at once. The moment of its first use stays, so that work which was done after all is found under its id.
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
