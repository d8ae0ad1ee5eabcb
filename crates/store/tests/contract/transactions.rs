//! Transactions: all or nothing, one writer at a time where there must be, and the clock and notices with them.

use std::time::Duration;

use remit_core::ids::AppointmentId;
use remit_store::{Notice, Store, StoreError};
use tokio::sync::broadcast::Receiver;

use crate::desk::{Desk, number};
use crate::harness::Place;

/// The next notice of this clinic that names the topic.
async fn hears_of(notices: &mut Receiver<Notice>, desk: &Desk, topic: &str) -> Notice {
    let heard = async {
        loop {
            let notice = notices.recv().await.unwrap();
            let named = notice.topics.iter().any(|known| known == topic);
            if notice.clinic == desk.clinic.to_string() && named {
                return notice;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard)
        .await
        .unwrap()
}

on_both_engines! {
async fn what_was_dropped_in_the_middle_left_nothing(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let (issued, cut) = tokio::sync::oneshot::channel();
    let busy = desk.clone();
    let task = tokio::spawn(async move {
        let mut tx = busy.begin().await;
        busy.issue_in(&mut tx, visit, remit_core::links::Purpose::Balance).await.unwrap();
        issued.send(()).unwrap();
        std::future::pending::<()>().await;
        tx.commit().await.unwrap();
    });
    cut.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    // The writer is free again, and so is the lock row.
    let link = desk.issues(visit).await;
    assert_eq!(place.number("SELECT COUNT(*) FROM payment_link").await, 1);
    assert_eq!(place.number("SELECT COUNT(*) FROM event WHERE kind = 'payment_link.created'").await, 1);
    assert_eq!(desk.sees(link).await.due.minor, 4500);
    assert_eq!(place.broken().await, [""; 0]);
}

async fn sixteen_writers_are_never_told_busy(place: Place) {
    let desk = Desk::opens(&place).await;
    let mut visits: Vec<AppointmentId> = Vec::new();
    for _ in 0..8 {
        visits.push(desk.books(100_000).await);
    }
    let mut work = tokio::task::JoinSet::new();
    for writer in 0..16_usize {
        let (desk, visits) = (desk.clone(), visits.clone());
        work.spawn(async move {
            for round in 0..6_usize {
                let visit = visits[(writer + round) % visits.len()];
                desk.tries_to_issue(visit, remit_core::links::Purpose::Balance).await.unwrap();
                desk.takes_cash(visit, 100).await.unwrap();
            }
        });
    }
    work.join_all().await;
    let paid = place.number("SELECT CAST(SUM(paid) AS BIGINT) FROM appointment_balance").await;
    assert_eq!(paid, 16 * 6 * 100);
    assert_eq!(place.number("SELECT COUNT(*) FROM payment_link").await, 16 * 6);
    assert_eq!(place.broken().await, [""; 0]);
}

async fn the_lock_row_shows_what_the_one_before_committed(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(1000).await;
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let desk = desk.clone();
        work.spawn(async move { desk.takes_cash(visit, 300).await.unwrap() });
    }
    work.join_all().await;
    let balance = desk.balance(visit).await;
    assert_eq!((balance.paid, balance.due, balance.credit), (1500, 0, 500));
    assert_eq!(place.broken().await, [""; 0]);
}

async fn other_nodes_are_told_once_it_is_committed(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let node = if place.store.is_sqlite() { place.store.clone() } else { place.another_node().await };
    let follower = node.clone();
    let following = tokio::spawn(async move { follower.follow_other_nodes().await });
    let mut notices = node.notices();
    // Listening begins some time after the task does: ask until the first answer has come.
    let first = loop {
        let mut tx = desk.begin().await;
        tx.tell("hello");
        tx.commit().await.unwrap();
        let heard = hears_of(&mut notices, &desk, "hello");
        if let Ok(first) = tokio::time::timeout(Duration::from_millis(200), heard).await {
            break first;
        }
    };
    assert_eq!(first.topics, ["hello"]);
    let mut dropped = desk.begin().await;
    dropped.tell("never");
    drop(dropped);
    let link = desk.issues(visit).await;
    let told = hears_of(&mut notices, &desk, &link.to_string()).await;
    assert!(told.topics.contains(&visit.to_string()), "{told:?}");
    assert!(!told.topics.contains(&"never".to_owned()));
    following.abort();
}

async fn what_one_node_wrote_another_reads(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let other = desk.on(place.another_node().await);
    assert_eq!(other.sees(link).await.amount.minor, 4500);
    let attempt = other.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    assert_eq!(other.balance(visit).await.due, 0);
    // Another clinic does not see it.
    let stranger = Desk::opens(&place).await;
    let seen = remit_store::links::view(&place.store, stranger.clinic, link).await.unwrap();
    assert!(seen.is_none());
    let mut tx = stranger.begin().await;
    assert!(remit_store::account::lock_standing(&mut tx, visit).await.unwrap().is_none());
}

async fn the_clock_is_the_databases_and_runs_on(place: Place) {
    let desk = Desk::opens(&place).await;
    let before = desk.now().await;
    place.store.shift_clock(172_800_000);
    let mut tx = desk.begin().await;
    assert!(tx.now().await.unwrap() >= before + 172_800_000);
    drop(tx);
    let visit = desk.books(100).await;
    let link = desk.issues(visit).await;
    assert_eq!(desk.sees(link).await.expires_at - desk.sees(link).await.created_at, 172_800_000);
}
}

#[tokio::test]
async fn a_second_transaction_inside_one_is_told_to_retry() {
    let place = Place::sqlite("transactions::nested").await;
    let desk = Desk::opens(&place).await;
    let held = desk.begin().await;
    let second = place.store.begin(desk.clinic).await;
    assert!(matches!(second, Err(StoreError::Retry)));
    drop(held);
    desk.begin().await;
}

#[tokio::test]
async fn the_sqlite_inside_is_sound_and_durable() {
    let place = Place::sqlite("transactions::sound").await.migrated().await;
    assert_eq!(place.number("PRAGMA foreign_keys").await, 1);
    place.store.close().await;
    let again: Store = place.another_node().await;
    assert!(again.now().await.unwrap() > 0);
    assert!(number() > 0);
}
