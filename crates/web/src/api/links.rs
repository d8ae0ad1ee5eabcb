//! Payment links.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use remit_app::views::{Filter, LinkView};
use remit_app::{App, Error, links, qr};
use remit_core::UtcMs;
use remit_core::account::Refusal;
use remit_core::ids::{AppointmentId, ClinicId, LinkId, PatientId, PaymentId};
use remit_core::links::Purpose as Asked;
use remit_core::money::Payable;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::Nothing;
use super::call::{Answer, Call, Id};
use super::deliveries::Delivery;
use super::events::Event;
use super::guard::Caller;
use super::lists::{self, List, Query};
use super::money::{MoneyBody, Time};
use super::problem::Problem;
use super::services::PageQuery;
use super::words::{Badge, Closing, LinkStatus, Purpose};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentLink {
    purpose: Purpose,
    /// For `custom` only: above zero and at most the balance.
    amount: Option<MoneyBody>,
}

impl NewPaymentLink {
    fn asked(&self) -> Result<Asked, Problem> {
        match (self.purpose, &self.amount) {
            (Purpose::Deposit, None) => Ok(Asked::Deposit),
            (Purpose::Balance, None) => Ok(Asked::Balance),
            (Purpose::Custom, Some(amount)) => Payable::parse(amount.money("amount")?)
                .map(Asked::Part)
                .ok_or_else(|| Problem::invalid("amount", "Enter an amount above zero.")),
            (Purpose::Custom, None) => Err(Problem::invalid(
                "amount",
                "Say how much this link asks for.",
            )),
            (Purpose::Deposit | Purpose::Balance, Some(_)) => Err(Problem::invalid(
                "amount",
                "Leave the amount out, or use the purpose `custom`.",
            )),
        }
    }
}

/// One address that lets a patient pay. It works for exactly 48 hours.
#[derive(Serialize, ToSchema)]
pub struct PaymentLink {
    #[schema(value_type = String, example = "lnk_019ab000000070008000000000000001")]
    id: LinkId,
    /// Whoever has it can pay: hand it to the patient only.
    url: String,
    status: LinkStatus,
    badges: Vec<Badge>,
    purpose: Purpose,
    /// What it asks for.
    amount: MoneyBody,
    /// What the patient would pay now: at most the balance, and nothing once the link has ended.
    amount_due: MoneyBody,
    currency: String,
    #[schema(value_type = String)]
    pub(super) appointment_id: AppointmentId,
    #[schema(value_type = String)]
    patient_id: PatientId,
    patient_name: String,
    /// Short text that staff and patient can read to each other.
    reference: String,
    created_at: Time,
    created_by: String,
    expires_at: Time,
    sent_at: Option<Time>,
    accessed_at: Option<Time>,
    paid_at: Option<Time>,
    closed_at: Option<Time>,
    /// Why it ended without money.
    closed_because: Option<Closing>,
    /// When the patient asked for a new one.
    asked_again_at: Option<Time>,
    /// Oldest first.
    deliveries: Vec<Delivery>,
    /// What was paid through it, oldest first.
    #[schema(value_type = Vec<String>)]
    payment_ids: Vec<PaymentId>,
}

fn shown(
    app: &App,
    clinic: ClinicId,
    view: LinkView,
    deliveries: Vec<Delivery>,
    payment_ids: Vec<PaymentId>,
    now: UtcMs,
) -> Result<PaymentLink, Problem> {
    let state = view.shown(now);
    let due = if state.is_open() {
        view.amount_due()
    } else {
        view.amount.with(0)
    };
    Ok(PaymentLink {
        id: view.id,
        url: links::url(app, clinic, &view)?,
        status: state.into(),
        badges: view.badges().into_iter().map(Into::into).collect(),
        purpose: view.purpose.into(),
        amount: view.amount.into(),
        amount_due: due.into(),
        currency: view.amount.currency.code().to_owned(),
        appointment_id: view.appointment,
        patient_id: view.patient,
        patient_name: view.patient_name,
        reference: view.reference,
        created_at: Time(view.created_at),
        created_by: view.created_by,
        expires_at: Time(view.expires_at),
        sent_at: view.sent_at.map(Time),
        accessed_at: view.accessed_at.map(Time),
        paid_at: view.paid_at.map(Time),
        closed_at: view.closed_at.map(Time),
        closed_because: view.why.map(Into::into),
        asked_again_at: view.asked_at.map(Time),
        deliveries,
        payment_ids,
    })
}

