//! Settings -> Services and deposits.

use askama::Template;

use super::{Field, Shell};

/// `GET /settings/services`.
#[derive(Template)]
#[template(path = "staff/services.html")]
pub struct Services {
    pub shell: Shell,
    pub may_change: bool,
    pub services: Vec<ServiceRow>,
}

pub struct ServiceRow {
    pub id: String,
    pub name: String,
    pub duration: String,
    pub price: String,
    /// `25% of the price`, `£20.00`, `None`, `The whole price`.
    pub deposit: String,
    pub active: bool,
}

/// `GET|POST /settings/services/new` and `/settings/services/{id}`: `name`, `duration_minutes`, `price`,
/// `deposit_kind` (`none`, `fixed`, `percent`, `full`), `deposit_amount`, `deposit_percent`.
#[derive(Template)]
#[template(path = "staff/service.html")]
pub struct ServiceForm {
    pub shell: Shell,
    /// None: a new one.
    pub id: Option<String>,
    pub currency_sign: String,
    pub name: Field,
    pub duration_minutes: Field,
    pub price: Field,
    pub deposit_kind: DepositKind,
    pub deposit_amount: Field,
    pub deposit_percent: Field,
    pub refused: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositKind {
    None,
    Fixed,
    Percent,
    Full,
}
