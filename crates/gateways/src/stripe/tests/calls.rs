use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use serde_json::{Value, json};

use super::{ACCOUNT, Desk, error, list, payment, refund, session};
use crate::payments::{
    Closing, FOREIGN, Frozen, Lookup, PaymentProvider as _, SessionOrder, SessionStatus,
    WebhookSetup,
};
use crate::roots::Roots;
use crate::stripe::{ConfigError, StripeConfig, StripeProvider, livemode};
use crate::{Answer, http};

const MADE_AT: i64 = 1_795_500_000_000;

fn order() -> SessionOrder {
    SessionOrder {
        reference: "att_1".into(),
        amount: Money::gbp(4550),
        method: Method::Card,
        payee: "Larkhill Dental".into(),
        return_url: "https://pay.example/p/return/att_1".into(),
        cancel_url: "https://pay.example/p/cancel/att_1".into(),
        webhook_url: "https://pay.example/hooks/e1".into(),
        expires_at: 1_795_501_800_000,
        locale: "en-GB".into(),
        email: None,
    }
}

fn code<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Answer::Refused(refusal) => refusal.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn done<T: std::fmt::Debug>(answer: Answer<T>) -> T {
    match answer {
        Answer::Done(value) => value,
        other => panic!("expected an answer, got {other:?}"),
    }
}

const REPLAYED: [(&str, &str); 1] = [("idempotent-replayed", "true")];

#[test]
fn keys_tell_their_mode_and_addresses_are_safe() {
    for (key, live) in [
        ("sk_live_1a", Some(true)),
        ("rk_live_1a", Some(true)),
        ("sk_test_1a", Some(false)),
        ("rk_test_1a", Some(false)),
        ("pk_live_1a", None),
        ("sk_1a", None),
        ("sk_test_", None),
        ("sk_test_a\nb", None),
        ("whsec_1a", None),
        ("", None),
    ] {
        assert_eq!(livemode(key), live, "{key}");
    }
    let config = |api_base: &str, secret_key: &str| StripeConfig {
        api_base: api_base.into(),
        secret_key: secret_key.into(),
        webhook_secrets: Vec::new(),
        account: String::new(),
        client: http::client(&Roots::default()).unwrap(),
    };
    for (address, taken) in [
        ("https://api.stripe.com", true),
        ("https://proxy.example/stripe/", true),
        ("http://127.0.0.1:4242/stripe", true),
        ("http://[::1]:4242", true),
        ("http://localhost:4242", true),
        ("http://api.stripe.com", false),
        ("http://127.0.0.1.example.com", false),
        ("ftp://127.0.0.1", false),
        ("https://a:b@api.stripe.com", false),
        ("https://api.stripe.com?x=1", false),
        ("api.stripe.com", false),
        ("", false),
    ] {
        let made = StripeProvider::new(config(address, "sk_test_1a"));
        let refused = matches!(made.err(), Some(ConfigError::Address(_)));
        assert_eq!(refused, !taken, "{address}");
    }
    let made = StripeProvider::new(config("https://api.stripe.com", "pk_test_1a"));
    assert_eq!(made.err(), Some(ConfigError::Key));
}

#[tokio::test]
async fn a_session_is_made_from_the_frozen_bytes_under_its_key() {
    let desk = Desk::open().await;
    desk.tells(200, session("open", "unpaid", Value::Null));
    let frozen = desk.provider.freeze_session(&order());
    let made = done(desk.provider.create_session(&frozen, "att_1").await);
    assert_eq!(made.url, "https://checkout.stripe.com/c/pay/cs_test_a1");
    assert_eq!(made.expires_at, 1_795_501_800_000);
    let [asked] = desk.asked().try_into().unwrap();
    assert_eq!(asked.line, "POST /stripe/v1/checkout/sessions");
    assert_eq!(
        (asked.body, asked.key.as_deref()),
        (frozen.0, Some("att_1"))
    );
}

