//! What the database itself refuses, whatever the code above it does.

use remit_core::attempts::Reported;
use remit_core::links::LinkState;
use remit_core::refunds::RefundState;
use remit_store::StoreError;
use remit_store::account::{Extras, apply, lock_standing};

use crate::desk::Desk;
use crate::harness::Place;

on_both_engines! {
async fn a_second_link_closes_the_first_and_the_index_holds_without_the_rule(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let (first, second) = (desk.issues(visit).await, desk.issues(visit).await);
    assert_eq!(desk.sees(first).await.state, LinkState::Cancelled);
    assert_eq!(desk.sees(second).await.state, LinkState::Created);
    // A rule that saw no open link: the index refuses, and nothing of the transaction stays.
    let mut tx = desk.begin().await;
    let (mut standing, now) = lock_standing(&mut tx, visit).await.unwrap().unwrap();
    standing.open = None;
    let decision = remit_core::links::issue(
        &standing,
        crate::desk::fresh_id(now),
        remit_core::token::TokenHash([9; 32]),
        remit_core::links::Purpose::Balance,
        now,
    )
    .unwrap();
    let extras = Extras { token_sealed: Some(vec![1]), ..Extras::default() };
    let refused = apply(&mut tx, &standing, &decision, &extras, "reception", now).await;
    assert!(matches!(refused, Err(StoreError::Unique(_))), "{refused:?}");
    drop(tx);
    assert_eq!(place.number("SELECT COUNT(*) FROM payment_link").await, 2);
    assert_eq!(place.broken().await, [""; 0]);
}

async fn a_second_live_attempt_is_refused(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let first = desk.starts(link).await.unwrap();
    let copied = "INSERT INTO payment_attempt SELECT clinic, 'att_x', appt, link, method, provider, account,
        request_body, request_sha, amount, currency, state, session_id, url, payment_id, captured, session_expires_at,
        created_at, ended_at, next_check_at, checks, last_error FROM payment_attempt";
    assert!(place.by_hand(copied).await.is_err());
    // The rule past its guard meets the same index, as a typed error.
    let mut tx = desk.begin().await;
    let (mut standing, now) = lock_standing(&mut tx, visit).await.unwrap().unwrap();
    let live = standing.live.take().unwrap();
    assert_eq!(live.id, first);
    let again = remit_core::attempts::Attempt { id: crate::desk::fresh_id(now), ..live };
    let decision = remit_core::account::Decision {
        events: vec![remit_core::account::Event::AttemptStarted(again)],
        effects: vec![],
    };
    let extras = Extras { request_body: Some("x".into()), ..Extras::default() };
    let refused = apply(&mut tx, &standing, &decision, &extras, "patient", now).await;
    assert!(matches!(refused, Err(StoreError::Unique(_))), "{refused:?}");
    drop(tx);
    // Once it has ended, there is room for the next.
    desk.hears(first, Reported::Failed).await.unwrap();
    desk.starts(link).await.unwrap();
    assert_eq!(place.broken().await, [""; 0]);
}

async fn rows_that_cannot_be_are_refused(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    let open = desk.books(100).await;
    desk.issues(open).await;
    for wrong in [
        "UPDATE appointment_balance SET due = -1",
        "UPDATE appointment_balance SET credit = -1",
        "UPDATE payment_link SET paid_at = NULL WHERE state = 'paid'",
        "UPDATE payment_link SET paid_at = 1 WHERE state = 'created'",
        "UPDATE payment_link SET state = 'lost' WHERE state = 'created'",
        "UPDATE payment_link SET expires_at = expires_at + 1",
        "UPDATE payment_link SET amount = 0",
        "UPDATE payment SET refund_reserved = amount + 1",
        "UPDATE payment SET refunded = 1",
        "UPDATE payment_attempt SET captured = 0 WHERE state = 'succeeded'",
        "UPDATE payment_attempt SET state = 'open' WHERE state = 'succeeded'",
        "UPDATE ledger_entry SET amount = amount + 1",
        "UPDATE ledger_txn SET actor = 'somebody'",
        "DELETE FROM ledger_entry",
        "DELETE FROM ledger_txn",
        "INSERT INTO payment_link SELECT clinic, 'lnk_x', 'apt_nowhere', patient, purpose, amount, currency, token_hash,
          token_sealed, reference, 'expired', why, 0, created_at, created_by, expires_at, sent_at, sent_by, accessed_at,
          NULL, closed_at, asked_at, 0, 0, 0, 0 FROM payment_link",
    ] {
        assert!(place.by_hand(wrong).await.is_err(), "accepted: {wrong}");
    }
    assert_eq!(place.broken().await, [""; 0]);
}

async fn one_posting_under_one_natural_key(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.hears(attempt, Reported::Open).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    // Heard again: no news. Decided from a stale reading: refused by the key, in whatever order.
    desk.is_paid(attempt, 4500).await.unwrap();
    let stale = remit_store::attempts::peek(&desk.store, desk.clinic, attempt).await.unwrap().unwrap();
    let stale = remit_core::attempts::Attempt {
        state: remit_core::attempts::AttemptState::Open, captured: 0, payment_id: None, ..stale
    };
    let mut tx = desk.begin().await;
    let (standing, now) = lock_standing(&mut tx, visit).await.unwrap().unwrap();
    let report = remit_core::attempts::Report {
        session_id: format!("ses_{attempt}"),
        url: None,
        status: Reported::Paid {
            payment_id: format!("pi_{attempt}"),
            received: remit_core::money::Money::gbp(4500),
            paid_with: None,
        },
        last_error: None,
    };
    let ids = remit_core::attempts::SettleIds {
        payment: crate::desk::fresh_id(now), txn: crate::desk::fresh_id(now),
    };
    let mut decision = remit_core::attempts::settle(&standing, &stale, None, &report, ids, now);
    let refused = apply(&mut tx, &standing, &decision, &Extras::default(), "provider", now).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "the attempt moved on: {refused:?}");
    drop(tx);
    decision.events.retain(|event| matches!(event, remit_core::account::Event::Posted(_)));
    let mut tx = desk.begin().await;
    let refused = apply(&mut tx, &standing, &decision, &Extras::default(), "provider", now).await;
    assert!(matches!(refused, Err(StoreError::Unique(_))), "{refused:?}");
    drop(tx);
    let balance = desk.balance(visit).await;
    assert_eq!((balance.paid, balance.due, balance.credit), (4500, 0, 0));
    assert_eq!(place.broken().await, [""; 0]);
}

