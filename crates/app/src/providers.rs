//! Which payment provider a clinic uses, and the door to it.

mod connecting;
pub mod examine;
pub mod kinds;
pub mod settings;

use std::sync::{Arc, PoisonError};

use remit_core::UtcMs;
use remit_core::attempts::Attempt;
use remit_core::clinic::Clinic;
use remit_core::ids::{ClinicId, EndpointId};
use remit_core::methods::{Method, Terms};
use remit_gateways::breaker::{Breaker, Guarded};
use remit_gateways::mollie::{self, MollieConfig, MollieProvider};
use remit_gateways::payments::{Capabilities, PaymentProvider, ProviderEvent, Smallest};
use remit_gateways::sandbox::{SandboxConfig, SandboxProvider};
use remit_gateways::stripe::{self, StripeConfig, StripeProvider};
use remit_store::providers::{self, ProviderAccount};
use serde::{Deserialize, Serialize};

use crate::{App, Error, Result};
use examine::Known;

/// The sandbox's name among providers.
pub const SANDBOX: &str = "sandbox";
pub const STRIPE: &str = "stripe";
pub const MOLLIE: &str = "mollie";

/// As people read it: `Stripe`.
pub fn title(provider: &str) -> String {
    let mut letters = provider.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// What is sealed of an account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub secret_key: String,
    pub webhook_secrets: Vec<String>,
    /// The signing secret before this one, while both are taken.
    #[serde(default)]
    pub former: Option<Former>,
}

/// A signing secret on its way out.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Former {
    pub secret: String,
    /// Taken until then (UTC ms).
    pub until: UtcMs,
}

impl Secrets {
    /// The signing secrets that are taken now.
    fn taken(&self, now: UtcMs) -> Vec<String> {
        let former = self.former.iter().filter(|former| now < former.until);
        let former = former.map(|former| former.secret.clone());
        self.webhook_secrets.iter().cloned().chain(former).collect()
    }
}

/// An account with the door to it.
#[derive(Clone)]
pub struct Account {
    pub endpoint: EndpointId,
    pub clinic: ClinicId,
    pub provider: String,
    /// The name that attempts and ledger keep; never changes.
    pub account: String,
    /// The provider's own id of the account, once it is known.
    pub merchant: Option<String>,
    pub livemode: bool,
    pub capabilities: Capabilities,
    pub gateway: Arc<dyn PaymentProvider>,
    pub breaker: Arc<Breaker>,
    pub known: Known,
    /// Scheme, host and port of the provider's payment pages, once one was seen.
    pub page_origin: Option<String>,
    /// Where its API is; empty: in this installation.
    pub api_base: String,
    /// When an authentic webhook was noted last.
    pub webhook_at: Option<UtcMs>,
    /// Webhooks were refused since.
    pub has_refused: bool,
}

impl Account {
    /// Where the provider sends this account's events.
    pub fn webhook_url(&self, app: &App) -> String {
        webhook_url(app, &self.provider, self.endpoint)
    }

    /// Whether an authentic event belongs to another mode or account than this one (hazard A22).
    pub(crate) fn is_foreign(&self, event: &ProviderEvent) -> bool {
        let ours = event.account.is_empty()
            || event.account == self.account
            || self
                .merchant
                .as_ref()
                .is_none_or(|merchant| *merchant == event.account);
        event.livemode != self.livemode || !ours
    }

    /// The account as pages need to know it.
    pub(crate) fn taking(&self) -> Taking {
        Taking {
            endpoint: self.endpoint,
            provider: self.provider.clone(),
            livemode: self.livemode,
            country: self.known.country.clone(),
            capable: self.capabilities.methods.clone(),
            email_methods: self.capabilities.email_methods.clone(),
            smallest: self.capabilities.smallest,
            has: self.known.methods(),
            page_origin: self.page_origin.clone(),
            api_base: self.api_base.clone(),
        }
    }
}

/// The account that takes new payments, as pages need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taking {
    endpoint: EndpointId,
    pub provider: String,
    pub livemode: bool,
    /// ISO 3166, where the provider told it.
    pub country: Option<String>,
    pub capable: Vec<Method>,
    email_methods: Vec<Method>,
    smallest: Smallest,
    /// The account's own methods, where the provider told them.
    pub has: Option<Vec<Method>>,
    page_origin: Option<String>,
    api_base: String,
}

