//! Settings -> Limits: how much may be sent in a day.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::{Error, sending_limits as verbs};
use remit_core::money::{Currency, Money};
use remit_core::roles::Permission;
use remit_core::sending_limits::SendingLimits;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::words;
use crate::pages::sending_limits as pages;
use crate::pages::{Field, Section};

const HERE: &str = "/settings/limits";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// A field that is wrong, and its sentence.
type Wrong = (&'static str, String);

/// `GET /settings/limits`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    settings(&desk, StatusCode::OK, told.saved == "1", None).await
}

/// `POST /settings/limits`.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let wrong = match wished(&form, desk.currency()) {
        Ok(limits) => match verbs::save(&desk.app, desk.actor(), &limits).await {
            Ok(()) => return Ok(see_other(&format!("{HERE}?saved=1"))),
            Err(Error::Invalid { field, message }) => (field, message),
            Err(error) => return Err(error.into()),
        },
        Err(wrong) => wrong,
    };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    settings(&desk, status, false, Some((&form, &wrong))).await
}

fn wished(form: &Form, currency: Currency) -> Result<SendingLimits, Wrong> {
    let count = |name: &'static str| {
        let text = form.text(name).trim();
        text.parse::<i64>()
            .map_err(|_| (name, "Enter a whole number.".to_owned()))
    };
    let money = |name: &'static str| {
        form.money(name, currency)
            .map(|money| money.minor)
            .map_err(|error| (name, error.to_string()))
    };
    Ok(SendingLimits {
        per_number: count("per_number")?,
        per_address: count("per_address")?,
        per_staff: count("per_staff")?,
        per_clinic: count("per_clinic")?,
        money: money("money")?,
        segment_cost: money("segment_cost")?,
        countries: codes(form.text("countries")),
    })
}

/// Country codes as people type them: with commas or spaces, in any case, some of them twice.
fn codes(text: &str) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    let typed = text.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    for code in typed.filter(|code| !code.is_empty()) {
        let code = code.to_uppercase();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

async fn settings(
    desk: &Desk,
    status: StatusCode,
    saved: bool,
    retry: Option<(&Form, &Wrong)>,
) -> Answer {
    let limits = &desk.context.sending_limits;
    let today = verbs::today(&desk.app, &desk.context).await?;
    let field = |name: &str, stored: String| match retry {
        None => Field::new(stored),
        Some((form, (at, sentence))) => Field {
            value: form.text(name).to_owned(),
            error: (*at == name).then(|| sentence.clone()),
        },
    };
    let money = |minor| Money::new(minor, desk.currency()).grouped();
    let shown = pages::SendingLimits {
        shell: desk.shell(Section::Settings).await?,
        currency_sign: desk.currency().sign(),
        per_number: field("per_number", limits.per_number.to_string()),
        per_address: field("per_address", limits.per_address.to_string()),
        per_staff: field("per_staff", limits.per_staff.to_string()),
        per_clinic: field("per_clinic", limits.per_clinic.to_string()),
        money: field("money", money(limits.money)),
        segment_cost: field("segment_cost", money(limits.segment_cost)),
        countries: field("countries", limits.countries.join(", ")),
        own_country: desk.about().country.clone(),
        sent_today: words::count(today.messages.unsigned_abs(), "message", "messages"),
        spent_today: today.spent.to_string(),
        anew_at: desk.clock.moment(today.ends_at),
        saved,
        may_change: desk.may(Permission::Configure),
    };
    Ok(page(status, &shown))
}

#[cfg(test)]
mod tests {
    #[test]
    fn countries_are_read_as_they_are_typed() {
        assert_eq!(super::codes(" gb, IE;ie  fr"), ["GB", "IE", "FR"]);
        assert!(super::codes(" ,; ").is_empty());
    }
}