/// Links as they stand at one moment. Their deliveries and payments are read in one statement each, and only of links
/// that have some.
///
/// # Errors
/// The store's, or a token that this master key does not open.
pub(super) async fn shown_all(
    app: &App,
    clinic: ClinicId,
    views: Vec<LinkView>,
) -> Result<Vec<PaymentLink>, Problem> {
    if views.is_empty() {
        return Ok(vec![]);
    }
    let now = app.now().await?;
    let with = |has: fn(&LinkView) -> bool| -> Vec<LinkId> {
        let some = views.iter().filter(|view| has(view));
        some.map(|view| view.id).collect()
    };
    let rows = match with(|view| view.sent_by.is_some()).as_slice() {
        [] => vec![],
        ids => remit_app::deliveries::of_links(app, clinic, ids).await?,
    };
    let mut deliveries = lists::grouped(rows.into_iter().map(|row| (row.link, row.into())));
    let rows = match with(|view| view.captured > 0).as_slice() {
        [] => vec![],
        ids => remit_app::payments::of_links(app, clinic, ids).await?,
    };
    let paid = rows.into_iter().map(|row| row.payment);
    let mut paid = lists::grouped(paid.filter_map(|row| Some((row.link?, row.id))));
    let shown = views.into_iter().map(|view| {
        let of = deliveries.remove(&view.id).unwrap_or_default();
        let paid = paid.remove(&view.id).unwrap_or_default();
        shown(app, clinic, view, of, paid, now)
    });
    shown.collect()
}

async fn read(app: &App, clinic: ClinicId, id: LinkId) -> Result<PaymentLink, Problem> {
    let view = links::get(app, clinic, id).await?;
    let one = shown_all(app, clinic, vec![view]).await?.pop();
    one.ok_or_else(Problem::not_found)
}

/// Issue a payment link
///
/// An open link of the appointment is cancelled in the same breath. 409 when nothing is due.
#[utoipa::path(post, path = "/appointments/{id}/payment-links", tag = "Payment links", operation_id = "create_payment_link",
    params(("id" = String, Path)), request_body = NewPaymentLink,
    responses((status = 201, body = PaymentLink)))]
pub async fn issue(
    Id(appointment): Id<AppointmentId>,
    call: Call<NewPaymentLink>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let asked = work.body.asked()?;
        let id = links::issue(&work.app, &work.actor, appointment, work.id(), asked).await?;
        Answer::created(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentLinkQuery {
    #[param(value_type = Option<LinkStatus>)]
    status: Option<String>,
    patient_id: Option<String>,
    appointment_id: Option<String>,
    /// Created at or after; RFC 3339.
    created_from: Option<String>,
    /// Created before; RFC 3339.
    created_to: Option<String>,
    /// Starts of words of the patient's name, of the email address or number, or of the reference.
    q: Option<String>,
    /// 1 to 200; 50 without it.
    limit: Option<String>,
    cursor: Option<String>,
}

impl PaymentLinkQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        Ok(Filter {
            status: lists::word::<LinkStatus>("status", &self.status)?.map(Into::into),
            open: false,
            purpose: None,
            patient: lists::id("patient_id", &self.patient_id)?,
            appointment: lists::id("appointment_id", &self.appointment_id)?,
            created_from: lists::moment("created_from", &self.created_from)?,
            created_to: lists::moment("created_to", &self.created_to)?,
            q: lists::given(&self.q).map(str::to_owned),
        })
    }
}

