mod calls;
mod errors;
mod events;
mod facts;
mod form;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{StripeConfig, StripeProvider};
use crate::http;
use crate::roots::Roots;

/// What was asked: verb and path with query, body, the headers that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    line: String,
    body: String,
    key: Option<String>,
}

/// One answer that waits to be given.
struct Told {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

#[derive(Clone, Default)]
struct Script {
    told: Arc<Mutex<VecDeque<Told>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Somebody at Stripe's address who gives prepared answers, one a call.
struct Desk {
    provider: StripeProvider,
    script: Script,
}

const ACCOUNT: &str = "acct_1Larkhill";
const SECRET: &str = "whsec_first";

impl Desk {
    async fn open() -> Desk {
        let script = Script::default();
        let router = Router::new().fallback(answer).with_state(script.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api_base = format!("http://{}/stripe", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let provider = StripeProvider::new(StripeConfig {
            api_base,
            secret_key: "sk_test_51abc".into(),
            webhook_secrets: vec![SECRET.into(), "whsec_second".into()],
            account: ACCOUNT.into(),
            client: http::client(&Roots::default()).unwrap(),
        })
        .unwrap();
        Desk { provider, script }
    }

    fn tells(&self, status: u16, body: Value) -> &Desk {
        self.tells_with(status, &[], body)
    }

    fn tells_with(&self, status: u16, headers: &[(&'static str, &str)], body: Value) -> &Desk {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let body = body.to_string();
        self.script.told.lock().unwrap().push_back(Told {
            status,
            headers,
            body,
        });
        self
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.script.asked.lock().unwrap())
    }

    /// Verbs and paths of what was asked, without queries.
    fn lines(&self) -> Vec<String> {
        let path = |asked: Asked| asked.line.split('?').next().unwrap().to_owned();
        self.asked().into_iter().map(path).collect()
    }
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        header("authorization").as_deref(),
        Some("Bearer sk_test_51abc")
    );
    assert_eq!(header("stripe-version").as_deref(), Some(super::VERSION));
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    script.asked.lock().unwrap().push(Asked {
        line: format!("{} {}", parts.method, parts.uri),
        body: String::from_utf8(body.into()).unwrap(),
        key: header("idempotency-key"),
    });
    let told = script.told.lock().unwrap().pop_front().unwrap();
    let mut response = Response::builder().status(told.status);
    for (name, value) in told.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(told.body)).unwrap()
}

/// A session as Stripe tells it; `payment` is its payment intent.
fn session(status: &str, payment_status: &str, payment: Value) -> Value {
    json!({
        "id": "cs_test_a1", "object": "checkout.session", "livemode": false, "status": status,
        "payment_status": payment_status, "created": 1_795_500_000, "expires_at": 1_795_501_800,
        "url": if status == "open" { json!("https://checkout.stripe.com/c/pay/cs_test_a1") } else { Value::Null },
        "client_reference_id": "att_1", "metadata": {"remit_attempt": "att_1"},
        "payment_intent": payment, "amount_total": 4550, "currency": "gbp",
    })
}

/// A payment intent with its charge, paid by an ordinary card.
fn payment(status: &str, received: i64) -> Value {
    json!({
        "id": "pi_1", "object": "payment_intent", "status": status, "amount": 4550, "currency": "gbp",
        "amount_received": received, "metadata": {"remit_attempt": "att_1"}, "last_payment_error": null,
        "latest_charge": {
            "id": "ch_1", "object": "charge", "created": 1_795_500_600,
            "payment_method_details": {
                "type": "card", "card": {"brand": "visa", "last4": "4242", "wallet": null},
            },
        },
    })
}

fn list(data: &[Value], has_more: bool) -> Value {
    json!({"object": "list", "data": data, "has_more": has_more, "url": "/v1/whatever"})
}

fn refund(id: &str, status: &str, reference: Option<&str>) -> Value {
    let metadata = reference.map_or(json!({}), |reference| json!({"remit_refund": reference}));
    json!({
        "id": id, "object": "refund", "amount": 1000, "currency": "gbp", "status": status, "charge": "ch_1",
        "payment_intent": "pi_1", "metadata": metadata, "created": 1_795_500_900,
    })
}

fn error(kind: &str, code: Option<&str>) -> Value {
    json!({"error": {"type": kind, "code": code, "message": "No such thing: 'sk_test_51abc'", "param": null}})
}
