//! The list of keyboard shortcuts.

use axum::http::StatusCode;
use remit_core::roles::Permission;

use super::answer::{Answer, page};
use super::desk::{Desk, Wants};
use crate::pages::Section;
use crate::pages::shortcuts::{ShortcutsDialog, ShortcutsPage, all};

/// `GET /shortcuts`.
pub async fn show(desk: Desk) -> Answer {
    let keys = all(desk.may(Permission::Book));
    if desk.wants == Wants::Dialog {
        return Ok(page(StatusCode::OK, &ShortcutsDialog { keys }));
    }
    let shell = desk.shell(Section::None).await?;
    Ok(page(StatusCode::OK, &ShortcutsPage { shell, keys }))
}
