//! A clinic's view of the sandbox: the company on a real port of the loopback, with its vault in memory, a clock that
//! the test moves, a receiver of webhooks, and a payer.

#![allow(dead_code, reason = "each test file uses its own part of the bench")]

pub mod mollie;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use remit_core::UtcMs;
use remit_core::methods::Method;
use remit_core::money::Money;
use remit_gateways::payments::{
    Lookup, PaymentProvider, ProviderEvent, Session, SessionOrder, SessionStatus, WebhookRequest,
};
use remit_gateways::roots::Roots;
use remit_gateways::sandbox::company::{self, Company, CompanyConfig, Record, Registration, Vault};
use remit_gateways::sandbox::{SandboxConfig, SandboxProvider};
use remit_gateways::{Answer, http};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// Where the clock of every bench starts: Tuesday 24 November 2026.
pub const START: UtcMs = 1_795_500_000_000;

#[derive(Default)]
pub struct MemoryVault {
    rows: Mutex<BTreeMap<(String, String), Record>>,
    /// Puts left before the vault breaks, to stop the company between two writes. Negative: never.
    pub puts_left: AtomicI64,
    calls: AtomicU64,
}

impl MemoryVault {
    pub fn new() -> Arc<MemoryVault> {
        Arc::new(MemoryVault {
            puts_left: AtomicI64::new(i64::MAX),
            ..MemoryVault::default()
        })
    }

    /// As a database would, for longer or shorter, so that every order of two requests comes up.
    async fn waits(&self) {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        for _ in 0..call.wrapping_mul(2_654_435_761) % 7 {
            tokio::task::yield_now().await;
        }
    }

    pub fn count(&self, kind: &str) -> usize {
        let rows = self.rows.lock().unwrap();
        rows.keys()
            .filter(|(of, _)| of == kind || of.starts_with(&format!("{kind}/")))
            .count()
    }
}

#[async_trait]
impl Vault for MemoryVault {
    async fn get(&self, kind: &str, id: &str) -> Result<Option<Record>, String> {
        self.waits().await;
        Ok(self
            .rows
            .lock()
            .unwrap()
            .get(&(kind.to_owned(), id.to_owned()))
            .cloned())
    }

    async fn put(
        &self,
        kind: &str,
        id: &str,
        expected_version: i64,
        body: String,
        due_at: Option<i64>,
    ) -> Result<bool, String> {
        self.waits().await;
        if self.puts_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err("the vault is broken".into());
        }
        let mut rows = self.rows.lock().unwrap();
        let key = (kind.to_owned(), id.to_owned());
        if rows.get(&key).map_or(0, |record| record.version) != expected_version {
            return Ok(false);
        }
        rows.insert(
            key,
            Record {
                id: id.to_owned(),
                version: expected_version + 1,
                body,
                due_at,
            },
        );
        Ok(true)
    }

    async fn list(&self, kind: &str, after_id: &str, limit: i64) -> Result<Vec<Record>, String> {
        let rows = self.rows.lock().unwrap();
        let found = rows
            .iter()
            .filter(|((of, id), _)| of == kind && id.as_str() > after_id);
        Ok(found
            .map(|(_, record)| record.clone())
            .take(usize::try_from(limit).unwrap())
            .collect())
    }

    async fn due(&self, kind: &str, now: i64, limit: i64) -> Result<Vec<Record>, String> {
        let rows = self.rows.lock().unwrap();
        let mut found: Vec<Record> = rows
            .iter()
            .filter(|((of, _), record)| of == kind && record.due_at.is_some_and(|at| at <= now))
            .map(|(_, record)| record.clone())
            .collect();
        found.sort_by_key(|record| record.due_at);
        found.truncate(usize::try_from(limit).unwrap());
        Ok(found)
    }
}

/// A webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub signature: String,
    pub body: Bytes,
    pub at: UtcMs,
}

