//! Settings -> Clinic: who the clinic is, where, and how it looks to its patients.

pub mod logos;

use jiff::tz::TimeZone;
use remit_core::branding::{self as rules, Colour};
use remit_core::contact::{Email, Name, Phone};
use remit_core::ids::ClinicId;
use remit_store::branding::Pages;
use remit_store::clinics::Profile;
use remit_store::{audit, branding, clinics as rows};

use crate::error::in_field;
use crate::notes::note;
use crate::{Actor, App, Error, Result, clinics};

const ADDRESS_CHARS_MAX: usize = 300;
const STRAPLINE_CHARS_MAX: usize = 80;

/// What somebody typed of their clinic.
#[derive(Clone, Debug, Default)]
pub struct ClinicInput {
    pub name: String,
    pub strapline: String,
    pub address: String,
    pub phone: String,
    pub email: String,
    pub website: String,
    pub privacy: String,
    pub terms: String,
    pub zone: String,
    /// `#0b6464`.
    pub accent: String,
    /// Patients' payment pages name the services.
    pub show_services: bool,
}

/// Every time zone that can be chosen, by name.
pub fn zones() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") || name == "UTC")
        .collect();
    names.sort();
    names.dedup();
    names
}

/// A zone by its name, however it is capitalised.
fn zone(text: &str) -> Result<String> {
    let text = text.trim();
    let known = TimeZone::get(text).ok().filter(|_| text.len() <= 64);
    let name = known.and_then(|zone| zone.iana_name().map(str::to_owned));
    name.ok_or_else(|| {
        Error::invalid(
            "zone",
            "Choose a time zone from the list, such as Europe/London.",
        )
    })
}

/// What is said where a text that stands on pages and in messages is wrong.
fn line(field: &'static str, text: &str, chars_max: usize) -> Result<String> {
    Ok(note(field, Some(text), chars_max)?.unwrap_or_default())
}

fn checked(input: &ClinicInput, country: &str) -> Result<(Profile, Pages, Option<Colour>)> {
    let name = Name::parse(&input.name).map_err(in_field("name"))?;
    let phone = input.phone.trim();
    if !phone.is_empty() {
        Phone::parse(phone, country).map_err(in_field("phone"))?;
    }
    let email = match input.email.trim() {
        "" => String::new(),
        email => Email::parse(email)
            .map_err(in_field("email"))?
            .into_string(),
    };
    let accent = match input.accent.trim() {
        "" => None,
        text => {
            let colour = Colour::parse(text)
                .ok_or_else(|| Error::invalid("accent", "Choose a colour like #0b6464."))?;
            Some(colour.readable()).filter(|colour| *colour != rules::STANDARD)
        }
    };
    let profile = Profile {
        name: name.into_string(),
        strapline: line("strapline", &input.strapline, STRAPLINE_CHARS_MAX)?,
        phone: phone.to_owned(),
        email,
        address: line("address", &input.address, ADDRESS_CHARS_MAX)?,
        zone: zone(&input.zone)?,
        show_services: input.show_services,
    };
    let address =
        |field, text: &str| rules::web_address(text).map_err(|why| Error::invalid(field, why));
    let pages = Pages {
        website: address("website", &input.website)?,
        privacy: address("privacy", &input.privacy)?,
        terms: address("terms", &input.terms)?,
    };
    Ok((profile, pages, accent))
}

/// Saves who the clinic is and its colour, darkened until white text can be read on it. A change of time zone moves no
/// instant: what was booked for ten o'clock there shows another hour here.
///
/// # Errors
/// [`Error::Invalid`] names the field; or the store's.
#[crate::boxed]
pub async fn save(app: &App, actor: &Actor, input: &ClinicInput) -> Result<()> {
    let context = clinics::context(app, actor.clinic).await?;
    let (profile, pages, accent) = checked(input, &context.clinic.country)?;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    rows::set_profile(&mut tx, &profile).await?;
    branding::set(&mut tx, pages, accent).await?;
    let mut what = actor.clinic.to_string();
    if profile.zone != context.clinic.zone {
        what.push_str(&format!(
            " zone {} to {}",
            context.clinic.zone, profile.zone
        ));
    }
    if profile.show_services != context.clinic.show_services {
        what.push_str(if profile.show_services {
            " services are named"
        } else {
            " services are not named"
        });
    }
    audit::append(&mut tx, &actor.label, "clinic.changed", &what, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}

/// Takes a new logo.
///
/// # Errors
/// [`Error::Invalid`] says what is wrong with the picture; or the store's.
#[crate::boxed]
pub async fn set_logo(app: &App, actor: &Actor, file: Vec<u8>) -> Result<()> {
    let logo = tokio::task::spawn_blocking(move || logos::check(&file))
        .await
        .map_err(|error| Error::Setup(error.to_string()))??;
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    branding::set_logo(&mut tx, &logo, now).await?;
    audit::append(&mut tx, &actor.label, "clinic.logo_set", &logo.hash, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}

/// Goes back to the clinic's initials.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn drop_logo(app: &App, actor: &Actor) -> Result<()> {
    let mut tx = app.store.begin(actor.clinic).await?;
    let now = tx.now().await?;
    branding::drop_logo(&mut tx).await?;
    let what = actor.clinic.to_string();
    audit::append(&mut tx, &actor.label, "clinic.logo_removed", &what, now).await?;
    tx.commit().await?;
    clinics::forget(app, actor.clinic);
    Ok(())
}

/// A logo's bytes with what they are.
///
/// # Errors
/// The store's.
#[crate::boxed]
pub async fn logo(app: &App, clinic: ClinicId, hash: &str) -> Result<Option<(String, Vec<u8>)>> {
    Ok(branding::logo(&app.store, clinic, hash).await?)
}
