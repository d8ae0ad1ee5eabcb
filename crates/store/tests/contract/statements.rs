//! Every statement of the crate is understood by both engines, against a migrated schema.

use remit_store::{migrate, prepare, statements};

use crate::harness::Place;

on_both_engines! {
async fn both_engines_understand_every_statement(place: Place) {
    let store = &place.store;
    assert_eq!(migrate::run(store).await.unwrap(), [1]);
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
