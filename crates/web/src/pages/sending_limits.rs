//! How much may be sent in a day.

use askama::Template;

use super::{Field, Shell};

/// `GET|POST /settings/limits`: `per_number`, `per_address`, `per_staff`, `per_clinic`, `money`, `segment_cost`,
/// `countries`.
#[derive(Template)]
#[template(path = "staff/sending_limits.html")]
pub struct SendingLimits {
    pub shell: Shell,
    pub currency_sign: String,
    pub per_number: Field,
    pub per_address: Field,
    pub per_staff: Field,
    pub per_clinic: Field,
    pub money: Field,
    pub segment_cost: Field,
    /// `GB, IE`; empty: the clinic's own.
    pub countries: Field,
    /// The clinic's own country: `GB`.
    pub own_country: String,
    /// `14 messages`, `£0.56`, `Wed 25 Nov, 00:00`.
    pub sent_today: String,
    pub spent_today: String,
    pub anew_at: String,
    pub saved: bool,
    pub may_change: bool,
}
