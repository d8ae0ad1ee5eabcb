use serde_json::{Value, json};

use super::super::errors::judge;
use super::error;
use crate::Answer;
use crate::http::Reply;

fn judged(status: u16, body: &Value) -> Answer<bool> {
    let reply = Reply {
        status,
        retry_after_ms: Some(2_000),
        date_ms: None,
        replayed: false,
        body: body.to_string().into_bytes(),
    };
    judge(&reply, |value: Value| {
        value["id"].is_string().then_some(true)
    })
}

/// What is proven by a status, a type and a code: the code that we give it, or nothing.
type Row = (
    u16,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const ROWS: &[Row] = &[
    // Nothing is proven: too early, too busy, or broken.
    (400, "invalid_request_error", Some("rate_limit"), None),
    (400, "invalid_request_error", Some("lock_timeout"), None),
    (400, "api_error", None, None),
    (402, "api_error", None, None),
    (404, "api_error", None, None),
    (400, "api_connection_error", None, None),
    (
        409,
        "idempotency_error",
        Some("idempotency_key_in_use"),
        None,
    ),
    (409, "invalid_request_error", Some("lock_timeout"), None),
    (424, "invalid_request_error", None, None),
    (425, "invalid_request_error", None, None),
    (429, "invalid_request_error", Some("rate_limit"), None),
    (429, "invalid_request_error", Some("lock_timeout"), None),
    (429, "rate_limit_error", None, None),
    (500, "api_error", None, None),
    (500, "invalid_request_error", Some("resource_missing"), None),
    (502, "api_error", None, None),
    (503, "api_error", None, None),
    (504, "api_error", None, None),
    (301, "invalid_request_error", None, None),
    // Whose key it is, and what it may.
    (401, "invalid_request_error", None, Some("unauthorised")),
    (401, "authentication_error", None, Some("unauthorised")),
    (
        401,
        "invalid_request_error",
        Some("api_key_expired"),
        Some("unauthorised"),
    ),
    (
        401,
        "invalid_request_error",
        Some("platform_api_key_expired"),
        Some("unauthorised"),
    ),
    (
        401,
        "invalid_request_error",
        Some("secret_key_required"),
        Some("unauthorised"),
    ),
    (
        400,
        "invalid_request_error",
        Some("secret_key_required"),
        Some("unauthorised"),
    ),
    (403, "invalid_request_error", None, Some("forbidden")),
    (403, "permission_error", None, Some("forbidden")),
    (
        403,
        "invalid_request_error",
        Some("more_permissions_required"),
        Some("forbidden"),
    ),
    // Whose fault it is that nothing happened.
    (400, "idempotency_error", None, Some("idempotency_mismatch")),
    (402, "card_error", Some("card_declined"), Some("declined")),
    (402, "card_error", Some("expired_card"), Some("declined")),
    (402, "card_error", Some("incorrect_cvc"), Some("declined")),
    (
        402,
        "card_error",
        Some("processing_error"),
        Some("declined"),
    ),
    (
        400,
        "card_error",
        Some("incorrect_number"),
        Some("declined"),
    ),
    (
        402,
        "invalid_request_error",
        Some("payment_intent_authentication_failure"),
        Some("declined"),
    ),
    (
        404,
        "invalid_request_error",
        Some("resource_missing"),
        Some("not_found"),
    ),
    (
        400,
        "invalid_request_error",
        Some("resource_missing"),
        Some("not_found"),
    ),
    // A wrong address proves nothing about an object.
    (404, "invalid_request_error", None, Some("invalid_request")),
    (
        400,
        "invalid_request_error",
        Some("amount_too_small"),
        Some("amount_too_small"),
    ),
    (
        400,
        "invalid_request_error",
        Some("amount_too_large"),
        Some("amount_too_large"),
    ),
    (
        400,
        "invalid_request_error",
        Some("balance_insufficient"),
        Some("balance_insufficient"),
    ),
    (
        400,
        "invalid_request_error",
        Some("charge_already_refunded"),
        Some("already_refunded"),
    ),
    (
        400,
        "invalid_request_error",
        Some("charge_disputed"),
        Some("disputed"),
    ),
    (
        400,
        "invalid_request_error",
        Some("refund_disputed_payment"),
        Some("disputed"),
    ),
    (
        400,
        "invalid_request_error",
        Some("charge_not_refundable"),
        Some("not_refundable"),
    ),
    (
        400,
        "invalid_request_error",
        Some("payment_method_unactivated"),
        Some("method_not_active"),
    ),
    (
        400,
        "invalid_request_error",
        Some("testmode_charges_only"),
        Some("account_not_ready"),
    ),
    (
        400,
        "invalid_request_error",
        Some("account_closed"),
        Some("account_not_ready"),
    ),
    (
        400,
        "invalid_request_error",
        Some("account_invalid"),
        Some("account_not_ready"),
    ),
    (
        400,
        "invalid_request_error",
        Some("country_unsupported"),
        Some("account_not_ready"),
    ),
    (
        400,
        "invalid_request_error",
        Some("url_invalid"),
        Some("invalid_address"),
    ),
];

/// Other codes of the published list that a call of ours could meet: each is a plain no.
const PLAIN: &[&str] = &[
    "api_key_expired",
    "charge_already_captured",
    "charge_exceeds_source_limit",
    "charge_invalid_parameter",
    "invalid_characters",
    "invalid_charge_amount",
    "livemode_mismatch",
    "missing",
    "not_allowed_on_standard_account",
    "order_creation_failed",
    "parameter_invalid_empty",
    "parameter_invalid_integer",
    "parameter_invalid_string_blank",
    "parameter_invalid_string_empty",
    "parameter_missing",
    "parameter_unknown",
    "parameters_exclusive",
    "payment_intent_incompatible_payment_method",
    "payment_intent_invalid_parameter",
    "payment_intent_unexpected_state",
    "payment_method_unexpected_state",
    "processing_error",
    "resource_already_exists",
    "setup_attempt_failed",
    "state_unsupported",
    "status_transition_invalid",
    "tls_version_unsupported",
    "token_already_used",
    "token_in_use",
];

#[test]
fn every_documented_error_proves_what_it_proves() {
    let plain = PLAIN.iter().map(|code| {
        (
            400,
            "invalid_request_error",
            Some(*code),
            Some("invalid_request"),
        )
    });
    for (status, kind, code, proven) in ROWS.iter().copied().chain(plain) {
        let told = judged(status, &error(kind, code));
        match (&told, proven) {
            (Answer::Refused(refusal), Some(proven)) => {
                assert_eq!(refusal.code, proven, "{status} {kind} {code:?}");
                assert!(!refusal.message.contains("sk_test"), "{}", refusal.message);
                assert!(refusal.message.ends_with('.'), "{}", refusal.message);
            }
            (Answer::Unknown(unknown), None) => assert_eq!(unknown.retry_after_ms, Some(2_000)),
            _ => panic!("{status} {kind} {code:?}: {told:?}"),
        }
    }
}

/// Hazard A12: a word of tomorrow is a no where Stripe's number says so, and nothing where it does not.
#[test]
fn an_invented_error_never_counts_as_done() {
    for n in 0..50_u16 {
        let status = [400, 402, 404, 410, 418, 422, 451, 500, 502, 530][usize::from(n % 10)];
        let body = error(&format!("type_{n}"), Some(&format!("code_{n}")));
        match judged(status, &body) {
            Answer::Refused(refusal) => {
                assert!(status < 500, "{status}");
                assert_ne!(refusal.code, "not_found");
            }
            Answer::Unknown(_) => assert!(status >= 500, "{status}"),
            Answer::Done(_) => panic!("{status} is not done"),
        }
    }
}

#[test]
fn what_is_not_stripes_own_proves_nothing() {
    for body in [
        json!("<html>"),
        json!({}),
        json!({"error": "no"}),
        json!({"error": {}}),
        Value::Null,
    ] {
        for status in [200, 400, 401, 402, 403, 404, 500] {
            assert!(
                matches!(judged(status, &body), Answer::Unknown(_)),
                "{status} {body}"
            );
        }
    }
    assert_eq!(judged(200, &json!({"id": "cs_1"})), Answer::Done(true));
}

/// A test key that asks for a live object gets the same code as for one that does not exist.
#[test]
fn the_other_modes_object_is_not_absent() {
    let body = json!({"error": {
        "type": "invalid_request_error", "code": "resource_missing", "param": "session",
        "message": "No such checkout.session: cs_1; a similar object exists in live mode, but a test mode key was used",
    }});
    let Answer::Refused(refusal) = judged(404, &body) else {
        panic!("a refusal");
    };
    assert_eq!(refusal.code, "wrong_mode");
}

#[test]
fn a_refused_field_is_named_and_nothing_else_of_it() {
    let body = |param: &str| {
        json!({"error": {
            "type": "invalid_request_error", "code": "parameter_unknown", "param": param, "message": "x@example.com",
        }})
    };
    let message = |param: &str| match judged(400, &body(param)) {
        Answer::Refused(refusal) => refusal.message,
        other => panic!("{other:?}"),
    };
    assert!(
        message("line_items[0][colour]").contains("(parameter_unknown: line_items[0][colour])")
    );
    assert!(message("x@example.com <b>").contains("(parameter_unknown)."));
}