/// List or search payment links
///
/// Newest first.
#[utoipa::path(get, path = "/payment-links", tag = "Payment links", params(PaymentLinkQuery),
    operation_id = "list_payment_links", responses((status = 200, body = List<PaymentLink>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<PaymentLinkQuery>,
) -> Result<Json<List<PaymentLink>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let after = lists::cursor(&query.cursor)?;
    let filter = query.filter()?;
    let (page, next) = links::list(&app, actor.clinic, &filter, after.as_ref(), limit).await?;
    Ok(Json(List {
        data: shown_all(&app, actor.clinic, page).await?,
        next_cursor: next.as_ref().map(lists::written),
    }))
}

/// Read a payment link
#[utoipa::path(get, path = "/payment-links/{id}", tag = "Payment links", params(("id" = String, Path)),
    operation_id = "get_payment_link", responses((status = 200, body = PaymentLink)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<LinkId>,
    _: lists::NoQuery,
) -> Result<Json<PaymentLink>, Problem> {
    Ok(Json(read(&app, actor.clinic, id).await?))
}

async fn url(app: &App, clinic: ClinicId, id: LinkId) -> Result<String, Problem> {
    let view = links::get(app, clinic, id).await?;
    Ok(links::url(app, clinic, &view)?)
}

/// The address as a QR code, SVG
#[utoipa::path(get, path = "/payment-links/{id}/qr.svg", tag = "Payment links", operation_id = "get_payment_link_qr_svg", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "image/svg+xml")))]
pub async fn qr_svg(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<LinkId>,
    _: lists::NoQuery,
) -> Result<impl IntoResponse, Problem> {
    let svg = qr::svg(&url(&app, actor.clinic, id).await?)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], svg))
}

/// The address as a QR code, PNG
#[utoipa::path(get, path = "/payment-links/{id}/qr.png", tag = "Payment links", operation_id = "get_payment_link_qr_png", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "image/png")))]
pub async fn qr_png(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<LinkId>,
    _: lists::NoQuery,
) -> Result<impl IntoResponse, Problem> {
    let png = qr::png(&url(&app, actor.clinic, id).await?)?;
    Ok(([(CONTENT_TYPE, "image/png")], png))
}

/// A payment link's timeline
///
/// Newest first, at most the latest 200.
#[utoipa::path(get, path = "/payment-links/{id}/events", tag = "Payment links", operation_id = "list_payment_link_events",
    params(("id" = String, Path), PageQuery), responses((status = 200, body = List<Event>)))]
pub async fn timeline(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<LinkId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Event>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let after = lists::cursor(&query.cursor)?;
    // An unknown link has no timeline, not an empty one.
    links::get(&app, actor.clinic, id).await?;
    let all = links::timeline(&app, actor.clinic, id).await?;
    let (page, next_cursor) =
        lists::paged(all, limit, after.as_ref(), |event| event.id.to_string());
    Ok(Json(List {
        data: page.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Cancel a payment link
///
/// One that is cancelled already stays so, whatever cancelled it.
#[utoipa::path(post, path = "/payment-links/{id}/cancel", tag = "Payment links", operation_id = "cancel_payment_link", params(("id" = String, Path)),
    request_body(content = Option<Nothing>), responses((status = 200, body = PaymentLink)))]
pub async fn cancel(Id(id): Id<LinkId>, call: Call<Nothing>) -> Result<Response, Problem> {
    call.run(async move |work| {
        match links::cancel(&work.app, &work.actor, id).await {
            Ok(()) | Err(Error::Refused(Refusal::LinkCancelled)) => {}
            Err(error) => return Err(error.into()),
        }
        Answer::ok(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}

/// Make a new link for an expired or cancelled one
///
/// For the same purpose and what is due of it now. The old address never works again.
#[utoipa::path(post, path = "/payment-links/{id}/renew", tag = "Payment links", operation_id = "renew_payment_link", params(("id" = String, Path)),
    request_body(content = Option<Nothing>), responses((status = 201, body = PaymentLink)))]
pub async fn renew(Id(id): Id<LinkId>, call: Call<Nothing>) -> Result<Response, Problem> {
    call.run(async move |work| {
        let fresh = links::renew(&work.app, &work.actor, id, work.id()).await?;
        Answer::created(&read(&work.app, work.actor.clinic, fresh).await?)
    })
    .await
}
