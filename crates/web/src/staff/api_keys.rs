//! Settings -> API keys.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use remit_app::views::ApiKeyView;
use remit_app::{Error, api_keys as verbs};
use remit_core::ids::ApiKeyId;
use remit_core::roles::Role;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::once::once;
use super::people::roles;
use super::sentences;
use crate::pages::api_keys::{ApiKeys, KeyRow, MadeKey};
use crate::pages::{Field, Section};

const HERE: &str = "/settings/api-keys";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    done: String,
}

/// `GET /settings/api-keys`.
pub async fn list(desk: Desk, Query(told): Query<Told>) -> Answer {
    let done = match told.done.as_str() {
        "revoked" => Some("Revoked"),
        "made" => Some("Made; its secret was shown once"),
        _ => None,
    };
    whole(&desk, StatusCode::OK, done, None, None).await
}

/// `POST /settings/api-keys`. The secret stands on this answer alone; a second press finds the key made.
pub async fn create(desk: Desk, form: Form) -> Answer {
    let Some(role) = Role::parse(form.text("role")) else {
        let error = Error::invalid("role", "Choose a role.");
        return again(&desk, &form, &error).await;
    };
    let mut made = None;
    let done = once(&desk, &form, HERE, async |_| {
        let name = form.text("name").trim();
        let secret = verbs::create(&desk.app, desk.actor(), name, role).await?;
        made = Some(MadeKey {
            name: name.to_owned(),
            secret,
        });
        Ok(format!("{HERE}?done=made"))
    })
    .await;
    match done {
        Ok(location) => match made {
            Some(made) => whole(&desk, StatusCode::OK, None, Some(made), None).await,
            None => Ok(see_other(&location)),
        },
        Err(super::answer::Failure::Verb(error)) if sentences::is_mendable(&error) => {
            again(&desk, &form, &error).await
        }
        Err(failure) => Err(failure),
    }
}

async fn again(desk: &Desk, form: &Form, error: &Error) -> Answer {
    let status = sentences::status(error);
    whole(desk, status, None, None, Some((form, error))).await
}

/// `POST /settings/api-keys/{id}/revoke`.
pub async fn revoke(desk: Desk, Path(id): Path<String>) -> Answer {
    let id: ApiKeyId = id.parse()?;
    verbs::revoke(&desk.app, desk.actor(), id).await?;
    Ok(see_other(&format!("{HERE}?done=revoked")))
}

async fn whole(
    desk: &Desk,
    status: StatusCode,
    done: Option<&'static str>,
    made: Option<MadeKey>,
    retry: Option<(&Form, &Error)>,
) -> Answer {
    let known = verbs::list(&desk.app, desk.clinic()).await?;
    let (revoked, keys): (Vec<_>, Vec<_>) = known.iter().partition(|key| key.revoked_at.is_some());
    let error = retry.map(|(_, error)| error);
    let wrong = |name: &str| sentences::beside(error, &[name]);
    let typed = |name: &str| retry.map_or("", |(form, _)| form.text(name));
    let chosen = match typed("role") {
        "" => Role::Manager.name(),
        chosen => chosen,
    };
    let shown = ApiKeys {
        shell: desk.shell(Section::Settings).await?,
        done,
        made,
        keys: keys.into_iter().map(|key| row(desk, key)).collect(),
        revoked: revoked.into_iter().map(|key| row(desk, key)).collect(),
        name: Field {
            value: typed("name").to_owned(),
            error: wrong("name"),
        },
        roles: roles(desk.actor().role, chosen),
        role_error: wrong("role"),
        idempotency_key: desk.key()?,
    };
    Ok(page(status, &shown))
}

fn row(desk: &Desk, key: &ApiKeyView) -> KeyRow {
    let clock = &desk.clock;
    let used = match (key.revoked_at, &key.revoked_by, key.last_used_at) {
        (Some(at), Some(by), _) => format!("Revoked by {by}, {}", clock.lately(at)),
        (Some(at), None, _) => format!("Revoked {}", clock.lately(at)),
        (None, _, Some(at)) => clock.lately(at),
        (None, _, None) => "Never".to_owned(),
    };
    KeyRow {
        id: key.id.to_string(),
        name: key.name.clone(),
        hint: if key.tail.is_empty() {
            "rk_…".into()
        } else {
            format!("rk_…{}", key.tail)
        },
        role: key.role.title(),
        made: format!("{}, {}", key.created_by, clock.lately(key.created_at)),
        used,
    }
}
