//! The sandbox's books of an account: what it kept, what it paid out by the calendar, and that nothing is left over.

mod support;

use remit_core::DAY_MS;
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_gateways::payments::{
    Lookup, Movement, MovementKind, PaymentProvider, RefundOrder, RefundStatus, Session,
};

use support::{Bench, done};

const PAYS: &str = "4242 4242 4242 4242";

async fn books(bench: &Bench) -> Vec<Movement> {
    let page = done(bench.provider.list_movements(0, None).await);
    assert_eq!(page.next, None);
    page.items
}

/// Kind, gross, fee: what a person reads in them.
fn read(movements: &[Movement]) -> Vec<(MovementKind, i64, i64)> {
    for movement in movements {
        assert_eq!(
            movement.gross.minor - movement.fee.minor,
            movement.net.minor
        );
    }
    let rows = movements.iter();
    rows.map(|row| (row.kind.clone(), row.gross.minor, row.fee.minor))
        .collect()
}

fn left(movements: &[Movement]) -> i64 {
    movements.iter().map(|movement| movement.net.minor).sum()
}

async fn gives_back(bench: &Bench, session: &Session, minor: i64) -> String {
    let facts = done(
        bench
            .provider
            .retrieve(Lookup::Session(&session.session_id))
            .await,
    );
    let order = RefundOrder {
        reference: format!("ref_{minor}"),
        payment_id: facts.payment_id.unwrap(),
        amount: Money::gbp(minor),
    };
    let frozen = bench.provider.freeze_refund(&order);
    let refund = done(bench.provider.refund(&frozen, &order.reference).await);
    refund.provider_refund_id
}

#[tokio::test]
async fn what_is_two_days_old_goes_out_at_midnight_until_nothing_is_left() {
    let bench = Bench::idle().await;
    assert_eq!(books(&bench).await, []);
    // An hour after some midnight, so that the days below are whole ones.
    bench.passes(DAY_MS - bench.now() % DAY_MS + 3_600_000);
    let card = bench.session("att_1", Method::Card, 5_000).await;
    bench.pays_with(&card, PAYS).await;
    let klarna = bench.session("att_2", Method::Klarna, 10_000).await;
    bench.presses(&klarna, "approve").await;
    let paid = vec![
        (MovementKind::Payment, 5_000, 90),
        (MovementKind::Payment, 10_000, 534),
    ];
    let mut seen = read(&books(&bench).await);
    seen.sort_by_key(|row| row.1);
    assert_eq!(seen, paid);
    let day = 2 * DAY_MS + DAY_MS - 3_600_000;
    bench.passes(day - 1);
    assert_eq!(
        books(&bench).await.len(),
        2,
        "a millisecond before the third midnight"
    );
    bench.passes(1);
    let after = books(&bench).await;
    assert_eq!(left(&after), 0);
    let payout = after.last().unwrap();
    assert_eq!(
        (payout.kind.clone(), payout.gross.minor),
        (MovementKind::Payout, -14_376)
    );
    // A day on which nobody looked was paid out all the same, at its own midnight.
    bench.passes(7 * DAY_MS);
    assert_eq!(
        books(&bench).await,
        after,
        "nothing more, and nothing twice"
    );
}

#[tokio::test]
async fn refunds_count_once_they_are_done_and_are_carried_until_they_are_covered() {
    let bench = Bench::idle().await;
    let session = bench.session("att_1", Method::Card, 20_000).await;
    bench.pays_with(&session, PAYS).await;
    bench.passes(4 * DAY_MS);
    assert_eq!(left(&books(&bench).await), 0);
    let failed = gives_back(&bench, &session, 1_098).await;
    let pending = gives_back(&bench, &session, 1_099).await;
    let refunds = || books(&bench);
    assert_eq!(left(&refunds().await), 0, "neither has moved money yet");
    bench.passes(5_000);
    done(bench.provider.retrieve_refund(&pending).await);
    // The background work tells what fell due by time; here the next change of the session does.
    let third = gives_back(&bench, &session, 1_000).await;
    let after = refunds().await;
    assert_eq!(left(&after), -2_099);
    let sources: Vec<_> = after.iter().filter_map(|row| row.source.clone()).collect();
    assert!(sources.contains(&pending) && sources.contains(&third) && !sources.contains(&failed));
    bench.passes(5 * DAY_MS);
    assert_eq!(
        left(&refunds().await),
        -2_099,
        "less than nothing is not paid out"
    );
    let more = bench.session("att_2", Method::Card, 5_000).await;
    bench.pays_with(&more, PAYS).await;
    bench.passes(4 * DAY_MS);
    let after = refunds().await;
    assert_eq!(left(&after), 0);
    assert_eq!(after.last().unwrap().gross.minor, -(4_910 - 2_099));
    let listed = done(bench.provider.list_refunds(0, None).await).items;
    let status = |id: &String| {
        listed
            .iter()
            .find(|row| row.provider_refund_id == *id)
            .unwrap()
            .status
            .clone()
    };
    assert_eq!(
        [status(&failed), status(&pending), status(&third)],
        [
            RefundStatus::Failed,
            RefundStatus::Succeeded,
            RefundStatus::Succeeded
        ]
    );
}

#[tokio::test]
async fn a_long_book_comes_in_pages_and_to_its_owner_alone() {
    let bench = Bench::idle().await;
    for number in 0..120 {
        let session = bench
            .session(&format!("att_{number}"), Method::Card, 1_000)
            .await;
        bench.pays_with(&session, PAYS).await;
        bench.passes(1);
    }
    let first = done(bench.provider.list_movements(0, None).await);
    let second = done(
        bench
            .provider
            .list_movements(0, first.next.as_deref())
            .await,
    );
    assert_eq!(
        (first.items.len(), second.items.len(), second.next),
        (100, 20, None)
    );
    let since = done(
        bench
            .provider
            .list_movements(first.items[99].created_at, None)
            .await,
    );
    assert_eq!(since.items.len(), 21);
    bench.takes_on("b", "sk_b").await;
    let other = bench.provider_of("b", "sk_b");
    assert_eq!(done(other.list_movements(0, None).await).items, []);
}
