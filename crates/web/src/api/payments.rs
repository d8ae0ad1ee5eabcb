//! Payments: money received.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::payments::{self, Checkout, DeskInput};
use remit_app::{App, views};
use remit_core::UtcMs;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PaymentId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists::{self, List, Query};
use super::money::{MoneyBody, Time};
use super::problem::Problem;
use super::refunds::Refund;
use super::words::{DeskMethodWord, DisputeStatus, PaymentMethod};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    method: DeskMethodWord,
    /// Above zero. More than is due becomes the patient's credit.
    amount: MoneyBody,
    /// The terminal's or bank's reference.
    reference: Option<String>,
    /// Record it although an online payment is under way that its provider cannot be asked to close.
    #[serde(default)]
    despite_live_payment: bool,
}

/// Money received, online or at the desk.
#[derive(Serialize, ToSchema)]
pub struct Payment {
    #[schema(value_type = String, example = "pay_019ab000000070008000000000000001")]
    id: PaymentId,
    method: PaymentMethod,
    /// Null at the desk.
    provider: Option<String>,
    /// The provider's own id of the payment.
    provider_payment_id: Option<String>,
    amount: MoneyBody,
    /// What went back of it.
    refunded: MoneyBody,
    /// What can still be refunded.
    refundable: MoneyBody,
    received_at: Time,
    received_by: String,
    /// At the desk what was noted; online what it was paid with.
    reference: Option<String>,
    #[schema(value_type = String)]
    pub(super) appointment_id: AppointmentId,
    #[schema(value_type = Option<String>)]
    payment_link_id: Option<LinkId>,
    /// Oldest first.
    refunds: Vec<Refund>,
    /// Oldest first. While one is open nothing of the payment can be refunded.
    disputes: Vec<Dispute>,
}

/// What the payer's bank disputes.
#[derive(Serialize, ToSchema)]
pub struct Dispute {
    /// The provider's own id.
    id: String,
    status: DisputeStatus,
    amount: MoneyBody,
    /// What the bank holds of it, or has kept.
    withdrawn: MoneyBody,
    reason: String,
    /// The provider must have the evidence by then; null when nothing can be sent any more.
    evidence_due_by: Option<Time>,
    opened_at: Time,
    closed_at: Option<Time>,
}

impl From<views::DisputeView> for Dispute {
    fn from(view: views::DisputeView) -> Dispute {
        let dispute = view.dispute;
        Dispute {
            id: dispute.dispute_id,
            status: dispute.state.into(),
            amount: dispute.amount.into(),
            withdrawn: dispute.withdrawn.into(),
            reason: dispute.reason,
            evidence_due_by: dispute.due_by.map(Time),
            opened_at: Time(dispute.opened_at),
            closed_at: dispute.closed_at.map(Time),
        }
    }
}

fn shown(view: views::PaymentView, refunds: Vec<Refund>, disputes: Vec<Dispute>) -> Payment {
    let payment = view.payment;
    Payment {
        refundable: payment.available().into(),
        id: payment.id,
        method: payment.paid_by.into(),
        provider: payment.provider.as_ref().map(|at| at.provider.clone()),
        provider_payment_id: payment.provider.map(|at| at.payment_id),
        amount: payment.amount.into(),
        refunded: view.refunded.into(),
        received_at: Time(payment.received_at),
        received_by: view.received_by,
        reference: payment.reference,
        appointment_id: payment.appointment,
        payment_link_id: payment.link,
        refunds,
        disputes,
    }
}

