//! The second person: approves or declines a refund above the clinic's limit (hazard D18).

use remit_core::ids::RefundId;
use remit_core::refunds as rules;
use remit_core::roles::Permission;
use remit_store::account::{Extras, apply, lock_standing};
use remit_store::payments as rows;
use remit_store::refunds;

use crate::{Actor, App, Error, Result, again};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Approve,
    Decline,
}

/// Lets a waiting refund go. It may not be who asked for it.
///
/// # Errors
/// [`Error::Forbidden`], a refusal, [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn approve(app: &App, actor: &Actor, refund: RefundId) -> Result<()> {
    actor.require(Permission::Refund)?;
    decide(app, actor, refund, Decision::Approve).await
}

/// Declines a waiting refund; who asked for it may take it back this way too.
///
/// # Errors
/// [`Error::Forbidden`], a refusal, [`Error::NotFound`]; or the store's.
#[crate::boxed]
pub async fn decline(app: &App, actor: &Actor, refund: RefundId) -> Result<()> {
    let view = super::get(app, actor.clinic, refund).await?;
    if view.refund.asker != actor.scope() {
        actor.require(Permission::Refund)?;
    }
    decide(app, actor, refund, Decision::Decline).await
}

async fn decide(app: &App, actor: &Actor, refund: RefundId, to: Decision) -> Result<()> {
    let place = super::get(app, actor.clinic, refund).await?.appointment;
    again(async || {
        let mut tx = app.store.begin(actor.clinic).await?;
        let (standing, now) = lock_standing(&mut tx, place)
            .await?
            .ok_or(Error::NotFound)?;
        let view = refunds::get_in(&mut tx, refund)
            .await?
            .ok_or(Error::NotFound)?;
        let payment = rows::get_in(&mut tx, view.refund.payment)
            .await?
            .ok_or(Error::NotFound)?;
        let (decision, action) = match to {
            Decision::Approve => {
                let txn = app.fresh(now)?;
                let by = actor.scope();
                let let_go = rules::approve(&standing, &payment, &view.refund, &by, txn)?;
                (let_go, "refund.approved")
            }
            Decision::Decline => (rules::decline(&view.refund)?, "refund.declined"),
        };
        let none = Extras::default();
        apply(&mut tx, &standing, &decision, &none, &actor.label, now).await?;
        let object = refund.to_string();
        remit_store::audit::append(&mut tx, &actor.label, action, &object, now).await?;
        if let Some(link) = payment.link {
            tx.tell(link.to_string());
        }
        Ok(tx.commit().await?)
    })
    .await?;
    tracing::info!(refund.id = %refund, "decided about refund {refund}: {to:?}");
    Ok(())
}
