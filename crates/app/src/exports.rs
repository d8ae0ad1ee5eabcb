//! Exports of the list of links: noted in the audit log, then read page by page, so that any number of links is never
//! held at once.

use remit_core::ids::ClinicId;
use remit_store::audit;
use remit_store::links::{Cursor, Filter, LinkView};

use crate::{Actor, App, Result, links};

/// Links of one page: large enough to be quick, small enough to hold.
const PAGE_LINKS: i64 = 500;

/// Notes who exports what before the first row leaves (hazard D17). `what` says the filter in words without personal
/// data.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn note(app: &App, actor: &Actor, what: &str) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    audit::append(&mut tx, &actor.label, "links.exported", what, now).await?;
    Ok(tx.commit().await?)
}

/// The next links, newest first, and where to go on; it ends when there is no cursor.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn page(
    app: &App,
    clinic: ClinicId,
    filter: &Filter,
    after: Option<&Cursor>,
) -> Result<(Vec<LinkView>, Option<Cursor>)> {
    links::list(app, clinic, filter, after, PAGE_LINKS).await
}
