//! What a stranger finds: rates for every pair, and a customer with money.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn every_pair_trades_and_the_same_customer_is_there_after_a_restart() {
    let server = Server::start_with(|config| config.rates.demonstration = true).await;
    let shown = server.demonstration.unwrap();
    let rates = server.get("/v1/rates").await.expect(200);
    assert!(rates["rates"].as_array().unwrap().iter().all(|rate| rate["status"] == "trading"), "{rates}");
    let body = json!({
        "customer_id": shown.customer.to_string(), "side": "buy", "currency": "USD",
        "foreign_amount": { "amount": "100.00", "currency": "USD" },
    });
    let first = server.post_with("/v1/exchanges", "first-exchange", &body).await;
    assert_eq!(first.expect(201)["won"]["amount"], "135050");
    let server = server.restart(|config| config.rates.demonstration = true).await;
    assert_eq!(server.demonstration, Some(shown));
    assert_eq!(server.booked(&shown.won_account.to_string(), "KRW").await, "864950");
    let again = server.post_with("/v1/exchanges", "first-exchange", &body).await;
    assert_eq!((again.status, again.bytes), (201, first.bytes));
    // Six hours and a day later the rates have not expired, if hwan runs or starts again.
    server.clock.advance_micros(30 * 3_600 * 1_000_000);
    let server = server.restart(|config| config.rates.demonstration = true).await;
    let rates = server.get("/v1/rates").await.expect(200);
    assert!(rates["rates"].as_array().unwrap().iter().all(|rate| rate["status"] == "trading"), "{rates}");
}

#[tokio::test]
async fn a_pair_with_a_round_by_hand_is_left_to_whoever_published_it() {
    let server = Server::start_with(|config| config.rates.demonstration = true).await;
    // At the very mid of the demonstration, and with less life left than a demonstration round is renewed at.
    let published = server.publish("USD", "1350.50").await;
    let server = server.restart(|config| config.rates.demonstration = true).await;
    let rate = server.get("/v1/rates/USD").await.expect(200);
    assert_eq!(rate["round"], published["round"]["id"]);
    server.clock.advance_micros(5 * 3_600 * 1_000_000);
    let server = server.restart(|config| config.rates.demonstration = true).await;
    assert_eq!(server.get("/v1/rates/USD").await.expect(200)["status"], "unavailable");
    assert_eq!(server.get("/v1/rates/JPY").await.expect(200)["status"], "trading");
}