/// Payments with their refunds and disputes, each read by one statement for all of them.
///
/// # Errors
/// The store's.
pub(super) async fn shown_all(
    app: &App,
    clinic: ClinicId,
    views: Vec<views::PaymentView>,
) -> Result<Vec<Payment>, Problem> {
    let ids: Vec<PaymentId> = views.iter().map(|view| view.payment.id).collect();
    let rows = match ids.as_slice() {
        [] => vec![],
        ids => remit_app::refunds::of_payments(app, clinic, ids).await?,
    };
    let mut refunds = lists::grouped(rows.into_iter().map(|row| (row.refund.payment, row.into())));
    let rows = remit_app::disputes::of_payments(app, clinic, &ids).await?;
    let mut disputes = lists::grouped(
        rows.into_iter()
            .map(|row| (row.dispute.payment, row.into())),
    );
    let shown = views.into_iter().map(|view| {
        let of = refunds.remove(&view.payment.id).unwrap_or_default();
        let disputed = disputes.remove(&view.payment.id).unwrap_or_default();
        shown(view, of, disputed)
    });
    Ok(shown.collect())
}

async fn read(app: &App, clinic: ClinicId, id: PaymentId) -> Result<Payment, Problem> {
    let view = payments::get(app, clinic, id).await?;
    let one = shown_all(app, clinic, vec![view]).await?.pop();
    one.ok_or_else(Problem::not_found)
}

/// Record a payment at the desk
#[utoipa::path(post, path = "/appointments/{id}/payments", tag = "Payments", operation_id = "record_payment", params(("id" = String, Path)),
    request_body = NewPayment, responses((status = 201, body = Payment)))]
pub async fn take(
    Id(appointment): Id<AppointmentId>,
    call: Call<NewPayment>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = Checkout {
            taken: vec![DeskInput {
                method: work.body.method.into(),
                amount: work.body.amount.money("amount")?,
                reference: work.body.reference.clone(),
            }],
            link: None,
            despite_live_payment: work.body.despite_live_payment,
        };
        let made =
            payments::check_out(&work.app, &work.actor, appointment, work.id(), &input).await?;
        let id = made.payments.first().copied();
        let id = id.ok_or_else(|| Problem::internal(&"a checkout made no payment"))?;
        Answer::created(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentQuery {
    appointment_id: Option<String>,
    /// Received at or after; RFC 3339.
    from: Option<String>,
    /// Received before; RFC 3339.
    to: Option<String>,
    /// 1 to 200; 50 without it.
    limit: Option<String>,
    cursor: Option<String>,
}

/// List payments
///
/// Newest first; an appointment's own, oldest first.
#[utoipa::path(get, path = "/payments", tag = "Payments", params(PaymentQuery), operation_id = "list_payments",
    responses((status = 200, body = List<Payment>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<PaymentQuery>,
) -> Result<Json<List<Payment>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let after = lists::cursor(&query.cursor)?;
    let from = lists::moment("from", &query.from)?.unwrap_or(UtcMs::MIN);
    let to = lists::moment("to", &query.to)?.unwrap_or(UtcMs::MAX);
    let appointment = lists::id("appointment_id", &query.appointment_id)?;
    let (page, next_cursor) = match appointment {
        Some(appointment) => {
            let mut rows = payments::of_appointment(&app, actor.clinic, appointment).await?;
            rows.retain(|row| (from..to).contains(&row.payment.received_at));
            lists::paged(rows, limit, after.as_ref(), |row| {
                row.payment.id.to_string()
            })
        }
        None => {
            // A cursor of another span never widens this one.
            let after = after.filter(|cursor| cursor.at < to);
            let span = (from, to);
            let (rows, next) =
                payments::list(&app, actor.clinic, after.as_ref(), span, limit).await?;
            (rows, next.as_ref().map(lists::written))
        }
    };
    Ok(Json(List {
        data: shown_all(&app, actor.clinic, page).await?,
        next_cursor,
    }))
}

/// Read a payment
#[utoipa::path(get, path = "/payments/{id}", tag = "Payments", params(("id" = String, Path)),
    operation_id = "get_payment", responses((status = 200, body = Payment)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<PaymentId>,
    _: lists::NoQuery,
) -> Result<Json<Payment>, Problem> {
    Ok(Json(read(&app, actor.clinic, id).await?))
}
