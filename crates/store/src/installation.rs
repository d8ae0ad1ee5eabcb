//! What holds for the whole installation: work that one node does for all, and a restored backup that has not caught up.

use remit_core::UtcMs;

use crate::{Result, Store, Tx};

statements! {
    CLAIM = ["INSERT INTO installation (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
        SET value = excluded.value, at = excluded.at WHERE installation.at <= $4"];
    SET = ["INSERT INTO installation (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE
        SET value = excluded.value, at = excluded.at"];
    GET = ["SELECT value FROM installation WHERE name = $1"];
    CLEAR = ["DELETE FROM installation WHERE name = $1"];
}

/// Takes a piece of work that is done once in a while for all nodes; false when it was taken after `before`.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, name: &str, node: &str, now: UtcMs, before: UtcMs) -> Result<bool> {
    Ok(exec!(tx, CLAIM, name.to_owned(), node.to_owned(), now, before)? == 1)
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, name: &str, value: &str, now: UtcMs) -> Result<()> {
    exec!(tx, SET, name.to_owned(), value.to_owned(), now).map(drop)
}

/// # Errors
/// The engine's own.
pub async fn get(store: &Store, name: &str) -> Result<Option<String>> {
    Ok(read_opt!(store, (String,), GET, name.to_owned())?.map(|(value,)| value))
}

/// # Errors
/// The engine's own.
pub async fn clear(tx: &mut Tx, name: &str) -> Result<()> {
    exec!(tx, CLEAR, name.to_owned()).map(drop)
}
