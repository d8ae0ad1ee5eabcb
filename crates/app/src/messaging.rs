//! Which carrier takes a clinic's messages, and the door to it.

mod bounces;
pub mod kinds;
pub mod receipts;
pub mod settings;

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use remit_core::deliveries::Channel;
use remit_core::ids::{ClinicId, EndpointId};
use remit_core::{MINUTE_MS, UtcMs};
use remit_gateways::Answer;
use remit_gateways::messages::{
    Handover, Message, MessageChannel, MessageFacts, OF_ACCOUNT, Receipt, ReceiptError,
    ReceiptRequest,
};
use remit_store::Store;
use remit_store::messaging::{self, MessagingChannel};

use crate::{App, Error, Result, clinics, tray};
pub use bounces::run as read_bounces;
use kinds::Held;

/// The tray's name among carriers.
const TRAY: &str = "tray";
/// How often it is noted that messages are taken: not with each, or all of a clinic's would wait for one row.
const SUCCESS_EVERY_MS: i64 = MINUTE_MS;

/// A door that is kept open, and for which version of its settings.
pub(crate) struct Kept {
    version: i64,
    door: Arc<dyn MessageChannel>,
}

/// A door with the name that deliveries remember it by.
pub(crate) struct Carrier {
    pub name: String,
    pub door: Arc<dyn MessageChannel>,
}

/// The channel that carries a clinic's messages.
///
/// # Errors
/// [`Error::NotSetUp`]; [`Error::Sealed`], [`Error::Setup`] for settings that cannot be used; or the store's.
#[crate::boxed]
pub async fn channel(
    app: &App,
    clinic: ClinicId,
    channel: Channel,
) -> Result<Arc<dyn MessageChannel>> {
    Ok(carrier(app, clinic, channel).await?.door)
}

/// Who carries a channel's messages now: what the clinic connected, else in test mode the tray.
///
/// # Errors
/// As [`channel`].
pub(crate) async fn carrier(app: &App, clinic: ClinicId, channel: Channel) -> Result<Carrier> {
    let what = match channel {
        Channel::Sms => "SMS",
        Channel::Email => "email",
        Channel::Qr | Channel::Copy => return Err(Error::NotSetUp("a message channel")),
    };
    if let Some(row) = messaging::current(&app.store, clinic, channel).await? {
        return watched(app, &row);
    }
    if clinics::context(app, clinic).await?.clinic.test_mode {
        return Ok(Carrier {
            name: TRAY.to_owned(),
            door: tray::shelf(app, clinic),
        });
    }
    Err(Error::NotSetUp(what))
}

/// The carrier of this name, connected still or not: whom a message was handed to.
///
/// # Errors
/// As [`channel`]; [`Error::NotFound`] for a name that is none.
pub(crate) async fn carrier_named(app: &App, clinic: ClinicId, name: &str) -> Result<Carrier> {
    if name == TRAY {
        return Ok(Carrier {
            name: TRAY.to_owned(),
            door: tray::shelf(app, clinic),
        });
    }
    let endpoint = name.parse().map_err(|_| Error::NotFound)?;
    let found = messaging::by_endpoint(&app.store, endpoint).await?;
    match found {
        Some((row, _)) if row.clinic == clinic => watched(app, &row),
        _ => Err(Error::NotFound),
    }
}

/// Where a connection's delivery receipts go.
pub(crate) fn receipt_url(app: &App, endpoint: EndpointId) -> String {
    format!("{}/hooks/messages/{endpoint}", app.config.public_url)
}

