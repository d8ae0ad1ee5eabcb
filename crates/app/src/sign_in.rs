//! Staff sign-in and sessions.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use remit_core::contact::{Email, Name};
use remit_core::ids::{ClinicId, StaffId};
use remit_core::roles::Role;
use remit_core::staff::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS};
use remit_store::Tx;
use remit_store::staff::{self, SessionView, StaffRow};
use sha2::{Digest, Sha256};

use crate::actor::Who;
use crate::error::in_field;
use crate::{Actor, App, Error, Result, keys, throttle};

/// A session ends after this long without use, and after this long in any case.
pub const IDLE_MS: i64 = 12 * HOUR_MS;
pub const LIFETIME_MS: i64 = 7 * DAY_MS;
/// How often "last seen" is written: not on every request.
const SEEN_EVERY_MS: i64 = 5 * MINUTE_MS;

/// What is kept of a secret.
pub(crate) fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// # Errors
/// [`Error::Invalid`] names `field`: too short, too long, or the person's own address.
pub(crate) fn check_password(field: &'static str, password: &str, email: &str) -> Result<()> {
    let chars = password.chars().count();
    let refused = if chars < PASSWORD_CHARS_MIN {
        format!("Use at least {PASSWORD_CHARS_MIN} characters.")
    } else if chars > PASSWORD_CHARS_MAX {
        format!("Use at most {PASSWORD_CHARS_MAX} characters.")
    } else if password.trim().eq_ignore_ascii_case(email) {
        "Choose something else than the email address.".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(field, refused))
}

/// Hashes a password (argon2id) off the async threads.
pub(crate) async fn hash(app: &App, password: String) -> Result<String> {
    let permit = app
        .hashing
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Error::Setup("shutting down".into()))?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    })
    .await
    .map_err(|error| Error::Setup(error.to_string()))?
    .map_err(|error| Error::Setup(error.to_string()))
}

/// Whether a password is the hashed one.
pub(crate) async fn verify(app: &App, password: String, hash: String) -> Result<bool> {
    let permit = app
        .hashing
        .clone()
        .acquire_owned()
        .await
        .map_err(|_| Error::Setup("shutting down".into()))?;
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    })
    .await
    .map_err(|error| Error::Setup(error.to_string()))
}

/// Adds a person who signs in.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn add_staff(
    app: &App,
    clinic: ClinicId,
    email: &str,
    name: &str,
    role: Role,
    password: &str,
) -> Result<StaffId> {
    check_password("password", password, email)?;
    let now = app.now().await?;
    let row = StaffRow {
        clinic,
        id: app.fresh(now)?,
        email: Email::parse(email)
            .map_err(in_field("email"))?
            .into_string()
            .to_lowercase(),
        name: Name::parse(name).map_err(in_field("name"))?.into_string(),
        role,
        password_hash: hash(app, password.to_owned()).await?,
        active: true,
    };
    let mut tx = app.store.begin(clinic).await?;
    staff::insert(&mut tx, &row, now).await?;
    remit_store::audit::append(&mut tx, "Remit", "staff.added", &row.id.to_string(), now).await?;
    tx.commit().await?;
    Ok(row.id)
}

/// Where somebody signs in from.
#[derive(Clone, Debug)]
pub struct From {
    /// The network address that tries are counted against.
    pub peer: String,
    /// `Chrome on Windows`.
    pub device: String,
}

/// Signs a person in; answers with the secret of a new session (hazard D10: never one that the browser brought).
///
/// # Errors
/// [`Error::SignIn`] for a wrong address or password alike, [`Error::TooMany`], or the store's.
#[crate::boxed]
pub async fn sign_in(app: &App, email: &str, password: &str, from: From) -> Result<String> {
    let email = email.trim().to_lowercase();
    // Counted before the password is looked at, and taken back when it is right: of a thousand tries at once no more are
    // looked at than of a thousand in a row.
    let caps = [
        (throttle::SIGN_IN_PEER, from.peer.as_str()),
        (throttle::SIGN_IN_ACCOUNT, email.as_str()),
    ];
    for (cap, who) in caps {
        throttle::hit(app, cap, who).await?;
    }
    let row = staff::by_email(&app.store, &email)
        .await?
        .filter(|row| row.active);
    // An unknown address costs the same hash, so that time does not tell who works here.
    let stored = match &row {
        Some(row) => row.password_hash.clone(),
        None => NOBODY.to_owned(),
    };
    let right = verify(app, password.to_owned(), stored).await?;
    let Some(row) = row.filter(|_| right) else {
        return Err(Error::SignIn);
    };
    for (cap, who) in caps {
        throttle::take_back(app, cap, who).await?;
    }
    let mut tx = app.store.begin(row.clinic).await?;
    let secret = open_session(&mut tx, row.id, &from.device).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Opens a session; answers with its secret.
pub(crate) async fn open_session(tx: &mut Tx, who: StaffId, device: &str) -> Result<String> {
    let secret = keys::random_secret()? + &keys::random_secret()?;
    let now = tx.now().await?;
    let ends_at = now + LIFETIME_MS;
    staff::open_session(tx, &digest(&secret), who, device, now, ends_at).await?;
    Ok(secret)
}

/// A hash of no password, of the same cost as the real ones: nobody's, and whoever's who has yet to set theirs.
pub(crate) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The person behind a session's secret, while the session lasts.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn session(app: &App, secret: &str) -> Result<Option<(Actor, SessionView)>> {
    let hash = digest(secret);
    let Some(view) = staff::session(&app.store, &hash).await? else {
        return Ok(None);
    };
    let over = view.now >= view.ends_at || view.now - view.seen_at >= IDLE_MS;
    if over || !view.active {
        return Ok(None);
    }
    if view.now - view.seen_at >= SEEN_EVERY_MS {
        let mut tx = app.store.begin(view.clinic).await?;
        staff::session_seen(&mut tx, &hash, view.now).await?;
        tx.commit().await?;
    }
    let actor = Actor {
        clinic: view.clinic,
        role: view.role,
        label: view.name.clone(),
        who: Who::Staff(view.staff),
    };
    Ok(Some((actor, view)))
}

/// # Errors
/// The store's.
#[crate::boxed]
pub async fn sign_out(app: &App, secret: &str) -> Result<()> {
    let mut tx = app.store.begin_installation().await?;
    staff::end_session(&mut tx, &digest(secret)).await?;
    Ok(tx.commit().await?)
}
