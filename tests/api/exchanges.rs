//! Money is changed, to the won.

use serde_json::json;

use crate::server::{Server, order, text};

#[tokio::test]
async fn s01_a_buy_debits_won_and_credits_dollars_in_two_postings() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let answer = server.post_with("/v1/exchanges", "s01", &order(&customer, "buy", "100.00", "USD")).await;
    assert_eq!(answer.header("idempotency-replayed"), None);
    let body = answer.expect(201);
    assert!(text(&body["id"]).starts_with("exg_"));
    assert_eq!(body["customer_id"], customer.id.as_str());
    assert_eq!(body["side"], "buy");
    assert_eq!(
        body["rate"],
        json!({
            "value": "1350.50", "unit": 1, "round": "USD-20261123-1", "business_date": "2026-11-23",
            "mid": "1350.50", "preference_percent": "100",
        })
    );
    assert_eq!(body["won"], json!({ "amount": "135050", "currency": "KRW" }));
    assert_eq!(body["foreign"], json!({ "amount": "100.00", "currency": "USD" }));
    assert_eq!(
        body["postings"],
        json!([
            { "account_id": customer.won, "amount": { "amount": "-135050", "currency": "KRW" },
              "balance_after": { "amount": "864950", "currency": "KRW" }, "version": 2 },
            { "account_id": customer.foreign, "amount": { "amount": "100.00", "currency": "USD" },
              "balance_after": { "amount": "100.00", "currency": "USD" }, "version": 1 },
        ])
    );
    assert_eq!(body["business_date"], "2026-11-23");
    assert_eq!(server.booked(&customer.won, "KRW").await, "864950");
    assert_eq!(server.booked(&customer.foreign, "USD").await, "100.00");
    let read = server.get(&format!("/v1/exchanges/{}", text(&body["id"]))).await;
    assert_eq!((read.status, read.bytes), (200, answer.bytes));
}

/// Who holds what, what is done at which rate, and what is held afterwards.
type Row<'a> = (&'a [(&'a str, &'a str)], (&'a str, &'a str), serde_json::Value, (&'a str, &'a str));

#[tokio::test]
async fn s02_to_s05_and_s10_every_amount_is_exact() {
    let server = Server::start().await;
    let money = |amount: &str, currency: &str| json!({ "amount": amount, "currency": currency });
    let rows: [Row<'_>; 5] = [
        (
            &[("USD", "33.33")],
            ("USD", "1350.57"),
            json!({ "side": "sell", "foreign_amount": money("33.33", "USD") }),
            ("45014", "0.00"),
        ),
        (
            &[("KRW", "50000")],
            ("USD", "1350.57"),
            json!({ "side": "buy", "foreign_amount": money("33.33", "USD") }),
            ("4985", "33.33"),
        ),
        (
            &[("KRW", "100000")],
            ("USD", "1350.57"),
            json!({ "side": "buy", "won_budget": money("100000", "KRW") }),
            ("3", "74.04"),
        ),
        (
            &[("KRW", "200000")],
            ("JPY", "934.06"),
            json!({ "side": "buy", "foreign_amount": money("12345", "JPY") }),
            ("84690", "12345"),
        ),
        (
            &[("KRW", "135050")],
            ("USD", "1350.50"),
            json!({ "side": "buy", "foreign_amount": money("100.00", "USD") }),
            ("0", "100.00"),
        ),
    ];
    for (holdings, (currency, mid), mut body, (won, foreign)) in rows {
        server.publish(currency, mid).await;
        let customer = server.customer(holdings).await;
        body["customer_id"] = json!(customer.id);
        body["currency"] = json!(currency);
        server.post_with("/v1/exchanges", &server.key(), &body).await.expect(201);
        assert_eq!(server.booked(&customer.won, "KRW").await, won, "{body}");
        assert_eq!(server.booked(&customer.foreign, currency).await, foreign, "{body}");
    }
}

#[tokio::test]
async fn s09_a_won_too_little_is_refused_and_the_limit_stays_unused() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "135049")]).await;
    let answer = server.post_with("/v1/exchanges", "s09", &order(&customer, "buy", "100.00", "USD")).await;
    assert_eq!(answer.problem(), (422, "insufficient_balance".to_owned()));
    assert_eq!(answer.json()["retryable"], false);
    assert_eq!(server.booked(&customer.won, "KRW").await, "135049");
    let daily = &server.get(&format!("/v1/customers/{}", customer.id)).await.expect(200)["limits"]["daily"];
    assert_eq!(daily["used"], json!({ "amount": "0", "currency": "KRW" }));
    assert_eq!(daily["remaining"]["amount"], "10000000");
    assert_eq!(daily["reset_at"], "2026-11-24T00:00:00.000000Z");
    // A rejection is not remembered: with the money there, the same key buys.
    let deposit = json!({ "account_id": customer.won, "amount": { "amount": "1", "currency": "KRW" } });
    server.post_with("/v1/deposits", &server.key(), &deposit).await.expect(201);
    server.post_with("/v1/exchanges", "s09", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
}

#[tokio::test]
async fn s23_parallel_buys_end_when_the_money_does() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "100000")]).await;
    let buys = (0..100).map(|index| {
        let (server, body) = (&server, order(&customer, "buy", "1.00", "USD"));
        async move { server.post_with("/v1/exchanges", &format!("s23-{index}"), &body).await }
    });
    let answers = futures_util::future::join_all(buys).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 74);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), (422, "insufficient_balance".to_owned()));
    }
    assert_eq!(server.booked(&customer.won, "KRW").await, "26");
    assert_eq!(server.booked(&customer.foreign, "USD").await, "74.00");
}

#[tokio::test]
async fn a_rate_worse_than_accepted_is_refused() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let mut body = order(&customer, "buy", "1.00", "USD");
    body["worst_rate"] = json!("1350.49");
    let answer = server.post_with("/v1/exchanges", &server.key(), &body).await;
    assert_eq!(answer.problem(), (422, "rate_worse".to_owned()));
    body["worst_rate"] = json!("1350.50");
    server.post_with("/v1/exchanges", &server.key(), &body).await.expect(201);
}

#[tokio::test]
async fn a_pair_without_a_valid_round_does_not_trade() {
    let server = Server::start().await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let body = order(&customer, "buy", "1.00", "USD");
    assert_eq!(server.post_with("/v1/exchanges", "x", &body).await.problem().1, "rate_unavailable");
    server.publish("USD", "1350.50").await;
    server.clock.advance_micros(3_600 * 1_000_000);
    assert_eq!(server.post_with("/v1/exchanges", "x", &body).await.problem().1, "rate_unavailable");
}
