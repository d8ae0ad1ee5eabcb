//! The daily digest: when a clinic wants it, and the day that was claimed last.

use remit_core::digests::DigestSettings;
use remit_core::ids::ClinicId;

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT enabled, hour, last_day FROM digest_setting WHERE clinic = $1"];
    ENABLED = ["SELECT clinic, hour, last_day FROM digest_setting WHERE enabled = 1 ORDER BY clinic LIMIT 10000"];
    SET = ["INSERT INTO digest_setting (clinic, enabled, hour, last_day) VALUES ($1, $2, $3, $4)
        ON CONFLICT (clinic) DO UPDATE SET enabled = excluded.enabled, hour = excluded.hour,
        last_day = excluded.last_day"];
    CLAIM = ["UPDATE digest_setting SET last_day = $2 WHERE clinic = $1 AND enabled = 1 AND last_day < $2"];
}

fn settings(enabled: i64, hour: i64) -> DigestSettings {
    DigestSettings {
        enabled: enabled == 1,
        hour,
    }
}

/// A clinic's settings, and the last day that one was queued on; none where nothing was set.
///
/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId) -> Result<Option<(DigestSettings, i64)>> {
    let row = read_opt!(store, (i64, i64, i64), GET, clinic.to_string())?;
    Ok(row.map(|(enabled, hour, last_day)| (settings(enabled, hour), last_day)))
}

/// The same, read within a transaction.
///
/// # Errors
/// The engine's own.
pub async fn get_in(tx: &mut Tx) -> Result<Option<(DigestSettings, i64)>> {
    let row = opt!(tx, (i64, i64, i64), GET, tx.clinic())?;
    Ok(row.map(|(enabled, hour, last_day)| (settings(enabled, hour), last_day)))
}

/// Every clinic that wants it, with the last day that one was queued on.
///
/// # Errors
/// The engine's own.
pub async fn enabled(store: &Store) -> Result<Vec<(ClinicId, DigestSettings, i64)>> {
    read_all!(store, (String, i64, i64), ENABLED)?
        .into_iter()
        .map(|(clinic, hour, last_day)| {
            Ok((id(&clinic, "clinic id")?, settings(1, hour), last_day))
        })
        .collect()
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, settings: DigestSettings, last_day: i64) -> Result<()> {
    exec!(
        tx,
        SET,
        tx.clinic(),
        i64::from(settings.enabled),
        settings.hour,
        last_day
    )
    .map(drop)
}

/// Claims a day for this transaction: true for the one that is first, whichever node it runs on.
///
/// # Errors
/// The engine's own.
pub async fn claim(tx: &mut Tx, day: i64) -> Result<bool> {
    Ok(exec!(tx, CLAIM, tx.clinic(), day)? == 1)
}
