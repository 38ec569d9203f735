//! The rest of the surface: reversals, batches, trials, pages, conditions, keys, halts, streams, the audit list.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hwan::access::{
    key_file::{KeyFile, NewKey},
    role::{Role, Roles},
};
use hwan_domain::time::Timestamp;
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::server::{NOW, Server, order, text};

fn krw(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "KRW" })
}

#[tokio::test]
async fn an_exchange_is_taken_back_once_and_both_name_each_other() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let bought = server.post_with("/v1/exchanges", "b", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    server.publish("USD", "1351.00").await;
    let path = format!("/v1/exchanges/{}", text(&bought["id"]));
    let reason = json!({ "reason": "wrong customer" });
    let reversal = server.post_with(&format!("{path}/reversal"), "r", &reason).await;
    let body = reversal.expect(201);
    assert_eq!((&body["exchange_id"], &body["won"]), (&bought["id"], &krw("135050")));
    assert_eq!(body["postings"][0]["amount"], json!({ "amount": "-100.00", "currency": "USD" }));
    assert_eq!(server.booked(&customer.won, "KRW").await, "1000000");
    assert_eq!(server.get(&path).await.expect(200)["reversal_id"], body["id"]);
    assert_eq!(server.get(&format!("/v1/reversals/{}", text(&body["id"]))).await.bytes, reversal.bytes);
    let again = server.post_with(&format!("{path}/reversal"), "r", &reason).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.bytes, reversal.bytes);
    let twice = server.post_with(&format!("{path}/reversal"), "r2", &reason).await;
    assert_eq!(twice.problem(), (409, "already_reversed".to_owned()));
    let limits = server.get(&format!("/v1/customers/{}/limits", customer.id)).await.expect(200);
    assert_eq!(limits["daily"]["used"], krw("0"), "what the exchange had used is given back");
}

#[tokio::test]
async fn a_batch_gives_each_item_its_own_outcome_and_a_single_request_may_retry_an_item() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "200000")]).await;
    let buy = order(&customer, "buy", "100.00", "USD");
    let items: Vec<Value> = ["a", "b", "a"].iter().map(|key| json!({ "key": key, "exchange": buy })).collect();
    let bad = json!({ "key": "c", "exchange": { "customer_id": customer.id, "side": "buy", "currency": "USD", "foreign_amount": { "amount": 1, "currency": "USD" } } });
    let body = json!({ "items": items.into_iter().chain([bad, json!({ "key": "no spaces", "exchange": buy })]).collect::<Vec<_>>() });
    let answer = server.post("/v1/exchanges:batch", &body).await.expect(200);
    let outcomes = answer["items"].as_array().unwrap();
    let seen: Vec<(&str, u64)> =
        outcomes.iter().map(|one| (one["key"].as_str().unwrap(), one["status"].as_u64().unwrap())).collect();
    assert_eq!(seen.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["a", "b", "a", "c", "no spaces"]);
    assert_eq!((seen[3].1, seen[4].1), (400, 400));
    assert_eq!(outcomes[3]["body"]["code"], "malformed_amount");
    // The money is enough for one of the two keys; the repeated key has one outcome.
    assert_eq!(outcomes[0]["body"]["id"], outcomes[2]["body"]["id"]);
    assert_eq!([seen[0].1, seen[1].1].iter().filter(|status| **status == 201).count(), 1);
    if seen[0].1 == 201 {
        assert_ne!(outcomes[0]["replayed"], outcomes[2]["replayed"]);
        let single = server.post_with("/v1/exchanges", "a", &buy).await;
        assert_eq!((single.status, single.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(single.json(), outcomes[0]["body"]);
    }
    for (items, code) in [(0, "out_of_range"), (1_001, "out_of_range")] {
        let body = json!({ "items": (0..items).map(|n| json!({ "key": format!("n{n}"), "exchange": {} })).collect::<Vec<_>>() });
        assert_eq!(server.post("/v1/exchanges:batch", &body).await.problem(), (400, code.to_owned()));
    }
    let many = json!({ "items": (0..1_000).map(|n| json!({ "key": format!("m{n}"), "exchange": order(&customer, "sell", "0.01", "USD") })).collect::<Vec<_>>() });
    let answer = server.post("/v1/exchanges:batch", &many).await.expect(200);
    assert_eq!(answer["items"].as_array().unwrap().len(), 1_000);
    assert!(answer["items"].as_array().unwrap().iter().all(|one| one["status"] == 201), "{answer}");
}

#[tokio::test]
async fn a_trial_says_what_would_happen_and_everything_that_stands_against_it_and_changes_nothing() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "135050")]).await;
    let mut buy = order(&customer, "buy", "100.00", "USD");
    buy["dry_run"] = json!(true);
    let good = server.post("/v1/exchanges", &buy).await.expect(200);
    assert_eq!((&good["admitted"], &good["won"]), (&json!(true), &krw("135050")));
    for check in ["accident_reported", "payment_stopped"] {
        server.post(&format!("/v1/accounts/{}/facts", customer.won), &json!({ "check": check })).await.expect(201);
    }
    buy["foreign_amount"]["amount"] = json!("200.00");
    let bad = server.post("/v1/exchanges", &buy).await.expect(200);
    let codes: Vec<&str> =
        bad["violations"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["accident_reported", "payment_stopped", "insufficient_balance"]);
    let tried = json!({ "direction": "debit", "amount": krw("200000") });
    let checked = server.post(&format!("/v1/accounts/{}/checks", customer.won), &tried).await.expect(200);
    assert_eq!((&checked["admitted"], checked["violations"].as_array().unwrap().len()), (&json!(false), 3));
    let tried = json!({ "direction": "credit", "amount": krw("200000") });
    let checked = server.post(&format!("/v1/accounts/{}/checks", customer.won), &tried).await.expect(200);
    assert_eq!(checked["admitted"], json!(true));
    assert_eq!(server.booked(&customer.won, "KRW").await, "135050");
}

