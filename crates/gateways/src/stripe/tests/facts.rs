use remit_core::money::Money;
use serde_json::{Value, json};

use super::super::facts as read;
use super::{payment, refund, session};
use crate::payments::{
    DisputeStatus, Facts, Movement, MovementKind, RefundStatus, SessionStatus, WebhookSetup,
};

fn facts(session: Value) -> Facts {
    read::facts(serde_json::from_value(session).unwrap()).unwrap()
}

fn other(word: &str) -> SessionStatus {
    SessionStatus::Other(word.into())
}

/// Hazards A11, A12: every documented word, and some of tomorrow's.
#[test]
fn a_session_stands_where_its_payment_says() {
    use SessionStatus::{Expired, Failed, Open, Paid, Processing};
    for (status, payment_status, intent, expected) in [
        ("open", "unpaid", None, Open),
        ("open", "unpaid", Some("requires_payment_method"), Open),
        ("open", "unpaid", Some("requires_confirmation"), Open),
        ("open", "unpaid", Some("requires_action"), Open),
        ("open", "unpaid", Some("processing"), Processing),
        ("open", "unpaid", Some("succeeded"), Paid),
        ("complete", "paid", Some("succeeded"), Paid),
        ("complete", "unpaid", Some("succeeded"), Paid),
        ("complete", "unpaid", Some("processing"), Processing),
        ("complete", "unpaid", Some("requires_action"), Processing),
        ("complete", "unpaid", None, Processing),
        (
            "complete",
            "unpaid",
            Some("requires_payment_method"),
            Failed,
        ),
        ("complete", "unpaid", Some("canceled"), Failed),
        (
            "complete",
            "unpaid",
            Some("requires_capture"),
            other("requires_capture"),
        ),
        ("complete", "paid", None, other("paid ")),
        (
            "complete",
            "no_payment_required",
            None,
            other("no_payment_required "),
        ),
        (
            "complete",
            "half_paid",
            Some("requires_action"),
            other("half_paid requires_action"),
        ),
        ("expired", "unpaid", None, Expired),
        ("expired", "unpaid", Some("canceled"), Expired),
        (
            "expired",
            "unpaid",
            Some("requires_payment_method"),
            Expired,
        ),
        ("expired", "unpaid", Some("processing"), Processing),
        ("expired", "unpaid", Some("succeeded"), Paid),
        ("resting", "unpaid", None, other("resting")),
        ("resting", "paid", Some("succeeded"), Paid),
    ] {
        let intent = intent.map_or(Value::Null, |word| payment(word, 4550));
        let facts = facts(session(status, payment_status, intent.clone()));
        assert_eq!(
            facts.status, expected,
            "{status} {payment_status} {}",
            intent["status"]
        );
        assert_eq!(
            facts.received,
            (expected == Paid).then_some(Money::gbp(4550))
        );
        let with_money = matches!(expected, Paid | Processing) && !intent.is_null();
        assert_eq!(facts.payment_id.is_some(), with_money);
    }
    for n in 0..50 {
        let word = format!("status_{n}");
        assert_eq!(
            facts(session(&word, "unpaid", Value::Null)).status,
            other(&word)
        );
    }
}

#[test]
fn money_is_what_was_received_and_its_means_are_named() {
    let paid = facts(session("complete", "paid", payment("succeeded", 4549)));
    assert_eq!(
        paid,
        Facts {
            reference: "att_1".into(),
            session_id: "cs_test_a1".into(),
            url: None,
            status: SessionStatus::Paid,
            payment_id: Some("pi_1".into()),
            received: Some(Money::gbp(4549)),
            paid_with: Some("Visa ending 4242".into()),
            last_error: None,
            livemode: false,
        }
    );
    let card = |brand: &str, wallet: Value| json!({"type": "card", "card": {"brand": brand, "last4": "0005", "wallet": wallet}});
    for (details, expected) in [
        (card("amex", Value::Null), "American Express ending 0005"),
        (
            card("visa", json!({"type": "apple_pay"})),
            "Apple Pay (Visa ending 0005)",
        ),
        (
            card("mastercard", json!({"type": "google_pay"})),
            "Google Pay (Mastercard ending 0005)",
        ),
        (card("newcomer", Value::Null), "Card ending 0005"),
        (json!({"type": "klarna", "klarna": {}}), "Klarna"),
        (json!({"type": "afterpay_clearpay"}), "Clearpay"),
        (json!({"type": "link", "link": {"country": "GB"}}), "Link"),
        (json!({"type": "pay_by_bank"}), "Pay By Bank"),
    ] {
        let mut intent = payment("succeeded", 4550);
        intent["latest_charge"]["payment_method_details"] = details;
        let told = facts(session("complete", "paid", intent)).paid_with;
        assert_eq!(told.as_deref(), Some(expected));
    }
}

