//! Clients of the JSON API who remember what they asked for, and patients who pay; all of them outlive the server.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// How long a restarted server may take for what was left open: far below the leases of a dead process.
const WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Chance that a seed replays (xorshift).
pub struct Chance(Mutex<u64>);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(Mutex::new(seed | 1))
    }

    pub fn below(&self, end: u64) -> u64 {
        let mut state = self.0.lock().expect("nobody panics with it");
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % end
    }
}

/// What was asked for once, under one key.
#[derive(Clone, Debug)]
pub struct Intent {
    pub what: What,
    pub path: String,
    pub body: Value,
    pub key: String,
    /// Status and answer, once acknowledged.
    pub answer: Option<(u16, Value)>,
}

/// Where the effect must be found, exactly once.
#[derive(Clone, Debug)]
pub enum What {
    Patient { name: String },
    Appointment { patient: String },
    Link { appointment: String },
    Desk { appointment: String },
    Delivery { link: String },
    Refund { payment: String },
}

pub struct Clients {
    pub url: String,
    pub key: String,
    client: Client,
    service: Mutex<String>,
    intents: Mutex<Vec<Intent>>,
    /// Appointment -> amount that the provider took for it.
    pub taken: Mutex<HashMap<String, i64>>,
    made: AtomicU64,
    acknowledged: AtomicU64,
    seed: u64,
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    let found = value[name].as_str();
    found.unwrap_or_else(|| panic!("no {name} in {value}"))
}

const PRICE: i64 = 5_000;
const CASH: i64 = 1_000;

impl Clients {
    pub fn new(url: String, key: String, seed: u64) -> Clients {
        // The first caller's answer counts; all install the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build();
        Clients {
            url,
            key,
            client: client.expect("a client"),
            service: Mutex::default(),
            intents: Mutex::default(),
            taken: Mutex::default(),
            made: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            seed,
        }
    }

