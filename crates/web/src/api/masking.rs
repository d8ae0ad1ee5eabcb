//! What a key without [`Permission::Contact`] reads of how patients are reached: masked, wherever it stands in an answer
//! (hazard E4). Here and not in each call, so that no call can forget it.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use remit_app::Actor;
use remit_core::contact::{Email, Phone};
use remit_core::roles::Permission;
use serde_json::Value;

use super::problem::Problem;

/// Fields that hold a patient's number or address.
const FIELDS: [&str; 3] = ["phone", "email", "to"];
/// The largest answer is a page of 200 links with their deliveries: well under a tenth of this.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The answer as the caller's role may read it.
///
/// # Errors
/// An answer that cannot be read again: ours.
pub async fn seen_by(actor: &Actor, answer: Response) -> Result<Response, Problem> {
    let kind = answer.headers().get(CONTENT_TYPE);
    let is_json = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"));
    if actor.role.may(Permission::Contact) || !is_json {
        return Ok(answer);
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES_MAX)
        .await
        .map_err(|error| Problem::internal(&error))?;
    // An answer to HEAD has no body.
    if bytes.is_empty() {
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    let mut value: Value =
        serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
    mask(&mut value);
    parts.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(value.to_string())))
}

/// Masks every such field of a document.
pub fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if FIELDS.contains(&name.as_str()) => {
                        *text = masked(text);
                    }
                    value => mask(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn masked(text: &str) -> String {
    if text.contains('@') {
        Email::mask(text)
    } else if text.starts_with('+') {
        Phone::mask(text)
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn numbers_and_addresses_are_masked_wherever_they_stand() {
        let mut answer = json!({"data": [{"id": "pat_1", "name": "Rosa", "phone": "+447700900123",
            "email": "rosa@mail.example", "deliveries": [{"to": "+447700900123", "channel": "sms"}, {"to": null}]}],
            "next_cursor": null});
        super::mask(&mut answer);
        let expected = json!({"data": [{"id": "pat_1", "name": "Rosa", "phone": "+44 •••• ••0123",
            "email": "r•••@mail.example", "deliveries": [{"to": "+44 •••• ••0123", "channel": "sms"}, {"to": null}]}],
            "next_cursor": null});
        assert_eq!(answer, expected);
    }
}
