//! Settings -> Clinic: name, contact, time zone; accent colour and logo.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::branding::{self as verbs, ClinicInput};
use remit_app::{Error, clinics};
use remit_core::branding::{CONTRAST_MIN, Colour, STANDARD, WHITE, schemes};
use remit_core::clinic::initials;
use remit_core::roles::Permission;
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::{Form, Upload};
use super::sentences;
use crate::pages::clinic::{ClinicPage, Preview, PreviewPiece, PreviewScheme};
use crate::pages::{Field, Section};
use crate::patient::brand;

const HERE: &str = "/settings/clinic";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Told {
    done: String,
}

/// `GET /settings/clinic`.
pub async fn show(desk: Desk, Query(told): Query<Told>) -> Answer {
    let done = match told.done.as_str() {
        "saved" => Some("Saved"),
        "logo" => Some("Logo saved"),
        "no-logo" => Some("Logo removed"),
        _ => None,
    };
    whole(&desk, StatusCode::OK, done, None).await
}

/// `POST /settings/clinic`.
pub async fn save(desk: Desk, form: Form) -> Answer {
    let text = |name: &str| form.text(name).to_owned();
    let input = ClinicInput {
        name: text("name"),
        strapline: text("strapline"),
        address: text("address"),
        phone: text("phone"),
        email: text("email"),
        website: text("website"),
        privacy: text("privacy"),
        terms: text("terms"),
        zone: text("zone"),
        accent: text("accent"),
        show_services: form.some("show_services").is_some(),
    };
    let done = verbs::save(&desk.app, desk.actor(), &input).await;
    finish(&desk, done, "saved", Some(&form)).await
}

/// `POST /settings/clinic/logo`.
pub async fn set_logo(desk: Desk, upload: Upload) -> Answer {
    let done = verbs::set_logo(&desk.app, desk.actor(), upload.bytes.to_vec()).await;
    finish(&desk, done, "logo", None).await
}

/// `POST /settings/clinic/logo/remove`.
pub async fn drop_logo(desk: Desk) -> Answer {
    let done = verbs::drop_logo(&desk.app, desk.actor()).await;
    finish(&desk, done, "no-logo", None).await
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Tried {
    accent: String,
    name: String,
}

/// `GET /settings/clinic/preview`.
pub async fn show_preview(_: Desk, Query(tried): Query<Tried>) -> Answer {
    let piece = PreviewPiece {
        preview: preview(
            Colour::parse(&tried.accent).unwrap_or(STANDARD),
            &tried.name,
        ),
    };
    Ok(page(StatusCode::OK, &piece))
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
    let (clinic, looks) = (desk.about(), &desk.context.branding);
    let error = retry.map(|(_, error)| error);
    let wrong = |name: &str| sentences::beside(error, &[name]);
    let typed = retry.and_then(|(form, _)| form);
    let field = |name: &str, kept: &str| Field {
        value: typed.map_or(kept, |form| form.text(name)).to_owned(),
        error: wrong(name),
    };
    let accent = field("accent", &looks.accent.unwrap_or(STANDARD).to_string());
    let name = field("name", &clinic.name);
    let shown = ClinicPage {
        may_change: desk.may(Permission::Configure),
        done,
        preview: preview(
            Colour::parse(&accent.value).unwrap_or(STANDARD),
            &name.value,
        ),
        strapline: field("strapline", &clinic.strapline),
        phone: field("phone", &clinic.phone),
        email: field("email", &clinic.email),
        website: field("website", &looks.pages.website),
        privacy: field("privacy", &looks.pages.privacy),
        terms: field("terms", &looks.pages.terms),
        address: field("address", &clinic.address),
        zone: field("zone", &clinic.zone),
        zones: verbs::zones(),
        zone_now: clinics::in_zone(clinic, desk.now(), "%a %-d %B, %H:%M"),
        country: clinic.country.clone(),
        show_services: typed.map_or(clinic.show_services, |form| {
            form.some("show_services").is_some()
        }),
        currency: format!("{}, {}", clinic.currency.code(), clinic.currency.sign()),
        logo: brand::logo(&desk.context),
        logo_error: wrong("logo"),
        refused: sentences::over(error, &desk.clock),
        shell: desk.shell(Section::Settings).await?,
        name,
        accent,
    };
    Ok(page(status, &shown))
}

/// The colour as it would be saved, in both schemes.
fn preview(chosen: Colour, name: &str) -> Preview {
    let kept = chosen.readable();
    let [light, dark] = schemes(kept);
    let scheme =
        |word, ground: &str, surface: &str, text: &str, of: &remit_core::branding::Scheme| {
            PreviewScheme {
                word,
                ground: ground.to_owned(),
                surface: surface.to_owned(),
                text: text.to_owned(),
                brand: of.brand.to_string(),
                ink: of.ink.to_string(),
                soft: of.soft.to_string(),
            }
        };
    let ratio = |colour: Colour| format!("{:.1}", colour.contrast(WHITE));
    let darkened = kept != chosen;
    Preview {
        initials: initials(name),
        schemes: vec![
            scheme("Light", "#f6f8f8", "#ffffff", "#14201f", &light),
            scheme("Dark", "#0d1312", "#141b1a", "#e8eeed", &dark),
        ],
        verdict: if darkened {
            format!(
                "White text on {chosen} has a contrast of {} to 1; {CONTRAST_MIN} to 1 is needed to be read. It is saved \
                 darker, as {kept}.",
                ratio(chosen)
            )
        } else {
            format!(
                "White text on it has a contrast of {} to 1: well readable.",
                ratio(kept)
            )
        },
        darkened,
    }
}
