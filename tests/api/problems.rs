//! Every no has one shape.

use http_body_util::Full;
use hyper::Request;
use serde_json::json;

use crate::server::{Server, order};

const NO_CUSTOMER: &str = "cus_0000z00000001";
const NO_ACCOUNT: &str = "acc_0000z00000001";

#[tokio::test]
async fn without_the_token_nothing_under_v1_is_answered() {
    let server = Server::start().await;
    for authorization in [None, Some("Bearer wrong".to_owned()), Some(format!("Basic {}", server.token))] {
        for (method, path) in [("GET", "/v1/rates"), ("POST", "/v1/exchanges"), ("GET", "/v1/nowhere")] {
            let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
            if let Some(authorization) = &authorization {
                request = request.header("authorization", authorization);
            }
            let answer = server.send(request.body(Full::default()).unwrap()).await;
            assert_eq!(answer.problem(), (401, "unauthorized".to_owned()));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"hwan\""));
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = Server::start().await;
    for (path, code) in [
        ("/", "not_found"),
        ("/v1", "not_found"),
        ("/v1/nowhere", "not_found"),
        ("/v1/rates/", "currency_not_found"),
        ("/v1/rates/XXX", "currency_not_found"),
        ("/v1/rates/KRW", "currency_not_found"),
        ("/v1/customers/cus_1", "customer_not_found"),
        ("/v1/customers/%ff", "customer_not_found"),
        (&format!("/v1/customers/{NO_CUSTOMER}"), "customer_not_found"),
        (&format!("/v1/accounts/{NO_ACCOUNT}"), "account_not_found"),
        (&format!("/v1/accounts/{NO_ACCOUNT}/balances"), "account_not_found"),
        ("/v1/exchanges/exg_0000z00000001", "exchange_not_found"),
        ("/v1/exchanges/txn_0000z00000001", "exchange_not_found"),
        ("/v1/transactions/txn_0000z00000001", "transaction_not_found"),
        ("/v1/rounds/USD-20261123-1", "round_not_found"),
        ("/v1/rounds/1", "round_not_found"),
    ] {
        let (status, found) = server.get(path).await.problem();
        assert_eq!(status, 404, "{path}");
        assert!(found == code || (path.ends_with('/') && found == "not_found"), "{path}: {found}");
    }
    let deposit = json!({ "account_id": NO_ACCOUNT, "amount": { "amount": "1", "currency": "KRW" } });
    let answer = server.post_with("/v1/deposits", "x", &deposit).await;
    assert_eq!(answer.problem(), (404, "account_not_found".to_owned()));
}

#[tokio::test]
async fn a_route_without_this_method_says_which_it_has() {
    let server = Server::start().await;
    for (method, path, allow) in [
        ("GET", "/v1/deposits", "POST"),
        ("DELETE", "/v1/accounts/acc_1", "GET"),
        ("PUT", "/v1/exchanges", "POST, GET"),
    ] {
        let answer = server.send(server.request(method, path).body(Full::default()).unwrap()).await;
        assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
        assert_eq!(answer.header("allow"), Some(allow));
    }
}

#[tokio::test]
async fn money_does_not_move_without_a_well_formed_key() {
    let server = Server::start().await;
    let customer = server.customer(&[]).await;
    for path in ["/v1/exchanges", "/v1/deposits", "/v1/withdrawals", "/v1/transfers"] {
        let answer = server.post(path, &json!({})).await;
        assert_eq!(answer.problem(), (400, "idempotency_key_missing".to_owned()));
    }
    let body = order(&customer, "buy", "1.00", "USD");
    for key in [String::new(), "a b".to_owned(), "é".to_owned(), "k".repeat(256)] {
        let answer = server.post_with("/v1/exchanges", &key, &body).await;
        assert_eq!(answer.problem(), (400, "idempotency_key_malformed".to_owned()), "{key}");
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made() {
    let server = Server::start().await;
    let request = server.request("GET", "/v1/rates").header("x-request-id", "mine-7").body(Full::default()).unwrap();
    assert_eq!(server.send(request).await.header("x-request-id"), Some("mine-7"));
    let request = server.request("GET", "/v1/nowhere").header("x-request-id", "mine-8").body(Full::default()).unwrap();
    assert_eq!(server.send(request).await.json()["request_id"], "mine-8");
    let made = server.get("/v1/rates").await;
    assert!(made.header("x-request-id").unwrap().starts_with("req-"));
}

#[tokio::test]
async fn all_violations_are_listed_the_first_by_precedence() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    for check in ["payment_stopped", "accident_reported"] {
        server.post(&format!("/v1/accounts/{}/facts", customer.won), &json!({ "check": check })).await.expect(201);
    }
    server.post(&format!("/v1/customers/{}/facts", customer.id), &json!({ "check": "kyc_expired" })).await.expect(201);
    let answer = server.post_with("/v1/exchanges", "x", &order(&customer, "buy", "1.00", "USD")).await;
    assert_eq!(answer.problem(), (423, "accident_reported".to_owned()));
    let body = answer.json();
    let codes: Vec<&str> =
        body["violations"].as_array().unwrap().iter().map(|violation| violation["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["accident_reported", "payment_stopped", "kyc_expired"]);
}
