//! A clinic's staff: invited, changed, signed out, let go. Nobody is deleted: their name stands in the timeline.

use remit_core::contact::{Email, Name};
use remit_core::ids::{ClinicId, StaffId};
use remit_core::roles::Role;
use remit_core::staff::{self as rules, INVITATION_MS, Refusal, Standing};
use remit_store::staff::{self, StaffRow, StaffView};
use remit_store::{StoreError, Tx, audit};

use crate::actor::Who;
use crate::error::in_field;
use crate::sign_in::{self, IDLE_MS, NOBODY, digest};
use crate::{Actor, App, Error, Result, keys};

/// What an owner types of a person.
#[derive(Clone, Debug)]
pub struct StaffInput {
    pub email: String,
    pub name: String,
    pub role: Role,
}

/// Everybody, those who cannot sign in any more last.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId) -> Result<Vec<StaffView>> {
    let now = app.now().await?;
    Ok(staff::colleagues(&app.store, clinic, now, now - IDLE_MS).await?)
}

/// # Errors
/// [`Error::NotFound`], or the store's.
#[crate::boxed]
pub async fn get(app: &App, clinic: ClinicId, id: StaffId) -> Result<StaffView> {
    let everybody = list(app, clinic).await?;
    everybody
        .into_iter()
        .find(|person| person.id == id)
        .ok_or(Error::NotFound)
}

/// Adds a person, who sets their own password; answers with the secret of the link to it, which is shown this once.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn invite(app: &App, actor: &Actor, input: &StaffInput) -> Result<(StaffId, String)> {
    let (email, name) = details(input)?;
    rules::grant(actor.role, input.role).map_err(|refused| Error::invalid("role", refused))?;
    let secret = link_secret()?;
    let mut tx = app.store.begin(actor.clinic).await?;
    staff::lock(&mut tx).await?;
    let now = tx.now().await?;
    let row = StaffRow {
        clinic: actor.clinic,
        id: app.fresh(now)?,
        email,
        name,
        role: input.role,
        // No password is right until they have set one.
        password_hash: NOBODY.to_owned(),
        active: true,
    };
    staff::insert(&mut tx, &row, now).await.map_err(taken)?;
    let until = now + INVITATION_MS;
    staff::invite(&mut tx, row.id, &digest(&secret), now, until).await?;
    let what = format!("{} {}", row.id, row.role.name());
    audit::append(&mut tx, &actor.label, "staff.invited", &what, now).await?;
    tx.commit().await?;
    tracing::info!(staff.id = %row.id, "invited {}", row.id);
    Ok((row.id, secret))
}

fn details(input: &StaffInput) -> Result<(String, String)> {
    let email = Email::parse(&input.email).map_err(in_field("email"))?;
    let name = Name::parse(&input.name).map_err(in_field("name"))?;
    Ok((email.into_string().to_lowercase(), name.into_string()))
}

fn link_secret() -> Result<String> {
    Ok(keys::random_secret()? + &keys::random_secret()?)
}

/// An address names one person in the installation.
fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Unique(_) => {
            Error::invalid("email", "Somebody signs in with this address already.")
        }
        error => error.into(),
    }
}

/// The person, with what the rules look at, under the clinic's lock row.
async fn standing(tx: &mut Tx, actor: &Actor, id: StaffId) -> Result<(StaffRow, Standing)> {
    staff::lock(tx).await?;
    let row = staff::get_in(tx, id).await?.ok_or(Error::NotFound)?;
    let standing = Standing {
        by: match actor.who {
            Who::Staff(by) => Some(by),
            Who::ApiKey(_) | Who::Patient | Who::Remit => None,
        },
        by_role: actor.role,
        person: id,
        role: row.role,
        active: row.active,
        other_owners: staff::other_owners(tx, id).await?,
    };
    Ok((row, standing))
}

fn refused(field: &'static str) -> impl Fn(Refusal) -> Error {
    move |refusal| Error::invalid(field, refusal)
}