impl Taking {
    /// What stands behind the clinic's choice of methods. `tells_email`: the provider will be told the payer's address.
    pub fn terms<'a>(&'a self, clinic: &'a Clinic, tells_email: bool) -> Terms<'a> {
        Terms {
            country: self.country.as_deref().unwrap_or(&clinic.country),
            provider: &self.capable,
            needs_email: if tells_email {
                &[]
            } else {
                &self.email_methods
            },
            account: self.has.as_deref(),
            smallest: self.smallest.in_currency(clinic.currency),
        }
    }

    /// Whether a page with [`Taking::form_targets`] may be answered with a redirect to this address.
    pub fn may_redirect_to(&self, url: &str) -> bool {
        if self.provider == SANDBOX {
            return true;
        }
        let Some(origin) = remit_gateways::address::origin(url) else {
            return false;
        };
        self.form_targets()
            .iter()
            .any(|target| match target.as_str() {
                "https:" => origin.starts_with("https://"),
                local if local.ends_with(":*") => origin.starts_with(local.trim_end_matches('*')),
                known => known == origin,
            })
    }

    /// Where a payment form of ours may lead, as sources of a content security policy: browsers judge the redirect to
    /// the provider's page by the form's page (hazard B12). Until a page of the provider's was seen any secure one is
    /// allowed, since a clinic may pay at an address of its own.
    pub fn form_targets(&self) -> Vec<String> {
        if self.provider == SANDBOX {
            return vec![];
        }
        if let Some(origin) = &self.page_origin {
            return vec![origin.clone()];
        }
        let mut targets = vec!["https:".to_owned()];
        if self.api_base.starts_with("http://") {
            // A service on this machine, for tests and development.
            targets.extend([
                "http://127.0.0.1:*".to_owned(),
                "http://localhost:*".to_owned(),
            ]);
        }
        targets
    }
}

/// Whether the account's provider does not answer, as far as this node has seen: a call now would not be made.
pub(crate) fn rests(app: &App, taking: &Taking) -> bool {
    let kept = app.providers.read().unwrap_or_else(PoisonError::into_inner);
    let kept = kept.get(&taking.endpoint);
    kept.is_some_and(|kept| kept.guarded.breaker().rest_ms().is_some())
}

/// A door that is kept open, and what it was opened with.
pub(crate) struct Kept {
    version: i64,
    /// A signing secret runs out then.
    good_until: Option<UtcMs>,
    guarded: Arc<Guarded>,
}

/// The address that a provider sends an endpoint's events to. The sandbox lives in this very process and need not take
/// the way through the outside.
pub(crate) fn webhook_url(app: &App, provider: &str, endpoint: EndpointId) -> String {
    let base = if provider == SANDBOX {
        &app.config.self_url
    } else {
        &app.config.public_url
    };
    format!("{base}/hooks/{endpoint}")
}

/// Where an account's secrets are sealed for.
pub(crate) fn place(clinic: ClinicId) -> String {
    format!("{clinic} provider_account.secrets")
}

/// The account that takes new attempts.
///
/// # Errors
/// [`Error::NotSetUp`] without one; or the store's.
#[crate::boxed]
pub async fn enabled(app: &App, clinic: ClinicId) -> Result<Account> {
    let row = providers::enabled(&app.store, clinic).await?;
    open(app, row.ok_or(Error::NotSetUp("a payment provider"))?)
}

/// The account that an attempt was made with, whatever the clinic uses now.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn of_attempt(app: &App, clinic: ClinicId, attempt: &Attempt) -> Result<Account> {
    of_account(app, clinic, &attempt.provider, &attempt.account).await
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn of_account(
    app: &App,
    clinic: ClinicId,
    provider: &str,
    account: &str,
) -> Result<Account> {
    let row = providers::by_account(&app.store, clinic, provider, account).await?;
    open(app, row.ok_or(Error::NotFound)?)
}

/// The account behind a webhook route, and the moment of reading.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn by_endpoint(app: &App, endpoint: EndpointId) -> Result<(Account, UtcMs)> {
    let found = providers::by_endpoint(&app.store, endpoint).await?;
    let (row, now) = found.ok_or(Error::NotFound)?;
    Ok((open(app, row)?, now))
}

/// Every account of every clinic. One that cannot be opened (another master key, a provider that this release does not
/// know) is left out and logged: it must not stop the others.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn all(app: &App) -> Result<Vec<(ProviderAccount, Account)>> {
    let mut accounts = Vec::new();
    for row in providers::list(&app.store).await? {
        match open(app, row.clone()) {
            Ok(account) => accounts.push((row, account)),
            Err(error) => {
                tracing::warn!(endpoint.id = %row.id, "account {} left out: {error}", row.id);
            }
        }
    }
    Ok(accounts)
}

