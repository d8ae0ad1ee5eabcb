//! Settings, providers: a clinic connects its account at a Stripe that is stateful and strict, rotates keys, mistypes
//! them, and is told each time what to do. The provider is outside; everything else comes through the door.

use std::sync::Arc;

use fake_stripe::{FakeStripe, LIVE_KEY, RESTRICTED_KEY, REVOKED_KEY, SECRET_KEY};
use remit_core::roles::Role;
use serde_json::{Value, json};

use crate::closing::starts_to_pay;
use crate::harness::{Caller, House, on_both_engines};

const PATH: &str = "/settings/providers/stripe";

async fn stripe() -> Arc<FakeStripe> {
    Arc::new(FakeStripe::open().await.unwrap())
}

impl Caller {
    async fn connects(&self, stripe: &FakeStripe) -> Value {
        let body = json!({"secret_key": SECRET_KEY, "api_base": stripe.url, "enabled": true,
            "webhook_secret": "whsec_first00000"});
        self.put(PATH, body).await.is(200)
    }
}

/// The text of a line of the last test.
fn line<'a>(body: &'a Value, what: &str) -> (&'a str, &'a str) {
    let lines = body["test"]["lines"].as_array().unwrap();
    let found = lines.iter().find(|line| line["what"] == what);
    let line = found.unwrap_or_else(|| panic!("no line {what} in {body}"));
    (
        line["verdict"].as_str().unwrap(),
        line["text"].as_str().unwrap(),
    )
}

