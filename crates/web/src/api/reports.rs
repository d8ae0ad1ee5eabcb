//! Reports: the summary's figures.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use remit_app::reports::{self, Report, Span, Sums};
use remit_app::{App, clinics};
use remit_core::methods::Method;
use remit_core::payments::PaidBy;
use remit_core::reports::STEPS_MIN;
use remit_core::{DAY_MS, UtcMs};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::guard::Caller;
use super::lists::{self, Query};
use super::money::{MoneyBody, Time};
use super::problem::Problem;
use super::words::PaymentMethod;

/// Days of a report that is asked for without a span.
const DAYS: i64 = 30;
const WANTED: &str = "Enter a day like 2026-11-01, or a time like 2026-11-01T09:00:00Z.";

/// What came in online, what was kept and paid out, and how links fared.
#[derive(Serialize, ToSchema)]
pub struct OnlinePaymentsReport {
    from: Time,
    /// The end, which is not part of it.
    to: Time,
    /// The zone in which its days are counted.
    #[schema(example = "Europe/London")]
    zone: String,
    payments: i64,
    /// Received online, before anything went back.
    collected: MoneyBody,
    refunded: MoneyBody,
    /// Taken back by payers' banks, less what they gave again.
    disputed: MoneyBody,
    /// Kept by the providers.
    fees: MoneyBody,
    /// Collected less refunded, disputed and fees.
    net: MoneyBody,
    /// Sent to the clinic's bank, less what came back.
    paid_out: MoneyBody,
    /// Collected in as much time right before.
    collected_before: MoneyBody,
    methods: Vec<MethodCollected>,
    /// Every day, first to last.
    days: Vec<ReportDay>,
    /// Of the links created in this time.
    funnel: LinkFunnel,
    time_to_pay: TimeToPay,
    /// Open links of any time, as they stand now.
    outstanding: Outstanding,
    /// Received in other currencies; in no figure above.
    other_currencies: Vec<MoneyBody>,
}

#[derive(Serialize, ToSchema)]
pub struct MethodCollected {
    method: PaymentMethod,
    payments: i64,
    collected: MoneyBody,
}

#[derive(Serialize, ToSchema)]
pub struct ReportDay {
    /// In the clinic's zone.
    #[schema(value_type = String, format = Date, example = "2026-11-24")]
    date: Date,
    payments: i64,
    collected: MoneyBody,
    methods: Vec<MethodCollected>,
    refunded: MoneyBody,
    disputed: MoneyBody,
    fees: MoneyBody,
    net: MoneyBody,
    paid_out: MoneyBody,
}

/// How far links went. A later step counts in every earlier one.
#[derive(Serialize, ToSchema)]
pub struct LinkFunnel {
    created: i64,
    sent: i64,
    accessed: i64,
    paid: i64,
}

/// From creation to payment, of the links paid in this time.
#[derive(Serialize, ToSchema)]
pub struct TimeToPay {
    /// Half of them were paid within so many minutes; null without any.
    median_minutes: Option<i64>,
    steps: Vec<TimeStep>,
}

