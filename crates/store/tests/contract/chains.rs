//! Hash chains: one byte changed behind the crate's back is named by `remit check`.

use crate::desk::Desk;
use crate::harness::Place;

/// Lets a shell write where the database forbids it, as somebody with its file or its owner's password could.
pub async fn forge(place: &Place, table: &str, sql: &str) {
    let (off, on) = if place.store.is_sqlite() {
        (
            format!("DROP TRIGGER {table}_no_update"),
            format!(
                "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
            ),
        )
    } else {
        (
            format!("ALTER TABLE {table} DISABLE TRIGGER {table}_append_only"),
            format!("ALTER TABLE {table} ENABLE TRIGGER {table}_append_only"),
        )
    };
    place.by_hand(format!("{off}; {sql}; {on}")).await.unwrap();
}

on_both_engines! {
async fn a_forged_ledger_is_named(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    desk.takes_cash(visit, 1000).await.unwrap();
    desk.takes_cash(visit, 500).await.unwrap();
    desk.books(700).await;
    assert_eq!(place.broken().await, [""; 0]);
    // Both lines of the first cash posting, so that it still balances: only the chain can tell.
    forge(&place, "ledger_entry", "UPDATE ledger_entry SET amount = amount * 2 WHERE txn =
        (SELECT MIN(id) FROM ledger_txn WHERE kind = 'desk')").await;
    let broken = place.broken().await;
    let chain: Vec<&String> = broken.iter().filter(|what| what.starts_with("I12 the ledger")).collect();
    assert_eq!(chain.len(), 1, "{broken:?}");
    assert!(chain[0].contains("txn_"), "{chain:?}");
    assert!(broken.iter().any(|what| what.starts_with("I2 due")), "{broken:?}");
}

async fn a_ledger_cut_in_the_middle_is_named(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    for _ in 0..3 {
        desk.takes_cash(visit, 100).await.unwrap();
    }
    forge(&place, "ledger_txn", "UPDATE ledger_txn SET position = position + 10 WHERE position >= 2").await;
    assert!(place.broken().await.iter().any(|what| what.starts_with("I12 the ledger")));
}

async fn a_forged_audit_log_is_named(place: Place) {
    let desk = Desk::opens(&place).await;
    for number in 0..5 {
        let mut tx = desk.begin().await;
        let now = tx.now().await.unwrap();
        remit_store::audit::append(&mut tx, "owner", "service.changed", &number.to_string(), now).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(place.broken().await, [""; 0]);
    assert!(place.by_hand("UPDATE audit_log SET actor = 'nobody'").await.is_err());
    assert!(place.by_hand("DELETE FROM audit_log").await.is_err());
    forge(&place, "audit_log", "UPDATE audit_log SET object = '9' WHERE seq = 2").await;
    let broken = place.broken().await;
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].ends_with("audit 2"), "{broken:?}");
}

async fn many_at_once_append_to_one_chain(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(100_000).await;
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let desk = desk.clone();
        work.spawn(async move {
            desk.takes_cash(visit, 100).await.unwrap();
            let mut tx = desk.begin().await;
            let now = tx.now().await.unwrap();
            remit_store::audit::append(&mut tx, "owner", "cash.taken", "x", now).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    work.join_all().await;
    assert_eq!(desk.balance(visit).await.paid, 1200);
    assert_eq!(place.broken().await, [""; 0]);
}
}
