//! Which payment methods a clinic offers, online and at the desk.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use remit_app::methods::Changes;
use remit_app::{App, ClinicContext, Error, clinics, methods};
use remit_core::methods::{Method, MethodSetting};
use remit_core::money::{Currency, Money};
use remit_core::payments::DeskMethod;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{not_null, present};
use super::call::{Answer, Call};
use super::guard::Caller;
use super::lists;
use super::money::MoneyBody;
use super::problem::{Kind, Problem};
use super::words::{DeskMethodWord, MethodPurpose, OnlineMethod};

/// One method's settings.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethodSetting {
    method: OnlineMethod,
    enabled: bool,
    purposes: Vec<MethodPurpose>,
    /// Smallest amount it is offered for; null: the method's own limit.
    min: Option<MoneyBody>,
    /// Largest amount it is offered for; null: the method's own limit.
    max: Option<MoneyBody>,
}

/// A way in which the desk takes money.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeskMethodSetting {
    method: DeskMethodWord,
    /// Checkout offers it.
    enabled: bool,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentMethods {
    methods: Vec<PaymentMethodSetting>,
    desk: Vec<DeskMethodSetting>,
    /// The payment provider is told the payer's email address, where it is known.
    shares_email: bool,
}

/// What is left out stays as it is; null takes a limit away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedMethod {
    method: OnlineMethod,
    enabled: bool,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    purposes: Option<Vec<MethodPurpose>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    min: Option<Option<MoneyBody>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MoneyBody>)]
    max: Option<Option<MoneyBody>>,
}

/// Methods that are left out stay as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedMethods {
    methods: Vec<ChangedMethod>,
    #[serde(default)]
    desk: Vec<DeskMethodSetting>,
    /// Tell the payment provider the payer's email address; some lenders ask for it.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(nullable = false)]
    shares_email: Option<bool>,
}

impl ChangedMethod {
    fn onto(
        &self,
        index: usize,
        before: MethodSetting,
        currency: Currency,
    ) -> Result<MethodSetting, Problem> {
        let place = |name: &str| format!("methods[{index}].{name}");
        let mut after = MethodSetting {
            enabled: self.enabled,
            ..before
        };
        if let Some(purposes) = &self.purposes {
            if purposes.is_empty() {
                let message = "Name a purpose, or switch the method off.";
                return Err(Problem::invalid(place("purposes"), message));
            }
            after.for_deposit = purposes.contains(&MethodPurpose::Deposit);
            after.for_balance = purposes.contains(&MethodPurpose::Balance);
        }
        if let Some(min) = &self.min {
            after.min = limit(&place("min"), min.as_ref(), currency)?;
        }
        if let Some(max) = &self.max {
            after.max = limit(&place("max"), max.as_ref(), currency)?;
        }
        Ok(after)
    }
}

pub(super) fn limit(
    field: &str,
    money: Option<&MoneyBody>,
    currency: Currency,
) -> Result<Option<i64>, Problem> {
    let Some(money) = money else {
        return Ok(None);
    };
    let money = money.money(field)?;
    if money.currency == currency {
        Ok(Some(money.minor))
    } else {
        Err(Problem::field(
            Kind::OtherCurrency,
            format!("{field}.currency"),
            format!("Use {currency}, the clinic's currency."),
        ))
    }
}

fn shown(context: &ClinicContext) -> PaymentMethods {
    let currency = context.clinic.currency;
    let money = |minor: Option<i64>| minor.map(|minor| Money::new(minor, currency).into());
    let methods = context.methods.iter().map(|setting| {
        let purposes = [
            (setting.for_deposit, MethodPurpose::Deposit),
            (setting.for_balance, MethodPurpose::Balance),
        ];
        PaymentMethodSetting {
            method: setting.method.into(),
            enabled: setting.enabled,
            purposes: purposes
                .into_iter()
                .filter_map(|(on, purpose)| on.then_some(purpose))
                .collect(),
            min: money(setting.min),
            max: money(setting.max),
        }
    });
    let desk = DeskMethod::ALL.into_iter().map(|method| DeskMethodSetting {
        method: method.into(),
        enabled: context.at_desk.contains(&method),
    });
    PaymentMethods {
        methods: methods.collect(),
        desk: desk.collect(),
        shares_email: context.shares_email,
    }
}

/// Read the payment methods
#[utoipa::path(get, path = "/settings/payment-methods", tag = "Settings", operation_id = "get_payment_methods",
    responses((status = 200, body = PaymentMethods)))]
pub async fn get(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    _: lists::NoQuery,
) -> Result<Json<PaymentMethods>, Problem> {
    let context = clinics::context(&app, actor.clinic).await?;
    Ok(Json(shown(&context)))
}

/// Change the payment methods
#[utoipa::path(put, path = "/settings/payment-methods", tag = "Settings", operation_id = "change_payment_methods", request_body = ChangedMethods,
    responses((status = 200, body = PaymentMethods)))]
pub async fn save(call: Call<ChangedMethods>) -> Result<Response, Problem> {
    call.run(async |work| {
        let context = clinics::context(&work.app, work.actor.clinic).await?;
        let currency = context.clinic.currency;
        let mut settings: Vec<MethodSetting> = Vec::with_capacity(work.body.methods.len());
        for (index, change) in work.body.methods.iter().enumerate() {
            let method = Method::from(change.method);
            if settings.iter().any(|known| known.method == method) {
                let place = format!("methods[{index}].method");
                return Err(Problem::invalid(place, "Name each method once."));
            }
            let before = context.methods.iter().find(|known| known.method == method);
            let before = before.copied().unwrap_or(MethodSetting::open(method));
            let setting = change.onto(index, before, currency)?;
            methods::check(&setting, &context.clinic).map_err(|error| match error {
                Error::Invalid { field, message } => {
                    Problem::invalid(format!("methods[{index}].{field}"), message)
                }
                error => error.into(),
            })?;
            settings.push(setting);
        }
        let desk = work.body.desk.iter();
        let changes = Changes {
            online: settings,
            at_desk: desk.map(|one| (one.method.into(), one.enabled)).collect(),
            shares_email: work.body.shares_email,
        };
        let saved = methods::save(&work.app, &work.actor, &changes).await?;
        Answer::ok(&shown(&saved))
    })
    .await
}
