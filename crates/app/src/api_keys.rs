//! API keys: made, listed, used, revoked. A secret is shown once; its SHA-256 and its last characters are kept.

use remit_core::MINUTE_MS;
use remit_core::contact::Name;
use remit_core::ids::{ApiKeyId, ClinicId};
use remit_core::roles::Role;
use remit_core::staff as rules;
use remit_store::api_keys::{self, ApiKeyView, Caller, NewKey};
use remit_store::audit;

use crate::actor::Who;
use crate::error::in_field;
use crate::sign_in::digest;
use crate::{Actor, App, Error, Result, keys};

/// How often "last used" is written: not with every call.
const USED_EVERY_MS: i64 = 5 * MINUTE_MS;
const TAIL_CHARS: usize = 4;

/// Every key of the clinic, the newest first, revoked ones too.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<ApiKeyView>> {
    Ok(api_keys::list(&app.store, clinic).await?)
}

/// Makes an API key; its secret is shown this once.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn create(app: &App, actor: &Actor, name: &str, role: Role) -> Result<String> {
    rules::grant(actor.role, role).map_err(|refused| Error::invalid("role", refused))?;
    let name = Name::parse(name).map_err(in_field("name"))?.into_string();
    let secret = format!("rk_{}{}", keys::random_secret()?, keys::random_secret()?);
    keep(app, actor, &name, role, &secret).await?;
    Ok(secret)
}

/// Keeps the hash of a key whose secret is already known.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn keep(app: &App, actor: &Actor, name: &str, role: Role, secret: &str) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let id: ApiKeyId = app.fresh(now)?;
    let tail_at = secret.char_indices().nth_back(TAIL_CHARS - 1);
    let key = NewKey {
        id,
        hash: &digest(secret),
        name,
        role,
        tail: tail_at.map_or("", |(at, _)| &secret[at..]),
        created_by: &actor.label,
    };
    api_keys::add(&mut tx, &key, now).await?;
    audit::append(&mut tx, &actor.label, "api_key.added", &id.to_string(), now).await?;
    Ok(tx.commit().await?)
}

/// Ends a key for good; the calls that it makes are refused from now on.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] when its role is above the person's own; or the store's.
#[crate::boxed]
pub async fn revoke(app: &App, actor: &Actor, id: ApiKeyId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let role = api_keys::role_in(&mut tx, id).await?;
    let role = role.ok_or(Error::NotFound)?;
    rules::grant(actor.role, role).map_err(|refused| Error::invalid("role", refused))?;
    let now = tx.now().await?;
    // Revoked before: a second press, and nothing to write down.
    if api_keys::revoke(&mut tx, id, &actor.label, now).await? {
        let what = id.to_string();
        audit::append(&mut tx, &actor.label, "api_key.revoked", &what, now).await?;
    }
    Ok(tx.commit().await?)
}

/// The program behind a key's secret.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn caller(app: &App, secret: &str) -> Result<Option<Actor>> {
    if !secret.starts_with("rk_") || secret.len() > 100 {
        return Ok(None);
    }
    let Some(key) = api_keys::caller(&app.store, &digest(secret)).await? else {
        return Ok(None);
    };
    if key
        .last_used_at
        .is_none_or(|used| key.now - used >= USED_EVERY_MS)
        && let Err(error) = note_used(app, &key).await
    {
        // A call is worth more than the note that it was made.
        tracing::warn!(key.id = %key.id, "the use of {} was not noted: {error}", key.id);
    }
    Ok(Some(Actor {
        clinic: key.clinic,
        role: key.role,
        label: format!("API key \"{}\"", key.name),
        who: Who::ApiKey(key.id),
    }))
}

async fn note_used(app: &App, key: &Caller) -> Result<()> {
    let mut tx = app.store.begin_single(key.clinic).await?;
    api_keys::used(&mut tx, key.id, key.now).await?;
    Ok(tx.commit().await?)
}
