//! `GET /v1/openapi.json`: the OpenAPI 3.1 document.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{HttpResponse, http::header::CONTENT_TYPE, web::Bytes};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::codes;
use crate::api::{
    openapi::texts::KeyText,
    operation::{Described, KeyRule, Operation, Parameter, Shape},
    problem::ProblemAnswer,
    router, statement,
};

/// What the document says of the whole API.
pub(super) const ABOUT: &str = "Exchanges money for a bank's customers, day and night. An amount is a decimal text at the exact scale of its \
     currency; a rate a decimal text with its unit; a time RFC 3339 in UTC with microseconds; an id a prefix and 13 characters that \
     sort by age. Every command that moves money takes an Idempotency-Key: it takes effect at most once, and a retry gets the first \
     answer byte for byte under Idempotency-Replayed: true. What is refused is a problem (RFC 9457) with a stable code. A status \
     of 503 or 429 says when to send the same request, with the same key, again.";

/// Statuses that every operation may answer with.
const ALWAYS: [u16; 6] = [400, 401, 403, 421, 429, 503];
/// Statuses that every operation with a body may answer with, beside those.
const WITH_BODY: [u16; 3] = [408, 413, 415];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| build(&router::operations()));
static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(DOCUMENT.to_string()));

/// The document.
pub(in crate::api) fn value() -> &'static Value {
    &DOCUMENT
}

/// GET /v1/openapi.json
pub(in crate::api) async fn document() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(TEXT.clone())
}

/// All statuses of an operation's refusals, in order.
pub(super) fn refusals(operation: &Operation) -> Vec<u16> {
    let mut statuses = ALWAYS.to_vec();
    statuses.extend_from_slice(operation.refusals);
    if operation.body.is_some() {
        statuses.extend_from_slice(&WITH_BODY);
    }
    if operation.is_conditional {
        statuses.push(412);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn build(operations: &[&'static Operation]) -> Value {
    let mut schemas = Schemas::default();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for operation in operations {
        let verb = operation.verb.as_str().to_lowercase();
        let described = describe(operation, &mut schemas);
        paths.entry(format!("/v1{}", operation.path)).or_default().insert(verb, described);
    }
    schemas.add(&Shape::of::<ProblemAnswer<'_>>());
    let responses: Map<String, Value> =
        statuses().map(|status| (format!("Refused{status}"), refusal(status))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hwan",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "credential": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "responses": responses,
            "headers": {
                "RequestId": { "description": "The request's id: the client's own, or one made here", "schema": { "type": "string" } },
                "Replayed": {
                    "description": "true: an earlier request with this key did it, this is its answer",
                    "schema": { "type": "string", "const": "true" },
                },
                "RetryAfter": { "description": "After how many seconds to send the same request again", "schema": { "type": "string", "pattern": "^[1-9][0-9]*$" } },
                "ETag": { "description": "The name of the account's state", "schema": { "type": "string" } },
            },
            "securitySchemes": {
                "credential": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (hwan token create), or a JWT of the bank's identity provider",
                },
            },
        },
    })
}

#[derive(Default)]
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Notes a schema with all that it refers to, and gives a reference to it.
    fn add(&mut self, shape: &Shape) -> Value {
        let mut nested = Vec::new();
        (shape.nested)(&mut nested);
        let name = (shape.name)().into_owned();
        nested.push((name.clone(), (shape.schema)()));
        for (name, schema) in nested {
            let schema = serde_json::to_value(schema).expect("a schema is JSON");
            self.0.entry(name).or_insert(schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let tag = operation.id.split('.').next().unwrap_or(operation.id);
    let mut parameters = Vec::new();
    if let Some(named) = &operation.named {
        parameters.push(parameter(named, "path", true, schemas));
    }
    parameters.extend(operation.query.iter().map(|one| parameter(one, "query", false, schemas)));
    if operation.key != KeyRule::Unused {
        let key = Parameter {
            name: "Idempotency-Key",
            about: "Names the request: it takes effect at most once, and a retry with it gets the first answer",
            shape: Shape::of::<KeyText>(),
            example: "order-1",
        };
        parameters.push(parameter(&key, "header", operation.key == KeyRule::Required, schemas));
    }
    if operation.is_conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The ETag of the account's state on which this was decided: refused with 412 on any other",
            "schema": { "type": "string", "pattern": "^(\\*|\"[!#-~]{1,40}\")$" },
        }));
    }
    if operation.is_tagged {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "An ETag that the client has already: answered 304 while nothing has changed",
            "schema": { "type": "string" },
        }));
    }
    let body = operation
        .body
        .as_ref()
        .map(|body| json!({ "required": true, "content": content("application/json", body, schemas) }));
    let mut described = json!({
        "operationId": operation.id,
        "tags": [tag],
        "summary": operation.summary,
        "description": format!("{}{}For the roles {}.", operation.notes, if operation.notes.is_empty() { "" } else { " " }, operation.roles),
        "x-roles": operation.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>(),
        "parameters": parameters,
        "responses": responses(operation, schemas),
    });
    if let (Some(body), Some(described)) = (body, described.as_object_mut()) {
        described.insert("requestBody".to_owned(), body);
    }
    described
}

