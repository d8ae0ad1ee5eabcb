//! The clinic's own texts of messages, every version of them.

use remit_core::UtcMs;
use remit_core::ids::ClinicId;
use remit_core::templates::{Purpose, Text, TextChannel};

use crate::error::read;
use crate::{Result, Store, Tx};

statements! {
    NEWEST = ["SELECT channel, language, purpose, version, subject, body, made_by, made_at FROM message_template
        WHERE clinic = $1 AND channel = $2 AND language = $3 AND purpose = $4 ORDER BY version DESC LIMIT $5"];
    IN_USE = ["SELECT channel, language, purpose, version, subject, body, made_by, made_at FROM message_template t
        WHERE clinic = $1 AND version = (SELECT MAX(n.version) FROM message_template n WHERE n.clinic = t.clinic
          AND n.channel = t.channel AND n.language = t.language AND n.purpose = t.purpose)
        ORDER BY channel, language, purpose"];
    LAST = ["SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM message_template
        WHERE clinic = $1 AND channel = $2 AND language = $3 AND purpose = $4"];
    APPEND = ["INSERT INTO message_template (clinic, channel, language, purpose, version, subject, body, made_by, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"];
}

/// Which text: `language` is the tag of one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub channel: TextChannel,
    pub language: &'a str,
    pub purpose: Purpose,
}

/// One version of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    pub channel: TextChannel,
    pub language: String,
    pub purpose: Purpose,
    pub version: i64,
    /// None: the standard text.
    pub text: Option<Text>,
    pub made_by: String,
    pub made_at: UtcMs,
}

type Row = (
    String,
    String,
    String,
    i64,
    Option<String>,
    Option<String>,
    String,
    i64,
);

fn version(row: Row) -> Result<TemplateVersion> {
    let (channel, language, purpose, version, subject, body, made_by, made_at) = row;
    Ok(TemplateVersion {
        channel: read(TextChannel::parse(&channel), "template channel")?,
        language,
        purpose: read(Purpose::parse(&purpose), "template purpose")?,
        version,
        text: body.map(|body| Text {
            subject: subject.unwrap_or_default(),
            body,
        }),
        made_by,
        made_at,
    })
}

/// A text's versions, the one in use first.
///
/// # Errors
/// The engine's own.
pub async fn versions(
    store: &Store,
    clinic: ClinicId,
    place: Place<'_>,
    limit: i64,
) -> Result<Vec<TemplateVersion>> {
    let rows = read_all!(
        store,
        Row,
        NEWEST,
        clinic.to_string(),
        place.channel.name(),
        place.language.to_owned(),
        place.purpose.name(),
        limit
    )?;
    rows.into_iter().map(version).collect()
}

/// What is in use of every text that the clinic has ever changed.
///
/// # Errors
/// The engine's own.
pub async fn in_use(store: &Store, clinic: ClinicId) -> Result<Vec<TemplateVersion>> {
    let rows = read_all!(store, Row, IN_USE, clinic.to_string())?;
    rows.into_iter().map(version).collect()
}

/// Adds a version; answers with its number. Two who save at once must have taken the clinic's lock before.
///
/// # Errors
/// The engine's own; `Unique` when another was first.
pub async fn append(
    tx: &mut Tx,
    place: Place<'_>,
    text: Option<&Text>,
    made_by: &str,
    now: UtcMs,
) -> Result<i64> {
    let last = opt!(
        tx,
        (i64,),
        LAST,
        tx.clinic(),
        place.channel.name(),
        place.language.to_owned(),
        place.purpose.name()
    )?;
    let next = last.map_or(0, |(last,)| last) + 1;
    let subject = text
        .filter(|_| place.channel == TextChannel::Email)
        .map(|text| text.subject.clone());
    exec!(
        tx,
        APPEND,
        tx.clinic(),
        place.channel.name(),
        place.language.to_owned(),
        place.purpose.name(),
        next,
        subject,
        text.map(|text| text.body.clone()),
        made_by.to_owned(),
        now
    )?;
    Ok(next)
}
