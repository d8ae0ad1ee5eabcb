//! A gateway of the plainest kind: JSON in, an id out.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::server::{Answer, Asked, Cut, take};
use crate::{Company, Shared, TOKEN, Text, digits, now_ms};

pub async fn answer(shared: &Arc<Shared>, asked: &Asked) -> Result<Answer, Cut> {
    if asked.header("authorization") != format!("Bearer {TOKEN}") {
        return Ok((401, json!({ "error": "who are you?" })));
    }
    let Ok(Value::Object(body)) = serde_json::from_str(&asked.body) else {
        shared.complain("the gateway was sent no JSON object".into());
        return Ok((400, json!({ "error": "no JSON" })));
    };
    let mut names: Vec<&str> = body.keys().map(String::as_str).collect();
    names.sort_unstable();
    if names != ["from", "reference", "text", "to"]
        || asked.header("content-type") != "application/json"
    {
        shared.complain(format!(
            "the gateway was sent {names:?} as {}",
            asked.header("content-type")
        ));
        return Ok((422, json!({ "error": "fields" })));
    }
    let value = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let text = Text {
        company: Company::Gateway,
        id: format!("gw_{}", digits(12)),
        to: value("to"),
        from: value("from"),
        text: value("text"),
        reference: Some(value("reference")),
        callback: None,
        status: "sent".into(),
        code: None,
        at_ms: now_ms(),
    };
    let refused = |status| {
        (
            u16::try_from(status).unwrap_or(400),
            json!({ "error": "no" }),
        )
    };
    take(
        shared,
        text,
        |text| (201, json!({ "id": text.id })),
        refused,
    )
    .await
}
