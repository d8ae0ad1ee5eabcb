//! In and out.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use remit_app::{App, Error, clinics, keys, sign_in, staff};
use remit_core::roles::Role;
use serde::Deserialize;

use super::answer::{Answer, Failure, own_path, page, see_other, with_cookie};
use super::clock::Clock;
use super::desk::Desk;
use super::device::device;
use super::doors::{fields, plain};
use super::forms::Form;
use super::sentences;
use super::session::{
    SESSION, SignedIn, VISITOR, cookie, drop_cookie, form_token, peer, same_token, set_cookie,
};
use crate::pages::Field;
use crate::pages::sign_in::{DemoSignIn, SignIn, TourStep};

#[derive(Deserialize)]
pub struct Onwards {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in`.
pub async fn show(
    State(app): State<Arc<App>>,
    who: Option<SignedIn>,
    Query(onwards): Query<Onwards>,
    request: Request,
) -> Response {
    let next = own_path(&onwards.next, "/");
    if who.is_some() {
        return see_other(next);
    }
    let (parts, _) = request.into_parts();
    form(&app, &parts, StatusCode::OK, next, "", None).await
}

/// The form, with a token of this browser's own: another site cannot sign a visitor in as somebody else.
async fn form(
    app: &App,
    parts: &Parts,
    status: StatusCode,
    next: &str,
    email: &str,
    refused: Option<String>,
) -> Response {
    let known = cookie(&parts.headers, VISITOR).map(str::to_owned);
    let visitor = match known.clone().map_or_else(keys::random_secret, Ok) {
        Ok(visitor) => visitor,
        Err(error) => return plain(&Failure::Verb(error)),
    };
    let test_mode = match clinics::list(app).await {
        Ok(clinics) => clinics.iter().any(|clinic| clinic.test_mode),
        Err(error) => return plain(&Failure::Verb(error)),
    };
    let demo = match demo(app).await {
        Ok(demo) => demo,
        Err(error) => return plain(&Failure::Verb(error)),
    };
    let sign_in = SignIn {
        csrf: form_token(&visitor),
        email: Field::new(email),
        password: Field::default(),
        refused,
        demo,
        next: next.to_owned(),
        test_mode,
    };
    let answer = page(status, &sign_in);
    if known.is_some() {
        answer
    } else {
        with_cookie(answer, &set_cookie(VISITOR, &visitor))
    }
}

/// Whom to sign in as and what to try; only in the demo.
async fn demo(app: &App) -> remit_app::Result<Option<DemoSignIn>> {
    let Some((email, password)) = app.config.demo_sign_in.clone() else {
        return Ok(None);
    };
    let clinic = clinics::list(app).await?.into_iter().next();
    let people = match clinic {
        Some(clinic) => staff::list(app, clinic.id).await?,
        None => vec![],
    };
    // Whom a visitor has added since has another password, and mostly another address.
    let house = email.split_once('@').map_or("", |(_, domain)| domain);
    let reception = people.into_iter().find(|person| {
        person.active && person.role == Role::Reception && person.email.ends_with(house)
    });
    Ok(Some(DemoSignIn {
        email,
        password,
        reception: reception.map(|person| person.email),
        tour: TOUR.iter().map(step).collect(),
    }))
}

/// Where, what, and how: the tour of the demo.
const TOUR: [(&str, &str, &str); 6] = [
    (
        "/sign-in?next=/appointments/new",
        "Book with a deposit",
        "Choose Physiotherapy assessment, then Send Online Payment Link, and text it.",
    ),
    (
        "/demo/messages",
        "Pay as the patient",
        "The text lies in the patient’s phone. Follow its link and pay with 4242 4242 4242 4242, any later date, any code.",
    ),
    (
        "/sign-in?next=/financials/online-payments",
        "Watch it turn Paid",
        "Online Payments changes by itself while the patient opens and pays.",
    ),
    (
        "/sign-in?next=/diary",
        "Take £20 in cash and a link for the rest",
        "Open an appointment that still owes: its Checkout splits the balance.",
    ),
    (
        "/sign-in?next=/financials/findings",
        "Give money back",
        "Somebody paid twice, and a bank disputes a payment: one press each. A part goes back from any payment.",
    ),
    (
        "/sign-in?next=/financials/online-payments/follow-up",
        "Follow up",
        "Those who opened their link and did not pay, with the next step beside each.",
    ),
];

fn step((href, title, text): &(&'static str, &'static str, &'static str)) -> TourStep {
    TourStep { href, title, text }
}

/// `POST /sign-in`. A new session each time: never one that the browser brought (hazard D10).
pub async fn enter(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let sent = match fields(&parts, body).await {
        Ok(sent) => sent,
        Err(failure) => return plain(&failure),
    };
    let next = own_path(sent.text("next"), "/");
    let email = sent.text("email");
    let expected = cookie(&parts.headers, VISITOR).map(form_token);
    if !expected.is_some_and(|expected| same_token(&expected, sent.text("csrf"))) {
        let text = "This page was open for too long. Sign in once more.".to_owned();
        return form(&app, &parts, StatusCode::FORBIDDEN, next, email, Some(text)).await;
    }
    let from = sign_in::From {
        peer: peer(&parts),
        device: device(&parts.headers),
    };
    match sign_in::sign_in(&app, email, sent.text("password"), from).await {
        Ok(secret) => {
            let answer = with_cookie(see_other(next), &set_cookie(SESSION, &secret));
            with_cookie(answer, &drop_cookie(VISITOR))
        }
        Err(error @ (Error::SignIn | Error::TooMany { .. })) => {
            let (zone, now) = here(&app).await;
            let text = sentences::sentence(&error, &Clock::new(&zone, now));
            let status = sentences::status(&error);
            form(&app, &parts, status, next, email, Some(text)).await
        }
        Err(error) => plain(&Failure::Verb(error)),
    }
}

/// Zone and moment for somebody whose clinic is not known yet: the first clinic's.
async fn here(app: &App) -> (String, i64) {
    let zone = match clinics::list(app).await {
        Ok(clinics) => clinics.into_iter().next().map(|clinic| clinic.zone),
        Err(_) => None,
    };
    (
        zone.unwrap_or_else(|| "UTC".into()),
        app.now().await.unwrap_or(0),
    )
}

/// `POST /sign-out`.
pub async fn leave(desk: Desk, _form: Form) -> Answer {
    desk.who.end(&desk.app).await?;
    Ok(with_cookie(see_other("/sign-in"), &drop_cookie(SESSION)).into_response())
}
