//! What an operator asks, on the admin port and without a credential.

use std::os::unix::fs::PermissionsExt;

use http_body_util::Full;
use hyper::Request;

use crate::server::{Answer, Server, order};

async fn ask(server: &Server, path: &str) -> Answer {
    let request = Request::builder().uri(path).header("host", "localhost").body(Full::default()).unwrap();
    server.send_to(server.admin_address, request).await
}

#[tokio::test]
async fn it_lives_is_ready_and_says_what_it_is() {
    let server = Server::start().await;
    assert_eq!(ask(&server, "/livez").await.expect(200)["status"], "alive");
    let ready = ask(&server, "/readyz").await.expect(200);
    assert_eq!(ready["status"], "ready");
    assert!(ready["lanes"].as_array().unwrap().iter().all(|lane| lane["status"] == "open"));
    let version = ask(&server, "/version").await.expect(200);
    assert_eq!(
        (version["name"].as_str(), version["version"].as_str()),
        (Some("hwan"), Some(env!("CARGO_PKG_VERSION")))
    );
    assert!(version["store"].as_str().unwrap().starts_with("sqlite"));
}

#[tokio::test]
async fn metrics_tell_of_exchanges_by_outcome_and_of_routes() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    server.post_with("/v1/exchanges", "m", &order(&customer, "buy", "1.00", "USD")).await.expect(201);
    let answer = ask(&server, "/metrics").await;
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for part in [
        "hwan_exchanges_total{outcome=\"executed\"}",
        "hwan_exchange_seconds_bucket",
        "hwan_commit_batch_records_bucket",
        "hwan_commit_seconds_bucket",
        "hwan_lane_seq{lane=\"1\"}",
        "hwan_http_answers_total{route=\"/exchanges\",status=\"2xx\"}",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn secrets_are_the_owners_alone() {
    let server = Server::start().await;
    let mode = |name: &str| std::fs::metadata(server.data().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        [mode(""), mode("token"), mode("quote-keys.toml"), mode("api-keys.toml"), mode("audit.log")],
        [0o700, 0o600, 0o600, 0o600, 0o600]
    );
    let token = server.token.clone();
    let server = server.restart(|_| {}).await;
    assert_eq!(server.token, token);
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let server = Server::start().await;
    for path in ["/livez", "/readyz", "/version", "/metrics"] {
        let request = Request::builder().method("HEAD").uri(path).header("host", "localhost");
        let answer = server.send_to(server.admin_address, request.body(Full::default()).unwrap()).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 0), "{path}");
        assert_eq!(answer.header("content-type"), ask(&server, path).await.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn the_admin_port_has_no_api_and_the_api_no_admin_routes() {
    let server = Server::start().await;
    for path in ["/livez", "/readyz", "/version", "/metrics", "/clock"] {
        assert_eq!(server.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    for path in ["/v1/rates", "/clock", "/"] {
        let request = server.request("GET", path).body(Full::default()).unwrap();
        let answer = server.send_to(server.admin_address, request).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
    }
    let request = Request::builder().method("POST").uri("/livez").header("host", "localhost");
    let answer = server.send_to(server.admin_address, request.body(Full::default()).unwrap()).await;
    assert_eq!((answer.problem().0, answer.header("allow")), (405, Some("GET, HEAD")));
}