async fn refunds_reserve_release_and_post(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    let payment = remit_store::payments::of_link(&desk.store, desk.clinic, link).await.unwrap()[0].payment.id;
    let (first, second) = (desk.refunds(payment, 1000).await, desk.refunds(payment, 3500).await);
    desk.refund_becomes(first, RefundState::Pending).await;
    desk.refund_becomes(first, RefundState::Succeeded).await;
    desk.refund_becomes(second, RefundState::Failed).await;
    let view = remit_store::payments::get(&desk.store, desk.clinic, payment).await.unwrap().unwrap();
    assert_eq!((view.payment.refund_reserved, view.refunded.minor), (1000, 1000));
    assert_eq!(desk.sees(link).await.refunded, 1000);
    let third = desk.refunds(payment, 3500).await;
    desk.refund_becomes(third, RefundState::Succeeded).await;
    desk.refund_becomes(third, RefundState::Failed).await;
    let view = remit_store::payments::get(&desk.store, desk.clinic, payment).await.unwrap().unwrap();
    assert_eq!((view.payment.refund_reserved, view.refunded.minor), (1000, 1000));
    let of_visit = remit_store::refunds::of_appointment(&desk.store, desk.clinic, visit).await.unwrap();
    assert_eq!(of_visit.len(), 3);
    assert_eq!(place.broken().await, [""; 0]);
}
/// Late news of less never undoes more, and a reason goes with the outcome that it was of.
async fn a_receipts_outcome_only_ever_says_more(place: Place) {
    use remit_core::deliveries::Channel;
    use remit_core::deliveries::DeliveryStatus::{Delivered, Queued, Sent, Uncertain};
    use remit_store::receipts::{self, ReceiptView};
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    let payment = remit_store::payments::of_link(&desk.store, desk.clinic, link).await.unwrap()[0].payment.id;
    let now = desk.now().await;
    let receipt = ReceiptView {
        id: crate::desk::fresh_id(now), payment, appointment: visit, refund: None, channel: Channel::Sms,
        address: "+447700900123".into(), status: Queued, reason: None, token_sealed: None, created_at: now,
        created_by: "Remit".into(), done_at: None,
    };
    let mut tx = desk.begin().await;
    receipts::insert(&mut tx, &receipt, None).await.unwrap();
    tx.commit().await.unwrap();
    for (status, reason, is_news) in [
        (Uncertain, Some("no answer"), true),
        (Uncertain, Some("no answer"), false),
        (Sent, None, true),
        (Uncertain, Some("no answer"), false),
        (Delivered, None, true),
        (Sent, None, false),
    ] {
        let mut tx = desk.begin().await;
        assert_eq!(receipts::settle(&mut tx, receipt.id, status, reason, None, now).await.unwrap(), is_news, "{status:?}");
        tx.commit().await.unwrap();
    }
    let told = receipts::get(&desk.store, desk.clinic, receipt.id).await.unwrap().unwrap();
    assert_eq!((told.status, told.reason), (Delivered, None));
}

