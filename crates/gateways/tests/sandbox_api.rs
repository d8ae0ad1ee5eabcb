//! The sandbox's API: keys, accounts, refunds, lists, and what it refuses.

mod support;

use std::sync::Arc;

use remit_core::methods::Method;
use remit_core::money::Money;
use remit_core::{DAY_MS, MINUTE_MS};
use remit_gateways::Answer;
use remit_gateways::payments::{
    About, Lookup, PaymentProvider, RefundFacts, RefundOrder, RefundStatus, Session,
};
use remit_gateways::sandbox::company::Registration;
use serde_json::{Value, json};

use support::{Bench, done, refused_with};

const PAYS: &str = "4242 4242 4242 4242";

#[tokio::test]
async fn a_key_counts_for_a_day_and_for_one_account() {
    let bench = Bench::idle().await;
    bench.takes_on("b", "sk_b").await;
    let other = bench.provider_of("b", "sk_b");
    let mut order = bench.order("att_1", Method::Card, 3000);
    order.expires_at = bench.now() + DAY_MS;
    let frozen = bench.provider.freeze_session(&order);
    let (one, two) = tokio::join!(
        bench.provider.create_session(&frozen, "key"),
        bench.provider.create_session(&frozen, "key")
    );
    let first = done(one);
    assert_eq!(first, done(two));
    // The other account's provider would refuse an answer of this one's.
    let others = bench.provider_of("b", "sk_b").freeze_session(&order);
    assert_ne!(
        done(other.create_session(&others, "key").await).session_id,
        first.session_id
    );
    let changed = bench
        .provider
        .freeze_session(&bench.order("att_2", Method::Card, 3000));
    assert_eq!(
        refused_with(bench.provider.create_session(&changed, "key").await),
        "idempotency_mismatch"
    );
    // Past its bounds a fresh request would be refused; a repetition is answered as at first.
    bench.passes(DAY_MS - 1);
    assert_eq!(
        done(bench.provider.create_session(&frozen, "key").await),
        first
    );
    bench.passes(1);
    assert_eq!(
        refused_with(bench.provider.create_session(&frozen, "key").await),
        "invalid_request"
    );
}

#[tokio::test]
async fn a_key_opens_its_own_account_only() {
    let bench = Bench::idle().await;
    bench.takes_on("b", "sk_b").await;
    let session = bench.session("att_1", Method::Card, 3000).await;
    bench.pays_with(&session, PAYS).await;
    let stranger = bench.provider_of("a", "sk_wrong");
    let lookup = Lookup::Session(&session.session_id);
    assert_eq!(
        refused_with(stranger.retrieve(lookup).await),
        "unauthorised"
    );
    let other = bench.provider_of("b", "sk_b");
    assert_eq!(refused_with(other.retrieve(lookup).await), "not_found");
    assert_eq!(
        refused_with(
            other
                .retrieve(Lookup::Reference {
                    reference: "att_1",
                    made_at: 0
                })
                .await
        ),
        "not_found"
    );
    assert_eq!(
        refused_with(other.ensure_closed(&session.session_id).await),
        "not_found"
    );
    assert!(done(other.list_payments(0, None).await).items.is_empty());
    assert!(done(other.list_events(0, None).await).items.is_empty());
    let payment_id = session.session_id.replace("ses", "pay");
    let refund = RefundOrder {
        reference: "ref_1".into(),
        payment_id,
        amount: Money::gbp(1),
    };
    let frozen = other.freeze_refund(&refund);
    assert_eq!(
        refused_with(other.refund(&frozen, "ref_1").await),
        "not_found"
    );
    // A replaced key opens nothing any more.
    bench.takes_on("a", "sk_new").await;
    assert_eq!(
        refused_with(bench.provider.retrieve(lookup).await),
        "unauthorised"
    );
    done(bench.provider_of("a", "sk_new").retrieve(lookup).await);
}

async fn refund(
    bench: &Bench,
    session: &Session,
    reference: &str,
    minor: i64,
) -> Answer<RefundFacts> {
    let payment_id = session.session_id.replace("ses", "pay");
    let refund = RefundOrder {
        reference: reference.into(),
        payment_id,
        amount: Money::gbp(minor),
    };
    bench
        .provider
        .refund(&bench.provider.freeze_refund(&refund), reference)
        .await
}

