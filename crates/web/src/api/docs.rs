//! `/api/docs`: the description as a page, without script.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::guard::ROUTES;
use super::openapi;
use super::problem::{Kind, Problem};

#[derive(Template)]
#[template(path = "api/docs.html")]
struct Docs {
    intro: String,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    problems: &'static [Kind],
}

/// The calls about one noun.
struct Group {
    name: String,
    anchor: String,
    calls: Vec<Call>,
}

struct Call {
    /// Names the call within the page.
    anchor: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    least_role: &'static str,
    parameters: Vec<Field>,
    body: Option<String>,
    status: String,
    answer: String,
    /// The shape that the answer is or lists; empty for none.
    answer_shape: String,
}

struct Shape {
    name: String,
    description: String,
    fields: Vec<Field>,
    words: Vec<String>,
}

struct Field {
    name: String,
    kind: String,
    /// The shape it refers to; empty for none.
    shape: String,
    needed: bool,
    description: String,
}

/// `GET /api/docs`.
pub(super) async fn page() -> Result<Response, Problem> {
    let document: Value =
        serde_json::from_str(openapi::text()).map_err(|error| Problem::internal(&error))?;
    let page = Docs {
        intro: text(&document["info"]["description"]),
        groups: groups(&document),
        shapes: shapes(&document),
        problems: Kind::ALL,
    };
    let html = page.render().map_err(|error| Problem::internal(&error))?;
    Ok(Html(html).into_response())
}

/// A description in pieces, and whether each stands between backquotes.
pub(super) fn pieces(text: &str) -> Vec<(bool, &str)> {
    let pieces = text.split('`').enumerate();
    pieces
        .map(|(index, piece)| (index % 2 == 1, piece))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Calls by their noun, both in the order of the table of routes.
fn groups(document: &Value) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (method, path, permission) in ROUTES {
        let operation = &document["paths"][*path][method.to_lowercase()];
        let name = text(&operation["tags"][0]);
        let call = call(method, path, permission.least_role().name(), operation);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.calls.push(call),
            None => groups.push(Group {
                anchor: name.to_lowercase().replace(' ', "-"),
                name,
                calls: vec![call],
            }),
        }
    }
    groups
}

fn call(method: &str, path: &str, least_role: &'static str, operation: &Value) -> Call {
    let answers = operation["responses"].as_object();
    let answer = answers.and_then(|all| all.iter().find(|(status, _)| status.starts_with('2')));
    let (answer_kind, shape) = answer
        .and_then(|(_, answer)| first_schema(answer))
        .map(kind)
        .unwrap_or_default();
    // `List_Patient` is the page of a list: what matters of it is its rows.
    let (answer_kind, shape) = match shape.strip_prefix("List_") {
        Some(row) => (format!("list of {row}"), row.to_owned()),
        None => (answer_kind, shape),
    };
    Call {
        anchor: text(&operation["operationId"]),
        method: method.to_owned(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        least_role,
        parameters: list(&operation["parameters"]).map(parameter).collect(),
        body: first_schema(&operation["requestBody"]).map(|schema| kind(schema).1),
        status: answer.map_or_else(String::new, |(status, _)| status.clone()),
        answer: answer_kind,
        answer_shape: shape,
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(&parameter["name"]),
        kind: text(&parameter["in"]),
        shape: kind(&parameter["schema"]).1,
        needed: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

fn first_schema(holder: &Value) -> Option<&Value> {
    let content = holder["content"].as_object()?;
    content.values().next().map(|media| &media["schema"])
}

fn shapes(document: &Value) -> Vec<Shape> {
    let all = document["components"]["schemas"].as_object();
    let shown = all.into_iter().flatten().map(|(name, schema)| Shape {
        name: name.clone(),
        description: text(&schema["description"]),
        fields: fields(schema),
        words: list(&schema["enum"]).map(text).collect(),
    });
    shown.collect()
}

/// The fields of an object, or of every variant of a choice.
fn fields(schema: &Value) -> Vec<Field> {
    let needed: Vec<&str> = list(&schema["required"])
        .filter_map(Value::as_str)
        .collect();
    let own = schema["properties"].as_object().into_iter().flatten();
    let own = own.map(|(name, schema)| {
        let (kind, shape) = kind(schema);
        Field {
            name: name.clone(),
            kind,
            shape,
            needed: needed.contains(&name.as_str()),
            description: text(&schema["description"]),
        }
    });
    let variants = list(&schema["oneOf"]).flat_map(fields);
    own.chain(variants).collect()
}

/// A schema in words, and the name of the shape it refers to.
fn kind(schema: &Value) -> (String, String) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return (name.to_owned(), name.to_owned());
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(text).collect();
        return (words.join(", "), String::new());
    }
    let choices: Vec<(String, String)> = list(&schema["oneOf"]).map(kind).collect();
    if !choices.is_empty() {
        let kinds: Vec<&str> = choices.iter().map(|(kind, _)| kind.as_str()).collect();
        let shape = choices.iter().find(|(_, shape)| !shape.is_empty());
        let shape = shape.map_or_else(String::new, |(_, shape)| shape.clone());
        return (kinds.join(" or "), shape);
    }
    if schema["type"] == "array" {
        let (of, shape) = kind(&schema["items"]);
        return (format!("list of {of}"), shape);
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one),
    };
    let format = text(&schema["format"]);
    let joined = if format.is_empty() {
        types
    } else {
        format!("{types} ({format})")
    };
    (joined, String::new())
}
