//! The book of a provider's account: each movement once, in a chain of its own, adding up with the appointments' books.

use remit_core::account::{Finding, FindingKind};
use remit_core::ids::EndpointId;
use remit_core::money::Money;
use remit_core::movements::{self as rules, Movement, MovementKind};
use remit_core::{DAY_MS, MINUTE_MS};
use remit_store::providers::ProviderAccount;
use remit_store::{findings, movements, providers};

use crate::chains::forge;
use crate::desk::{Desk, fresh_id};
use crate::harness::Place;

/// The account that the desk's payments are made with.
async fn account(desk: &Desk) -> ProviderAccount {
    let now = desk.now().await;
    let id = fresh_id::<EndpointId>(now);
    let account = ProviderAccount {
        account: "main".into(),
        secrets_sealed: vec![1],
        enabled: true,
        ..ProviderAccount::fresh(desk.clinic, id, "sandbox", now)
    };
    let mut tx = desk.begin().await;
    providers::insert(&mut tx, &account).await.unwrap();
    tx.commit().await.unwrap();
    account
}

fn movement(id: &str, kind: MovementKind, source: &str, gross: i64, fee: i64) -> Movement {
    Movement {
        id: id.into(),
        kind,
        word: String::new(),
        source: Some(source.into()),
        gross: Money::gbp(gross),
        fee: Money::gbp(fee),
        net: Money::gbp(gross - fee),
        at: 1_000,
    }
}

