//! The demo's message tray.

use std::sync::Arc;

use async_trait::async_trait;
use remit_core::ids::{ClinicId, MessageId};
use remit_gateways::messages::{Message, MessageChannel};
use remit_gateways::tray::{Tray, TrayShelf};
use remit_store::Store;
use remit_store::tray::{self, TrayMessage};

pub use remit_gateways::tray::UNREACHABLE;

use crate::keys::Keys;
use crate::{App, Result};

/// A message's text holds a link's address, and a stolen database must open no link.
const PLACE: &str = "tray_message.text";

struct Shelf {
    store: Store,
    keys: Arc<Keys>,
    clinic: ClinicId,
}

#[async_trait]
impl TrayShelf for Shelf {
    async fn keep(&self, message: &Message) -> std::result::Result<String, String> {
        self.keep_in(message)
            .await
            .map_err(|error| error.to_string())
    }

    async fn find(&self, reference: &str) -> std::result::Result<Option<String>, String> {
        let found = tray::find(&self.store, self.clinic, reference).await;
        found
            .map(|id| id.map(|id| id.to_string()))
            .map_err(|error| error.to_string())
    }
}

impl Shelf {
    async fn keep_in(&self, message: &Message) -> Result<String> {
        let mut tx = self.store.begin(self.clinic).await?;
        let now = tx.now().await?;
        let id = MessageId(remit_store::fresh::uuid(now)?);
        let kept = TrayMessage {
            id,
            channel: message.channel.name().to_owned(),
            to: message.to.clone(),
            subject: message.subject.clone(),
            text: self.keys.seal_text(PLACE, &message.text)?,
            at: now,
        };
        tray::keep(&mut tx, &message.reference, &kept).await?;
        tx.commit().await?;
        Ok(id.to_string())
    }
}

/// The tray of a clinic in test mode, as a channel like any other.
pub(crate) fn shelf(app: &App, clinic: ClinicId) -> Arc<dyn MessageChannel> {
    Arc::new(Tray::new(Arc::new(Shelf {
        store: app.store.clone(),
        keys: app.keys.clone(),
        clinic,
    })))
}

/// The tray's messages, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn messages(app: &App, clinic: ClinicId, limit: i64) -> Result<Vec<TrayMessage>> {
    let mut messages = tray::list(&app.store, clinic, limit).await?;
    for message in &mut messages {
        message.text = app.keys.open_text(PLACE, &message.text)?;
    }
    Ok(messages)
}
