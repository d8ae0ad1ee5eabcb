//! Refunds: money going back by our will.

use axum::response::Response;
use remit_app::refunds::{self, RefundInput};
use remit_app::views;
use remit_core::ids::{AppointmentId, PaymentId, RefundId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Answer, Call, Id};
use super::money::{MoneyBody, Time};
use super::problem::Problem;
use super::words::RefundStatus;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// Everything that is left without it.
    amount: Option<MoneyBody>,
    reason: Option<String>,
    /// Have the amount owed again, so that it can be paid another way.
    #[serde(default)]
    reopen: bool,
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
    requested_at: Time,
    requested_by: String,
    /// When it succeeded or failed.
    done_at: Option<Time>,
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
            requested_at: Time(refund.requested_at),
            requested_by: view.requested_by,
            done_at: view.done_at.map(Time),
        }
    }
}

/// Refund a payment
///
/// Desk money is handed back by staff and has succeeded at once; online money is pending until its provider has sent it.
#[utoipa::path(post, path = "/payments/{id}/refunds", tag = "Payments", operation_id = "refund_payment", params(("id" = String, Path)),
    request_body(content = Option<NewRefund>), responses((status = 201, body = Refund)))]
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
            seen_available: None,
        };
        let id = refunds::request(&work.app, &work.actor, payment, work.id(), &input).await?;
        let made = refunds::get(&work.app, work.actor.clinic, id).await?;
        Answer::created(&Refund::from(made))
    })
    .await
}
