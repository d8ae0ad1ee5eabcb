//! Settings -> Providers: an account connected, tested, rotated, switched on and off.

use remit_core::UtcMs;
use remit_core::clinic::Clinic;
use remit_core::ids::{ClinicId, EndpointId};
use remit_gateways::Answer;
use remit_store::providers::{self, ProviderAccount, RefusedWebhooks};

use super::connecting::{Wish, keep_test, note, save_once, switched};
use super::examine::{self, Known, Line};
use super::kinds::{self, KINDS, Kind};
use super::{SANDBOX, open, secrets, webhook_url};
use crate::{Actor, App, ClinicContext, Error, Result, again, clinics, inbox, sandbox};

/// What an owner wants of a provider; what is left out stays as it is.
#[derive(Clone, Default)]
pub struct Input {
    pub secret_key: Option<String>,
    pub webhook_secret: Option<String>,
    pub api_base: Option<String>,
    pub enabled: Option<bool>,
    /// Have the provider send its events here, by its API.
    pub register_webhook: bool,
}

/// A provider in the settings.
pub struct View {
    pub kind: &'static Kind,
    /// None: no account was ever connected.
    pub account: Option<Connected>,
    /// The sandbox stands behind it: the clinic is in test mode.
    pub has_sandbox: bool,
}

/// An account as the settings show it. Secrets are never part of it.
pub struct Connected {
    pub endpoint: EndpointId,
    pub enabled: bool,
    pub livemode: bool,
    /// The provider's own id; until it is known, the name that Remit gave.
    pub account: String,
    pub account_is_known: bool,
    pub api_base: String,
    pub webhook_url: String,
    /// The last four characters of the key.
    pub key_tail: String,
    pub has_webhook_secret: bool,
    /// The signing secret before is taken until then (UTC ms).
    pub former_until: Option<UtcMs>,
    pub known: Known,
    /// The last test of the connection, then what our own records say.
    pub lines: Vec<Line>,
    pub tested_at: Option<UtcMs>,
    pub webhook_at: Option<UtcMs>,
    pub refused: Option<RefusedWebhooks>,
    /// The provider gives no answer and is asked by single probes.
    pub is_resting: bool,
}

/// Every provider of the settings.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<View>> {
    inbox::write_refused(app).await?;
    let rows = providers::current(&app.store, clinic).await?;
    let context = clinics::context(app, clinic).await?;
    let view = |kind: &'static Kind| {
        let row = rows.iter().find(|row| row.provider == kind.name);
        Ok(View {
            kind,
            account: row
                .map(|row| connected(app, &context.clinic, kind, row))
                .transpose()?,
            has_sandbox: context.clinic.test_mode,
        })
    };
    KINDS.iter().map(view).collect()
}

/// One provider of the settings.
///
/// # Errors
/// [`Error::NotFound`] for one that this release does not know; or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, name: &str) -> Result<View> {
    let found = list(app, clinic).await?;
    let mut found = found.into_iter();
    found
        .find(|view| view.kind.name == name)
        .ok_or(Error::NotFound)
}

fn connected(app: &App, clinic: &Clinic, kind: &Kind, row: &ProviderAccount) -> Result<Connected> {
    let held = secrets(app, row)?;
    let account = open(app, row.clone())?;
    let now = app.store.wall_clock();
    let mut lines: Vec<Line> = row
        .test
        .as_deref()
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default();
    let failure = account.breaker.last_failure().map(|last| last.why);
    let has_secret = !held.webhook_secrets.is_empty();
    if row.provider != SANDBOX {
        let say = |at| clinics::in_zone(clinic, at, "%-d %B %H:%M");
        lines.extend(examine::own_lines(
            kind,
            row,
            has_secret,
            failure.as_deref(),
            say,
        ));
    }
    let former = held.former.as_ref().map(|former| former.until);
    Ok(Connected {
        endpoint: row.id,
        enabled: row.enabled,
        livemode: row.livemode,
        account: row.merchant.clone().unwrap_or_else(|| row.account.clone()),
        account_is_known: row.merchant.is_some() || row.provider == SANDBOX,
        api_base: if row.api_base.is_empty() {
            kind.api_base.to_owned()
        } else {
            row.api_base.clone()
        },
        webhook_url: webhook_url(app, &row.provider, row.id),
        key_tail: tail(&held.secret_key),
        has_webhook_secret: has_secret,
        former_until: former.filter(|until| now < *until),
        known: account.known,
        lines,
        tested_at: row.tested_at,
        webhook_at: row.webhook_at,
        refused: row.refused,
        is_resting: account.breaker.rest_ms().is_some(),
    })
}

/// The last four characters, which a person can compare with the provider's own page.
fn tail(key: &str) -> String {
    let skip = key.chars().count().saturating_sub(4);
    key.chars().skip(skip).collect()
}

/// Connects or changes a provider. A key is tried before anything is saved: one that the provider refuses changes
/// nothing; a provider that gives no answer keeps nobody from saving.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`] for an unknown provider; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, name: &str, input: &Input) -> Result<View> {
    let kind = kinds::kind(name).ok_or(Error::NotFound)?;
    if kind.name == SANDBOX {
        save_sandbox(app, actor, input).await?;
    } else {
        let wish = Wish::read(kind, input)?;
        again(|| save_once(app, actor, kind, &wish)).await?;
        if input.register_webhook {
            register(app, actor, kind).await?;
        }
    }
    clinics::forget(app, actor.clinic);
    get(app, actor.clinic, name).await
}

