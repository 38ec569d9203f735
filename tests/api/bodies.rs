//! What is not exactly a request is refused by name, before anything happens.

use std::time::Duration;

use http_body_util::Full;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::{Server, order};

#[tokio::test]
async fn every_malformed_amount_is_refused_and_nothing_is_posted() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    server.publish("JPY", "934.06").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    for (amount, currency, code) in [
        (json!("100.5"), "JPY", "amount_scale"), // s08
        (json!("100"), "USD", "amount_scale"),
        (json!("100.000"), "USD", "amount_scale"),
        (json!("1e2"), "USD", "malformed_amount"),
        (json!("NaN"), "USD", "malformed_amount"),
        (json!("-100.00"), "USD", "malformed_amount"),
        (json!("+100.00"), "USD", "malformed_amount"),
        (json!(" 100.00"), "USD", "malformed_amount"),
        (json!("1,000.00"), "USD", "malformed_amount"),
        (json!("0100.00"), "USD", "malformed_amount"),
        (json!(".50"), "USD", "malformed_amount"),
        (json!("100."), "USD", "malformed_amount"),
        (json!(""), "USD", "malformed_amount"),
        (json!("１００.００"), "USD", "malformed_amount"),
        (json!(100), "USD", "malformed_amount"),
        (json!(100.25), "USD", "malformed_amount"),
        (json!(null), "USD", "malformed_body"),
        (json!(true), "USD", "malformed_body"),
        (json!(["100.00"]), "USD", "malformed_body"),
        (json!({}), "USD", "malformed_body"),
        (json!("1.00"), "XXX", "unknown_currency"),
        (json!("1.00"), "usd", "unknown_currency"),
        (json!("1"), "KRW", "currency_mismatch"),
    ] {
        let body = json!({
            "customer_id": customer.id, "side": "buy", "currency": currency,
            "foreign_amount": { "amount": amount, "currency": currency },
        });
        let answer = server.post_with("/v1/exchanges", &server.key(), &body).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{body}");
    }
    for (amount, code) in [("0.00", "amount_too_small"), ("9999999999999999.00", "amount_too_large")] {
        let answer = server.post_with("/v1/exchanges", &server.key(), &order(&customer, "buy", amount, "USD")).await;
        assert_eq!(answer.problem(), (422, code.to_owned()));
    }
    assert_eq!(server.booked(&customer.won, "KRW").await, "1000000");
}

#[tokio::test]
async fn a_body_that_is_not_one_strict_object_is_refused() {
    let server = Server::start().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for text in [
        "".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "{} {}".to_owned(),
        r#"{"quote":"a","quote":"b"}"#.to_owned(),
        r#"{"quote":"a","note":"b"}"#.to_owned(),
        r#"{"quote":1}"#.to_owned(),
        r#"{"quote":"\ud800"}"#.to_owned(),
        "{'quote':'a'}".to_owned(),
        "\u{feff}{}".to_owned(),
        "{}".to_owned(),
        deep.clone(),
        format!(r#"{{"foreign_amount":{deep}}}"#),
    ] {
        let answer = server.post_text("/v1/exchanges", text.clone()).await;
        assert_eq!(answer.problem(), (400, "malformed_body".to_owned()), "{text:.60}");
    }
    let answer = server.post_text("/v1/exchanges", &b"{\"quote\":\"\xff\"}"[..]).await;
    assert_eq!(answer.problem(), (400, "malformed_body".to_owned()));
    let answer = server.post_text("/v1/exchanges", r#"{"note":"b"}"#).await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("note"), "{answer:?}");
}

#[tokio::test]
async fn only_json_in_utf_8_is_read() {
    let server = Server::start().await;
    let post = async |content_type: Option<&str>| {
        let mut request = server.request("POST", "/v1/customers");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        server.send(request.body(Full::from("{}")).unwrap()).await
    };
    for bad in [None, Some("text/plain"), Some("application/jsonp"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(post(bad).await.problem(), (415, "unsupported_media_type".to_owned()), "{bad:?}");
    }
    assert_eq!(post(Some("application/json; charset=euc-kr")).await.problem().1, "malformed_body");
    for good in ["application/json", "Application/JSON; charset=\"UTF-8\"", "application/json;charset=utf-8"] {
        post(Some(good)).await.expect(201);
    }
    let encoded = server.request("POST", "/v1/customers").header("content-type", "application/json");
    let encoded = encoded.header("content-encoding", "gzip").body(Full::from("{}")).unwrap();
    assert_eq!(server.send(encoded).await.problem().0, 415);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_whether_announced_or_not() {
    let server = Server::start().await;
    let body = format!(r#"{{"reference":"{}"}}"#, "a".repeat(65_536));
    assert_eq!(server.post_text("/v1/customers", body).await.problem(), (413, "body_too_large".to_owned()));
    let mut chunks = String::new();
    for _ in 0..20 {
        chunks.push_str(&format!("1000\r\n{}\r\n", " ".repeat(0x1000)));
    }
    let answer = raw(&server, "Transfer-Encoding: chunked\r\n", &chunks).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_come_times_out() {
    let server = Server::start_with(|config| config.server.body_timeout_ms = 100).await;
    let answer = raw(&server, "Content-Length: 100\r\n", "{").await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_come_times_out() {
    let server = Server::start_with(|config| config.server.head_timeout_ms = 100).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"POST /v1/customers HTTP/1.1\r\nHost: h").await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// Sends a part of a request to `/v1/customers` and reads the problem that comes.
async fn raw(server: &Server, header: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{header}\r\n",
        server.token
    );
    // The server may answer and close before it has read everything.
    let _sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let mut answer = Vec::new();
    // A problem ends with the request's id; the connection may stay open for what is left of the body.
    while !answer.windows(10).any(|part| part == b"request_id") {
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_buf(&mut answer)).await;
        assert!(read.unwrap().unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_missing_or_wrong_field_is_named() {
    let server = Server::start().await;
    let customer = server.customer(&[]).await;
    let good = order(&customer, "buy", "1.00", "USD");
    for field in ["customer_id", "side", "currency", "foreign_amount"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        let answer = server.post_with("/v1/exchanges", &server.key(), &body).await;
        assert_eq!(answer.problem(), (400, "malformed_body".to_owned()), "{field}");
        assert_eq!(answer.json()["violations"][0]["field"], field);
    }
    for (field, value, code) in [
        ("customer_id", json!("acc_0000000000001"), "malformed_id"),
        ("side", json!("hold"), "out_of_range"),
        ("currency", json!("KRW"), "currency_mismatch"),
        ("won_account_id", json!("acc_1"), "malformed_id"),
        ("worst_rate", json!("1e3"), "malformed_number"),
        ("worst_rate", json!(1350), "malformed_amount"),
        ("won_budget", json!({ "amount": "1", "currency": "KRW" }), "malformed_body"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = server.post_with("/v1/exchanges", &server.key(), &body).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{body}");
    }
}
