//! Idempotency keys: the same request under the same key has one effect and one answer, whatever crashed in between.

use remit_core::UtcMs;
use remit_store::idempotency::{self, Claim, Key};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::{Actor, App, Result};

/// How long answers are kept (hazard A15).
pub const KEPT_MS: i64 = 24 * remit_core::HOUR_MS;
pub const KEY_CHARS_MAX: usize = 255;

/// A key claimed for a request. Work under it takes its first id from [`Claimed::id`].
#[derive(Clone, Debug)]
pub struct Claimed {
    key: Key,
    since: UtcMs,
}

/// What to do with a request that brought a key.
#[derive(Clone, Debug)]
pub enum Turn {
    Work(Claimed),
    Answered { status: i64, body: String },
    InFlight,
    OtherRequest,
}

/// Claims a key. `method_path` and `body` say what the request is.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn claim(
    app: &App,
    actor: &Actor,
    key: &str,
    method_path: &str,
    body: &[u8],
) -> Result<Turn> {
    let key = Key {
        actor: actor.scope(),
        method_path: method_path.to_owned(),
        key: key.to_owned(),
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    let claim = idempotency::claim(&mut tx, &key, &Sha256::digest(body), now).await?;
    tx.commit().await?;
    Ok(match claim {
        Claim::Ours { since } => Turn::Work(Claimed { key, since }),
        Claim::Answered { status, body } => Turn::Answered { status, body },
        Claim::InFlight => Turn::InFlight,
        Claim::OtherRequest => Turn::OtherRequest,
    })
}

impl Claimed {
    /// The id of what this request makes: always the same for the same key, so that work which a crash cut off after
    /// its commit is found done instead of being done again. A UUIDv7 of the moment the key was first used.
    pub fn id<T: From<uuid::Uuid>>(&self) -> T {
        self.made("")
    }

    /// The id of one of several things that this request makes; `part` names it.
    pub fn id_of<T: From<uuid::Uuid>>(&self, part: &str) -> T {
        self.made(&format!("|{part}"))
    }

    fn made<T: From<uuid::Uuid>>(&self, part: &str) -> T {
        let text = format!(
            "{}|{}|{}|{}{part}",
            self.key.actor, self.key.method_path, self.key.key, self.since
        );
        let digest = Sha256::digest(text.as_bytes());
        let mut bytes = [0_u8; 10];
        bytes.copy_from_slice(&digest[..10]);
        T::from(
            Builder::from_unix_timestamp_millis(self.since.max(0).unsigned_abs(), &bytes)
                .into_uuid(),
        )
    }

    /// Keeps the answer.
    ///
    /// # Errors
    /// The store's.
    #[crate::boxed]
    pub async fn save(&self, app: &App, actor: &Actor, status: i64, body: &str) -> Result<()> {
        let mut tx = app.store.begin(actor.clinic).await?;
        idempotency::save(&mut tx, &self.key, status, body).await?;
        Ok(tx.commit().await?)
    }

    /// Gives the key back: the request did nothing, or nobody knows, and may be sent again as it is.
    ///
    /// # Errors
    /// The store's.
    #[crate::boxed]
    pub async fn release(&self, app: &App, actor: &Actor) -> Result<()> {
        let mut tx = app.store.begin(actor.clinic).await?;
        idempotency::release(&mut tx, &self.key).await?;
        Ok(tx.commit().await?)
    }
}
