//! The audit log: who changed what, hash-chained per clinic (hazard D17). Rare writes, so one chain is no bottleneck.

use remit_core::UtcMs;

use crate::{Result, Tx};

statements! {
    LOCK_CLINIC = ["SELECT id FROM clinic WHERE id = $1" lock];
    END = ["SELECT seq, hash FROM audit_log WHERE clinic = $1 ORDER BY seq DESC LIMIT 1"];
    APPEND = ["INSERT INTO audit_log (clinic, seq, at, actor, action, object, prev_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
}

/// The text that is hashed.
pub(crate) fn canonical(seq: i64, at: UtcMs, actor: &str, action: &str, object: &str) -> String {
    format!("{seq}|{at}|{actor}|{action}|{object}")
}

/// Appends a line in the transaction of the change it reports. No secrets, no personal data.
///
/// # Errors
/// The engine's own.
pub async fn append(
    tx: &mut Tx,
    actor: &str,
    action: &str,
    object: &str,
    now: UtcMs,
) -> Result<()> {
    opt!(tx, (String,), LOCK_CLINIC, tx.clinic())?;
    let end = opt!(tx, (i64, Vec<u8>), END, tx.clinic())?;
    let (seq, prev) = end.map_or((0, vec![0; 32]), |(seq, hash)| (seq + 1, hash));
    let hash = crate::account::chain_hash(&prev, &canonical(seq, now, actor, action, object));
    exec!(
        tx,
        APPEND,
        tx.clinic(),
        seq,
        now,
        actor.to_owned(),
        action.to_owned(),
        object.to_owned(),
        prev,
        hash
    )
    .map(drop)
}