on_both_engines! {
    /// Hazard E2: nothing personal leaves, but an email address where the clinic says so.
    async fn the_provider_is_told_the_patients_email_where_the_clinic_says_so(house: House) {
        let clinic = house.founds("lark").await;
        let stripe = stripe().await;
        clinic.owner().connects(&stripe).await;
        let told = async || {
            let appointment = clinic.books(4500).await;
            let (_, session) = starts_to_pay(&clinic, &appointment).await;
            let world = stripe.world();
            world.sessions.get(&session).unwrap().email.clone()
        };
        assert_eq!(told().await, None);
        const METHODS: &str = "/settings/payment-methods";
        assert_eq!(clinic.owner().reads(METHODS).await["shares_email"], json!(false));
        let on = json!({"methods": [], "shares_email": true});
        assert_eq!(clinic.owner().put(METHODS, on).await.is(200)["shares_email"], json!(true));
        assert_eq!(told().await.as_deref(), Some("rosa@example.com"));
        let else_changed = json!({"methods": []});
        assert_eq!(clinic.owner().put(METHODS, else_changed).await.is(200)["shares_email"], json!(true));
    }

    async fn nothing_is_connected_at_first(house: House) {
        let desk = house.founds("lark").await.owner();
        let body = desk.get(PATH).await.is(200);
        assert_eq!((&body["enabled"], &body["account"], &body["webhook_url"]), (&json!(false), &Value::Null, &Value::Null));
        desk.get("/settings/providers/nobody").await.is_problem(404, "not-found");
        desk.put(PATH, json!({"enabled": true})).await.names(422, "invalid-fields", &["secret_key"]);
        desk.post(&format!("{PATH}/test"), json!({})).await.is_problem(409, "not-set-up");
    }

    async fn a_clinic_connects_and_no_secret_comes_back(house: House) {
        let (clinic, stripe) = (house.founds("lark").await, stripe().await);
        let desk = clinic.owner();
        let body = desk.connects(&stripe).await;
        assert_eq!(body["provider"], "stripe");
        assert_eq!((&body["enabled"], &body["livemode"]), (&json!(true), &json!(false)));
        assert!(body["account"].as_str().unwrap().starts_with("acct_"), "{body}");
        assert!(body["webhook_url"].as_str().unwrap().contains("/hooks/"), "{body}");
        assert_eq!((&body["secret_key_set"], &body["webhook_secret_set"]), (&json!(true), &json!(true)));
        assert_eq!(line(&body, "key").0, "ok");
        assert_eq!(line(&body, "charges").0, "ok");
        let read = desk.get(PATH).await;
        assert_eq!(read.is(200)["account"], body["account"]);
        for secret in [SECRET_KEY, "whsec_first00000"] {
            assert!(!read.text().contains(secret) && !body.to_string().contains(secret));
        }
        for role in [Role::Viewer, Role::Reception, Role::Manager] {
            clinic.as_role(role).get(PATH).await.is_problem(403, "forbidden");
        }
    }

    async fn what_is_left_out_stays_and_the_webhook_address_too(house: House) {
        let (desk, stripe) = (house.founds("lark").await.owner(), stripe().await);
        let before = desk.connects(&stripe).await;
        let off = desk.put(PATH, json!({"enabled": false})).await.is(200);
        assert_eq!(off["enabled"], false);
        let after = desk.put(PATH, json!({"webhook_secret": "whsec_second0000", "enabled": true})).await.is(200);
        for field in ["account", "webhook_url", "api_base", "secret_key_last4"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        assert!(after["former_webhook_secret_until"].is_string(), "the one before is taken a day longer: {after}");
        house.waits(25 * 60 * 60 * 1000);
        assert!(desk.get(PATH).await.is(200)["former_webhook_secret_until"].is_null());
    }

    async fn a_slip_names_its_field_and_changes_nothing(house: House) {
        let (desk, stripe) = (house.founds("lark").await.owner(), stripe().await);
        let before = desk.connects(&stripe).await;
        for (body, field, word) in [
            (json!({"secret_key": "pk_test_123456"}), "secret_key", "publishable"),
            (json!({"secret_key": "whsec_12345678"}), "secret_key", "signing secret"),
            (json!({"secret_key": "hello"}), "secret_key", "begins with"),
            (json!({"secret_key": "sk_test_unknown0000000"}), "secret_key", "does not know"),
            (json!({"secret_key": REVOKED_KEY}), "secret_key", "Copy the secret key"),
            (json!({"secret_key": ""}), "secret_key", "Leave it out"),
            (json!({"webhook_secret": "we_123"}), "webhook_secret", "Reveal"),
            (json!({"webhook_secret": "sk_test_123"}), "webhook_secret", "API key"),
            (json!({"api_base": "http://api.stripe.com"}), "api_base", "https"),
            (json!({"api_base": "nowhere"}), "api_base", "whole address"),
            (json!({"colour": "blue"}), "colour", "not known"),
        ] {
            let problem = desk.put(PATH, body.clone()).await.names(422, "invalid-fields", &[field]);
            assert!(problem["detail"].as_str().unwrap().contains(word), "{body}: {problem}");
        }
        let mut after = desk.get(PATH).await.is(200);
        after["test"] = before["test"].clone();
        assert_eq!(after, before);
    }

    async fn a_provider_that_gives_no_answer_keeps_nobody_from_saving(house: House) {
        let desk = house.founds("lark").await.owner();
        // Nobody listens on the discard port.
        let body = json!({"secret_key": SECRET_KEY, "api_base": "http://127.0.0.1:9", "enabled": true});
        let saved = desk.put(PATH, body).await.is(200);
        assert_eq!((&saved["enabled"], &saved["test"]["outcome"]), (&json!(true), &json!("unknown")));
        assert_eq!(line(&saved, "key").0, "unknown");
        assert!(line(&saved, "secret").1.contains("every webhook is refused"));
        let stripe = stripe().await;
        let found = desk.put(PATH, json!({"api_base": stripe.url})).await.is(200);
        assert_eq!(found["webhook_url"], saved["webhook_url"], "the same account, known at last");
        assert!(found["account"].as_str().unwrap().starts_with("acct_"), "{found}");
    }

    async fn a_key_that_may_little_is_taken(house: House) {
        let (desk, stripe) = (house.founds("lark").await.owner(), stripe().await);
        let body = json!({"secret_key": RESTRICTED_KEY, "api_base": stripe.url, "enabled": true});
        let saved = desk.put(PATH, body).await.is(200);
        assert_eq!(line(&saved, "key").0, "ok");
        assert_eq!(line(&saved, "account").0, "unknown");
        let whole = desk.put(PATH, json!({"secret_key": SECRET_KEY})).await.is(200);
        assert_eq!(whole["webhook_url"], saved["webhook_url"]);
    }

    async fn the_live_key_is_an_account_of_its_own(house: House) {
        let (desk, stripe) = (house.founds("lark").await.owner(), stripe().await);
        let test = desk.connects(&stripe).await;
        let live = desk.put(PATH, json!({"secret_key": LIVE_KEY})).await.is(200);
        assert_eq!((&live["livemode"], &live["enabled"]), (&json!(true), &json!(true)));
        assert_ne!(live["webhook_url"], test["webhook_url"]);
        assert_eq!(live["webhook_secret_set"], false, "its webhooks are signed with another secret");
        let back = desk.put(PATH, json!({"secret_key": SECRET_KEY})).await.is(200);
        assert_eq!(back["webhook_url"], test["webhook_url"], "the account from before takes its place again");
        assert_eq!(back["webhook_secret_set"], true);
    }

    async fn the_address_can_be_registered_by_the_key(house: House) {
        let (desk, stripe) = (house.founds("lark").await.owner(), stripe().await);
        let body = json!({"secret_key": SECRET_KEY, "api_base": stripe.url, "register_webhook": true});
        let saved = desk.put(PATH, body).await.is(200);
        assert_eq!(saved["webhook_secret_set"], true);
        assert_eq!(line(&saved, "webhook").0, "ok", "{saved}");
    }

    async fn webhooks_of_another_endpoint_are_counted(house: House) {
        let (clinic, stripe) = (house.founds("lark").await, stripe().await);
        let desk = clinic.owner();
        let saved = desk.connects(&stripe).await;
        let url = saved["webhook_url"].as_str().unwrap();
        let path = &url[url.find("/hooks/").unwrap()..];
        for _ in 0..3 {
            let ask = crate::harness::Ask::new("POST", &format!("/{path}")).text("application/json", "{}");
            assert_eq!(house.stranger(None).send(ask).await.status, 400);
        }
        let body = desk.get(PATH).await.is(200);
        assert_eq!(body["webhooks_refused"]["count"], 3, "{body}");
        let (verdict, text) = line(&body, "webhooks");
        assert_eq!(verdict, "fault");
        assert!(text.starts_with("3 webhooks were refused since") && text.contains("does not fit"), "{text}");
    }

    async fn the_sandbox_serves_clinics_in_test_mode_alone(house: House) {
        let desk = house.founds("lark").await.owner();
        let path = "/settings/providers/sandbox";
        desk.put(path, json!({"enabled": true})).await.names(422, "invalid-fields", &["enabled"]);
        desk.put(path, json!({"secret_key": SECRET_KEY})).await.names(422, "invalid-fields", &["secret_key"]);
    }
}
