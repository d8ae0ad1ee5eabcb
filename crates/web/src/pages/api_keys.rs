//! Settings -> API keys.

use askama::Template;

use super::people::RoleChoice;
use super::{Field, Shell};

/// `GET /settings/api-keys`; `POST /settings/api-keys` with `name`, `role`; `POST /settings/api-keys/{id}/revoke`.
#[derive(Template)]
#[template(path = "staff/api_keys.html")]
pub struct ApiKeys {
    pub shell: Shell,
    pub done: Option<&'static str>,
    /// The key that was just made: shown this once.
    pub made: Option<MadeKey>,
    pub keys: Vec<KeyRow>,
    pub revoked: Vec<KeyRow>,
    pub name: Field,
    pub roles: Vec<RoleChoice>,
    pub role_error: Option<String>,
    /// Works once, however often the button is pressed.
    pub idempotency_key: String,
}

pub struct MadeKey {
    pub name: String,
    pub secret: String,
}

pub struct KeyRow {
    pub id: String,
    pub name: String,
    /// `rk_…wXyZ`.
    pub hint: String,
    pub role: &'static str,
    /// `Stephen Marsh, Today 10:44`.
    pub made: String,
    /// `Used Today 10:44`, `Never used`, or when and by whom it was revoked.
    pub used: String,
}
