//! My account: what every person changes by themselves.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::{Error, accounts as verbs};
use remit_core::staff::PASSWORD_CHARS_MIN;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::account::{Account, SessionRow};
use crate::pages::{Field, Section};

const HERE: &str = "/account";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    done: String,
}

/// `GET /account`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    let done = match told.done.as_str() {
        "saved" => Some("Saved"),
        "password" => Some("Password changed"),
        "signed-out" => Some("Signed out"),
        _ => None,
    };
    whole(&desk, StatusCode::OK, done, None).await
}

/// `POST /account`.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let done = verbs::rename(&desk.app, desk.actor(), form.text("name")).await;
    finish(&desk, done, "saved", Some(&form)).await
}

/// `POST /account/password`.
pub async fn change_password(desk: Desk, form: Form) -> Answer {
    let (old, new) = (form.text("old_password"), form.text("new_password"));
    let done = if new == form.text("again") {
        verbs::change_password(&desk.app, desk.actor(), desk.who.secret(), old, new).await
    } else {
        Err(Error::invalid(
            "again",
            "The two passwords differ. Type the same one twice.",
        ))
    };
    finish(&desk, done, "password", None).await
}

/// `POST /account/sessions/{id}/end`.
pub async fn end_session(desk: Desk, Path(name): Path<String>) -> Answer {
    let done = verbs::end_session(&desk.app, desk.actor(), &name).await;
    finish(&desk, done, "signed-out", None).await
}

/// `POST /account/sign-out-others`.
pub async fn end_others(desk: Desk) -> Answer {
    let done = verbs::end_other_sessions(&desk.app, desk.actor(), desk.who.secret()).await;
    finish(&desk, done, "signed-out", None).await
}

async fn finish(
    desk: &Desk,
    done: remit_app::Result<()>,
    word: &str,
    form: Option<&Form>,
) -> Answer {
    match done {
        Ok(()) => Ok(see_other(&format!("{HERE}?done={word}"))),
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            whole(desk, status, None, Some((form, &error))).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn whole(
    desk: &Desk,
    status: StatusCode,
    done: Option<&'static str>,
    retry: Option<(Option<&Form>, &Error)>,
) -> Answer {
    let sessions = verbs::sessions(&desk.app, desk.actor(), desk.who.secret()).await?;
    let error = retry.map(|(_, error)| error);
    let wrong = |name: &str| sentences::beside(error, &[name]);
    let secret = |name: &str| Field {
        value: String::new(),
        error: wrong(name),
    };
    let typed = retry.and_then(|(form, _)| form);
    let row = |one: verbs::SessionOfMine| SessionRow {
        id: one.id,
        device: if one.device.is_empty() {
            "Unknown browser".into()
        } else {
            one.device
        },
        signed_in: desk.clock.lately_within(one.created_at),
        seen: desk.clock.lately_within(one.seen_at),
        is_this_one: one.is_this_one,
    };
    let shown = Account {
        shell: desk.shell(Section::None).await?,
        done,
        name: Field {
            value: typed.map_or(desk.actor().label.clone(), |form| {
                form.text("name").to_owned()
            }),
            error: wrong("name"),
        },
        email: desk.who.email.clone(),
        old_password: secret("old_password"),
        new_password: secret("new_password"),
        again: secret("again"),
        chars_min: PASSWORD_CHARS_MIN,
        sessions: sessions.into_iter().map(row).collect(),
        refused: sentences::over(error, &desk.clock),
    };
    Ok(page(status, &shown))
}