#[derive(Serialize, ToSchema)]
pub struct TimeStep {
    from_minutes: i64,
    /// Null for the last: paid after the link had ended.
    to_minutes: Option<i64>,
    links: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Outstanding {
    links: i64,
    amount: MoneyBody,
    /// Opened by the patient and not paid.
    follow_up: i64,
}

fn methods(report: &Report, sums: &Sums) -> Vec<MethodCollected> {
    let each = Method::ALL.into_iter().map(|method| MethodCollected {
        method: PaidBy::Online(method).into(),
        payments: sums.of(method).payments,
        collected: report.money(sums.of(method).amount).into(),
    });
    each.collect()
}

fn shown(report: &Report) -> OnlinePaymentsReport {
    let money = |minor: i64| -> MoneyBody { report.money(minor).into() };
    let all = &report.all;
    let days = report.days.iter().map(|(date, sums)| ReportDay {
        date: *date,
        payments: sums.collected.payments,
        collected: money(sums.collected.amount),
        methods: methods(report, sums),
        refunded: money(sums.refunded),
        disputed: money(sums.disputed),
        fees: money(sums.fees),
        net: money(sums.net()),
        paid_out: money(sums.paid_out),
    });
    let ends = STEPS_MIN.into_iter().map(Some).chain([None]);
    let starts = std::iter::once(0).chain(STEPS_MIN);
    let steps = starts.zip(ends).zip(report.steps);
    OnlinePaymentsReport {
        from: Time(report.from),
        to: Time(report.to),
        zone: report.zone.clone(),
        payments: all.collected.payments,
        collected: money(all.collected.amount),
        refunded: money(all.refunded),
        disputed: money(all.disputed),
        fees: money(all.fees),
        net: money(all.net()),
        paid_out: money(all.paid_out),
        collected_before: money(report.before.amount),
        methods: methods(report, all),
        days: days.collect(),
        funnel: LinkFunnel {
            created: report.funnel.created,
            sent: report.funnel.sent,
            accessed: report.funnel.accessed,
            paid: report.funnel.paid,
        },
        time_to_pay: TimeToPay {
            median_minutes: report.median_minutes,
            steps: steps
                .map(|((from_minutes, to_minutes), links)| TimeStep {
                    from_minutes,
                    to_minutes,
                    links,
                })
                .collect(),
        },
        outstanding: Outstanding {
            links: report.outstanding.links,
            amount: money(report.outstanding.amount),
            follow_up: report.follow_up,
        },
        other_currencies: report.elsewhere.iter().map(|sum| (*sum).into()).collect(),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// A day in the clinic's zone, or RFC 3339; 30 days back without it.
    from: Option<String>,
    /// The last day, or RFC 3339, before which it ends; today without it.
    to: Option<String>,
}

/// The end of a span as it was asked for.
enum End {
    Day(Date),
    Moment(UtcMs),
}

fn end(name: &str, text: &Option<String>) -> Result<Option<End>, Problem> {
    let Some(text) = lists::given(text) else {
        return Ok(None);
    };
    let moment = || Time::parse(text).map(|time| End::Moment(time.0));
    let day = || {
        let day = Date::strptime("%Y-%m-%d", text).ok()?;
        (1900..=2200).contains(&day.year()).then_some(End::Day(day))
    };
    let end = day().or_else(moment);
    end.map(Some)
        .ok_or_else(|| Problem::bad_parameter(name, WANTED))
}

/// Report on online payments
///
/// Collected per day and method, refunds, disputes, fees, net and payouts; how links fared. At most 366 days.
#[utoipa::path(get, path = "/reports/online-payments", tag = "Reports", params(ReportQuery),
    operation_id = "report_online_payments", responses((status = 200, body = OnlinePaymentsReport)))]
pub async fn online_payments(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Query(query): Query<ReportQuery>,
) -> Result<Json<OnlinePaymentsReport>, Problem> {
    let (from, to) = (end("from", &query.from)?, end("to", &query.to)?);
    let zone = clinics::context(&app, actor.clinic)
        .await?
        .clinic
        .zone
        .clone();
    let now = app.now().await?;
    // A day is turned into moments by the span of that day alone.
    let day = |day: Date| Span::of_days(&zone, day, day);
    let to = match to {
        Some(End::Day(last)) => day(last)?.to,
        Some(End::Moment(at)) => at,
        None => today(&zone, now)?.to,
    };
    let from = match from {
        Some(End::Day(first)) => day(first)?.from,
        Some(End::Moment(at)) => at,
        None => today(&zone, to - 1 - (DAYS - 1) * DAY_MS)?.from,
    };
    let span = Span::of_moments(&zone, from, to)
        .map_err(|_| Problem::bad_parameter("to", "Ask for 1 to 366 days, the first one first."))?;
    let report = reports::online_payments(&app, actor.clinic, &span).await?;
    Ok(Json(shown(&report)))
}

/// The day that a moment lies in.
fn today(zone: &str, at: UtcMs) -> Result<Span, Problem> {
    let moment = Span::of_moments(zone, at, at + 1)?;
    let day = moment.days().first().copied().unwrap_or_default();
    Ok(Span::of_days(zone, day, day)?)
}