#[tokio::test]
async fn a_passbook_is_read_page_by_page_without_gap_or_repeat_and_exchanges_by_time() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    for minute in 0..5 {
        server.clock.advance_micros(60_000_000);
        server
            .post_with("/v1/exchanges", &format!("x{minute}"), &order(&customer, "buy", "1.00", "USD"))
            .await
            .expect(201);
    }
    let mut versions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/v1/accounts/{}/entries?limit=2{cursor}", customer.won)).await.expect(200);
        for item in page["items"].as_array().unwrap() {
            versions.push(item["version"].as_u64().unwrap());
            let kind = if versions.len() < 6 { "exchange" } else { "deposit" };
            assert_eq!(item["kind"], kind);
            let folder = if kind == "exchange" { "exchanges" } else { "transactions" };
            server.get(&format!("/v1/{folder}/{}", text(&item["id"]))).await.expect(200);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(versions, [6, 5, 4, 3, 2, 1]);
    let window =
        format!("/v1/exchanges?account_id={}&from=2026-11-23T01:02:00Z&to=2026-11-23T01:04:00Z", customer.foreign);
    let found = server.get(&window).await.expect(200);
    let times: Vec<&str> = found["items"].as_array().unwrap().iter().map(|one| one["at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2026-11-23T01:03:00.000000Z", "2026-11-23T01:02:00.000000Z"]);
    for (query, code) in [
        ("limit=0", "out_of_range"),
        ("limit=1001", "out_of_range"),
        ("limit=+5", "out_of_range"),
        ("cursor=abc", "malformed_cursor"),
        ("sort=asc", "unknown_parameter"),
        ("limit=1&limit=2", "unknown_parameter"),
        ("from=yesterday", "malformed_time"),
    ] {
        let answer = server.get(&format!("/v1/accounts/{}/entries?{query}", customer.won)).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn an_account_is_closed_on_the_state_that_it_was_seen_in_and_only_when_it_is_empty() {
    let server = Server::start().await;
    let customer = server.customer(&[("KRW", "10")]).await;
    let path = format!("/v1/accounts/{}", customer.won);
    let seen = server.get(&path).await;
    let tag = seen.header("etag").unwrap().to_owned();
    let with = |name: &str, value: &str, verb: &str, path: &str| {
        server.request(verb, path).header(name, value).header("content-type", "application/json")
    };
    let unchanged = server.send(with("if-none-match", &tag, "GET", &path).body(Full::default()).unwrap()).await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0));
    let refused = server.post(&format!("{path}/close"), &json!({})).await;
    assert_eq!(refused.problem(), (409, "account_not_empty".to_owned()));
    let body = json!({ "account_id": customer.won, "amount": krw("10") });
    server.post_with("/v1/withdrawals", "w", &body).await.expect(201);
    let stale =
        server.send(with("if-match", &tag, "POST", &format!("{path}/close")).body(Full::from("{}")).unwrap()).await;
    assert_eq!(stale.problem(), (412, "version_mismatch".to_owned()));
    let tag = server.get(&path).await.header("etag").unwrap().to_owned();
    let closed =
        server.send(with("if-match", &tag, "POST", &format!("{path}/close")).body(Full::from("{}")).unwrap()).await;
    assert_eq!(closed.expect(201)["status"], "closed");
    assert_eq!(server.get(&path).await.expect(200)["status"], "closed");
    let answer = server.post_with("/v1/deposits", "d", &body).await;
    assert_eq!(answer.problem(), (423, "account_closed".to_owned()));
    let malformed =
        server.send(with("if-match", "7", "POST", &format!("{path}/close")).body(Full::from("{}")).unwrap()).await;
    assert_eq!(malformed.status, 400);
    server.post("/v1/accounts", &json!({ "customer_id": customer.id, "kind": "won" })).await.expect(201);
}