#[tokio::test]
async fn refunds_are_pending_fail_or_succeed_by_their_amount() {
    let bench = Bench::open().await;
    let session = bench.session("att_1", Method::Card, 10_000).await;
    assert_eq!(
        refused_with(refund(&bench, &session, "ref_0", 100).await),
        "not_refundable"
    );
    bench.pays_with(&session, PAYS).await;
    assert_eq!(bench.next_event().await.kind, "session.completed");

    assert_eq!(
        done(refund(&bench, &session, "ref_1", 1_000).await).status,
        RefundStatus::Succeeded
    );
    assert_eq!(bench.next_event().await.kind, "refund.succeeded");
    let failed = done(refund(&bench, &session, "ref_2", 8_998).await);
    assert!(failed.status == RefundStatus::Failed && failed.failure.is_some());
    assert_eq!(bench.next_event().await.kind, "refund.failed");
    let pending = done(refund(&bench, &session, "ref_3", 8_999).await);
    assert_eq!(
        pending.status,
        RefundStatus::Pending,
        "a failed refund holds nothing back"
    );
    assert_eq!(bench.next_event().await.kind, "refund.pending");
    assert_eq!(
        refused_with(refund(&bench, &session, "ref_4", 2).await),
        "amount_too_large"
    );
    bench.passes(5_000);
    let event = bench.next_event().await;
    assert_eq!(event.kind, "refund.succeeded");
    let About::Refund {
        provider_refund_id,
        reference,
        ..
    } = event.about
    else {
        panic!("a refund's event is about a refund");
    };
    assert_eq!(
        (&provider_refund_id, reference.as_deref()),
        (&pending.provider_refund_id, Some("ref_3"))
    );
    let settled = done(bench.provider.retrieve_refund(&provider_refund_id).await);
    assert_eq!(settled.status, RefundStatus::Succeeded);
    assert_eq!(
        done(refund(&bench, &session, "ref_3", 8_999).await),
        pending,
        "the key answers as at first"
    );
}

#[tokio::test]
async fn sixteen_refunds_at_once_give_back_what_was_paid() {
    let bench = Arc::new(Bench::idle().await);
    let session = bench.session("att_1", Method::Card, 1_000).await;
    bench.pays_with(&session, PAYS).await;
    let mut calls = tokio::task::JoinSet::new();
    for turn in 0..16 {
        let (bench, session) = (Arc::clone(&bench), session.clone());
        calls.spawn(async move {
            loop {
                match refund(&bench, &session, &format!("ref_{turn}"), 100).await {
                    Answer::Done(_) => return 100,
                    Answer::Refused(refusal) => {
                        assert_eq!(refusal.code, "amount_too_large");
                        return 0;
                    }
                    Answer::Unknown(_) => {} // lost too many races: the same key again
                }
            }
        });
    }
    assert_eq!(calls.join_all().await.iter().sum::<i64>(), 1_000);
}

#[tokio::test]
async fn the_lists_go_on_page_by_page() {
    let bench = Bench::idle().await;
    for turn in 0..105 {
        let session = bench
            .session(&format!("att_{turn}"), Method::Klarna, 3000)
            .await;
        bench.presses(&session, "approve").await;
        bench.passes(1);
    }
    let since = support::START + 2;
    let first = done(bench.provider.list_events(since, None).await);
    let second = done(
        bench
            .provider
            .list_events(since, first.next.as_deref())
            .await,
    );
    assert_eq!(
        (first.items.len(), second.items.len(), second.next),
        (100, 3, None)
    );
    let first = done(bench.provider.list_payments(since, None).await);
    let second = done(
        bench
            .provider
            .list_payments(since, first.next.as_deref())
            .await,
    );
    let paid: Vec<String> = first
        .items
        .into_iter()
        .chain(second.items)
        .map(|facts| facts.reference)
        .collect();
    assert_eq!(
        paid,
        (2..105)
            .map(|turn| format!("att_{turn}"))
            .collect::<Vec<_>>()
    );
}

