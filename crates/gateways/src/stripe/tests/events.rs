use serde_json::{Value, json};

use super::super::events::{KINDS, event};
use super::{ACCOUNT, SECRET, payment, refund, session};
use crate::payments::{About, PaymentProvider as _, ProviderEvent, WebhookError, WebhookRequest};
use crate::signature;

fn raw(kind: &str, object: Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "type": kind, "created": 1_795_500_700, "livemode": false,
        "api_version": "2020-08-27", "pending_webhooks": 1, "request": {"id": null, "idempotency_key": null},
        "data": {"object": object},
    })
}

fn read(value: Value) -> ProviderEvent {
    event(serde_json::from_value(value).unwrap(), ACCOUNT)
}

fn about(kind: &str, object: Value) -> About {
    read(raw(kind, object)).about
}

#[test]
fn events_name_what_they_are_about() {
    let ours = About::Session {
        session_id: "cs_test_a1".into(),
        reference: Some("att_1".into()),
    };
    for kind in KINDS.iter().filter(|kind| kind.starts_with("checkout.")) {
        assert_eq!(
            about(kind, session("complete", "paid", json!("pi_1"))),
            ours
        );
    }
    for kind in KINDS
        .iter()
        .filter(|kind| kind.starts_with("payment_intent."))
    {
        let expected = About::Payment {
            payment_id: "pi_1".into(),
            reference: "att_1".into(),
        };
        let mut intent = payment("succeeded", 4550);
        intent["latest_charge"] = json!("ch_1");
        assert_eq!(about(kind, intent), expected);
    }
    for kind in KINDS.iter().filter(|kind| kind.contains("refund")) {
        for reference in [Some("ref_1"), None] {
            let expected = About::Refund {
                provider_refund_id: "re_1".into(),
                payment_id: "pi_1".into(),
                reference: reference.map(str::to_owned),
            };
            assert_eq!(about(kind, refund("re_1", "failed", reference)), expected);
        }
    }
    for kind in KINDS.iter().filter(|kind| kind.contains("dispute")) {
        let dispute =
            json!({"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "metadata": {}});
        let expected = About::Dispute {
            dispute_id: "dp_1".into(),
            payment_id: "pi_1".into(),
        };
        assert_eq!(about(kind, dispute), expected);
    }
}

/// A clinic's account may serve a shop, a till and a subscription as well.
#[test]
fn what_is_not_ours_is_about_nothing() {
    let mut shop = session("complete", "paid", json!("pi_9"));
    shop["metadata"] = json!({"order": "17"});
    let mut till = payment("succeeded", 100);
    till["metadata"] = Value::Null;
    for (kind, object) in [
        ("checkout.session.completed", shop),
        ("payment_intent.succeeded", till),
        (
            "payment_intent.created",
            payment("requires_payment_method", 0),
        ),
        (
            "charge.refunded",
            json!({"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}),
        ),
        (
            "charge.dispute.created",
            json!({"id": "dp_1", "object": "dispute", "payment_intent": null}),
        ),
        (
            "customer.created",
            json!({"id": "cus_1", "object": "customer"}),
        ),
        ("balance.available", json!({"object": "balance"})),
        (
            "checkout.session.dreamt",
            session("open", "unpaid", Value::Null),
        ),
        ("refund.created", json!({})),
    ] {
        assert_eq!(about(kind, object), About::Nothing, "{kind}");
    }
}

/// Hazard A22: the caller compares both with its own.
#[test]
fn an_event_tells_its_account_and_its_mode() {
    let mut live = raw(
        "customer.created",
        json!({"id": "cus_1", "object": "customer"}),
    );
    assert_eq!(
        (
            read(live.clone()).account.as_str(),
            read(live.clone()).livemode
        ),
        (ACCOUNT, false)
    );
    live["account"] = json!("acct_other");
    live["livemode"] = json!(true);
    let read = read(live);
    assert_eq!((read.account.as_str(), read.livemode), ("acct_other", true));
    assert_eq!(
        (read.created_at, read.event_id.as_str()),
        (1_795_500_700_000, "evt_1")
    );
}

#[tokio::test]
async fn a_webhook_is_believed_by_its_signature() {
    let provider = super::Desk::open().await.provider;
    let body = raw(
        "checkout.session.completed",
        session("complete", "paid", json!("pi_1")),
    )
    .to_string();
    let at = 1_795_500_700_000;
    let believed = |secret: &str, body: &str, received_at| {
        let signature = signature::sign(secret, at, body.as_bytes());
        provider.verify_webhook(WebhookRequest {
            signature: &signature,
            body: body.as_bytes(),
            received_at,
        })
    };
    for secret in [SECRET, "whsec_second"] {
        for received_at in [at - 300_000, at, at + 300_000] {
            assert_eq!(
                believed(secret, &body, received_at).unwrap().event_id,
                "evt_1"
            );
        }
    }
    assert_eq!(
        believed("whsec_elsewhere", &body, at),
        Err(WebhookError::Signature)
    );
    assert_eq!(
        believed(SECRET, &body, at + 301_000),
        Err(WebhookError::Timestamp)
    );
    assert_eq!(believed(SECRET, "{}", at), Err(WebhookError::Malformed));
    let thin = r#"{"id":"evt_9","object":"v2.core.event","type":"v2.core.x","created":"2026-11-24T06:00:00Z"}"#;
    let thin = believed(SECRET, thin, at).unwrap();
    assert_eq!(
        (thin.event_id.as_str(), thin.about),
        ("evt_9", About::Nothing)
    );
    assert_eq!(provider.signature_header(), "stripe-signature");
}
