//! Financials -> Summary: the figures, their bars, and the same as CSV.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse as _;
use jiff::ToSpan as _;
use jiff::civil::Date;
use remit_app::reports::{self, Report, Span, Sums};
use remit_core::methods::Method;
use remit_core::reports::percent;
use serde::Deserialize;

use super::answer::{Answer, page};
use super::desk::Desk;
use super::{clock, online_payments, words};
use crate::pages::chart::{self, Chart};
use crate::pages::summary::{Custom, DayLine, Figure, MethodLine, Range, Step, Summary};
use crate::pages::{Field, Section};

pub const HERE: &str = "/financials/summary";
/// Days of the chart on a phone.
const SMALL_DAYS: usize = 10;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    range: String,
    from: String,
    to: String,
}

/// The days that were asked for, and what is wrong with those that were typed.
struct Days {
    first: Date,
    last: Date,
    range: &'static str,
    error: Option<String>,
}

fn days(desk: &Desk, asked: &Asked) -> Days {
    let today = desk.clock.today();
    let back = |days: i64| today.checked_sub((days - 1).days()).unwrap_or(today);
    let of = |first, last, range| Days {
        first,
        last,
        range,
        error: None,
    };
    match asked.range.as_str() {
        "7" => of(back(7), today, "7"),
        "quarter" => {
            let before = today.checked_sub(3.months()).unwrap_or(today);
            of(clock::next(before), today, "quarter")
        }
        // Of an earlier release, in somebody's bookmarks.
        "month" => of(today.first_of_month(), today, "month"),
        "custom" => {
            let mut chosen = of(back(30), today, "custom");
            let typed = !asked.from.trim().is_empty() || !asked.to.trim().is_empty();
            match (clock::day(&asked.from), clock::day(&asked.to)) {
                (Some(first), Some(last)) if first <= last => {
                    (chosen.first, chosen.last) = (first, last);
                }
                (Some(_), Some(_)) => {
                    chosen.error = Some("The first day is after the last one. Swap them.".into());
                }
                _ if typed => {
                    chosen.error = Some("Enter both days as day, month and year.".into());
                }
                _ => {}
            }
            chosen
        }
        _ => of(back(30), today, "30"),
    }
}

async fn report(desk: &Desk, days: &mut Days) -> remit_app::Result<Report> {
    let zone = &desk.about().zone;
    let span = match Span::of_days(zone, days.first, days.last) {
        Ok(span) => span,
        Err(_) => {
            days.error = Some(format!("Choose at most {} days.", reports::DAYS_MAX));
            let long = (reports::DAYS_MAX - 1).days();
            days.first = days.last.checked_sub(long).unwrap_or(days.last);
            Span::of_days(zone, days.first, days.last)?
        }
    };
    reports::online_payments(&desk.app, desk.clinic(), &span).await
}

