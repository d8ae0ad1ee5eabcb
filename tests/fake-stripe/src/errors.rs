//! Stripe's errors: status, type, code and sentence (docs.stripe.com/api/errors and /error-codes).

use serde_json::{Value, json};

/// What is answered instead of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
}

impl Refusal {
    /// A request that was looked at and refused.
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            message: message.into(),
            param: None,
        }
    }

    pub fn code(mut self, code: &'static str) -> Refusal {
        self.code = Some(code);
        self
    }

    pub fn at(mut self, param: impl Into<String>) -> Refusal {
        self.param = Some(param.into());
        self
    }

    pub fn status(mut self, status: u16) -> Refusal {
        self.status = status;
        self
    }

    /// An id that is not there: 404 in the address, 400 in a parameter.
    pub fn missing(what: &str, id: &str, param: &str, status: u16) -> Refusal {
        Refusal::invalid(format!("No such {what}: '{id}'"))
            .code("resource_missing")
            .at(param)
            .status(status)
    }

    /// An id of the other mode.
    pub fn other_mode(what: &str, id: &str, param: &str, livemode: bool) -> Refusal {
        let (there, here) = if livemode {
            ("live", "test")
        } else {
            ("test", "live")
        };
        Refusal::invalid(format!(
            "No such {what}: '{id}'; a similar object exists in {there} mode, but a {here} mode key was used to make \
             this request."
        ))
        .code("resource_missing")
        .at(param)
        .status(404)
    }

    pub fn unknown_parameter(name: &str) -> Refusal {
        Refusal::invalid(format!("Received unknown parameter: {name}"))
            .code("parameter_unknown")
            .at(name)
    }

    pub fn missing_parameter(name: &str) -> Refusal {
        Refusal::invalid(format!("Missing required param: {name}."))
            .code("parameter_missing")
            .at(name)
    }

    pub fn server_error() -> Refusal {
        Refusal {
            status: 500,
            kind: "api_error",
            ..Refusal::invalid("An unknown error occurred.")
        }
    }

    pub fn rate_limit() -> Refusal {
        Refusal::invalid("Request rate limit exceeded.")
            .code("rate_limit")
            .status(429)
    }

    /// The same key with other contents.
    pub fn idempotency(key: &str) -> Refusal {
        Refusal {
            kind: "idempotency_error",
            ..Refusal::invalid(format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. \
                 Try using a key other than '{key}' if you meant to execute a different request."
            ))
        }
    }

    /// The same key while its first request is still at work.
    pub fn in_flight(key: &str) -> Refusal {
        Refusal {
            kind: "idempotency_error",
            ..Refusal::invalid(format!(
                "There is currently another in-progress request using this Idempotent Key: {key}"
            ))
            .code("idempotency_key_in_use")
            .status(409)
        }
    }

    pub fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = self.code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!(
                "https://stripe.com/docs/error-codes/{}",
                code.replace('_', "-")
            ));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}
