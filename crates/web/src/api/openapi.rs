//! The API's description, OpenAPI 3.1, made from the code of the calls.

use std::sync::LazyLock;

use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, OpenApi, RefOr, Required, ResponseBuilder, Type,
};

use super::problem::ProblemBody;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Remit",
        description = "Payment links for clinics. Send an API key as `Authorization: Bearer rk_...`. Every sum of money \
            is an object of minor units and currency; every moment is RFC 3339 in UTC. Unknown fields and parameters \
            are refused by name. Every POST takes an `Idempotency-Key`: the same key and body give the same answer \
            and one effect.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/api/v1")),
    components(schemas(ProblemBody)),
    security(("key" = []))
)]
struct Info;

pub(super) fn info() -> OpenApi {
    Info::openapi()
}

/// The whole description.
pub fn document() -> OpenApi {
    let mut document = super::calls().split_for_parts().1;
    if let Some(components) = document.components.as_mut() {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("key", bearer);
    }
    for item in document.paths.paths.values_mut() {
        let PathItem {
            get,
            put,
            post,
            patch,
            ..
        } = item;
        for operation in [get, put, patch].into_iter().flatten() {
            say_what_all_answer(operation);
        }
        if let Some(operation) = post {
            operation
                .parameters
                .get_or_insert_default()
                .push(idempotency_key().into());
            say_what_all_answer(operation);
        }
    }
    document
}

/// Every call may answer with a problem.
fn say_what_all_answer(operation: &mut Operation) {
    let content = ContentBuilder::new()
        .schema(Some(utoipa::openapi::Ref::from_schema_name("Problem")))
        .build();
    let problem = ResponseBuilder::new()
        .description("A problem (RFC 9457)")
        .content("application/problem+json", content)
        .build();
    operation
        .responses
        .responses
        .insert("default".into(), RefOr::T(problem));
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "1 to 255 visible ASCII characters, kept for 24 hours.",
        ))
        .schema(Some(schema))
        .build()
}

/// As it is served and kept in `docs/openapi.json`.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // A description that cannot be written is found by the test that compares it with the kept one.
        document().to_pretty_json().unwrap_or_default() + "\n"
    });
    &TEXT
}
