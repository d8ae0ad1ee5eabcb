//! A small Stripe for tests: the part of its API that Remit uses, stateful, strict about every parameter, with hosted
//! pages, signed webhooks, books that close, and faults on demand ([`faults::Faults`]).
//!
//! It speaks one version of the API ([`tables::VERSION`]). It knows nothing of Remit.

mod api;
pub mod endpoints;
pub mod errors;
pub mod faults;
mod idempotency;
mod money;
mod objects;
mod page;
mod params;
mod sessions;
pub mod tables;
pub mod webhooks;
pub mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use faults::{Chance, Faults};
pub use sessions::{Card, Ended};
use webhooks::{Delivery, SENDERS};
use world::{Clock, Key, World};

/// Keys that every fake knows.
pub const SECRET_KEY: &str = "sk_test_fake000000000000";
pub const LIVE_KEY: &str = "sk_live_fake000000000000";
/// May take payments and refunds, and read what belongs to them; may not read the account or register webhooks.
pub const RESTRICTED_KEY: &str = "rk_test_fake000000000000";
pub const REVOKED_KEY: &str = "sk_test_revoked000000000";

/// What a restricted key is given when it is made for Remit with the least that works.
pub const RESTRICTED_MAY: [&str; 6] = [
    "rak_checkout_session_write",
    "rak_payment_intent_read",
    "rak_charge_write",
    "rak_event_read",
    "rak_dispute_read",
    "rak_balance_transaction_source_read",
];

/// What all connections share.
pub struct Shared {
    world: Mutex<World>,
    client: reqwest::Client,
    senders: Arc<Semaphore>,
    /// Webhooks on their way, retries included.
    under_way: watch::Sender<usize>,
    deliveries: Mutex<Vec<Delivery>>,
}

impl Shared {
    /// The world, locked. A panic of another holder has failed its own test already.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world, then sends what came of it.
    pub fn change<T>(self: &Arc<Shared>, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        let told = change(&mut world);
        self.send_posts(&mut world);
        told
    }

    /// Sends what waits; answers the sendings, for whoever wants to see their end.
    fn send_posts(self: &Arc<Shared>, world: &mut World) -> Vec<JoinHandle<()>> {
        let sending = world.posts.drain(..).map(|post| {
            self.under_way.send_modify(|count| *count += 1);
            let (shared, senders) = (self.clone(), self.senders.clone());
            tokio::spawn(async move {
                webhooks::send(shared.clone(), senders, post).await;
                shared.under_way.send_modify(|count| *count -= 1);
            })
        });
        sending.collect()
    }

    fn delivered(&self, delivery: Delivery) {
        let mut all = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(delivery);
    }

    async fn all_delivered(&self) {
        let mut under_way = self.under_way.subscribe();
        // The sender lives as long as `self`.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }
}

/// How a fake begins.
pub struct Options {
    pub listen: SocketAddr,
    /// Stand still at this moment (UTC ms) until moved, instead of following the machine's clock.
    pub clock_at: Option<i64>,
    /// Chance begins here; `None`: anywhere.
    pub seed: Option<u64>,
    pub account: String,
    pub country: String,
    pub currency: String,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock_at: None,
            seed: None,
            account: "acct_1FakeClinic".into(),
            country: "GB".into(),
            currency: "gbp".into(),
        }
    }
}

