//! Cover trades, over HTTP.

use hwan::config::Overrides;
use serde_json::{Value, json};

use crate::server::{Server, order, text};

const COVERS: &str = "/v1/positions/covers";

fn deal(amount: &str, rate: &str) -> Value {
    json!({ "side": "sell", "amount": { "amount": amount, "currency": "USD" }, "rate": rate, "reference": "deal-7" })
}

fn with(mut deal: Value, field: &str, value: Value) -> Value {
    deal[field] = value;
    deal
}

#[tokio::test]
async fn a_cover_trade_is_recorded_once_for_its_key_and_read_as_it_was_made() {
    let server = Server::start().await;
    let won = json!({ "amount": "134900", "currency": "KRW" });
    let body = with(deal("100.00", "1349.00"), "won", won.clone());
    let first = server.post_with(COVERS, "cover-1", &body).await;
    let cover = first.expect(201);
    assert_eq!((&cover["side"], &cover["won"], &cover["unit"]), (&json!("sell"), &won, &json!(1)));
    assert_eq!(cover["amount"], json!({ "amount": "100.00", "currency": "USD" }));
    assert_eq!(
        (&cover["rate"], &cover["reference"], &cover["by"]),
        (&json!("1349.00"), &json!("deal-7"), &json!("operator"))
    );
    let again = server.post_with(COVERS, "cover-1", &body).await;
    assert_eq!((again.status, &again.bytes, again.header("idempotency-replayed")), (201, &first.bytes, Some("true")));
    let other = server.post_with(COVERS, "cover-1", &deal("200.00", "1349.00")).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));

    let path = format!("{COVERS}/{}", text(&cover["id"]));
    assert_eq!(server.get(&path).await.bytes, first.bytes);
    let key = server.get("/v1/idempotency-keys/cover-1").await.expect(200);
    assert_eq!((&key["location"], &key["body"]), (&json!(path), &cover));
    let audit = server.get("/v1/audit?lane=0").await.expect(200);
    let entries: Vec<&Value> =
        audit["items"].as_array().unwrap().iter().filter(|item| item["event"] == "covered").collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["id"], cover["id"]);
}

#[tokio::test]
async fn without_a_won_amount_it_is_what_follows_from_the_rate() {
    let server = Server::start().await;
    let cover = server.post_with(COVERS, "c", &deal("33.33", "1350.57")).await.expect(201);
    assert_eq!(cover["won"], json!({ "amount": "45014", "currency": "KRW" }));
    let yen = json!({ "side": "buy", "amount": { "amount": "10000", "currency": "JPY" }, "rate": "934.06" });
    let cover = server.post_with(COVERS, "d", &yen).await.expect(201);
    assert_eq!((&cover["won"]["amount"], &cover["unit"]), (&json!("93406"), &json!(100)));
    assert_eq!(cover["reference"], Value::Null);
}

#[tokio::test]
async fn what_is_no_deal_is_refused_by_name_and_leaves_its_key_free() {
    let server = Server::start().await;
    let good = || deal("100.00", "1349.00");
    for (body, problem) in [
        (with(good(), "rate", json!("1349.001")), (422, "cover_invalid")),
        (with(good(), "rate", json!("-1")), (422, "cover_invalid")),
        (with(good(), "won", json!({ "amount": "134901", "currency": "KRW" })), (422, "cover_invalid")),
        (with(good(), "amount", json!({ "amount": "0.00", "currency": "USD" })), (422, "amount_too_small")),
        (with(good(), "amount", json!({ "amount": "100", "currency": "KRW" })), (404, "pair_not_found")),
        (with(good(), "amount", json!({ "amount": "100", "currency": "USD" })), (400, "amount_scale")),
        (with(good(), "amount", json!({ "amount": "1.00", "currency": "XXX" })), (400, "unknown_currency")),
        (with(good(), "won", json!({ "amount": "1.00", "currency": "USD" })), (400, "currency_mismatch")),
        (with(good(), "side", json!("hold")), (400, "out_of_range")),
        (with(good(), "rate", json!(1349)), (400, "malformed_amount")),
        (with(good(), "reference", json!("")), (400, "out_of_range")),
        (with(good(), "unit", json!(1)), (400, "malformed_body")),
    ] {
        let answer = server.post_with(COVERS, "cover-2", &body).await;
        assert_eq!(answer.problem(), (problem.0, problem.1.to_owned()), "{body}");
    }
    let without = server.post(COVERS, &good()).await;
    assert_eq!(without.problem(), (400, "idempotency_key_missing".to_owned()));
    server.post_with(COVERS, "cover-2", &good()).await.expect(201);
    for id in ["cov_0000zzzzzzzzz", "cov_1", "exg_0000000000001"] {
        let answer = server.get(&format!("{COVERS}/{id}")).await;
        assert_eq!(answer.problem(), (404, "cover_not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn a_cover_trade_touches_no_customer_survives_a_restart_and_the_ledger_still_follows_from_its_journal() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    server.post_with("/v1/exchanges", "x", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    let cover = server.post_with(COVERS, "c", &with(deal("100.00", "1349.00"), "side", json!("buy"))).await.expect(201);
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
    let mut server = server.restart(|_| {}).await;
    assert_eq!(server.get(&format!("{COVERS}/{}", text(&cover["id"]))).await.expect(200), cover);
    assert_eq!(server.get("/v1/rates/USD").await.expect(200)["mid"], "1350.50", "the board is still there");
    let again = server.post_with(COVERS, "c", &with(deal("100.00", "1349.00"), "side", json!("buy"))).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    server.stop();
    let overrides = Overrides { directory: Some(server.data()), ..Overrides::default() };
    let verdict = tokio::task::spawn_blocking(move || hwan::startup::verify(&overrides)).await.unwrap();
    assert_eq!(verdict, hwan::cli::EXIT_OK);
}
