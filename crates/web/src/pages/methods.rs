//! Settings -> Payment methods.

use askama::Template;

use super::{Field, Shell};

/// `GET|POST /settings/payment-methods`. Controls of each online method: `<name>_enabled`, `<name>_deposits`,
/// `<name>_balances` (ticks, `1`), `<name>_min`, `<name>_max`; of each desk method `<name>_enabled`.
#[derive(Template)]
#[template(path = "staff/methods.html")]
pub struct PaymentMethods {
    pub shell: Shell,
    /// `Paid out by Stripe · connected, live`.
    pub provider: String,
    pub currency_sign: String,
    pub currency_word: String,
    pub saved: bool,
    pub may_change: bool,
    /// The person may go on to Settings, Providers.
    pub may_connect: bool,
    /// The provider is told the patient’s email address.
    pub shares_email: bool,
    pub online: Vec<OnlineMethod>,
    pub desk: Vec<DeskMethod>,
}

pub struct OnlineMethod {
    /// `card`, `klarna`, `clearpay`.
    pub name: &'static str,
    pub word: &'static str,
    /// `In 3 parts or after 30 days`.
    pub detail: &'static str,
    /// A glyph of the sprite, or none: then the first letter stands.
    pub icon: Option<&'static str>,
    pub enabled: bool,
    pub deposits: bool,
    pub balances: bool,
    pub min: Field,
    pub max: Field,
    /// Said under the row when it is on but no patient is offered it.
    pub warning: Option<String>,
}

pub struct DeskMethod {
    pub name: &'static str,
    pub word: &'static str,
    pub detail: &'static str,
    pub icon: &'static str,
    pub enabled: bool,
}