/// Reads a movement as the worker does; false when it was known.
async fn reads(desk: &Desk, account: &ProviderAccount, movement: &Movement) -> bool {
    let mut tx = desk.begin().await;
    assert!(movements::lock_book(&mut tx, account.id).await.unwrap());
    let now = tx.now().await.unwrap();
    if movements::is_known(&mut tx, account, &movement.id)
        .await
        .unwrap()
    {
        return false;
    }
    let posted = rules::post("sandbox:main", movement, fresh_id(now));
    movements::insert(&mut tx, account, movement, &posted, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    true
}

fn open(about: &str, amount: i64) -> Finding {
    Finding {
        kind: FindingKind::Unreconciled,
        about: about.into(),
        amount: Some(Money::gbp(amount)),
        detail: "The books differ.".into(),
    }
}

on_both_engines! {
async fn clearing_closes_to_zero_when_everything_was_paid_out(place: Place) {
    let desk = Desk::opens(&place).await;
    let account = account(&desk).await;
    let visit = desk.books(5_000).await;
    let attempt = desk.starts(desk.issues(visit).await).await.unwrap();
    desk.is_paid(attempt, 5_000).await.unwrap();
    let payment = format!("pi_{attempt}");
    let lines = [
        movement("m1", MovementKind::Payment, &payment, 5_000, 90),
        movement("m2", MovementKind::Fee, "subscription", -300, 0),
        movement("m3", MovementKind::Payout, "po_1", -4_610, 0),
        movement("m4", MovementKind::PayoutFailure, "po_1", 4_610, 0),
        movement("m5", MovementKind::Payout, "po_2", -4_600, 10),
    ];
    for line in &lines {
        assert!(reads(&desk, &account, line).await, "{}", line.id);
        assert!(!reads(&desk, &account, line).await, "{} twice", line.id);
    }
    let zero = vec![Money::gbp(0)];
    assert_eq!(movements::ours(&desk.store, &account).await.unwrap(), zero);
    assert_eq!(movements::theirs(&desk.store, &account).await.unwrap(), zero);
    assert_eq!(place.broken().await, [""; 0]);
    let posted = place.number("SELECT COUNT(*) FROM ledger_txn WHERE kind IN ('fee', 'payout', 'payout_failure')");
    assert_eq!(posted.await, 5);
    let banked = place.number("SELECT CAST(SUM(amount) AS BIGINT) FROM ledger_entry WHERE account = 'bank'");
    assert_eq!(banked.await, 4_600);
    // The account's chain is held to like an appointment's.
    forge(&place, "ledger_entry", "UPDATE ledger_entry SET amount = amount * 2 WHERE txn =
        (SELECT id FROM ledger_txn WHERE source = 'sandbox:main:m2')").await;
    let broken = place.broken().await;
    assert!(broken.iter().any(|what| what.starts_with("I12 the ledger")), "{broken:?}");
    assert!(broken.iter().any(|what| what.starts_with("I3b fees")), "{broken:?}");
}

async fn a_movement_of_what_we_lack_is_told(place: Place) {
    let desk = Desk::opens(&place).await;
    let account = account(&desk).await;
    reads(&desk, &account, &movement("m0", MovementKind::Fee, "x", -1, 0)).await;
    assert_eq!(movements::oldest_missing(&desk.store, &account, 0).await.unwrap(), None);
    reads(&desk, &account, &movement("m1", MovementKind::Payment, "pi_nobody", 5_000, 90)).await;
    assert_eq!(movements::oldest_missing(&desk.store, &account, 0).await.unwrap(), Some(1_000));
    let later = desk.now().await + 1;
    assert_eq!(movements::oldest_missing(&desk.store, &account, later).await.unwrap(), None);
}

async fn books_that_differ_for_a_day_are_named(place: Place) {
    let desk = Desk::opens(&place).await;
    let account = account(&desk).await;
    let mut first = 0;
    for (hours, agree, named) in [(0, true, 0), (23, false, 0), (2, false, 1), (1, true, 0)] {
        place.store.shift_clock(hours * remit_core::HOUR_MS);
        let mut tx = desk.begin().await;
        let now = tx.now().await.unwrap();
        let agreed_at = movements::compared(&mut tx, account.id, agree, now).await.unwrap();
        tx.commit().await.unwrap();
        if hours == 0 {
            first = now;
        }
        assert_eq!(agreed_at, if agree { now } else { first });
        assert_eq!(place.broken().await.len(), named, "after {hours} h");
    }
}

async fn one_node_at_a_time_reads_an_accounts_lists(place: Place) {
    let desk = Desk::opens(&place).await;
    let account = account(&desk).await;
    let mut tx = desk.begin().await;
    let now = tx.now().await.unwrap();
    let until = now + MINUTE_MS;
    assert!(movements::hold_lists(&mut tx, account.id, "one", now, until).await.unwrap());
    assert!(!movements::hold_lists(&mut tx, account.id, "two", now, until).await.unwrap());
    assert!(movements::hold_lists(&mut tx, account.id, "one", now, until).await.unwrap(), "keeps it");
    assert!(movements::hold_lists(&mut tx, account.id, "two", until, until + 1).await.unwrap(), "it died");
    movements::release_lists(&mut tx, account.id, "one").await.unwrap();
    assert!(!movements::hold_lists(&mut tx, account.id, "one", until, until).await.unwrap(), "not its own");
    movements::release_lists(&mut tx, account.id, "two").await.unwrap();
    assert!(movements::hold_lists(&mut tx, account.id, "one", until, until).await.unwrap());
    assert_eq!(movements::cursor(&desk.store, &account).await.unwrap(), account.events_since);
    movements::move_cursor(&mut tx, account.id, now + DAY_MS).await.unwrap();
    movements::move_cursor(&mut tx, account.id, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(movements::cursor(&desk.store, &account).await.unwrap(), now + DAY_MS);
}

async fn a_finding_lives_with_its_cause(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut tx = desk.begin().await;
    let count = async || findings::count(&desk.store, desk.clinic).await.unwrap();
    findings::stands(&mut tx, &open("books", 500), None, 1).await.unwrap();
    findings::stands(&mut tx, &open("books", 500), None, 2).await.unwrap();
    tx.commit().await.unwrap();
    let shown = findings::list(&desk.store, desk.clinic, 9).await.unwrap();
    assert_eq!((shown.len(), shown[0].opened_at), (1, 1));
    // A person closed it: it stays closed until something about it changes.
    let mut tx = desk.begin().await;
    assert!(findings::close(&mut tx, shown[0].id, "Stephen Marsh", Some("their card machine"), 3).await.unwrap());
    findings::stands(&mut tx, &open("books", 500), None, 4).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count().await, 0);
    let mut tx = desk.begin().await;
    findings::stands(&mut tx, &open("books", 700), None, 5).await.unwrap();
    tx.commit().await.unwrap();
    let shown = findings::list(&desk.store, desk.clinic, 9).await.unwrap();
    assert_eq!((shown[0].amount, shown[0].opened_at), (Some(Money::gbp(700)), 5));
    // It closed by itself: it opens again whenever its cause comes back.
    let mut tx = desk.begin().await;
    findings::close_about(&mut tx, FindingKind::Unreconciled, "books", "Remit", 6).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count().await, 0);
    let mut tx = desk.begin().await;
    findings::stands(&mut tx, &open("books", 700), None, 7).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count().await, 1);
}
}