fn parameter(parameter: &Parameter, place: &str, is_required: bool, schemas: &mut Schemas) -> Value {
    json!({
        "name": parameter.name,
        "in": place,
        "required": is_required,
        "description": parameter.about,
        "schema": schemas.add(&parameter.shape),
        "example": example(parameter.example),
    })
}

/// A parameter's example: a number where it reads as one.
fn example(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

fn content(media: &str, described: &Described, schemas: &mut Schemas) -> Value {
    let example: Value = serde_json::from_str(described.example).expect("an example is JSON: a test reads all of them");
    json!({ media: { "schema": schemas.add(&described.shape), "example": example } })
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut names = vec![("X-Request-Id", "RequestId")];
    if operation.key != KeyRule::Unused {
        names.push(("Idempotency-Replayed", "Replayed"));
    }
    if operation.is_tagged {
        names.push(("ETag", "ETag"));
    }
    let headers = headers(&names);
    let mut responses = Map::new();
    let mut answer = |status: u16, about: &str, media: &str, described: &Described| {
        let answer = json!({ "description": about, "headers": headers, "content": content(media, described, schemas) });
        responses.insert(status.to_string(), answer);
    };
    answer(operation.status, "Done", operation.media, &operation.answer);
    if operation.offers_csv {
        let status = operation.status.to_string();
        let done = responses.get_mut(&status).and_then(|done| done["content"].as_object_mut());
        if let Some(content) = done {
            content.insert(statement::CSV.to_owned(), json!({ "schema": { "type": "string" } }));
        }
    }
    let mut answer = |status: u16, about: &str, media: &str, described: &Described| {
        let answer = json!({ "description": about, "headers": headers, "content": content(media, described, schemas) });
        responses.insert(status.to_string(), answer);
    };
    if let Some(trial) = &operation.trial {
        answer(200, "Tried out: nothing was changed", "application/json", trial);
    }
    if let Some(nothing) = &operation.nothing {
        answer(200, "There was nothing to do: nothing was changed", "application/json", nothing);
    }
    if operation.is_tagged {
        responses.insert("304".to_owned(), json!({ "description": "Nothing has changed", "headers": headers }));
    }
    for status in refusals(operation) {
        responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/Refused{status}") }));
    }
    Value::Object(responses)
}

/// Headers of an answer, each with its component.
fn headers(names: &[(&str, &str)]) -> Map<String, Value> {
    let reference = |component: &str| json!({ "$ref": format!("#/components/headers/{component}") });
    names.iter().map(|(name, component)| ((*name).to_owned(), reference(component))).collect()
}

/// Every status that some code has.
fn statuses() -> impl Iterator<Item = u16> {
    let mut statuses: Vec<u16> = codes::listed().map(|code| code.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses.into_iter()
}

fn refusal(status: u16) -> Value {
    let codes = codes::listed().filter(|code| code.status == status);
    let lines: Vec<String> =
        codes.map(|code| format!("`{}`: {}", code.text, code.meaning.trim_end_matches('.'))).collect();
    let mut names = vec![("X-Request-Id", "RequestId")];
    if status == 429 || status == 503 {
        names.push(("Retry-After", "RetryAfter"));
    }
    json!({
        "description": lines.join("; "),
        "headers": headers(&names),
        "content": {
            "application/problem+json": {
                "schema": { "$ref": format!("#/components/schemas/{}", <ProblemAnswer<'_> as ToSchema>::name()) },
            },
        },
    })
}
