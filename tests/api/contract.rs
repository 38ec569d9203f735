//! The API's document as a judge: every answer that any test here gets has to be one that the document promises.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, OnceLock},
};

use hyper::{HeaderMap, body::Bytes};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The document, and what was made of it.
pub struct Contract {
    pub document: Value,
    validators: Mutex<HashMap<String, &'static Validator>>,
}

static CONTRACT: OnceLock<Contract> = OnceLock::new();

/// The document of this build; the first server that starts tells it.
pub fn contract(text: &[u8]) -> &'static Contract {
    CONTRACT.get_or_init(|| {
        let mut document: Value = serde_json::from_slice(text).unwrap();
        close(&mut document["components"]["schemas"]);
        Contract { document, validators: Mutex::default() }
    })
}

/// What the document tells clients to tolerate, a further field, is a mistake where this build answers. A schema that is
/// a part of another one stays open: the whole is closed.
fn close(schemas: &mut Value) {
    let mut parts = HashSet::new();
    collect_parts(schemas, &mut parts);
    for (name, schema) in schemas.as_object_mut().unwrap() {
        if !parts.contains(name) {
            close_one(schema);
        }
    }
}

fn collect_parts(schema: &Value, parts: &mut HashSet<String>) {
    match schema {
        Value::Object(object) => {
            let all = object.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let names = all.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next());
            parts.extend(names.map(str::to_owned));
            object.values().for_each(|value| collect_parts(value, parts));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_parts(value, parts)),
        _ => {}
    }
}

fn close_one(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if object.contains_key("allOf") || object.contains_key("properties") {
        object.entry("unevaluatedProperties").or_insert(json!(false));
    }
    for key in ["properties", "oneOf", "anyOf", "items"] {
        match object.get_mut(key) {
            Some(Value::Object(inner)) if key == "properties" => inner.values_mut().for_each(close_one),
            Some(Value::Array(inner)) => inner.iter_mut().for_each(close_one),
            Some(inner) => close_one(inner),
            None => {}
        }
    }
}

impl Contract {
    /// Every operation: method, path, description.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, verbs)| {
            verbs.as_object().unwrap().iter().map(move |(verb, operation)| (verb.as_str(), path.as_str(), operation))
        })
    }

    /// The operation at a path, if there is one; a literal piece of a path goes before a named one.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or(path);
        let fits = |template: &str| {
            let (mut left, mut right) = (template.split('/'), path.split('/'));
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return true,
                    (Some(name), Some(piece)) if name == piece || (name.starts_with('{') && !piece.is_empty()) => {}
                    _ => return false,
                }
            }
        };
        let mut found: Vec<(&str, &Value)> = self
            .operations()
            .filter(|(verb, template, _)| verb.eq_ignore_ascii_case(method) && fits(template))
            .map(|(_, template, operation)| (template, operation))
            .collect();
        found.sort_by_key(|(template, _)| template.matches('{').count());
        found.first().map(|(_, operation)| *operation)
    }

    /// Panics unless the document promises this answer.
    pub fn judge(&self, method: &str, path: &str, status: u16, headers: &HeaderMap, body: &Bytes) {
        let Some(operation) = self.operation(method, path) else { return };
        let mut response = &operation["responses"][status.to_string()];
        assert!(response.is_object(), "{method} {path} is not described to answer {status}");
        if let Some(reference) = response["$ref"].as_str() {
            response = self.document.pointer(reference.trim_start_matches('#')).unwrap();
        }
        for name in headers.keys().map(|name| name.as_str()) {
            let known =
                response["headers"].as_object().is_some_and(|all| all.keys().any(|key| key.eq_ignore_ascii_case(name)));
            let of_http = [
                "content-type",
                "content-length",
                "date",
                "connection",
                "www-authenticate",
                "allow",
                "cache-control",
                "transfer-encoding",
                "traceparent",
            ];
            assert!(known || of_http.contains(&name), "{method} {path}: header {name} is not described");
        }
        let Some(content) = response["content"].as_object() else {
            return assert!(body.is_empty(), "{method} {path} {status} is described without a body");
        };
        let media = headers["content-type"].to_str().unwrap();
        let content =
            content.get(media).unwrap_or_else(|| panic!("{method} {path} {status}: {media} is not described"));
        if media.ends_with("json") {
            let value: Value = serde_json::from_slice(body).unwrap();
            self.check(&content["schema"], &value, &format!("{method} {path} {status}"));
        }
    }

    /// Panics unless the value is of this schema.
    pub fn check(&self, schema: &Value, value: &Value, about: &str) {
        let validator = self.validator(schema);
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        assert!(errors.is_empty(), "{about}: {value}\nbreaks its schema: {}", errors.join("; "));
    }

    fn validator(&self, schema: &Value) -> &'static Validator {
        let mut validators = self.validators.lock().unwrap();
        validators.entry(schema.to_string()).or_insert_with(|| {
            let mut root: Map<String, Value> = schema.as_object().unwrap().clone();
            root.insert("components".to_owned(), self.document["components"].clone());
            let validator =
                jsonschema::draft202012::options().should_validate_formats(true).build(&Value::Object(root));
            Box::leak(Box::new(validator.unwrap_or_else(|error| panic!("{schema}: {error}"))))
        })
    }
}
