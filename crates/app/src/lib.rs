//! The verbs of Remit: issue, deliver, visit, pay, settle, expire, refund, reconcile; and the background work.
//!
//! A verb loads what a rule looks at, asks the rule, saves what it decided and queues the effects, in one
//! transaction. What leaves the house leaves through the outbox and comes back as a command. No call outside is made
//! while a transaction is open.

pub mod accounts;
pub mod actor;
pub mod api_keys;
pub mod appointments;
pub mod attempts;
pub mod audit;
pub mod branding;
pub mod clinics;
pub mod deliveries;
pub mod digests;
pub mod disputes;
pub mod error;
pub mod expire;
pub mod exports;
pub mod find;
pub mod findings;
pub mod follow_up;
pub mod idempotency;
pub mod inbox;
pub mod keys;
pub mod links;
pub mod messaging;
pub mod methods;
pub mod movements;
mod notes;
pub mod notifications;
pub mod outbox;
pub mod patients;
pub mod pauses;
pub mod payments;
pub mod practitioners;
pub mod providers;
pub mod qr;
mod queue;
pub mod receipts;
pub mod reconcile;
pub mod refunds;
pub mod reminders;
pub mod reports;
pub mod sandbox;
mod sending;
pub mod sending_limits;
pub mod services;
pub mod settle;
pub mod sign_in;
pub mod staff;
pub mod templates;
pub mod throttle;
pub mod tray;
pub mod visits;
pub mod worker;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

/// A verb's future is boxed, so that it is compiled once, here, and not again in each crate that awaits it: the doors
/// would take twice as long to build.
pub(crate) use async_recursion::async_recursion as boxed;
use remit_core::UtcMs;
use remit_core::clinic::Clinic;
use remit_core::ids::{ClinicId, EndpointId};
use remit_core::languages::Language;
use remit_core::methods::MethodSetting;
use remit_core::payments::DeskMethod;
pub use remit_gateways::roots::{Roots, RootsError};
pub use remit_store::Store;
use tokio::sync::Semaphore;

pub use actor::Actor;
pub use error::{Error, Result};

/// Safe copies of the database, for the command line.
pub use remit_store::backup;

/// Rows as pages and API show them. The doors may read these types; only this floor reads the rows.
pub mod views {
    pub use remit_store::api_keys::ApiKeyView;
    pub use remit_store::appointments::AppointmentView;
    pub use remit_store::attempts::Try;
    pub use remit_store::audit::Line as AuditLine;
    pub use remit_store::branding::Branding;
    pub use remit_store::credits::CreditView;
    pub use remit_store::deliveries::DeliveryView;
    pub use remit_store::disputes::DisputeView;
    pub use remit_store::events::EventView;
    pub use remit_store::findings::FindingView;
    pub use remit_store::follow_up::Mark;
    pub use remit_store::links::{Cursor, Filter, LinkView, Tallies, Tally};
    pub use remit_store::outbox::StuckView;
    pub use remit_store::patients::{NoteView, Patient};
    pub use remit_store::payments::PaymentView;
    pub use remit_store::practitioners::Absence;
    pub use remit_store::receipts::ReceiptView;
    pub use remit_store::refunds::RefundView;
    pub use remit_store::reports::OnlinePayment;
    pub use remit_store::services::{Practitioner, Service};
    pub use remit_store::staff::{SessionView, StaffView};
    pub use remit_store::templates::TemplateVersion;
    pub use remit_store::tray::TrayMessage;
    pub use remit_store::{Notice, StoreError};
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where patients and staff reach this installation, without a slash at the end. Links are built from this only,
    /// never from a request's Host (hazard D5).
    pub public_url: String,
    /// Where this very process is reached on its own machine: how it talks to the sandbox company.
    pub self_url: String,
    /// Messages that the whole installation sends in a day at most (hazard D13).
    pub messages_a_day: i64,
    /// Whom connections to the outside trust.
    pub roots: Roots,
    /// A demo: the message tray is open to everybody on this machine.
    pub demo: bool,
    /// The demo's address and password, shown on its sign-in page.
    pub demo_sign_in: Option<(String, String)>,
}

