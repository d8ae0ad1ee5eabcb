//! Which page a link's address shows, and what stands on it.

use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use remit_app::pauses::Pause;
use remit_app::views::LinkView;
use remit_app::{
    App, ClinicContext, Result, appointments, attempts, clinics, methods, pauses, payments,
    providers,
};
use remit_core::attempts::{Attempt, AttemptState};
use remit_core::ids::ClinicId;
use remit_core::languages::{self, DateStyle, Language, PageWords};
use remit_core::links::{Closing, LinkState};
use remit_core::methods::{Method, PurposeKind, instalments};
use remit_core::money::Money;
use remit_core::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

use super::brand;
use super::html;
use super::reading::Voice;
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

/// What stands around a page about this clinic. `path`: where another language can be chosen.
pub(crate) fn frame(
    context: &ClinicContext,
    csrf: &str,
    language: &'static Language,
    path: Option<String>,
) -> Frame {
    let clinic = &context.clinic;
    let parts = [clinic.name.as_str(), clinic.address.as_str()];
    let pages = &context.branding.pages;
    let address = |page: &String| (!page.is_empty()).then(|| page.clone());
    let known: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Frame {
        language,
        path,
        clinic: clinic.name.clone(),
        place: clinic.strapline.clone(),
        initials: clinic.initials(),
        address: known.join(", "),
        phone: context
            .dialled
            .clone()
            .map(|dialled| (clinic.phone.clone(), dialled)),
        email: (!clinic.email.is_empty()).then(|| clinic.email.clone()),
        brand_css: brand::stylesheet_url(&context.branding),
        logo: brand::logo(context),
        website: address(&pages.website),
        privacy_url: address(&pages.privacy),
        terms_url: address(&pages.terms),
        test_mode: context.is_test(),
        csrf: csrf.to_owned(),
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

/// What stands around a page about nobody.
fn bare(language: &'static Language, initials: &str) -> Frame {
    Frame {
        language,
        clinic: "Remit".into(),
        initials: initials.into(),
        ..Frame::default()
    }
}

/// The same bytes for every address that is no link, to whoever asks in one language.
pub fn unknown(language: &'static Language) -> PayState {
    let words = &language.page;
    let frame = bare(language, "?");
    state(frame, State::Unknown, words.unknown, words.unknown_text)
}

/// Ours to mend.
pub fn out_of_order(language: &'static Language) -> PayState {
    let words = &language.page;
    let frame = bare(language, "!");
    state(
        frame,
        State::Unknown,
        words.out_of_order,
        words.out_of_order_text,
    )
}

/// For a browser that comes back from the provider without having begun here.
pub fn come_back(language: &'static Language) -> PayState {
    let words = &language.page;
    let frame = bare(language, "✓");
    state(frame, State::Asked, words.come_back, words.come_back_text)
}

fn first_name(link: &LinkView) -> &str {
    link.patient_name
        .split_whitespace()
        .next()
        .unwrap_or(&link.patient_name)
}

/// `45 h 19 min`.
fn left(ms: i64, words: &PageWords) -> String {
    let (hours, minutes) = (ms / HOUR_MS, ms % HOUR_MS / MINUTE_MS);
    let (h, min) = (words.hours, words.minutes);
    if hours > 0 {
        format!("{hours} {h} {minutes} {min}")
    } else {
        format!("{minutes} {min}")
    }
}

fn row(name: &str, value: String) -> Row {
    (name.to_owned(), value)
}

fn visit(voice: Voice<'_>, link: &LinkView) -> String {
    let when = voice.date(link.appointment_starts_at, DateStyle::ShortTime);
    languages::fill(voice.words().appointment, &[("when", &when)])
}

/// The page of a link as things stand, and the moment it was judged at.
pub async fn page(
    app: &App,
    clinic_id: ClinicId,
    link: &LinkView,
    token: &str,
    csrf: &str,
    language: &'static Language,
    note: Option<&str>,
) -> Result<(Shown, UtcMs)> {
    let context = clinics::context(app, clinic_id).await?;
    let now = link.read_at;
    let frame = frame(&context, csrf, language, Some(format!("/p/{token}")));
    let voice = Voice {
        clinic: &context.clinic,
        language,
    };
    // Most pages are opened before anybody has begun to pay: nothing to look up then.
    let last = match link.attempted {
        true => attempts::last_of_link(app, clinic_id, link.id).await?,
        false => None,
    };
    let confirming = last.as_ref().filter(|attempt| is_confirming(attempt));
    let shown = match link.shown(now) {
        LinkState::Paid => Shown::State(Box::new(paid(app, voice, link, frame, token).await?)),
        LinkState::Expired
        | LinkState::Cancelled
        | LinkState::Created
        | LinkState::Sent
        | LinkState::Accessed
            if confirming.is_some() =>
        {
            Shown::State(Box::new(waiting(voice, link, frame, token, confirming)))
        }
        LinkState::Expired => Shown::State(Box::new(expired(voice, link, frame, token))),
        LinkState::Cancelled => Shown::State(Box::new(cancelled(voice, link, frame, token))),
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
    voice: Voice<'_>,
    link: &LinkView,
    frame: Frame,
    token: &str,
) -> Result<PayState> {
    let words = voice.words();
    let payments = payments::of_link(app, voice.clinic.id, link.id).await?;
    let amount = payments
        .last()
        .map_or(link.amount, |view| view.payment.amount);
    let named = [
        ("first_name", first_name(link)),
        ("amount", &voice.language.money(amount)),
    ];
    let text = if link.late {
        words.late_text
    } else {
        words.paid_text
    };
    let mut page = state(frame, State::Paid, voice.fill(words.paid, &named), text);
    page.rows.push(row(words.row_for, visit(voice, link)));
    if let Some(view) = payments.last() {
        let paid_at = voice.date(view.payment.received_at, DateStyle::ShortYearTime);
        page.rows.push(row(words.row_paid, paid_at));
        let with = view.payment.reference.clone();
        page.rows.extend(with.map(|with| row(words.row_with, with)));
        if view.refunded.minor > 0 {
            page.rows
                .push(row(words.row_refunded, voice.money(view.refunded)));
        }
    }
    page.rows
        .push(row(words.row_reference, link.reference.clone()));
    page.action = Some(StateAction::Receipt {
        href: format!("/p/{token}/receipt"),
    });
    let email = link
        .patient_email
        .as_deref()
        .and_then(|text| remit_core::contact::Email::parse(text).ok());
    page.help = email.map(|email| voice.fill(words.receipt_sent, &[("email", &email.masked())]));
    Ok(page)
}

fn waiting(
    voice: Voice<'_>,
    link: &LinkView,
    frame: Frame,
    token: &str,
    live: Option<&Attempt>,
) -> PayState {
    let words = voice.words();
    let lender = live
        .map(|attempt| attempt.method)
        .filter(|method| *method != Method::Card);
    let (heading, back) = match lender {
        None => (words.waiting_bank.to_owned(), words.back_to_bank.to_owned()),
        Some(method) => {
            let named = [("provider", method.title())];
            (
                voice.fill(words.waiting_lender, &named),
                voice.fill(words.back_to_lender, &named),
            )
        }
    };
    let begun = live
        .map(|attempt| voice.time(attempt.created_at))
        .unwrap_or_default();
    let amount = live.map_or(link.amount, |attempt| attempt.amount);
    let amount = voice.language.money(amount);
    let text = voice.fill(words.waiting_text, &[("amount", &amount), ("time", &begun)]);
    let mut page = state(frame, State::Waiting, heading, text);
    page.rows = vec![
        row(words.row_for, visit(voice, link)),
        row(words.row_reference, link.reference.clone()),
    ];
    page.action = Some(StateAction::Resume {
        href: live.and_then(|attempt| attempt.url.clone()),
        back,
        action: format!("/p/{token}/stop"),
    });
    page
}

fn expired(voice: Voice<'_>, link: &LinkView, frame: Frame, token: &str) -> PayState {
    let words = voice.words();
    let mut page = if link.asked_at.is_some() {
        state(frame, State::Asked, words.asked, words.asked_text)
    } else {
        let ended = voice.date(link.expires_at, DateStyle::DayTime);
        let text = languages::fill(words.expired_text, &[("when", &ended)]);
        let mut page = state(frame, State::Expired, words.expired, text);
        page.action = Some(StateAction::AskForNewLink {
            action: format!("/p/{token}/ask"),
        });
        page.help = Some(words.ask_help.into());
        page
    };
    page.rows = vec![
        row(words.row_amount, voice.money(link.amount)),
        row(words.row_for, visit(voice, link)),
    ];
    page
}

fn paused(voice: Voice<'_>, link: &LinkView, frame: Frame, token: &str, why: Pause) -> PayState {
    let words = voice.words();
    let text = match why {
        Pause::TooManyTries { until } => {
            voice.fill(words.paused_tries, &[("time", &voice.time(until))])
        }
        Pause::AmountChanging => words.paused_amount.to_owned(),
        Pause::NotNow => words.paused_text.to_owned(),
    };
    let mut page = state(frame, State::Paused, words.paused, text);
    let ends = voice.date(link.expires_at, DateStyle::ShortTime);
    page.rows = vec![
        row(words.row_for, visit(voice, link)),
        row(words.row_ends, ends),
    ];
    page.action = Some(StateAction::CheckAgain {
        href: format!("/p/{token}"),
    });
    page
}

fn cancelled(voice: Voice<'_>, link: &LinkView, frame: Frame, token: &str) -> PayState {
    let words = voice.words();
    let (heading, text) = match link.why {
        Some(Closing::Settled) => (words.settled, words.settled_text),
        Some(Closing::Superseded) => (words.superseded, words.superseded_text),
        Some(Closing::AppointmentCancelled) => (
            words.appointment_cancelled,
            words.appointment_cancelled_text,
        ),
        Some(Closing::Cancelled | Closing::Expired) | None => {
            (words.cancelled, words.cancelled_text)
        }
    };
    let mut page = state(frame, State::Cancelled, heading, text);
    page.rows = vec![
        row(words.row_for, visit(voice, link)),
        row(words.row_reference, link.reference.clone()),
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
    let voice = Voice {
        clinic,
        language: frame.language,
    };
    let amount = link.amount_due();
    if amount.is_zero() {
        return Ok(Shown::State(Box::new(cancelled(voice, link, frame, token))));
    }
    if let Some(why) = pauses::of_link(app, context, link, last).await? {
        let page = paused(voice, link, frame, token, why);
        return Ok(Shown::State(Box::new(page)));
    }
    let offered: Vec<Method> =
        methods::on_offer(context, amount, link.purpose, link.patient_email.is_some())
            .into_iter()
            .filter_map(|(method, verdict)| verdict.is_ok().then_some(method))
            .collect();
    let chosen = last
        .map(|attempt| attempt.method)
        .filter(|method| offered.contains(method));
    let (told, is_error) = match note {
        Some(note) => (Some(note.to_owned()), true),
        None => told(voice, link, amount, last),
    };
    let services = if clinic.show_services {
        services(app, voice, link).await?
    } else {
        vec![]
    };
    let targets = context.taking.as_ref().map(providers::Taking::form_targets);
    let page = Pay {
        first_name: first_name(link).to_owned(),
        amount: voice.money(amount),
        subject: subject(voice, link),
        services,
        left: left(link.expires_at - now, voice.words()),
        ends: voice.date(link.expires_at, DateStyle::DayTime),
        ends_at: rfc3339(link.expires_at),
        action: format!("/p/{token}/pay"),
        seen_url: format!("/p/{token}/seen"),
        idempotency_key: String::new(),
        methods: offered
            .iter()
            .enumerate()
            .map(|(index, method)| {
                let on = chosen.map_or(index == 0, |chosen| chosen == *method);
                pay_method(voice, *method, amount, on, now)
            })
            .collect(),
        note: told,
        note_is_error: is_error,
        frame,
    };
    Ok(Shown::Pay(Box::new(page), targets.unwrap_or_default()))
}

/// The way to a payment page where the form's page could not name it beforehand.
pub fn onwards(context: &ClinicContext, language: &'static Language, url: &str) -> Response {
    let page = Onwards {
        frame: frame(context, "", language, None),
        url: url.to_owned(),
    };
    html(StatusCode::OK, &page)
}

/// The charges by name, where the clinic lists them (off by default, design 3).
async fn services(app: &App, voice: Voice<'_>, link: &LinkView) -> Result<Vec<Row>> {
    let charges = appointments::charges(app, voice.clinic.id, link.appointment).await?;
    Ok(charges
        .into_iter()
        .map(|charge| (charge.title(), voice.money(charge.amount)))
        .collect())
}

/// What a returning patient should know.
fn told(
    voice: Voice<'_>,
    link: &LinkView,
    amount: Money,
    last: Option<&Attempt>,
) -> (Option<String>, bool) {
    let words = voice.words();
    match last.map(|attempt| (attempt.state, attempt.amount)) {
        Some((AttemptState::Failed, _)) => (Some(words.refused.into()), true),
        Some((AttemptState::Open, begun)) if begun == amount => (Some(words.begun.into()), false),
        _ if amount.minor < link.amount.minor => {
            let language = voice.language;
            let sums = [
                ("amount", language.money(amount)),
                ("total", language.money(link.amount)),
            ];
            let sums = sums.each_ref().map(|(name, sum)| (*name, sum.as_str()));
            (Some(voice.fill(words.amount_now, &sums)), false)
        }
        _ => (None, false),
    }
}

fn subject(voice: Voice<'_>, link: &LinkView) -> String {
    let words = voice.words();
    let what = match link.purpose {
        PurposeKind::Deposit => words.subject_deposit,
        PurposeKind::Balance => words.subject_balance,
        PurposeKind::Custom => words.subject_part,
    };
    let date = voice.date(link.appointment_starts_at, DateStyle::Full);
    languages::fill(what, &[("date", &date)])
}

fn pay_method(
    voice: Voice<'_>,
    method: Method,
    amount: Money,
    chosen: bool,
    now: UtcMs,
) -> PayMethod {
    let words = voice.words();
    let parts = instalments(method, amount);
    let each = parts.first().map_or(amount, |(part, _)| *part);
    let even = parts.iter().all(|(part, _)| *part == each);
    let each = voice.money(each);
    let each = if even {
        each
    } else {
        languages::fill(words.about, &[("amount", &each)])
    };
    let count = parts.len().to_string();
    let detail = |text| languages::fill(text, &[("parts", &count), ("each", &each)]);
    let (word, tag, detail, notice) = match method {
        Method::Card => (words.card, words.pay_now, words.card_detail.to_owned(), ""),
        Method::Klarna => (
            method.title(),
            words.pay_later,
            detail(words.klarna_detail),
            words.klarna_notice,
        ),
        Method::Clearpay => (
            method.title(),
            words.pay_later,
            detail(words.clearpay_detail),
            words.clearpay_notice,
        ),
    };
    let day = |days: i64| match days {
        0 => words.today.to_owned(),
        days => voice.date(now + days * DAY_MS, DateStyle::Short),
    };
    PayMethod {
        value: method.name(),
        word: word.to_owned(),
        tag,
        detail,
        chosen,
        plan: (!parts.is_empty()).then(|| Plan {
            parts: parts
                .iter()
                .map(|(part, days)| (voice.money(*part), day(*days)))
                .collect(),
            notice: notice.to_owned(),
        }),
    }
}
