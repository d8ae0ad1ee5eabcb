//! Which payment methods a clinic offers, online and at the desk.

use remit_core::ids::ClinicId;
use remit_core::methods::{Method, MethodSetting};
use remit_core::payments::DeskMethod;

use crate::{Result, Store, Tx};

statements! {
    LIST = ["SELECT method, enabled, for_deposit, for_balance, min_amount, max_amount FROM method_setting
        WHERE clinic = $1"];
    SET = ["INSERT INTO method_setting (clinic, method, enabled, for_deposit, for_balance, min_amount, max_amount)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (clinic, method) DO UPDATE SET enabled = excluded.enabled,
        for_deposit = excluded.for_deposit, for_balance = excluded.for_balance, min_amount = excluded.min_amount,
        max_amount = excluded.max_amount"];
}

/// The clinic's setting of every method that is known online, where one that was never set is off; and the ways in which
/// its desk takes money, where one that was never set is among them.
///
/// # Errors
/// The engine's own.
pub async fn list(
    store: &Store,
    clinic: ClinicId,
) -> Result<(Vec<MethodSetting>, Vec<DeskMethod>)> {
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
    let is_off = |method: &DeskMethod| rows.iter().any(|row| row.0 == method.name() && row.1 == 0);
    let mut at_desk = DeskMethod::ALL.to_vec();
    at_desk.retain(|method| !is_off(method));
    Ok((Method::ALL.map(setting).into(), at_desk))
}

/// # Errors
/// The engine's own.
pub async fn set_at_desk(tx: &mut Tx, method: DeskMethod, enabled: bool) -> Result<()> {
    tx.tell("clinic");
    let (name, enabled) = (method.name(), i64::from(enabled));
    let none: Option<i64> = None;
    exec!(
        tx,
        SET,
        tx.clinic(),
        name,
        enabled,
        1_i64,
        1_i64,
        none,
        none
    )
    .map(drop)
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
