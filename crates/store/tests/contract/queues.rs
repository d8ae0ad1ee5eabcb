//! Outbox, inbox, idempotency keys, throttles and due looks: each piece of work once, on any number of nodes.

use remit_core::account::Effect;
use remit_core::ids::DeliveryId;
use remit_core::{MINUTE_MS, UtcMs};
use remit_store::idempotency::{Claim, Key};
use remit_store::inbox::{self, Received};
use remit_store::outbox::{self, Outcome};
use remit_store::{Store, idempotency};

use crate::desk::{Desk, fresh_id};
use crate::harness::Place;

async fn leases(node: &Store, owner: &str, now: UtcMs) -> Vec<outbox::Leased> {
    let mut tx = node.begin_installation().await.unwrap();
    let work = outbox::lease(&mut tx, owner, now, now + MINUTE_MS, 10)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    work
}

async fn settles(node: &Store, job: &outbox::Leased, outcome: Outcome, now: UtcMs) -> bool {
    let mut tx = node.begin_installation().await.unwrap();
    let settled = outbox::settle(&mut tx, job, &outcome, now).await.unwrap();
    tx.commit().await.unwrap();
    settled
}

async fn asks_for(desk: &Desk, effect: Effect) {
    let mut tx = desk.begin().await;
    let now = tx.now().await.unwrap();
    outbox::push(&mut tx, &effect, None, now).await.unwrap();
    tx.commit().await.unwrap();
}

fn received(event_id: &str) -> Received {
    Received {
        provider: "sandbox".into(),
        account: "main".into(),
        event_id: event_id.into(),
        kind: "payment.succeeded".into(),
        session_id: Some("ses_1".into()),
        reference: None,
        refund_id: None,
        dispute_id: None,
        payload: "{}".into(),
        ignored: false,
    }
}

on_both_engines! {
async fn work_is_held_by_one_node_until_its_lease_ends(place: Place) {
    let desk = Desk::opens(&place).await;
    let other = place.another_node().await;
    let effect = Effect::Send { delivery: fresh_id::<DeliveryId>(desk.now().await) };
    asks_for(&desk, effect).await;
    asks_for(&desk, effect).await;
    let now = desk.now().await;
    let first = leases(&place.store, "node a", now).await;
    assert_eq!(first.len(), 1, "the same effect is queued once");
    assert_eq!(first[0].effect, Some(effect));
    assert_eq!(leases(&other, "node b", now).await.len(), 0, "while the first holds it");
    let later = now + MINUTE_MS;
    let second = leases(&other, "node b", later).await;
    assert_eq!((second.len(), second[0].tries), (1, 2));
    assert!(!settles(&place.store, &first[0], Outcome::Done, later).await, "the old fence settles nothing");
    assert_eq!(outbox::waiting(&place.store).await.unwrap().0, 1);
    let again = Outcome::Again { due_at: later + 5, why: "no answer".into(), counts: true };
    assert!(settles(&other, &second[0], again, later).await);
    assert_eq!(leases(&other, "node b", later + 4).await.len(), 0, "not before it is due");
    let third = leases(&place.store, "node a", later + 5).await;
    assert!(settles(&place.store, &third[0], Outcome::Dead { why: "gave up".into() }, later + 5).await);
    assert_eq!(outbox::waiting(&place.store).await.unwrap().0, 0);
    let dead = outbox::dead(&place.store, desk.clinic, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].last_error.as_deref()), (1, Some("gave up")));
    let mut tx = desk.begin().await;
    assert!(outbox::again(&mut tx, dead[0].id, later + 6).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(leases(&place.store, "node a", later + 6).await.len(), 1);
}

async fn a_call_that_the_breaker_kept_back_is_no_try(place: Place) {
    let desk = Desk::opens(&place).await;
    asks_for(&desk, Effect::Send { delivery: fresh_id::<DeliveryId>(desk.now().await) }).await;
    let now = desk.now().await;
    for (counts, tries) in [(false, 1), (true, 1), (true, 2)] {
        let leased = leases(&place.store, "node a", now).await;
        assert_eq!(leased[0].tries, tries);
        let again = Outcome::Again { due_at: now, why: "no answer".into(), counts };
        assert!(settles(&place.store, &leased[0], again, now).await);
    }
}

