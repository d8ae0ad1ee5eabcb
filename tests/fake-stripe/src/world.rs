//! All that the fake remembers: one account with its keys, objects, books and events. Plain data under one lock; no I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::faults::{Chance, Faults};
use crate::idempotency::Answers;
use crate::objects;
use crate::webhooks::Post;

pub type Metadata = BTreeMap<String, String>;

/// What a list can hold.
pub trait Kept {
    fn id(&self) -> &str;
    /// Seconds.
    fn created(&self) -> i64;
    fn livemode(&self) -> bool;
    /// As the API answers it, nothing expanded.
    fn json(&self, world: &World) -> Value;
}

/// Objects in the order of their making, found by id.
pub struct Shelf<T> {
    all: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf {
            all: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Kept> Shelf<T> {
    pub fn put(&mut self, object: T) {
        self.places.insert(object.id().to_owned(), self.all.len());
        self.all.push(object);
    }

    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.place(id).and_then(|place| self.all.get(place))
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.place(id).and_then(|place| self.all.get_mut(place))
    }

    pub fn all(&self) -> &[T] {
        &self.all
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Complete,
    Expired,
}

/// A Checkout Session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub expires_at: i64,
    pub standing: Standing,
    pub paid: bool,
    pub url: String,
    /// `card`, `klarna`, `afterpay_clearpay`
    pub method: String,
    pub amount: i64,
    pub currency: String,
    pub product: String,
    pub reference: Option<String>,
    pub metadata: Metadata,
    pub payment_metadata: Metadata,
    pub description: Option<String>,
    pub statement_suffix: Option<String>,
    pub email: Option<String>,
    pub locale: Option<String>,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub payment: Option<String>,
}

/// A PaymentIntent.
#[derive(Clone, Debug)]
pub struct Payment {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub amount: i64,
    pub received: i64,
    pub currency: String,
    pub status: &'static str,
    pub method: String,
    pub metadata: Metadata,
    pub description: Option<String>,
    pub charge: Option<String>,
    /// Code, decline code, sentence.
    pub error: Option<(&'static str, Option<&'static str>, &'static str)>,
    pub session: String,
}

/// A Charge: one try to take money.
#[derive(Clone, Debug)]
pub struct Charge {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub payment: String,
    pub amount: i64,
    pub refunded: i64,
    pub currency: String,
    /// `succeeded`, `pending`, `failed`
    pub status: &'static str,
    pub method: String,
    pub last4: Option<String>,
    pub disputed: bool,
    pub movement: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Refund {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub payment: String,
    pub charge: String,
    pub amount: i64,
    pub currency: String,
    /// `pending`, `succeeded`, `failed`
    pub status: &'static str,
    pub failure: Option<&'static str>,
    pub reason: Option<String>,
    pub metadata: Metadata,
    pub movement: Option<String>,
    pub failure_movement: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Dispute {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub payment: String,
    pub charge: String,
    pub amount: i64,
    pub currency: String,
    /// `needs_response`, `under_review`, `won`, `lost`, `warning_needs_response`, `warning_closed`, ...
    pub status: &'static str,
    pub reason: &'static str,
    pub due_by: i64,
    pub movements: Vec<String>,
}

/// A BalanceTransaction.
#[derive(Clone, Debug)]
pub struct Movement {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub kind: &'static str,
    pub category: &'static str,
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub source: String,
}

#[derive(Clone, Debug)]
pub struct Payout {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub amount: i64,
    pub currency: String,
    /// `paid`, `failed`
    pub status: &'static str,
    pub movement: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub kind: &'static str,
    /// The object as it was then.
    pub object: Value,
}

#[derive(Clone, Debug)]
pub struct Endpoint {
    pub id: String,
    pub livemode: bool,
    pub created: i64,
    pub url: String,
    pub secret: String,
    pub kinds: Vec<String>,
    pub enabled: bool,
    pub metadata: Metadata,
}

/// What a key may do; `None`: everything.
#[derive(Clone, Debug)]
pub struct Key {
    pub secret: String,
    pub livemode: bool,
    /// Permissions such as `checkout_session_write`, for a restricted key.
    pub may: Option<Vec<String>>,
    pub revoked: bool,
}

/// A request that came in, for counting.
#[derive(Clone, Debug)]
pub struct Call {
    /// By this machine's clock (UTC ms).
    pub at: i64,
    /// `POST /v1/refunds`, ids left in.
    pub what: String,
    /// The fields as they came, form-encoded.
    pub form: String,
    /// The status that was sent, or 0 where the connection was cut.
    pub status: u16,
}

pub struct World {
    /// Added to the machine's clock, or the whole of a clock that stands still.
    pub clock: Clock,
    pub account: String,
    pub country: String,
    pub currency: String,
    pub name: String,
    /// Names of payment methods that the account may take.
    pub methods: BTreeSet<String>,
    pub charges_enabled: bool,
    /// Where the hosted pages are.
    pub base: String,
    pub keys: Vec<Key>,
    pub sessions: Shelf<Session>,
    pub payments: Shelf<Payment>,
    pub charges: Shelf<Charge>,
    pub refunds: Shelf<Refund>,
    pub disputes: Shelf<Dispute>,
    pub movements: Shelf<Movement>,
    pub payouts: Shelf<Payout>,
    pub events: Shelf<Event>,
    pub endpoints: Shelf<Endpoint>,
    /// Open sessions by their end.
    pub ends: BTreeSet<(i64, String)>,
    pub answers: Answers,
    pub faults: Faults,
    pub chance: Chance,
    pub calls: Vec<Call>,
    /// Webhooks to be sent; taken by whoever held the lock last.
    pub posts: Vec<Post>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's, moved by so many milliseconds.
    Running(i64),
    /// Stands still at a moment (UTC ms).
    Standing(i64),
}

/// The machine's clock (UTC ms).
pub fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

impl World {
    pub fn now_ms(&self) -> i64 {
        match self.clock {
            Clock::Running(moved) => machine_ms() + moved,
            Clock::Standing(at) => at,
        }
    }

    /// Seconds, as everything of Stripe's.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1_000)
    }

    /// A new id: the prefix, then 24 characters of chance.
    pub fn new_id(&mut self, prefix: &str) -> String {
        format!(
            "{prefix}_{:016x}{:08x}",
            self.chance.number(),
            self.chance.number() >> 32
        )
    }

    /// Lets happen what time brings: sessions end.
    pub fn tick(&mut self) {
        let now = self.now();
        while let Some((end, id)) = self.ends.first().cloned()
            && end <= now
        {
            self.ends.remove(&(end, id.clone()));
            self.expire(&id);
        }
    }

    /// Ends an open session without money. Answers whether it was open.
    pub fn expire(&mut self, id: &str) -> bool {
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        if session.standing != Standing::Open {
            return false;
        }
        session.standing = Standing::Expired;
        self.ends.remove(&(session.expires_at, id.to_owned()));
        let payment = session.payment.clone();
        if let Some(payment) = payment.and_then(|id| self.payments.get_mut(&id)) {
            payment.status = "canceled";
        }
        self.tell("checkout.session.expired", id);
        true
    }

    /// An object of any kind, as the API answers it.
    pub fn object(&self, id: &str) -> Option<Value> {
        objects::find(self, id)
    }

    /// Keeps an event about an object as it is now, and sends it to whoever wants it.
    pub fn tell(&mut self, kind: &'static str, about: &str) {
        let Some(object) = self.object(about) else {
            return;
        };
        // Refunds do not tell their mode.
        let livemode = match self.refunds.get(about) {
            Some(refund) => refund.livemode,
            None => object["livemode"].as_bool().unwrap_or_default(),
        };
        let event = self.keep_event(kind, livemode, object);
        let second = self.chance.is(self.faults.webhooks.second_id);
        let second = second.then(|| self.keep_event(kind, livemode, event.object.clone()));
        for event in std::iter::once(event).chain(second) {
            self.post(&event);
        }
    }

    fn keep_event(&mut self, kind: &'static str, livemode: bool, object: Value) -> Event {
        let event = Event {
            id: self.new_id("evt"),
            livemode,
            created: self.now(),
            kind,
            object,
        };
        self.events.put(event.clone());
        event
    }

    fn post(&mut self, event: &Event) {
        let wants = |endpoint: &&Endpoint| {
            endpoint.enabled
                && endpoint.livemode == event.livemode
                && endpoint
                    .kinds
                    .iter()
                    .any(|kind| kind == "*" || kind == event.kind)
        };
        let wanted: Vec<(String, String)> = self
            .endpoints
            .all()
            .iter()
            .filter(wants)
            .map(|endpoint| (endpoint.url.clone(), endpoint.secret.clone()))
            .collect();
        for (url, secret) in wanted {
            let posts = Post::plan(
                event.json(self),
                &url,
                &secret,
                &self.faults,
                &mut self.chance,
            );
            self.posts.extend(posts);
        }
    }

    /// A line in the books.
    pub fn moves(&mut self, line: Movement) -> String {
        let id = line.id.clone();
        self.movements.put(line);
        id
    }

    /// What is on the balance, by currency: the sum of every net.
    pub fn balance(&self, livemode: bool) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for line in self
            .movements
            .all()
            .iter()
            .filter(|line| line.livemode == livemode)
        {
            *sums.entry(line.currency.clone()).or_insert(0) += line.amount - line.fee;
        }
        sums
    }

    /// The account as `GET /v1/account` answers it.
    pub fn account_json(&self) -> Value {
        let capability = |method: &str| {
            let name = format!("{method}_payments");
            let state = if self.methods.contains(method) {
                "active"
            } else {
                "inactive"
            };
            (name, json!(state))
        };
        let capabilities: serde_json::Map<String, Value> = ["card", "klarna", "afterpay_clearpay"]
            .map(capability)
            .into_iter()
            .collect();
        json!({
            "id": self.account, "object": "account", "country": self.country,
            "default_currency": self.currency, "charges_enabled": self.charges_enabled,
            "payouts_enabled": true, "details_submitted": true, "type": "standard",
            "capabilities": capabilities,
            "business_profile": { "name": self.name, "mcc": null, "url": null },
            "settings": { "dashboard": { "display_name": self.name, "timezone": "Europe/London" },
                "payments": { "statement_descriptor": "FAKE CLINIC" } },
        })
    }
}
