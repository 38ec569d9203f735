//! The document: every route, field, code and example is in it, and it is true. That every answer of every other test in
//! this binary is one that it promises, `contract` checks where the answers arrive.

use std::collections::BTreeSet;

use hwan::api::{problem::ApiCode, router};
use hwan_domain::rejection::Code;
use serde_json::Value;

use super::server::Server;

#[tokio::test]
async fn every_route_stands_in_the_document_with_its_roles_and_a_route_answers_for_every_path_of_it() {
    let server = Server::start().await;
    let contract = server.contract();
    let described: BTreeSet<String> =
        contract.operations().map(|(verb, path, _)| format!("{} {path}", verb.to_uppercase())).collect();
    let served: BTreeSet<String> = router::operations()
        .into_iter()
        .map(|operation| format!("{} /v1{}", operation.verb.as_str(), operation.path))
        .collect();
    assert_eq!(described, served);
    for (verb, path, operation) in contract.operations() {
        assert!(!operation["x-roles"].as_array().unwrap().is_empty(), "{verb} {path}");
        if path == "/v1/rates/stream" {
            continue; // does not end: its own test reads it
        }
        let answer = server
            .send(server.request(&verb.to_uppercase(), &path.replace(['{', '}'], "")).body(Default::default()).unwrap())
            .await;
        assert!(![405, 501].contains(&answer.status), "{verb} {path}: {}", answer.status);
        let code =
            if answer.status >= 400 { answer.json()["code"].as_str().unwrap_or("").to_owned() } else { String::new() };
        assert_ne!(code, "not_found", "{verb} {path} has no route");
    }
}

#[tokio::test]
async fn every_code_stands_in_the_document_with_its_meaning_under_its_status() {
    let server = Server::start().await;
    let document = &server.contract().document;
    let listed: BTreeSet<&str> = document["components"]["schemas"]["Code"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let codes: BTreeSet<&str> =
        Code::ALL.iter().map(|code| code.as_str()).chain(ApiCode::ALL.iter().map(|code| code.as_str())).collect();
    assert_eq!(listed, codes);
    let responses = document["components"]["responses"].as_object().unwrap();
    for code in codes {
        let places = responses
            .values()
            .filter(|response| response["description"].as_str().unwrap().contains(&format!("`{code}`: ")));
        assert_eq!(places.count(), 1, "{code}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_example_is_of_its_schema() {
    let server = Server::start().await;
    let contract = server.contract();
    let mut references = Vec::new();
    collect(&contract.document, &mut references);
    for reference in references {
        assert!(contract.document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let mut examples = 0;
    for (verb, path, operation) in contract.operations() {
        let mut check = |content: &Value, about: &str| {
            for media in content.as_object().into_iter().flat_map(|content| content.values()) {
                let Some(example) = media.get("example") else { continue };
                contract.check(&media["schema"], example, &format!("example of {verb} {path} {about}"));
                examples += 1;
            }
        };
        check(&operation["requestBody"]["content"], "body");
        for (status, response) in operation["responses"].as_object().unwrap() {
            check(&response["content"], status);
        }
        for parameter in operation["parameters"].as_array().unwrap() {
            if let Some(example) = parameter.get("example") {
                contract.check(&parameter["schema"], example, &format!("{verb} {path} {}", parameter["name"]));
            }
        }
        if verb == "post" {
            assert!(operation["requestBody"].is_object(), "{path}");
        }
    }
    assert!(examples >= 50, "{examples}");
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let request = hyper::Request::builder().uri("/v1/docs").header("host", server.address.to_string());
    let answer = server.send(request.body(Default::default()).unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let page = String::from_utf8(answer.bytes.to_vec()).unwrap();
    for operation in router::operations() {
        assert!(page.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
    }
    for outside in ["http://", "https://", "<script", "<link", "<img", "@import", "url("] {
        assert!(!page.contains(outside), "the page asks for {outside}");
    }
}
