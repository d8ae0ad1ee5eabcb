//! Lists: pages of `limit`, an opaque cursor to the next, and parameters that are refused by name.

use std::collections::HashMap;
use std::hash::Hash;

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

use super::body::{Nothing, in_words, unknown_field};
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

/// For calls without parameters: none may be sent.
pub struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<NoQuery, Problem> {
        Query::<Nothing>::from_request_parts(parts, state).await?;
        Ok(NoQuery)
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
        Err(error) => Err(Problem::bad_parameter(name, in_words(&error.to_string()))),
    }
}

fn no_cursor() -> Problem {
    Problem::bad_parameter(
        "cursor",
        "Send the `next_cursor` of the page before as it is.",
    )
}

fn is_of_an_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
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
    // Past here it goes to the database, which takes no NUL and need not be asked for what is no id.
    Cursor::parse(&text)
        .filter(|cursor| !cursor.id.is_empty() && cursor.id.bytes().all(is_of_an_id))
        .map(Some)
        .ok_or_else(no_cursor)
}

/// As it is handed out.
pub fn written(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(cursor.written())
}

/// A page out of `limit + 1` rows that were read: the one too many says that there is a next page.
pub fn page<T>(
    mut rows: Vec<T>,
    limit: i64,
    place: impl Fn(&T) -> (UtcMs, String),
) -> (Vec<T>, Option<String>) {
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > keep;
    rows.truncate(keep);
    let last = rows.last().filter(|_| more).map(place);
    let next = last.map(|(at, id)| written(&Cursor { at, id }));
    (rows, next)
}

/// Rows by what they belong to, each group in the order of the rows: read in one statement for a whole page.
pub fn grouped<K: Eq + Hash, V>(rows: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups
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
