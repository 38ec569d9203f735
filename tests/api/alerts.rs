//! `/v1/alerts`: the watch in the server's own process finds, tells, acts, and people decide.

use std::time::Duration;

use http_body_util::Full;
use hwan::config::number::Exact;
use hyper::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::server::{Server, order, text};

/// The alerts of a query, once there are so many.
async fn alerts(server: &Server, query: &str, count: usize) -> Vec<Value> {
    for _ in 0..200 {
        let page = server.get(&format!("/v1/alerts{query}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        if items.len() >= count {
            assert_eq!(items.len(), count, "{items:?}");
            return items.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{count} alerts did not come");
}

/// A server on which a customer's third exchange within a minute is told, and three exchanges.
async fn hasty() -> (Server, String) {
    let server = Server::start_with(|config| config.watch.exchanges_per_minute_max = 2).await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    for _ in 0..4 {
        server.post_with("/v1/exchanges", &server.key(), &order(&customer, "buy", "1.00", "USD")).await.expect(201);
    }
    (server, customer.id)
}

#[tokio::test]
async fn what_the_watch_found_is_listed_acknowledged_and_resolved_once() {
    let (server, customer) = hasty().await;
    let found = alerts(&server, "", 1).await.remove(0);
    let id = text(&found["id"]);
    assert_eq!(id, format!("velocity.{customer}.t1795395600000000"));
    assert_eq!(
        (&found["rule"], &found["severity"], &found["state"]),
        (&json!("velocity"), &json!("warning"), &json!("open"))
    );
    assert_eq!(found["subject"], json!({ "kind": "customer", "id": customer }));
    assert_eq!((&found["currency"], &found["times_seen"]), (&json!("USD"), &json!(1)));
    assert_eq!(server.get(&format!("/v1/alerts/{id}")).await.expect(200), found);
    for (query, count) in [
        (format!("?subject={customer}&rule=velocity&severity=warning&state=open&limit=1"), 1),
        ("?severity=critical".to_owned(), 0),
        ("?state=resolved".to_owned(), 0),
        ("?rule=negative_balance".to_owned(), 0),
        ("?subject=lane-1".to_owned(), 0),
    ] {
        let page = server.get(&format!("/v1/alerts{query}")).await.expect(200);
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
        if let Some(cursor) = page["next_cursor"].as_str() {
            let next = server.get(&format!("/v1/alerts{query}&cursor={cursor}")).await.expect(200);
            assert_eq!(next, json!({ "items": [], "next_cursor": null }));
        }
    }
    let say = async |what: &str, body: Value| server.post(&format!("/v1/alerts/{id}/{what}"), &body).await;
    let taken = say("acknowledge", json!({})).await.expect(200);
    assert_eq!((&taken["state"], &taken["acknowledged"]["note"]), (&json!("acknowledged"), &json!("")));
    let again = say("acknowledge", json!({ "note": "me too" })).await.expect(200);
    assert_eq!(again, taken);
    assert_eq!(say("resolve", json!({ "note": " " })).await.problem(), (400, "out_of_range".to_owned()));
    assert_eq!(say("resolve", json!({})).await.problem(), (400, "malformed_body".to_owned()));
    let done = say("resolve", json!({ "note": "a robot of ours" })).await.expect(200);
    assert_eq!((&done["state"], &done["resolved"]["note"]), (&json!("resolved"), &json!("a robot of ours")));
    assert_eq!(say("resolve", json!({ "note": "again" })).await.expect(200), done);
    assert_eq!(say("acknowledge", json!({})).await.problem(), (409, "alert_resolved".to_owned()));
    let scrape = Request::builder().uri("/metrics").header("host", server.admin_address.to_string());
    let metrics = server.send_to(server.admin_address, scrape.body(Full::default()).unwrap()).await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    let counted = "hwan_watch_alerts_total{rule=\"velocity\",severity=\"warning\"}";
    assert!(metrics.lines().any(|line| line.starts_with(counted)), "{metrics}");
}

#[tokio::test]
async fn what_is_no_alert_and_no_filter_is_refused_by_name() {
    let server = Server::start().await;
    for (path, status, code) in [
        ("/v1/alerts/velocity.cus_0008000000002.now", 404, "alert_not_found"),
        ("/v1/alerts/%20", 404, "alert_not_found"),
        ("/v1/alerts?rule=sneezed", 400, "out_of_range"),
        ("/v1/alerts?severity=fatal", 400, "out_of_range"),
        ("/v1/alerts?state=forgotten", 400, "out_of_range"),
        ("/v1/alerts?colour=red", 400, "unknown_parameter"),
        ("/v1/alerts?cursor=AAAA", 400, "malformed_cursor"),
    ] {
        assert_eq!(server.get(path).await.problem(), (status, code.to_owned()), "{path}");
    }
    let absent = server.post("/v1/alerts/velocity.x.now/resolve", &json!({ "note": "no" })).await;
    assert_eq!(absent.problem(), (404, "alert_not_found".to_owned()));
    let off = Server::start_with(|config| config.watch.enabled = false).await;
    assert_eq!(off.get("/v1/alerts").await.problem(), (404, "watch_off".to_owned()));
}

#[tokio::test]
async fn a_restart_tells_nothing_twice_and_forgets_nothing() {
    let (server, _) = hasty().await;
    let before = alerts(&server, "", 1).await;
    let server = server.restart(|config| config.watch.exchanges_per_minute_max = 2).await;
    server.publish("JPY", "934.06").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(alerts(&server, "", 1).await, before);
}

#[tokio::test]
async fn a_round_outside_the_watchs_band_halts_its_pair() {
    let change = |config: &mut hwan::config::Config| {
        config.watch.band_percent_max.insert("USD".to_owned(), Exact(Decimal::new(1, 2)));
    };
    let server = Server::start_with(change).await;
    server.publish("USD", "1350.50").await;
    server.publish("USD", "1351.50").await;
    let found = alerts(&server, "?rule=round_outside_band", 1).await.remove(0);
    for _ in 0..100 {
        let halts = server.get("/v1/halts").await.expect(200)["halts"].clone();
        if let Some(halt) = halts.as_array().unwrap().first() {
            assert_eq!((&halt["currency"], &halt["by"]), (&json!("USD"), &json!("watch")));
            assert!(text(&halt["reason"]).contains(&text(&found["id"])), "{halt}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the pair was not halted");
}
