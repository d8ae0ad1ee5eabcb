//! Settings -> Staff and roles: who signs in, and what they may.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::staff::{self as verbs, StaffInput};
use remit_app::views::StaffView;
use remit_app::{Actor, Error};
use remit_core::clinic::initials;
use remit_core::ids::StaffId;
use remit_core::roles::Role;
use remit_core::staff::INVITATION_MS;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::sentences;
use crate::pages::people::{People, Person, PersonForm, PersonLink, RoleChoice};
use crate::pages::{Choice, Field, Section};

const HERE: &str = "/settings/staff";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    done: String,
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "saved" => "Saved",
        "signed-out" => "Signed out everywhere",
        "deactivated" => "Deactivated",
        "reactivated" => "Can sign in again",
        _ => return None,
    })
}

/// `GET /settings/staff`.
pub async fn list(desk: Desk, Query(told): Query<Told>) -> Answer {
    let everybody = verbs::list(&desk.app, desk.clinic()).await?;
    let shown = People {
        shell: desk.shell(Section::Settings).await?,
        done: said(&told.done).map(str::to_owned),
        people: everybody.iter().map(|one| person(&desk, one)).collect(),
    };
    Ok(page(StatusCode::OK, &shown))
}

fn person(desk: &Desk, view: &StaffView) -> Person {
    let clock = &desk.clock;
    let invited = view
        .invited_until
        .filter(|until| view.active && *until > desk.now());
    let seen = match (view.signed_in_at, invited, view.invited_until) {
        (_, Some(until), _) => {
            format!("Link to set a password works until {}", clock.moment(until))
        }
        (_, None, Some(_)) if view.active => "The link to set a password has run out".to_owned(),
        (Some(at), _, _) => format!("Signed in {}", clock.lately_within(at)),
        (None, _, _) => "Never signed in".to_owned(),
    };
    Person {
        id: view.id.to_string(),
        name: view.name.clone(),
        initials: initials(&view.name),
        email: view.email.clone(),
        role: view.role.title(),
        active: view.active,
        is_you: is_oneself(desk.actor(), view.id),
        seen,
        invited: view.active && view.invited_until.is_some(),
    }
}

fn is_oneself(actor: &Actor, id: StaffId) -> bool {
    actor.scope() == id.to_string()
}

/// The roles to choose from, none above the person's own.
pub fn roles(own: Role, chosen: &str) -> Vec<RoleChoice> {
    let detail = |role| match role {
        Role::Viewer => "Looks, with patients’ numbers masked; changes nothing",
        Role::Reception => "Books, takes payments, sends links",
        Role::Manager => "And refunds, settles findings, changes settings",
        Role::Owner => "And manages staff, API keys and providers",
    };
    Role::ALL
        .into_iter()
        .filter(|role| *role <= own)
        .map(|role| RoleChoice {
            choice: Choice {
                value: role.name().into(),
                label: role.title().into(),
                selected: role.name() == chosen,
            },
            detail: detail(role),
        })
        .collect()
}

fn input(form: &Form) -> remit_app::Result<StaffInput> {
    let role = Role::parse(form.text("role"));
    Ok(StaffInput {
        email: form.text("email").to_owned(),
        name: form.text("name").to_owned(),
        role: role.ok_or_else(|| Error::invalid("role", "Choose a role."))?,
    })
}

/// `GET /settings/staff/new`.
pub async fn fresh(desk: Desk) -> Answer {
    form(&desk, StatusCode::OK, None, None, None).await
}

