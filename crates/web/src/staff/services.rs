//! Settings -> Services and deposits.

use axum::extract::Path;
use axum::http::StatusCode;
use remit_app::services::{self as verbs, Deposit, ServiceInput};
use remit_app::views::Service;
use remit_app::{Error, Result};
use remit_core::appointments::DepositRule;
use remit_core::ids::ServiceId;
use remit_core::money::{Currency, Money};
use remit_core::roles::Permission;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::services::{DepositKind, ServiceForm, ServiceRow, Services};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/services";
const SERVICES_SHOWN: i64 = 500;

/// `GET /settings/services`.
pub async fn list(desk: Desk) -> Answer {
    let rows = verbs::list(&desk.app, desk.clinic(), None, true, SERVICES_SHOWN).await?;
    let shown = Services {
        shell: desk.shell(Section::Settings).await?,
        may_change: desk.may(Permission::Configure),
        services: rows.iter().map(row).collect(),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn row(service: &Service) -> ServiceRow {
    ServiceRow {
        id: service.id.to_string(),
        name: service.name.clone(),
        duration: format!("{} min", service.duration_minutes),
        price: service.price.to_string(),
        deposit: match service.deposit {
            DepositRule::None => "None".into(),
            DepositRule::Fixed(minor) => service.price.with(minor).to_string(),
            DepositRule::Percent(percent) => format!("{percent}% of the price"),
            DepositRule::Full => "The whole price".into(),
        },
        active: service.active,
    }
}

/// `GET /settings/services/new`.
pub async fn fresh(desk: Desk) -> Answer {
    form(&desk, None, StatusCode::OK, None).await
}

/// `GET /settings/services/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Answer {
    let service = verbs::get(&desk.app, desk.clinic(), id.parse()?).await?;
    form(&desk, Some(&service), StatusCode::OK, None).await
}

/// `POST /settings/services/new`.
pub async fn create(desk: Desk, sent: Form) -> Answer {
    let made = match input(&sent, desk.currency(), true) {
        Ok(input) => verbs::create(&desk.app, desk.actor(), None, input).await,
        Err(error) => Err(error),
    };
    finish(&desk, None, made, &sent).await
}

/// `POST /settings/services/{id}`.
pub async fn change(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    let id: ServiceId = id.parse()?;
    let before = verbs::get(&desk.app, desk.clinic(), id).await?;
    let changed = match input(&sent, desk.currency(), before.active) {
        Ok(input) => verbs::change(&desk.app, desk.actor(), id, input).await,
        Err(error) => Err(error),
    };
    finish(&desk, Some(&before), changed, &sent).await
}

async fn finish(
    desk: &Desk,
    before: Option<&Service>,
    done: Result<Service>,
    sent: &Form,
) -> Answer {
    match done {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) if sentences::is_mendable(&error) => {
            form(
                desk,
                before,
                sentences::status(&error),
                Some((sent, &error)),
            )
            .await
        }
        Err(error) => Err(error.into()),
    }
}

fn input(sent: &Form, currency: Currency, active: bool) -> Result<ServiceInput> {
    let number = |name: &'static str, message: &str| {
        let text = sent.text(name).trim();
        text.parse::<i64>()
            .map_err(|_| Error::invalid(name, message))
    };
    let money = |name: &'static str| {
        sent.money(name, currency)
            .map_err(|error| Error::invalid(name, error))
    };
    Ok(ServiceInput {
        name: sent.text("name").to_owned(),
        duration_minutes: number(
            "duration_minutes",
            "Enter a duration from 1 to 720 minutes.",
        )?,
        price: money("price")?,
        deposit: match kind(sent.text("deposit_kind")) {
            DepositKind::None => Deposit::None,
            DepositKind::Full => Deposit::Full,
            DepositKind::Fixed => Deposit::Fixed(money("deposit_amount")?),
            DepositKind::Percent => Deposit::Percent(number(
                "deposit_percent",
                "Enter a percentage from 1 to 100.",
            )?),
        },
        active,
    })
}

fn kind(text: &str) -> DepositKind {
    match text {
        "fixed" => DepositKind::Fixed,
        "percent" => DepositKind::Percent,
        "full" => DepositKind::Full,
        _ => DepositKind::None,
    }
}

async fn form(
    desk: &Desk,
    before: Option<&Service>,
    status: StatusCode,
    retry: Option<(&Form, &Error)>,
) -> Answer {
    let rule = before.map_or(DepositRule::None, |service| service.deposit);
    let chosen = match retry {
        Some((sent, _)) => kind(sent.text("deposit_kind")),
        None => match rule {
            DepositRule::None => DepositKind::None,
            DepositRule::Fixed(_) => DepositKind::Fixed,
            DepositRule::Percent(_) => DepositKind::Percent,
            DepositRule::Full => DepositKind::Full,
        },
    };
    // The verb speaks of the deposit as a whole; the message stands beside the field that was filled in.
    let deposit_field = if chosen == DepositKind::Percent {
        "deposit_percent"
    } else {
        "deposit_amount"
    };
    let field = |name: &str, kept: String| match retry {
        None => Field::new(kept),
        Some((sent, error)) => Field {
            value: sent.text(name).to_owned(),
            error: match error {
                Error::Invalid { field, message }
                    if *field == name || (*field == "deposit" && name == deposit_field) =>
                {
                    Some(message.clone())
                }
                _ => None,
            },
        },
    };
    let of = |read: &dyn Fn(&Service) -> String| before.map(read).unwrap_or_default();
    let fixed = match rule {
        DepositRule::Fixed(minor) => Money::new(minor, desk.currency()).grouped(),
        DepositRule::None | DepositRule::Percent(_) | DepositRule::Full => String::new(),
    };
    let percent = match rule {
        DepositRule::Percent(percent) => percent.to_string(),
        DepositRule::None | DepositRule::Fixed(_) | DepositRule::Full => String::new(),
    };
    let told = retry.filter(|(_, error)| !matches!(error, Error::Invalid { .. }));
    let shown = ServiceForm {
        shell: desk.shell(Section::Settings).await?,
        id: before.map(|service| service.id.to_string()),
        currency_sign: desk.currency().sign(),
        name: field("name", of(&|service| service.name.clone())),
        duration_minutes: field(
            "duration_minutes",
            of(&|service| service.duration_minutes.to_string()),
        ),
        price: field("price", of(&|service| service.price.grouped())),
        deposit_kind: chosen,
        deposit_amount: field("deposit_amount", fixed),
        deposit_percent: field("deposit_percent", percent),
        refused: told.map(|(_, error)| sentences::sentence(error, &desk.clock)),
    };
    Ok(page(status, &shown))
}
