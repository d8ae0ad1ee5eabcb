//! A clinic's accounts with payment providers. Secrets are sealed before they come here.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, EndpointId};

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    INSERT = ["INSERT INTO provider_account (clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled,
        events_since, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"];
    DISABLE_ALL = ["UPDATE provider_account SET enabled = 0 WHERE clinic = $1 AND enabled = 1"];
    ENABLED = ["SELECT clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled, events_since
        FROM provider_account WHERE clinic = $1 AND enabled = 1"];
    BY_ID = ["SELECT clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled, events_since, "
        now " AS now FROM provider_account WHERE id = $1"];
    BY_ACCOUNT = ["SELECT clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled, events_since
        FROM provider_account WHERE clinic = $1 AND provider = $2 AND account = $3 ORDER BY created_at DESC LIMIT 1"];
    LIST = ["SELECT clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled, events_since
        FROM provider_account ORDER BY clinic, id LIMIT 10000"];
    MOVE_CURSOR = ["UPDATE provider_account SET events_since = $3 WHERE clinic = $1 AND id = $2
        AND events_since < $3"];
}

/// One account with a provider.
#[derive(Clone, Debug)]
pub struct ProviderAccount {
    pub clinic: ClinicId,
    /// Names the webhook route.
    pub id: EndpointId,
    pub provider: String,
    pub account: String,
    /// Base address of the provider's API; empty: this installation's own sandbox.
    pub api_base: String,
    pub secrets_sealed: Vec<u8>,
    pub livemode: bool,
    pub enabled: bool,
    /// How far the event list was read (UTC ms).
    pub events_since: UtcMs,
}

type Row = (
    String,
    String,
    String,
    String,
    String,
    Vec<u8>,
    i64,
    i64,
    i64,
);

fn account(
    (clinic, end, provider, account, api_base, secrets_sealed, livemode, enabled, events_since): Row,
) -> Result<ProviderAccount> {
    Ok(ProviderAccount {
        clinic: id(&clinic, "clinic id")?,
        id: id(&end, "endpoint id")?,
        provider,
        account,
        api_base,
        secrets_sealed,
        livemode: livemode == 1,
        enabled: enabled == 1,
        events_since,
    })
}

/// Adds an account; an enabled one takes the place of the one before for new attempts.
///
/// # Errors
/// The engine's own.
pub async fn insert(tx: &mut Tx, row: &ProviderAccount) -> Result<()> {
    tx.tell("clinic");
    if row.enabled {
        exec!(tx, DISABLE_ALL, tx.clinic())?;
    }
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        row.id.to_string(),
        row.provider.clone(),
        row.account.clone(),
        row.api_base.clone(),
        row.secrets_sealed.clone(),
        i64::from(row.livemode),
        i64::from(row.enabled),
        row.events_since,
    )
    .map(drop)
}

/// The account that takes new attempts.
///
/// # Errors
/// The engine's own.
pub async fn enabled(store: &Store, clinic: ClinicId) -> Result<Option<ProviderAccount>> {
    read_opt!(store, Row, ENABLED, clinic.to_string())?
        .map(account)
        .transpose()
}

#[derive(sqlx::FromRow)]
struct AtRow {
    #[sqlx(flatten)]
    row: Row,
    now: i64,
}

/// The account behind a webhook route, and the moment of reading by the database's clock, which the webhook's own time
/// is compared with (hazard B6).
///
/// # Errors
/// The engine's own.
pub async fn by_endpoint(
    store: &Store,
    endpoint: EndpointId,
) -> Result<Option<(ProviderAccount, UtcMs)>> {
    let row = read_opt!(store, AtRow, BY_ID, endpoint.to_string())?;
    row.map(|row| Ok((account(row.row)?, store.shifted(row.now))))
        .transpose()
}

/// The account that an attempt was made with, enabled or not.
///
/// # Errors
/// The engine's own.
pub async fn by_account(
    store: &Store,
    clinic: ClinicId,
    provider: &str,
    name: &str,
) -> Result<Option<ProviderAccount>> {
    let row = read_opt!(
        store,
        Row,
        BY_ACCOUNT,
        clinic.to_string(),
        provider.to_owned(),
        name.to_owned()
    )?;
    row.map(account).transpose()
}

/// Every account of every clinic, for reconciliation.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store) -> Result<Vec<ProviderAccount>> {
    read_all!(store, Row, LIST)?
        .into_iter()
        .map(account)
        .collect()
}

/// Remembers how far the event list was read; never moves back.
///
/// # Errors
/// The engine's own.
pub async fn move_cursor(tx: &mut Tx, endpoint: EndpointId, since: UtcMs) -> Result<()> {
    exec!(tx, MOVE_CURSOR, tx.clinic(), endpoint.to_string(), since).map(drop)
}
