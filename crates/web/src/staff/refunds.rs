//! Giving money back.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::idempotency::Claimed;
use remit_app::refunds::{self, RefundInput};
use remit_app::views::PaymentView;
use remit_app::{Error, appointments, payments};
use remit_core::account::Refusal;
use remit_core::ids::{LinkId, PaymentId};
use remit_core::money::Money;
use remit_core::payments::PaidBy;
use remit_core::refunds::Limits;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, Failure, page, see_other};
use super::appointments::may_refund;
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::{findings, sentences};
use crate::pages::refunds::{RefundLimits, RefundPage};
use crate::pages::{Field, Section};

/// `GET /payment-links/{id}/refund`: on to the link's payment that has something left.
pub async fn of_link(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: LinkId = id.parse()?;
    let paid = payments::of_link(&desk.app, desk.clinic(), id).await?;
    let left = paid.iter().find(|one| one.payment.available().minor > 0);
    let one = left.or(paid.first()).ok_or(Error::NotFound)?;
    Ok(see_other(&format!("/payments/{}/refund", one.payment.id)))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    /// How much to propose, as it would be typed.
    amount: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    saved: String,
}

/// `GET /settings/refunds`.
pub async fn limits(desk: Desk, Query(told): Query<Told>) -> Answer {
    limits_page(&desk, StatusCode::OK, told.saved == "1", None).await
}

/// `POST /settings/refunds`.
pub async fn save_limits(desk: Desk, form: Form) -> Answer {
    let mut wrong = Vec::new();
    let mut limit = |name: &'static str| {
        form.some(name)?;
        match form.money(name, desk.currency()) {
            Ok(money) if money.minor >= 0 => Some(money.minor),
            Ok(_) => {
                wrong.push((name, "Enter an amount of zero or more.".to_owned()));
                None
            }
            Err(error) => {
                wrong.push((name, error.to_string()));
                None
            }
        }
    };
    let wished = Limits {
        reception_max: limit("reception_max"),
        approval_above: limit("approval_above"),
    };
    if wrong.is_empty() {
        let auto_refund = form.some("auto_refund").is_some();
        refunds::set_limits(&desk.app, desk.actor(), wished, auto_refund).await?;
        return Ok(see_other("/settings/refunds?saved=1"));
    }
    let retry = Some((&form, wrong.as_slice()));
    limits_page(&desk, StatusCode::UNPROCESSABLE_ENTITY, false, retry).await
}

/// What was sent, and the fields that are wrong, each with its sentence.
type Mistyped<'a> = (&'a Form, &'a [(&'static str, String)]);

async fn limits_page(
    desk: &Desk,
    status: StatusCode,
    saved: bool,
    retry: Option<Mistyped<'_>>,
) -> Answer {
    let limits = refunds::limits(&desk.app, desk.clinic()).await?;
    let field = |name: &str, minor: Option<i64>| {
        let stored = minor.map(|minor| Money::new(minor, desk.currency()).grouped());
        match retry {
            None => Field::new(stored.unwrap_or_default()),
            Some((form, wrong)) => Field {
                value: form.text(name).to_owned(),
                error: wrong
                    .iter()
                    .find(|(field, _)| *field == name)
                    .map(|(_, sentence)| sentence.clone()),
            },
        }
    };
    let shown = RefundLimits {
        shell: desk.shell(Section::Settings).await?,
        currency_sign: desk.currency().sign(),
        reception_max: field("reception_max", limits.reception_max),
        approval_above: field("approval_above", limits.approval_above),
        auto_refund: match retry {
            None => desk.about().auto_refund,
            Some((form, _)) => form.some("auto_refund").is_some(),
        },
        saved,
        may_change: desk.may(Permission::Administer),
    };
    Ok(page(status, &shown))
}

/// `GET /payments/{id}/refund`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(asked): Query<Asked>) -> Answer {
    form(&desk, id.parse()?, StatusCode::OK, &asked.amount, None).await
}

/// `POST /payments/{id}/refund`.
pub async fn give_back(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    ask(desk, id.parse()?, "refund", sent).await
}

/// `POST /payments/{id}/correct`.
pub async fn correct(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    ask(desk, id.parse()?, "correct", sent).await
}

