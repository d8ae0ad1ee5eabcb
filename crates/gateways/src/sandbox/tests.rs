use serde_json::{Value, json};

use super::*;
use crate::roots::Roots;

fn provider(webhook_secrets: &[&str]) -> SandboxProvider {
    SandboxProvider::new(SandboxConfig {
        api_base: "http://127.0.0.1:9/sandbox/v1".into(),
        secret_key: "sk".into(),
        webhook_secrets: webhook_secrets
            .iter()
            .map(|secret| (*secret).to_owned())
            .collect(),
        account: "sbx_acct_a".into(),
        client: http::client(&Roots::default()).unwrap(),
    })
    .unwrap()
}

fn session_json(status: &str) -> Value {
    json!({
        "id": "sbx_ses_1", "account": "sbx_acct_a", "livemode": false, "reference": "att_1", "amount": 3000,
        "currency": "GBP", "method": "card", "status": status, "url": null, "expires_at": 1, "payment": null,
        "last_error": null, "something_new": {"since": 2031},
    })
}

fn facts_of(value: Value) -> Option<Facts> {
    provider(&[]).facts(serde_json::from_value(value).ok()?)
}

/// Hazard A12: every documented word is known, and no other word is taken for one of them.
#[test]
fn a_status_is_known_or_kept_as_it_is() {
    for (word, status) in [
        ("open", SessionStatus::Open),
        ("processing", SessionStatus::Processing),
        ("complete", SessionStatus::Paid),
        ("failed", SessionStatus::Failed),
        ("expired", SessionStatus::Expired),
    ] {
        assert_eq!(facts_of(session_json(word)).unwrap().status, status);
    }
    for number in 0..50 {
        let word = ["Open", "paid", "complete ", "", "Succeeded", "отменён"]
            .get(number)
            .map_or_else(|| format!("status_{number}"), |word| (*word).to_owned());
        let facts = facts_of(session_json(&word)).unwrap();
        assert_eq!(facts.status, SessionStatus::Other(word.clone()));
        // Neither closed nor too late: nothing is proven.
        assert_eq!(facts.closing(), None);
        let refund = json!({"id": "r", "reference": null, "payment": "p", "amount": 1, "currency": "GBP",
            "status": word, "failure": null});
        let refund = refund_facts(serde_json::from_value(refund).unwrap()).unwrap();
        assert_eq!(refund.status, RefundStatus::Other(word));
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_no_answer() {
    let mut other_account = session_json("open");
    other_account["account"] = json!("sbx_acct_b");
    let mut unknown_currency = session_json("complete");
    unknown_currency["payment"] =
        json!({"id": "p", "received": 1, "currency": "ZZZ", "paid_with": null, "paid_at": 1});
    let mut float = session_json("complete");
    float["amount"] = json!(30.5);
    for value in [
        other_account,
        unknown_currency,
        float,
        json!({}),
        json!([]),
        json!(null),
    ] {
        assert_eq!(facts_of(value.clone()), None, "{value}");
    }
}

/// Every documented error, and what stands in for one.
#[test]
fn only_the_companys_own_error_is_a_refusal() {
    let own = |code: &str| json!({"error": {"code": code, "message": "No.", "new": 1}}).to_string();
    for (status, body, code) in [
        (400, own("invalid_request"), Some("invalid_request")),
        (400, own("amount_too_large"), Some("amount_too_large")),
        (400, own("not_refundable"), Some("not_refundable")),
        (401, own("unauthorised"), Some("unauthorised")),
        (404, own("not_found"), Some("not_found")),
        (413, own("invalid_request"), Some("invalid_request")),
        (
            422,
            own("idempotency_mismatch"),
            Some("idempotency_mismatch"),
        ),
        (404, "<h1>Not Found</h1>".to_owned(), None),
        (400, "{}".to_owned(), None),
        (401, String::new(), None),
        (503, own("try_again"), None),
        (500, own("not_found"), None),
        (302, own("not_found"), None),
        (429, own("not_found"), None),
    ] {
        let reply = http::Reply {
            status,
            retry_after_ms: None,
            date_ms: None,
            replayed: false,
            body: body.into_bytes(),
        };
        let told = http::judge(&reply, |_| Some(()), refusal);
        let found = match &told {
            Answer::Refused(refusal) => Some(refusal.code.as_str()),
            Answer::Unknown(_) => None,
            Answer::Done(()) => panic!("{status} is not a yes"),
        };
        assert_eq!(found, code, "{status}");
    }
}

#[test]
fn closing_proves_something_or_nothing() {
    for (word, proven) in [
        ("expired", true),
        ("failed", true),
        ("complete", true),
        ("processing", true),
        ("open", false),
    ] {
        assert_eq!(
            facts_of(session_json(word)).unwrap().closing().is_some(),
            proven,
            "{word}"
        );
    }
    let paid = facts_of(session_json("complete")).unwrap();
    assert_eq!(paid.clone().closing(), Some(Closing::TooLate(paid)));
}

/// A reference that somebody used twice: the session with money is the one that counts.
#[test]
fn the_session_with_money_counts_first() {
    let all = ["expired", "complete", "open"].map(|word| facts_of(session_json(word)).unwrap());
    assert_eq!(
        Facts::weightiest(all.to_vec()).unwrap().status,
        SessionStatus::Paid
    );
    assert_eq!(Facts::weightiest(Vec::new()), None);
}

#[test]
fn a_webhook_is_believed_by_signature_and_read_leniently() {
    let at = 1_800_000_000_000;
    let told = |provider: &SandboxProvider, body: &str, signature: &str| {
        provider.verify_webhook(WebhookRequest {
            signature,
            body: body.as_bytes(),
            received_at: at,
        })
    };
    let provider = provider(&["whsec"]);
    let body = json!({"id": "e", "kind": "session.completed", "account": "sbx_acct_a", "livemode": false,
        "created_at": at, "object": {"object": "session", "id": "s", "reference": "att_1"}, "new": true});
    let body = body.to_string();
    let signed = signature::sign("whsec", at, body.as_bytes());
    let about = About::Session {
        session_id: "s".into(),
        reference: Some("att_1".into()),
    };
    assert_eq!(told(&provider, &body, &signed).unwrap().about, about);
    assert_eq!(
        told(&provider, &format!("{body} "), &signed),
        Err(WebhookError::Signature)
    );
    assert_eq!(
        told(&super::tests::provider(&[]), &body, &signed),
        Err(WebhookError::Signature)
    );
    for (object, about) in [
        (json!({}), About::Nothing),
        (json!({"object": "payout", "id": "x"}), About::Nothing),
        (json!({"object": "refund", "id": "r"}), About::Nothing),
        (json!({"object": "session"}), About::Nothing),
    ] {
        let body = json!({"id": "e", "kind": "k", "account": "a", "livemode": true, "created_at": 1, "object": object});
        let body = body.to_string();
        let signed = signature::sign("whsec", at, body.as_bytes());
        assert_eq!(told(&provider, &body, &signed).unwrap().about, about);
    }
    for body in ["", "[]", "{}", "\u{0}"] {
        let signed = signature::sign("whsec", at, body.as_bytes());
        assert_eq!(told(&provider, body, &signed), Err(WebhookError::Malformed));
    }
}

#[test]
fn a_base_must_be_a_web_address_and_an_id_cannot_leave_its_place() {
    for base in ["", "nonsense", "ftp://x/", "mailto:a@b", "data:,"] {
        let config = SandboxConfig {
            api_base: base.into(),
            ..provider(&[]).config
        };
        assert!(SandboxProvider::new(config).is_err(), "{base}");
    }
    let request = provider(&[]).request(
        Verb::GET,
        &["sessions", "../x?y=1#z"],
        &[("reference", "a&b")],
    );
    let url = request.build().unwrap().url().to_string();
    assert_eq!(
        url,
        "http://127.0.0.1:9/sandbox/v1/sessions/..%2Fx%3Fy=1%23z?reference=a%26b"
    );
}

/// Hazard A15: the same order freezes to the same bytes, and these bytes are what the company has always read.
#[test]
fn an_order_freezes_to_the_same_bytes() {
    let order = SessionOrder {
        reference: "att_1".into(),
        amount: Money::gbp(3000),
        method: Method::Card,
        payee: "Larkhill".into(),
        return_url: "https://c.example/r".into(),
        cancel_url: "https://c.example/c".into(),
        webhook_url: "https://c.example/hooks/end_1".into(),
        expires_at: 5,
        locale: "en-GB".into(),
        email: None,
    };
    let expected = r#"{"reference":"att_1","amount":3000,"currency":"GBP","method":"card","payee":"Larkhill","return_url":"https://c.example/r","cancel_url":"https://c.example/c","expires_at":5,"locale":"en-GB"}"#;
    assert_eq!(
        provider(&[]).freeze_session(&order),
        Frozen(expected.into())
    );
    let refund = RefundOrder {
        reference: "ref_1".into(),
        payment_id: "p".into(),
        amount: Money::gbp(5),
    };
    let expected = r#"{"reference":"ref_1","payment":"p","amount":5,"currency":"GBP"}"#;
    assert_eq!(
        provider(&[]).freeze_refund(&refund),
        Frozen(expected.into())
    );
}
