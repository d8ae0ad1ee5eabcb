//! The page by which somebody who was invited, or whose password was taken away, sets their own.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use remit_app::{App, Error, staff};
use remit_core::staff::PASSWORD_CHARS_MIN;

use super::answer::{Failure, page, see_other, with_cookie};
use super::device::device;
use super::doors::{fields, plain};
use super::sentences;
use super::session::{SESSION, form_token, same_token, set_cookie};
use crate::pages::Field;
use crate::pages::message::PlainMessage;
use crate::pages::people::SetPassword;

/// `GET /set-password/{secret}`. Looking at it uses nothing up (rule 6).
pub async fn show(State(app): State<Arc<App>>, Path(secret): Path<String>) -> Response {
    form(&app, &secret, StatusCode::OK, None).await
}

/// `POST /set-password/{secret}`.
pub async fn save(
    State(app): State<Arc<App>>,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let sent = match fields(&parts, body).await {
        Ok(sent) => sent,
        Err(failure) => return plain(&failure),
    };
    // Only a page that was opened with the link can hold this.
    if !same_token(&form_token(&secret), sent.text("csrf")) {
        return plain(&Failure::OldPage);
    }
    let password = sent.text("password");
    if password != sent.text("again") {
        let differ = Error::invalid(
            "again",
            "The two passwords differ. Type the same one twice.",
        );
        return form(
            &app,
            &secret,
            StatusCode::UNPROCESSABLE_ENTITY,
            Some(&differ),
        )
        .await;
    }
    match staff::set_password(&app, &secret, password, &device(&parts.headers)).await {
        Ok(session) => with_cookie(see_other("/"), &set_cookie(SESSION, &session)),
        Err(error @ Error::Invalid { .. }) => {
            form(
                &app,
                &secret,
                StatusCode::UNPROCESSABLE_ENTITY,
                Some(&error),
            )
            .await
        }
        Err(Error::NotFound) => gone(),
        Err(error) => plain(&Failure::Verb(error)),
    }
}

async fn form(app: &App, secret: &str, status: StatusCode, refused: Option<&Error>) -> Response {
    let person = match staff::invited(app, secret).await {
        Ok(Some(person)) => person,
        Ok(None) => return gone(),
        Err(error) => return plain(&Failure::Verb(error)),
    };
    let field = |name: &str| Field {
        // A password is never shown again.
        value: String::new(),
        error: sentences::beside(refused, &[name]),
    };
    let shown = SetPassword {
        csrf: form_token(secret),
        action: format!("/set-password/{secret}"),
        name: person.name,
        email: person.email,
        password: field("password"),
        again: field("again"),
        chars_min: PASSWORD_CHARS_MIN,
    };
    page(status, &shown)
}

/// The same answer for a link that was used, ran out, was replaced or never was.
fn gone() -> Response {
    let message = PlainMessage {
        heading: "This link does not work any more".into(),
        text: "It was used, replaced by a newer one, or has run out. Ask the owner of your clinic for a new one.".into(),
        link: Some(("/sign-in".into(), "Sign in".into())),
    };
    page(StatusCode::GONE, &message)
}
