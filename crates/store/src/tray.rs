//! The demo's message tray.

use remit_core::UtcMs;
use remit_core::ids::{ClinicId, MessageId};

use crate::error::id;
use crate::{Result, Store, Tx};

statements! {
    KEEP = ["INSERT INTO tray_message (clinic, id, reference, channel, address, subject, text, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (clinic, reference) DO NOTHING"];
    FIND = ["SELECT id FROM tray_message WHERE clinic = $1 AND reference = $2"];
    LIST = ["SELECT id, channel, address, subject, text, at FROM tray_message WHERE clinic = $1
        ORDER BY id DESC LIMIT $2"];
}

/// A message as the patient would see it.
#[derive(Clone, Debug)]
pub struct TrayMessage {
    pub id: MessageId,
    pub channel: String,
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    pub at: UtcMs,
}

/// Keeps a message once per reference.
///
/// # Errors
/// The engine's own.
pub async fn keep(tx: &mut Tx, reference: &str, message: &TrayMessage) -> Result<()> {
    tx.tell("tray");
    exec!(
        tx,
        KEEP,
        tx.clinic(),
        message.id.to_string(),
        reference.to_owned(),
        message.channel.clone(),
        message.to.clone(),
        message.subject.clone(),
        message.text.clone(),
        message.at,
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn find(store: &Store, clinic: ClinicId, reference: &str) -> Result<Option<MessageId>> {
    let row = read_opt!(
        store,
        (String,),
        FIND,
        clinic.to_string(),
        reference.to_owned()
    )?;
    row.map(|(message,)| id(&message, "message id")).transpose()
}

/// Messages, newest first.
///
/// # Errors
/// The engine's own.
pub async fn list(store: &Store, clinic: ClinicId, limit: i64) -> Result<Vec<TrayMessage>> {
    type Row = (String, String, String, Option<String>, String, i64);
    let rows = read_all!(store, Row, LIST, clinic.to_string(), limit)?;
    rows.into_iter()
        .map(|(message, channel, to, subject, text, at)| {
            Ok(TrayMessage {
                id: id(&message, "message id")?,
                channel,
                to,
                subject,
                text,
                at,
            })
        })
        .collect()
}
