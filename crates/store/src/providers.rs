//! A clinic's accounts with payment providers. Secrets are sealed before they come here.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, EndpointId};

use crate::error::id;
use crate::{Result, Store, StoreError, Tx};

macro_rules! columns {
    () => {
        "SELECT clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled, events_since, merchant,
            version, facts, test, tested_at, page_origin, webhook_at, refused, refused_since, refused_at"
    };
}

statements! {
    INSERT = ["INSERT INTO provider_account (clinic, id, provider, account, api_base, secrets_sealed, livemode, enabled,
        events_since, created_at, updated_at, merchant, facts, page_origin)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, $10, $11, $12)"];
    DISABLE_ALL = ["UPDATE provider_account SET enabled = 0 WHERE clinic = $1 AND enabled = 1"];
    ENABLE = ["UPDATE provider_account SET enabled = 1 WHERE clinic = $1 AND id = $2"];
    // An account that comes back takes its place again.
    SAVE = ["UPDATE provider_account SET api_base = $3, secrets_sealed = $4, merchant = COALESCE(merchant, $5),
        facts = COALESCE($6, facts), updated_at = $7, version = version + 1, replaced_at = NULL
        WHERE clinic = $1 AND id = $2 AND version = $8"];
    REPLACE = ["UPDATE provider_account SET replaced_at = $4 WHERE clinic = $1 AND provider = $2 AND id <> $3
        AND replaced_at IS NULL"];
    NOTE_TEST = ["UPDATE provider_account SET test = $3, tested_at = $4, facts = COALESCE($5, facts),
        merchant = COALESCE(merchant, $6) WHERE clinic = $1 AND id = $2"];
    NOTE_ORIGIN = ["UPDATE provider_account SET page_origin = $3 WHERE clinic = $1 AND id = $2"];
    HEARD = ["UPDATE provider_account SET webhook_at = $3, refused = 0, refused_since = NULL, refused_at = NULL
        WHERE clinic = $1 AND id = $2"];
    REFUSED = ["UPDATE provider_account SET refused = refused + $3, refused_since = COALESCE(refused_since, $4),
        refused_at = $5 WHERE clinic = $1 AND id = $2"];
    ENABLED = [(columns!()) " FROM provider_account WHERE clinic = $1 AND enabled = 1"];
    BY_ID = [(columns!()) ", " now " AS now FROM provider_account WHERE id = $1"];
    BY_ACCOUNT = [(columns!()) " FROM provider_account WHERE clinic = $1 AND provider = $2 AND account = $3"];
    OF_PROVIDER = [(columns!()) " FROM provider_account WHERE clinic = $1 AND provider = $2
        ORDER BY CASE WHEN replaced_at IS NULL THEN 0 ELSE 1 END, updated_at DESC, id DESC LIMIT 100"];
    CURRENT = [(columns!()) " FROM provider_account WHERE clinic = $1 AND provider = $2 AND replaced_at IS NULL"];
    ALL_CURRENT = [(columns!()) " FROM provider_account WHERE clinic = $1 AND replaced_at IS NULL ORDER BY provider"];
    LIST = [(columns!()) " FROM provider_account ORDER BY clinic, id LIMIT 10000"];
    MOVE_CURSOR = ["UPDATE provider_account SET events_since = $3 WHERE clinic = $1 AND id = $2
        AND events_since < $3"];
    LAST_SESSION = ["SELECT session_id FROM payment_attempt WHERE clinic = $1 AND provider = $2 AND account = $3
        AND session_id IS NOT NULL ORDER BY id DESC LIMIT 1"];
}

/// One account with a provider.
#[derive(Clone, Debug)]
pub struct ProviderAccount {
    pub clinic: ClinicId,
    /// Names the webhook route.
    pub id: EndpointId,
    pub provider: String,
    /// The name that attempts and ledger keep; never changes.
    pub account: String,
    /// Base address of the provider's API; empty: this installation's own sandbox.
    pub api_base: String,
    pub secrets_sealed: Vec<u8>,
    pub livemode: bool,
    pub enabled: bool,
    /// How far the event list was read (UTC ms).
    pub events_since: UtcMs,
    /// The provider's own id of the account, once it is known.
    pub merchant: Option<String>,
    /// Rises with every change of key, secrets or address.
    pub version: i64,
    /// What the account is and can, as the provider said last; JSON of the application's.
    pub facts: Option<String>,
    /// The last test of the connection; JSON of the application's.
    pub test: Option<String>,
    pub tested_at: Option<UtcMs>,
    /// Scheme, host and port of the provider's payment pages.
    pub page_origin: Option<String>,
    /// When an authentic webhook came last, within a minute.
    pub webhook_at: Option<UtcMs>,
    pub refused: Option<RefusedWebhooks>,
}

impl ProviderAccount {
    /// An account without secrets, that takes nothing and of which nothing is known.
    pub fn fresh(clinic: ClinicId, id: EndpointId, provider: &str, now: UtcMs) -> ProviderAccount {
        ProviderAccount {
            clinic,
            id,
            provider: provider.to_owned(),
            account: String::new(),
            api_base: String::new(),
            secrets_sealed: vec![],
            livemode: false,
            enabled: false,
            events_since: now,
            merchant: None,
            version: 1,
            facts: None,
            test: None,
            tested_at: None,
            page_origin: None,
            webhook_at: None,
            refused: None,
        }
    }
}

/// Webhooks that were not believed since the last one that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedWebhooks {
    pub count: i64,
    pub since: UtcMs,
    pub last: UtcMs,
}

row! {
    struct Row {
        clinic: String,
        id: String,
        provider: String,
        account: String,
        api_base: String,
        secrets_sealed: Vec<u8>,
        livemode: i64,
        enabled: i64,
        events_since: i64,
        merchant: Option<String>,
        version: i64,
        facts: Option<String>,
        test: Option<String>,
        tested_at: Option<i64>,
        page_origin: Option<String>,
        webhook_at: Option<i64>,
        refused: i64,
        refused_since: Option<i64>,
        refused_at: Option<i64>,
    }
}

fn account(row: Row) -> Result<ProviderAccount> {
    let refused = row.refused_since.zip(row.refused_at);
    Ok(ProviderAccount {
        clinic: id(&row.clinic, "clinic id")?,
        id: id(&row.id, "endpoint id")?,
        provider: row.provider,
        account: row.account,
        api_base: row.api_base,
        secrets_sealed: row.secrets_sealed,
        livemode: row.livemode == 1,
        enabled: row.enabled == 1,
        events_since: row.events_since,
        merchant: row.merchant,
        version: row.version,
        facts: row.facts,
        test: row.test,
        tested_at: row.tested_at,
        page_origin: row.page_origin,
        webhook_at: row.webhook_at,
        refused: refused
            .filter(|_| row.refused > 0)
            .map(|(since, last)| RefusedWebhooks {
                count: row.refused,
                since,
                last,
            }),
    })
}

/// Adds an account; an enabled one takes the place of the one before for new attempts, and it takes the place of the
/// provider's account before in the settings.
///
/// # Errors
/// `Unique` when another command added one at the same time; the engine's own.
pub async fn insert(tx: &mut Tx, row: &ProviderAccount) -> Result<()> {
    tx.tell("clinic");
    if row.enabled {
        exec!(tx, DISABLE_ALL, tx.clinic())?;
    }
    replace_others(tx, row, row.events_since).await?;
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
        row.merchant.clone(),
        row.facts.clone(),
        row.page_origin.clone(),
    )
    .map(drop)
}

async fn replace_others(tx: &mut Tx, row: &ProviderAccount, now: UtcMs) -> Result<()> {
    exec!(
        tx,
        REPLACE,
        tx.clinic(),
        row.provider.clone(),
        row.id.to_string(),
        now
    )
    .map(drop)
}

/// Writes an account's address, secrets and what became known of it. `row.version` is the one that was read.
///
/// # Errors
/// [`StoreError::Retry`] when it was changed since; the engine's own.
pub async fn save(tx: &mut Tx, row: &ProviderAccount, now: UtcMs) -> Result<()> {
    tx.tell("clinic");
    replace_others(tx, row, now).await?;
    let saved = exec!(
        tx,
        SAVE,
        tx.clinic(),
        row.id.to_string(),
        row.api_base.clone(),
        row.secrets_sealed.clone(),
        row.merchant.clone(),
        row.facts.clone(),
        now,
        row.version,
    )?;
    if saved == 1 {
        Ok(())
    } else {
        Err(StoreError::Retry)
    }
}

/// Makes one account, or none, the one that takes new attempts.
///
/// # Errors
/// The engine's own.
pub async fn enable(tx: &mut Tx, endpoint: Option<EndpointId>) -> Result<()> {
    tx.tell("clinic");
    exec!(tx, DISABLE_ALL, tx.clinic())?;
    if let Some(endpoint) = endpoint {
        exec!(tx, ENABLE, tx.clinic(), endpoint.to_string())?;
    }
    Ok(())
}

/// Keeps a test of the connection, with the facts and the account's id that it brought to light.
///
/// # Errors
/// The engine's own.
pub async fn note_test(
    tx: &mut Tx,
    endpoint: EndpointId,
    (test, tested_at): (String, UtcMs),
    facts: Option<String>,
    merchant: Option<String>,
) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        NOTE_TEST,
        tx.clinic(),
        endpoint.to_string(),
        test,
        tested_at,
        facts,
        merchant
    )
    .map(drop)
}

/// Keeps where the provider's payment pages are.
///
/// # Errors
/// The engine's own.
pub async fn note_origin(tx: &mut Tx, endpoint: EndpointId, origin: &str) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        NOTE_ORIGIN,
        tx.clinic(),
        endpoint.to_string(),
        origin.to_owned()
    )
    .map(drop)
}

/// An authentic webhook came: whatever was refused before is over.
///
/// # Errors
/// The engine's own.
pub async fn heard(tx: &mut Tx, endpoint: EndpointId, now: UtcMs) -> Result<()> {
    exec!(tx, HEARD, tx.clinic(), endpoint.to_string(), now).map(drop)
}

/// Webhooks came that were not believed.
///
/// # Errors
/// The engine's own.
pub async fn refused(tx: &mut Tx, endpoint: EndpointId, more: RefusedWebhooks) -> Result<()> {
    exec!(
        tx,
        REFUSED,
        tx.clinic(),
        endpoint.to_string(),
        more.count,
        more.since,
        more.last
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

row! {
    struct AtRow {
        now: i64,
    }
    with row: Row
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

/// A clinic's accounts with one provider: the one in the settings first, then those it replaced, latest first.
///
/// # Errors
/// The engine's own.
pub async fn of_provider(
    store: &Store,
    clinic: ClinicId,
    provider: &str,
) -> Result<Vec<ProviderAccount>> {
    read_all!(
        store,
        Row,
        OF_PROVIDER,
        clinic.to_string(),
        provider.to_owned()
    )?
    .into_iter()
    .map(account)
    .collect()
}

/// The account of a provider that stands in the settings, read in a transaction.
///
/// # Errors
/// The engine's own.
pub async fn current_in(tx: &mut Tx, provider: &str) -> Result<Option<ProviderAccount>> {
    opt!(tx, Row, CURRENT, tx.clinic(), provider.to_owned())?
        .map(account)
        .transpose()
}

/// The accounts that stand in a clinic's settings.
///
/// # Errors
/// The engine's own.
pub async fn current(store: &Store, clinic: ClinicId) -> Result<Vec<ProviderAccount>> {
    read_all!(store, Row, ALL_CURRENT, clinic.to_string())?
        .into_iter()
        .map(account)
        .collect()
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

/// The latest session made with an account: what proves that another key belongs to the same one.
///
/// # Errors
/// The engine's own.
pub async fn last_session(store: &Store, row: &ProviderAccount) -> Result<Option<String>> {
    let found = read_opt!(
        store,
        (String,),
        LAST_SESSION,
        row.clinic.to_string(),
        row.provider.clone(),
        row.account.clone()
    )?;
    Ok(found.map(|(session,)| session))
}