/// Changes somebody's name, address and role.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn change(app: &App, actor: &Actor, id: StaffId, input: &StaffInput) -> Result<()> {
    let (email, name) = details(input)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let (before, standing) = standing(&mut tx, actor, id).await?;
    rules::change_role(&standing, input.role).map_err(refused("role"))?;
    let after = StaffRow {
        email,
        name,
        role: input.role,
        ..before.clone()
    };
    staff::change(&mut tx, &after).await.map_err(taken)?;
    let now = tx.now().await?;
    if after.role != before.role {
        let what = format!("{id} {} to {}", before.role.name(), after.role.name());
        audit::append(&mut tx, &actor.label, "staff.role_changed", &what, now).await?;
    }
    if (after.email, after.name) != (before.email, before.name) {
        let what = id.to_string();
        audit::append(&mut tx, &actor.label, "staff.changed", &what, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes somebody's password away and signs them out everywhere; answers with the secret of the link by which they set
/// a new one, which is shown this once.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn reset_password(app: &App, actor: &Actor, id: StaffId) -> Result<String> {
    let secret = link_secret()?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let (row, standing) = standing(&mut tx, actor, id).await?;
    rules::touch(&standing).map_err(refused("password"))?;
    if standing.by == Some(id) {
        let own = "Change your own password under My account.";
        return Err(Error::invalid("password", own));
    }
    if !row.active {
        let off = "Let them sign in again first.";
        return Err(Error::invalid("password", off));
    }
    let now = tx.now().await?;
    staff::set_password(&mut tx, id, NOBODY).await?;
    staff::end_all_sessions(&mut tx, id).await?;
    staff::invite(&mut tx, id, &digest(&secret), now, now + INVITATION_MS).await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.password_reset", &what, now).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Ends every session of a person.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn sign_out_everywhere(app: &App, actor: &Actor, id: StaffId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let (_, standing) = standing(&mut tx, actor, id).await?;
    rules::touch(&standing).map_err(refused("sessions"))?;
    let now = tx.now().await?;
    staff::end_all_sessions(&mut tx, id).await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.signed_out", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Lets somebody sign in no more. They stay in the list and in the timeline.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn deactivate(app: &App, actor: &Actor, id: StaffId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let (_, standing) = standing(&mut tx, actor, id).await?;
    rules::deactivate(&standing).map_err(refused("active"))?;
    let now = tx.now().await?;
    staff::set_active(&mut tx, id, false).await?;
    staff::end_all_sessions(&mut tx, id).await?;
    staff::uninvite(&mut tx, id).await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.deactivated", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Lets somebody sign in again, with the password they had.
///
/// # Errors
/// [`Error::Invalid`]; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn reactivate(app: &App, actor: &Actor, id: StaffId) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let (_, standing) = standing(&mut tx, actor, id).await?;
    rules::touch(&standing).map_err(refused("active"))?;
    let now = tx.now().await?;
    staff::set_active(&mut tx, id, true).await?;
    let what = id.to_string();
    audit::append(&mut tx, &actor.label, "staff.reactivated", &what, now).await?;
    Ok(tx.commit().await?)
}

/// Whose link to set a password this is, while it works.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn invited(app: &App, secret: &str) -> Result<Option<StaffRow>> {
    let now = app.now().await?;
    let found = staff::invited(&app.store, &digest(secret), now).await?;
    Ok(found.filter(|person| person.active))
}

/// Sets the password of whoever was given this link, which then works no more, and signs them in; answers with the
/// secret of the session.
///
/// # Errors
/// [`Error::Invalid`] names the field; [`Error::NotFound`] for a link that does not work any more; or the store's.
#[crate::boxed]
pub async fn set_password(app: &App, secret: &str, password: &str, device: &str) -> Result<String> {
    let person = invited(app, secret).await?.ok_or(Error::NotFound)?;
    sign_in::check_password("password", password, &person.email)?;
    let hash = sign_in::hash(app, password.to_owned()).await?;
    let mut tx = app.store.begin(person.clinic).await?;
    staff::lock(&mut tx).await?;
    // Of two who came with the same link at once, one finds it gone.
    if !staff::uninvite(&mut tx, person.id).await? {
        return Err(Error::NotFound);
    }
    let now = tx.now().await?;
    staff::set_password(&mut tx, person.id, &hash).await?;
    staff::end_all_sessions(&mut tx, person.id).await?;
    let session = sign_in::open_session(&mut tx, person.id, device).await?;
    let what = person.id.to_string();
    audit::append(&mut tx, &person.name, "staff.password_set", &what, now).await?;
    tx.commit().await?;
    Ok(session)
}
