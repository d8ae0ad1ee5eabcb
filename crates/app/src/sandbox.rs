//! The sandbox: accounts of its payment company for clinics in test mode, and the company's books in our database.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::ids::{ClinicId, EndpointId};
use remit_gateways::http::Client;
use remit_gateways::sandbox::company::{Company, CompanyConfig, Record, Registration, Vault};
use remit_store::Store;
use remit_store::providers::{self, ProviderAccount};
use remit_store::sandbox::{self as rows, Document};

use crate::keys::Keys;
use crate::providers::{SANDBOX, Secrets, sealed, secrets, webhook_url};
use crate::{App, Config, Error, Result, keys};

/// The company over this installation's database.
pub(crate) fn company(store: &Store, config: &Config, client: Client, keys: Arc<Keys>) -> Company {
    let clock_store = store.clone();
    Company::new(CompanyConfig {
        public_url: format!("{}/sandbox", config.public_url),
        vault: Arc::new(Books {
            store: store.clone(),
            keys,
        }),
        clock: Arc::new(move || clock_store.wall_clock()),
        client,
    })
}

struct Books {
    store: Store,
    keys: Arc<Keys>,
}

/// Documents that hold a secret: a customer's webhook secret.
const SECRET_KIND: &str = "account";
const PLACE: &str = "sandbox_object.body";

fn record(document: Document) -> Record {
    Record {
        id: document.id,
        version: document.version,
        body: document.body,
        due_at: document.due_at,
    }
}

impl Books {
    fn opened(&self, kind: &str, mut record: Record) -> std::result::Result<Record, String> {
        if kind == SECRET_KIND {
            record.body = self
                .keys
                .open_text(PLACE, &record.body)
                .map_err(|error| error.to_string())?;
        }
        Ok(record)
    }
}

fn told(error: remit_store::StoreError) -> String {
    error.to_string()
}

#[async_trait]
impl Vault for Books {
    async fn get(&self, kind: &str, id: &str) -> std::result::Result<Option<Record>, String> {
        rows::get(&self.store, kind, id)
            .await
            .map(|found| found.map(record))
            .map_err(told)
            .and_then(|found| found.map(|record| self.opened(kind, record)).transpose())
    }

    async fn put(
        &self,
        kind: &str,
        id: &str,
        expected_version: i64,
        body: String,
        due_at: Option<i64>,
    ) -> std::result::Result<bool, String> {
        let body = match kind {
            SECRET_KIND => self
                .keys
                .seal_text(PLACE, &body)
                .map_err(|error| error.to_string())?,
            _ => body,
        };
        let mut tx = self.store.begin_installation().await.map_err(told)?;
        let put = rows::put(&mut tx, kind, id, expected_version, &body, due_at)
            .await
            .map_err(told)?;
        tx.commit().await.map_err(told)?;
        Ok(put)
    }

    async fn list(
        &self,
        kind: &str,
        after_id: &str,
        limit: i64,
    ) -> std::result::Result<Vec<Record>, String> {
        rows::list(&self.store, kind, after_id, limit)
            .await
            .map(|found| found.into_iter().map(record).collect())
            .map_err(told)
    }

    async fn due(
        &self,
        kind: &str,
        now: i64,
        limit: i64,
    ) -> std::result::Result<Vec<Record>, String> {
        rows::due(&self.store, kind, now, limit)
            .await
            .map(|found| found.into_iter().map(record).collect())
            .map_err(told)
    }
}

/// Opens an account of the sandbox for a clinic in test mode and makes it the one that takes new attempts.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn open_account(app: &App, clinic: ClinicId) -> Result<()> {
    let now = app.now().await?;
    let id: EndpointId = app.fresh(now)?;
    let held = Secrets {
        secret_key: format!("sbx_sk_{}", keys::random_hex(24)?),
        webhook_secrets: vec![format!("sbx_whsec_{}", keys::random_hex(24)?)],
        former: None,
    };
    let row = ProviderAccount {
        account: format!("sbx_acct_{}", id.0.simple()),
        secrets_sealed: sealed(app, clinic, &held)?,
        enabled: true,
        ..ProviderAccount::fresh(clinic, id, SANDBOX, now)
    };
    let mut tx = app.store.begin(clinic).await?;
    providers::insert(&mut tx, &row).await?;
    tx.commit().await?;
    register(app, &row).await
}

/// Makes the company know every sandbox account and where its webhooks go: at each start, since the address of this
/// installation may have changed.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn register_accounts(app: &App) -> Result<()> {
    for row in providers::list(&app.store).await? {
        if row.provider == SANDBOX && row.api_base.is_empty() {
            register(app, &row).await?;
        }
    }
    Ok(())
}

async fn register(app: &App, row: &ProviderAccount) -> Result<()> {
    let Some(company) = app.company() else {
        return Ok(());
    };
    let held = secrets(app, row)?;
    let registration = Registration {
        account: row.account.clone(),
        secret_key: held.secret_key,
        webhook_url: webhook_url(app, SANDBOX, row.id),
        webhook_secret: held.webhook_secrets.first().cloned().unwrap_or_default(),
    };
    company.register(registration).await.map_err(Error::Setup)
}

/// The company's own pages and API, to be mounted at `/sandbox`.
pub fn routes(company: Company) -> axum::Router {
    remit_gateways::sandbox::company::router(company)
}

impl App {
    /// Presses a button on a page of the sandbox, as a patient would: for the demo's diary.
    ///
    /// # Errors
    /// The page could not be reached or did not take the form.
    #[crate::boxed]
    pub async fn press_in_sandbox(&self, page: &str, form: &[(&str, &str)]) -> Result<()> {
        // The page's public address may not be reachable from here; this process is.
        let path = page
            .strip_prefix(self.config.public_url.as_str())
            .unwrap_or(page);
        let url = format!("{}{path}", self.config.self_url);
        let sent = self
            .client
            .post(url)
            .form(form)
            .send()
            .await
            .map_err(|error| Error::Setup(error.to_string()))?;
        if sent.status().is_success() || sent.status().is_redirection() {
            return Ok(());
        }
        Err(Error::Setup(format!(
            "the sandbox's page answered {}",
            sent.status()
        )))
    }
}
