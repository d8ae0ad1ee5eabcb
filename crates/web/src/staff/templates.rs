//! Settings -> Messages -> Texts.

use axum::extract::Query;
use axum::http::StatusCode;
use remit_app::Error;
use remit_app::templates::{self as verbs, Preview, TemplateView, Which};
use remit_core::languages;
use remit_core::messages::Segments;
use remit_core::roles::Permission;
use remit_core::templates::{Part, Placeholder, Purpose, Text, TextChannel};
use serde::Deserialize;

use super::answer::{Answer, page, see_other};
use super::desk::Desk;
use super::forms::Form;
use super::words;
use crate::pages::templates as pages;
use crate::pages::{Choice, Field, Section};

const HERE: &str = "/settings/messages/texts";

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Asked {
    channel: String,
    language: String,
    purpose: String,
    saved: String,
}

/// `GET /settings/messages/texts`. What is not known is the SMS that asks for a balance, in English.
pub async fn show(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let which = Which {
        channel: TextChannel::parse(&asked.channel).unwrap_or(TextChannel::Sms),
        language: languages::named(&asked.language).unwrap_or_else(languages::english),
        purpose: Purpose::parse(&asked.purpose).unwrap_or(Purpose::Balance),
    };
    let view = verbs::get(&desk.app, desk.clinic(), which).await?;
    let text = view.text.clone();
    let told = Told {
        saved: asked.saved == "1",
        ..Told::default()
    };
    texts(&desk, StatusCode::OK, view, &text, told).await
}

/// `POST /settings/messages/texts/preview`: the page with what was typed, nothing kept.
pub async fn preview(desk: Desk, form: Form) -> Answer {
    let which = which(&form)?;
    let view = verbs::get(&desk.app, desk.clinic(), which).await?;
    let typed = typed(&form);
    texts(&desk, StatusCode::OK, view, &typed, Told::default()).await
}

/// `POST /settings/messages/texts`: save, back to the standard text (`do=standard`), or an earlier version again
/// (`do=again`).
pub async fn save(desk: Desk, form: Form) -> Answer {
    let which = which(&form)?;
    let (app, actor) = (&desk.app, desk.actor());
    let typed = typed(&form);
    let done = match form.text("do") {
        "standard" => verbs::save(app, actor, which, None).await,
        "again" => {
            let version = form.text("version").parse().map_err(|_| Error::NotFound)?;
            verbs::use_again(app, actor, which, version).await
        }
        _ => verbs::save(app, actor, which, Some(&typed)).await,
    };
    match done {
        Ok(_) => Ok(see_other(&format!("{}&saved=1", address(which)))),
        Err(Error::Invalid { field, message }) => {
            let view = verbs::get(app, desk.clinic(), which).await?;
            let told = Told {
                saved: false,
                wrong: Some((field, message)),
            };
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let shown = match form.text("do") {
                "again" => view.text.clone(),
                _ => typed,
            };
            texts(&desk, status, view, &shown, told).await
        }
        Err(error) => Err(error.into()),
    }
}

fn which(form: &Form) -> remit_app::Result<Which> {
    Which::parse(
        form.text("channel"),
        form.text("language"),
        form.text("purpose"),
    )
}

fn typed(form: &Form) -> Text {
    Text::tidied(form.text("subject"), form.text("body"))
}

fn address(which: Which) -> String {
    format!(
        "{HERE}?channel={}&language={}&purpose={}",
        which.channel.name(),
        which.language.tag,
        which.purpose.name()
    )
}

/// What became of the form before.
#[derive(Default)]
struct Told {
    saved: bool,
    /// Field and sentence.
    wrong: Option<(&'static str, String)>,
}

async fn texts(
    desk: &Desk,
    status: StatusCode,
    view: TemplateView,
    text: &Text,
    told: Told,
) -> Answer {
    let which = view.which;
    let preview = verbs::preview(&desk.app, desk.clinic(), which, text).await?;
    let field = |part: Part, value: &str| Field {
        value: value.to_owned(),
        error: told
            .wrong
            .as_ref()
            .filter(|(field, _)| *field == part.name())
            .map(|(_, sentence)| sentence.clone()),
    };
    let is_email = which.channel == TextChannel::Email;
    let shown = pages::MessageTexts {
        shell: desk.shell(Section::Settings).await?,
        may_change: desk.may(Permission::Configure),
        saved: told.saved,
        channel: which.channel.name(),
        language: which.language.tag,
        purpose: which.purpose.name(),
        channels: TextChannel::ALL
            .map(|one| choice(one.name(), one.title(), one == which.channel))
            .into(),
        languages: languages::ALL
            .map(|one| choice(one.tag, one.english_name, one == which.language))
            .into(),
        purposes: Purpose::ALL
            .map(|one| choice(one.name(), one.title(), one == which.purpose))
            .into(),
        heading: format!(
            "{} by {} in {}",
            which.purpose.title(),
            if is_email { "email" } else { "SMS" },
            which.language.english_name
        ),
        html_lang: which.language.html_lang,
        dir: which.language.dir(),
        subject: is_email.then(|| field(Part::Subject, &text.subject)),
        body: field(Part::Body, &text.body),
        is_standard: view.is_standard,
        placeholders: Placeholder::ALL
            .into_iter()
            .filter(|one| one.fits(which.purpose))
            .map(|one| (one.to_string(), one.about()))
            .collect(),
        preview: arriving(preview, *text == which.standard()),
        versions: versions(desk, &view),
    };
    Ok(page(status, &shown))
}

fn choice(value: &str, label: &str, selected: bool) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        selected,
    }
}

fn arriving(preview: Preview, is_standard: bool) -> pages::Preview {
    let mut facts = Vec::new();
    if let Some(segments) = preview.segments {
        facts.extend(length(&preview.message.text, segments));
        facts.extend(preview.cost.map(|cost| format!("{cost} each time")));
    }
    pages::Preview {
        is_standard,
        subject: preview.message.subject,
        text: preview.message.text,
        facts,
        findings: preview
            .findings
            .into_iter()
            .map(|finding| pages::TextFinding {
                refused: finding.refused,
                part: match finding.part {
                    Part::Subject => "Subject",
                    Part::Body => "",
                },
                sentence: finding.advice.to_string(),
            })
            .collect(),
    }
}

/// How long an SMS is, as networks count it.
fn length(text: &str, segments: Segments) -> [String; 3] {
    let characters = text.encode_utf16().count();
    let (alphabet, most) = if segments.unicode {
        ("UCS-2", if segments.count > 1 { 67 } else { 70 })
    } else {
        ("GSM-7", if segments.count > 1 { 153 } else { 160 })
    };
    let count = u64::try_from(segments.count).unwrap_or(u64::MAX);
    [
        words::count(characters as u64, "character", "characters"),
        words::count(count, "segment", "segments"),
        format!("{alphabet}, {most} a segment"),
    ]
}

fn versions(desk: &Desk, view: &TemplateView) -> Vec<pages::Version> {
    let is_email = view.which.channel == TextChannel::Email;
    view.versions
        .iter()
        .enumerate()
        .map(|(place, version)| pages::Version {
            number: version.version,
            in_use: place == 0,
            text: version.text.as_ref().map(|text| {
                if is_email {
                    format!("{}\n\n{}", text.subject, text.body)
                } else {
                    text.body.clone()
                }
            }),
            who: version.made_by.clone(),
            when: desk.clock.moment(version.made_at),
        })
        .collect()
}