#[tokio::test]
async fn a_client_learns_what_became_of_its_request() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let first = server.post_with("/v1/exchanges", "order/7%", &order(&customer, "buy", "1.00", "USD")).await;
    let by_customer =
        server.get(&format!("/v1/idempotency-keys/order%2F7%25?customer_id={}", customer.id)).await.expect(200);
    assert_eq!((&by_customer["state"], &by_customer["id"]), (&json!("completed"), &first.json()["id"]));
    assert_eq!(by_customer["body"], first.json());
    assert_eq!(by_customer["location"], format!("/v1/exchanges/{}", text(&first.json()["id"])));
    let by_account = server.get(&format!("/v1/idempotency-keys/order%2F7%25?account_id={}", customer.foreign)).await;
    assert_eq!(by_account.expect(200), by_customer);
    let unknown = server.get(&format!("/v1/idempotency-keys/other?customer_id={}", customer.id)).await;
    assert_eq!(unknown.problem(), (404, "idempotency_key_not_found".to_owned()));
    let opened = server.post_with("/v1/customers", "open-1", &json!({})).await.expect(201);
    let found = server.get("/v1/idempotency-keys/open-1").await.expect(200);
    assert_eq!(found["id"], opened["id"]);
}

#[tokio::test]
async fn a_halt_is_lifted_by_a_second_person_and_a_voided_round_is_never_traded_at() {
    let server = Server::start().await;
    let file = KeyFile::of(&server.data());
    let new = NewKey {
        name: "second".to_owned(),
        roles: Roles::of(&[Role::Approver]),
        lifetime_seconds: None,
        rate_per_second: None,
    };
    let (fresh, _) = file.create(&new, Timestamp::parse_rfc3339(NOW).unwrap()).unwrap();
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let quote = server.post("/v1/quotes", &order(&customer, "buy", "1.00", "USD")).await.expect(201);
    let halt = server.post("/v1/halts", &json!({ "currency": "USD", "reason": "market closed" })).await.expect(201);
    assert_eq!((&halt["by"], &halt["reason"]), (&json!("operator"), &json!("market closed")));
    let twice = server.post("/v1/halts", &json!({ "currency": "USD", "reason": "again" })).await;
    assert_eq!(twice.problem(), (409, "halt_refused".to_owned()));
    let refused = server.post_with("/v1/exchanges", "x", &order(&customer, "buy", "1.00", "USD")).await;
    assert_eq!(refused.problem(), (423, "pair_halted".to_owned()));
    assert_eq!(server.get("/v1/halts").await.expect(200)["halts"][0]["by"], "operator");
    let own = server.post("/v1/halts/USD/lift", &json!({})).await;
    assert_eq!(own.problem(), (409, "halt_refused".to_owned()));
    let mut lifted = None;
    for _ in 0..100 {
        let request = Request::builder()
            .method("POST")
            .uri("/v1/halts/USD/lift")
            .header("host", server.address.to_string())
            .header("authorization", format!("Bearer {}", fresh.reveal()))
            .header("content-type", "application/json");
        let answer = server.send(request.body(Full::from("{}")).unwrap()).await;
        if answer.status != 401 {
            lifted = Some(answer);
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await; // the server looks at its keys every second or so
    }
    assert_eq!(lifted.unwrap().expect(201)["lifted_by"], "second");
    let voided = server.post("/v1/rounds/USD-20261123-1/void", &json!({ "reason": "off by ten" })).await.expect(201);
    assert_eq!(voided["round"], "USD-20261123-1");
    let refused = server.post_with("/v1/exchanges", "y", &json!({ "quote": quote["quote"] })).await;
    assert_eq!(refused.status, 423);
    let rounds = server.get("/v1/rounds?currency=USD").await.expect(200);
    assert_eq!(rounds["items"][0]["status"], "voided");
    assert_eq!(server.get("/v1/pairs/USD").await.expect(200)["status"], "halted");
}

#[tokio::test]
async fn a_quote_tells_whether_it_is_open_used_or_expired() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let quote = || async {
        text(&server.post("/v1/quotes", &order(&customer, "buy", "1.00", "USD")).await.expect(201)["quote"])
    };
    let (used, left) = (quote().await, quote().await);
    assert_eq!(server.get(&format!("/v1/quotes/{used}")).await.expect(200)["status"], "open");
    let exchange = server.post_with("/v1/exchanges", "q", &json!({ "quote": used })).await.expect(201);
    let seen = server.get(&format!("/v1/quotes/{used}")).await.expect(200);
    assert_eq!((&seen["status"], &seen["exchange_id"]), (&json!("used"), &exchange["id"]));
    server.clock.advance_micros(11_000_000);
    assert_eq!(server.get(&format!("/v1/quotes/{left}")).await.expect(200)["status"], "expired");
    assert_eq!(server.get("/v1/quotes/AAAA").await.problem(), (422, "quote_invalid".to_owned()));
}

