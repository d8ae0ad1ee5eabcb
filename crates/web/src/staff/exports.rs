//! Export of what *Online Payments* or *Follow up* shows: CSV in a stream of any length, XLSX up to a limit.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use remit_app::views::{Cursor, Filter, LinkView};
use remit_app::{exports, follow_up, links};
use remit_core::links::LinkState;
use remit_core::methods::PurposeKind;

use super::answer::{Answer, Failure};
use super::desk::Desk;
use super::forms::Form;
use super::online_payments::{self, Asked, Days};
use super::words;

mod sheet;

/// How many links the answer holds, where that is known before: what the page's progress is measured against.
const ROWS: HeaderName = HeaderName::from_static("remit-rows");
/// Excel takes a text for UTF-8 only with this in front.
const BOM: &str = "\u{feff}";

const COLUMNS: [&str; 19] = [
    "Reference",
    "Patient",
    "Mobile",
    "Email",
    "Appointment",
    "Practitioner",
    "For",
    "Amount",
    "Currency",
    "Status",
    "Badges",
    "Sent by",
    "Created",
    "Created by",
    "Sent",
    "Opened",
    "Expires",
    "Paid",
    "Received less refunds",
];

/// One cell. Text is never a formula, whatever it begins with (OWASP, CSV injection).
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Text(String),
    /// A sum as it is written (`37.50`), and its decimals.
    Sum(String, usize),
    /// A moment on the clinic's clock, `2026-11-24 10:44`.
    Moment(String),
}

/// What is exported.
enum Source {
    /// The list, from a place on.
    List(Box<Filter>, Option<Cursor>),
    /// Links that were read already.
    Few(Vec<LinkView>),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Xlsx,
}

/// `POST /financials/online-payments/export`: `format`, and the filter's fields. A POST, since it is noted who did it.
pub async fn export(desk: Desk, form: Form) -> Answer {
    let format = match form.text("format") {
        "csv" => Format::Csv,
        "xlsx" => Format::Xlsx,
        _ => return Err(Failure::Unreadable),
    };
    let (source, name, rows, what) = if form.text("list") == "follow-up" {
        let all = follow_up::list(&desk.app, desk.clinic()).await?;
        let why = form.text("why");
        let wanted = |one: &follow_up::FollowUp| {
            why.is_empty() || super::follow_up::is_called(one.reason, why)
        };
        let few: Vec<LinkView> = all.into_iter().filter(wanted).map(|one| one.link).collect();
        let rows = Some(few.len() as u64);
        (
            Source::Few(few),
            "follow-up".to_owned(),
            rows,
            "follow-up".to_owned(),
        )
    } else {
        let asked = asked(&form);
        let days = online_payments::days(&desk, &asked);
        let wanted = online_payments::wanted(&desk, &asked, &days);
        let rows = rows(&desk, &wanted, &asked).await?;
        let what = told(&asked, &days);
        (
            Source::List(Box::new(wanted), None),
            name(&desk, &days),
            rows,
            what,
        )
    };
    let kind = if format == Format::Csv { "csv" } else { "xlsx" };
    exports::note(&desk.app, desk.actor(), &format!("{kind} {what}")).await?;
    let file = format!("{name}.{kind}");
    match format {
        Format::Csv => Ok(answer(
            "text/csv; charset=utf-8",
            &file,
            rows,
            Body::from_stream(csv(desk, source)),
        )),
        Format::Xlsx => {
            let bytes = sheet::made(&desk, source).await?;
            Ok(answer(sheet::CONTENT_TYPE, &file, rows, Body::from(bytes)))
        }
    }
}

fn asked(form: &Form) -> Asked {
    let given = |name: &str| form.has(name).then(|| form.text(name).to_owned());
    Asked {
        status: form.text("status").to_owned(),
        q: form.text("q").to_owned(),
        purpose: form.text("purpose").to_owned(),
        from: given("from"),
        to: given("to"),
        ..Asked::default()
    }
}

/// How many links there will be; a search or a purpose is not counted before.
async fn rows(desk: &Desk, wanted: &Filter, asked: &Asked) -> remit_app::Result<Option<u64>> {
    if wanted.q.is_some() || wanted.purpose.is_some() {
        return Ok(None);
    }
    let (from, to) = online_payments::bounds(wanted);
    let tallies = links::tallies(&desk.app, desk.clinic(), from, to).await?;
    let tally = online_payments::tallied(&tallies, asked);
    Ok(Some(tally.links.max(0).unsigned_abs()))
}

/// The filter for the audit log: what was searched for is somebody's name, so only that something was.
fn told(asked: &Asked, days: &Days) -> String {
    let mut told = String::from("links");
    let day = |day: Option<jiff::civil::Date>| day.map_or("..".into(), |day| day.to_string());
    let _ = write!(told, " from {} to {}", day(days.from), day(days.to));
    if let Some(status) = LinkState::parse(&asked.status) {
        let _ = write!(told, ", {}", status.name());
    }
    if let Some(purpose) = PurposeKind::parse(&asked.purpose) {
        let _ = write!(told, ", {}", purpose.name());
    }
    if !asked.q.trim().is_empty() {
        told.push_str(", searched");
    }
    told
}

