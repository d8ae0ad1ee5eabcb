//! Appointments with their charges.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::appointments::{self, AppointmentChange, BookingInput, ChargeInput};
use remit_app::{App, views};
use remit_core::UtcMs;
use remit_core::appointments::Charge as ChargeRow;
use remit_core::ids::{AppointmentId, ChargeId, ClinicId, PatientId, PractitionerId, ServiceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::body::not_null;
use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::links::{self, PaymentLink};
use super::lists::{self, List, Query};
use super::money::{DiaryTime, MoneyBody, Time};
use super::payments::{self, Payment};
use super::problem::Problem;
use super::words::{AppointmentStatus, ChargeKind, PaidIs};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppointment {
    #[schema(value_type = String)]
    patient_id: PatientId,
    /// One to twenty.
    #[schema(value_type = Vec<String>)]
    service_ids: Vec<ServiceId>,
    #[schema(value_type = Option<String>)]
    practitioner_id: Option<PractitionerId>,
    starts_at: Time,
    /// Book although the practitioner has another appointment then, is away or does not work: yes unless said
    /// otherwise, since the practice's own system may know what a diary does not.
    #[schema(nullable = false)]
    despite_overlap: Option<bool>,
}

/// A field that is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedAppointment {
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    status: Option<AppointmentStatus>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    starts_at: Option<Time>,
    /// 5 to 720.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    duration_minutes: Option<i64>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, value_type = Option<String>)]
    practitioner_id: Option<PractitionerId>,
    /// What becomes of what is paid, together with the status `cancelled` or `no_show`; nothing stays due then.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    paid_is: Option<PaidIs>,
    /// As it was read: refused when somebody has moved the appointment or changed its status since.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    revision: Option<i64>,
    /// Move although the practitioner has another appointment then, is away or does not work: yes unless said
    /// otherwise, as for booking.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    despite_overlap: Option<bool>,
    /// Go on although an online payment is under way that its provider cannot be asked to close.
    #[serde(default)]
    despite_live_payment: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCharge {
    description: String,
    /// How many it is for, 1 to 999; left out: one.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false, minimum = 1, maximum = 999)]
    quantity: Option<u32>,
    /// Of all of them. Negative: a discount.
    amount: MoneyBody,
    /// Go on although an online payment is under way that its provider cannot be asked to close.
    #[serde(default)]
    despite_live_payment: bool,
}

/// A line that the appointment costs.
#[derive(Serialize, ToSchema)]
pub struct Charge {
    #[schema(value_type = String, example = "chg_019ab000000070008000000000000001")]
    id: ChargeId,
    kind: ChargeKind,
    description: String,
    quantity: u32,
    /// Of all of them. Negative: a discount.
    amount: MoneyBody,
    #[schema(value_type = Option<String>)]
    service_id: Option<ServiceId>,
}

impl From<ChargeRow> for Charge {
    fn from(charge: ChargeRow) -> Charge {
        Charge {
            id: charge.id,
            kind: charge.kind.into(),
            description: charge.description,
            quantity: charge.quantity,
            amount: charge.amount.into(),
            service_id: charge.service,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Appointment {
    #[schema(value_type = String, example = "apt_019ab000000070008000000000000001")]
    id: AppointmentId,
    status: AppointmentStatus,
    starts_at: DiaryTime,
    ends_at: DiaryTime,
    /// Counts its moves and changes of status.
    revision: i64,
    #[schema(value_type = String)]
    patient_id: PatientId,
    #[schema(value_type = Option<String>)]
    practitioner_id: Option<PractitionerId>,
    /// Sum of the charges.
    total: MoneyBody,
    /// What the deposit rules ask for, less what is settled already.
    deposit_due: MoneyBody,
    /// Everything received, online and at the desk.
    paid: MoneyBody,
    /// Everything sent back.
    refunded: MoneyBody,
    /// What the clinic owes the patient.
    credit: MoneyBody,
    /// What the patient still owes.
    balance: MoneyBody,
    charges: Vec<Charge>,
    /// Oldest first.
    payments: Vec<Payment>,
    /// Newest first.
    payment_links: Vec<PaymentLink>,
    created_at: Time,
}

/// What stands beside an appointment in its answer.
struct Beside {
    charges: Vec<Charge>,
    payments: Vec<Payment>,
    links: Vec<PaymentLink>,
}

fn shown(view: views::AppointmentView, beside: Beside) -> Appointment {
    let money = |minor| MoneyBody::from(view.balance.money(minor));
    Appointment {
        id: view.id,
        status: view.status.into(),
        starts_at: DiaryTime(view.starts_at),
        ends_at: DiaryTime(view.ends_at),
        revision: view.revision,
        patient_id: view.patient,
        practitioner_id: view.practitioner,
        total: money(view.balance.total),
        deposit_due: view.balance.deposit_due().into(),
        paid: money(view.balance.paid),
        refunded: money(view.balance.refunded),
        credit: money(view.balance.credit),
        balance: view.balance.due().into(),
        charges: beside.charges,
        payments: beside.payments,
        payment_links: beside.links,
        created_at: Time(view.created_at),
    }
}

/// Appointments with all that stands beside them: the same handful of statements for one and for a whole page.
async fn shown_all(
    app: &App,
    clinic: ClinicId,
    views: Vec<views::AppointmentView>,
) -> Result<Vec<Appointment>, Problem> {
    let ids: Vec<AppointmentId> = views.iter().map(|view| view.id).collect();
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let charges = appointments::charges_of(app, clinic, &ids).await?;
    let charges = charges.into_iter().map(|(of, charge)| (of, charge.into()));
    let mut charges = lists::grouped(charges);
    let rows = remit_app::payments::of_appointments(app, clinic, &ids).await?;
    let paid = payments::shown_all(app, clinic, rows).await?;
    let mut paid = lists::grouped(paid.into_iter().map(|row| (row.appointment_id, row)));
    let rows = remit_app::links::of_appointments(app, clinic, &ids).await?;
    let links = links::shown_all(app, clinic, rows).await?;
    let mut links = lists::grouped(links.into_iter().map(|row| (row.appointment_id, row)));
    let shown = views.into_iter().map(|view| {
        let beside = Beside {
            charges: charges.remove(&view.id).unwrap_or_default(),
            payments: paid.remove(&view.id).unwrap_or_default(),
            links: links.remove(&view.id).unwrap_or_default(),
        };
        shown(view, beside)
    });
    Ok(shown.collect())
}

/// The appointment as it stands now.
async fn read(app: &App, clinic: ClinicId, id: AppointmentId) -> Result<Appointment, Problem> {
    let view = appointments::get(app, clinic, id).await?;
    let one = shown_all(app, clinic, vec![view]).await?.pop();
    one.ok_or_else(Problem::not_found)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AppointmentQuery {
    /// Start at or after; RFC 3339.
    from: Option<String>,
    /// Start before; RFC 3339.
    to: Option<String>,
    patient_id: Option<String>,
    /// 1 to 200; 50 without it.
    limit: Option<String>,
    cursor: Option<String>,
}

/// List appointments
///
/// In the order of their start.
#[utoipa::path(get, path = "/appointments", tag = "Appointments", params(AppointmentQuery),
    operation_id = "list_appointments", responses((status = 200, body = List<Appointment>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<AppointmentQuery>,
) -> Result<Json<List<Appointment>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let from = lists::moment("from", &query.from)?.unwrap_or(UtcMs::MIN);
    let to = lists::moment("to", &query.to)?.unwrap_or(UtcMs::MAX);
    let patient = lists::id("patient_id", &query.patient_id)?;
    let cursor = lists::cursor(&query.cursor)?;
    // A cursor of another span never widens this one.
    let after = match &cursor {
        Some(cursor) if cursor.at >= from => (cursor.at, cursor.id.as_str()),
        _ => (from, ""),
    };
    let rows = appointments::list(&app, actor.clinic, patient, after, to, limit + 1).await?;
    let (page, next_cursor) = lists::page(rows, limit, |row| (row.starts_at, row.id.to_string()));
    let data = shown_all(&app, actor.clinic, page).await?;
    Ok(Json(List { data, next_cursor }))
}

/// Book an appointment
#[utoipa::path(post, path = "/appointments", tag = "Appointments", operation_id = "create_appointment", request_body = NewAppointment,
    responses((status = 201, body = Appointment)))]
pub async fn create(call: Call<NewAppointment>) -> Result<Response, Problem> {
    call.run(async |work| {
        let input = BookingInput {
            patient: work.body.patient_id,
            services: work.body.service_ids.clone(),
            practitioner: work.body.practitioner_id,
            starts_at: work.body.starts_at.0,
            with_deposit_link: false,
            despite_overlap: work.body.despite_overlap.unwrap_or(true),
        };
        let (id, _) = appointments::book(&work.app, &work.actor, work.id(), &input).await?;
        Answer::created(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}

/// Read an appointment
#[utoipa::path(get, path = "/appointments/{id}", tag = "Appointments", operation_id = "get_appointment", params(("id" = String, Path)),
    responses((status = 200, body = Appointment)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<AppointmentId>,
    _: lists::NoQuery,
) -> Result<Json<Appointment>, Problem> {
    Ok(Json(read(&app, actor.clinic, id).await?))
}

/// Move an appointment or change its status
///
/// Cancelling takes its charges away and closes its payment link; what was paid stays as credit that staff have to
/// decide about, unless `paid_is` says what becomes of it.
#[utoipa::path(patch, path = "/appointments/{id}", tag = "Appointments", operation_id = "change_appointment", params(("id" = String, Path)),
    request_body = ChangedAppointment, responses((status = 200, body = Appointment)))]
pub async fn change(
    Id(id): Id<AppointmentId>,
    call: Call<ChangedAppointment>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let change = AppointmentChange {
            status: work.body.status.map(Into::into),
            paid: work.body.paid_is.map(Into::into),
            starts_at: work.body.starts_at.map(|time| time.0),
            minutes: work.body.duration_minutes,
            practitioner: work.body.practitioner_id,
            seen: work.body.revision,
            despite_overlap: work.body.despite_overlap.unwrap_or(true),
            despite_live_payment: work.body.despite_live_payment,
        };
        appointments::change(&work.app, &work.actor, id, change).await?;
        Answer::ok(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}

/// Add a charge or a discount
#[utoipa::path(post, path = "/appointments/{id}/charges", tag = "Appointments", operation_id = "add_charge", params(("id" = String, Path)),
    request_body = NewCharge, responses((status = 201, body = Appointment)))]
pub async fn add_charge(
    Id(id): Id<AppointmentId>,
    call: Call<NewCharge>,
) -> Result<Response, Problem> {
    call.run(async move |work| {
        let input = ChargeInput {
            description: work.body.description.clone(),
            quantity: work.body.quantity.unwrap_or(1),
            amount: work.body.amount.money("amount")?,
            despite_live_payment: work.body.despite_live_payment,
        };
        appointments::add_charge(&work.app, &work.actor, id, work.id(), &input).await?;
        Answer::created(&read(&work.app, work.actor.clinic, id).await?)
    })
    .await
}