/// Hazard A23: whatever order, the books say what the bank holds; a posting that was seen is not written again.
async fn a_dispute_is_kept_once_and_shown_where_money_is(place: Place) {
    use remit_core::disputes::DisputeState::{Lost, NeedsResponse, Won};
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    let payment = remit_store::payments::of_link(&desk.store, desk.clinic, link).await.unwrap()[0].payment.id;
    let disputed = async || {
        let view = remit_store::payments::get(&desk.store, desk.clinic, payment).await.unwrap().unwrap();
        (view.payment.disputed.open, view.payment.refundable().minor, desk.sees(link).await.disputed)
    };
    assert!(desk.dispute_is(payment, NeedsResponse, 0, 0).await.unwrap());
    assert_eq!(disputed().await, (1, 4500, true));
    assert!(desk.dispute_is(payment, NeedsResponse, 4500, 1).await.unwrap());
    assert_eq!(place.broken().await, [""; 0]);
    assert_eq!(remit_store::findings::count(&desk.store, desk.clinic).await.unwrap(), 1);
    assert!(desk.dispute_is(payment, Lost, 4500, 2).await.unwrap());
    assert!(!desk.dispute_is(payment, NeedsResponse, 0, 2).await.unwrap(), "overtaken");
    assert!(desk.dispute_is(payment, Lost, 4500, 3).await.unwrap());
    assert_eq!(disputed().await, (0, 0, true));
    let lost = "SELECT CAST(SUM(amount) AS BIGINT) FROM ledger_entry WHERE account = 'chargeback_loss'";
    assert_eq!(place.number(lost).await, 4500);
    assert_eq!(place.broken().await, [""; 0]);
    assert!(desk.dispute_is(payment, Won, 0, 4).await.unwrap());
    assert_eq!(disputed().await, (0, 4500, false));
    assert_eq!(place.number(lost).await, 0);
    assert_eq!(remit_store::findings::count(&desk.store, desk.clinic).await.unwrap(), 0);
    assert_eq!(desk.balance(visit).await.due, 0, "the patient's balance does not follow");
    let told = remit_store::disputes::of_appointment(&desk.store, desk.clinic, visit).await.unwrap();
    assert_eq!((told.len(), told[0].dispute.postings, told[0].dispute.state), (1, 3, Won));
    assert_eq!(place.broken().await, [""; 0]);
    // Decided from a stale reading: refused by the row, and by the posting's number.
    let stale = remit_core::disputes::Dispute { looks: 2, ..told[0].dispute.clone() };
    let mut tx = desk.begin().await;
    let (standing, now) = lock_standing(&mut tx, visit).await.unwrap().unwrap();
    let moved = remit_core::account::Decision {
        events: vec![remit_core::account::Event::DisputeMoved { before: Some(stale.clone()), after: stale }],
        effects: vec![],
    };
    let refused = apply(&mut tx, &standing, &moved, &Extras::default(), "provider", now).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    drop(tx);
    // What `remit check` says of rows that somebody has turned by hand.
    for (wrong, right) in [
        ("UPDATE dispute SET withdrawn = 1", "UPDATE dispute SET withdrawn = 0"),
        ("UPDATE payment SET disputes_open = 1", "UPDATE payment SET disputes_open = 0"),
        ("UPDATE payment SET dispute_lost = 5", "UPDATE payment SET dispute_lost = 0"),
    ] {
        place.by_hand(wrong).await.unwrap();
        assert_ne!(place.broken().await, [""; 0], "{wrong}");
        place.by_hand(right).await.unwrap();
    }
    assert_eq!(place.broken().await, [""; 0]);
}