async fn nodes_share_the_work_without_meeting(place: Place) {
    let desk = Desk::opens(&place).await;
    let nodes = [place.store.clone(), place.another_node().await, place.another_node().await];
    for _ in 0..40 {
        asks_for(&desk, Effect::Send { delivery: fresh_id::<DeliveryId>(desk.now().await) }).await;
    }
    let now = desk.now().await;
    let mut work = tokio::task::JoinSet::new();
    for node in nodes {
        work.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leased = leases(&node, "node", now).await;
                if leased.is_empty() {
                    return mine;
                }
                for job in leased {
                    assert!(settles(&node, &job, Outcome::Done, now).await);
                    mine.push(job.id);
                }
            }
        });
    }
    let mut done: Vec<_> = work.join_all().await.into_iter().flatten().collect();
    done.sort();
    done.dedup();
    assert_eq!(done.len(), 40);
    assert_eq!(place.number("SELECT CAST(SUM(tries) AS BIGINT) FROM outbox").await, 40);
}

async fn only_a_closing_may_be_asked_for_again(place: Place) {
    let desk = Desk::opens(&place).await;
    let closing = Effect::EnsureClosed { attempt: fresh_id(desk.now().await) };
    let sending = Effect::Send { delivery: fresh_id(desk.now().await) };
    for effect in [closing, sending] {
        asks_for(&desk, effect).await;
    }
    let now = desk.now().await;
    for job in leases(&place.store, "node", now).await {
        assert!(settles(&place.store, &job, Outcome::Done, now).await);
    }
    for effect in [closing, sending] {
        asks_for(&desk, effect).await;
    }
    let again = leases(&place.store, "node", desk.now().await).await;
    let effects: Vec<_> = again.iter().map(|job| job.effect).collect();
    assert_eq!(effects, [Some(closing)], "what was sent is never sent again by itself");
}

async fn an_event_is_kept_once_however_often_it_comes(place: Place) {
    let desk = Desk::opens(&place).await;
    let other = desk.on(place.another_node().await);
    let mut work = tokio::task::JoinSet::new();
    for turn in 0..16 {
        let desk = if turn % 2 == 0 { desk.clone() } else { other.clone() };
        work.spawn(async move {
            let mut tx = desk.begin().await;
            let now = tx.now().await.unwrap();
            let fresh = inbox::store(&mut tx, &received("evt_1"), now).await.unwrap();
            tx.commit().await.unwrap();
            fresh
        });
    }
    let fresh = work.join_all().await.into_iter().filter(|fresh| *fresh).count();
    assert_eq!(fresh, 1);
    let now = desk.now().await;
    let lease = |node: Store, now: UtcMs| async move {
        let mut tx = node.begin_installation().await.unwrap();
        let leased = inbox::lease(&mut tx, now, now + MINUTE_MS, 10).await.unwrap();
        tx.commit().await.unwrap();
        leased
    };
    let leased = lease(place.store.clone(), now).await;
    assert_eq!(leased.len(), 1);
    assert_eq!(lease(other.store.clone(), now).await.len(), 0);
    let taken_over = lease(other.store.clone(), now + MINUTE_MS).await;
    assert_eq!((taken_over.len(), taken_over[0].tries), (1, 2));
    let mut tx = desk.begin().await;
    inbox::settle(&mut tx, &taken_over[0], &inbox::Outcome::Done, now).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lease(place.store.clone(), now + 9 * MINUTE_MS).await.len(), 0);
}

