//! The audit log, as managers read it.

use remit_core::roles::Permission;
use remit_store::audit::{self, Line};

use crate::{Actor, App, Result};

/// Lines of one page.
const LINES: i64 = 50;

/// The lines before one of this number, newest first, and where the next page begins.
///
/// # Errors
/// [`crate::Error::Forbidden`], or the store's.
#[crate::boxed]
pub async fn page(
    app: &App,
    actor: &Actor,
    before: Option<i64>,
) -> Result<(Vec<Line>, Option<i64>)> {
    actor.require(Permission::Configure)?;
    let before = before.unwrap_or(i64::MAX);
    let mut lines = audit::page(&app.store, actor.clinic, before, LINES + 1).await?;
    let more = lines.len() > LINES.unsigned_abs() as usize;
    lines.truncate(LINES.unsigned_abs() as usize);
    let next = lines.last().filter(|_| more).map(|line| line.seq);
    Ok((lines, next))
}
