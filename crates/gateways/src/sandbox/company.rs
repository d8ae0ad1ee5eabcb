//! The sandbox's payment company: an API, a hosted payment page, signed webhooks. Small, but correct under double
//! submissions, crashes and several nodes, since the product is tested against it.
//!
//! One record is one session with its payment and refunds; it changes by compare-and-swap only. Events and webhooks
//! follow from the notices written in the same swap, so a crash before they are written is repaired by
//! [`Company::deliver_webhooks`].

mod api;
mod cards;
mod checks;
mod deliveries;
mod desk;
mod disputes;
mod movements;
mod pages;
mod sessions;
mod vault;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

pub use vault::{Record, Vault};

/// UTC milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The largest request body: a form or a few fields of JSON.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the company needs from the floor above.
#[derive(Clone)]
pub struct CompanyConfig {
    /// Where [`router`] is reached from outside, without a slash at the end: `https://host/sandbox`.
    pub public_url: String,
    pub vault: Arc<dyn Vault>,
    pub clock: Clock,
    /// Delivers the webhooks; from [`crate::http::client`].
    pub client: reqwest::Client,
}

/// A customer of the company: one clinic in test mode. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Registration {
    /// `sbx_acct_` and up to 64 of `A-Za-z0-9_-`.
    pub account: String,
    pub secret_key: String,
    pub webhook_url: String,
    pub webhook_secret: String,
}

/// A registered customer, as stored. The key only as a digest; the webhook secret is needed to sign.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    key_sha256: String,
    webhook_url: String,
    webhook_secret: String,
}

/// The company. Cheap to clone.
#[derive(Clone)]
pub struct Company(Arc<Inner>);

struct Inner {
    config: CompanyConfig,
    /// Wakes the background work at once, so that a webhook leaves within milliseconds of the payment.
    wake: Notify,
}

impl Company {
    pub fn new(mut config: CompanyConfig) -> Company {
        config
            .public_url
            .truncate(config.public_url.trim_end_matches('/').len());
        Company(Arc::new(Inner {
            config,
            wake: Notify::new(),
        }))
    }

    /// Takes on a customer, or takes over what changed about one; safe to repeat at every start.
    ///
    /// # Errors
    /// A sentence for the log: the vault could not be reached, or a field is empty or out of form.
    pub async fn register(&self, registration: Registration) -> Result<(), String> {
        let Registration {
            account,
            secret_key,
            webhook_url,
            webhook_secret,
        } = registration;
        let named = account
            .strip_prefix("sbx_acct_")
            .is_some_and(checks::is_reference);
        if !named || secret_key.is_empty() || webhook_secret.is_empty() {
            return Err("a sandbox account needs a name, a key and a webhook secret".into());
        }
        let key_sha256 = digest(&secret_key);
        let held = Account {
            key_sha256: key_sha256.clone(),
            webhook_url,
            webhook_secret,
        };
        // The account first: a key that leads to an account without it opens nothing.
        self.hold(desk::ACCOUNT, &account, &held).await?;
        self.hold(desk::KEY, &key_sha256, &account).await
    }

    fn now(&self) -> i64 {
        (self.0.config.clock)()
    }

    fn vault(&self) -> &dyn Vault {
        &*self.0.config.vault
    }

    fn public_url(&self) -> &str {
        &self.0.config.public_url
    }
}

/// The company's routes: `/v1/...`, `/pay/{session_id}`, `/sandbox.css`. Mount with `nest` where `public_url` says.
/// They set their own security headers; nothing above may replace the `content-security-policy` of the pages, whose
/// `form-action` names the shop that the payer returns to (hazard B12).
pub fn router(company: Company) -> Router {
    Router::new()
        .nest("/v1", api::routes())
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(company)
}

fn digest(text: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(text))
}
