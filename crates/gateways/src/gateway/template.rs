//! The body of a gateway's request: the clinic's own text with four places, each filled in the way its format asks for.

use reqwest::Url;
use serde_json::{Value, json};

use crate::messages::Message;

/// What may stand in a template, as `{{to}}` or `{to}`.
pub const PLACES: [&str; 4] = ["to", "from", "text", "reference"];
const CHARS_MAX: usize = 4_000;

/// Why a template cannot be used. For people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("The template needs {{{{to}}}} and {{{{text}}}}, or no message would arrive.")]
    Incomplete,
    #[error(
        "{{{{{0}}}}} is not known. Use {{{{to}}}}, {{{{from}}}}, {{{{text}}}} and {{{{reference}}}}."
    )]
    UnknownPlace(String),
    #[error(
        "With its places filled the template is not JSON. Put quotes around them, or send another Content-Type."
    )]
    NotJson,
    #[error("Use at most {CHARS_MAX} characters for the template.")]
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Form,
    Xml,
    Plain,
}

impl Format {
    fn of(content_type: Option<&str>) -> Format {
        let media = content_type.unwrap_or("application/json");
        let media = media
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match media.as_str() {
            "application/x-www-form-urlencoded" => Format::Form,
            media if media.ends_with("json") => Format::Json,
            media if media.ends_with("xml") => Format::Xml,
            _ => Format::Plain,
        }
    }

    fn escape(self, text: &str) -> String {
        match self {
            Format::Json => {
                let quoted = Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Format::Form => {
                // A URL's own writer of forms; `x` is what it is given to write after.
                let Ok(mut url) = Url::parse("form:?") else {
                    return String::new();
                };
                url.query_pairs_mut().append_pair("", text);
                let written = url.query().unwrap_or_default();
                written.trim_start_matches('=').to_owned()
            }
            Format::Xml => text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&apos;"),
            Format::Plain => text.to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(&'static str),
}

/// A template that was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    format: Format,
    /// None: the usual JSON object.
    pieces: Option<Vec<Piece>>,
}

impl Template {
    /// # Errors
    /// See [`TemplateError`].
    pub fn parse(
        text: Option<&str>,
        content_type: Option<&str>,
    ) -> Result<Template, TemplateError> {
        let format = Format::of(content_type);
        let Some(text) = text else {
            return Ok(Template {
                format,
                pieces: None,
            });
        };
        if text.chars().count() > CHARS_MAX {
            return Err(TemplateError::TooLong);
        }
        let pieces = pieces(text)?;
        let has = |name| pieces.contains(&Piece::Place(name));
        if !has("to") || !has("text") {
            return Err(TemplateError::Incomplete);
        }
        let template = Template {
            format,
            pieces: Some(pieces),
        };
        let sample = template.filled(|_| "\"1\\\n");
        if format == Format::Json && serde_json::from_str::<Value>(&sample).is_err() {
            return Err(TemplateError::NotJson);
        }
        Ok(template)
    }

    /// The body for one message.
    pub fn fill(&self, message: &Message, sender: &str) -> String {
        let value = |place: &str| match place {
            "to" => message.to.as_str(),
            "from" => sender,
            "text" => message.text.as_str(),
            _ => message.reference.as_str(),
        };
        if self.pieces.is_none() {
            let usual = json!({ "to": message.to, "from": sender, "text": message.text, "reference": message.reference });
            return usual.to_string();
        }
        self.filled(value)
    }

    fn filled<'a>(&self, value: impl Fn(&str) -> &'a str) -> String {
        let pieces = self.pieces.iter().flatten();
        let written = pieces.map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(place) => self.format.escape(value(place)),
        });
        written.collect()
    }
}

/// Cuts a template at its places. Braces around anything else are text, but for a doubled one, which is a slip.
fn pieces(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('{') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let place = PLACES.into_iter().find_map(|place| {
            let after = rest.strip_prefix(&format!("{{{{{place}}}}}"));
            let after = after.or_else(|| rest.strip_prefix(&format!("{{{place}}}")));
            after.map(|after| (place, after))
        });
        if let Some((place, after)) = place {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Place(place));
            rest = after;
            continue;
        }
        let doubled = rest
            .strip_prefix("{{")
            .and_then(|inner| inner.split_once("}}"));
        if let Some((name, _)) = doubled
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            return Err(TemplateError::UnknownPlace(name.chars().take(40).collect()));
        }
        plain.push('{');
        rest = &rest[1..];
    }
    plain.push_str(rest);
    pieces.push(Piece::Text(plain));
    Ok(pieces)
}
