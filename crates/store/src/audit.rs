//! The audit log: who changed what, hash-chained per clinic (hazard D17). Rare writes, so one chain is no bottleneck.

use remit_core::UtcMs;
use remit_core::ids::ClinicId;

use crate::{Result, Store, Tx};

statements! {
    LOCK_CLINIC = ["SELECT id FROM clinic WHERE id = $1" lock];
    END = ["SELECT seq, hash FROM audit_log WHERE clinic = $1 ORDER BY seq DESC LIMIT 1"];
    APPEND = ["INSERT INTO audit_log (clinic, seq, at, actor, action, object, prev_hash, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"];
    PAGE = ["SELECT seq, at, actor, action, object FROM audit_log WHERE clinic = $1 AND seq < $2
        ORDER BY seq DESC LIMIT $3"];
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

row! {
    /// Who did what, when, and to what.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Line {
        pub seq: i64,
        pub at: UtcMs,
        pub actor: String,
        /// `clinic.changed`.
        pub action: String,
        /// Ids and plain words.
        pub object: String,
    }
}

/// Lines before one of this number, newest first.
///
/// # Errors
/// The engine's own.
pub async fn page(store: &Store, clinic: ClinicId, before: i64, limit: i64) -> Result<Vec<Line>> {
    read_all!(store, Line, PAGE, clinic.to_string(), before, limit)
}