async fn a_key_stands_for_one_request(place: Place) {
    let desk = Desk::opens(&place).await;
    let key = Key { actor: "key_1".into(), method_path: "POST /patients".into(), key: "k".into() };
    let mut work = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (desk, key) = (desk.clone(), key.clone());
        work.spawn(async move {
            let mut tx = desk.begin().await;
            let now = tx.now().await.unwrap();
            let claim = idempotency::claim(&mut tx, &key, b"sha", now).await.unwrap();
            tx.commit().await.unwrap();
            claim
        });
    }
    let claims = work.join_all().await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Claim::Ours { .. })).count(), 1, "{claims:?}");
    let others = claims.iter().filter(|claim| **claim == Claim::InFlight).count();
    assert_eq!(others, 7, "{claims:?}");
    let mut tx = desk.begin().await;
    let now = tx.now().await.unwrap();
    idempotency::save(&mut tx, &key, 201, "{}").await.unwrap();
    let same = idempotency::claim(&mut tx, &key, b"sha", now).await.unwrap();
    assert_eq!(same, Claim::Answered { status: 201, body: "{}".into() });
    assert_eq!(idempotency::claim(&mut tx, &key, b"xyz", now).await.unwrap(), Claim::OtherRequest);
    let stranger = Key { actor: "key_2".into(), ..key.clone() };
    assert_eq!(idempotency::claim(&mut tx, &stranger, b"sha", now).await.unwrap(), Claim::Ours { since: now });
    idempotency::release(&mut tx, &stranger).await.unwrap();
    // Given back, it is free for the same request at once, with the moment its ids are made of; for no other.
    assert_eq!(idempotency::claim(&mut tx, &stranger, b"new", now).await.unwrap(), Claim::OtherRequest);
    assert_eq!(idempotency::claim(&mut tx, &stranger, b"sha", now).await.unwrap(), Claim::Ours { since: now });
    assert_eq!(idempotency::sweep(&mut tx, now + 1).await.unwrap(), 2);
    tx.commit().await.unwrap();
}

async fn hits_are_counted_over_all_nodes(place: Place) {
    let desk = Desk::opens(&place).await;
    let other = place.another_node().await;
    let now = 10 * MINUTE_MS;
    let mut work = tokio::task::JoinSet::new();
    for turn in 0..10 {
        let node = if turn % 2 == 0 { place.store.clone() } else { other.clone() };
        work.spawn(async move {
            let mut tx = node.begin_installation().await.unwrap();
            let hits = remit_store::throttle::hit(&mut tx, "sign-in", MINUTE_MS, now).await.unwrap();
            tx.commit().await.unwrap();
            hits.current
        });
    }
    let mut hits = work.join_all().await;
    hits.sort_unstable();
    assert_eq!(hits, (1..=10).collect::<Vec<i64>>());
    let mut tx = desk.store.begin_installation().await.unwrap();
    remit_store::throttle::take_back(&mut tx, "sign-in", MINUTE_MS, now).await.unwrap();
    assert_eq!(remit_store::throttle::hit(&mut tx, "sign-in", MINUTE_MS, now).await.unwrap().current, 10);
    let later = remit_store::throttle::hit(&mut tx, "sign-in", MINUTE_MS, now + MINUTE_MS).await.unwrap();
    assert_eq!(later, remit_store::throttle::Hits { before: 10, current: 1 });
}

async fn one_node_looks_at_a_live_attempt(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    let due_at = desk.now().await + MINUTE_MS;
    let due = remit_store::attempts::due(&place.store, due_at, 10).await.unwrap();
    assert_eq!(due, [(desk.clinic, attempt)]);
    for (claims, whose) in [(true, "the first"), (false, "the second")] {
        let mut tx = desk.begin().await;
        let claimed = remit_store::attempts::claim(&mut tx, attempt, due_at, due_at + MINUTE_MS).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(claimed, claims, "{whose} node");
    }
    desk.is_paid(attempt, 4500).await.unwrap();
    let due = remit_store::attempts::due(&place.store, due_at + 9 * MINUTE_MS, 10).await.unwrap();
    assert_eq!(due.len(), 0, "what has ended is looked at no more");
}
}