async fn ask(desk: Desk, id: PaymentId, what: &str, sent: Form) -> Answer {
    let path = format!("/payments/{id}/{what}");
    let correction = what == "correct";
    let done = once(&desk, &sent, &path, async |claimed: Option<Claimed>| {
        let one = payments::get(&desk.app, desk.clinic(), id).await?;
        let currency = one.payment.amount.currency;
        let amount = || {
            sent.money("amount", currency)
                .map_err(|error| Error::invalid("amount", error))
        };
        let input = RefundInput {
            amount: if correction { None } else { Some(amount()?) },
            reason: sent.some("reason"),
            reopen: false,
            correction,
            // The page's figure: money already given back since then is noticed (hazard A18).
            seen_available: sent.money("seen", currency).ok(),
        };
        let made = claimed.as_ref().map(Claimed::id);
        let refund = refunds::request(&desk.app, desk.actor(), id, made, &input).await?;
        // From Credits & findings, back there: the next one waits.
        if sent.has("finding") {
            return findings::after_refund(&desk, sent.text("finding"), refund).await;
        }
        Ok(format!("/appointments/{}", one.payment.appointment))
    })
    .await;
    match done {
        Ok(location) => Ok(see_other(&location)),
        Err(Failure::Verb(error)) if sentences::is_mendable(&error) => {
            form(
                &desk,
                id,
                sentences::status(&error),
                "",
                Some((&sent, &error, correction)),
            )
            .await
        }
        Err(failure) => Err(failure),
    }
}

async fn form(
    desk: &Desk,
    id: PaymentId,
    status: StatusCode,
    proposed: &str,
    retry: Option<(&Form, &Error, bool)>,
) -> Answer {
    if !may_refund(desk) {
        return Err(Error::Forbidden.into());
    }
    let one = payments::get(&desk.app, desk.clinic(), id).await?;
    let visit = appointments::get(&desk.app, desk.clinic(), one.payment.appointment).await?;
    let available = one.payment.available();
    let proposed = Money::parse(proposed, available.currency).ok();
    let proposed = proposed.filter(|sum| (1..=available.minor).contains(&sum.minor));
    // Either form of the page is shown again as it was typed.
    let correcting = retry.is_some_and(|(_, _, correction)| correction);
    let field = |name: &str, otherwise: String, wrong: Option<String>| Field {
        value: retry
            .filter(|_| !correcting)
            .map_or(otherwise, |(form, ..)| form.text(name).to_owned()),
        error: wrong,
    };
    let wrong = |name: &str| match retry.filter(|_| !correcting) {
        Some((_, Error::Invalid { field, message }, _)) if *field == name => Some(message.clone()),
        Some((_, error @ Error::Refused(Refusal::MoreThanRefundable { .. }), _))
            if name == "amount" =>
        {
            Some(sentences::sentence(error, &desk.clock))
        }
        _ => None,
    };
    let (amount_wrong, reason_wrong) = (wrong("amount"), wrong("reason"));
    let correction = Field {
        value: retry
            .filter(|_| correcting)
            .map_or(String::new(), |(form, ..)| form.text("reason").to_owned()),
        error: retry
            .filter(|_| correcting)
            .and_then(|(_, error, _)| sentences::beside(Some(error), &["reason"])),
    };
    let beside = amount_wrong.is_some() || reason_wrong.is_some() || correction.error.is_some();
    let told = retry.filter(|_| !beside);
    let shown = RefundPage {
        shell: desk.shell(Section::OnlinePayments).await?,
        payment_id: id.to_string(),
        appointment_id: visit.id.to_string(),
        patient: visit.patient_name,
        payment: format!(
            "{} · {}",
            one.payment.paid_by.title(),
            desk.clock.moment(one.payment.received_at)
        ),
        paid: one.payment.amount.to_string(),
        refunded: one
            .payment
            .amount
            .with(one.payment.refund_reserved)
            .to_string(),
        available: available.to_string(),
        available_figure: available.figure(),
        offers: available.minor > 0,
        currency_sign: available.currency.sign(),
        amount: field(
            "amount",
            proposed.unwrap_or(available).figure(),
            amount_wrong,
        ),
        reason: field("reason", String::new(), reason_wrong),
        correction: (one.payment.provider.is_none() && available.minor > 0).then_some(correction),
        note: note(desk, &one),
        refused: match told {
            Some((_, error, _)) => Some(sentences::sentence(error, &desk.clock)),
            None if one.payment.disputed.open > 0 => Some(sentences::sentence(
                &Error::Refused(Refusal::Disputed),
                &desk.clock,
            )),
            None if available.minor == 0 => {
                Some("Nothing of this payment is left to give back.".into())
            }
            None => None,
        },
        idempotency_key: desk.key()?,
    };
    Ok(page(status, &shown))
}

fn note(desk: &Desk, one: &PaymentView) -> String {
    let mut note = match one.payment.paid_by {
        PaidBy::Online(_) => {
            "It goes back the way it was paid, and reaches the patient in 5 to 10 working days."
        }
        PaidBy::Desk(_) => "Hand the money back first: this records it at once.",
    }
    .to_owned();
    if let Some(limit) = alone_up_to(desk) {
        let limit = Money::new(limit, desk.currency());
        note.push_str(&format!(
            " Above {limit} a second person has to approve it before anything moves."
        ));
    }
    note
}

/// What this person may refund of one payment without another, where that is limited.
pub(super) fn alone_up_to(desk: &Desk) -> Option<i64> {
    let limits = desk.context.refund_limits;
    let reception = limits
        .reception_max
        .filter(|_| !desk.may(Permission::Refund));
    match (reception, limits.approval_above) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
