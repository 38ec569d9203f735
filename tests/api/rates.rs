//! Currencies, rates, rounds.

use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn the_currencies_are_listed_with_their_units_and_caps() {
    let server = Server::start().await;
    let body = server.get("/v1/currencies").await.expect(200);
    let currencies = body["currencies"].as_array().unwrap();
    assert_eq!(currencies.len(), 18);
    let vnd = currencies.iter().find(|currency| currency["code"] == "VND").unwrap();
    assert_eq!((&vnd["minor_digits"], &vnd["rate_unit"]), (&json!(0), &json!(100)));
    assert_eq!(vnd["holding_cap"], json!({ "amount": "5000000", "currency": "KRW" }));
}

#[tokio::test]
async fn a_rate_is_unavailable_then_trades_then_expires() {
    let server = Server::start().await;
    let rate = server.get("/v1/rates/USD").await.expect(200);
    assert_eq!(rate, json!({ "currency": "USD", "unit": 1, "status": "unavailable" }));
    let published = server.publish("USD", "1350.50").await;
    assert_eq!(published["verdict"], json!({ "trades": true, "findings": [] }));
    assert_eq!(published["round"]["id"], "USD-20261123-1");
    assert_eq!(published["round"]["status"], "active");
    assert_eq!(server.get("/v1/rounds/USD-20261123-1").await.expect(200), published["round"]);
    let rate = server.get("/v1/rates/USD").await.expect(200);
    assert_eq!(
        (&rate["status"], &rate["mid"], &rate["buy"], &rate["sell"], &rate["round"]),
        (&json!("trading"), &json!("1350.50"), &json!("1350.50"), &json!("1350.50"), &json!("USD-20261123-1"))
    );
    assert_eq!(server.get("/v1/rates").await.expect(200)["rates"].as_array().unwrap().len(), 17);
    server.clock.advance_micros(3_600 * 1_000_000);
    assert_eq!(server.get("/v1/rates/USD").await.expect(200)["status"], "unavailable");
}

#[tokio::test]
async fn a_spread_without_full_preference_moves_both_sides() {
    let server = Server::start().await;
    let body = json!({
        "currency": "USD", "mid": "1350.50", "valid_until": "2026-11-23T02:00:00Z",
        "spread_percent": "1.75", "preference_percent": "50",
    });
    let published = server.post("/v1/rounds", &body).await.expect(201);
    assert_eq!(published["round"]["spread"], "23.6");
    let rate = server.get("/v1/rates/USD").await.expect(200);
    assert_eq!((&rate["buy"], &rate["sell"]), (&json!("1362.30"), &json!("1338.70")));
}

#[tokio::test]
async fn s27_a_jump_is_stored_with_its_verdict_and_halts_its_pair_alone() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    server.publish("JPY", "934.06").await;
    let refused = server.publish("JPY", "472.23").await;
    assert_eq!(refused["verdict"]["trades"], false);
    assert_eq!(refused["verdict"]["findings"][0]["finding"], "jump");
    assert_eq!(refused["round"]["status"], "halted");
    let rate = server.get("/v1/rates/JPY").await.expect(200);
    assert_eq!((&rate["status"], &rate["mid"]), (&json!("halted"), &json!("934.06")));
    assert!(rate["halt"]["reason"].is_string() && rate["halt"]["since"].is_string());
    assert_eq!(server.get("/v1/rates/USD").await.expect(200)["status"], "trading");
}

#[tokio::test]
async fn a_round_that_is_none_is_refused_by_name() {
    let server = Server::start().await;
    let until = "2026-11-23T02:00:00Z";
    for (body, code) in [
        (json!({ "currency": "KRW", "mid": "1", "valid_until": until }), "currency_mismatch"),
        (json!({ "currency": "XXX", "mid": "1", "valid_until": until }), "unknown_currency"),
        (json!({ "currency": "USD", "mid": 1350.5, "valid_until": until }), "malformed_amount"),
        (json!({ "currency": "USD", "mid": "1.350,50", "valid_until": until }), "malformed_number"),
        (json!({ "currency": "USD", "mid": "1350.50", "valid_until": "tomorrow" }), "malformed_time"),
        (json!({ "currency": "USD", "mid": "1350.50" }), "malformed_body"),
        (json!({ "currency": "USD", "mid": "1", "valid_until": until, "spread_percent": "101" }), "out_of_range"),
        (json!({ "currency": "USD", "mid": "1", "valid_until": until, "sources": vec!["1"; 33] }), "out_of_range"),
    ] {
        assert_eq!(server.post("/v1/rounds", &body).await.problem(), (400, code.to_owned()), "{body}");
    }
}