/// The sandbox has nothing to set but whether it takes payments, and serves only clinics in test mode (hazard D1).
async fn save_sandbox(app: &App, actor: &Actor, input: &Input) -> Result<()> {
    for (field, is_set) in [
        ("secret_key", input.secret_key.is_some()),
        ("webhook_secret", input.webhook_secret.is_some()),
        ("api_base", input.api_base.is_some()),
        ("register_webhook", input.register_webhook),
    ] {
        if is_set {
            return Err(Error::invalid(field, "The sandbox sets this by itself."));
        }
    }
    let context = clinics::context(app, actor.clinic).await?;
    if input.enabled == Some(true) && !context.clinic.test_mode {
        return Err(Error::invalid(
            "enabled",
            "This clinic takes real money, so it has no sandbox.",
        ));
    }
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let row = providers::current_in(&mut tx, SANDBOX).await?;
    match (input.enabled, row) {
        (None, _) => return Ok(()),
        (Some(true), Some(row)) => providers::enable(&mut tx, Some(row.id)).await?,
        (Some(true), None) => {
            drop(tx);
            return sandbox::open_account(app, actor.clinic).await;
        }
        (Some(false), Some(row)) if row.enabled => providers::enable(&mut tx, None).await?,
        (Some(false), _) => return Ok(()),
    }
    note(&mut tx, actor, switched(input.enabled), SANDBOX, now).await?;
    Ok(tx.commit().await?)
}

pub(super) fn switched_on(context: &ClinicContext) -> Vec<remit_core::methods::Method> {
    let on = context.methods.iter().filter(|setting| setting.enabled);
    on.map(|setting| setting.method).collect()
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Setup(error.to_string()))
}

/// Tests the connection and keeps what came of it.
///
/// # Errors
/// [`Error::NotSetUp`] without an account; [`Error::NotFound`] for an unknown provider; or the store's.
#[crate::boxed]
pub async fn test(app: &App, clinic: ClinicId, name: &str) -> Result<View> {
    let kind = kinds::kind(name).ok_or(Error::NotFound)?;
    let row = row_of(app, clinic, kind).await?;
    let now = app.now().await?;
    let account = open(app, row.clone())?;
    let answer = account
        .gateway
        .inspect(&account.webhook_url(app), now)
        .await;
    let context = clinics::context(app, clinic).await?;
    let mut tx = app.store.begin(clinic).await?;
    let now = tx.now().await?;
    keep_test(app, &mut tx, &row, &answer, kind, &context, now).await?;
    tx.commit().await?;
    clinics::forget(app, clinic);
    get(app, clinic, name).await
}

async fn row_of(app: &App, clinic: ClinicId, kind: &Kind) -> Result<ProviderAccount> {
    let rows = providers::of_provider(&app.store, clinic, kind.name).await?;
    rows.into_iter()
        .next()
        .ok_or(Error::NotSetUp("this payment provider"))
}

/// Has the provider send its events here, and keeps the secret that it will sign them with.
///
/// # Errors
/// [`Error::ProviderRefused`], [`Error::ProviderUnreachable`], [`Error::NotSetUp`]; or the store's.
#[crate::boxed]
pub async fn register(app: &App, actor: &Actor, kind: &'static Kind) -> Result<()> {
    let row = row_of(app, actor.clinic, kind).await?;
    let account = open(app, row)?;
    let secret = match account
        .gateway
        .register_webhook(&account.webhook_url(app))
        .await
    {
        Answer::Done(secret) => secret,
        Answer::Refused(refusal) => return Err(Error::ProviderRefused(refusal.message)),
        Answer::Unknown(unknown) => return Err(unknown.into()),
    };
    let wish = Wish {
        key: None,
        signing: Some(secret),
        api_base: None,
        enabled: None,
    };
    again(|| save_once(app, actor, kind, &wish)).await?;
    test(app, actor.clinic, kind.name).await.map(drop)
}

/// The lines of one account for `remit doctor`, which writes nothing.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn examine(app: &App, clinic: &Clinic, name: &str) -> Result<Vec<Line>> {
    let kind = kinds::kind(name).ok_or(Error::NotFound)?;
    let row = row_of(app, clinic.id, kind).await?;
    let held = secrets(app, &row)?;
    let account = open(app, row.clone())?;
    let now = app.now().await?;
    let address = account.webhook_url(app);
    let answer = account.gateway.inspect(&address, now).await;
    let context = clinics::context(app, clinic.id).await?;
    let enabled = switched_on(&context);
    let mut lines = examine::lines(kind, &row, clinic, &enabled, &address, &answer);
    let say = |at| clinics::in_zone(clinic, at, "%-d %B %H:%M");
    let has_secret = !held.webhook_secrets.is_empty();
    lines.extend(examine::own_lines(kind, &row, has_secret, None, say));
    Ok(lines)
}
