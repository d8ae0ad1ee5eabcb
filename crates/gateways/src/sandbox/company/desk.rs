//! The desk between routes and vault: reads a session, lets the rules change it, swaps it in, tells what happened.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Builder;

use super::movements::{self, movements_of};
use super::sessions::{self, Notice, Session};
use super::{Company, Record};
use crate::sandbox::IDEMPOTENCY_MS;
use crate::sandbox::wire::{EventAnswer, EventObject};

pub(super) const ACCOUNT: &str = "account";
/// SHA-256 of a secret key -> account.
pub(super) const KEY: &str = "key";
pub(super) const SESSION: &str = "session";
/// Webhooks to be delivered; a record for each event, under the event's id.
pub(super) const DELIVERY: &str = "delivery";

/// Lists of one account. An account's name is part of the kind, so that no list can show another's rows (hazard D3).
pub(super) fn events_of(account: &str) -> String {
    format!("event/{account}")
}

/// Sessions in the order in which they were paid.
pub(super) fn paid_of(account: &str) -> String {
    format!("paid/{account}")
}

/// Refunds by the time of each step they took.
pub(super) fn refunds_of(account: &str) -> String {
    format!("refund/{account}")
}

/// Disputes in the order in which they were opened.
pub(super) fn disputes_of(account: &str) -> String {
    format!("dispute/{account}")
}

pub(super) fn sessions_of(account: &str, reference: &str) -> String {
    format!("reference/{account}/{reference}")
}

/// How often a lost race is run again. Each loss means that another request won, so more than a few in a row happen
/// only under a storm, and then the caller is asked to come back.
const RACES_MAX: usize = 16;

/// Why the desk has no answer. Never a refusal: the caller may repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A sentence for the log.
    Vault(String),
    /// Lost [`RACES_MAX`] races.
    Busy,
}

impl From<String> for Trouble {
    fn from(why: String) -> Trouble {
        Trouble::Vault(why)
    }
}

/// A webhook on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub account: String,
    /// The bytes of every try.
    pub body: String,
    pub since: i64,
    pub tries: u32,
}

/// An idempotency key that was used: the request it stands for and the object that came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reservation {
    pub request_sha256: String,
    /// The variable part of the object's id, time-ordered.
    pub object: String,
    pub at: i64,
}

/// What using a key came to.
pub(super) enum Reserved {
    Ours(Reservation),
    /// The key stands for other bytes.
    Mismatch,
}

pub(super) fn read<T: DeserializeOwned>(record: &Record) -> Result<T, String> {
    // The parser's words may quote the body, which may hold a secret: the log gets the place alone.
    serde_json::from_str(&record.body).map_err(|error| {
        format!(
            "sandbox record {} is damaged at column {}",
            record.id,
            error.column()
        )
    })
}