/// A clinic with its payment methods and the account that takes payments, kept in memory until it changes.
pub struct ClinicContext {
    pub clinic: Clinic,
    pub methods: Vec<MethodSetting>,
    /// The ways in which the desk takes money.
    pub at_desk: Vec<DeskMethod>,
    /// The clinic's phone as it is dialled; worked out once, since every patient page has it.
    pub dialled: Option<String>,
    pub refund_limits: remit_core::refunds::Limits,
    /// Payment providers are told the payer's email address, where it is known (hazard E2).
    pub shares_email: bool,
    pub sending_limits: remit_core::sending_limits::SendingLimits,
    pub reminders: remit_core::reminders::ReminderSettings,
    /// How it looks to its patients.
    pub branding: views::Branding,
    /// How its receipts look and leave.
    pub receipts: remit_core::receipts::ReceiptSettings,
    /// The account that takes new payments; none: patients cannot pay online.
    pub taking: Option<providers::Taking>,
    read_at: std::time::Instant,
}

impl ClinicContext {
    /// Whether pages and emails say *Test mode: no money moves*: the account that takes payments moves none.
    pub fn is_test(&self) -> bool {
        let taking = self.taking.as_ref();
        taking.map_or(self.clinic.test_mode, |taking| !taking.livemode)
    }

    /// What an email says first while no money moves.
    pub(crate) fn test_mark(&self, language: &Language) -> Option<String> {
        self.is_test()
            .then(|| format!("{}.", language.page.test_mode))
    }
}

/// The application. One per process, shared by every door and every background task.
pub struct App {
    pub store: Store,
    pub config: Config,
    pub keys: Arc<keys::Keys>,
    client: remit_gateways::http::Client,
    company: Option<remit_gateways::sandbox::company::Company>,
    contexts: RwLock<HashMap<ClinicId, Arc<ClinicContext>>>,
    /// Rises with every clinic that is forgotten: what was read before is not remembered after.
    forgotten: AtomicU64,
    routes: RwLock<HashMap<String, ClinicId>>,
    providers: RwLock<HashMap<EndpointId, providers::Kept>>,
    carriers: RwLock<HashMap<EndpointId, messaging::Kept>>,
    refused: inbox::RefusedHere,
    /// An argon2 hash takes 19 MiB, so only two run at once.
    hashing: Arc<Semaphore>,
    fetched: visits::Fetched,
    /// Names this process in leases.
    pub node: String,
}

impl App {
    /// Ties the floors together. The schema must be current.
    ///
    /// # Errors
    /// The HTTP client could not be built.
    pub fn new(store: Store, config: Config, keys: keys::Keys) -> Result<Arc<App>> {
        let client = remit_gateways::http::client(&config.roots)
            .map_err(|error| Error::Setup(error.to_string()))?;
        let keys = Arc::new(keys);
        let company = sandbox::company(&store, &config, client.clone(), keys.clone());
        Ok(Arc::new(App {
            node: keys::random_hex(8)?,
            store,
            config,
            keys,
            client,
            company: Some(company),
            contexts: RwLock::default(),
            forgotten: AtomicU64::new(0),
            routes: RwLock::default(),
            providers: RwLock::default(),
            carriers: RwLock::default(),
            refused: inbox::RefusedHere::default(),
            hashing: Arc::new(Semaphore::new(2)),
            fetched: visits::Fetched::default(),
        }))
    }

    /// The sandbox's payment company, to be mounted at `/sandbox`.
    pub fn company(&self) -> Option<remit_gateways::sandbox::company::Company> {
        self.company.clone()
    }

    /// A fresh id of any kind.
    ///
    /// # Errors
    /// The operating system gave no random bits.
    pub fn fresh<T: From<uuid::Uuid>>(&self, now: UtcMs) -> Result<T> {
        Ok(T::from(remit_store::fresh::uuid(now)?))
    }

    /// What changes, for live pages.
    pub fn notices(&self) -> tokio::sync::broadcast::Receiver<remit_store::Notice> {
        self.store.notices()
    }

    /// The database's clock.
    ///
    /// # Errors
    /// The database cannot be reached.
    #[crate::boxed]
    pub async fn now(&self) -> Result<UtcMs> {
        Ok(self.store.now().await?)
    }
}

/// Runs a verb again when another writer was first. Bounded: five tries, then the caller hears "busy".
pub(crate) async fn again<T, F>(mut verb: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    const TRIES: u32 = 5;
    let mut tries = 1;
    loop {
        match verb().await {
            Err(Error::Store(error)) if tries < TRIES && is_race(&error) => tries += 1,
            done => return done,
        }
    }
}

fn is_race(error: &remit_store::StoreError) -> bool {
    use remit_store::StoreError as E;
    matches!(error, E::Retry | E::Unique(_) | E::Refused(_))
}

/// Opens a database: `sqlite://path` or `postgres://...`.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn open(url: &str) -> Result<Store> {
    Ok(Store::open(url).await?)
}
