//! Which payment methods a clinic offers online.

use remit_core::ids::ClinicId;
use remit_core::methods::{Method, MethodSetting};

use crate::{Result, Store, Tx};

statements! {
    LIST = ["SELECT method, enabled, for_deposit, for_balance, min_amount, max_amount FROM method_setting
        WHERE clinic = $1"];
    SET = ["INSERT INTO method_setting (clinic, method, enabled, for_deposit, for_balance, min_amount, max_amount)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (clinic, method) DO UPDATE SET enabled = excluded.enabled,
        for_deposit = excluded.for_deposit, for_balance = excluded.for_balance, min_amount = excluded.min_amount,
        max_amount = excluded.max_amount"];
}

/// The clinic's setting of every known method; one that was never set is off.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store, clinic: ClinicId) -> Result<Vec<MethodSetting>> {
    type Row = (String, i64, i64, i64, Option<i64>, Option<i64>);
    let rows = read_all!(store, Row, LIST, clinic.to_string())?;
    let setting = |method: Method| {
        let found = rows.iter().find(|row| row.0 == method.name());
        found.map_or(
            MethodSetting {
                enabled: false,
                ..MethodSetting::open(method)
            },
            |(_, enabled, for_deposit, for_balance, min, max)| MethodSetting {
                method,
                enabled: *enabled == 1,
                for_deposit: *for_deposit == 1,
                for_balance: *for_balance == 1,
                min: *min,
                max: *max,
            },
        )
    };
    Ok(Method::ALL.into_iter().map(setting).collect())
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, setting: &MethodSetting) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET,
        tx.clinic(),
        setting.method.name(),
        i64::from(setting.enabled),
        i64::from(setting.for_deposit),
        i64::from(setting.for_balance),
        setting.min,
        setting.max,
    )
    .map(drop)
}
