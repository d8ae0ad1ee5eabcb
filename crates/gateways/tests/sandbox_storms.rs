//! The sandbox under races, crashes between two writes, several nodes, and a clinic that does not answer.

mod support;

use std::sync::atomic::Ordering;

use remit_core::methods::Method;
use remit_gateways::Answer;
use remit_gateways::payments::{About, Closing, Lookup, PaymentProvider, SessionStatus};

use support::{Bench, done, refused_with, status};

const PAYS: &str = "4242 4242 4242 4242";

#[tokio::test]
async fn paying_and_closing_at_once_ends_in_one_of_both() {
    let bench = Bench::idle().await;
    for turn in 0..40 {
        let session = bench
            .session(&format!("att_{turn}"), Method::Card, 3000)
            .await;
        let (_, closing) = tokio::join!(
            bench.pays_with(&session, PAYS),
            bench.provider.ensure_closed(&session.session_id)
        );
        let closed = done(closing) == Closing::Closed;
        let paid = status(&bench, &session).await == SessionStatus::Paid;
        assert!(closed != paid, "closed: {closed}, paid: {paid}");
    }
    assert_eq!(bench.vault.count("event"), 40);
}

#[tokio::test]
async fn a_webhook_is_tried_again_until_it_is_taken() {
    let bench = Bench::open().await;
    bench.hooks_answer(500);
    let session = bench.session("att_1", Method::Card, 3000).await;
    bench.pays_with(&session, PAYS).await;
    let first = bench.next_arrival().await;
    bench.hooks_answer(302);
    let second = bench.arrives_in_time().await;
    assert_eq!(first.body, second.body);
    assert_ne!(
        first.signature, second.signature,
        "each try is signed at its own time"
    );
    bench.hooks_answer(204);
    assert_eq!(bench.arrives_in_time().await.body, first.body);
    // Taken at last: nothing but the next payment's webhook comes after it.
    let other = bench.session("att_2", Method::Card, 3000).await;
    bench.pays_with(&other, PAYS).await;
    let about = bench.next_event().await.about;
    assert!(matches!(about, About::Session { reference: Some(of), .. } if of == "att_2"));
    assert!(bench.no_more_webhooks().await);
}

#[tokio::test]
async fn two_nodes_deliver_each_webhook_once() {
    let bench = Bench::open().await;
    bench.another_node_works();
    for turn in 0..10 {
        let session = bench
            .session(&format!("att_{turn}"), Method::Card, 3000)
            .await;
        bench.pays_with(&session, PAYS).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10 {
        assert!(seen.insert(bench.next_event().await.event_id));
    }
    assert!(bench.no_more_webhooks().await);
}

/// The vault breaks after each of its writes in turn; the background work finishes what was begun.
#[tokio::test]
async fn a_crash_between_two_writes_is_repaired() {
    for writes in 0..6 {
        let bench = Bench::idle().await;
        let session = bench.session("att_1", Method::Card, 3000).await;
        bench.vault.puts_left.store(writes, Ordering::SeqCst);
        bench.pays_with(&session, PAYS).await;
        bench.vault.puts_left.store(i64::MAX, Ordering::SeqCst);
        let paid = status(&bench, &session).await == SessionStatus::Paid;
        assert_eq!(paid, writes > 0, "the first write is the payment");
        bench.starts_working();
        if !paid {
            bench.pays_with(&session, PAYS).await;
        }
        assert_eq!(bench.next_event().await.kind, "session.completed");
        let payments = done(bench.provider.list_payments(0, None).await).items;
        assert_eq!(
            (payments.len(), bench.vault.count("event")),
            (1, 1),
            "after {writes} writes"
        );
    }
}

#[tokio::test]
async fn a_session_cut_short_is_made_by_the_repetition() {
    for writes in 0..3 {
        let bench = Bench::idle().await;
        let frozen = bench
            .provider
            .freeze_session(&bench.order("att_1", Method::Card, 3000));
        bench.vault.puts_left.store(writes, Ordering::SeqCst);
        let cut = bench.provider.create_session(&frozen, "key").await;
        assert!(
            matches!(&cut, Answer::Unknown(unknown) if unknown.retry_after_ms == Some(1000)),
            "{cut:?}"
        );
        bench.vault.puts_left.store(i64::MAX, Ordering::SeqCst);
        assert_eq!(
            refused_with(
                bench
                    .provider
                    .retrieve(Lookup::Reference {
                        reference: "att_1",
                        made_at: 0
                    })
                    .await
            ),
            "not_found"
        );
        let session = done(bench.provider.create_session(&frozen, "key").await);
        let found = done(
            bench
                .provider
                .retrieve(Lookup::Reference {
                    reference: "att_1",
                    made_at: 0,
                })
                .await,
        );
        assert_eq!(found.session_id, session.session_id);
    }
}