/// Hazard A15: the first 500 proves nothing; once it is known to be stored, what there is decides.
#[tokio::test]
async fn a_stored_error_is_settled_by_looking() {
    let desk = Desk::open().await;
    let frozen = desk.provider.freeze_session(&order());
    let create = async || desk.provider.create_session(&frozen, "att_1").await;
    desk.tells(500, error("api_error", None));
    assert!(matches!(create().await, Answer::Unknown(_)));
    assert_eq!(desk.lines().len(), 1);

    desk.tells_with(500, &REPLAYED, error("api_error", None))
        .tells(200, list(&[session("open", "unpaid", Value::Null)], false));
    assert_eq!(done(create().await).session_id, "cs_test_a1");
    assert_eq!(
        desk.lines(),
        [
            "POST /stripe/v1/checkout/sessions",
            "GET /stripe/v1/checkout/sessions"
        ]
    );

    desk.tells_with(500, &REPLAYED, error("api_error", None))
        .tells(200, list(&[], false));
    assert_eq!(code(create().await), "provider_error");

    desk.tells_with(500, &REPLAYED, error("api_error", None))
        .tells(503, error("api_error", None));
    assert!(matches!(create().await, Answer::Unknown(_)));
}

#[tokio::test]
async fn a_refund_with_a_stored_error_counts_only_when_it_is_there() {
    let desk = Desk::open().await;
    let frozen = Frozen("payment_intent=pi_1&amount=1000&metadata%5Bremit_refund%5D=ref_1".into());
    let refunds = [
        refund("re_9", "succeeded", Some("ref_9")),
        refund("re_1", "succeeded", Some("ref_1")),
    ];
    desk.tells_with(500, &REPLAYED, error("api_error", None))
        .tells(200, list(&refunds, false));
    let made = done(desk.provider.refund(&frozen, "ref_1").await);
    assert_eq!(made.provider_refund_id, "re_1");
    desk.tells_with(500, &REPLAYED, error("api_error", None))
        .tells(200, list(&refunds[..1], false));
    assert!(matches!(
        desk.provider.refund(&frozen, "ref_1").await,
        Answer::Unknown(_)
    ));
}

/// Hazards A2, B8: *not open* is no answer to *is it closed*.
#[tokio::test]
async fn closing_is_judged_by_what_the_session_is() {
    let not_open = error("invalid_request_error", None);
    for (state, expected) in [
        (
            session("expired", "unpaid", Value::Null),
            Some(SessionStatus::Expired),
        ),
        (
            session("complete", "unpaid", payment("requires_payment_method", 0)),
            Some(SessionStatus::Failed),
        ),
        (
            session("complete", "paid", payment("succeeded", 4550)),
            Some(SessionStatus::Paid),
        ),
        (
            session("complete", "unpaid", payment("processing", 0)),
            Some(SessionStatus::Processing),
        ),
        (session("open", "unpaid", Value::Null), None),
    ] {
        let desk = Desk::open().await;
        desk.tells(400, not_open.clone()).tells(200, state);
        let answer = desk.provider.ensure_closed("cs_test_a1").await;
        match (answer, expected) {
            (
                Answer::Done(Closing::Closed),
                Some(SessionStatus::Expired | SessionStatus::Failed),
            ) => {}
            (Answer::Done(Closing::TooLate(facts)), Some(status)) => {
                assert_eq!(facts.status, status)
            }
            (Answer::Refused(_), None) => {}
            (answer, expected) => panic!("{answer:?} for {expected:?}"),
        }
        let [expire, look] = desk.asked().try_into().unwrap();
        assert_eq!(
            expire.line,
            "POST /stripe/v1/checkout/sessions/cs_test_a1/expire"
        );
        assert!(
            look.line
                .starts_with("GET /stripe/v1/checkout/sessions/cs_test_a1?expand")
        );
    }
    let desk = Desk::open().await;
    desk.tells(200, session("expired", "unpaid", Value::Null));
    assert_eq!(
        done(desk.provider.ensure_closed("cs_test_a1").await),
        Closing::Closed
    );
    desk.tells(503, error("api_error", None));
    assert!(matches!(
        desk.provider.ensure_closed("cs_test_a1").await,
        Answer::Unknown(_)
    ));
    let missing = error("invalid_request_error", Some("resource_missing"));
    desk.tells(404, missing.clone()).tells(404, missing);
    assert_eq!(
        code(desk.provider.ensure_closed("../account").await),
        "not_found"
    );
    assert!(desk.lines().iter().all(|line| line.contains("/sessions/")));
}

