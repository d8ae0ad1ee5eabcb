//! Movements of provider accounts: read once each, posted in the account's own book, compared with the ledger (I3b).

use remit_core::UtcMs;
use remit_core::ids::EndpointId;
use remit_core::money::{Currency, Money};
use remit_core::movements::{Movement, MovementKind, Posted};

use crate::error::read;
use crate::providers::ProviderAccount;
use crate::{Result, Store, Tx};

statements! {
    LOCK = ["SELECT id FROM provider_account WHERE clinic = $1 AND id = $2" lock];
    KNOWN = ["SELECT id FROM movement WHERE clinic = $1 AND provider = $2 AND account = $3 AND id = $4"];
    INSERT = ["INSERT INTO movement (clinic, provider, account, id, kind, source, gross, kept, net, currency, at, read_at,
        txn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"];
    CURSOR = ["SELECT CASE WHEN movements_since = 0 THEN created_at ELSE movements_since END AS since
        FROM provider_account WHERE clinic = $1 AND id = $2"];
    MOVE_CURSOR = ["UPDATE provider_account SET movements_since = $3 WHERE clinic = $1 AND id = $2
        AND movements_since < $3"];
    HOLD = ["UPDATE provider_account SET lists_until = $4, lists_node = $5 WHERE clinic = $1 AND id = $2
        AND (lists_until <= $3 OR lists_node = $5)"];
    RELEASE = ["UPDATE provider_account SET lists_until = 0, lists_node = '' WHERE clinic = $1 AND id = $2
        AND lists_node = $3"];
    THEIRS = ["SELECT currency, CAST(SUM(net) AS BIGINT) AS net FROM movement
        WHERE clinic = $1 AND provider = $2 AND account = $3 AND kind <> 'other' GROUP BY currency"];
    OURS = ["SELECT currency, CAST(SUM(amount) AS BIGINT) AS net FROM ledger_entry
        WHERE clinic = $1 AND account = $2 AND account LIKE 'psp_clearing:%' GROUP BY currency"];
    COMPARED = ["UPDATE provider_account SET compared_at = $3,
        agreed_at = CASE WHEN $4 = 1 THEN CAST($3 AS BIGINT) ELSE COALESCE(agreed_at, CAST($3 AS BIGINT)) END
        WHERE clinic = $1 AND id = $2 RETURNING agreed_at"];
    MISSING_PAYMENT = ["SELECT CAST(COALESCE(MIN(m.at), 0) AS BIGINT) AS at FROM movement m
        WHERE m.clinic = $1 AND m.provider = $2 AND m.account = $3 AND m.kind = 'payment' AND m.read_at >= $4
        AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.clinic = m.clinic AND p.provider = m.provider
          AND p.account = m.account AND p.provider_payment_id = m.source)"];
    MISSING_REFUND = ["SELECT CAST(COALESCE(MIN(m.at), 0) AS BIGINT) AS at FROM movement m
        WHERE m.clinic = $1 AND m.provider = $2 AND m.account = $3 AND m.kind IN ('refund', 'refund_failure')
        AND m.read_at >= $4
        AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.clinic = m.clinic AND r.provider_refund_id = m.source
          AND r.state = CASE WHEN m.kind = 'refund' THEN 'succeeded' ELSE 'failed' END)"];
}

/// Takes the account's lock row, under which its book is written. False: no such account in this clinic.
///
/// # Errors
/// The engine's own.
pub async fn lock_book(tx: &mut Tx, account: EndpointId) -> Result<bool> {
    Ok(opt!(tx, (String,), LOCK, tx.clinic(), account.to_string())?.is_some())
}

/// Whether a movement was read before, asked under the lock of the account's book.
///
/// # Errors
/// The engine's own.
pub async fn is_known(tx: &mut Tx, account: &ProviderAccount, movement: &str) -> Result<bool> {
    let row = opt!(
        tx,
        (String,),
        KNOWN,
        tx.clinic(),
        account.provider.clone(),
        account.account.clone(),
        movement.to_owned()
    )?;
    Ok(row.is_some())
}

/// Writes a movement and what it posts at the end of the account's chain, under its lock.
///
/// # Errors
/// [`crate::StoreError::Unique`] when it was read before; or the engine's own.
pub async fn insert(
    tx: &mut Tx,
    account: &ProviderAccount,
    movement: &Movement,
    posted: &Posted,
    now: UtcMs,
) -> Result<()> {
    // What nothing explains counts nowhere: it has a finding.
    let explained = posted.finding.is_none();
    let kind = if explained {
        movement.kind
    } else {
        MovementKind::Other
    };
    let txn = posted.txn.as_ref();
    if let Some(txn) = txn {
        crate::account::append(tx, &account.id.to_string(), txn, "Remit", now).await?;
    }
    exec!(
        tx,
        INSERT,
        tx.clinic(),
        account.provider.clone(),
        account.account.clone(),
        movement.id.clone(),
        kind.name(),
        movement.source.clone(),
        movement.gross.minor,
        movement.kept().minor,
        movement.net.minor,
        movement.net.currency.code().to_owned(),
        movement.at,
        now,
        txn.map(|txn| txn.id.to_string()),
    )
    .map(drop)
}

/// How far the account's movements were read (UTC ms); when the account was added, before the first time.
///
/// # Errors
/// The engine's own.
pub async fn cursor(store: &Store, account: &ProviderAccount) -> Result<UtcMs> {
    let (clinic, id) = (account.clinic.to_string(), account.id.to_string());
    Ok(read_opt!(store, (i64,), CURSOR, clinic, id)?.map_or(0, |(since,)| since))
}

/// Remembers how far they were read; never moves back.
///
/// # Errors
/// The engine's own.
pub async fn move_cursor(tx: &mut Tx, account: EndpointId, since: UtcMs) -> Result<()> {
    exec!(tx, MOVE_CURSOR, tx.clinic(), account.to_string(), since).map(drop)
}

/// Takes or keeps the right to read an account's lists until then; false while another node has it.
///
/// # Errors
/// The engine's own.
pub async fn hold_lists(
    tx: &mut Tx,
    account: EndpointId,
    node: &str,
    now: UtcMs,
    until: UtcMs,
) -> Result<bool> {
    let rows = exec!(
        tx,
        HOLD,
        tx.clinic(),
        account.to_string(),
        now,
        until,
        node.to_owned()
    )?;
    Ok(rows == 1)
}

/// Gives that right back.
///
/// # Errors
/// The engine's own.
pub async fn release_lists(tx: &mut Tx, account: EndpointId, node: &str) -> Result<()> {
    exec!(
        tx,
        RELEASE,
        tx.clinic(),
        account.to_string(),
        node.to_owned()
    )
    .map(drop)
}

/// What one side says stands in the account, per currency. Sums of nothing are left out.
pub type Sums = Vec<Money>;

fn sums(rows: Vec<(String, i64)>) -> Result<Sums> {
    let sums = rows.into_iter().map(|(code, net)| {
        let currency = read(Currency::parse(&code), "currency")?;
        Ok(Money::new(net, currency))
    });
    sums.collect()
}

/// The sum of the provider's movements that have an explanation: those without have a finding each.
///
/// # Errors
/// The engine's own.
pub async fn theirs(store: &Store, account: &ProviderAccount) -> Result<Sums> {
    sums(read_all!(
        store,
        (String, i64),
        THEIRS,
        account.clinic.to_string(),
        account.provider.clone(),
        account.account.clone()
    )?)
}

/// What our ledger says stands with the provider.
///
/// # Errors
/// The engine's own.
pub async fn ours(store: &Store, account: &ProviderAccount) -> Result<Sums> {
    sums(read_all!(
        store,
        (String, i64),
        OURS,
        account.clinic.to_string(),
        format!("psp_clearing:{}:{}", account.provider, account.account)
    )?)
}

/// Remembers that both sides were compared; answers when they agreed last, this time included. The first comparison
/// counts as agreed: from there on a difference has a day to go away.
///
/// # Errors
/// The engine's own.
pub async fn compared(tx: &mut Tx, account: EndpointId, agree: bool, now: UtcMs) -> Result<UtcMs> {
    let row = opt!(
        tx,
        (i64,),
        COMPARED,
        tx.clinic(),
        account.to_string(),
        now,
        i64::from(agree)
    )?;
    Ok(row.map_or(now, |(agreed_at,)| agreed_at))
}

/// The oldest moment of a payment or refund that movements read since `read_since` mention and that we lack: from
/// there on the provider's lists must be compared with ours.
///
/// # Errors
/// The engine's own.
pub async fn oldest_missing(
    store: &Store,
    account: &ProviderAccount,
    read_since: UtcMs,
) -> Result<Option<UtcMs>> {
    let mut oldest = None;
    for statement in [MISSING_PAYMENT, MISSING_REFUND] {
        let row = read_opt!(
            store,
            (i64,),
            statement,
            account.clinic.to_string(),
            account.provider.clone(),
            account.account.clone(),
            read_since
        )?;
        let at = row.map(|(at,)| at).filter(|at| *at > 0);
        oldest = match (oldest, at) {
            (Some(one), Some(other)) => Some(i64::min(one, other)),
            (one, other) => one.or(other),
        };
    }
    Ok(oldest)
}
