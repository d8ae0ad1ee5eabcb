//! Notifications: what staff should hear of while they do something else. Read from the timeline and the findings, with
//! how far each person has read.

use remit_core::UtcMs;
use remit_core::account::FindingKind;
use remit_core::ids::{AppointmentId, LinkId};
use remit_core::money::{Currency, Money};
use remit_store::notifications::{self, NotableEvent, NotableFinding};
use serde_json::Value;

use crate::actor::Who;
use crate::{Actor, App, Result};

/// Unread ones are counted up to this many of the timeline and as many findings.
pub const UNREAD_MAX: i64 = 100;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Paid { late: bool },
    AskedForNewLink,
    DeliveryFailed,
    ReceiptFailed,
    Disputed,
    RefundFailed,
    Finding(FindingKind),
}

/// One thing to hear of.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The event's or the finding's.
    pub id: String,
    pub at: UtcMs,
    pub kind: Kind,
    pub patient: Option<String>,
    pub money: Option<Money>,
    /// Why something failed, or how a dispute stands, as it was written down.
    pub reason: Option<String>,
    pub appointment: Option<AppointmentId>,
    pub link: Option<LinkId>,
    /// The payment's id, where it is about one.
    pub payment: Option<String>,
    pub unread: bool,
}

/// The latest, newest first.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn list(app: &App, actor: &Actor, limit: i64) -> Result<Vec<Notification>> {
    let seen = seen_until(app, actor).await?;
    let events = notifications::events(&app.store, actor.clinic, limit).await?;
    let findings = notifications::findings(&app.store, actor.clinic, limit).await?;
    let mut all: Vec<Notification> = events
        .into_iter()
        .filter_map(|event| happened(event, seen))
        .chain(findings.into_iter().map(|finding| found(finding, seen)))
        .collect();
    all.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    all.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(all)
}

fn happened(notable: NotableEvent, seen: UtcMs) -> Option<Notification> {
    let NotableEvent { event, patient } = notable;
    let data = &event.data;
    let kind = match event.kind.as_str() {
        "payment_link.paid" => Kind::Paid {
            late: data["late"] == true,
        },
        "payment_link.asked_again" => Kind::AskedForNewLink,
        "delivery.failed" => Kind::DeliveryFailed,
        "receipt.failed" => Kind::ReceiptFailed,
        "payment.disputed" => Kind::Disputed,
        "refund.failed" => Kind::RefundFailed,
        // Another release's word.
        _ => return None,
    };
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    let reason = match kind {
        Kind::Disputed => text("status"),
        _ => text("reason"),
    };
    Some(Notification {
        id: event.id.to_string(),
        at: event.at,
        kind,
        patient,
        money: money(&data["money"]),
        reason,
        appointment: event.appointment,
        link: event.link,
        payment: text("payment"),
        unread: event.at > seen,
    })
}

fn found(finding: NotableFinding, seen: UtcMs) -> Notification {
    Notification {
        id: finding.id.to_string(),
        at: finding.at,
        kind: Kind::Finding(finding.kind),
        patient: finding.patient,
        money: finding.amount,
        reason: None,
        appointment: finding.appointment,
        link: None,
        payment: None,
        unread: finding.at > seen,
    }
}

fn money(data: &Value) -> Option<Money> {
    let currency = Currency::parse(data["currency"].as_str()?)?;
    Some(Money::new(data["amount"].as_i64()?, currency))
}

async fn seen_until(app: &App, actor: &Actor) -> Result<UtcMs> {
    match actor.who {
        Who::Staff(staff) => Ok(notifications::seen_until(&app.store, actor.clinic, staff).await?),
        Who::ApiKey(_) | Who::Patient | Who::Remit => Ok(UtcMs::MAX),
    }
}

/// How many a person has not read, counted up to [`UNREAD_MAX`] of each kind.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn unread(app: &App, actor: &Actor) -> Result<i64> {
    let seen = seen_until(app, actor).await?;
    Ok(notifications::unread(&app.store, actor.clinic, seen, UNREAD_MAX).await?)
}

/// Notes that a person has read everything until a moment, which is never later than now.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn mark_read(app: &App, actor: &Actor, until: UtcMs) -> Result<()> {
    let Who::Staff(staff) = actor.who else {
        return Ok(());
    };
    let mut tx = app.store.begin(actor.clinic).await?;
    let until = until.min(tx.now().await?);
    notifications::mark(&mut tx, staff, until).await?;
    Ok(tx.commit().await?)
}
