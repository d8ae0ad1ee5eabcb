//! Short free texts that people add: a reference, a reason, a room.

use crate::{Error, Result};

/// Of why something was given back, corrected or taken away.
pub(crate) const REASON_CHARS_MAX: usize = 200;

/// Trimmed; none when nothing is left.
///
/// # Errors
/// [`Error::Invalid`] over `chars_max` characters or with control characters, which one of the engines cannot keep.
pub(crate) fn note(
    field: &'static str,
    text: Option<&str>,
    chars_max: usize,
) -> Result<Option<String>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > chars_max {
        return Err(Error::invalid(
            field,
            format!("Use at most {chars_max} characters."),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            field,
            "Leave out line breaks and control characters.",
        ));
    }
    Ok(Some(text.to_owned()))
}
