//! What a person does with their own account: name, password, sessions.

use remit_core::UtcMs;
use remit_core::contact::Name;
use remit_core::ids::StaffId;
use remit_store::staff::{self, StaffRow};
use remit_store::{Tx, audit};

use crate::actor::Who;
use crate::error::in_field;
use crate::sign_in::{self, IDLE_MS, digest};
use crate::{Actor, App, Error, Result, throttle};

/// One of a person's sessions, as they are shown it.
#[derive(Clone, Debug)]
pub struct SessionOfMine {
    /// Names it on the page; nobody can sign in with it.
    pub id: String,
    /// `Chrome on Windows`; may be empty.
    pub device: String,
    pub created_at: UtcMs,
    pub seen_at: UtcMs,
    pub is_this_one: bool,
}

/// Hexadecimal digits of a session's hash by which the page names it.
const NAME_BYTES: usize = 8;

fn name_of(token_hash: &[u8]) -> String {
    hex::encode(token_hash.get(..NAME_BYTES).unwrap_or(token_hash))
}

fn oneself(actor: &Actor) -> Result<StaffId> {
    match actor.who {
        Who::Staff(id) => Ok(id),
        Who::ApiKey(_) | Who::Patient | Who::Remit => Err(Error::Forbidden),
    }
}

async fn own_row(tx: &mut Tx, id: StaffId) -> Result<StaffRow> {
    staff::get_in(tx, id).await?.ok_or(Error::NotFound)
}

/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn rename(app: &App, actor: &Actor, name: &str) -> Result<()> {
    let id = oneself(actor)?;
    let name = Name::parse(name).map_err(in_field("name"))?.into_string();
    let mut tx = app.store.begin(actor.clinic).await?;
    staff::lock(&mut tx).await?;
    let row = own_row(&mut tx, id).await?;
    if row.name == name {
        return Ok(());
    }
    staff::change(&mut tx, &StaffRow { name, ..row }).await?;
    let now = tx.now().await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.changed", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Changes the person's password and ends their other sessions. `session`: the secret of this one.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::TooMany`] wrong tries; or the store's.
#[crate::boxed]
pub async fn change_password(
    app: &App,
    actor: &Actor,
    session: &str,
    old: &str,
    new: &str,
) -> Result<()> {
    let id = oneself(actor)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let row = own_row(&mut tx, id).await?;
    drop(tx);
    // Counted as a try to sign in: whoever sits at an open session must not guess its password either (hazard D10).
    throttle::hit(app, throttle::SIGN_IN_ACCOUNT, &row.email).await?;
    if !sign_in::verify(app, old.to_owned(), row.password_hash.clone()).await? {
        let wrong = "This is not your present password.";
        return Err(Error::invalid("old_password", wrong));
    }
    throttle::take_back(app, throttle::SIGN_IN_ACCOUNT, &row.email).await?;
    sign_in::check_password("new_password", new, &row.email)?;
    if new == old {
        let same = "This is the password you have. Choose another one.";
        return Err(Error::invalid("new_password", same));
    }
    let hash = sign_in::hash(app, new.to_owned()).await?;
    let mut tx = app.store.begin(actor.clinic).await?;
    staff::lock(&mut tx).await?;
    staff::set_password(&mut tx, id, &hash).await?;
    staff::end_other_sessions(&mut tx, id, &digest(session)).await?;
    let now = tx.now().await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.password_changed", &what, now).await?;
    Ok(tx.commit().await?)
}

/// The person's sessions, the latest used first. `session`: the secret of this one.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn sessions(app: &App, actor: &Actor, session: &str) -> Result<Vec<SessionOfMine>> {
    let id = oneself(actor)?;
    let now = app.now().await?;
    let found = staff::sessions(&app.store, actor.clinic, id, now, now - IDLE_MS).await?;
    let this = digest(session);
    let shown = found.into_iter().map(|one| SessionOfMine {
        id: name_of(&one.token_hash),
        is_this_one: one.token_hash == this,
        device: one.device,
        created_at: one.created_at,
        seen_at: one.seen_at,
    });
    Ok(shown.collect())
}

/// Ends one of the person's own sessions, by the name that the page gave it.
///
/// # Errors
/// [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn end_session(app: &App, actor: &Actor, name: &str) -> Result<()> {
    let id = oneself(actor)?;
    let now = app.now().await?;
    let own = staff::sessions(&app.store, actor.clinic, id, now, now - IDLE_MS).await?;
    let ended = own.into_iter().find(|one| name_of(&one.token_hash) == name);
    let ended = ended.ok_or(Error::NotFound)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    staff::end_own_session(&mut tx, id, &ended.token_hash).await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.signed_out", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Signs the person out everywhere but here. `session`: the secret of this one.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn end_other_sessions(app: &App, actor: &Actor, session: &str) -> Result<()> {
    let id = oneself(actor)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let ended = staff::end_other_sessions(&mut tx, id, &digest(session)).await?;
    if ended > 0 {
        let now = tx.now().await?;
        let what = id.to_string();
        audit::append(&mut tx, &actor.label, "staff.signed_out", &what, now).await?;
    }
    Ok(tx.commit().await?)
}