/// An account with its door. The row is read anew for every use, so its version tells whether what this node keeps still
/// fits: settings changed on another node need no notice to be obeyed.
///
/// # Errors
/// [`Error::Sealed`], [`Error::NotSetUp`] for a provider that this release does not know, [`Error::Setup`].
pub(crate) fn open(app: &App, row: ProviderAccount) -> Result<Account> {
    let now = app.store.wall_clock();
    let known = {
        let kept = app.providers.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&row.id)
            .filter(|kept| {
                kept.version == row.version && kept.good_until.is_none_or(|until| now < until)
            })
            .map(|kept| kept.guarded.clone())
    };
    let guarded = match known {
        Some(guarded) => guarded,
        None => {
            let secrets = secrets(app, &row)?;
            let guarded = Arc::new(Guarded::new(
                connect(app, &row, &secrets, now)?,
                row.id.to_string(),
            ));
            let former = secrets.former.map(|former| former.until);
            let kept = Kept {
                version: row.version,
                good_until: former.filter(|until| now < *until),
                guarded: guarded.clone(),
            };
            app.providers
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(row.id, kept);
            guarded
        }
    };
    Ok(Account {
        endpoint: row.id,
        clinic: row.clinic,
        known: Known::read(row.facts.as_deref()),
        provider: row.provider,
        account: row.account,
        merchant: row.merchant,
        livemode: row.livemode,
        capabilities: guarded.capabilities(),
        breaker: guarded.breaker(),
        gateway: guarded,
        page_origin: row.page_origin,
        api_base: row.api_base,
        webhook_at: row.webhook_at,
        has_refused: row.refused.is_some(),
    })
}

/// The one list of providers: a new one is one more arm, and one more row of [`kinds::KINDS`].
fn connect(
    app: &App,
    row: &ProviderAccount,
    secrets: &Secrets,
    now: UtcMs,
) -> Result<Arc<dyn PaymentProvider>> {
    let api_base = |default: String| {
        if row.api_base.is_empty() {
            default
        } else {
            row.api_base.clone()
        }
    };
    match row.provider.as_str() {
        SANDBOX => {
            let config = SandboxConfig {
                api_base: api_base(format!("{}/sandbox/v1", app.config.self_url)),
                secret_key: secrets.secret_key.clone(),
                webhook_secrets: secrets.taken(now),
                account: row.account.clone(),
                client: app.client.clone(),
            };
            let provider =
                SandboxProvider::new(config).map_err(|error| Error::Setup(error.to_string()))?;
            Ok(Arc::new(provider))
        }
        STRIPE => {
            let config = StripeConfig {
                api_base: api_base(stripe::DEFAULT_API_BASE.to_owned()),
                secret_key: secrets.secret_key.clone(),
                webhook_secrets: secrets.taken(now),
                account: row.merchant.clone().unwrap_or_else(|| row.account.clone()),
                client: app.client.clone(),
            };
            let provider =
                StripeProvider::new(config).map_err(|error| Error::Setup(error.to_string()))?;
            Ok(Arc::new(provider))
        }
        MOLLIE => {
            let config = MollieConfig {
                api_base: api_base(mollie::DEFAULT_API_BASE.to_owned()),
                api_key: secrets.secret_key.clone(),
                account: row.merchant.clone().unwrap_or_else(|| row.account.clone()),
                client: app.client.clone(),
            };
            let provider =
                MollieProvider::new(config).map_err(|error| Error::Setup(error.to_string()))?;
            Ok(Arc::new(provider))
        }
        _ => Err(Error::NotSetUp("this payment provider")),
    }
}

pub(crate) fn secrets(app: &App, row: &ProviderAccount) -> Result<Secrets> {
    let opened = app.keys.open(&place(row.clinic), &row.secrets_sealed)?;
    serde_json::from_slice(&opened).map_err(|_| Error::Sealed)
}

pub(crate) fn sealed(app: &App, clinic: ClinicId, secrets: &Secrets) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(secrets).map_err(|error| Error::Setup(error.to_string()))?;
    app.keys.seal(&place(clinic), &json)
}

/// Keeps where a provider's payment pages are, when they are elsewhere than they were.
pub(crate) async fn note_page(app: &App, account: &Account, url: &str) -> Result<()> {
    let Some(origin) = remit_gateways::address::origin(url) else {
        return Ok(());
    };
    if account.provider == SANDBOX || account.page_origin.as_deref() == Some(&origin) {
        return Ok(());
    }
    let mut tx = app.store.begin(account.clinic).await?;
    providers::note_origin(&mut tx, account.endpoint, &origin).await?;
    tx.commit().await?;
    crate::clinics::forget(app, account.clinic);
    Ok(())
}
