//! Movements: the provider's own books of an account, read again and again and posted once each (invariant I3b). What
//! they mention and we lack is looked up; what differs for a day is a finding.

use remit_core::account::{Finding, FindingKind};
use remit_core::ids::TxnId;
use remit_core::money::{Currency, Money};
use remit_core::movements::{self as rules, Movement, MovementKind};
use remit_core::{DAY_MS, MINUTE_MS, UtcMs};
use remit_gateways::Answer;
use remit_gateways::payments as door;
use remit_store::providers::ProviderAccount;
use remit_store::{findings, movements as rows};

use crate::providers::Account;
use crate::{App, Error, Result, again, reconcile};

/// How far they are read again: a movement may be told a little after its own time.
const OVERLAP_MS: i64 = 10 * MINUTE_MS;
/// Pages of a list read in one run: far more than a clinic makes in days.
const PAGES_MAX: usize = 1_000;
/// How long the two books may differ before staff hear of it: money under way makes them differ for moments.
const DIFFER_MAX_MS: i64 = DAY_MS;

/// What reading an account's movements found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Movements that were not known before.
    pub fresh: usize,
    /// From where on payments and refunds that they mention are missing here.
    pub missing_since: Option<UtcMs>,
}

/// Reads an account's movements from where they were read last, or from an earlier moment, and posts what is new.
///
/// # Errors
/// The provider gave no answer or refused; or the store's.
pub(crate) async fn read(
    app: &App,
    row: &ProviderAccount,
    account: &Account,
    since: Option<UtcMs>,
) -> Result<Read> {
    let began = app.now().await?;
    let cursor = rows::cursor(&app.store, row).await? - OVERLAP_MS;
    let since = since.map_or(cursor, |since| since.min(cursor));
    let (mut after, mut fresh, mut newest) = (None, 0, since);
    for _ in 0..PAGES_MAX {
        let answer = account.gateway.list_movements(since, after.as_deref());
        let page = match answer.await {
            Answer::Done(page) => page,
            Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
            Answer::Unknown(unknown) => return Err(unknown.into()),
        };
        let movements: Vec<Movement> = page.items.into_iter().map(movement).collect();
        newest = movements.iter().map(|one| one.at).fold(newest, i64::max);
        // Only with the last page: a provider may list its newest movements first, and what failed is read again.
        let cursor = page.next.is_none().then_some(newest);
        fresh += again(async || post(app, row, &movements, cursor).await).await?;
        // Another node took the lists over: it reads on.
        if !reconcile::hold(app, account).await? {
            break;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let missing_since = match fresh {
        0 => None,
        _ => rows::oldest_missing(&app.store, row, began).await?,
    };
    Ok(Read {
        fresh,
        missing_since,
    })
}

/// Posts a page of movements in one transaction under the lock of the account's book, and moves the cursor where there
/// is one; answers how many were new.
async fn post(
    app: &App,
    row: &ProviderAccount,
    movements: &[Movement],
    cursor: Option<UtcMs>,
) -> Result<usize> {
    let name = format!("{}:{}", row.provider, row.account);
    let mut tx = app.store.begin(row.clinic).await?;
    if !rows::lock_book(&mut tx, row.id).await? {
        return Err(Error::NotFound);
    }
    let now = tx.now().await?;
    let mut fresh = 0;
    for movement in movements {
        if rows::is_known(&mut tx, row, &movement.id).await? {
            continue;
        }
        let txn: TxnId = app.fresh(now)?;
        let posted = rules::post(&name, movement, txn);
        rows::insert(&mut tx, row, movement, &posted, now).await?;
        if let Some(finding) = &posted.finding {
            findings::open(&mut tx, finding, None, now).await?;
        }
        fresh += 1;
    }
    if let Some(cursor) = cursor {
        rows::move_cursor(&mut tx, row.id, cursor.min(now)).await?;
    }
    if fresh > 0 {
        tx.tell("books");
    }
    tx.commit().await?;
    Ok(fresh)
}

fn movement(told: door::Movement) -> Movement {
    use door::MovementKind as Told;
    let (kind, word) = match told.kind {
        Told::Payment => (MovementKind::Payment, String::new()),
        Told::Refund => (MovementKind::Refund, String::new()),
        Told::RefundFailure => (MovementKind::RefundFailure, String::new()),
        Told::Dispute => (MovementKind::Dispute, String::new()),
        Told::DisputeReversal => (MovementKind::DisputeReversal, String::new()),
        Told::Fee => (MovementKind::Fee, String::new()),
        Told::Payout => (MovementKind::Payout, String::new()),
        Told::PayoutFailure => (MovementKind::PayoutFailure, String::new()),
        Told::Other(word) => (MovementKind::Other, word),
    };
    Movement {
        id: told.movement_id,
        kind,
        word,
        source: told.source,
        gross: told.gross,
        fee: told.fee,
        net: told.net,
        at: told.created_at,
    }
}

/// Compares what stands with the provider in both books; answers the differences, ours less theirs, per currency. A
/// provider that tells no movements has no books to compare with.
///
/// # Errors
/// The store's.
pub(crate) async fn compare(app: &App, row: &ProviderAccount) -> Result<Vec<Money>> {
    let theirs = rows::theirs(&app.store, row).await?;
    if theirs.is_empty() {
        return Ok(Vec::new());
    }
    let ours = rows::ours(&app.store, row).await?;
    let differences = differences(&ours, &theirs);
    let about = format!("books:{}:{}", row.provider, row.account);
    again(async || {
        let mut tx = app.store.begin(row.clinic).await?;
        let now = tx.now().await?;
        let agreed_at = rows::compared(&mut tx, row.id, differences.is_empty(), now).await?;
        match differences.first() {
            None => {
                let kind = FindingKind::Unreconciled;
                findings::close_about(&mut tx, kind, &about, "Remit", now).await?;
            }
            Some(difference) if now - agreed_at >= DIFFER_MAX_MS => {
                let finding = Finding {
                    kind: FindingKind::Unreconciled,
                    about: about.clone(),
                    amount: Some(*difference),
                    detail: "For more than a day the provider’s books of the account and ours have differed by this \
                             sum. Money that it took for something else than payment links makes such a difference."
                        .into(),
                };
                findings::stands(&mut tx, &finding, None, now).await?;
            }
            Some(_) => {}
        }
        Ok(tx.commit().await?)
    })
    .await?;
    Ok(differences)
}

/// Per currency, the largest first; equal sums are left out.
fn differences(ours: &[Money], theirs: &[Money]) -> Vec<Money> {
    let mut currencies: Vec<Currency> = ours.iter().chain(theirs).map(|sum| sum.currency).collect();
    currencies.sort();
    currencies.dedup();
    let of = |sums: &[Money], currency| -> i64 {
        let own = sums.iter().filter(|sum| sum.currency == currency);
        own.map(|sum| sum.minor).sum()
    };
    let mut all: Vec<Money> = currencies
        .into_iter()
        .map(|currency| Money::new(of(ours, currency) - of(theirs, currency), currency))
        .filter(|difference| !difference.is_zero())
        .collect();
    all.sort_by_key(|difference| std::cmp::Reverse(difference.minor.abs()));
    all
}
