//! The style guide's pages and what stands in them: an invented clinic, telephone numbers kept for fiction.

use askama::Template;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::Web;
use crate::pages::chart::{self, Day};
use crate::pages::links::{
    Life, LinkWindow, OutcomeKind, SendOutcome, SendRow, Step, StepState, Tab,
};
use crate::pages::online_payments::{Ends, LinkRow, RowAct};
use crate::pages::patient::Plan;
use crate::pages::styleguide::{Styleguide, StyleguidePatient, StyleguideWindow};
use crate::pages::summary::{self, Figure};
use crate::pages::{Badge, Channel, Field, LinkStatus, TimelineEntry, Toast, Tone};
use crate::staff::{link_code, page};

const URL: &str = "https://pay.larkhill.example/p/7Qm2vXc9RtL0aZk4sWfH1w";
/// How long its links still live: the script counts down from there.
const LEFT: jiff::SignedDuration = jiff::SignedDuration::from_mins(2_878);

pub fn routes() -> Router<Web> {
    Router::new()
        .route("/styleguide", get(async || shown(&guide())))
        .route("/styleguide/patient", get(async || shown(&patient())))
        .route("/styleguide/window", get(window_over))
}

/// The window alone; without a script there is nothing to lay it over.
async fn window_over(headers: HeaderMap) -> Response {
    if headers.contains_key("remit-fragment") {
        shown(&StyleguideWindow)
    } else {
        Redirect::to("/styleguide").into_response()
    }
}

fn ends_at() -> String {
    let now = jiff::Timestamp::now();
    now.saturating_add(LEFT).unwrap_or(now).to_string()
}

fn shown(guide: &impl Template) -> Response {
    page(StatusCode::OK, guide)
}

fn guide() -> Styleguide {
    Styleguide {
        tabs: tabs(),
        follow_up_count: 5,
        rows: LinkStatus::ALL
            .into_iter()
            .enumerate()
            .map(|(at, status)| row(at, status))
            .collect(),
        window: window(),
        timeline: timeline(),
        chart: drawn(),
        figures: figures(),
        funnel: funnel(),
        toasts: vec![
            Toast {
                text: "Kate Ingleby paid £36.00".into(),
                error: false,
            },
            Toast {
                text: "The server did not answer. Nothing is lost: try again.".into(),
                error: true,
            },
        ],
        here: "/styleguide",
        empty: Field::default(),
        filled: Field::new("45.00"),
        wrong: Field::wrong("45,000", "Enter an amount like 45.00."),
    }
}

fn patient() -> StyleguidePatient {
    let part = |amount: &str, day: &str| (amount.to_owned(), day.to_owned());
    StyleguidePatient {
        plan: Plan {
            parts: vec![
                part("£46.67", "Today"),
                part("£46.67", "24 Dec"),
                part("£46.66", "23 Jan"),
            ],
            notice: "The lender’s notice, in its own words.".into(),
        },
    }
}

fn tabs() -> Vec<Tab> {
    let tab = |label, count, current| Tab {
        label,
        href: "#g-table".into(),
        count,
        current,
    };
    vec![
        tab("All", 214, true),
        tab("Sent", 12, false),
        tab("Paid", 171, false),
    ]
}

/// A row of each status, each with another channel and badge.
fn row(at: usize, status: LinkStatus) -> LinkRow {
    const WHO: [(&str, &str, Channel); 6] = [
        ("Nadia Rossi", "£15.00", Channel::NotSent),
        ("Harriet Bowes", "£15.00", Channel::Email),
        ("Lewis Thornton", "£58.00", Channel::Qr),
        ("Kate Ingleby", "£36.00", Channel::Sms),
        ("Charlotte Penn", "£20.00", Channel::Sms),
        ("Joyce Entwistle", "£1,420.00", Channel::Copy),
    ];
    let (patient, amount, channel) = WHO[at % WHO.len()];
    let open = status.is_open();
    LinkRow {
        id: format!("lnk_{at}"),
        appointment_id: "apt_1".into(),
        patient: patient.into(),
        appointment: "Today 10:00, Tom Hargreaves".into(),
        amount: amount.into(),
        purpose: "Deposit".into(),
        status,
        badges: Badge::ALL
            .get(at)
            .filter(|_| at > 0)
            .copied()
            .into_iter()
            .collect(),
        channel,
        created: "Today 10:44".into(),
        ends: Ends {
            at: open.then(ends_at),
            text: if open {
                "47 h 58 min"
            } else {
                "Thu 26 Nov, 10:44"
            }
            .into(),
            detail: if open {
                "Thu 26 Nov, 10:44".into()
            } else {
                String::new()
            },
            brief: if open {
                "Expires in 47 h 58 min"
            } else {
                "Ended Thu 26 Nov, 10:44"
            }
            .into(),
        },
        act: match status {
            LinkStatus::Created => RowAct::Send,
            LinkStatus::Sent => RowAct::Resend("email"),
            LinkStatus::Accessed => RowAct::Copy,
            LinkStatus::Paid => RowAct::Receipt,
            LinkStatus::Expired => RowAct::Renew,
            LinkStatus::Cancelled => RowAct::Nothing,
        },
        url: open.then(|| URL.into()),
        refundable: status == LinkStatus::Paid,
        may_act: true,
        selectable: status != LinkStatus::Paid,
        csrf: String::new(),
        idempotency_key: String::new(),
        here: "/styleguide".into(),
        back: "%2Fstyleguide".into(),
    }
}

