//! A quote holds its price for some seconds, once, for one customer, and cannot be forged.

use serde_json::{Value, json};

use crate::server::{Customer, Server, order, text};

async fn quoted(server: &Server) -> (Customer, Value) {
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let quote = server.post("/v1/quotes", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    (customer, quote)
}

#[tokio::test]
async fn a_quote_says_all_and_is_executed_once() {
    let server = Server::start().await;
    let (customer, quote) = quoted(&server).await;
    assert!(text(&quote["id"]).starts_with("qte_"));
    assert_eq!(quote["won"]["amount"], "135050");
    assert_eq!(quote["foreign"]["amount"], "100.00");
    assert_eq!(
        (text(&quote["won_account_id"]), text(&quote["foreign_account_id"])),
        (customer.won.clone(), customer.foreign)
    );
    assert_eq!(quote["expires_at"], "2026-11-23T01:00:10.000000Z");
    let body = json!({ "quote": quote["quote"] });
    let first = server.post_with("/v1/exchanges", "one", &body).await;
    assert_eq!(first.expect(201)["quote_id"], quote["id"]);
    let again = server.post_with("/v1/exchanges", "one", &body).await;
    assert_eq!((again.status, again.bytes), (201, first.bytes));
    let other_key = server.post_with("/v1/exchanges", "two", &body).await;
    assert_eq!(other_key.problem(), (422, "quote_used".to_owned()));
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
}

#[tokio::test]
async fn s25_an_expired_quote_is_refused() {
    let server = Server::start().await;
    let (customer, quote) = quoted(&server).await;
    server.clock.advance_micros(10_001_000);
    let answer = server.post_with("/v1/exchanges", "s25", &json!({ "quote": quote["quote"] })).await;
    assert_eq!(answer.problem(), (410, "quote_expired".to_owned()));
    assert_eq!(server.booked(&customer.won, "KRW").await, "1000000");
}

#[tokio::test]
async fn s26_a_quote_outlives_its_round_and_a_restart() {
    let server = Server::start().await;
    let (customer, quote) = quoted(&server).await;
    server.publish("USD", "1350.57").await;
    server.clock.advance_micros(5_000_000);
    let server = server.restart(|_| {}).await;
    let answer = server.post_with("/v1/exchanges", "s26", &json!({ "quote": quote["quote"] })).await;
    assert_eq!(answer.expect(201)["rate"]["value"], "1350.50");
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
}

#[tokio::test]
async fn a_tampered_quote_is_refused() {
    let server = Server::start().await;
    let (_customer, quote) = quoted(&server).await;
    let token = text(&quote["quote"]);
    for index in (0..token.len()).step_by(7) {
        let mut forged = token.clone();
        let other = if forged.as_bytes()[index] == b'A' { "B" } else { "A" };
        forged.replace_range(index..=index, other);
        let answer = server.post_with("/v1/exchanges", &server.key(), &json!({ "quote": forged })).await;
        assert_eq!(answer.problem(), (422, "quote_invalid".to_owned()));
    }
    for forged in ["", "abc", &token[1..], &format!("{token}A")] {
        let answer = server.post_with("/v1/exchanges", &server.key(), &json!({ "quote": forged })).await;
        assert_eq!(answer.problem(), (422, "quote_invalid".to_owned()));
    }
}

#[tokio::test]
async fn a_quote_and_an_order_together_are_refused_and_so_is_a_life_out_of_bounds() {
    let server = Server::start().await;
    let (customer, quote) = quoted(&server).await;
    let mut both = order(&customer, "buy", "100.00", "USD");
    both["quote"] = quote["quote"].clone();
    assert_eq!(server.post_with("/v1/exchanges", "both", &both).await.problem(), (400, "malformed_body".to_owned()));
    for seconds in [0, 61] {
        let mut body = order(&customer, "buy", "100.00", "USD");
        body["lifetime_seconds"] = json!(seconds);
        assert_eq!(server.post("/v1/quotes", &body).await.problem(), (400, "out_of_range".to_owned()));
    }
}