/// Hazards A16 and D18: reserved while it waits, released when it is declined.
async fn a_refund_waits_for_a_second_person(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let payment = desk.takes_cash(visit, 4500).await.unwrap();
    let get = async || remit_store::payments::get(&desk.store, desk.clinic, payment).await.unwrap().unwrap();
    for (approve, left, refunded) in [(false, 4500, 0), (true, 3500, 1000)] {
        let refund = crate::desk::fresh_id(desk.now().await);
        let found = get().await.payment;
        desk.decides(visit, |standing, now| {
            let request = remit_core::refunds::Request {
                refund,
                txn: crate::desk::fresh_id(now),
                amount: remit_core::money::Payable::parse(remit_core::money::Money::gbp(1000)).unwrap(),
                reason: None,
                reopen: false,
                correction: false,
                seen_available: None,
                needs_approval: true,
                asker: "stf_1".into(),
            };
            remit_core::refunds::request(standing, &found, request, now).unwrap()
        })
        .await
        .unwrap();
        assert_eq!(get().await.payment.refundable().minor, 3500);
        let view = remit_store::refunds::get(&desk.store, desk.clinic, refund).await.unwrap().unwrap();
        assert!(view.refund.waits_for_approval());
        assert_eq!(remit_store::findings::count(&desk.store, desk.clinic).await.unwrap(), 1);
        let held = get().await.payment;
        desk.decides(visit, |standing, now| {
            if approve {
                let txn = crate::desk::fresh_id(now);
                remit_core::refunds::approve(standing, &held, &view.refund, "stf_2", txn).unwrap()
            } else {
                remit_core::refunds::decline(&view.refund).unwrap()
            }
        })
        .await
        .unwrap();
        let now = get().await;
        assert_eq!((now.payment.refundable().minor, now.refunded.minor), (left, refunded));
        assert_eq!(remit_store::findings::count(&desk.store, desk.clinic).await.unwrap(), 0);
        assert_eq!(place.broken().await, [""; 0]);
    }
}

async fn one_refund_of_the_provider_is_one_of_ours(place: Place) {
    let desk = Desk::opens(&place).await;
    let visit = desk.books(4500).await;
    let link = desk.issues(visit).await;
    let attempt = desk.starts(link).await.unwrap();
    desk.is_paid(attempt, 4500).await.unwrap();
    let payment = remit_store::payments::of_link(&desk.store, desk.clinic, link).await.unwrap()[0].payment.id;
    let (first, second) = (desk.refunds(payment, 100).await, desk.refunds(payment, 100).await);
    let mut tx = desk.begin().await;
    remit_store::refunds::note(&mut tx, first, Some("re_1"), None).await.unwrap();
    let twice = remit_store::refunds::note(&mut tx, second, Some("re_1"), None).await;
    assert!(matches!(twice, Err(StoreError::Unique(_))), "{twice:?}");
}
}
