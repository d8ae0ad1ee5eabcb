use remit_core::methods::Method;
use remit_core::money::{Currency, Money};
use serde_json::{Value, json};

use super::client::{from, key};
use super::wire::{Amount, PaymentAnswer};
use super::{MollieConfig, MollieProvider, facts, livemode};
use crate::payments::{
    About, DisputeStatus, PaymentProvider as _, RefundOrder, RefundStatus, SessionOrder,
    SessionStatus, WebhookError, WebhookRequest,
};
use crate::roots::Roots;
use crate::{Answer, http};

fn provider() -> MollieProvider {
    MollieProvider::new(MollieConfig {
        api_base: "http://127.0.0.1:9/mollie".into(),
        api_key: "test_abc".into(),
        account: "pfl_1".into(),
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

fn order(method: Method) -> SessionOrder {
    SessionOrder {
        reference: "att_1".into(),
        amount: Money::gbp(4550),
        method,
        payee: "Larkhill".into(),
        return_url: "https://pay.example/p/return/att_1".into(),
        cancel_url: "https://pay.example/p/cancel/att_1".into(),
        webhook_url: "https://pay.example/hooks/e1".into(),
        expires_at: 0,
        locale: "en-GB".into(),
        email: None,
    }
}

#[test]
fn the_frozen_bytes_of_a_payment() {
    let plain = json!({
        "amount": {"currency": "GBP", "value": "45.50"}, "description": "Payment to Larkhill",
        "redirectUrl": "https://pay.example/p/return/att_1", "cancelUrl": "https://pay.example/p/cancel/att_1",
        "webhookUrl": "https://pay.example/hooks/e1", "method": "creditcard", "locale": "en_GB",
        "metadata": {"remit_attempt": "att_1"},
    });
    let frozen = |order: &SessionOrder| -> Value {
        serde_json::from_str(&provider().freeze_session(order).0).unwrap()
    };
    assert_eq!(frozen(&order(Method::Card)), plain);
    let mut by_klarna = order(Method::Klarna);
    by_klarna.email = Some("sam@example.com".into());
    let mut expected = plain;
    let sum = json!({"currency": "GBP", "value": "45.50"});
    expected["method"] = json!("klarna");
    expected["billingAddress"] = json!({"email": "sam@example.com"});
    expected["lines"] = json!([
        {"description": "Payment to Larkhill", "quantity": 1, "unitPrice": sum, "totalAmount": sum},
    ]);
    assert_eq!(frozen(&by_klarna), expected);
    let can = provider().capabilities();
    assert!(can.takes(Method::Card, false) && can.takes(Method::Klarna, true));
    assert!(!can.takes(Method::Klarna, false) && !can.takes(Method::Clearpay, true));
}

#[test]
fn a_refund_keeps_its_payment_before_its_body() {
    let order = RefundOrder {
        reference: "ref_1".into(),
        payment_id: "tr_1".into(),
        amount: Money::gbp(5),
    };
    let frozen = provider().freeze_refund(&order).0;
    let (payment, body) = frozen.split_once('\n').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (payment, &body["amount"]["value"]),
        ("tr_1", &json!("0.05"))
    );
    assert_eq!(body["metadata"], json!({"remit_refund": "ref_1"}));
}

/// Hazard A21: a decimal text with exactly the currency's digits, both ways.
#[test]
fn sums_are_written_out_and_read_back() {
    for (minor, code, text) in [
        (4550, "GBP", "45.50"),
        (5, "GBP", "0.05"),
        (0, "GBP", "0.00"),
        (-1025, "EUR", "-10.25"),
        (500, "JPY", "500"),
        (10_501, "KWD", "10.501"),
        (i64::MAX, "GBP", "92233720368547758.07"),
    ] {
        let money = Money::new(minor, Currency::parse(code).unwrap());
        let amount = Amount::of(money);
        assert_eq!((amount.value.as_str(), amount.money()), (text, Some(money)));
    }
    for (code, text) in [
        ("GBP", "45.5"),
        ("GBP", "45"),
        ("GBP", "45."),
        ("GBP", ".50"),
        ("GBP", "4 5.50"),
        ("GBP", "+45.50"),
        ("GBP", "--45.50"),
        ("GBP", "45.5O"),
        ("GBP", ""),
        ("JPY", "500.00"),
        ("JPY", "500."),
        ("GBP", "99999999999999999999.00"),
        ("gbp", "45.50"),
        ("ZZZ", "45.50"),
    ] {
        let amount = Amount {
            currency: code.into(),
            value: text.into(),
        };
        assert_eq!(amount.money(), None, "{code} {text}");
    }
}

fn payment(status: &str) -> Value {
    json!({
        "resource": "payment", "id": "tr_1", "mode": "live", "status": status, "method": "creditcard",
        "amount": {"currency": "GBP", "value": "45.50"}, "metadata": {"remit_attempt": "att_1"},
        "details": {"cardLabel": "Mastercard", "cardNumber": "6787", "wallet": "applepay"},
        "createdAt": "2026-11-24T06:00:00+00:00", "_links": {"checkout": {"href": "https://www.mollie.example/c/1"}},
    })
}

/// Hazards A11, A12.
#[test]
fn a_payment_stands_where_its_status_says() {
    let read = |value: Value| facts::facts(serde_json::from_value::<PaymentAnswer>(value).unwrap());
    for (word, expected) in [
        ("open", SessionStatus::Open),
        ("pending", SessionStatus::Processing),
        ("authorized", SessionStatus::Processing),
        ("paid", SessionStatus::Paid),
        ("failed", SessionStatus::Failed),
        ("canceled", SessionStatus::Expired),
        ("expired", SessionStatus::Expired),
        ("dreaming", SessionStatus::Other("dreaming".into())),
    ] {
        let facts = read(payment(word)).unwrap();
        assert_eq!(facts.status, expected);
        assert_eq!(facts.received, (word == "paid").then_some(Money::gbp(4550)));
        assert_eq!(facts.url.is_some(), word == "open");
        let with_money = matches!(expected, SessionStatus::Paid | SessionStatus::Processing);
        assert_eq!(facts.payment_id, with_money.then(|| "tr_1".to_owned()));
        let means = with_money.then(|| "Apple Pay (Mastercard ending 6787)".to_owned());
        assert_eq!((facts.paid_with, facts.livemode), (means, true));
    }
    let mut odd = payment("paid");
    odd["amount"]["value"] = json!("45.5");
    assert_eq!(read(odd), None);
    let mut script = payment("open");
    script["_links"]["checkout"]["href"] = json!("javascript:alert(1)");
    script["metadata"] = json!("{\"order\":1}");
    let script = read(script).unwrap();
    assert_eq!((script.url, script.reference.as_str()), (None, ""));
}

#[test]
fn refunds_and_chargebacks_end_as_mollie_says() {
    for (word, expected) in [
        ("queued", RefundStatus::Pending),
        ("pending", RefundStatus::Pending),
        ("processing", RefundStatus::Pending),
        ("refunded", RefundStatus::Succeeded),
        ("failed", RefundStatus::Failed),
        ("canceled", RefundStatus::Failed),
        ("odd", RefundStatus::Other("odd".into())),
    ] {
        let value = json!({
            "id": "re_1", "paymentId": "tr_1", "amount": {"currency": "GBP", "value": "10.00"}, "status": word,
            "metadata": null, "createdAt": "2026-11-24T06:00:00+00:00",
        });
        let facts = facts::refund(serde_json::from_value(value).unwrap()).unwrap();
        assert_eq!((facts.status, facts.amount), (expected, Money::gbp(1000)));
        assert_eq!(facts.provider_refund_id, "tr_1/re_1");
        assert_eq!(
            facts.failure.is_some(),
            matches!(word, "failed" | "canceled")
        );
    }
    for (reversed, status, withdrawn) in [
        (Value::Null, DisputeStatus::Lost, 4550),
        (json!("2026-12-24T06:00:00+00:00"), DisputeStatus::Won, 0),
    ] {
        let value = json!({
            "id": "chb_1", "paymentId": "tr_1", "amount": {"currency": "GBP", "value": "45.50"},
            "reason": {"code": "x", "description": "Not known to the payer"}, "reversedAt": reversed,
            "createdAt": "2026-11-24T06:00:00+00:00",
        });
        let facts = facts::dispute(serde_json::from_value(value).unwrap()).unwrap();
        assert_eq!(
            (facts.status, facts.withdrawn),
            (status, Money::gbp(withdrawn))
        );
        assert_eq!(
            (facts.dispute_id.as_str(), facts.opened_at),
            ("tr_1/chb_1", 1_795_500_000_000)
        );
    }
}

#[test]
fn only_mollies_own_words_are_a_refusal() {
    let own = |status: u16, detail: &str, field: Option<&str>| {
        json!({"status": status, "title": "Title", "detail": detail, "field": field, "_links": {}})
            .to_string()
    };
    for (status, body, code) in [
        (
            401,
            own(401, "Missing authentication", None),
            Some("unauthorised"),
        ),
        (403, own(403, "", None), Some("forbidden")),
        (
            404,
            own(404, "No payment exists with token tr_1.", None),
            Some("not_found"),
        ),
        (
            404,
            own(404, "The resource could not be found", None),
            Some("invalid_request"),
        ),
        (
            422,
            own(422, "higher than the maximum", Some("amount")),
            Some("amount_refused"),
        ),
        (
            422,
            own(422, "not enabled", Some("method")),
            Some("method_not_active"),
        ),
        (
            422,
            own(422, "unreachable", Some("webhookUrl")),
            Some("invalid_address"),
        ),
        (
            422,
            own(422, "The payment cannot be cancelled", None),
            Some("invalid_request"),
        ),
        (400, own(400, "", None), Some("invalid_request")),
        (
            409,
            own(409, "A duplicate refund has been detected", None),
            None,
        ),
        (429, own(429, "slow down", None), None),
        (500, own(500, "", None), None),
        (503, own(503, "", None), None),
        (404, "<h1>Not Found</h1>".into(), None),
        (
            404,
            own(401, "No payment exists with token tr_1.", None),
            None,
        ),
        (302, own(302, "", None), None),
    ] {
        let reply = http::Reply {
            status,
            retry_after_ms: None,
            date_ms: None,
            replayed: false,
            body: body.into_bytes(),
        };
        match (http::judge(&reply, |_| Some(()), facts::refusal), code) {
            (Answer::Refused(refusal), Some(code)) => assert_eq!(refusal.code, code, "{status}"),
            (Answer::Unknown(_), None) => {}
            (told, _) => panic!("{status}: {told:?}"),
        }
    }
}

/// It proves nothing and is only a hint to look, so its form is all that is checked.
#[test]
fn a_webhook_names_a_payment_and_nothing_else() {
    let provider = provider();
    let read = |body: &[u8]| {
        provider.verify_webhook(WebhookRequest {
            signature: "",
            body,
            received_at: 1_795_500_000_000,
        })
    };
    let event = read(b"id=tr_5B8cwPMGnU6qLbRvo7qEZo").unwrap();
    assert_eq!(event.event_id, "tr_5B8cwPMGnU6qLbRvo7qEZo@1795500000000");
    let about = About::Session {
        session_id: "tr_5B8cwPMGnU6qLbRvo7qEZo".into(),
        reference: None,
    };
    assert_eq!(
        (event.about, event.livemode, event.account.as_str()),
        (about, false, "pfl_1")
    );
    for body in [
        &b""[..],
        b"id=",
        b"id=ord_1",
        b"id=tr_1&status=paid",
        b"id=tr_../../x",
        b"id=tr_1\n",
        b"id=tr_\xff",
        b"ID=tr_1",
        b"{\"id\":\"tr_1\"}",
        &[b"id=tr_".as_slice(), &[b'a'; 64]].concat(),
    ] {
        assert_eq!(read(body), Err(WebhookError::Malformed));
    }
}

#[test]
fn keys_cursors_and_languages() {
    for (text, live) in [
        ("live_a", Some(true)),
        ("test_a", Some(false)),
        ("live_", None),
        ("test_a b", None),
        ("access_a", None),
        ("", None),
    ] {
        assert_eq!(livemode(text), live, "{text}");
    }
    assert_eq!(key("att_1"), key("att_1"));
    assert_ne!(key("att_1"), key("att_2"));
    let uuid: uuid::Uuid = key("att_1").parse().unwrap();
    assert_eq!(uuid.get_version_num(), 4);
    let next = "https://api.mollie.example/v2/payments?from=tr_9&limit=5";
    assert_eq!(from(next).as_deref(), Some("tr_9"));
    assert_eq!(from("https://api.mollie.example/v2/payments"), None);
    for (tag, locale) in [
        ("en-GB", Some("en_GB")),
        ("en", Some("en_GB")),
        ("de-AT", Some("de_AT")),
        ("nl", Some("nl_NL")),
        ("cy", None),
        ("", None),
    ] {
        assert_eq!(facts::locale(tag), locale, "{tag}");
    }
}
