//! The served description, and whether an answer keeps to it. Reads the subset of JSON Schema that the description
//! uses, and is stricter in one way: a field that the schema does not name is a fault.

use std::sync::LazyLock;

use remit_web::api::openapi;
use serde_json::Value;

use crate::harness::Reply;

pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(openapi::text()).unwrap());

/// The template of a path below `/api/v1` and its operation; none for a path or method that is not described.
pub fn operation(method: &str, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or(path);
    let parts: Vec<&str> = path.strip_prefix("/api/v1")?.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let wanted: Vec<&str> = template.split('/').collect();
        wanted.len() == parts.len()
            && wanted
                .iter()
                .zip(&parts)
                .all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
    };
    let (template, item) = paths.iter().find(|(template, _)| fits(template))?;
    let operation = item.get(method.to_lowercase())?;
    Some((template, operation))
}

/// Panics unless an answer is one that the description allows.
pub fn hold(method: &str, path: &str, reply: &Reply) {
    if !path.starts_with("/api/") || path.starts_with("/api/docs") {
        return;
    }
    let place = format!("{} answered {}: {}", reply.ask, reply.status, reply.text());
    let media = reply.header("content-type").unwrap_or_default();
    if reply.status >= 400 {
        assert_eq!(media, "application/problem+json", "{place}");
        let body = reply.json();
        assert_eq!(body["status"], u64::from(reply.status), "{place}");
        let schema = &DOCUMENT["components"]["schemas"]["Problem"];
        let faults = faults(schema, &body, "");
        assert!(faults.is_empty(), "{faults:#?}\n{place}");
        return;
    }
    let Some((_, operation)) = operation(method, path) else {
        return;
    };
    let described = &operation["responses"][reply.status.to_string()]["content"][media];
    assert!(described.is_object(), "not described: {media}, {place}");
    if media == "application/json" {
        let faults = faults(&described["schema"], &reply.json(), "");
        assert!(faults.is_empty(), "{faults:#?}\n{place}");
    }
}

fn resolve(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(reference) => DOCUMENT
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference} is not in the description")),
        None => schema,
    }
}

/// Every place where a value breaks its schema.
pub fn faults(schema: &'static Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolve(schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| faults(choice, value, at).is_empty())
            .count();
        return match fitting {
            1 => vec![],
            fitting => vec![format!("{at}: {value} fits {fitting} of the choices")],
        };
    }
    for unread in ["anyOf", "allOf", "not", "patternProperties"] {
        assert!(
            schema.get(unread).is_none(),
            "{at}: this test does not read {unread}"
        );
    }
    let mut found = Vec::new();
    if !type_fits(&schema["type"], value) {
        return vec![format!("{at}: {value} is not of type {}", schema["type"])];
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is not one of {words:?}"));
    }
    if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str()) {
        let utc = text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
        if !utc {
            found.push(format!("{at}: {text} is no moment in UTC"));
        }
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            found.extend(faults(&schema["items"], item, &format!("{at}[{index}]")));
        }
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, field) in fields {
            match known.get(name) {
                Some(schema) => found.extend(faults(schema, field, &format!("{at}.{name}"))),
                None => found.push(format!("{at}.{name} is not described")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if !fields.contains_key(name.as_str().unwrap()) {
                found.push(format!("{at}.{name} is missing"));
            }
        }
    }
    found
}

fn type_fits(wanted: &Value, value: &Value) -> bool {
    let fits = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("this test does not read the type {other}"),
    };
    match wanted {
        Value::String(name) => fits(name),
        Value::Array(names) => names.iter().any(|name| fits(name.as_str().unwrap())),
        _ => true,
    }
}

/// The reader above finds what is wrong: without this, answers could be held to nothing.
#[test]
fn a_broken_answer_is_found() {
    let schema = &DOCUMENT["components"]["schemas"]["Patient"];
    let good = serde_json::json!({"id": "pat_1", "name": "A", "email": null, "phone": null, "locale": "en-GB",
        "created_at": "2026-12-01T09:00:00.000Z"});
    assert_eq!(faults(schema, &good, ""), Vec::<String>::new());
    for (field, value) in [
        ("name", serde_json::json!(1)),
        ("email", serde_json::json!(false)),
        ("created_at", serde_json::json!("tomorrow")),
        ("surplus", serde_json::json!("x")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert_eq!(faults(schema, &bad, "").len(), 1, "{field}");
    }
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("locale");
    assert_eq!(faults(schema, &bad, "").len(), 1);
    let status = &DOCUMENT["components"]["schemas"]["LinkStatus"];
    assert_eq!(faults(status, &serde_json::json!("gone"), "").len(), 1);
}