#[tokio::test]
async fn a_session_is_found_by_our_reference_on_any_page() {
    let desk = Desk::open().await;
    let other = |n: usize| {
        let mut other = session("open", "unpaid", Value::Null);
        other["id"] = json!(format!("cs_other_{n}"));
        other["metadata"] = json!({"remit_attempt": format!("att_other_{n}")});
        other
    };
    let ours = session("complete", "paid", payment("succeeded", 4550));
    desk.tells(200, list(&[other(1), other(2)], true))
        .tells(200, list(&[other(3), ours], false));
    let lookup = Lookup::Reference {
        reference: "att_1",
        made_at: MADE_AT,
    };
    assert_eq!(
        done(desk.provider.retrieve(lookup).await).session_id,
        "cs_test_a1"
    );
    let [first, second] = desk.asked().try_into().unwrap();
    assert!(
        first
            .line
            .contains("created%5Bgte%5D=1795499400&created%5Blte%5D=1795586400"),
        "{}",
        first.line
    );
    assert!(
        second.line.ends_with("starting_after=cs_other_2"),
        "{}",
        second.line
    );

    desk.tells(200, list(&[other(1)], false));
    assert_eq!(code(desk.provider.retrieve(lookup).await), "not_found");
    desk.tells(200, list(&[other(1)], true))
        .tells(429, error("invalid_request_error", Some("rate_limit")));
    assert!(matches!(
        desk.provider.retrieve(lookup).await,
        Answer::Unknown(_)
    ));
}

#[tokio::test]
async fn payments_are_listed_by_when_they_were_paid_and_only_ours() {
    let desk = Desk::open().await;
    let paid = session("complete", "paid", payment("succeeded", 4550));
    let mut shop = paid.clone();
    shop["metadata"] = json!({});
    let open = session("open", "unpaid", Value::Null);
    for (since, found) in [(1_795_500_600_000, 1), (1_795_500_600_001, 0)] {
        desk.tells(200, list(&[open.clone(), shop.clone(), paid.clone()], true));
        let page = done(desk.provider.list_payments(since, None).await);
        assert_eq!(
            (page.items.len(), page.next.as_deref()),
            (found, Some("cs_test_a1"))
        );
    }
    assert!(desk.asked()[0].line.contains("created%5Bgte%5D=1795414200"));
}

#[tokio::test]
async fn refunds_and_disputes_are_listed_of_our_payments() {
    let desk = Desk::open().await;
    let of = |id: &str, metadata: Value| {
        let mut refund = refund(id, "succeeded", None);
        refund["payment_intent"] =
            json!({"id": "pi_1", "object": "payment_intent", "metadata": metadata});
        refund
    };
    let (dashboard, foreign) = (
        of("re_1", json!({"remit_attempt": "att_1"})),
        of("re_2", json!({})),
    );
    desk.tells(200, list(&[foreign, dashboard], false));
    let page = done(desk.provider.list_refunds(MADE_AT, None).await);
    assert_eq!(page.items.len(), 1);
    assert_eq!(
        (page.items[0].provider_refund_id.as_str(), page.next),
        ("re_1", None)
    );

    let dispute = |id: &str, metadata: Value| {
        json!({
            "id": id, "amount": 3000, "currency": "gbp", "created": 1_795_500_000, "status": "lost", "reason": "general",
            "payment_intent": {"id": "pi_1", "metadata": metadata}, "balance_transactions": [],
        })
    };
    let disputes = [
        dispute("dp_2", Value::Null),
        dispute("dp_1", json!({"remit_attempt": "att_1"})),
    ];
    desk.tells(200, list(&disputes, false));
    let page = done(desk.provider.list_disputes(MADE_AT, None).await);
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].dispute_id, "dp_1");
}

