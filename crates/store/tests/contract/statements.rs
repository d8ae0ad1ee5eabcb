//! Every statement of the crate is understood by both engines, against a migrated schema.

use remit_store::{migrate, prepare, statements};

use crate::harness::Place;

on_both_engines! {
async fn both_engines_understand_every_statement(place: Place) {
    let store = &place.store;
    assert_eq!(migrate::run(store).await.unwrap(), migrate::versions());
    let mut wrong = Vec::new();
    for (name, sql) in statements() {
        if let Err(error) = prepare(store, sql).await {
            wrong.push(format!("{name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(place.broken().await, [""; 0]);
    assert!(statements().len() > 100);
}
}

/// SQLite has no statistics here, as in a clinic's file: what it plans now it plans at a million links.
#[tokio::test]
async fn no_list_walks_all_links_for_a_key() {
    use sqlx::{AssertSqlSafe, Row};
    let place = Place::sqlite("statements::plans").await.migrated().await;
    let mut conn = <sqlx::SqliteConnection as sqlx::Connection>::connect(&place.url)
        .await
        .unwrap();
    let mut seen = 0;
    for (name, sql) in statements() {
        let of_a_list = ["PAGE", "WINDOW", "VIEW", "UNSWEPT", "TALLIES"]
            .iter()
            .any(|kind| name.starts_with(kind) && sql.lite.contains("payment_link"));
        // How far the patients of a page of links went.
        let beside_a_list = ["TRIES", "FETCHES"].contains(&name);
        if !(of_a_list || beside_a_list) || sql.lite.contains("GROUP BY clinic") {
            continue;
        }
        seen += 1;
        let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", sql.lite));
        for row in sqlx::query(text).fetch_all(&mut conn).await.unwrap() {
            let step: String = row.get("detail");
            let walks = step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE");
            let whole_clinic = step.ends_with("(clinic=?)");
            assert!(!walks && !whole_clinic, "{name}: {step}");
        }
    }
    assert!(seen >= 12, "{seen}");
}
