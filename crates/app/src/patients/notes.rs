//! What staff write down of a patient: who and when stand beside it, and nothing is deleted, only struck through.

use remit_core::ids::{ClinicId, PatientId, PatientNoteId};
use remit_store::patients::{self, NoteView};

use crate::{Actor, App, Error, Result};

pub const NOTE_CHARS_MAX: usize = 2_000;
/// Notes shown of one patient.
const SHOWN_MAX: i64 = 200;

/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, clinic: ClinicId, patient: PatientId) -> Result<Vec<NoteView>> {
    Ok(patients::notes(&app.store, clinic, patient, SHOWN_MAX).await?)
}

/// Writes a note. `id`: from the form's key, so that a second press finds it written.
///
/// # Errors
/// [`Error::Invalid`] in the field `note`; [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn add(
    app: &App,
    actor: &Actor,
    patient: PatientId,
    id: Option<PatientNoteId>,
    text: &str,
) -> Result<()> {
    let text = checked(text)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let patient = patients::surviving(&mut tx, patient).await?;
    let patient = patient.ok_or(Error::NotFound)?;
    let now = tx.now().await?;
    let id = match id {
        Some(id) => id,
        None => app.fresh(now)?,
    };
    patients::add_note(&mut tx, id, patient, &text, &actor.label, now).await?;
    Ok(tx.commit().await?)
}

fn checked(text: &str) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n");
    let refused = if text.is_empty() {
        "Write something first.".to_owned()
    } else if text.chars().count() > NOTE_CHARS_MAX {
        format!("Use at most {NOTE_CHARS_MAX} characters.")
    } else if text
        .chars()
        .any(|letter| letter.is_control() && letter != '\n')
    {
        "Leave out control characters.".to_owned()
    } else {
        return Ok(text);
    };
    Err(Error::invalid("note", refused))
}

/// Strikes a note through; once struck, it stays so.
///
/// # Errors
/// [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn strike(
    app: &App,
    actor: &Actor,
    patient: PatientId,
    note: PatientNoteId,
) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    if !patients::has_note(&mut tx, note, patient).await? {
        return Err(Error::NotFound);
    }
    let now = tx.now().await?;
    patients::strike_note(&mut tx, note, patient, &actor.label, now).await?;
    Ok(tx.commit().await?)
}