fn name(desk: &Desk, days: &Days) -> String {
    match (days.from, days.to) {
        (Some(from), Some(to)) => format!("payment-links-{from}-to-{to}"),
        _ => format!("payment-links-{}", desk.clock.today()),
    }
}

fn answer(kind: &'static str, file: &str, rows: Option<u64>, body: Body) -> Response {
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    if let Some(rows) = rows {
        headers.insert(ROWS, HeaderValue::from(rows));
    }
    response
}

impl Source {
    /// The next links; none at the end.
    async fn next(&mut self, desk: &Desk) -> remit_app::Result<Option<Vec<LinkView>>> {
        match std::mem::replace(self, Source::Done) {
            Source::Done => Ok(None),
            Source::Few(few) => Ok(Some(few)),
            Source::List(filter, after) => {
                let (app, clinic) = (&desk.app, desk.clinic());
                let (found, next) = exports::page(app, clinic, &filter, after.as_ref()).await?;
                if next.is_some() {
                    *self = Source::List(filter, next);
                }
                Ok(Some(found))
            }
        }
    }
}

/// The file page by page. A page that cannot be read breaks the answer off, so that nobody takes a part for the whole.
fn csv(desk: Desk, source: Source) -> impl Stream<Item = std::io::Result<Bytes>> {
    let head = line(&COLUMNS.map(|name| Cell::Text(name.into())));
    let first = stream::once(async move { Ok(Bytes::from(format!("{BOM}{head}"))) });
    let rest = stream::try_unfold((desk, source), |(desk, mut source)| async move {
        let found = source.next(&desk).await.map_err(|error| {
            tracing::error!("an export of links broke off: {error}");
            std::io::Error::other("the export broke off")
        })?;
        let Some(found) = found else {
            return Ok(None);
        };
        let mut text = String::new();
        for link in &found {
            text.push_str(&line(&cells(&desk, link)));
        }
        Ok(Some((Bytes::from(text), (desk, source))))
    });
    futures_util::StreamExt::chain(first, rest)
}

fn cells(desk: &Desk, link: &LinkView) -> Vec<Cell> {
    let text = |text: &str| Cell::Text(text.to_owned());
    let moment = |at: Option<i64>| {
        Cell::Moment(at.map_or(String::new(), |at| desk.clock.written(at, "%Y-%m-%d %H:%M")))
    };
    let sum = |minor: i64| {
        let written = link.amount.with(minor).figure();
        let decimals = written.split_once('.').map_or(0, |(_, rest)| rest.len());
        Cell::Sum(written, decimals)
    };
    let shown = link.shown(desk.now());
    let badges: Vec<&str> = words::badges(link)
        .iter()
        .map(|badge| badge.word())
        .collect();
    let (phone, email) = (link.patient_phone.as_deref(), link.patient_email.as_deref());
    vec![
        text(&link.reference),
        text(&link.patient_name),
        Cell::Text(phone.map(|phone| desk.number(phone)).unwrap_or_default()),
        Cell::Text(email.map(|email| desk.email(email)).unwrap_or_default()),
        moment(Some(link.appointment_starts_at)),
        text(link.practitioner.as_deref().unwrap_or_default()),
        text(link.purpose.title()),
        sum(link.amount.minor),
        text(link.amount.currency.code()),
        text(shown.title()),
        Cell::Text(badges.join(", ")),
        text(words::channel(link).word()),
        moment(Some(link.created_at)),
        text(&link.created_by),
        moment(link.sent_at),
        moment(link.accessed_at),
        moment(Some(link.expires_at)),
        moment(link.paid_at),
        sum(link.captured - link.refunded),
    ]
}

/// RFC 4180: commas between, quotes where needed, CR LF at the end.
fn line(cells: &[Cell]) -> String {
    let mut line = String::new();
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        match cell {
            Cell::Text(text) => line.push_str(&quoted(text)),
            Cell::Sum(text, _) | Cell::Moment(text) => line.push_str(text),
        }
    }
    line.push_str("\r\n");
    line
}

/// A text that a spreadsheet would take for a formula gets an apostrophe in front, which it takes for text.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, line};

    #[test]
    fn no_cell_becomes_a_formula_and_none_breaks_the_line() {
        let texts = [
            ("Hannah Whitlock", "Hannah Whitlock"),
            (
                "=HYPERLINK(\"https://evil.example\")",
                "\"'=HYPERLINK(\"\"https://evil.example\"\")\"",
            ),
            ("+44 7700 900123", "'+44 7700 900123"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("O’Neil, Zoë", "\"O’Neil, Zoë\""),
            ("two\nlines", "\"two\nlines\""),
        ];
        for (text, written) in texts {
            assert_eq!(line(&[Cell::Text(text.into())]), format!("{written}\r\n"));
        }
        let cells = [
            Cell::Sum("-37.50".into(), 2),
            Cell::Moment("2026-11-24 10:44".into()),
        ];
        assert_eq!(
            line(&cells),
            "-37.50,2026-11-24 10:44\r\n",
            "figures are ours"
        );
    }
}
