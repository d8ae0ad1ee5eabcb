//! Bodies as they are read: what cannot be read names its field and says what to send.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::problem::{Kind, Problem};

/// A call without fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Tells null from a field that is left out.
pub fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A field that may be left out but not be null: null would look like a wish to empty it.
pub fn not_null<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads a body; an empty one is an empty object. The message names the field.
///
/// # Errors
/// 400 for what is not JSON, 422 for JSON that is not this body.
pub fn read<B: DeserializeOwned>(raw: &[u8]) -> Result<B, Problem> {
    let raw = if raw.is_empty() { b"{}" } else { raw };
    let begins = raw.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut reader = serde_json::Deserializer::from_slice(raw);
    // A list would fill the fields by their place, which nobody promised.
    if begins == Some(&b'[') {
        serde::de::IgnoredAny::deserialize(&mut reader)
            .map_err(|error| misread(raw, "", &error))?;
        return Err(Problem::invalid("body", "Send an object, not a list."));
    }
    let body = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        misread(raw, &path, error.inner())
    })?;
    reader.end().map_err(|error| misread(raw, "", &error))?;
    Ok(body)
}

fn misread(raw: &[u8], path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text);
    // The reader calls a number or null in the place of a word a fault of syntax.
    let is_json = error.is_data() || serde_json::from_slice::<serde_json::Value>(raw).is_ok();
    if !is_json {
        return Problem::new(Kind::Malformed, format!("The body is not JSON: {text}."));
    }
    let place = path.trim_matches('.').trim_matches('?');
    let named = |name: &str| match place {
        "" => name.to_owned(),
        place if place == name || place.ends_with(&format!(".{name}")) => place.to_owned(),
        place => format!("{place}.{name}"),
    };
    if let Some(name) = unknown_field(message) {
        let known = message.split_once(", expected ").map(|(_, known)| known);
        let known = known.map_or(String::new(), |known| format!(" Known: {known}."));
        return Problem::invalid(named(&name), format!("This field is not known.{known}"));
    }
    if let Some(name) = quoted(message, "missing field `") {
        return Problem::invalid(named(&name), "This field is needed.");
    }
    let field = if place.is_empty() { "body" } else { place };
    if !error.is_data() {
        return Problem::invalid(field, "Send one of the words that /api/docs names here.");
    }
    Problem::invalid(field, in_words(message))
}

/// The name in a reader's message about a field that is not known.
pub fn unknown_field(message: &str) -> Option<String> {
    quoted(message, "unknown field `")
}

fn quoted(message: &str, lead: &str) -> Option<String> {
    let (_, rest) = message.split_once(lead)?;
    rest.split('`').next().map(str::to_owned)
}

/// A reader's message as a sentence that says what to send.
pub fn in_words(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let split = message.split_once(", expected ");
    match split {
        Some((unknown, known)) if unknown.starts_with("unknown variant ") => {
            format!("Use {known}.")
        }
        Some((found, wanted)) if found.starts_with("invalid ") => {
            let found = found.split_once(": ").map_or(found, |(_, found)| found);
            format!("Send {}, not {found}.", kind_in_words(wanted))
        }
        _ => sentence(message),
    }
}

/// What a reader calls a kind of value, as people do.
fn kind_in_words(wanted: &str) -> &str {
    match wanted {
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "i64" => "a whole number",
        shape if shape.starts_with("struct ") || shape.contains("tagged enum ") => "an object",
        other => other,
    }
}

fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        name: String,
        #[allow(dead_code)]
        price: Option<crate::api::money::MoneyBody>,
        #[allow(dead_code)]
        purpose: Option<crate::api::words::Purpose>,
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        for (body, kind, field) in [
            ("{", Kind::Malformed, None),
            (r#"{"name":"A"} x"#, Kind::Malformed, None),
            ("", Kind::InvalidFields, Some("name")),
            ("[]", Kind::InvalidFields, Some("body")),
            // A list would fill the fields by their place.
            (r#"["A"]"#, Kind::InvalidFields, Some("body")),
            ("null", Kind::InvalidFields, Some("body")),
            (r#"{"name":1}"#, Kind::InvalidFields, Some("name")),
            (r#"{"name":"A","no":1}"#, Kind::InvalidFields, Some("no")),
            (
                r#"{"name":"A","purpose":1}"#,
                Kind::InvalidFields,
                Some("purpose"),
            ),
            (
                r#"{"name":"A","price":{"amount":1,"currency":"GBP","x":1}}"#,
                Kind::InvalidFields,
                Some("price.x"),
            ),
            (
                r#"{"name":"A","price":{"amount":1.5,"currency":"GBP"}}"#,
                Kind::InvalidFields,
                Some("price.amount"),
            ),
        ] {
            let problem = read::<Outer>(body.as_bytes()).unwrap_err();
            let found = problem.errors.first().map(|error| error.field.as_str());
            assert_eq!((problem.kind, found), (kind, field), "{body}");
        }
    }

    #[test]
    fn a_readers_message_becomes_a_sentence_for_people() {
        for (message, words) in [
            (
                "invalid type: integer `1`, expected a string",
                "Send a text, not integer `1`.",
            ),
            (
                "invalid type: floating point `1.5`, expected i64",
                "Send a whole number, not floating point `1.5`.",
            ),
            (
                "invalid type: null, expected struct MoneyBody",
                "Send an object, not null.",
            ),
            (
                "unknown variant `x`, expected `a` or `b`",
                "Use `a` or `b`.",
            ),
            (
                "unknown variant `x`, expected one of `a`, `b`, `c`",
                "Use one of `a`, `b`, `c`.",
            ),
            ("duplicate field `name`", "Duplicate field `name`."),
        ] {
            assert_eq!(in_words(message), words);
        }
    }
}