/// `GET /financials/summary`.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let mut days = days(&desk, &asked);
    let report = report(&desk, &mut days).await?;
    let shell = desk.shell(Section::Summary).await?;
    let shown = Summary {
        span: span_words(days.first, days.last),
        ranges: ranges(&days),
        custom: (days.range == "custom").then(|| Custom {
            from: Field {
                value: days.first.to_string(),
                error: days.error.clone(),
            },
            to: Field::new(days.last.to_string()),
        }),
        csv: address(&format!("{HERE}.csv"), &days),
        here: address(HERE, &days),
        figures: figures(&report, &days, shell.follow_up),
        empty: report.all.is_empty() && report.funnel.created == 0,
        chart: drawn(&report, report.days.len(), (1090.0, 236.0), 8),
        small_chart: drawn(&report, SMALL_DAYS, (360.0, 210.0), 5),
        chart_label: label(report.days.len()),
        small_chart_label: label(SMALL_DAYS.min(report.days.len())),
        methods: methods(&report, &days),
        all_links: report.all.collected.payments,
        all_collected: report.money(report.all.collected.amount).to_string(),
        all_href: payments_of(days.first, days.last, ""),
        funnel: funnel(&report, &days),
        funnel_note: funnel_note(&report),
        steps: steps(&report),
        net: net(&report),
        disputed: report.days.iter().any(|(_, sums)| sums.disputed != 0),
        days: report
            .days
            .iter()
            .rev()
            .filter(|(_, sums)| !sums.is_empty())
            .map(|(day, sums)| line(&report, Some(*day), sums))
            .collect(),
        total: line(&report, None, &report.all),
        elsewhere: elsewhere(&report),
        shell,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `26 October to 24 November 2026`, `24 November 2026`.
fn span_words(first: Date, last: Date) -> String {
    let whole = last.strftime("%-d %B %Y");
    if first == last {
        return whole.to_string();
    }
    let begin = if first.year() == last.year() {
        first.strftime("%-d %B")
    } else {
        first.strftime("%-d %B %Y")
    };
    format!("{begin} to {whole}")
}

fn address(path: &str, days: &Days) -> String {
    match days.range {
        "custom" => format!("{path}?range=custom&from={}&to={}", days.first, days.last),
        range => format!("{path}?range={range}"),
    }
}

fn ranges(days: &Days) -> Vec<Range> {
    let all = [
        ("7 days", "7"),
        ("30 days", "30"),
        ("Quarter", "quarter"),
        ("Custom", "custom"),
    ];
    all.into_iter()
        .map(|(label, range)| Range {
            label,
            wide: range == "quarter",
            href: match range {
                "custom" => format!("{HERE}?range=custom&from={}&to={}", days.first, days.last),
                range => format!("{HERE}?range={range}"),
            },
            current: days.range == range,
        })
        .collect()
}

fn figures(report: &Report, days: &Days, follow_up: u64) -> Vec<Figure> {
    let funnel = report.funnel;
    let figure = |label, value, note: String| Figure {
        label,
        value,
        trend: None,
        note,
        href: None,
        note_href: None,
    };
    let (trend, note) = trend(report);
    let outstanding = report.outstanding;
    let open = words::count(
        outstanding.links.max(0).unsigned_abs(),
        "open link",
        "open links",
    );
    let open = match follow_up {
        0 => open,
        follow_up => format!("{open}, {follow_up} to follow up"),
    };
    let links = words::count(funnel.created.max(0).unsigned_abs(), "link", "links");
    vec![
        Figure {
            trend,
            href: Some(payments_of(days.first, days.last, "")),
            ..figure(
                "Collected",
                report.money(report.all.collected.amount).to_string(),
                note,
            )
        },
        Figure {
            href: Some(links_of(days, "paid")),
            ..figure(
                "Links paid",
                format!("{}%", percent(funnel.paid, funnel.created)),
                format!("{} of {links}", funnel.paid),
            )
        },
        figure(
            "Time to pay",
            report.median_minutes.map_or("–".into(), minutes),
            match report.median_minutes {
                Some(_) => "Half of all payers are quicker".into(),
                None => "Nobody has paid in these days".into(),
            },
        ),
        Figure {
            href: Some(format!(
                "{}?status={}",
                online_payments::HERE,
                online_payments::OPEN
            )),
            note_href: (follow_up > 0).then(|| format!("{}/follow-up", online_payments::HERE)),
            ..figure(
                "Outstanding",
                report.money(outstanding.amount).to_string(),
                open,
            )
        },
    ]
}

/// Up, down or neither against as many days before, and what is said beside it.
fn trend(report: &Report) -> (Option<(bool, String)>, String) {
    let (now, before) = (report.all.collected.amount, report.before.amount);
    let days = words::count(report.days.len() as u64, "day", "days");
    match before {
        0 => (None, format!("Nothing in the {days} before")),
        before if now > before * 10 => (
            None,
            format!("{} in the {days} before", report.money(before)),
        ),
        before => {
            let change = percent((now - before).abs(), before);
            let trend = Some((now >= before, format!("{change}%")));
            (trend, format!("on the {days} before"))
        }
    }
}

/// What became of what was collected.
fn net(report: &Report) -> String {
    let all = &report.all;
    let parts = [
        (all.refunded, "refunded"),
        (all.disputed, "held or kept by banks"),
        (all.fees, "fees"),
    ];
    let parts = parts.into_iter().filter(|(minor, _)| *minor != 0);
    let parts: Vec<String> = parts
        .map(|(minor, word)| format!("{} {word}", report.money(minor)))
        .collect();
    let less = match parts.as_slice() {
        [] => String::new(),
        [one] => format!(" less {one}"),
        [first @ .., last] => format!(" less {} and {last}", first.join(", ")),
    };
    format!(
        "{} collected{less}: {} net. {} was paid out to the clinic’s bank.",
        report.money(all.collected.amount),
        report.money(all.net()),
        report.money(all.paid_out)
    )
}

/// `under 1 min`, `38 min`, `2 h 05 min`.
fn minutes(minutes: i64) -> String {
    match minutes {
        ..=0 => "under 1 min".into(),
        1..=59 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

fn label(days: usize) -> String {
    let days = words::count(days as u64, "day", "days");
    format!("Collected per day by method, {days}; the table below has the figures")
}

fn drawn(report: &Report, last: usize, size: (f64, f64), labels_max: usize) -> Chart {
    let skip = report.days.len().saturating_sub(last);
    let days = report.days.iter().skip(skip).map(|(day, sums)| {
        let label = day.strftime("%-d %b").to_string();
        let each = Method::ALL.map(|method| {
            let sum = report.money(sums.of(method).amount);
            format!("{} {sum}", words::method(method))
        });
        let all = report.money(sums.collected.amount);
        chart::Day {
            title: format!("{label}: {all} ({})", each.join(", ")),
            label,
            layers: Method::ALL.map(|method| sums.of(method).amount),
        }
    });
    chart::draw(days.collect(), size, labels_max, |minor| {
        let text = report.money(minor).to_string();
        text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
    })
}

fn methods(report: &Report, days: &Days) -> Vec<MethodLine> {
    let classes = ["c1", "c2", "c3"];
    let lines = Method::ALL.into_iter().zip(classes);
    lines
        .map(|(method, class)| MethodLine {
            class,
            title: method.title(),
            links: report.all.of(method).payments,
            collected: report.money(report.all.of(method).amount).to_string(),
            href: payments_of(days.first, days.last, method.name()),
        })
        .collect()
}

/// The list of the payments that a figure adds up.
fn payments_of(first: Date, last: Date, method: &str) -> String {
    let of = match method {
        "" => String::new(),
        method => format!("&method={method}"),
    };
    format!("/financials/payments?from={first}&to={last}{of}")
}

/// The list of the links that were made in these days; of one status, if one is given.
fn links_of(days: &Days, status: &str) -> String {
    let of = match status {
        "" => String::new(),
        status => format!("status={status}&"),
    };
    let (from, to) = (days.first, days.last);
    format!("{}?{of}from={from}&to={to}", online_payments::HERE)
}

fn funnel(report: &Report, days: &Days) -> Vec<Step> {
    let funnel = report.funnel;
    let links = |status: &str| Some(links_of(days, status));
    let step = |label: &str, count, href| Step {
        label: label.into(),
        count,
        percent: percent(count, funnel.created),
        width: percent(count, funnel.created),
        href,
    };
    vec![
        step("Created", funnel.created, links("")),
        step("Sent", funnel.sent, None),
        step("Accessed", funnel.accessed, None),
        step("Paid", funnel.paid, links("paid")),
    ]
}

fn funnel_note(report: &Report) -> String {
    let unpaid = (report.funnel.accessed - report.funnel.paid).max(0);
    match unpaid {
        0 => "Every link that was opened was paid.".into(),
        1 => "1 link was opened and not paid.".into(),
        unpaid => format!("{unpaid} links were opened and not paid."),
    }
}

fn steps(report: &Report) -> Vec<Step> {
    let labels = [
        "Under 5 min",
        "5–30 min",
        "30 min–2 h",
        "2–12 h",
        "12–24 h",
        "24–48 h",
        "Later",
    ];
    let all: i64 = report.steps.iter().sum();
    let most = report.steps.iter().copied().max().unwrap_or(0);
    labels
        .into_iter()
        .zip(report.steps)
        // Paid late: only when it happened.
        .filter(|(label, links)| *label != "Later" || *links > 0)
        .map(|(label, links)| Step {
            label: label.into(),
            count: links,
            percent: percent(links, all),
            width: percent(links, most),
            href: None,
        })
        .collect()
}

fn line(report: &Report, day: Option<Date>, sums: &Sums) -> DayLine {
    let money = |minor: i64| report.money(minor).to_string();
    let some = |minor: i64| match minor {
        0 => "–".to_owned(),
        minor => money(minor),
    };
    let parts = [
        (sums.collected.amount, "collected"),
        (sums.refunded, "refunded"),
        (sums.disputed, "disputed"),
        (sums.fees, "fees"),
        (sums.paid_out, "paid out"),
    ];
    let parts = parts.into_iter().filter(|(minor, _)| *minor != 0);
    let parts: Vec<String> = parts
        .map(|(minor, word)| format!("{} {word}", money(minor)))
        .collect();
    DayLine {
        day: day.map_or("Total".into(), |day| day.strftime("%a %-d %b").to_string()),
        href: day.map_or(String::new(), |day| payments_of(day, day, "")),
        methods: Method::ALL
            .map(|method| some(sums.of(method).amount))
            .into(),
        collected: some(sums.collected.amount),
        refunded: some(sums.refunded),
        disputed: some(sums.disputed),
        fees: some(sums.fees),
        net: money(sums.net()),
        paid_out: some(sums.paid_out),
        words: parts.join(", "),
    }
}

fn elsewhere(report: &Report) -> Option<String> {
    let sums: Vec<String> = report.elsewhere.iter().map(ToString::to_string).collect();
    (!sums.is_empty()).then(|| {
        format!(
            "{} came in other currencies and is in no figure here.",
            sums.join(", ")
        )
    })
}

/// `GET /financials/summary.csv`: a line for each day, amounts as plain decimals (hazard D8: no cell is anybody's text).
pub async fn csv(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let mut days = days(&desk, &asked);
    let report = report(&desk, &mut days).await?;
    let mut text = String::from(
        "Date,Payments,Card,Klarna,Clearpay,Collected,Refunded,Disputed,Fees,Net,Paid out,Currency\r\n",
    );
    for (day, sums) in &report.days {
        let figure = |minor: i64| report.money(minor).figure();
        let mut cells = vec![day.to_string(), sums.collected.payments.to_string()];
        cells.extend(Method::ALL.map(|method| figure(sums.of(method).amount)));
        cells.extend(
            [
                sums.collected.amount,
                sums.refunded,
                sums.disputed,
                sums.fees,
                sums.net(),
                sums.paid_out,
            ]
            .map(figure),
        );
        cells.push(report.currency.code().to_owned());
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let name = format!("summary-{}-to-{}.csv", days.first, days.last);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::OK, headers, text).into_response())
}
