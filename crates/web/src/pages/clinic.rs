//! Settings -> Clinic: who the clinic is and how it looks to its patients.

use askama::Template;

use super::patient::Logo;
use super::{Field, Shell};

/// `GET|POST /settings/clinic`: `name`, `strapline`, `phone`, `email`, `website`, `privacy`, `terms`, `address`, `zone`,
/// `accent`, `show_services`. `POST /settings/clinic/logo` with the file `logo`; `POST /settings/clinic/logo/remove`.
#[derive(Template)]
#[template(path = "staff/clinic.html")]
pub struct ClinicPage {
    pub shell: Shell,
    pub may_change: bool,
    pub done: Option<&'static str>,
    pub name: Field,
    pub strapline: Field,
    pub phone: Field,
    pub email: Field,
    pub website: Field,
    pub privacy: Field,
    pub terms: Field,
    pub address: Field,
    pub zone: Field,
    /// Every zone to choose from.
    pub zones: Vec<String>,
    /// `Tue 24 November 10:44`, by the zone that is kept.
    pub zone_now: String,
    /// `United Kingdom`, `GBP, £`.
    pub country: String,
    pub currency: String,
    pub accent: Field,
    pub show_services: bool,
    pub preview: Preview,
    pub logo: Option<Logo>,
    pub logo_error: Option<String>,
    pub refused: Option<String>,
}

/// `GET /settings/clinic/preview?accent=&name=`: the piece of the page that shows the colour in use.
#[derive(Template)]
#[template(path = "staff/brand_preview.html")]
pub struct PreviewPiece {
    pub preview: Preview,
}

pub struct Preview {
    pub initials: String,
    pub schemes: Vec<PreviewScheme>,
    /// What is said of its contrast.
    pub verdict: String,
    /// It is not saved as it was chosen.
    pub darkened: bool,
}

/// Colours as `#0b6464`, for attributes of a drawing: the page's policy allows no `style`.
pub struct PreviewScheme {
    pub word: &'static str,
    pub ground: String,
    pub surface: String,
    pub text: String,
    pub brand: String,
    pub ink: String,
    pub soft: String,
}
