//! Which page a link's address shows, and what stands on it.

use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use remit_app::clinics::in_zone;
use remit_app::views::LinkView;
use remit_app::{
    App, ClinicContext, Result, appointments, attempts, clinics, methods, payments, providers,
};
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::clinic::Clinic;
use remit_core::ids::ClinicId;
use remit_core::links::{Closing, LinkState};
use remit_core::methods::{Method, PurposeKind, instalments};
use remit_core::money::Money;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

use super::html;
use crate::pages::patient::{
    Frame, Onwards, Pay, PayMethod, PayState, Plan, Row, State, StateAction,
};
use crate::security;

/// A page, ready to go.
pub enum Shown {
    /// With where its form may lead besides our own pages.
    Pay(Box<Pay>, Vec<String>),
    State(Box<PayState>),
}

impl Shown {
    pub fn respond(&self) -> Response {
        match self {
            Shown::Pay(page, targets) => {
                let mut response = html(StatusCode::OK, &**page);
                if let Some(policy) =
                    security::csp_with_form_targets(targets).filter(|_| !targets.is_empty())
                {
                    response
                        .headers_mut()
                        .insert(header::CONTENT_SECURITY_POLICY, policy);
                }
                response
            }
            // An ended link is gone, for people as for crawlers (hazard B9).
            Shown::State(page)
                if matches!(page.state, State::Expired | State::Asked | State::Cancelled) =>
            {
                html(StatusCode::GONE, &**page)
            }
            Shown::State(page) => html(StatusCode::OK, &**page),
        }
    }
}

/// RFC 3339 in UTC.
pub(crate) fn rfc3339(at: UtcMs) -> String {
    Timestamp::from_millisecond(at)
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}

pub(super) fn frame(context: &ClinicContext, csrf: &str) -> Frame {
    let clinic = &context.clinic;
    Frame {
        clinic: clinic.name.clone(),
        place: clinic.strapline.clone(),
        initials: clinic.initials(),
        address: format!("{}, {}", clinic.name, clinic.address),
        phone: context
            .dialled
            .clone()
            .map(|dialled| (clinic.phone.clone(), dialled)),
        email: (!clinic.email.is_empty()).then(|| clinic.email.clone()),
        test_mode: context.is_test(),
        csrf: csrf.to_owned(),
        ..Frame::default()
    }
}

fn state(
    frame: Frame,
    state: State,
    heading: impl Into<String>,
    text: impl Into<String>,
) -> PayState {
    PayState {
        frame,
        state,
        heading: heading.into(),
        text: text.into(),
        rows: vec![],
        action: None,
        help: None,
    }
}

/// The same bytes for every address that is no link.
pub fn unknown() -> PayState {
    let text = "Check the address in your message, or ask your clinic for a new link. You have not been charged.";
    state(
        Frame {
            clinic: "Remit".into(),
            initials: "?".into(),
            ..Frame::default()
        },
        State::Unknown,
        "We cannot find this link",
        text,
    )
}

/// Ours to mend.
pub fn out_of_order() -> PayState {
    let frame = Frame {
        clinic: "Remit".into(),
        initials: "!".into(),
        ..Frame::default()
    };
    state(
        frame,
        State::Unknown,
        "This page is out of order just now",
        "Nothing was taken. Please try again in a minute.",
    )
}

/// For a browser that comes back from the provider without having begun here.
pub fn come_back() -> PayState {
    let frame = Frame {
        clinic: "Remit".into(),
        initials: "✓".into(),
        ..Frame::default()
    };
    let text = "The clinic is told by itself as soon as the payment is confirmed. To see how it stands, open the link in your message again.";
    state(
        frame,
        State::Asked,
        "Thank you, you can close this page",
        text,
    )
}

fn first_name(link: &LinkView) -> &str {
    link.patient_name
        .split_whitespace()
        .next()
        .unwrap_or(&link.patient_name)
}