/// A connection's door. The row is read anew for every use, so its version tells whether what this node keeps still fits.
fn open(app: &App, row: &MessagingChannel) -> Result<Arc<dyn MessageChannel>> {
    {
        let kept = app.carriers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.get(&row.id).filter(|kept| kept.version == row.version) {
            return Ok(kept.door.clone());
        }
    }
    let kind = kinds::kind(row.channel, &row.provider).ok_or(Error::NotSetUp("this carrier"))?;
    let held = held(app, row)?;
    let door = kinds::connect(app, kind, &held, row.id)
        .map_err(|(field, why)| Error::Setup(format!("{field}: {why}")))?;
    let kept = Kept {
        version: row.version,
        door: door.clone(),
    };
    app.carriers
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(row.id, kept);
    Ok(door)
}

fn watched(app: &App, row: &MessagingChannel) -> Result<Carrier> {
    Ok(Carrier {
        name: row.id.to_string(),
        door: Arc::new(Watched {
            inner: open(app, row)?,
            store: app.store.clone(),
            clinic: row.clinic,
            endpoint: row.id,
            had_error: row.last_error.as_ref().map(|(_, at)| *at),
            had_success: row.last_success_at,
        }),
    })
}

/// Where a connection's settings are sealed for.
fn place(clinic: ClinicId) -> String {
    format!("{clinic} messaging_channel.settings")
}

fn held(app: &App, row: &MessagingChannel) -> Result<Held> {
    let opened = app.keys.open(&place(row.clinic), &row.settings_sealed)?;
    serde_json::from_slice(&opened).map_err(|_| Error::Sealed)
}

fn sealed(app: &App, clinic: ClinicId, held: &Held) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(held).map_err(|error| Error::Setup(error.to_string()))?;
    app.keys.seal(&place(clinic), &json)
}

/// A door that writes down how sending went, for the settings page.
struct Watched {
    inner: Arc<dyn MessageChannel>,
    store: Store,
    clinic: ClinicId,
    endpoint: EndpointId,
    had_error: Option<UtcMs>,
    had_success: Option<UtcMs>,
}

impl Watched {
    async fn note(&self, came: &Handover) -> Result<()> {
        let error = match came {
            Handover::Taken(_) => None,
            Handover::Refused(refusal) if refusal.code == OF_ACCOUNT => {
                Some(refusal.message.clone())
            }
            // A number or address that takes nothing says nothing of the connection.
            Handover::Refused(_) => return Ok(()),
            Handover::NotNow(unknown) | Handover::Unknown(unknown) => Some(sentence(&unknown.why)),
        };
        let mut tx = self.store.begin(self.clinic).await?;
        let now = tx.now().await?;
        let is_news = self.had_success.is_none_or(|at| {
            now - at >= SUCCESS_EVERY_MS || self.had_error.is_some_and(|error| error >= at)
        });
        match error {
            Some(why) => messaging::note_error(&mut tx, self.endpoint, &why, now).await?,
            None if is_news => messaging::note_success(&mut tx, self.endpoint, now).await?,
            None => return Ok(()),
        }
        Ok(tx.commit().await?)
    }
}

/// A reason as a sentence of its own.
pub(crate) fn sentence(why: &str) -> String {
    let mut letters = why.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let text: String = first.chain(letters).collect();
    if text.ends_with(['.', '!', '?']) {
        text
    } else {
        format!("{text}.")
    }
}

#[async_trait]
impl MessageChannel for Watched {
    async fn send(&self, message: &Message) -> Handover {
        let came = self.inner.send(message).await;
        if let Err(error) = self.note(&came).await {
            tracing::warn!(endpoint.id = %self.endpoint, "how sending went is not noted: {error}");
        }
        came
    }

    async fn greet(&self) -> Answer<()> {
        self.inner.greet().await
    }

    async fn look_up(&self, message: &Message, since: UtcMs) -> Answer<MessageFacts> {
        self.inner.look_up(message, since).await
    }

    fn late_ms(&self) -> i64 {
        self.inner.late_ms()
    }

    fn parse_receipt(
        &self,
        request: ReceiptRequest<'_>,
    ) -> std::result::Result<Receipt, ReceiptError> {
        self.inner.parse_receipt(request)
    }
}
