//! R4: the invariants of the live data, looked at by themselves; what is broken is a finding until it holds again.

use std::collections::BTreeMap;

use remit_core::account::{Finding, FindingKind};
use remit_core::ids::ClinicId;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use remit_store::check::{self, Verdict};
use remit_store::{findings, installation};

use crate::{App, Result, clinics};

/// Nodes that wake a little early must not make it twice.
const SLACK_MS: i64 = 5 * MINUTE_MS;

/// Checks what the database can say by itself; once an hour, by whichever node comes first. Answers how many
/// invariants are broken.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn check_invariants(app: &App) -> Result<usize> {
    if !turn(app, "invariants", HOUR_MS).await? {
        return Ok(0);
    }
    let verdicts = check::rows(&app.store).await?;
    report(app, &verdicts).await
}

/// Recomputes every hash chain; once a day, by whichever node comes first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn check_chains(app: &App) -> Result<usize> {
    if !turn(app, "chains", DAY_MS).await? {
        return Ok(0);
    }
    let verdicts = check::chains(&app.store).await?;
    report(app, &verdicts).await
}

/// Checks now, because somebody asked: all that the finding about `name` needs. What holds again is closed.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn check_again(app: &App, name: &str) -> Result<()> {
    let mut verdicts = check::rows(&app.store).await?;
    if !verdicts.iter().any(|verdict| verdict.name == name) {
        verdicts = check::chains(&app.store).await?;
    }
    report(app, &verdicts).await.map(drop)
}

async fn turn(app: &App, name: &str, every_ms: i64) -> Result<bool> {
    let mut tx = app.store.begin_installation().await?;
    let now: UtcMs = tx.now().await?;
    let before = now - every_ms + SLACK_MS;
    let ours = installation::claim(&mut tx, name, &app.node, now, before).await?;
    tx.commit().await?;
    Ok(ours)
}

/// Opens a finding per clinic and broken invariant, and closes those that hold again.
async fn report(app: &App, verdicts: &[Verdict]) -> Result<usize> {
    let broken = verdicts.iter().filter(|verdict| !verdict.broken.is_empty());
    let broken = broken.count();
    if broken > 0 {
        tracing::error!("{broken} invariants are broken: run `remit check`");
    }
    for clinic in clinics::list(app).await? {
        let open =
            findings::open_about(&app.store, clinic.id, FindingKind::BrokenInvariant).await?;
        let ours = of_clinic(verdicts, clinic.id);
        if open.is_empty() && ours.is_empty() {
            continue;
        }
        let mut tx = app.store.begin(clinic.id).await?;
        let now = tx.now().await?;
        for verdict in verdicts {
            let kind = FindingKind::BrokenInvariant;
            match ours.get(verdict.name) {
                Some(places) => {
                    let finding = Finding {
                        kind,
                        about: verdict.name.into(),
                        amount: None,
                        detail: format!("{}: broken in {places} places or more.", verdict.name),
                    };
                    findings::stands(&mut tx, &finding, None, now).await?;
                }
                None if open.iter().any(|about| about == verdict.name) => {
                    findings::close_about(&mut tx, kind, verdict.name, "Remit", now).await?;
                }
                None => {}
            }
        }
        tx.commit().await?;
    }
    Ok(broken)
}

/// How many places of a clinic break which invariant; each place begins with its clinic.
fn of_clinic(verdicts: &[Verdict], clinic: ClinicId) -> BTreeMap<&'static str, usize> {
    let clinic = clinic.to_string();
    let mut found = BTreeMap::new();
    for verdict in verdicts {
        let places = verdict
            .broken
            .iter()
            .filter(|what| what.starts_with(&clinic));
        let places = places.count();
        if places > 0 {
            found.insert(verdict.name, places);
        }
    }
    found
}
