//! Refunds: money going back by our will.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::refunds::{self, RefundInput};
use remit_app::{App, clinics, views};
use remit_core::ids::{AppointmentId, PaymentId, RefundId};
use remit_core::money::{Currency, Money};
use remit_core::refunds::Limits;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists;
use super::methods::limit;
use super::money::{MoneyBody, Time};
use super::problem::Problem;
use super::words::{Approval, RefundStatus};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// Everything that is left without it.
    amount: Option<MoneyBody>,
    reason: Option<String>,
    /// Have the amount owed again, so that it can be paid another way.
    #[serde(default)]
    reopen: bool,
    /// No money goes back: a payment taken at the desk was recorded by mistake. The whole of it is owed again, and a
    /// `reason` is needed.
    #[serde(default)]
    correction: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Refund {
    #[schema(value_type = String, example = "ref_019ab000000070008000000000000001")]
    id: RefundId,
    status: RefundStatus,
    amount: MoneyBody,
    reason: Option<String>,
    #[schema(value_type = String)]
    payment_id: PaymentId,
    #[schema(value_type = String)]
    appointment_id: AppointmentId,
    /// Whether the amount is owed again.
    reopen: bool,
    /// Whether it only undoes what was recorded by mistake.
    correction: bool,
    requested_at: Time,
    requested_by: String,
    /// When it succeeded or failed.
    done_at: Option<Time>,
    /// Null where no second person is needed. While it is `needed` nothing moves, and the status is `pending`; what was
    /// `declined` has `failed`.
    approval: Option<Approval>,
    /// Who approved or declined it.
    decided_by: Option<String>,
}

impl From<views::RefundView> for Refund {
    fn from(view: views::RefundView) -> Refund {
        let refund = view.refund;
        Refund {
            id: refund.id,
            status: refund.state.into(),
            amount: refund.amount.into(),
            reason: refund.reason,
            payment_id: refund.payment,
            appointment_id: view.appointment,
            reopen: refund.reopen,
            correction: refund.correction,
            requested_at: Time(refund.requested_at),
            requested_by: view.requested_by,
            done_at: view.done_at.map(Time),
            approval: refund.approval.map(Approval::from),
            decided_by: view.decided_by,
        }
    }
}

/// Refund a payment
///
/// Desk money is handed back by staff and has succeeded at once; online money is pending until its provider has sent
/// it. Above the clinic's limit the answer is 202 with `approval: needed`: another person has to approve it first.
#[utoipa::path(post, path = "/payments/{id}/refunds", tag = "Payments", operation_id = "refund_payment", params(("id" = String, Path)),
    request_body(content = Option<NewRefund>), responses((status = 201, body = Refund), (status = 202, body = Refund)))]
pub async fn request(
    Id(payment): Id<PaymentId>,
    call: Call<NewRefund>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let amount = work.body.amount.as_ref();
        let input = RefundInput {
            amount: amount.map(|amount| amount.money("amount")).transpose()?,
            reason: work.body.reason.clone(),
            reopen: work.body.reopen,
            correction: work.body.correction,
            seen_available: None,
        };
        let id = refunds::request(&work.app, &work.actor, payment, work.id(), &input).await?;
        let made = refunds::get(&work.app, work.actor.clinic, id).await?;
        if made.refund.waits_for_approval() {
            return Answer::accepted(&Refund::from(made));
        }
        Answer::created(&Refund::from(made))
    })
    .await
}

/// Read a refund
#[utoipa::path(get, path = "/refunds/{id}", tag = "Payments", params(("id" = String, Path)),
    operation_id = "get_refund", responses((status = 200, body = Refund)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<RefundId>,
    _: lists::NoQuery,
) -> Result<Json<Refund>, Problem> {
    Ok(Json(refunds::get(&app, actor.clinic, id).await?.into()))
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Approved,
    Declined,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    decision: Verdict,
}

/// Approve or decline a refund
///
/// For a refund whose `approval` is `needed`. Approving takes a manager or owner other than who asked for it; who asked
/// may decline it, which takes it back.
#[utoipa::path(post, path = "/refunds/{id}/approval", tag = "Payments", operation_id = "decide_refund", params(("id" = String, Path)),
    request_body = Decision, responses((status = 200, body = Refund)))]
pub async fn decide(Id(id): Id<RefundId>, call: Call<Decision>) -> Result<Response, Problem> {
    call.run(async move |work| {
        match work.body.decision {
            Verdict::Approved => refunds::approve(&work.app, &work.actor, id).await?,
            Verdict::Declined => refunds::decline(&work.app, &work.actor, id).await?,
        }
        let decided = refunds::get(&work.app, work.actor.clinic, id).await?;
        Answer::ok(&Refund::from(decided))
    })
    .await
}

/// How much may be refunded without whom; counted over all refunds of one payment.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLimits {
    /// Reception refunds up to this; above it a manager has to approve. Null: reception does not refund.
    reception_max: Option<MoneyBody>,
    /// Above this a second person has to approve, whoever asks. Null: nobody has to.
    approval_above: Option<MoneyBody>,
    /// What was paid too much goes back by itself, within the limits. Off: it stays as the patient's credit, with a finding.
    #[serde(default)]
    auto_refund: bool,
}

impl RefundLimits {
    fn of(limits: Limits, auto_refund: bool, currency: Currency) -> RefundLimits {
        let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, currency).into());
        RefundLimits {
            reception_max: money(limits.reception_max),
            approval_above: money(limits.approval_above),
            auto_refund,
        }
    }

    fn limits(&self, currency: Currency) -> Result<Limits, Problem> {
        Ok(Limits {
            reception_max: limit("reception_max", self.reception_max.as_ref(), currency)?,
            approval_above: limit("approval_above", self.approval_above.as_ref(), currency)?,
        })
    }
}

/// Read the refund limits
#[utoipa::path(get, path = "/settings/refunds", tag = "Settings", operation_id = "get_refund_limits",
    responses((status = 200, body = RefundLimits)))]
pub async fn limits(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<RefundLimits>, Problem> {
    let context = clinics::context(&app, actor.clinic).await?;
    let (auto_refund, currency) = (context.clinic.auto_refund, context.clinic.currency);
    let limits = RefundLimits::of(context.refund_limits, auto_refund, currency);
    Ok(Json(limits))
}

/// Change the refund limits
///
/// What is left out is switched off.
#[utoipa::path(put, path = "/settings/refunds", tag = "Settings", operation_id = "change_refund_limits", request_body = RefundLimits,
    responses((status = 200, body = RefundLimits)))]
pub async fn change_limits(call: Call<RefundLimits>) -> Result<Response, Problem> {
    call.run(async |work| {
        let context = clinics::context(&work.app, work.actor.clinic).await?;
        let currency = context.clinic.currency;
        let limits = work.body.limits(currency)?;
        let auto_refund = work.body.auto_refund;
        refunds::set_limits(&work.app, &work.actor, limits, auto_refund).await?;
        Answer::ok(&RefundLimits::of(limits, auto_refund, currency))
    })
    .await
}
