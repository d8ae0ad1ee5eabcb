//! Small carriers of messages for tests: the parts of Twilio, Vonage and an HTTP gateway that Remit uses, and a mail
//! server that speaks SMTP and keeps a mailbox for IMAP. Stateful, strict about every parameter, with faults on demand for
//! each recipient ([`Fault`]). They know nothing of Remit.

mod gateway;
mod imap;
pub mod letters;
mod receipts;
mod server;
mod smtp;
mod tls;
mod twilio;
mod vonage;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use imap::FakeImap;
pub use letters::Letter;
pub use smtp::{FakeSmtp, MailFault};

pub const ACCOUNT_SID: &str = "ACfa4e0000000000000000000000000000";
pub const AUTH_TOKEN: &str = "fake_auth_token_000000000000";
pub const TWILIO_NUMBER: &str = "+447700900999";
pub const API_KEY: &str = "fa4ekey0";
pub const API_SECRET: &str = "fake_api_secret_0";
pub const SIGNATURE_SECRET: &str = "fake_signature_secret_000000";
pub const TOKEN: &str = "fake_gateway_token_000000";

/// What goes wrong with a message to one number. Each is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused with the carrier's own code: `21610` of Twilio, `7` of Vonage, a status of the gateway.
    Refuse(u32),
    /// Too many requests; nothing is done.
    RateLimit,
    /// The connection is cut and nothing is done.
    CutBefore,
    /// The message is taken and the connection is cut.
    CutAfter,
    /// 500; the message is taken or not.
    ServerError { taken: bool },
    /// The message is taken and the answer is nonsense.
    Nonsense,
    /// The message is taken and the answer comes after so long.
    Slow(Duration),
    /// Taken, and later it cannot be delivered, with the carrier's code.
    NotDelivered(u32),
    /// Taken, and nothing more is heard of it.
    NoReceipt,
}

/// Which of the carriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    Twilio,
    Vonage,
    Gateway,
}

/// A text that a carrier took.
#[derive(Clone, Debug)]
pub struct Text {
    pub company: Company,
    pub id: String,
    pub to: String,
    pub from: String,
    pub text: String,
    /// Ours, where the carrier keeps one.
    pub reference: Option<String>,
    pub callback: Option<String>,
    /// The carrier's own word.
    pub status: String,
    pub code: Option<u32>,
    /// UTC ms.
    pub at_ms: i64,
}

/// What came of a receipt's sending.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: String,
    pub status: String,
    /// The receiver's answer; 0: none.
    pub answer: u16,
    pub is_forged: bool,
}

#[derive(Default)]
struct World {
    texts: Vec<Text>,
    faults: HashMap<String, VecDeque<Fault>>,
    /// Calls that no real carrier would take: the test fails by them.
    complaints: Vec<String>,
    told: Vec<Told>,
    /// Calls that asked for messages to be sent, by number.
    asked: HashMap<String, usize>,
    /// Receipts follow by themselves.
    tells: bool,
}

struct Shared {
    world: Mutex<World>,
    client: reqwest::Client,
    under_way: watch::Sender<usize>,
}

impl Shared {
    /// A panic of another holder has failed its own test already.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next fault for a number, and a count of the asking.
    fn fault(&self, to: &str) -> Option<Fault> {
        let mut world = self.world();
        *world.asked.entry(to.to_owned()).or_default() += 1;
        world.faults.get_mut(to)?.pop_front()
    }

    fn complain(&self, what: String) {
        self.world().complaints.push(what);
    }
}

/// Running carriers of texts. They answer until they are dropped.
pub struct FakeCarriers {
    /// Takes the place of every carrier's address; the gateway is at `/gateway` below it.
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for FakeCarriers {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeCarriers {
    /// Carriers on a free port of the loopback.
    ///
    /// # Errors
    /// No port, or no HTTP client.
    pub async fn open() -> std::io::Result<FakeCarriers> {
        FakeCarriers::start(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// # Errors
    /// No port, or no HTTP client.
    pub async fn start(listen: SocketAddr) -> std::io::Result<FakeCarriers> {
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        // The first caller's answer counts; all install the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?;
        let shared = Arc::new(Shared {
            world: Mutex::new(World {
                tells: true,
                ..World::default()
            }),
            client,
            under_way: watch::Sender::new(0),
        });
        let serving = tokio::spawn(server::serve(shared.clone(), listener));
        Ok(FakeCarriers {
            url,
            shared,
            serving,
        })
    }

    /// The next messages to this number go so.
    pub fn fault(&self, to: &str, fault: Fault) {
        let mut world = self.shared.world();
        let faults = world.faults.entry(to.to_owned()).or_default();
        faults.push_back(fault);
    }

    /// No receipts any more, unless the test sends them.
    pub fn falls_silent(&self) {
        self.shared.world().tells = false;
    }

    /// The texts to a number, oldest first.
    pub fn texts(&self, to: &str) -> Vec<Text> {
        let world = self.shared.world();
        let texts = world.texts.iter().filter(|text| text.to == to);
        texts.cloned().collect()
    }

    /// How often a message to this number was asked for, whatever came of it.
    pub fn asked(&self, to: &str) -> usize {
        self.shared.world().asked.get(to).copied().unwrap_or(0)
    }

    /// What no real carrier would have taken. Empty, or the test has failed.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.world().complaints.clone()
    }

    /// What came of every receipt so far.
    pub fn told(&self) -> Vec<Told> {
        self.shared.world().told.clone()
    }

    /// Waits until no receipt is on its way.
    pub async fn receipts_sent(&self) {
        let mut under_way = self.shared.under_way.subscribe();
        // The sender lives as long as `self`.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    /// Tells of a text: the carrier's own word and code. Answers the receiver's status.
    pub async fn tells(&self, id: &str, status: &str, code: Option<u32>) -> u16 {
        receipts::tell(&self.shared, id, status, code, None).await
    }

    /// The same, signed with another secret.
    pub async fn forges(&self, id: &str, status: &str) -> u16 {
        receipts::tell(
            &self.shared,
            id,
            status,
            None,
            Some("somebody_elses_secret"),
        )
        .await
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Random hexadecimal digits, for ids.
fn digits(count: usize) -> String {
    let mut bytes = vec![0; count.div_ceil(2)];
    // Without randomness ids repeat, and the test that needs them apart fails.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes).chars().take(count).collect()
}