/// A running fake. It answers until it is dropped.
pub struct FakeStripe {
    /// `http://127.0.0.1:1234`: what takes the place of Stripe's address, up to but without `/v1`.
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for FakeStripe {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeStripe {
    /// A fake on a free port of the loopback.
    ///
    /// # Errors
    /// No port, no randomness, or no HTTP client.
    pub async fn open() -> std::io::Result<FakeStripe> {
        FakeStripe::start(Options::default()).await
    }

    /// # Errors
    /// No port, no randomness, or no HTTP client.
    pub async fn start(options: Options) -> std::io::Result<FakeStripe> {
        let listener = TcpListener::bind(options.listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seed = match options.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(std::io::Error::other)?,
        };
        // The first caller's answer counts; all install the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(std::io::Error::other)?;
        let shared = Arc::new(Shared {
            world: Mutex::new(world(options, &url, seed)),
            client,
            senders: Arc::new(Semaphore::new(SENDERS)),
            under_way: watch::Sender::new(0),
            deliveries: Mutex::default(),
        });
        let serving = tokio::spawn(api::serve(shared.clone(), listener));
        Ok(FakeStripe {
            url,
            shared,
            serving,
        })
    }

    /// The world, locked: for what no verb below does. Do not hold it over an `await`.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// Changes the world and sends the webhooks of that.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.shared.change(change)
    }

    pub fn now_ms(&self) -> i64 {
        self.world().now_ms()
    }

    /// Moves the clock forward; sessions end by it.
    pub fn advance_clock(&self, ms: i64) {
        self.change(|world| {
            world.clock = match world.clock {
                Clock::Running(moved) => Clock::Running(moved + ms),
                Clock::Standing(at) => Clock::Standing(at + ms),
            };
            world.tick();
        });
    }

    pub fn set_faults(&self, faults: Faults) {
        self.world().faults = faults;
    }

    // ---------------------------------------------------------------- the payer and the lender

    /// # Errors
    /// [`Ended`]
    pub fn pay(&self, session: &str) -> Result<(), Ended> {
        self.change(|world| sessions::pay(world, session))
    }

    /// # Errors
    /// [`Ended`]
    pub fn pay_by_card(&self, session: &str, card: Card) -> Result<(), Ended> {
        self.change(|world| sessions::pay_by_card(world, session, card, "4242"))
    }

    /// # Errors
    /// [`Ended`]
    pub fn decline(&self, session: &str) -> Result<(), Ended> {
        self.pay_by_card(session, Card::Declined)
    }

    /// The lender says no at once: the session stays open.
    ///
    /// # Errors
    /// [`Ended`]
    pub fn refuse(&self, session: &str) -> Result<(), Ended> {
        self.change(|world| sessions::refuse(world, session, false))
    }

    /// # Errors
    /// [`Ended`]
    pub fn start_async(&self, session: &str) -> Result<(), Ended> {
        self.change(|world| sessions::start_async(world, session))
    }

    /// # Errors
    /// [`Ended`]
    pub fn settle_async(&self, session: &str, takes: bool) -> Result<(), Ended> {
        self.change(|world| sessions::settle_async(world, session, takes))
    }

    /// Every lender that was asked says yes, and every pending refund arrives.
    pub fn settle_everything(&self) {
        self.change(|world| {
            let waiting = world
                .payments
                .all()
                .iter()
                .filter(|payment| payment.status == "processing");
            let waiting: Vec<String> = waiting.map(|payment| payment.session.clone()).collect();
            for session in waiting {
                // It waits, by the line above.
                let _ = sessions::settle_async(world, &session, true);
            }
            money::settle_refunds(world);
        });
    }

    // ---------------------------------------------------------------- the dashboard and the banks

    /// `None`: no such payment, or not so much is left of it.
    pub fn refund_in_dashboard(&self, payment: &str, amount: i64) -> Option<String> {
        self.change(|world| money::refund_in_dashboard(world, payment, amount))
    }

    pub fn fail_refund_later(&self, refund: &str) -> bool {
        self.change(|world| money::fail_refund(world, refund))
    }

    /// Opens a dispute and takes the money. `None`: nothing was paid.
    pub fn open_dispute(&self, payment: &str, amount: i64) -> Option<String> {
        self.change(|world| money::open_dispute(world, payment, amount))
    }

    pub fn withdraw_funds(&self, dispute: &str) {
        self.change(|world| money::withdraw_funds(world, dispute));
    }

    pub fn reinstate(&self, dispute: &str) {
        self.change(|world| money::reinstate(world, dispute));
    }

    pub fn close_dispute(&self, dispute: &str, won: bool) {
        self.change(|world| money::close_dispute(world, dispute, won));
    }

    /// Pays everything out; answers the payouts.
    pub fn payout(&self) -> Vec<String> {
        self.change(|world| money::pay_out(world, false))
    }

    pub fn fail_payout(&self, payout: &str) {
        self.change(|world| money::fail_payout(world, payout));
    }

    // ---------------------------------------------------------------- keys and webhooks

    pub fn add_key(&self, key: Key) {
        self.world().keys.push(key);
    }

    /// Sends all events of test mode to an address; answers the secret.
    pub fn register_endpoint(&self, url: &str) -> String {
        let mut world = self.world();
        endpoints::register(
            &mut world,
            false,
            url,
            vec!["*".into()],
            world::Metadata::new(),
        )
        .1
    }

    /// Waits until no webhook is on its way, those that are tried again included.
    pub async fn webhooks_sent(&self) {
        self.shared.all_delivered().await;
    }

    /// What came of every sending so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let all = self
            .shared
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// How long the receiver took, at this share of the sendings that it took (0.99: all but the slowest hundredth).
    pub fn ack_at(&self, share: f64) -> Duration {
        let mut took: Vec<Duration> = self
            .deliveries()
            .into_iter()
            .filter(|delivery| !delivery.is_forged && (200..300).contains(&delivery.status))
            .map(|delivery| delivery.took)
            .collect();
        took.sort_unstable();
        let place = ((took.len() as f64) * share) as usize;
        took.get(place.min(took.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

fn world(options: Options, url: &str, seed: u64) -> World {
    let key = |secret: &str, livemode, may: Option<&[&str]>, revoked| Key {
        secret: secret.to_owned(),
        livemode,
        may: may.map(|may| may.iter().map(|one| (*one).to_owned()).collect()),
        revoked,
    };
    World {
        clock: options.clock_at.map_or(Clock::Running(0), Clock::Standing),
        account: options.account,
        country: options.country,
        currency: options.currency,
        name: "Fake Clinic".into(),
        methods: ["card", "klarna", "afterpay_clearpay"]
            .map(str::to_owned)
            .into(),
        charges_enabled: true,
        base: url.to_owned(),
        keys: vec![
            key(SECRET_KEY, false, None, false),
            key(LIVE_KEY, true, None, false),
            key(RESTRICTED_KEY, false, Some(&RESTRICTED_MAY), false),
            key(REVOKED_KEY, false, None, true),
        ],
        sessions: Default::default(),
        payments: Default::default(),
        charges: Default::default(),
        refunds: Default::default(),
        disputes: Default::default(),
        movements: Default::default(),
        payouts: Default::default(),
        events: Default::default(),
        endpoints: Default::default(),
        ends: Default::default(),
        answers: Default::default(),
        faults: Faults::default(),
        chance: Chance::new(seed),
        calls: Vec::new(),
        posts: Vec::new(),
    }
}