/// Sends a session's body with changes; answers with status and error.
async fn asks(bench: &Bench, change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let frozen = bench
        .provider
        .freeze_session(&bench.order("att_1", Method::Card, 3000));
    let mut body: Value = serde_json::from_str(&frozen.0).unwrap();
    change(&mut body);
    let request = bench
        .call(reqwest::Method::POST, "/sessions")
        .header("idempotency-key", "key");
    let response = request.json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn every_field_of_a_session_is_checked_by_name() {
    let bench = Bench::idle().await;
    let now = bench.now();
    for (field, value) in [
        ("reference", json!("")),
        ("reference", json!("a b")),
        ("reference", json!("a".repeat(65))),
        ("amount", json!(0)),
        ("amount", json!(-1)),
        ("amount", json!(1_000_000_000_001_i64)),
        ("amount", json!(30.5)),
        ("amount", json!("3000")),
        ("currency", json!("gbp")),
        ("currency", json!("XYZ")),
        ("method", json!("bitcoin")),
        ("payee", json!(" ")),
        ("payee", json!("a\nb")),
        ("payee", json!("a".repeat(101))),
        ("return_url", json!("javascript:alert(1)")),
        ("return_url", json!("/relative")),
        ("cancel_url", json!("https://user:pass@shop.example/")),
        (
            "cancel_url",
            json!(format!("https://shop.example/{}", "a".repeat(2_048))),
        ),
        ("locale", json!("e")),
        ("locale", json!("en_GB")),
        ("expires_at", json!(now + 28 * MINUTE_MS)),
        ("expires_at", json!(now + DAY_MS + 2 * MINUTE_MS)),
        ("expires_at", json!(i64::MIN)),
    ] {
        let (status, answer) = asks(&bench, |body| body[field] = value.clone()).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_request")),
            "{field}: {value}"
        );
        let said = answer["error"]["message"].as_str().unwrap();
        assert!(
            said.starts_with(field) || said.contains("wrong type"),
            "{field}: {said}"
        );
    }
    for (currency, method, amount) in [
        ("EUR", "clearpay", 5000),
        ("GBP", "clearpay", 120_001),
        ("GBP", "klarna", 99),
    ] {
        let (status, _) = asks(&bench, |body| {
            (body["currency"], body["method"], body["amount"]) =
                (json!(currency), json!(method), json!(amount));
        })
        .await;
        assert_eq!(status, 400, "{currency} {method} {amount}");
    }
    let (_, answer) = asks(&bench, |body| body["amout"] = json!(1)).await;
    assert_eq!(answer["error"]["message"], "unknown field `amout`");
    let (_, answer) = asks(&bench, |body| {
        drop(body.as_object_mut().unwrap().remove("amount"))
    })
    .await;
    assert_eq!(answer["error"]["message"], "missing field `amount`");
    assert_eq!(
        (
            bench.vault.count("session"),
            bench.vault.count("idempotency")
        ),
        (0, 0)
    );
    let (status, _) = asks(&bench, |_| ()).await;
    assert_eq!(status, 200, "a refused request has not used the key up");
}

#[tokio::test]
async fn keys_and_queries_are_checked_too() {
    let bench = Bench::idle().await;
    let long_key = "k".repeat(300);
    for (verb, path, key) in [
        (reqwest::Method::POST, "/sessions", None),
        (reqwest::Method::POST, "/sessions", Some(long_key.as_str())),
        (reqwest::Method::GET, "/sessions?reference=a&x=1", None),
        (reqwest::Method::GET, "/sessions", None),
        (reqwest::Method::GET, "/events?since=yesterday", None),
        (reqwest::Method::GET, "/payments", None),
    ] {
        let mut request = bench.call(verb.clone(), path);
        if verb == reqwest::Method::POST {
            request = request.body(
                bench
                    .provider
                    .freeze_session(&bench.order("att_1", Method::Card, 3000))
                    .0,
            );
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        assert_eq!(
            request.send().await.unwrap().status().as_u16(),
            400,
            "{verb} {path}"
        );
    }
    let nowhere = bench
        .call(reqwest::Method::GET, "/payouts")
        .send()
        .await
        .unwrap();
    assert_eq!(nowhere.status().as_u16(), 404);
}

#[tokio::test]
async fn registering_twice_changes_nothing_and_needs_its_fields() {
    let bench = Bench::idle().await;
    bench.takes_on("a", "sk_a").await;
    assert_eq!(
        bench.session("att_1", Method::Card, 3000).await.expires_at,
        bench.now() + 30 * MINUTE_MS
    );
    for (account, key, secret) in [
        ("acct", "k", "s"),
        ("sbx_acct_", "k", "s"),
        ("sbx_acct_a/b", "k", "s"),
        ("sbx_acct_c", "", "s"),
        ("sbx_acct_c", "k", ""),
    ] {
        let registration = Registration {
            account: account.into(),
            secret_key: key.into(),
            webhook_url: "http://127.0.0.1:9/".into(),
            webhook_secret: secret.into(),
        };
        assert!(
            bench.company.register(registration).await.is_err(),
            "{account}"
        );
    }
}
