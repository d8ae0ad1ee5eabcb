//! Settings -> Staff and roles, and the page by which somebody sets their password.

use askama::Template;

use super::{Choice, Field, Shell};

/// `GET /settings/staff`.
#[derive(Template)]
#[template(path = "staff/people.html")]
pub struct People {
    pub shell: Shell,
    pub done: Option<String>,
    pub people: Vec<Person>,
}

pub struct Person {
    pub id: String,
    pub name: String,
    pub initials: String,
    pub email: String,
    pub role: &'static str,
    pub active: bool,
    pub is_you: bool,
    /// `Signed in Today 10:44`, `Invited, link works until Fri 27 Nov, 10:44`, `Never signed in`.
    pub seen: String,
    /// Has yet to set a password.
    pub invited: bool,
}

/// `GET|POST /settings/staff/new` and `/settings/staff/{id}`: `name`, `email`, `role`. Of somebody known also
/// `POST .../password`, `.../sign-out`, `.../deactivate`, `.../reactivate`.
#[derive(Template)]
#[template(path = "staff/person.html")]
pub struct PersonForm {
    pub shell: Shell,
    /// None: somebody new.
    pub known: Option<Person>,
    pub done: Option<String>,
    pub name: Field,
    pub email: Field,
    pub roles: Vec<RoleChoice>,
    pub role_error: Option<String>,
    /// `2 sessions`; none: not signed in anywhere.
    pub sessions: Option<String>,
    /// A failure that belongs to no field.
    pub refused: Option<String>,
}

pub struct RoleChoice {
    pub choice: Choice,
    /// What the role may.
    pub detail: &'static str,
}

/// The answer to an invitation and to a reset password: the link, shown this once.
#[derive(Template)]
#[template(path = "staff/person_link.html")]
pub struct PersonLink {
    pub shell: Shell,
    pub name: String,
    pub email: String,
    /// The password of somebody known was taken away.
    pub reset: bool,
    pub url: String,
    /// `Fri 27 Nov, 10:44`.
    pub until: String,
}

/// `GET|POST /set-password/{secret}`: `password`, `again`.
#[derive(Template)]
#[template(path = "staff/set_password.html")]
pub struct SetPassword {
    pub csrf: String,
    pub action: String,
    pub name: String,
    pub email: String,
    pub password: Field,
    pub again: Field,
    pub chars_min: usize,
}