/// The clinic's `/hooks/...`: answers with the set status and keeps what came.
#[derive(Clone)]
struct Receiver {
    status: Arc<AtomicU16>,
    arrived: mpsc::UnboundedSender<Arrived>,
    clock: Arc<AtomicI64>,
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers
        .get("sandbox-signature")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let at = receiver.clock.load(Ordering::SeqCst);
    receiver
        .arrived
        .send(Arrived {
            signature,
            body,
            at,
        })
        .unwrap();
    StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).unwrap()
}

pub struct Bench {
    pub provider: SandboxProvider,
    pub vault: Arc<MemoryVault>,
    pub company: Company,
    /// `http://127.0.0.1:port/sandbox`
    pub url: String,
    pub shop_url: String,
    pub client: reqwest::Client,
    clock: Arc<AtomicI64>,
    hook_status: Arc<AtomicU16>,
    hooks: tokio::sync::Mutex<mpsc::UnboundedReceiver<Arrived>>,
    working: AtomicBool,
    stop: watch::Sender<bool>,
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

impl Bench {
    /// The company, one account, and its background work running.
    pub async fn open() -> Bench {
        let bench = Bench::idle().await;
        bench.starts_working();
        bench
    }

    /// The same without background work.
    pub async fn idle() -> Bench {
        let client = http::client(&Roots::default()).unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let (send, hooks) = mpsc::unbounded_channel();
        let hook_status = Arc::new(AtomicU16::new(200));
        let receiver = Receiver {
            status: Arc::clone(&hook_status),
            arrived: send,
            clock: Arc::clone(&clock),
        };
        let shop = Router::new()
            .route("/hooks/a", axum::routing::post(receive))
            .with_state(receiver);
        let shop_url = serve(shop).await;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sandbox", listener.local_addr().unwrap());
        let vault = MemoryVault::new();
        let time = Arc::clone(&clock);
        let company = Company::new(CompanyConfig {
            public_url: url.clone(),
            vault: Arc::clone(&vault) as Arc<dyn Vault>,
            clock: Arc::new(move || time.load(Ordering::SeqCst)),
            client: client.clone(),
        });
        let router = Router::new().nest("/sandbox", company::router(company.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let bench = Bench {
            provider: provider_at(&url, &client, "a", "sk_a"),
            vault,
            company,
            url,
            shop_url,
            client,
            clock,
            hook_status,
            hooks: tokio::sync::Mutex::new(hooks),
            working: AtomicBool::new(false),
            stop: watch::channel(false).0,
        };
        bench.takes_on("a", "sk_a").await;
        bench
    }

    /// Registers an account; safe to repeat.
    pub async fn takes_on(&self, name: &str, key: &str) {
        let registration = Registration {
            account: format!("sbx_acct_{name}"),
            secret_key: key.into(),
            webhook_url: format!("{}/hooks/a", self.shop_url),
            webhook_secret: format!("whsec_{name}"),
        };
        self.company.register(registration).await.unwrap();
    }

    pub fn provider_of(&self, name: &str, key: &str) -> SandboxProvider {
        provider_at(&self.url, &self.client, name, key)
    }

    pub fn starts_working(&self) {
        self.working.store(true, Ordering::SeqCst);
        self.another_node_works();
    }

    pub fn another_node_works(&self) {
        let (company, mut stop) = (self.company.clone(), self.stop.subscribe());
        tokio::spawn(async move {
            let stopped = async {
                let _ = stop.wait_for(|stopped| *stopped).await;
            };
            company.deliver_webhooks(stopped).await;
        });
    }

    pub fn now(&self) -> UtcMs {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn passes(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn hooks_answer(&self, status: u16) {
        self.hook_status.store(status, Ordering::SeqCst);
    }

    /// The next webhook, as it arrived.
    pub async fn next_arrival(&self) -> Arrived {
        let next = async { self.hooks.lock().await.recv().await.unwrap() };
        tokio::time::timeout(Duration::from_secs(10), next)
            .await
            .expect("no webhook came")
    }

    /// The next webhook, believed by the provider.
    pub async fn next_event(&self) -> ProviderEvent {
        let Arrived {
            signature,
            body,
            at,
        } = self.next_arrival().await;
        let request = WebhookRequest {
            signature: &signature,
            body: &body,
            received_at: at,
        };
        self.provider.verify_webhook(request).unwrap()
    }

    /// The next webhook while time passes in small steps: the wait for it begins only when the try before is noted.
    pub async fn arrives_in_time(&self) -> Arrived {
        until(async || {
            self.passes(1_000);
            self.hooks.lock().await.try_recv().ok()
        })
        .await
    }

    pub async fn no_more_webhooks(&self) -> bool {
        self.hooks.lock().await.try_recv().is_err()
    }

    pub fn order(&self, reference: &str, method: Method, minor: i64) -> SessionOrder {
        let expires_at = self.now() + remit_gateways::sandbox::SESSION_MIN_MS;
        order(&self.shop_url, reference, method, minor, expires_at)
    }

    /// A session, made the way the product makes one: frozen, then sent under its reference as key.
    pub async fn session(&self, reference: &str, method: Method, minor: i64) -> Session {
        let frozen = self
            .provider
            .freeze_session(&self.order(reference, method, minor));
        done(self.provider.create_session(&frozen, reference).await)
    }

    pub async fn opens(&self, session: &Session) -> Page {
        page(self.client.get(&session.url).send().await.unwrap()).await
    }

    pub async fn sends(&self, session: &Session, fields: &[(&str, &str)]) -> Page {
        page(
            self.client
                .post(&session.url)
                .form(fields)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub async fn presses(&self, session: &Session, action: &str) -> Page {
        self.sends(session, &[("action", action)]).await
    }

    pub async fn pays_with(&self, session: &Session, number: &str) -> Page {
        let fields = [
            ("card_number", number),
            ("expiry", "12 / 34"),
            ("cvc", "737"),
            ("action", "pay"),
        ];
        self.sends(session, &fields).await
    }

    /// The company's API itself, as somebody would call it by hand.
    pub fn call(&self, verb: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(verb, format!("{}/v1{path}", self.url))
            .bearer_auth("sk_a")
    }
}

/// An order of a shop at an address.
pub fn order(
    shop_url: &str,
    reference: &str,
    method: Method,
    minor: i64,
    expires_at: UtcMs,
) -> SessionOrder {
    SessionOrder {
        reference: reference.into(),
        amount: Money::gbp(minor),
        method,
        payee: "Larkhill <Clinic>".into(),
        return_url: format!("{shop_url}/back/{reference}"),
        cancel_url: format!("{shop_url}/cancel/{reference}"),
        webhook_url: format!("{shop_url}/hooks"),
        expires_at,
        locale: "en-GB".into(),
        email: None,
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

fn provider_at(url: &str, client: &reqwest::Client, name: &str, key: &str) -> SandboxProvider {
    SandboxProvider::new(SandboxConfig {
        api_base: format!("{url}/v1"),
        secret_key: key.into(),
        webhook_secrets: vec![format!("whsec_{name}")],
        account: format!("sbx_acct_{name}"),
        client: client.clone(),
    })
    .unwrap()
}

/// A page as a browser gets it, before it follows anything.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub location: Option<String>,
    pub policy: String,
    pub html: String,
}

async fn page(response: reqwest::Response) -> Page {
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    Page {
        status: response.status().as_u16(),
        location: header("location"),
        policy: header("content-security-policy").unwrap_or_default(),
        html: response.text().await.unwrap(),
    }
}

#[track_caller]
pub fn done<T: std::fmt::Debug>(answer: Answer<T>) -> T {
    match answer {
        Answer::Done(value) => value,
        other => panic!("expected an answer, got {other:?}"),
    }
}

#[track_caller]
pub fn refused_with<T: std::fmt::Debug>(answer: Answer<T>) -> String {
    match answer {
        Answer::Refused(refusal) => refusal.code,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Asks again until the answer is there; for what happens in the background.
pub async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(value) = ask().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asking)
        .await
        .expect("it never happened")
}

pub async fn status(bench: &Bench, session: &Session) -> SessionStatus {
    done(
        bench
            .provider
            .retrieve(Lookup::Session(&session.session_id))
            .await,
    )
    .status
}
