//! The same key again: one effect, one answer, byte for byte.

use serde_json::json;

use crate::server::{Server, order};

#[tokio::test]
async fn s21_fifty_at_once_with_one_key_are_one_exchange_and_fifty_equal_answers() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let body = order(&customer, "buy", "100.00", "USD");
    let answers =
        futures_util::future::join_all((0..50).map(|_| server.post_with("/v1/exchanges", "s21", &body))).await;
    let first = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(first, 1);
    for answer in &answers {
        assert_eq!((answer.status, &answer.bytes), (201, &answers[0].bytes));
    }
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
}

#[tokio::test]
async fn s22_the_same_key_with_another_body_is_refused() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    server.post_with("/v1/exchanges", "s22", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    let other = server.post_with("/v1/exchanges", "s22", &order(&customer, "buy", "100.01", "USD")).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
}

#[tokio::test]
async fn every_post_is_replayed_byte_for_byte_also_after_a_restart() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000"), ("USD", "5.00")]).await;
    let other = server.customer(&[]).await;
    let won = json!({ "amount": "1000", "currency": "KRW" });
    let requests = [
        ("/v1/customers".to_owned(), json!({ "reference": "bank-4711 \u{d658}\u{c804}" })),
        ("/v1/accounts".to_owned(), json!({ "customer_id": null, "kind": "won" })),
        ("/v1/deposits".to_owned(), json!({ "account_id": customer.won, "amount": won })),
        ("/v1/withdrawals".to_owned(), json!({ "account_id": customer.won, "amount": won })),
        (
            "/v1/transfers".to_owned(),
            json!({ "from_account_id": customer.won, "to_account_id": other.won, "amount": won }),
        ),
        ("/v1/exchanges".to_owned(), order(&customer, "buy", "1.00", "USD")),
        ("/v1/exchanges".to_owned(), order(&customer, "sell", "0.99", "USD")),
        (format!("/v1/accounts/{}/facts", other.won), json!({ "check": "accident_reported" })),
        (format!("/v1/customers/{}/facts", other.id), json!({ "check": "deceased" })),
    ];
    let mut firsts = Vec::new();
    for (index, (path, body)) in requests.iter().enumerate() {
        let mut body = body.clone();
        if path == "/v1/accounts" {
            body["customer_id"] = server.post("/v1/customers", &json!({})).await.expect(201)["id"].clone();
        }
        let first = server.post_with(path, &format!("replay-{index}"), &body).await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{first:?}");
        firsts.push((path, body, first));
    }
    let replayed = async |server: &Server| {
        for (index, (path, body, first)) in firsts.iter().enumerate() {
            server.clock.advance_micros(1_000_000);
            let again = server.post_with(path, &format!("replay-{index}"), body).await;
            assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{path} {again:?}");
            assert_eq!(again.bytes, first.bytes, "{path}");
        }
    };
    replayed(&server).await;
    let server = server.restart(|_| {}).await;
    replayed(&server).await;
}

#[tokio::test]
async fn customers_with_the_same_key_do_not_disturb_each_other() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    for _ in 0..2 {
        let customer = server.customer(&[("KRW", "1000000")]).await;
        let answer = server.post_with("/v1/exchanges", "one", &order(&customer, "buy", "100.00", "USD")).await;
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, None));
    }
}

#[tokio::test]
async fn a_round_is_published_once_per_key_if_it_has_one() {
    let server = Server::start().await;
    let body = json!({ "currency": "USD", "mid": "1350.50", "valid_until": "2026-11-23T02:00:00Z" });
    let first = server.post_with("/v1/rounds", "round", &body).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, None), "{first:?}");
    server.clock.advance_micros(1_000_000);
    let again = server.post_with("/v1/rounds", "round", &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")), "{again:?}");
    assert_eq!(again.bytes, first.bytes);
    let other = json!({ "currency": "USD", "mid": "1350.60", "valid_until": "2026-11-23T02:00:00Z" });
    let reused = server.post_with("/v1/rounds", "round", &other).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    let without = server.post("/v1/rounds", &body).await.expect(201);
    assert_eq!(without["round"]["id"], "USD-20261123-2");
}