    /// One call; none when the server is not there.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&Value, &str)>,
    ) -> Option<(u16, Value)> {
        let url = format!("{}/api/v1{path}", self.url);
        let mut request = self.client.request(method, url).bearer_auth(&self.key);
        if let Some((body, key)) = body {
            request = request.json(body).header("idempotency-key", key);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let answer = response.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&answer).ok()?))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await.expect("an answer");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Reads until it is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + WITHIN;
        loop {
            let now = self.get(path).await;
            if wanted(&now) {
                return now;
            }
            assert!(Instant::now() < end, "{path} is still {now}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub async fn furnish(&self) {
        let body = json!({
            "name": "Consultation", "duration_minutes": 30,
            "price": { "amount": PRICE, "currency": "GBP" }, "deposit": { "kind": "none" }
        });
        let made = self
            .call(Method::POST, "/services", Some((&body, "service")))
            .await;
        let (_, service) = made.expect("an answer");
        *self.service.lock().expect("unbroken") = text(&service, "id").to_owned();
    }

    /// Asks for something under a new key, and remembers it whatever comes. None: not acknowledged, or refused.
    async fn asks(&self, what: What, path: String, mut body: Value) -> Option<Value> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let key = format!("key-{}-{number}", self.seed);
        // What can carry a mark of its own is found again by it.
        match &what {
            What::Desk { .. } => body["reference"] = json!(key),
            What::Refund { .. } => body["reason"] = json!(key),
            _ => {}
        }
        let intent = Intent {
            what,
            path,
            body,
            key,
            answer: None,
        };
        let place = {
            let mut intents = self.intents.lock().expect("unbroken");
            intents.push(intent.clone());
            intents.len() - 1
        };
        let answer = self.sends(&intent).await?;
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        self.intents.lock().expect("unbroken")[place].answer = Some(answer.clone());
        (answer.0 < 300).then_some(answer.1)
    }

    /// One sending; none when it must be sent again.
    async fn sends(&self, intent: &Intent) -> Option<(u16, Value)> {
        let sent = self.call(
            Method::POST,
            &intent.path,
            Some((&intent.body, &intent.key)),
        );
        let (status, answer) = sent.await?;
        let kind = answer["type"].as_str().unwrap_or_default();
        let passes = status >= 500
            || kind.ends_with("request-in-flight")
            || kind.ends_with("payment-in-progress");
        (!passes).then_some((status, answer))
    }

    /// Sends everything that was not acknowledged again, under its own key, until it is.
    pub async fn retries(&self) -> usize {
        let open: Vec<(usize, Intent)> = {
            let intents = self.intents.lock().expect("unbroken");
            let all = intents.iter().cloned().enumerate();
            all.filter(|(_, intent)| intent.answer.is_none()).collect()
        };
        for (place, intent) in &open {
            let end = Instant::now() + WITHIN;
            let answer = loop {
                if let Some(answer) = self.sends(intent).await {
                    break answer;
                }
                assert!(Instant::now() < end, "never acknowledged: {intent:?}");
                tokio::time::sleep(LOOK_EVERY).await;
            };
            self.intents.lock().expect("unbroken")[*place].answer = Some(answer);
        }
        open.len()
    }

    /// Journeys of one client until the server is gone.
    pub async fn work(&self, chance: &Chance) {
        while self.journey(chance).await.is_some() {}
    }

    /// A patient, an appointment, a link; then cash, an SMS, an online payment, a refund, as chance has it. None: the
    /// server did not acknowledge.
    async fn journey(&self, chance: &Chance) -> Option<()> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("Torture{}x{number}", self.seed);
        let body = json!({ "name": name, "email": format!("t{number}@example.com"),
            "phone": format!("+4477009{:05}", 1 + number % 99_999) });
        let patient = self
            .asks(What::Patient { name }, "/patients".into(), body)
            .await?;
        let patient = text(&patient, "id").to_owned();
        let in_a_week = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7 * 24);
        let body = json!({ "patient_id": patient, "service_ids": [*self.service.lock().expect("unbroken")],
            "starts_at": in_a_week.strftime("%Y-%m-%dT%H:00:00Z").to_string() });
        let visit = self
            .asks(What::Appointment { patient }, "/appointments".into(), body)
            .await?;
        let appointment = text(&visit, "id").to_owned();
        let at = |rest: &str| format!("/appointments/{appointment}/{rest}");
        let what = What::Link {
            appointment: appointment.clone(),
        };
        let link = self
            .asks(what, at("payment-links"), json!({ "purpose": "balance" }))
            .await?;
        if chance.below(2) == 0 {
            let id = text(&link, "id").to_owned();
            let path = format!("/payment-links/{id}/deliveries");
            self.asks(
                What::Delivery { link: id },
                path,
                json!({ "channel": "sms" }),
            )
            .await?;
        }
        let mut payment = None;
        if chance.below(3) != 0 {
            let body = json!({ "method": "cash", "amount": { "amount": CASH, "currency": "GBP" } });
            let what = What::Desk {
                appointment: appointment.clone(),
            };
            payment = Some(self.asks(what, at("payments"), body).await?);
        }
        if chance.below(2) == 0 {
            let amount = if payment.is_some() {
                PRICE - CASH
            } else {
                PRICE
            };
            self.pays(
                text(&link, "url"),
                &appointment,
                amount,
                chance.below(2) == 0,
            )
            .await?;
        }
        if let Some(payment) = payment.filter(|_| chance.below(3) == 0) {
            let id = text(&payment, "id").to_owned();
            let path = format!("/payments/{id}/refunds");
            let body = json!({ "amount": { "amount": 100, "currency": "GBP" } });
            self.asks(What::Refund { payment: id }, path, body).await?;
        }
        Some(())
    }

    /// A patient pays by card; the provider's own answer is the acknowledgement.
    async fn pays(&self, url: &str, appointment: &str, amount: i64, returns: bool) -> Option<()> {
        let page = self.client.get(url).send().await.ok()?.text().await.ok()?;
        let (_, rest) = page.split_once("name=\"csrf\" value=\"")?;
        let (csrf, _) = rest.split_once('"')?;
        let form = [("csrf", csrf), ("method", "card")];
        let sent = self
            .client
            .post(format!("{url}/pay"))
            .form(&form)
            .send()
            .await
            .ok()?;
        let to = sent.headers().get("location")?.to_str().ok()?.to_owned();
        if !to.contains("/sandbox/pay/") {
            return Some(());
        }
        let card = [
            ("card_number", "4242424242424242"),
            ("expiry", "12/34"),
            ("cvc", "123"),
            ("action", "pay"),
        ];
        let paid = self.client.post(&to).form(&card).send().await.ok()?;
        let back = paid.headers().get("location")?.to_str().ok()?.to_owned();
        if back.contains("/p/return/") {
            let mut taken = self.taken.lock().expect("unbroken");
            taken.insert(appointment.to_owned(), amount);
        }
        if returns {
            self.client.get(back).send().await.ok()?;
        }
        Some(())
    }

    /// Intents from a place on, all acknowledged.
    pub fn since(&self, start: usize) -> Vec<Intent> {
        self.intents.lock().expect("unbroken")[start..].to_vec()
    }

    /// How many commands were answered while everybody was at work.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub fn count(&self) -> usize {
        self.intents.lock().expect("unbroken").len()
    }

    pub async fn tray(&self) -> Vec<Value> {
        let url = format!("{}/demo/messages.json", self.url);
        let answer = self.client.get(url).send().await.expect("an answer");
        let all: Value = answer.json().await.expect("JSON");
        all["data"].as_array().expect("a list").clone()
    }
}
