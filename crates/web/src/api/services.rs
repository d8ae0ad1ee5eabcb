//! Services with their deposit rules, and practitioners.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::services::{self, ServiceInput};
use remit_app::{App, views};
use remit_core::appointments::DepositRule;
use remit_core::ids::{PractitionerId, ServiceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::call::{Answer, Call, Id};
use super::guard::Caller;
use super::lists::{self, List, Query};
use super::money::{MoneyBody, Time};
use super::problem::Problem;

/// What is due at booking. A percentage is rounded half up to the minor unit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deposit {
    // Empty braces: a unit variant would let unknown fields pass.
    None {},
    Fixed {
        /// At most the price.
        amount: MoneyBody,
    },
    Percent {
        /// 1 to 100.
        percent: i64,
    },
    Full {},
}

impl Deposit {
    fn input(&self) -> Result<services::Deposit, Problem> {
        Ok(match self {
            Deposit::None {} => services::Deposit::None,
            Deposit::Fixed { amount } => services::Deposit::Fixed(amount.money("deposit.amount")?),
            Deposit::Percent { percent } => services::Deposit::Percent(*percent),
            Deposit::Full {} => services::Deposit::Full,
        })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewService {
    name: String,
    /// 1 to 720.
    duration_minutes: i64,
    /// In the clinic's currency.
    price: MoneyBody,
    /// None without it.
    #[schema(nullable = false)]
    deposit: Option<Deposit>,
}

#[derive(Serialize, ToSchema)]
pub struct Service {
    #[schema(value_type = String, example = "svc_019ab000000070008000000000000001")]
    id: ServiceId,
    name: String,
    duration_minutes: i64,
    price: MoneyBody,
    deposit: Deposit,
    /// Whether it can be chosen on the booking pages.
    active: bool,
    created_at: Time,
}

impl From<views::Service> for Service {
    fn from(service: views::Service) -> Service {
        Service {
            id: service.id,
            name: service.name,
            duration_minutes: service.duration_minutes,
            price: service.price.into(),
            deposit: match service.deposit {
                DepositRule::None => Deposit::None {},
                DepositRule::Fixed(minor) => Deposit::Fixed {
                    amount: service.price.with(minor).into(),
                },
                DepositRule::Percent(percent) => Deposit::Percent {
                    percent: percent.into(),
                },
                DepositRule::Full => Deposit::Full {},
            },
            active: service.active,
            created_at: Time(service.created_at),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 200; 50 without it.
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

/// List services
///
/// In the order they were made, with those that are switched off.
#[utoipa::path(get, path = "/services", tag = "Services", params(PageQuery), operation_id = "list_services",
    responses((status = 200, body = List<Service>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Service>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let after = lists::cursor(&query.cursor)?;
    let after = after.as_ref().map(|cursor| cursor.id.as_str());
    let rows = services::list(&app, actor.clinic, after, true, limit + 1).await?;
    let (page, next_cursor) = lists::page(rows, limit, |row| (row.created_at, row.id.to_string()));
    Ok(Json(List {
        data: page.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Add a service
#[utoipa::path(post, path = "/services", tag = "Services", operation_id = "create_service", request_body = NewService,
    responses((status = 201, body = Service)))]
pub async fn create(call: Call<NewService>) -> Result<Response, Problem> {
    call.run(async |work| {
        let deposit = match &work.body.deposit {
            Some(deposit) => deposit.input()?,
            None => services::Deposit::None,
        };
        let input = ServiceInput {
            name: work.body.name.clone(),
            duration_minutes: work.body.duration_minutes,
            price: work.body.price.money("price")?,
            deposit,
            active: true,
        };
        let made = services::create(&work.app, &work.actor, work.id(), input).await?;
        Answer::created(&Service::from(made))
    })
    .await
}

/// Read a service
#[utoipa::path(get, path = "/services/{id}", tag = "Services", operation_id = "get_service", params(("id" = String, Path)),
    responses((status = 200, body = Service)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Id(id): Id<ServiceId>,
    _: lists::NoQuery,
) -> Result<Json<Service>, Problem> {
    let service = services::get(&app, actor.clinic, id).await?;
    Ok(Json(service.into()))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPractitioner {
    name: String,
    speciality: Option<String>,
    room: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Practitioner {
    #[schema(value_type = String, example = "prc_019ab000000070008000000000000001")]
    id: PractitionerId,
    name: String,
    speciality: String,
    room: String,
    active: bool,
    created_at: Time,
}

impl From<views::Practitioner> for Practitioner {
    fn from(who: views::Practitioner) -> Practitioner {
        Practitioner {
            id: who.id,
            name: who.name,
            speciality: who.speciality,
            room: who.room,
            active: who.active,
            created_at: Time(who.created_at),
        }
    }
}

/// List practitioners
///
/// In the order of the diary's columns.
#[utoipa::path(get, path = "/practitioners", tag = "Practitioners", operation_id = "list_practitioners", params(PageQuery),
    responses((status = 200, body = List<Practitioner>)))]
pub async fn practitioners(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Practitioner>>, Problem> {
    let limit = lists::limit(&query.limit)?;
    let after = lists::cursor(&query.cursor)?;
    let all = services::practitioners(&app, actor.clinic).await?;
    let (page, next_cursor) = lists::paged(all, limit, after.as_ref(), |who| who.id.to_string());
    Ok(Json(List {
        data: page.into_iter().map(Into::into).collect(),
        next_cursor,
    }))
}

/// Add a practitioner
#[utoipa::path(post, path = "/practitioners", tag = "Practitioners", operation_id = "create_practitioner", request_body = NewPractitioner,
    responses((status = 201, body = Practitioner)))]
pub async fn add_practitioner(call: Call<NewPractitioner>) -> Result<Response, Problem> {
    call.run(async |work| {
        let body = &work.body;
        let made = services::add_practitioner(
            &work.app,
            &work.actor,
            work.id(),
            &body.name,
            body.speciality.as_deref().unwrap_or_default(),
            body.room.as_deref().unwrap_or_default(),
        )
        .await?;
        Answer::created(&Practitioner::from(made))
    })
    .await
}
