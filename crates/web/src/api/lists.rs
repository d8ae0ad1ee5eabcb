//! Lists: pages of `limit`, an opaque cursor to the next, and parameters that are refused by name.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use remit_app::views::Cursor;
use remit_core::UtcMs;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use utoipa::ToSchema;

use super::call::unknown_field;
use super::money::{TIME_WANTED, Time};
use super::problem::{Kind, Problem};

pub const LIMIT_MAX: i64 = 200;
const LIMIT: i64 = 50;

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is whole.
    pub fn whole(data: Vec<T>) -> List<T> {
        List {
            data,
            next_cursor: None,
        }
    }
}

/// The parameters of an address.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(query)) => Ok(Query(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                Err(match unknown_field(&text) {
                    Some(name) => Problem::bad_parameter(
                        &name,
                        "This parameter is not known. See /api/docs for those that are.",
                    ),
                    None => Problem::new(Kind::BadParameter, format!("{text}.")),
                })
            }
        }
    }
}

/// An empty parameter is one that was not given.
pub fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// # Errors
/// 400 outside 1 to 200.
pub fn limit(text: &Option<String>) -> Result<i64, Problem> {
    let Some(text) = given(text) else {
        return Ok(LIMIT);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| Problem::bad_parameter("limit", "Enter a number from 1 to 200."))
}

/// # Errors
/// 400 for a text that is no moment.
pub fn moment(name: &str, text: &Option<String>) -> Result<Option<UtcMs>, Problem> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let time = Time::parse(text).ok_or_else(|| Problem::bad_parameter(name, TIME_WANTED))?;
    Ok(Some(time.0))
}

/// # Errors
/// 400 for a text that is no id of the kind.
pub fn id<T: std::str::FromStr>(name: &str, text: &Option<String>) -> Result<Option<T>, Problem> {
    let parsed = given(text).map(str::parse).transpose();
    parsed.map_err(|_| Problem::bad_parameter(name, "This is not an id of the kind wanted here."))
}

/// # Errors
/// 400 for a word that is not one of the enumeration.
pub fn word<T: DeserializeOwned>(name: &str, text: &Option<String>) -> Result<Option<T>, Problem> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    match T::deserialize(StrDeserializer::<ValueError>::new(text)) {
        Ok(word) => Ok(Some(word)),
        Err(error) => Err(Problem::bad_parameter(name, sentence(&error.to_string()))),
    }
}

/// A reader's message as a sentence.
pub fn sentence(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

fn no_cursor() -> Problem {
    Problem::bad_parameter(
        "cursor",
        "Send the `next_cursor` of the page before as it is.",
    )
}

/// The place in a list that a cursor names.
///
/// # Errors
/// 400 for anything that no list gave out.
pub fn cursor(text: &Option<String>) -> Result<Option<Cursor>, Problem> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| no_cursor())?;
    let text = String::from_utf8(bytes).map_err(|_| no_cursor())?;
    Cursor::parse(&text).map(Some).ok_or_else(no_cursor)
}

/// As it is handed out.
pub fn written(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(cursor.written())
}

/// The cursor after the last of a page, when the page is full and so may have a next.
pub fn next<T>(page: &[T], limit: i64, place: impl Fn(&T) -> (UtcMs, String)) -> Option<String> {
    let full = i64::try_from(page.len()).is_ok_and(|rows| rows >= limit);
    let (at, id) = page.last().filter(|_| full).map(place)?;
    Some(written(&Cursor { at, id }))
}

/// One page of a list that is short enough to be read whole.
pub fn paged<T>(
    rows: Vec<T>,
    limit: i64,
    after: Option<&Cursor>,
    id: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let skip = after.map_or(0, |cursor| {
        rows.iter()
            .position(|row| id(row) == cursor.id)
            .map_or(rows.len(), |index| index + 1)
    });
    let left = rows.len().saturating_sub(skip);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page: Vec<T> = rows.into_iter().skip(skip).take(limit).collect();
    let next = page
        .last()
        .filter(|_| left > page.len())
        .map(|row| written(&Cursor { at: 0, id: id(row) }));
    (page, next)
}
