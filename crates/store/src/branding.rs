//! How clinics look to their patients: their own pages, accent colour, logo.

use remit_core::UtcMs;
use remit_core::branding::Colour;
use remit_core::ids::ClinicId;

use crate::error::read;
use crate::{Result, Store, Tx};

statements! {
    GET = ["SELECT b.website, b.privacy, b.terms, b.accent, l.hash, l.content_type, l.width, l.height FROM clinic c
        LEFT JOIN branding b ON b.clinic = c.id LEFT JOIN logo l ON l.clinic = c.id WHERE c.id = $1"];
    SET = ["INSERT INTO branding (clinic, website, privacy, terms, accent) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (clinic) DO UPDATE SET website = excluded.website, privacy = excluded.privacy, terms = excluded.terms,
        accent = excluded.accent"];
    SET_LOGO = ["INSERT INTO logo (clinic, hash, content_type, width, height, bytes, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (clinic) DO UPDATE SET hash = excluded.hash,
        content_type = excluded.content_type, width = excluded.width, height = excluded.height, bytes = excluded.bytes,
        created_at = excluded.created_at"];
    DROP_LOGO = ["DELETE FROM logo WHERE clinic = $1"];
    LOGO = ["SELECT content_type, bytes FROM logo WHERE clinic = $1 AND hash = $2"];
}

/// The addresses of a clinic's own pages: `https://larkhill.example`; empty: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    pub website: String,
    /// How it treats personal data.
    pub privacy: String,
    pub terms: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    pub pages: Pages,
    /// None: Remit's own.
    pub accent: Option<Colour>,
    /// None: the clinic's initials stand in its place.
    pub logo: Option<LogoView>,
}

/// A logo without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoView {
    pub hash: String,
    pub content_type: String,
    /// Pixels.
    pub width: i64,
    pub height: i64,
}

type Row = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

fn branding(
    (website, privacy, terms, accent, hash, content_type, width, height): Row,
) -> Result<Branding> {
    let logo = match (hash, content_type, width, height) {
        (Some(hash), Some(content_type), Some(width), Some(height)) => Some(LogoView {
            hash,
            content_type,
            width,
            height,
        }),
        _ => None,
    };
    Ok(Branding {
        pages: Pages {
            website: website.unwrap_or_default(),
            privacy: privacy.unwrap_or_default(),
            terms: terms.unwrap_or_default(),
        },
        accent: accent
            .map(|accent| read(Colour::parse(&accent), "accent colour"))
            .transpose()?,
        logo,
    })
}

/// # Errors
/// The engine's own.
pub async fn get(store: &Store, clinic: ClinicId) -> Result<Branding> {
    let row = read_opt!(store, Row, GET, clinic.to_string())?;
    row.map_or_else(|| Ok(Branding::default()), branding)
}

/// # Errors
/// The engine's own.
pub async fn set(tx: &mut Tx, pages: Pages, accent: Option<Colour>) -> Result<()> {
    tx.tell("clinic");
    let accent = accent.map(|accent| accent.to_string());
    let (website, privacy, terms) = (pages.website, pages.privacy, pages.terms);
    exec!(tx, SET, tx.clinic(), website, privacy, terms, accent).map(drop)
}

/// A picture that was checked.
pub struct Logo {
    /// Hexadecimal, of the bytes.
    pub hash: String,
    pub content_type: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// # Errors
/// The engine's own.
pub async fn set_logo(tx: &mut Tx, logo: &Logo, now: UtcMs) -> Result<()> {
    tx.tell("clinic");
    exec!(
        tx,
        SET_LOGO,
        tx.clinic(),
        logo.hash.clone(),
        logo.content_type,
        i64::from(logo.width),
        i64::from(logo.height),
        logo.bytes.clone(),
        now
    )
    .map(drop)
}

/// # Errors
/// The engine's own.
pub async fn drop_logo(tx: &mut Tx) -> Result<()> {
    tx.tell("clinic");
    exec!(tx, DROP_LOGO, tx.clinic()).map(drop)
}

/// The clinic's picture of this hash, and what it is.
///
/// # Errors
/// The engine's own.
pub async fn logo(
    store: &Store,
    clinic: ClinicId,
    hash: &str,
) -> Result<Option<(String, Vec<u8>)>> {
    read_opt!(
        store,
        (String, Vec<u8>),
        LOGO,
        clinic.to_string(),
        hash.to_owned()
    )
}
