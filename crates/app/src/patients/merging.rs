//! Two records of one person become one: what the duplicate holds moves in one transaction, and its address leads on.

use remit_core::ids::PatientId;
use remit_store::audit;
use remit_store::patients::{self, Patient, State};

use super::unchanged;
use crate::{Actor, App, Error, Result, again, clinics};

/// Whose value of each detail stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Kept,
    Duplicate,
}

/// What somebody chose who looked at both.
#[derive(Clone, Copy, Debug)]
pub struct Merge {
    pub kept: PatientId,
    pub duplicate: PatientId,
    /// The versions that were looked at.
    pub kept_version: i64,
    pub duplicate_version: i64,
    pub name: Side,
    pub phone: Side,
    pub email: Side,
    pub locale: Side,
}

fn refused(why: &str) -> Error {
    Error::invalid("with", why)
}

/// Merges the duplicate into the record that is kept. It cannot be undone: the appointments of both are one person's from
/// then on.
///
/// # Errors
/// [`Error::Invalid`] in the field `with`; [`Error::ChangedMeanwhile`]; [`Error::NotFound`] for a record of another clinic;
/// or the store's.
#[crate::boxed]
pub async fn merge(app: &App, actor: &Actor, wish: &Merge) -> Result<()> {
    if wish.kept == wish.duplicate {
        return Err(refused("Choose another record than this one."));
    }
    again(|| merge_once(app, actor, wish)).await
}

async fn merge_once(app: &App, actor: &Actor, wish: &Merge) -> Result<()> {
    let context = clinics::context(app, actor.clinic).await?;
    let currency = context.clinic.currency.code();
    let mut tx = app.store.begin(actor.clinic).await?;
    patients::lock_balances(&mut tx, wish.duplicate).await?;
    // In the order of their ids, so that two who merge the same pair crosswise do not wait for each other.
    for id in [wish.kept.min(wish.duplicate), wish.kept.max(wish.duplicate)] {
        let version = if id == wish.kept {
            wish.kept_version
        } else {
            wish.duplicate_version
        };
        let State { merged_into, .. } = unchanged(&mut tx, id, Some(version)).await?;
        if merged_into.is_some() {
            return Err(refused("This record was merged before."));
        }
        if patients::has_other_currency(&mut tx, id, currency).await? {
            return Err(refused(
                "These records hold money in different currencies, so they stay apart.",
            ));
        }
    }
    let kept = patients::get_in(&mut tx, wish.kept).await?;
    let old = patients::get_in(&mut tx, wish.duplicate).await?;
    let (kept, old) = kept.zip(old).ok_or(Error::NotFound)?;
    let now = tx.now().await?;
    patients::merge(&mut tx, old.id, kept.id, &actor.label, now).await?;
    // After the duplicate leads on, so that what it was found by is taken over.
    let merged = chosen(kept, old, wish);
    patients::update(&mut tx, &merged, &actor.label, now).await?;
    let what = format!("{} into {}", wish.duplicate, wish.kept);
    audit::append(&mut tx, &actor.label, "patient.merged", &what, now).await?;
    tx.commit().await?;
    tracing::info!(patient.id = %wish.kept, "merged {what}");
    Ok(())
}

fn chosen(kept: Patient, old: Patient, wish: &Merge) -> Patient {
    fn of<T>(side: Side, kept: T, old: T) -> T {
        match side {
            Side::Kept => kept,
            Side::Duplicate => old,
        }
    }
    Patient {
        id: kept.id,
        name: of(wish.name, kept.name, old.name),
        phone: of(wish.phone, kept.phone, old.phone),
        email: of(wish.email, kept.email, old.email),
        locale: of(wish.locale, kept.locale, old.locale),
        created_at: kept.created_at.min(old.created_at),
    }
}
