//! Payments received: the list behind the summary's figures.

use axum::extract::Query;
use axum::http::StatusCode;
use jiff::ToSpan as _;
use remit_app::reports::{self, Span};
use remit_app::views::{Cursor, OnlinePayment};
use remit_core::methods::Method;
use serde::Deserialize;

use super::answer::{Answer, encoded, page};
use super::desk::Desk;
use super::{clock, summary, words};
use crate::pages::payments::{PaymentRow, Payments};
use crate::pages::{Choice, Section};

const PAGE_ROWS: i64 = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    from: String,
    to: String,
    method: String,
    after: String,
}

/// `GET /financials/payments`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let today = desk.clock.today();
    let last = clock::day(&asked.to).unwrap_or(today);
    let month = last.checked_sub(29.days()).unwrap_or(last);
    let mut first = clock::day(&asked.from).unwrap_or(month);
    let mut error = None;
    let zone = &desk.about().zone;
    let span = match Span::of_days(zone, first, last) {
        Ok(span) => span,
        Err(_) => {
            error = Some(format!(
                "Choose at most {} days, the first one first.",
                reports::DAYS_MAX
            ));
            first = month;
            Span::of_days(zone, first, last)?
        }
    };
    let method = Method::parse(&asked.method);
    let after = Cursor::parse(&asked.after);
    let (app, clinic) = (&desk.app, desk.clinic());
    let report = reports::online_payments(app, clinic, &span).await?;
    let sum = method.map_or(report.all.collected, |method| report.all.of(method));
    let (found, next) =
        reports::payments(app, clinic, &span, method, after.as_ref(), PAGE_ROWS).await?;
    let here = format!(
        "/financials/payments?from={first}&to={last}&method={}",
        method.map_or("", Method::name)
    );
    let shown = Payments {
        shell: desk.shell(Section::Summary).await?,
        from: first.to_string(),
        to: last.to_string(),
        methods: choices(method),
        error,
        rows: found.iter().map(|payment| row(&desk, payment)).collect(),
        total: format!(
            "{}, {}",
            words::count(sum.payments.max(0).unsigned_abs(), "payment", "payments"),
            report.money(sum.amount)
        ),
        first: after.is_some().then(|| here.clone()),
        older: next.map(|next| format!("{here}&after={}", encoded(&next.written()))),
        here: match after {
            Some(_) => format!("{here}&after={}", encoded(&asked.after)),
            None => here,
        },
        summary: format!("{}?range=custom&from={first}&to={last}", summary::HERE),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn choices(chosen: Option<Method>) -> Vec<Choice> {
    let any = Choice {
        value: String::new(),
        label: "Any method".into(),
        selected: chosen.is_none(),
    };
    let each = Method::ALL.into_iter().map(|method| Choice {
        value: method.name().into(),
        label: method.title().into(),
        selected: chosen == Some(method),
    });
    std::iter::once(any).chain(each).collect()
}

fn row(desk: &Desk, payment: &OnlinePayment) -> PaymentRow {
    PaymentRow {
        id: payment.id.to_string(),
        appointment_id: payment.appointment.to_string(),
        patient: payment.patient_name.clone(),
        received: desk.clock.moment(payment.received_at),
        method: payment.method.title(),
        paid_with: payment
            .reference
            .clone()
            .filter(|with| with != payment.method.title())
            .unwrap_or_default(),
        amount: payment.amount.to_string(),
        refunded: if payment.refunded.is_zero() {
            String::new()
        } else {
            payment.refunded.to_string()
        },
    }
}
