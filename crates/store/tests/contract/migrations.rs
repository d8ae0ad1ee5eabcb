//! Migrations: safe when nodes start together, whole or not at all, refusing what they do not know.

use remit_store::{Store, StoreError, migrate};

use crate::harness::Place;

on_both_engines! {
async fn eight_nodes_may_start_at_once(place: Place) {
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = place.url.clone();
        work.spawn(async move {
            let node = Store::open(&url).await.unwrap();
            let applied = migrate::run(&node).await.unwrap();
            assert!(migrate::is_current(&node).await.unwrap());
            node.close().await;
            applied.len()
        });
    }
    let applied: usize = work.join_all().await.into_iter().sum();
    assert_eq!(applied, migrate::versions().len(), "each migration was made by one node, the others found it");
    assert_eq!(migrate::run(&place.store).await.unwrap(), [0_i64; 0]);
}

async fn a_newer_schema_is_refused(place: Place) {
    assert!(!migrate::is_current(&place.store).await.unwrap(), "an empty database is not ready");
    let place = place.migrated().await;
    place.by_hand("INSERT INTO schema_migration VALUES (999, 'x', 0)").await.unwrap();
    for answer in [migrate::run(&place.store).await.map(drop), migrate::is_current(&place.store).await.map(drop)] {
        assert!(matches!(answer, Err(StoreError::Newer { found: 999, .. })), "{answer:?}");
    }
}

async fn an_altered_schema_is_refused(place: Place) {
    let place = place.migrated().await;
    place.by_hand("UPDATE schema_migration SET checksum = 'x'").await.unwrap();
    let answer = migrate::run(&place.store).await;
    assert!(matches!(answer, Err(StoreError::Altered(_))), "{answer:?}");
}

async fn a_migration_cut_short_leaves_all_or_nothing(place: Place) {
    // Cut at ever later moments, until one run gets through.
    for step in 0..200_u64 {
        let node = place.another_node().await;
        let running = tokio::spawn(async move { migrate::run(&node).await.map(|applied| applied.len()) });
        for _ in 0..step * step {
            tokio::task::yield_now().await;
        }
        running.abort();
        let through = matches!(running.await, Ok(Ok(_)));
        // The first and the last table of a migration: both or neither.
        let pairs = ["'clinic', 'audit_log'", "'movement', 'installation'"];
        let list = if place.store.is_sqlite() {
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN"
        } else {
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name IN"
        };
        // A commit that was on its way when the task was cut may still arrive: look until nothing moves.
        let whole = loop {
            let before = migrate::is_current(&place.store).await.unwrap();
            let mut made = Vec::new();
            for pair in pairs {
                made.push(place.number(format!("{list} ({pair})")).await);
            }
            if before == migrate::is_current(&place.store).await.unwrap() {
                assert!(made.iter().all(|made| [0, 2].contains(made)), "cut at {step}: {made:?}");
                assert!(!before || made == [2, 2], "cut at {step}: {made:?}");
                break before;
            }
        };
        if through || whole {
            break;
        }
    }
    migrate::run(&place.store).await.unwrap();
    assert!(migrate::is_current(&place.store).await.unwrap());
    assert_eq!(place.broken().await, [""; 0]);
}
}
