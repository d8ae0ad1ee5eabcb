//! Staff who ask for money and patients who pay it, by the hundred, with Stripe behind them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_stripe::{FakeStripe, Options, SECRET_KEY};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::clinic::{Clinic, gbp, id};

/// How many patients pay at the same time.
pub const AT_ONCE: usize = 16;
/// Between two looks of a patient at a page that asks for patience.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub async fn stripe(seed: u64) -> Arc<FakeStripe> {
    let options = Options {
        seed: Some(seed),
        ..Options::default()
    };
    Arc::new(FakeStripe::start(options).await.expect("a fake Stripe"))
}

/// The owner connects the clinic's account, webhooks included.
pub async fn connects(clinic: &Clinic, stripe: &FakeStripe) {
    let body = json!({
        "secret_key": SECRET_KEY, "api_base": stripe.url, "enabled": true, "register_webhook": true
    });
    let path = "/settings/providers/stripe";
    let told = clinic.call(0, Method::PUT, path, Some(&body), None).await;
    let told = told.done();
    assert_eq!(
        (
            &told["enabled"],
            &told["livemode"],
            &told["webhook_secret_set"]
        ),
        (&json!(true), &json!(false), &json!(true)),
        "{told}"
    );
}

/// A reception that makes appointments of one patient for one service.
pub struct Desk {
    patient: Value,
    service: Value,
    pub price: i64,
}

impl Desk {
    pub async fn opens(clinic: &Clinic, price: i64) -> Desk {
        let service = json!({
            "name": "Consultation", "duration_minutes": 30, "price": gbp(price), "deposit": { "kind": "none" }
        });
        Desk {
            patient: clinic.adds_patient().await,
            service: clinic.post("/services", service).await.done(),
            price,
        }
    }

    /// An appointment with a link for all of it.
    pub async fn asks(&self, clinic: &Clinic) -> (Value, Value) {
        let in_a_week = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
        let body = json!({
            "patient_id": self.patient["id"], "service_ids": [self.service["id"]],
            "starts_at": in_a_week.strftime("%Y-%m-%dT%H:00:00Z").to_string(),
        });
        let visit = clinic.post("/appointments", body).await.done();
        let link = clinic.issues_link(&visit).await;
        (visit, link)
    }
}

/// Presses *Continue to payment* until the hosted page is there, as a patient does whom the page asks for patience.
pub async fn reaches_stripe(
    phone: &mut Browser,
    stripe: &FakeStripe,
    url: &str,
    within: Duration,
) -> Page {
    let end = Instant::now() + within;
    loop {
        let page = phone.get(url).await;
        let mut seen = page.clone();
        if let Some(form) = page.form_with("method") {
            seen = phone.submit(&page, &form, &[("method", "card")]).await;
            if is_at(stripe, &seen.url) {
                return seen;
            }
        }
        assert!(
            Instant::now() < end,
            "never at Stripe: {} {}",
            seen.status,
            seen.text()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn is_at(stripe: &FakeStripe, url: &Url) -> bool {
    url.as_str().starts_with(&stripe.url)
}

/// A card is typed and the browser dies on its way back: only Stripe knows of the money.
pub async fn pays_and_is_gone(phone: &mut Browser, page: &Page) {
    let body = "card_number=4242424242424242&expiry=12%2F34&cvc=123&action=pay".to_owned();
    let gone = phone
        .send(Method::POST, page.url.clone(), Some(body), Some(page))
        .await;
    assert_eq!(gone.status, 303, "{}", gone.body);
}

/// What stays owed for a visit, and what is credit.
pub async fn owes(clinic: &Clinic, visit: &Value) -> (i64, i64, i64) {
    let visit = clinic.get(&format!("/appointments/{}", id(visit))).await;
    let minor = |name: &str| visit[name]["amount"].as_i64().expect("an amount");
    (minor("balance"), minor("paid"), minor("credit"))
}