/// Their events do not say whose payment they are about; whoever asks for the facts is told.
#[tokio::test]
async fn somebody_elses_refund_and_dispute_are_told_apart() {
    let desk = Desk::open().await;
    let owner =
        |metadata: Value| json!({"id": "pi_1", "object": "payment_intent", "metadata": metadata});
    let (ours, foreign) = (
        owner(json!({"remit_attempt": "att_1"})),
        owner(json!({"order": "7"})),
    );
    for (payment, reference, told) in [
        (ours.clone(), None, true),
        (foreign.clone(), Some("ref_1"), true),
        (foreign.clone(), None, false),
        (json!("pi_1"), None, true),
        (Value::Null, None, false),
    ] {
        let mut refund = refund("re_1", "succeeded", reference);
        refund["payment_intent"] = payment;
        desk.tells(200, refund);
        match desk.provider.retrieve_refund("re_1").await {
            Answer::Done(facts) if told => assert_eq!(facts.payment_id, "pi_1"),
            Answer::Refused(refusal) if !told => assert_eq!(refusal.code, FOREIGN),
            other => panic!("{other:?}"),
        }
    }
    for (payment, told) in [
        (ours, true),
        (json!("pi_1"), true),
        (foreign, false),
        (Value::Null, false),
    ] {
        desk.tells(200, json!({
            "id": "dp_1", "amount": 3000, "currency": "gbp", "created": 1_795_500_000, "status": "lost",
            "reason": "general", "payment_intent": payment, "balance_transactions": [],
        }));
        match desk.provider.retrieve_dispute("dp_1").await {
            Answer::Done(facts) if told => assert_eq!(facts.payment_id, "pi_1"),
            Answer::Refused(refusal) if !told => assert_eq!(refusal.code, FOREIGN),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn movements_in_no_currency_are_passed_over() {
    let desk = Desk::open().await;
    let movement = |id: &str, currency: &str| {
        json!({
            "id": id, "type": "charge", "reporting_category": "charge", "amount": 100, "fee": 1, "net": 99,
            "currency": currency, "created": 1_795_500_000, "source": "ch_1",
        })
    };
    desk.tells(
        200,
        list(
            &[movement("txn_2", "usdc"), movement("txn_1", "gbp")],
            false,
        ),
    );
    let page = done(desk.provider.list_movements(MADE_AT, None).await);
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].movement_id, "txn_1");
}

#[tokio::test]
async fn events_come_oldest_first_within_a_page() {
    let desk = Desk::open().await;
    let event = |id: &str| {
        json!({
            "id": id, "type": "checkout.session.expired", "created": 1_795_500_700, "livemode": false,
            "data": {"object": session("expired", "unpaid", Value::Null)},
        })
    };
    desk.tells(200, list(&[event("evt_2"), event("evt_1")], true));
    let page = done(desk.provider.list_events(MADE_AT + 1, Some("evt_3")).await);
    let ids: Vec<_> = page
        .items
        .iter()
        .map(|event| event.event_id.as_str())
        .collect();
    assert_eq!(
        (ids, page.next.as_deref()),
        (vec!["evt_1", "evt_2"], Some("evt_1"))
    );
    let [asked] = desk.asked().try_into().unwrap();
    assert!(
        asked
            .line
            .contains("created%5Bgte%5D=1795500001&types%5B%5D=checkout.session.completed"),
        "{}",
        asked.line
    );
    assert!(
        asked.line.ends_with("limit=50&starting_after=evt_3"),
        "{}",
        asked.line
    );
}

#[tokio::test]
async fn an_account_says_what_it_is_and_can() {
    let desk = Desk::open().await;
    let account = json!({
        "id": ACCOUNT, "object": "account", "country": "GB", "default_currency": "gbp", "charges_enabled": true,
        "capabilities": {"card_payments": "active", "klarna_payments": "pending", "afterpay_clearpay_payments": "active"},
        "business_profile": {"name": "Larkhill Ltd"}, "settings": {"dashboard": {"display_name": "Larkhill Dental"}},
    });
    let url = "https://pay.example/hooks/e1";
    let date = [("date", "Tue, 24 Nov 2026 06:00:00 GMT")];
    desk.tells_with(200, &date, account).tells(
        200,
        list(
            &[json!({"id": "we_1", "url": url, "status": "enabled"})],
            false,
        ),
    );
    let facts = done(desk.provider.inspect(url, 1_795_500_045_000).await);
    assert_eq!(
        (facts.account.as_str(), facts.name.as_deref()),
        (ACCOUNT, Some("Larkhill Dental"))
    );
    assert_eq!(
        (facts.country.as_deref(), facts.currency),
        (Some("GB"), Some(Currency::GBP))
    );
    assert_eq!((facts.livemode, facts.charges_enabled), (false, true));
    assert_eq!(facts.methods, Some(vec![Method::Card, Method::Clearpay]));
    assert_eq!(facts.webhook, WebhookSetup::Registered);
    assert_eq!(facts.clock_skew_ms, Some(-45_000));
}

/// A restricted key that may not ask for a part leaves that part unknown; a wrong key is a plain no.
#[tokio::test]
async fn a_restricted_key_leaves_parts_unknown() {
    let desk = Desk::open().await;
    let no = || error("invalid_request_error", None);
    desk.tells(403, no()).tells(403, no());
    let facts = done(desk.provider.inspect("https://x.example", MADE_AT).await);
    assert_eq!(
        (facts.account.as_str(), facts.methods, facts.webhook),
        (ACCOUNT, None, WebhookSetup::Unknown)
    );
    desk.tells(401, no());
    assert_eq!(
        code(desk.provider.inspect("https://x.example", MADE_AT).await),
        "unauthorised"
    );
}

#[tokio::test]
async fn a_webhook_is_registered_for_what_is_read() {
    let desk = Desk::open().await;
    let endpoint = |id: &str, url: &str, secret: Option<&str>| json!({"id": id, "url": url, "status": "enabled", "secret": secret});
    let ours = "https://x.example";
    let all = [
        endpoint("we_new", ours, None),
        endpoint("we_shop", "https://shop.example", None),
        endpoint("we_old", ours, None),
    ];
    desk.tells(200, endpoint("we_new", ours, Some("whsec_new")))
        .tells(200, list(&all, false))
        .tells(
            200,
            json!({"id": "we_old", "object": "webhook_endpoint", "deleted": true}),
        );
    assert_eq!(
        done(desk.provider.register_webhook(ours).await),
        "whsec_new"
    );
    let [asked, looked, removed] = desk.asked().try_into().unwrap();
    assert_eq!(asked.line, "POST /stripe/v1/webhook_endpoints");
    assert!(
        asked
            .body
            .contains("enabled_events%5B0%5D=checkout.session.completed")
    );
    assert!(looked.line.starts_with("GET /stripe/v1/webhook_endpoints?"));
    assert_eq!(removed.line, "DELETE /stripe/v1/webhook_endpoints/we_old");
    desk.tells(403, error("invalid_request_error", None));
    assert_eq!(
        code(desk.provider.register_webhook("https://x.example").await),
        "forbidden"
    );
}