/// `POST /settings/staff/new`.
pub async fn invite(desk: Desk, sent: Form) -> Answer {
    let done = match input(&sent) {
        Ok(input) => verbs::invite(&desk.app, desk.actor(), &input).await,
        Err(error) => Err(error),
    };
    match done {
        Ok((id, secret)) => link(&desk, id, &secret, false).await,
        Err(error) if sentences::is_mendable(&error) => {
            let status = sentences::status(&error);
            form(&desk, status, None, Some((&sent, &error)), None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The secret stands on this answer alone: nowhere else can it be read again, so there is no address to go on to.
async fn link(desk: &Desk, id: StaffId, secret: &str, reset: bool) -> Answer {
    let view = verbs::get(&desk.app, desk.clinic(), id).await?;
    let shown = PersonLink {
        shell: desk.shell(Section::Settings).await?,
        name: view.name,
        email: view.email,
        reset,
        url: format!("{}/set-password/{secret}", desk.app.config.public_url),
        until: desk.clock.moment(desk.now() + INVITATION_MS),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// `GET /settings/staff/{id}`.
pub async fn show(desk: Desk, Path(id): Path<String>, Query(told): Query<Told>) -> Answer {
    form(
        &desk,
        StatusCode::OK,
        Some(id.parse()?),
        None,
        said(&told.done),
    )
    .await
}

/// `POST /settings/staff/{id}`.
pub async fn save(desk: Desk, Path(id): Path<String>, sent: Form) -> Answer {
    let id: StaffId = id.parse()?;
    let done = match input(&sent) {
        Ok(input) => verbs::change(&desk.app, desk.actor(), id, &input).await,
        Err(error) => Err(error),
    };
    finish(&desk, id, done, "saved", Some(&sent)).await
}

/// `POST /settings/staff/{id}/password`.
pub async fn reset(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: StaffId = id.parse()?;
    match verbs::reset_password(&desk.app, desk.actor(), id).await {
        Ok(secret) => link(&desk, id, &secret, true).await,
        Err(error) => finish(&desk, id, Err(error), "", None).await,
    }
}

/// `POST /settings/staff/{id}/sign-out`.
pub async fn sign_out(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: StaffId = id.parse()?;
    let done = verbs::sign_out_everywhere(&desk.app, desk.actor(), id).await;
    finish(&desk, id, done, "signed-out", None).await
}

/// `POST /settings/staff/{id}/deactivate`.
pub async fn deactivate(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: StaffId = id.parse()?;
    let done = verbs::deactivate(&desk.app, desk.actor(), id).await;
    finish(&desk, id, done, "deactivated", None).await
}

/// `POST /settings/staff/{id}/reactivate`.
pub async fn reactivate(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: StaffId = id.parse()?;
    let done = verbs::reactivate(&desk.app, desk.actor(), id).await;
    finish(&desk, id, done, "reactivated", None).await
}

async fn finish(
    desk: &Desk,
    id: StaffId,
    done: remit_app::Result<()>,
    word: &str,
    sent: Option<&Form>,
) -> Answer {
    match done {
        Ok(()) => Ok(see_other(&format!("{HERE}/{id}?done={word}"))),
        Err(error) if sentences::is_mendable(&error) => {
            let nothing = Form::default();
            let retry = (sent.unwrap_or(&nothing), &error);
            form(desk, sentences::status(&error), Some(id), Some(retry), None).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn form(
    desk: &Desk,
    status: StatusCode,
    id: Option<StaffId>,
    retry: Option<(&Form, &Error)>,
    done: Option<&'static str>,
) -> Answer {
    let view = match id {
        Some(id) => Some(verbs::get(&desk.app, desk.clinic(), id).await?),
        None => None,
    };
    // A button without fields was refused: what is kept stands in the fields.
    let typed = retry.filter(|(sent, _)| sent.has("name"));
    let error = retry.map(|(_, error)| error);
    let wrong = |name: &str| sentences::beside(error, &[name]);
    let field = |name: &str, kept: Option<&String>| Field {
        value: match typed {
            Some((sent, _)) => sent.text(name).to_owned(),
            None => kept.cloned().unwrap_or_default(),
        },
        error: wrong(name),
    };
    let chosen = match (typed, &view) {
        (Some((sent, _)), _) => sent.text("role").to_owned(),
        (None, Some(view)) => view.role.name().to_owned(),
        (None, None) => Role::Reception.name().to_owned(),
    };
    let in_a_field = ["name", "email", "role"];
    let shown = PersonForm {
        shell: desk.shell(Section::Settings).await?,
        known: view.as_ref().map(|view| person(desk, view)),
        done: done.map(str::to_owned),
        name: field("name", view.as_ref().map(|view| &view.name)),
        email: field("email", view.as_ref().map(|view| &view.email)),
        roles: roles(desk.actor().role, &chosen),
        role_error: wrong("role"),
        sessions: view.as_ref().and_then(|view| match view.sessions {
            0 => None,
            1 => Some("1 session".to_owned()),
            many => Some(format!("{many} sessions")),
        }),
        refused: retry
            .filter(|(_, error)| {
                !matches!(error, Error::Invalid { field, .. } if in_a_field.contains(field))
            })
            .map(|(_, error)| sentences::sentence(error, &desk.clock)),
    };
    Ok(page(status, &shown))
}
