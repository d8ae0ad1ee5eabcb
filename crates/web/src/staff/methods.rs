//! Settings -> Payment methods.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::Error;
use remit_app::methods::{self as verbs, Changes};
use remit_app::providers::kinds;
use remit_core::methods::{Method, MethodSetting, NotOffered};
use remit_core::money::{Currency, Money};
use remit_core::payments::DeskMethod as Taken;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::words;
use crate::pages::methods::{DeskMethod, OnlineMethod, PaymentMethods};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/payment-methods";
const SHARES_EMAIL: &str = "shares_email";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// What is wrong with one method's form: which method, `min` or `max` (else the whole row), and the sentence.
type Wrong = (Method, &'static str, String);

/// `GET /settings`.
pub async fn start() -> Answer {
    Ok(see_other(HERE))
}

/// `GET /settings/payment-methods`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    settings(&desk, StatusCode::OK, told.saved == "1", None).await
}

/// `POST /settings/payment-methods`: all or nothing.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let mut wished = Vec::new();
    let mut wrong = Vec::new();
    for method in Method::ALL {
        match setting(method, &form, desk.currency(), &desk.about().country) {
            Ok(setting) => wished.push(setting),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() {
        let changes = Changes {
            online: wished,
            at_desk: Taken::ALL
                .map(|method| (method, is_on(&form, method)))
                .into(),
            shares_email: Some(form.ticked(SHARES_EMAIL)),
        };
        match verbs::save(&desk.app, desk.actor(), &changes).await {
            Ok(_) => return Ok(see_other(&format!("{HERE}?saved=1"))),
            Err(Error::Invalid { field, message }) => {
                // The sentence begins with the method it is about; a range upside down is found by its figures.
                let about = changes
                    .online
                    .iter()
                    .find(|setting| message.starts_with(setting.method.title()));
                let about = about.or_else(|| {
                    changes.online.iter().find(|setting| {
                        setting
                            .min
                            .zip(setting.max)
                            .is_some_and(|(min, max)| min > max)
                    })
                });
                let method = about.map_or(Method::Card, |setting| setting.method);
                wrong.push((method, field, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
    settings(
        &desk,
        StatusCode::UNPROCESSABLE_ENTITY,
        false,
        Some((&form, &wrong)),
    )
    .await
}

fn setting(
    method: Method,
    form: &Form,
    currency: Currency,
    country: &str,
) -> Result<MethodSetting, Wrong> {
    let name = method.name();
    let bound = |field: &'static str| {
        let control = format!("{name}_{field}");
        if form.text(&control).trim().is_empty() {
            return Ok(None);
        }
        match form.money(&control, currency) {
            Ok(money) => Ok(Some(money.minor)),
            Err(error) => Err((method, field, error.to_string())),
        }
    };
    let (min, max) = (bound("min")?, bound("max")?);
    let own = method.limits(country, currency).ok();
    Ok(MethodSetting {
        method,
        enabled: form.ticked(&format!("{name}_enabled")),
        for_deposit: form.ticked(&format!("{name}_deposits")),
        for_balance: form.ticked(&format!("{name}_balances")),
        // The method's own bound is no choice of the clinic's: it follows the method.
        min: min.filter(|min| own.is_none_or(|(low, _)| *min != low)),
        max: max.filter(|max| own.is_none_or(|(_, high)| *max != high)),
    })
}

async fn settings(
    desk: &Desk,
    status: StatusCode,
    saved: bool,
    retry: Option<(&Form, &Vec<Wrong>)>,
) -> Answer {
    let currency = desk.currency();
    let shown = PaymentMethods {
        shell: desk.shell(Section::Settings).await?,
        provider: provider(desk),
        currency_sign: currency.sign(),
        currency_word: words::currency(currency.code()),
        saved,
        may_change: desk.may(Permission::Configure),
        may_connect: desk.may(Permission::Administer),
        online: desk
            .context
            .methods
            .iter()
            .map(|setting| online(desk, setting, retry))
            .collect(),
        shares_email: retry.map_or(desk.context.shares_email, |(form, _)| {
            form.ticked(SHARES_EMAIL)
        }),
        desk: Taken::ALL.map(|method| at_desk(desk, method, retry)).into(),
    };
    Ok(page(status, &shown))
}

/// Who pays out, in one line.
fn provider(desk: &Desk) -> String {
    let Some(taking) = &desk.context.taking else {
        return "No payment provider is connected yet: patients cannot pay online.".into();
    };
    let title = match kinds::kind(&taking.provider) {
        Some(kind) if kind.api_base.is_empty() => "the sandbox",
        Some(kind) => kind.title,
        None => taking.provider.as_str(),
    };
    let mode = if taking.livemode { "live" } else { "test mode" };
    format!("Paid out by {title} · {mode}")
}

/// Why a method that is switched on is offered to nobody, whatever the amount.
fn idle(desk: &Desk, setting: &MethodSetting) -> Option<String> {
    let method = setting.method;
    let Some(taking) = &desk.context.taking else {
        return None;
    };
    let terms = taking.terms(desk.about(), desk.context.shares_email);
    let why = if !terms.provider.contains(&method) {
        NotOffered::NotWithThisProvider
    } else if terms.needs_email.contains(&method) {
        NotOffered::NeedsEmail
    } else if terms.account.is_some_and(|has| !has.contains(&method)) {
        NotOffered::NotWithThisAccount
    } else {
        method.limits(terms.country, desk.currency()).err()?
    };
    Some(format!(
        "No patient is offered it: {}.",
        words::not_offered(why)
    ))
}

fn online(
    desk: &Desk,
    setting: &MethodSetting,
    retry: Option<(&Form, &Vec<Wrong>)>,
) -> OnlineMethod {
    let method = setting.method;
    let currency = desk.currency();
    let own = method.limits(&desk.about().country, currency).ok();
    let name = method.name();
    let wrong = |field: &str| {
        let (_, wrong) = retry?;
        wrong
            .iter()
            .find(|(of, at, _)| *of == method && *at == field)
            .map(|(_, _, why)| why.clone())
    };
    let ticked = |what: &str, kept: bool| {
        retry.map_or(kept, |(form, _)| form.ticked(&format!("{name}_{what}")))
    };
    let figure = |minor: Option<i64>| {
        minor
            .map(|minor| Money::new(minor, currency).grouped())
            .unwrap_or_default()
    };
    let bound = |field: &str, minor: Option<i64>| Field {
        value: retry.map_or_else(
            || figure(minor),
            |(form, _)| form.text(&format!("{name}_{field}")).to_owned(),
        ),
        error: wrong(field),
    };
    let enabled = ticked("enabled", setting.enabled);
    let (deposits, balances) = (
        ticked("deposits", setting.for_deposit),
        ticked("balances", setting.for_balance),
    );
    let (detail, icon) = match method {
        Method::Card => ("Visa, Mastercard, American Express", Some("credit-card")),
        Method::Klarna => ("In 3 parts or after 30 days", None),
        Method::Clearpay => ("In 4 parts over 6 weeks", None),
    };
    let idle = if !enabled {
        None
    } else if let Some(why) = idle(desk, setting) {
        Some(why)
    } else if !deposits && !balances {
        Some("It is offered for nothing: tick deposits or balances.".to_owned())
    } else {
        None
    };
    OnlineMethod {
        name,
        word: method.title(),
        detail,
        icon,
        enabled,
        deposits,
        balances,
        min: bound("min", setting.min.or(own.map(|(min, _)| min))),
        max: bound(
            "max",
            setting
                .max
                .or(own.map(|(_, max)| max).filter(|_| method != Method::Card)),
        ),
        warning: wrong("method").or(idle),
    }
}

fn is_on(form: &Form, method: Taken) -> bool {
    form.ticked(&format!("{}_enabled", method.name()))
}

fn at_desk(desk: &Desk, method: Taken, retry: Option<(&Form, &Vec<Wrong>)>) -> DeskMethod {
    let (detail, icon) = match method {
        Taken::CardTerminal => (
            "Recorded by staff with the terminal’s reference",
            "credit-card",
        ),
        Taken::Cash => ("Recorded by staff when it is taken", "banknote"),
        Taken::BankTransfer => ("Marked as received by staff", "landmark"),
    };
    DeskMethod {
        name: method.name(),
        word: method.title(),
        detail,
        icon,
        enabled: retry.map_or_else(
            || desk.context.at_desk.contains(&method),
            |(form, _)| is_on(form, method),
        ),
    }
}