pub(super) fn body_of(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

impl Company {
    /// Stores a value under an id whatever was there before; writes nothing when it is there already.
    pub(super) async fn hold<T>(&self, kind: &str, id: &str, value: &T) -> Result<(), String>
    where
        T: Serialize + DeserializeOwned + PartialEq + Sync,
    {
        for _ in 0..RACES_MAX {
            let stored = self.vault().get(kind, id).await?;
            let version = match &stored {
                Some(record) if read::<T>(record)? == *value => return Ok(()),
                Some(record) => record.version,
                None => 0,
            };
            if self
                .vault()
                .put(kind, id, version, body_of(value)?, None)
                .await?
            {
                return Ok(());
            }
        }
        Err(format!("sandbox record {kind} is being changed by others"))
    }

    /// A session as it is by the clock, whether or not the background work has been there.
    pub(super) async fn session(&self, id: &str) -> Result<Option<Session>, Trouble> {
        let Some(record) = self.vault().get(SESSION, id).await? else {
            return Ok(None);
        };
        let mut session: Session = read(&record)?;
        session.tick(self.now());
        Ok(Some(session))
    }

    /// Changes a session: time first, then `change`; stores it by compare-and-swap, running again after a lost race,
    /// and tells what happened. What `change` answers is the answer of the run that was stored.
    pub(super) async fn change<T>(
        &self,
        id: &str,
        change: impl Fn(&mut Session, i64) -> T + Send,
    ) -> Result<Option<(Session, T)>, Trouble> {
        for _ in 0..RACES_MAX {
            let Some(record) = self.vault().get(SESSION, id).await? else {
                return Ok(None);
            };
            let before: Session = read(&record)?;
            let mut session = before.clone();
            let now = self.now();
            session.tick(now);
            let told = change(&mut session, now);
            let mut version = record.version;
            if session != before {
                let stored =
                    self.vault()
                        .put(SESSION, id, version, body_of(&session)?, session.due_at());
                if !stored.await? {
                    continue;
                }
                version += 1;
            }
            // The change stands. If telling it fails now, the session stays due and the background work tells it.
            if let Err(why) = self.announce(&session, version).await {
                tracing::warn!(session.id = %id, "sandbox session {id} changed but was not announced yet: {why}");
            }
            return Ok(Some((session, told)));
        }
        Err(Trouble::Busy)
    }

    /// Writes events, deliveries and the list of paid sessions from a session's notices, then takes the notices off.
    /// All ids follow from the notice, so it can be done again from any point, by any node.
    async fn announce(&self, session: &Session, version: i64) -> Result<(), String> {
        if session.unannounced.is_empty() {
            return Ok(());
        }
        for notice in &session.unannounced {
            let event = event_of(session, notice);
            let body = body_of(&event)?;
            self.vault()
                .put(
                    &events_of(&session.account),
                    &event.id,
                    0,
                    body.clone(),
                    None,
                )
                .await?;
            if notice.kind == "session.completed" {
                let id = format!("{:013}_{}", notice.at, session.id);
                self.vault()
                    .put(
                        &paid_of(&session.account),
                        &id,
                        0,
                        body_of(&session.id)?,
                        None,
                    )
                    .await?;
            }
            self.book(session, notice).await?;
            let delivery = Delivery {
                account: session.account.clone(),
                body,
                since: notice.at,
                tries: 0,
            };
            let body = body_of(&delivery)?;
            self.vault()
                .put(DELIVERY, &event.id, 0, body, Some(notice.at))
                .await?;
        }
        self.0.wake.notify_one();
        let told = Session {
            unannounced: Vec::new(),
            ..session.clone()
        };
        // Lost: somebody changed the session meanwhile and carries the notices on. They write the same rows.
        self.vault()
            .put(
                SESSION,
                &session.id,
                version,
                body_of(&told)?,
                told.due_at(),
            )
            .await?;
        Ok(())
    }

    /// Writes what a notice moved into the account's books, and a refund's step into the list of refunds.
    async fn book(&self, session: &Session, notice: &Notice) -> Result<(), String> {
        if let Some(movement) = movements::of(session, notice) {
            let kind = movements_of(&session.account);
            self.vault()
                .put(&kind, &movement.id, 0, body_of(&movement)?, None)
                .await?;
        }
        if notice.kind == "dispute.opened" {
            let dispute = session.dispute_id();
            let (kind, id) = (
                disputes_of(&session.account),
                format!("{:013}_{dispute}", notice.at),
            );
            self.vault()
                .put(&kind, &id, 0, body_of(&dispute)?, None)
                .await?;
        }
        if let Some(refund) = &notice.refund {
            let id = format!("{:013}_{refund}", notice.at);
            self.vault()
                .put(
                    &refunds_of(&session.account),
                    &id,
                    0,
                    body_of(refund)?,
                    None,
                )
                .await?;
        }
        Ok(())
    }

    /// Takes an idempotency key for a request, or finds what it was taken for within the last 24 hours. `fresh` judges
    /// the parts of a request that depend on the time; a repetition is not judged again.
    pub(super) async fn reserve<E: From<Trouble>>(
        &self,
        scope: &str,
        request_sha256: &str,
        fresh: impl Fn(i64) -> Result<(), E> + Send,
    ) -> Result<Reserved, E> {
        for _ in 0..RACES_MAX {
            let now = self.now();
            let stored = self
                .vault()
                .get("idempotency", scope)
                .await
                .map_err(Trouble::Vault)?;
            let mut version = 0;
            if let Some(record) = stored {
                let reservation: Reservation = read(&record).map_err(Trouble::Vault)?;
                if now - reservation.at < IDEMPOTENCY_MS {
                    return Ok(match reservation.request_sha256 == request_sha256 {
                        true => Reserved::Ours(reservation),
                        false => Reserved::Mismatch,
                    });
                }
                version = record.version;
            }
            fresh(now)?;
            let object = object_id(now).map_err(Trouble::Vault)?;
            let reservation = Reservation {
                request_sha256: request_sha256.into(),
                object,
                at: now,
            };
            let body = body_of(&reservation).map_err(Trouble::Vault)?;
            let stored = self
                .vault()
                .put("idempotency", scope, version, body, None)
                .await;
            if stored.map_err(Trouble::Vault)? {
                return Ok(Reserved::Ours(reservation));
            }
        }
        Err(Trouble::Busy.into())
    }
}

fn event_of(session: &Session, notice: &Notice) -> EventAnswer {
    let refund = notice
        .refund
        .as_ref()
        .and_then(|id| session.refunds.iter().find(|refund| refund.id == *id));
    EventAnswer {
        id: sessions::event_id(&session.id, notice),
        kind: notice.kind.clone(),
        account: session.account.clone(),
        livemode: false,
        created_at: notice.at,
        object: match refund {
            None if notice.kind.starts_with("dispute.") => EventObject {
                object: "dispute".into(),
                id: session.dispute_id(),
                reference: None,
                payment: Some(session.payment_id()),
            },
            Some(refund) => EventObject {
                object: "refund".into(),
                id: refund.id.clone(),
                reference: refund.named(),
                payment: Some(session.payment_id()),
            },
            None => EventObject {
                object: "session".into(),
                id: session.id.clone(),
                reference: Some(session.request.reference.clone()),
                payment: None,
            },
        },
    }
}

/// Time-ordered and unguessable: a session's id is all that its page asks for.
pub(super) fn object_id(now: i64) -> Result<String, String> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers: {error}"))?;
    let millis = u64::try_from(now).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .simple()
        .to_string())
}