fn window() -> LinkWindow {
    let row = |to: &str, kind, text: &str| SendRow {
        to: Field::new(to),
        idempotency_key: String::new(),
        outcome: Some(SendOutcome {
            instead: None,
            kind,
            text: text.into(),
        }),
        remember: false,
        off: None,
    };
    let step = |name, state, detail: &str| Step {
        name,
        state,
        detail: detail.into(),
    };
    LinkWindow {
        csrf: String::new(),
        id: "lnk_1".into(),
        patient: "Hannah Whitlock".into(),
        appointment_id: "apt_1".into(),
        subject: "Balance of the appointment on Tuesday 24 November, 10:00".into(),
        amount: "£37.50".into(),
        status: LinkStatus::Sent,
        badges: vec![Badge::InProgress],
        life: Some(Life {
            left: "47 h 58 min".into(),
            ends: "Thu 26 Nov, 10:44".into(),
            ends_at: ends_at(),
            minutes_left: 2_878,
        }),
        outcome: String::new(),
        code: link_code(URL).ok(),
        url: URL.into(),
        methods: vec!["Credit or debit card".into(), "Klarna".into()],
        not_offered: Some("Clearpay: at most £1,200.00".into()),
        sms: row(
            "+44 7700 900618",
            OutcomeKind::Done,
            "Delivered at 10:45. You can send it again from 10:47",
        ),
        email: row(
            "hannah.whitlock@mail.example",
            OutcomeKind::Failed,
            "The mailbox does not exist",
        ),
        steps: vec![
            step("Created", StepState::Done, "10:44"),
            step("Sent", StepState::Done, "SMS, 10:45"),
            step("Delivered", StepState::Done, "10:45"),
            step("Accessed", StepState::Current, "Waiting for patient"),
            step("Paid", StepState::Ahead, "Not yet"),
        ],
        clinic: "Larkhill Clinic".into(),
        clinic_phone: "0117 496 0142".into(),
        refused: None,
        idempotency_key: String::new(),
        may_act: true,
    }
}

fn timeline() -> Vec<TimelineEntry> {
    let entry = |icon, tone, text: &str, detail: &str, at: &str| TimelineEntry {
        icon,
        tone,
        text: text.into(),
        detail: detail.into(),
        at: at.into(),
    };
    vec![
        entry(
            "circle-check",
            Tone::Good,
            "£37.50 paid by card",
            "Visa ending 4242",
            "10:49",
        ),
        entry("eye", Tone::Warn, "Opened by the patient", "", "10:46"),
        entry(
            "mail-x",
            Tone::Bad,
            "The email did not arrive",
            "The mailbox does not exist",
            "10:45",
        ),
        entry(
            "send",
            Tone::Sent,
            "Sent by SMS",
            "Joanne Bright, reception",
            "10:45",
        ),
        entry(
            "circle-dashed",
            Tone::Plain,
            "Payment link made",
            "Joanne Bright, reception",
            "10:44",
        ),
    ]
}

fn drawn() -> chart::Chart {
    let day = |label: &str, layers: [i64; chart::LAYERS]| Day {
        label: label.into(),
        title: format!("{label}: an example"),
        layers,
    };
    let days = vec![
        day("23 Nov", [46_550, 12_300, 9_600]),
        day("24 Nov", [61_200, 0, 14_000]),
        day("25 Nov", [0, 0, 0]),
        day("26 Nov", [22_000, 36_000, 0]),
        day("27 Nov", [500, 0, 0]),
    ];
    chart::draw(days, (1_140.0, 220.0), 5, |minor| {
        format!("£{}", minor / 100)
    })
}

fn figures() -> Vec<Figure> {
    let figure = |label, value: &str, trend: Option<(bool, &str)>, note: &str| Figure {
        label,
        value: value.into(),
        trend: trend.map(|(up, words)| (up, words.to_owned())),
        note: note.into(),
        href: None,
        note_href: None,
    };
    vec![
        figure(
            "Collected",
            "£18,462.50",
            Some((true, "12%")),
            "on the 30 days before",
        ),
        figure(
            "Refunded",
            "£140.00",
            Some((false, "3%")),
            "on the 30 days before",
        ),
        figure("Paid of sent", "80%", None, "171 of 214 links"),
        figure("Outstanding", "£397.00", None, "5 links wait"),
    ]
}

fn funnel() -> Vec<summary::Step> {
    let step = |label: &str, count, percent| summary::Step {
        label: label.into(),
        count,
        percent,
        width: percent,
        href: None,
    };
    vec![
        step("Created", 214, 100),
        step("Sent", 205, 96),
        step("Accessed", 188, 88),
        step("Paid", 171, 80),
    ]
}
