//! `GET /v1/docs`: the document as a page to read. Plain HTML with its own style; no script, no outside asset.

use std::{fmt::Write, sync::LazyLock};

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    web::Bytes,
};
use serde_json::Value;

use super::{codes, document};
use crate::api::{
    operation::{Described, KeyRule, Operation},
    router,
};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881}\
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{margin-bottom:.2rem}h2{margin-top:3rem;border-bottom:1px solid var(--line)}\
h3{margin:2rem 0 .2rem;font-size:1.05rem}\
code,pre{font:14px/1.45 ui-monospace,monospace}\
pre{background:var(--soft);padding:.8rem;overflow-x:auto;border-radius:.4rem}\
.verb{display:inline-block;min-width:3.2rem;font-weight:700}\
.roles,.small{font-size:.9rem;opacity:.8}\
table{border-collapse:collapse;width:100%;margin:.5rem 0}\
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}\
nav a{margin-right:1rem}";

static PAGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(write(&router::operations())));

/// GET /v1/docs
pub(in crate::api) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(PAGE.clone())
}

/// Writing to a text does not fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => { let _written = write!($out, $($text)*); };
}

fn write(operations: &[&'static Operation]) -> String {
    let document = document::value();
    let mut page = String::with_capacity(128 * 1024);
    put!(page, "<!doctype html><html lang=en><meta charset=utf-8><title>hwan: the API</title>");
    put!(page, "<meta name=viewport content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style>");
    put!(page, "<h1>hwan: the API</h1><p class=small>version {}, ", env!("CARGO_PKG_VERSION"));
    put!(page, "<a href=\"openapi.json\">OpenAPI 3.1</a></p>");
    put!(page, "<p>{}</p><nav>", escaped(document::ABOUT));
    for tag in tags(operations) {
        put!(page, "<a href=\"#{tag}\">{tag}</a>");
    }
    put!(page, "<a href=\"#shapes\">shapes</a><a href=\"#codes\">codes</a></nav>");
    for tag in tags(operations) {
        put!(page, "<h2 id=\"{tag}\">{tag}</h2>");
        for operation in operations.iter().filter(|operation| tag_of(operation) == tag) {
            write_operation(&mut page, operation);
        }
    }
    put!(page, "<h2 id=shapes>Shapes</h2>");
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
    for (name, schema) in schemas.into_iter().flatten() {
        write_schema(&mut page, name, schema);
    }
    put!(page, "<h2 id=codes>Codes</h2><table><tr><th>status<th>code<th>meaning");
    for code in codes::listed() {
        put!(page, "<tr><td>{}<td><code>{}</code><td>{}", code.status, code.text, escaped(code.meaning));
    }
    put!(page, "</table></html>");
    page
}

fn tag_of(operation: &Operation) -> &'static str {
    operation.id.split('.').next().unwrap_or(operation.id)
}

fn tags(operations: &[&'static Operation]) -> Vec<&'static str> {
    let mut tags: Vec<&'static str> = Vec::new();
    for operation in operations {
        if !tags.contains(&tag_of(operation)) {
            tags.push(tag_of(operation));
        }
    }
    tags
}

fn write_operation(page: &mut String, operation: &Operation) {
    let (verb, path) = (operation.verb.as_str(), escaped(operation.path));
    put!(page, "<h3 id=\"{}\"><span class=verb>{verb}</span><code>/v1{path}</code></h3>", operation.id);
    put!(page, "<p>{}. {}</p>", escaped(operation.summary), escaped(operation.notes));
    put!(page, "<p class=roles>Roles: {}. ", operation.roles);
    match operation.key {
        KeyRule::Unused => {}
        KeyRule::Optional => page.push_str("<code>Idempotency-Key</code> may be given. "),
        KeyRule::Required => page.push_str("<code>Idempotency-Key</code> has to be given. "),
        KeyRule::UnlessTrial => page.push_str("<code>Idempotency-Key</code> has to be given but for a trial. "),
    }
    if operation.is_conditional {
        put!(page, "<code>If-Match</code> is judged. ");
    }
    put!(page, "</p>");
    let parameters = operation.named.iter().chain(operation.query);
    let rows: Vec<String> = parameters
        .map(|parameter| {
            let (name, about, example) = (parameter.name, escaped(parameter.about), escaped(parameter.example));
            format!("<tr><td><code>{name}</code><td>{about}<td><code>{example}</code>")
        })
        .collect();
    if !rows.is_empty() {
        put!(page, "<table>{}</table>", rows.concat());
    }
    if let Some(body) = &operation.body {
        write_example(page, "Body", body);
    }
    write_example(page, &format!("Answer {}", operation.status), &operation.answer);
    if let Some(trial) = &operation.trial {
        write_example(page, "Answer 200, to a trial", trial);
    }
    if let Some(nothing) = &operation.nothing {
        write_example(page, "Answer 200, where there was nothing to do", nothing);
    }
    let refusals: Vec<String> = document::refusals(operation).iter().map(u16::to_string).collect();
    put!(page, "<p class=small>Refused with {}.</p>", refusals.join(", "));
}

fn write_example(page: &mut String, title: &str, described: &Described) {
    let name = (described.shape.name)();
    let shown = serde_json::from_str::<Value>(described.example)
        .and_then(|example| serde_json::to_string_pretty(&example))
        .unwrap_or_else(|_| described.example.to_owned());
    put!(page, "<p class=small>{title}: <a href=\"#shape-{name}\">{name}</a></p><pre>{}</pre>", escaped(&shown));
}

fn write_schema(page: &mut String, name: &str, schema: &Value) {
    let about = schema["description"].as_str().unwrap_or_default();
    put!(page, "<h3 id=\"shape-{name}\"><code>{name}</code></h3><p>{}</p>", escaped(about));
    if let Some(pattern) = schema["pattern"].as_str() {
        put!(page, "<p class=small><code>{}</code></p>", escaped(pattern));
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        put!(page, "<p class=small>{}</p>", escaped(&values.join(", ")));
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(fields) = schema["properties"].as_object() else { return };
    put!(page, "<table>");
    for (field, of) in fields {
        let need = if required.contains(&field.as_str()) { "" } else { "optional" };
        let about = of["description"].as_str().unwrap_or_default();
        put!(page, "<tr><td><code>{field}</code><td>{}<td>{need}<td>{}", shape_of(of), escaped(about));
    }
    put!(page, "</table>");
}

/// What a field is: a link to its shape, or its type.
fn shape_of(field: &Value) -> String {
    let link = |reference: &str| {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        format!("<a href=\"#shape-{name}\">{name}</a>")
    };
    if let Some(reference) = field["$ref"].as_str() {
        return link(reference);
    }
    if let Some(reference) = field.pointer("/items/$ref").and_then(Value::as_str) {
        return format!("list of {}", link(reference));
    }
    let others = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| field[key].as_array()).flatten();
    if let Some(reference) = others.filter_map(|one| one["$ref"].as_str()).next() {
        return link(reference);
    }
    match &field["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