/// `45 h 19 min`.
fn left(ms: i64) -> String {
    let (hours, minutes) = (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
    if hours > 0 {
        format!("{hours} h {minutes} min")
    } else {
        format!("{minutes} min")
    }
}

fn visit(clinic: &Clinic, link: &LinkView) -> String {
    format!(
        "Appointment on {}",
        in_zone(clinic, link.appointment_starts_at, "%-d %b, %H:%M")
    )
}

/// The page of a link as things stand, and the moment it was judged at.
pub async fn page(
    app: &App,
    clinic_id: ClinicId,
    link: &LinkView,
    token: &str,
    csrf: &str,
    note: Option<&str>,
) -> Result<(Shown, UtcMs)> {
    let context = clinics::context(app, clinic_id).await?;
    let now = link.read_at;
    let frame = frame(&context, csrf);
    // Most pages are opened before anybody has begun to pay: nothing to look up then.
    let last = match link.attempted {
        true => attempts::last_of_link(app, clinic_id, link.id).await?,
        false => None,
    };
    let confirming = last.as_ref().filter(|attempt| is_confirming(attempt));
    let shown = match link.shown(now) {
        LinkState::Paid => Shown::State(Box::new(
            paid(app, &context.clinic, link, frame, token).await?,
        )),
        LinkState::Expired
        | LinkState::Cancelled
        | LinkState::Created
        | LinkState::Sent
        | LinkState::Accessed
            if confirming.is_some() =>
        {
            Shown::State(Box::new(waiting(
                &context.clinic,
                link,
                frame,
                token,
                confirming,
            )))
        }
        LinkState::Expired => Shown::State(Box::new(expired(&context.clinic, link, frame, token))),
        LinkState::Cancelled => {
            Shown::State(Box::new(cancelled(&context.clinic, link, frame, token)))
        }
        LinkState::Created | LinkState::Sent | LinkState::Accessed => {
            pay(
                app,
                &context,
                link,
                frame,
                token,
                (last.as_ref(), note),
                now,
            )
            .await?
        }
    };
    Ok((shown, now))
}

/// The patient is done and the provider is not, or our call to it is still unanswered (hazards A11, A14).
fn is_confirming(attempt: &Attempt) -> bool {
    matches!(
        attempt.state,
        AttemptState::Creating | AttemptState::Unknown | AttemptState::Processing
    )
}

async fn paid(
    app: &App,
    clinic: &Clinic,
    link: &LinkView,
    frame: Frame,
    token: &str,
) -> Result<PayState> {
    let payments = payments::of_link(app, clinic.id, link.id).await?;
    let amount = payments
        .last()
        .map_or(link.amount, |view| view.payment.amount);
    let heading = format!("Thank you {}, {amount} is paid", first_name(link));
    let text = if link.late {
        "Your payment came after the link had ended. It was accepted, and your clinic has been told."
    } else {
        "Your clinic has been told. There is nothing more to do."
    };
    let mut page = state(frame, State::Paid, heading, text);
    page.rows.push(("For".into(), visit(clinic, link)));
    if let Some(view) = payments.last() {
        page.rows.push((
            "Paid".into(),
            in_zone(clinic, view.payment.received_at, "%-d %b %Y, %H:%M"),
        ));
        page.rows.extend(
            view.payment
                .reference
                .clone()
                .map(|with| ("With".to_owned(), with)),
        );
        if view.refunded.minor > 0 {
            page.rows
                .push(("Refunded".into(), view.refunded.to_string()));
        }
    }
    page.rows.push(("Reference".into(), link.reference.clone()));
    page.action = Some(StateAction::Receipt {
        href: format!("/p/{token}/receipt"),
    });
    let email = link
        .patient_email
        .as_deref()
        .and_then(|text| remit_core::contact::Email::parse(text).ok());
    page.help = email.map(|email| format!("A receipt is on its way to {}", email.masked()));
    Ok(page)
}

fn waiting(
    clinic: &Clinic,
    link: &LinkView,
    frame: Frame,
    token: &str,
    live: Option<&Attempt>,
) -> PayState {
    let provider = live.map_or("your bank", |attempt| match attempt.method {
        Method::Card => "your bank",
        method => method.title(),
    });
    let begun = live
        .map(|attempt| in_zone(clinic, attempt.created_at, "%H:%M"))
        .unwrap_or_default();
    let amount = live.map_or(link.amount, |attempt| attempt.amount);
    let text = format!(
        "You started to pay {amount} at {begun}. This page updates by itself, usually within a minute."
    );
    let mut page = state(
        frame,
        State::Waiting,
        format!("We are waiting for {provider}"),
        text,
    );
    page.rows = vec![
        ("For".into(), visit(clinic, link)),
        ("Reference".into(), link.reference.clone()),
    ];
    page.action = Some(StateAction::Resume {
        href: live.and_then(|attempt| attempt.url.clone()),
        provider: provider.to_owned(),
        action: format!("/p/{token}/stop"),
    });
    page
}

fn expired(clinic: &Clinic, link: &LinkView, frame: Frame, token: &str) -> PayState {
    let ended = in_zone(clinic, link.expires_at, "%A %-d %B at %H:%M");
    let mut page = if link.asked_at.is_some() {
        let text = "The clinic has been asked for a new link and sends it to the contact details it has for you.";
        state(frame, State::Asked, "A new link is on its way", text)
    } else {
        let text = format!(
            "Payment links work for 48 hours. This one ended on {ended}. You have not been charged."
        );
        let mut page = state(frame, State::Expired, "This link has expired", text);
        page.action = Some(StateAction::AskForNewLink {
            action: format!("/p/{token}/ask"),
        });
        page.help = Some(
            "The clinic sends a new link to the contact details it already has for you.".into(),
        );
        page
    };
    page.rows = vec![
        ("Amount".into(), link.amount.to_string()),
        ("For".into(), visit(clinic, link)),
    ];
    page
}

fn cancelled(clinic: &Clinic, link: &LinkView, frame: Frame, token: &str) -> PayState {
    let (heading, text) = match link.why {
        Some(Closing::Settled) => (
            "This is paid already",
            "The amount was settled another way. There is nothing more to pay here.",
        ),
        Some(Closing::Superseded) => (
            "There is a newer link",
            "The clinic has made a new link in place of this one. Please use the latest message. You have not been charged here.",
        ),
        Some(Closing::AppointmentCancelled) => (
            "This appointment is cancelled",
            "There is nothing to pay. You have not been charged here.",
        ),
        Some(Closing::Cancelled | Closing::Expired) | None => (
            "This link is no longer needed",
            "The clinic has cancelled it. You have not been charged here.",
        ),
    };
    let mut page = state(frame, State::Cancelled, heading, text);
    page.rows = vec![
        ("For".into(), visit(clinic, link)),
        ("Reference".into(), link.reference.clone()),
    ];
    if matches!(link.why, Some(Closing::Cancelled)) && link.asked_at.is_none() {
        page.action = Some(StateAction::AskForNewLink {
            action: format!("/p/{token}/ask"),
        });
    }
    page
}

async fn pay(
    app: &App,
    context: &ClinicContext,
    link: &LinkView,
    frame: Frame,
    token: &str,
    (last, note): (Option<&Attempt>, Option<&str>),
    now: UtcMs,
) -> Result<Shown> {
    let clinic = &context.clinic;
    let amount = link.amount_due();
    if amount.is_zero() {
        return Ok(Shown::State(Box::new(cancelled(
            clinic, link, frame, token,
        ))));
    }
    let offered: Vec<Method> = methods::on_offer(context, amount, link.purpose)
        .into_iter()
        .filter_map(|(method, verdict)| verdict.is_ok().then_some(method))
        .collect();
    let chosen = last
        .map(|attempt| attempt.method)
        .filter(|method| offered.contains(method));
    let (told, is_error) = match note {
        Some(note) => (Some(note.to_owned()), true),
        None => told(link, amount, last),
    };
    let services = if clinic.show_services {
        services(app, clinic.id, link).await?
    } else {
        vec![]
    };
    let targets = context.taking.as_ref().map(providers::Taking::form_targets);
    let page = Pay {
        first_name: first_name(link).to_owned(),
        amount: amount.to_string(),
        subject: subject(clinic, link),
        services,
        left: left(link.expires_at - now),
        ends: in_zone(clinic, link.expires_at, "%A %-d %B at %H:%M"),
        ends_at: rfc3339(link.expires_at),
        action: format!("/p/{token}/pay"),
        seen_url: format!("/p/{token}/seen"),
        idempotency_key: String::new(),
        methods: offered
            .iter()
            .enumerate()
            .map(|(index, method)| {
                let on = chosen.map_or(index == 0, |chosen| chosen == *method);
                pay_method(clinic, *method, amount, on, now)
            })
            .collect(),
        note: told,
        note_is_error: is_error,
        frame,
    };
    Ok(Shown::Pay(Box::new(page), targets.unwrap_or_default()))
}

/// The way to a payment page where the form's page could not name it beforehand.
pub fn onwards(context: &ClinicContext, url: &str) -> Response {
    let page = Onwards {
        frame: frame(context, ""),
        url: url.to_owned(),
    };
    html(StatusCode::OK, &page)
}

/// The charges by name, where the clinic lists them (off by default, design 3).
async fn services(app: &App, clinic: ClinicId, link: &LinkView) -> Result<Vec<Row>> {
    let charges = appointments::charges(app, clinic, link.appointment).await?;
    Ok(charges
        .into_iter()
        .map(|charge| (charge.description, charge.amount.to_string()))
        .collect())
}

/// What a returning patient should know.
fn told(link: &LinkView, amount: Money, last: Option<&Attempt>) -> (Option<String>, bool) {
    match last.map(|attempt| attempt.state) {
        Some(AttemptState::Failed) => (
            Some(
                "Your payment was refused. Nothing was taken. Try again or choose another way."
                    .into(),
            ),
            true,
        ),
        Some(AttemptState::Open) => (
            Some(
                "You have begun to pay. Go on with the same method, or choose another way.".into(),
            ),
            false,
        ),
        _ if amount.minor < link.amount.minor => (
            Some(format!(
                "The amount is now {amount}: part of {} is paid already.",
                link.amount
            )),
            false,
        ),
        _ => (None, false),
    }
}

fn subject(clinic: &Clinic, link: &LinkView) -> String {
    let what = match link.purpose {
        PurposeKind::Deposit => "Deposit",
        PurposeKind::Balance => "Balance",
        PurposeKind::Custom => "Payment",
    };
    format!(
        "{what} for your appointment on {}",
        in_zone(clinic, link.appointment_starts_at, "%A %-d %B %Y at %H:%M")
    )
}

fn pay_method(
    clinic: &Clinic,
    method: Method,
    amount: Money,
    chosen: bool,
    now: UtcMs,
) -> PayMethod {
    let parts = instalments(method, amount);
    let each = parts.first().map_or(amount, |(part, _)| *part);
    let even = parts.iter().all(|(part, _)| *part == each);
    let about = if even { "" } else { "about " };
    let (detail, notice) = match method {
        Method::Card => (
            "Visa, Mastercard, Amex, Apple Pay or Google Pay".to_owned(),
            "",
        ),
        Method::Klarna => (
            format!(
                "{} interest-free payments of {about}{each}, or pay in 30 days",
                parts.len()
            ),
            "Klarna lends you the money and decides whether to offer it. 18+, UK residents. Missed payments can cost a late fee and affect your credit file. You see the full terms before you agree.",
        ),
        Method::Clearpay => (
            format!(
                "{} interest-free payments of {about}{each}, every 2 weeks",
                parts.len()
            ),
            "Clearpay lends you the money and decides whether to offer it. 18+, UK residents. Late fees apply to missed payments. You see the full terms before you agree.",
        ),
    };
    let day = |days: i64| match days {
        0 => "Today".to_owned(),
        days => in_zone(clinic, now + days * DAY_MS, "%-d %b"),
    };
    PayMethod {
        value: method.name(),
        word: method.title().to_owned(),
        tag: if method == Method::Card {
            "Pay now"
        } else {
            "Pay later"
        },
        detail,
        chosen,
        plan: (!parts.is_empty()).then(|| Plan {
            parts: parts
                .iter()
                .map(|(part, days)| (part.to_string(), day(*days)))
                .collect(),
            notice: notice.to_owned(),
        }),
    }
}
