//! My account: what every person changes by themselves.

use askama::Template;

use super::{Field, Shell};

/// `GET|POST /account`: `name`. `POST /account/password`: `old_password`, `new_password`, `again`.
/// `POST /account/sessions/{id}/end`, `POST /account/sign-out-others`.
#[derive(Template)]
#[template(path = "staff/account.html")]
pub struct Account {
    pub shell: Shell,
    pub done: Option<&'static str>,
    pub name: Field,
    pub email: String,
    /// A password is never shown again: only what was wrong with it.
    pub old_password: Field,
    pub new_password: Field,
    pub again: Field,
    pub chars_min: usize,
    pub sessions: Vec<SessionRow>,
    pub refused: Option<String>,
}

pub struct SessionRow {
    pub id: String,
    /// `Chrome on Windows`.
    pub device: String,
    pub signed_in: String,
    pub seen: String,
    pub is_this_one: bool,
}
