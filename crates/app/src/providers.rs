//! Which payment provider a clinic uses, and the door to it.

use std::sync::{Arc, PoisonError};

use remit_core::UtcMs;
use remit_core::attempts::Attempt;
use remit_core::ids::{ClinicId, EndpointId};
use remit_gateways::mollie::{self, MollieConfig, MollieProvider};
use remit_gateways::payments::{Capabilities, PaymentProvider};
use remit_gateways::sandbox::{SandboxConfig, SandboxProvider};
use remit_gateways::stripe::{self, StripeConfig, StripeProvider};
use remit_store::providers::{self, ProviderAccount};
use serde::{Deserialize, Serialize};

use crate::{App, Error, Result};

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
#[derive(Serialize, Deserialize)]
pub(crate) struct Secrets {
    pub secret_key: String,
    /// Two while one replaces the other.
    pub webhook_secrets: Vec<String>,
}

/// An account with the door to it.
#[derive(Clone)]
pub struct Account {
    pub endpoint: EndpointId,
    pub clinic: ClinicId,
    pub provider: String,
    pub account: String,
    pub livemode: bool,
    pub capabilities: Capabilities,
    pub gateway: Arc<dyn PaymentProvider>,
}

impl Account {
    /// Where the provider sends this account's events.
    pub fn webhook_url(&self, app: &App) -> String {
        webhook_url(app, &self.provider, self.endpoint)
    }
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
pub async fn enabled(app: &App, clinic: ClinicId) -> Result<Account> {
    let row = providers::enabled(&app.store, clinic).await?;
    open(app, row.ok_or(Error::NotSetUp("a payment provider"))?)
}

/// The account that an attempt was made with, whatever the clinic uses now.
///
/// # Errors
/// [`Error::NotFound`], or the store's.
pub async fn of_attempt(app: &App, clinic: ClinicId, attempt: &Attempt) -> Result<Account> {
    of_account(app, clinic, &attempt.provider, &attempt.account).await
}

/// # Errors
/// [`Error::NotFound`], or the store's.
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
pub async fn by_endpoint(app: &App, endpoint: EndpointId) -> Result<(Account, UtcMs)> {
    let found = providers::by_endpoint(&app.store, endpoint).await?;
    let (row, now) = found.ok_or(Error::NotFound)?;
    Ok((open(app, row)?, now))
}

/// Every account of every clinic.
///
/// # Errors
/// The store's.
pub async fn all(app: &App) -> Result<Vec<(ProviderAccount, Account)>> {
    let mut accounts = Vec::new();
    for row in providers::list(&app.store).await? {
        accounts.push((row.clone(), open(app, row)?));
    }
    Ok(accounts)
}

/// An account with its door.
///
/// # Errors
/// [`Error::Sealed`], [`Error::NotSetUp`] for a provider that this release does not know, [`Error::Setup`].
pub(crate) fn open(app: &App, row: ProviderAccount) -> Result<Account> {
    let known = app
        .providers
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&row.id)
        .cloned();
    let gateway = match known {
        Some(gateway) => gateway,
        None => {
            let gateway = connect(app, &row)?;
            app.providers
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(row.id, gateway.clone());
            gateway
        }
    };
    Ok(Account {
        endpoint: row.id,
        clinic: row.clinic,
        provider: row.provider,
        account: row.account,
        livemode: row.livemode,
        capabilities: gateway.capabilities(),
        gateway,
    })
}

/// The one list of providers: a new one is one more arm.
fn connect(app: &App, row: &ProviderAccount) -> Result<Arc<dyn PaymentProvider>> {
    let secrets = secrets(app, row)?;
    match row.provider.as_str() {
        SANDBOX => {
            let api_base = if row.api_base.is_empty() {
                format!("{}/sandbox/v1", app.config.self_url)
            } else {
                row.api_base.clone()
            };
            let config = SandboxConfig {
                api_base,
                secret_key: secrets.secret_key,
                webhook_secrets: secrets.webhook_secrets,
                account: row.account.clone(),
                client: app.client.clone(),
            };
            let provider =
                SandboxProvider::new(config).map_err(|error| Error::Setup(error.to_string()))?;
            Ok(Arc::new(provider))
        }
        STRIPE => {
            let api_base = if row.api_base.is_empty() {
                stripe::DEFAULT_API_BASE.to_owned()
            } else {
                row.api_base.clone()
            };
            let config = StripeConfig {
                api_base,
                secret_key: secrets.secret_key,
                webhook_secrets: secrets.webhook_secrets,
                account: row.account.clone(),
                client: app.client.clone(),
            };
            let provider =
                StripeProvider::new(config).map_err(|error| Error::Setup(error.to_string()))?;
            Ok(Arc::new(provider))
        }
        MOLLIE => {
            let api_base = if row.api_base.is_empty() {
                mollie::DEFAULT_API_BASE.to_owned()
            } else {
                row.api_base.clone()
            };
            let config = MollieConfig {
                api_base,
                api_key: secrets.secret_key,
                account: row.account.clone(),
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