#[tokio::test]
async fn rates_are_followed_as_they_change_and_a_reader_who_hangs_up_leaves_nothing_behind() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = server.request("GET", "/v1/rates/stream").body(Full::<hyper::body::Bytes>::default()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let mut read = String::new();
    while read.matches("event: rate").count() < 17 {
        let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap().unwrap().unwrap();
        read.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
    assert!(read.contains(r#""currency":"USD","unit":1,"mid":"1350.50""#), "{read}");
    server.publish("USD", "1351.25").await;
    let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.unwrap().unwrap().unwrap();
    let news = String::from_utf8_lossy(frame.data_ref().unwrap()).into_owned();
    assert_eq!(news.matches("event: rate").count(), 1, "{news}");
    assert!(news.contains("1351.25"), "{news}");
}

#[tokio::test]
async fn the_audit_list_names_who_did_what_in_order_and_customers_are_found_by_reference() {
    let server = Server::start().await;
    server.post("/v1/customers", &json!({ "reference": "kim-1" })).await.expect(201);
    let other = server.post("/v1/customers", &json!({ "reference": "lee-2" })).await.expect(201);
    let found = server.get("/v1/customers?reference=lee-2").await.expect(200);
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["id"]), (1, &other["id"]));
    let page = server.get("/v1/customers?limit=1").await.expect(200);
    let next = server.get(&format!("/v1/customers?limit=1&cursor={}", text(&page["next_cursor"]))).await.expect(200);
    assert_eq!(next["items"][0]["id"], other["id"]);
    let audit = server.get("/v1/audit?lane=1").await.expect(200);
    let items = audit["items"].as_array().unwrap();
    let seqs: Vec<u64> = items.iter().map(|item| item["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let opened: Vec<&Value> = items.iter().filter(|item| item["event"] == "customer_opened").collect();
    assert!(opened.iter().all(|item| item["caller"] == "operator"), "{audit}");
    assert_eq!(opened.len(), 2);
    assert_eq!(server.get("/v1/audit?lane=99").await.problem(), (400, "out_of_range".to_owned()));
}

#[tokio::test]
async fn a_reversal_to_a_closed_account_waits_in_suspense() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "135050")]).await;
    let bought = server.post_with("/v1/exchanges", "b", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    server.post(&format!("/v1/accounts/{}/close", customer.won), &json!({})).await.expect(201);
    let path = format!("/v1/exchanges/{}/reversal", text(&bought["id"]));
    let reversal = server.post_with(&path, "r", &json!({ "reason": "test" })).await.expect(201);
    assert_eq!((&reversal["suspense"], reversal["postings"].as_array().unwrap().len()), (&krw("135050"), 1));
    assert_eq!(server.booked(&customer.foreign, "USD").await, "0.00");
}