#[test]
fn a_payment_that_came_without_its_facts_proves_nothing() {
    let read = |value: Value| read::facts(serde_json::from_value(value).unwrap());
    let mut without_amount = session("complete", "paid", json!("pi_1"));
    without_amount["amount_total"] = Value::Null;
    assert_eq!(read(without_amount), None);
    let mut unheard = payment("succeeded", 4550);
    unheard["currency"] = json!("zzz");
    assert_eq!(read(session("complete", "paid", unheard)), None);
}

#[test]
fn a_payment_that_came_as_an_id_is_told_by_its_session() {
    for (session_status, payment_status, expected, received) in [
        (
            "complete",
            "paid",
            SessionStatus::Paid,
            Some(Money::gbp(4550)),
        ),
        ("complete", "unpaid", SessionStatus::Processing, None),
        ("open", "unpaid", SessionStatus::Open, None),
        ("expired", "unpaid", SessionStatus::Expired, None),
    ] {
        let told = facts(session(session_status, payment_status, json!("pi_1")));
        assert_eq!((told.status, told.received), (expected.clone(), received));
        let moneyed = matches!(expected, SessionStatus::Paid | SessionStatus::Processing);
        assert_eq!(told.payment_id.is_some(), moneyed);
    }
}

#[test]
fn a_refused_card_is_explained_while_the_session_is_open() {
    for (error, told) in [
        (
            json!({"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}),
            "enough money",
        ),
        (
            json!({"type": "card_error", "code": "card_declined", "decline_code": "stolen_card"}),
            "The card was declined.",
        ),
        (
            json!({"type": "card_error", "code": "expired_card"}),
            "expired",
        ),
        (
            json!({"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}),
            "bank's check",
        ),
        (
            json!({"type": "invalid_request_error", "code": "payment_method_provider_decline"}),
            "lender refused",
        ),
        (
            json!({"type": "new_error", "code": null, "message": "sk_test"}),
            "The payment was declined.",
        ),
    ] {
        let mut intent = payment("requires_payment_method", 0);
        intent["last_payment_error"] = error;
        let open = facts(session("open", "unpaid", intent.clone()));
        assert!(open.last_error.unwrap().contains(told), "{told}");
        assert_eq!((open.payment_id, open.paid_with), (None, None));
        assert_eq!(facts(session("expired", "unpaid", intent)).last_error, None);
    }
}

/// A patient follows this address.
#[test]
fn a_page_is_an_address_of_the_web() {
    for (url, kept) in [
        ("https://checkout.stripe.com/c/pay/cs_1", true),
        ("https://pay.larkhill.example/c/pay/cs_1", true),
        ("http://127.0.0.1:4242/c/pay/cs_1", true),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("/c/pay/cs_1", false),
    ] {
        let mut open = session("open", "unpaid", Value::Null);
        open["url"] = json!(url);
        assert_eq!(facts(open.clone()).url.is_some(), kept, "{url}");
        let made = read::session(serde_json::from_value(open).unwrap());
        assert_eq!(
            made.map(|made| made.expires_at),
            kept.then_some(1_795_501_800_000)
        );
    }
}

#[test]
fn refunds_end_as_stripe_says() {
    for (word, expected) in [
        ("pending", RefundStatus::Pending),
        ("requires_action", RefundStatus::Pending),
        ("succeeded", RefundStatus::Succeeded),
        ("failed", RefundStatus::Failed),
        ("canceled", RefundStatus::Failed),
        ("asleep", RefundStatus::Other("asleep".into())),
    ] {
        let facts =
            read::refund(serde_json::from_value(refund("re_1", word, Some("ref_1"))).unwrap())
                .unwrap();
        assert_eq!((facts.status, facts.amount), (expected, Money::gbp(1000)));
        assert_eq!(
            (facts.payment_id.as_str(), facts.reference.as_deref()),
            ("pi_1", Some("ref_1"))
        );
    }
    let mut failed = refund("re_1", "failed", None);
    failed["failure_reason"] = json!("expired_or_canceled_card");
    let facts = read::refund(serde_json::from_value(failed).unwrap()).unwrap();
    assert!(
        facts
            .failure
            .unwrap()
            .starts_with("The card has been closed")
    );
    assert_eq!(facts.reference, None);
    let mut foreign = refund("re_1", "succeeded", None);
    foreign["payment_intent"] = Value::Null;
    assert_eq!(read::refund(serde_json::from_value(foreign).unwrap()), None);
}

#[test]
fn a_dispute_tells_its_state_its_deadline_and_what_was_taken() {
    let taken =
        json!({"id": "txn_1", "amount": -3000, "fee": 2000, "net": -5000, "currency": "gbp"});
    let given = json!({"id": "txn_2", "amount": 3000, "fee": 0, "net": 3000, "currency": "gbp"});
    let dispute = |status: &str, moved: &[&Value]| {
        let value = json!({
            "id": "dp_1", "object": "dispute", "amount": 3000, "currency": "gbp", "created": 1_795_500_000,
            "status": status, "reason": "fraudulent", "charge": "ch_1", "payment_intent": "pi_1",
            "balance_transactions": moved, "evidence_details": {"due_by": 1_796_000_000, "has_evidence": false},
        });
        read::dispute(serde_json::from_value(value).unwrap()).unwrap()
    };
    for (word, expected) in [
        ("needs_response", DisputeStatus::NeedsResponse),
        ("warning_needs_response", DisputeStatus::NeedsResponse),
        ("under_review", DisputeStatus::UnderReview),
        ("warning_under_review", DisputeStatus::UnderReview),
        ("won", DisputeStatus::Won),
        ("lost", DisputeStatus::Lost),
        ("warning_closed", DisputeStatus::Withdrawn),
        ("prevented", DisputeStatus::Withdrawn),
        ("shelved", DisputeStatus::Other("shelved".into())),
    ] {
        let facts = dispute(word, &[&taken]);
        let due_by = (expected == DisputeStatus::NeedsResponse).then_some(1_796_000_000_000);
        assert_eq!((facts.status, facts.due_by), (expected, due_by));
    }
    for (moved, left) in [
        (vec![], 0),
        (vec![&taken], 3000),
        (vec![&taken, &given], 0),
        (vec![&given], 0),
    ] {
        assert_eq!(
            dispute("needs_response", &moved).withdrawn,
            Money::gbp(left)
        );
    }
    let facts = dispute("won", &[]);
    assert_eq!(
        (facts.payment_id.as_str(), facts.opened_at),
        ("pi_1", 1_795_500_000_000)
    );
    assert_eq!(facts.reason, "the payer says that they did not make it");
}

#[test]
fn the_books_lines_have_their_kinds_and_sources() {
    let movement = |kind: &str, category: &str, source: Value| -> Movement {
        let value = json!({
            "id": "txn_1", "type": kind, "reporting_category": category, "amount": 4550, "fee": 88, "net": 4462,
            "currency": "gbp", "created": 1_795_500_600, "source": source,
        });
        read::movement(serde_json::from_value(value).unwrap()).unwrap()
    };
    let charge = json!({"id": "ch_1", "object": "charge", "payment_intent": "pi_1"});
    let paid = movement("charge", "charge", charge);
    assert_eq!(
        (paid.kind, paid.source.as_deref()),
        (MovementKind::Payment, Some("pi_1"))
    );
    assert_eq!(
        (paid.gross, paid.fee, paid.net),
        (Money::gbp(4550), Money::gbp(88), Money::gbp(4462))
    );
    for (kind, category, expected) in [
        ("payment", "charge", MovementKind::Payment),
        ("refund", "refund", MovementKind::Refund),
        ("payment_refund", "refund", MovementKind::Refund),
        (
            "refund_failure",
            "refund_failure",
            MovementKind::RefundFailure,
        ),
        ("adjustment", "dispute", MovementKind::Dispute),
        (
            "adjustment",
            "dispute_reversal",
            MovementKind::DisputeReversal,
        ),
        (
            "adjustment",
            "other_adjustment",
            MovementKind::Other("adjustment".into()),
        ),
        ("stripe_fee", "fee", MovementKind::Fee),
        ("payout", "payout", MovementKind::Payout),
        (
            "payout_failure",
            "payout_reversal",
            MovementKind::PayoutFailure,
        ),
        (
            "payout_cancel",
            "payout_reversal",
            MovementKind::PayoutFailure,
        ),
        (
            "transfer",
            "transfer",
            MovementKind::Other("transfer".into()),
        ),
    ] {
        assert_eq!(
            movement(kind, category, Value::Null).kind,
            expected,
            "{kind}"
        );
    }
    let refund = json!({"id": "re_1", "object": "refund", "payment_intent": "pi_1"});
    for (source, expected) in [
        (refund, "re_1"),
        (json!("po_1"), "po_1"),
        (json!({"id": "dp_1", "object": "dispute"}), "dp_1"),
    ] {
        assert_eq!(movement("x", "x", source).source.as_deref(), Some(expected));
    }
}

#[test]
fn the_webhook_address_is_looked_for() {
    let endpoint = |url: &str, status: &str| json!({"id": "we_1", "url": url, "status": status, "secret": null});
    let ours = "https://pay.example/hooks/e1";
    for (endpoints, expected) in [
        (vec![], WebhookSetup::Missing),
        (
            vec![endpoint("https://other.example", "enabled")],
            WebhookSetup::Missing,
        ),
        (vec![endpoint(ours, "disabled")], WebhookSetup::Disabled),
        (
            vec![endpoint(ours, "disabled"), endpoint(ours, "enabled")],
            WebhookSetup::Registered,
        ),
    ] {
        let endpoints = serde_json::from_value::<Vec<_>>(json!(endpoints)).unwrap();
        assert_eq!(read::webhook_setup(&endpoints, ours), expected);
    }
}
