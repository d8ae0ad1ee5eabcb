//! Accounts with providers: one takes new attempts, one of each provider stands in the settings, and a change made on an
//! old reading is refused.

use remit_core::ids::EndpointId;
use remit_store::StoreError;
use remit_store::providers::{self, ProviderAccount, RefusedWebhooks};

use crate::desk::{Desk, fresh_id};
use crate::harness::Place;

async fn connects(desk: &Desk, provider: &str, account: &str, enabled: bool) -> ProviderAccount {
    let now = desk.now().await;
    let row = ProviderAccount {
        account: account.into(),
        secrets_sealed: vec![1],
        enabled,
        ..ProviderAccount::fresh(desk.clinic, fresh_id::<EndpointId>(now), provider, now)
    };
    let mut tx = desk.begin().await;
    providers::insert(&mut tx, &row).await.unwrap();
    tx.commit().await.unwrap();
    row
}

async fn reads(desk: &Desk, row: &ProviderAccount) -> ProviderAccount {
    let found = providers::by_endpoint(&desk.store, row.id).await.unwrap();
    found.unwrap().0
}

on_both_engines! {
async fn one_account_takes_new_attempts_and_the_old_ones_stay(place: Place) {
    let desk = Desk::opens(&place).await;
    let sandbox = connects(&desk, "sandbox", "sbx", true).await;
    let first = connects(&desk, "stripe", "acct_1", true).await;
    let second = connects(&desk, "stripe", "acct_2", true).await;
    let enabled = providers::enabled(&desk.store, desk.clinic).await.unwrap().unwrap();
    assert_eq!(enabled.id, second.id);
    let current: Vec<_> = providers::current(&desk.store, desk.clinic).await.unwrap();
    let current: Vec<_> = current.iter().map(|row| row.id).collect();
    assert_eq!(current, [sandbox.id, second.id], "one of each provider");
    let old = providers::by_account(&desk.store, desk.clinic, "stripe", "acct_1").await.unwrap();
    assert_eq!(old.unwrap().id, first.id, "what was begun with it still finds it");
    let mut tx = desk.begin().await;
    providers::enable(&mut tx, None).await.unwrap();
    tx.commit().await.unwrap();
    assert!(providers::enabled(&desk.store, desk.clinic).await.unwrap().is_none());
}

async fn a_change_on_an_old_reading_is_refused(place: Place) {
    let desk = Desk::opens(&place).await;
    let row = connects(&desk, "stripe", "acct_1", false).await;
    let now = desk.now().await;
    let rotated = ProviderAccount { secrets_sealed: vec![2], merchant: Some("acct_1".into()), ..row.clone() };
    let mut tx = desk.begin().await;
    providers::save(&mut tx, &rotated, now).await.unwrap();
    tx.commit().await.unwrap();
    let after = reads(&desk, &row).await;
    assert_eq!((after.version, after.secrets_sealed, after.merchant), (2, vec![2], Some("acct_1".into())));
    let mut tx = desk.begin().await;
    let late = providers::save(&mut tx, &rotated, now).await;
    assert!(matches!(late, Err(StoreError::Retry)), "{late:?}");
}

async fn an_account_that_comes_back_takes_its_place_again(place: Place) {
    let desk = Desk::opens(&place).await;
    let first = connects(&desk, "stripe", "acct_1", true).await;
    let second = connects(&desk, "stripe", "acct_2", true).await;
    let mut tx = desk.begin().await;
    let now = tx.now().await.unwrap();
    providers::save(&mut tx, &first, now).await.unwrap();
    tx.commit().await.unwrap();
    let rows = providers::of_provider(&desk.store, desk.clinic, "stripe").await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(rows, [first.id, second.id], "the one in the settings first");
}

async fn refused_webhooks_add_up_until_one_is_believed(place: Place) {
    let desk = Desk::opens(&place).await;
    let row = connects(&desk, "stripe", "acct_1", true).await;
    for (count, since, last) in [(2, 100, 200), (3, 300, 400)] {
        let mut tx = desk.begin().await;
        providers::refused(&mut tx, row.id, RefusedWebhooks { count, since, last }).await.unwrap();
        tx.commit().await.unwrap();
    }
    let told = reads(&desk, &row).await.refused;
    assert_eq!(told, Some(RefusedWebhooks { count: 5, since: 100, last: 400 }));
    let mut tx = desk.begin().await;
    providers::heard(&mut tx, row.id, 500).await.unwrap();
    tx.commit().await.unwrap();
    let after = reads(&desk, &row).await;
    assert_eq!((after.refused, after.webhook_at), (None, Some(500)));
}
}
