//! Emails that came back: a clinic's mailbox is read every minute, and what it says is written on the deliveries as a
//! carrier's own receipts are. Written before the mailbox counts as read, so a crash repeats a reading and loses none.

use futures_util::StreamExt as _;
use futures_util::stream;
use remit_core::{MINUTE_MS, UtcMs};
use remit_gateways::bounces::{Mailbox, Position};
use remit_gateways::mail_server::{self, Protocol, ServerError};
use remit_store::Tx;
use remit_store::bounces::{self, Due};
use remit_store::messaging::{self, MessagingChannel};

use super::kinds::{self, Held};
use super::{held, receipts};
use crate::{App, Error, Result};

/// How often a mailbox is read.
const EVERY_MS: i64 = MINUTE_MS;
/// How long one node has for a reading, and how long a mailbox that cannot be read rests.
const CLAIM_MS: i64 = 2 * MINUTE_MS;
/// Mailboxes that one round reads, and how many of them at a time.
const A_ROUND_MAX: i64 = 200;
const AT_A_TIME_MAX: usize = 8;

/// Reads every mailbox that is due.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn run(app: &App) -> Result<()> {
    let now = app.now().await?;
    let due = bounces::due(&app.store, now, A_ROUND_MAX).await?;
    let reading = stream::iter(due).for_each_concurrent(AT_A_TIME_MAX, async |due| {
        if let Err(error) = claim_and_read(app, &due).await {
            tracing::warn!(endpoint.id = %due.channel, "emails that came back to {} wait: {error}", due.channel);
        }
    });
    reading.await;
    Ok(())
}

async fn claim_and_read(app: &App, due: &Due) -> Result<()> {
    let mut tx = app.store.begin(due.clinic).await?;
    let now = tx.now().await?;
    let is_ours = bounces::claim(&mut tx, due, now + CLAIM_MS).await?;
    tx.commit().await?;
    if !is_ours {
        return Ok(());
    }
    let read = read(app, due).await;
    if let Err(Error::Setup(why)) = &read {
        let mut tx = app.store.begin(due.clinic).await?;
        bounces::unread(&mut tx, due.channel, why).await?;
        tx.commit().await?;
    }
    read
}

async fn read(app: &App, due: &Due) -> Result<()> {
    let found = messaging::by_endpoint(&app.store, due.channel).await?;
    let (row, _) = found.ok_or(Error::NotFound)?;
    let Some(mailbox) = mailbox(app, &row)? else {
        let mut tx = app.store.begin(due.clinic).await?;
        bounces::forget(&mut tx, due.channel).await?;
        return Ok(tx.commit().await?);
    };
    let since = due.position.and_then(|(validity, uid)| {
        Some(Position {
            validity: validity.try_into().ok()?,
            uid: uid.try_into().ok()?,
        })
    });
    let reading = mailbox.read(since).await;
    let reading = reading.map_err(|error| Error::Setup(error.to_string()))?;
    for receipt in &reading.receipts {
        receipts::apply(app, row.clinic, row.id, receipt).await?;
    }
    let mut tx = app.store.begin(due.clinic).await?;
    let now = tx.now().await?;
    let next = if reading.is_cut { now } else { now + EVERY_MS };
    let upto = (reading.upto.validity.into(), reading.upto.uid.into());
    bounces::read(&mut tx, due.channel, upto, next, now).await?;
    Ok(tx.commit().await?)
}

fn mailbox(app: &App, row: &MessagingChannel) -> Result<Option<Mailbox>> {
    of_settings(app, &held(app, row)?).map_err(|(_, why)| Error::Setup(why))
}

/// The mailbox that settings name, if they name one.
pub(super) fn of_settings(
    app: &App,
    held: &Held,
) -> std::result::Result<Option<Mailbox>, kinds::Wrong> {
    let Some(url) = held.get("bounces_url") else {
        return Ok(None);
    };
    let wrong = |error: ServerError| ("bounces_url", error.to_string());
    let url = mail_server::join(Protocol::Imap, url, held.get("bounces_password"));
    let mailbox = Mailbox::new(&url.map_err(wrong)?, app.config.roots.clone());
    mailbox.map(Some).map_err(wrong)
}

/// Whether a mailbox can be read, asked of it now; none where none is to be read.
pub(super) async fn examine(
    app: &App,
    row: &MessagingChannel,
) -> Result<Option<std::result::Result<(), String>>> {
    let Some(mailbox) = mailbox(app, row)? else {
        return Ok(None);
    };
    Ok(Some(
        mailbox.greet().await.map_err(|error| error.to_string()),
    ))
}

/// With the settings: from now on the mailbox that they name is read, or none.
pub(super) async fn follow(
    tx: &mut Tx,
    row: &MessagingChannel,
    held: &Held,
    now: UtcMs,
) -> Result<()> {
    match held.get("bounces_url") {
        Some(_) => bounces::watch(tx, row.id, now).await?,
        None => bounces::forget(tx, row.id).await?,
    }
    Ok(())
}
