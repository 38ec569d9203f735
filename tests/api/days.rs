//! The business date, closings, balances as of, statements: over HTTP, and by `hwan close`.

use std::{path::Path, process::Command, time::Duration};

use http_body_util::Full;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::server::{Answer, Customer, Server, order, text};

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

async fn sent_to(server: &Server, date: &str) -> Answer {
    server.post("/v1/business-date", &json!({ "date": date })).await
}

/// Waits until this business date is closed.
pub(crate) async fn closed(server: &Server, date: &str) -> Value {
    for _ in 0..200 {
        let answer = server.get(&format!("/v1/closings/{date}")).await;
        if answer.status == 200 {
            return answer.json();
        }
        assert_eq!(answer.problem(), (404, "closing_not_found".to_owned()));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{date} is not closed: {}", server.get("/v1/closings").await.expect(200));
}

fn close(data: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hwan")).arg("close").args(arguments).arg("--data").arg(data).output();
    let output = output.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

#[tokio::test]
async fn the_business_date_is_read_and_sent_on_once_however_often_it_is_asked() {
    let server = Server::start().await;
    let mut seen = server.get("/v1/business-date").await.expect(200);
    while seen["lanes"][1]["seq"] == 0 {
        seen = server.get("/v1/business-date").await.expect(200); // its first record, a roll, is on its way
    }
    assert_eq!((&seen["business_date"], &seen["clock_date"]), (&json!("2026-11-23"), &json!("2026-11-23")));
    assert_eq!(seen["schedule"], json!({ "utc_offset": "+09:00", "rolls_at": "00:00" }));
    let next = json!({ "business_date": "2026-11-24", "at": "2026-11-23T15:00:00.000000Z" });
    assert_eq!((&seen["next_roll"], &seen["held_back"]), (&next, &json!(false)));
    assert_eq!(seen["lanes"][1], json!({ "lane": 1, "business_date": "2026-11-23", "seq": 1 }));

    let body = json!({ "date": "2026-11-24" });
    let first = server.post_with("/v1/business-date", "early", &body).await;
    let rolled = first.expect(201);
    assert_eq!((&rolled["business_date"], &rolled["by"]), (&json!("2026-11-24"), &json!("operator")));
    let again = server.post_with("/v1/business-date", "early", &body).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.bytes), (201, Some("true"), &first.bytes));
    assert_eq!(sent_to(&server, "2026-11-24").await.bytes, first.bytes, "without a key too");
    let other = server.post_with("/v1/business-date", "early", &json!({ "date": "2026-11-25" })).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(sent_to(&server, "2026-11-25").await.problem(), (422, "business_date_too_far".to_owned()));
    assert_eq!(sent_to(&server, "tomorrow").await.problem(), (400, "malformed_time".to_owned()));
    let seen = server.get("/v1/business-date").await.expect(200);
    assert_eq!((&seen["business_date"], &seen["clock_date"]), (&json!("2026-11-24"), &json!("2026-11-23")));
    let key = server.get("/v1/idempotency-keys/early").await.expect(200);
    assert_eq!(key["body"], rolled);
    let server = server.restart(|_| {}).await;
    let after = server.post_with("/v1/business-date", "early", &body).await;
    assert_eq!((after.header("idempotency-replayed"), &after.bytes), (Some("true"), &first.bytes));
}

#[tokio::test]
async fn a_schedule_of_ones_own_is_followed() {
    let change = |config: &mut hwan::config::Config| config.business_day.rolls_at = "17:00".to_owned();
    let server = Server::start_with(change).await;
    let seen = server.get("/v1/business-date").await.expect(200);
    let next = json!({ "business_date": "2026-11-24", "at": "2026-11-23T08:00:00.000000Z" });
    assert_eq!((&seen["business_date"], &seen["next_roll"]), (&json!("2026-11-23"), &next));
}

#[tokio::test]
async fn a_day_closes_by_itself_after_the_roll_and_is_the_same_whenever_it_is_asked() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let buy = order(&customer, "buy", "100.00", "USD");
    server.post_with("/v1/exchanges", "x", &buy).await.expect(201);
    let early = server.post("/v1/closings", &json!({ "business_date": "2026-11-23" })).await;
    assert_eq!(early.problem(), (409, "day_not_over".to_owned()));
    assert!(text(&early.json()["detail"]).contains("lane 1: the books have"), "{:?}", early.json());
    let (code, output) = close(&server.data(), &["--date", "2026-11-23"]);
    assert!(code == 3 && output.contains("lane 1:"), "{code} {output}");

    server.clock.advance_micros(14 * 3_600 * 1_000_000);
    let closing = closed(&server, "2026-11-23").await;
    server.post_with("/v1/exchanges", "y", &buy).await.expect(422); // the rate has expired: nothing, on the next day
    let hash = Sha256::digest(text(&closing["text"])).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((&closing["hash"], &closing["balanced"]), (&json!(hash), &json!(true)));
    assert_eq!(closing["customers"], json!([money("864950", "KRW"), money("100.00", "USD")]));
    let again = server.post("/v1/closings", &json!({ "business_date": "2026-11-23" })).await.expect(201);
    assert_eq!(again, closing);
    let listed = server.get("/v1/closings").await.expect(200);
    assert_eq!((&listed["items"][0]["hash"], listed["items"].as_array().unwrap().len()), (&closing["hash"], 1));
    assert_eq!(listed["next"]["business_date"], "2026-11-24");
    assert!(text(&listed["next"]["missing"][0]).starts_with("lane 0: the books have come to 2026-11-24"));
    for (body, refused) in [
        ("2026-11-24", (409, "day_not_over")),
        ("2026-11-22", (404, "closing_not_found")),
        ("never", (400, "malformed_time")),
    ] {
        let answer = server.post("/v1/closings", &json!({ "business_date": body })).await;
        assert_eq!(answer.problem(), (refused.0, refused.1.to_owned()), "{body}");
    }
    // What was closed balances with what is held now, and with the trial balance of that day.
    let trial = server.get("/v1/ledger/trial-balance?as_of=2026-11-23").await.expect(200);
    assert_eq!(closing["lines"], trial["lines"]);

    let (code, output) = close(&server.data(), &["--date", "2026-11-23"]);
    assert!(code == 0 && output.contains(&hash) && output.contains("\nbalanced\n"), "{code} {output}");
    let (code, output) = close(&server.data(), &["--format", "json"]);
    let printed: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}"));
    assert_eq!((code, &printed["closings"], &printed["next"]["business_date"]), (0, &json!([]), &json!("2026-11-24")));
    let metrics = server.send_to(server.admin_address, admin(&server, "/metrics")).await;
    let metrics = String::from_utf8_lossy(&metrics.bytes).into_owned();
    assert!(metrics.contains("hwan_closing_damaged 0"), "{metrics}");
}

fn admin(server: &Server, path: &str) -> hyper::Request<Full<hyper::body::Bytes>> {
    hyper::Request::builder().uri(path).header("host", server.admin_address.to_string()).body(Full::default()).unwrap()
}

/// A customer who was paid 1,000,000 won on Monday morning, bought 100.00 USD at noon, sold 40.00 after midnight and was paid
/// 500 won on Wednesday.
async fn three_days(server: &Server) -> Customer {
    let body = json!({ "currency": "USD", "mid": "1350.50", "valid_until": "2026-12-23T02:00:00Z" });
    server.post("/v1/rounds", &body).await.expect(201);
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let hour = 3_600 * 1_000_000;
    server.clock.advance_micros(2 * hour);
    server.post_with("/v1/exchanges", "a", &order(&customer, "buy", "100.00", "USD")).await.expect(201);
    server.clock.advance_micros(13 * hour);
    sent_to(server, "2026-11-24").await.expect(201);
    server.post_with("/v1/exchanges", "b", &order(&customer, "sell", "40.00", "USD")).await.expect(201);
    server.clock.advance_micros(24 * hour);
    sent_to(server, "2026-11-25").await.expect(201);
    let body = json!({ "account_id": customer.won, "amount": money("500", "KRW") });
    server.post_with("/v1/deposits", "c", &body).await.expect(201);
    customer
}

#[tokio::test]
async fn balances_as_of_an_instant_or_a_date_are_exact() {
    let server = Server::start().await;
    let customer = three_days(&server).await;
    let as_of = async |account: &str, when: &str| {
        let path = format!("/v1/accounts/{account}/balances?as_of={when}");
        let body = server.get(&path).await.expect(200);
        assert_eq!((&body["account_id"], &body["as_of"]), (&json!(account), &json!(when)));
        let held: Vec<String> = body["balances"].as_array().unwrap().iter().map(|held| text(&held["amount"])).collect();
        (held.join(" "), body["version"].as_u64().unwrap(), body["final"] == true)
    };
    for (when, held, version, is_final) in [
        ("2026-11-23", "864950", 2, true),
        ("2026-11-24", "918970", 3, true),
        ("2026-11-25", "919470", 4, false),
        ("2026-11-23T01:00:00.000000Z", "1000000", 1, true),
        ("2026-11-23T02:59:59.999999Z", "1000000", 1, true),
        ("2026-11-23T03:00:00Z", "864950", 2, true),
        ("2026-11-23T15:59:59.999999Z", "864950", 2, true),
        ("2026-11-24T16:00:00Z", "919470", 4, false),
    ] {
        assert_eq!(as_of(&customer.won, when).await, (held.to_owned(), version, is_final), "{when}");
    }
    assert_eq!(as_of(&customer.foreign, "2026-11-23T02:00:00Z").await, (String::new(), 0, true));
    assert_eq!(as_of(&customer.foreign, "2026-11-23").await, ("100.00".to_owned(), 1, true));
    assert_eq!(as_of(&customer.foreign, "2026-11-25").await, ("60.00".to_owned(), 2, false));
    for (when, code) in [
        ("2026-11-26", (422, "as_of_in_future")),
        ("2026-11-24T16:00:00.000001Z", (422, "as_of_in_future")),
        ("2026-11-22", (422, "as_of_before_opening")),
        ("2026-11-23T00:59:59Z", (422, "as_of_before_opening")),
        ("yesterday", (400, "malformed_time")),
        ("2026-11-23T10:00:00", (400, "malformed_time")),
    ] {
        let answer = server.get(&format!("/v1/accounts/{}/balances?as_of={when}", customer.won)).await;
        assert_eq!(answer.problem(), (code.0, code.1.to_owned()), "{when}");
    }
}

#[tokio::test]
async fn a_statement_opens_moves_and_closes_and_its_pages_carry_the_balances_over() {
    let server = Server::start().await;
    let customer = three_days(&server).await;
    let statement = async |account: &str, query: &str| {
        server.get(&format!("/v1/accounts/{account}/statement?{query}")).await.expect(200)
    };
    let versions = |body: &Value| {
        let postings = body["postings"].as_array().unwrap();
        postings.iter().map(|posting| posting["version"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let tuesday = statement(&customer.won, "from=2026-11-24&to=2026-11-24").await;
    assert_eq!(tuesday["opening"], json!([money("864950", "KRW")]));
    assert_eq!((versions(&tuesday), &tuesday["final"]), (vec![3], &json!(true)));
    assert_eq!(tuesday["postings"][0]["amount"], money("54020", "KRW"));
    assert_eq!((&tuesday["closing"], &tuesday["next_cursor"]), (&json!([money("918970", "KRW")]), &Value::Null));

    let all = statement(&customer.won, "").await;
    assert_eq!((&all["from"], &all["to"], &all["final"]), (&json!("2026-11-01"), &json!("2026-11-25"), &json!(false)));
    assert_eq!((&all["opening"], versions(&all)), (&json!([]), vec![1, 2, 3, 4]));
    assert_eq!(all["closing"], json!([money("919470", "KRW")]));
    assert_eq!(server.booked(&customer.won, "KRW").await, "919470");

    let mut pages: Vec<Value> = Vec::new();
    loop {
        let cursor = pages.last().map(|page| format!("&cursor={}", text(&page["next_cursor"]))).unwrap_or_default();
        pages.push(statement(&customer.won, &format!("to=2026-11-25&limit=1{cursor}")).await);
        if pages.last().unwrap()["next_cursor"].is_null() {
            break;
        }
    }
    assert_eq!(pages.iter().flat_map(versions).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for pair in pages.windows(2) {
        assert_eq!(pair[0]["closing"], pair[1]["opening"], "a page opens with what the one before closed with");
    }
    let dollars = statement(&customer.foreign, "from=2026-11-24&currency=USD").await;
    assert_eq!((&dollars["opening"], versions(&dollars)), (&json!([money("100.00", "USD")]), vec![2]));
    let none = statement(&customer.foreign, "from=2026-11-24&currency=EUR").await;
    assert_eq!((&none["opening"], &none["postings"], &none["closing"]), (&json!([]), &json!([]), &json!([])));
    let quiet = statement(&customer.foreign, "from=2026-11-25&to=2026-11-25").await;
    assert_eq!((&quiet["opening"], &quiet["closing"]), (&quiet["closing"], &json!([money("60.00", "USD")])));
    for (query, code) in [
        ("from=2026-11-24&to=2026-11-23", (400, "out_of_range")),
        ("to=2026-11-26", (422, "as_of_in_future")),
        ("to=2026-11-22", (422, "as_of_before_opening")),
        ("currency=XXX", (400, "unknown_currency")),
        ("format=xml", (400, "out_of_range")),
        ("from=monday", (400, "malformed_time")),
        ("cursor=x", (400, "malformed_cursor")),
    ] {
        let answer = server.get(&format!("/v1/accounts/{}/statement?{query}", customer.won)).await;
        assert_eq!(answer.problem(), (code.0, code.1.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_statement_is_given_as_csv_to_who_asks_for_it() {
    let server = Server::start().await;
    let customer = three_days(&server).await;
    let path = format!("/v1/accounts/{}/statement?from=2026-11-24", customer.won);
    let by_format = server.get(&format!("{path}&format=csv")).await;
    assert_eq!((by_format.status, by_format.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let request = server.request("GET", &path).header("accept", "text/csv, */*;q=0.1");
    let by_accept = server.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(by_accept.bytes, by_format.bytes);
    let csv = String::from_utf8(by_format.bytes.to_vec()).unwrap();
    let rows: Vec<Vec<&str>> = csv.split_terminator("\r\n").map(|row| row.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 9), "{csv}");
    assert_eq!(rows[0], ["row", "business_date", "at", "version", "id", "kind", "currency", "amount", "balance"]);
    assert_eq!(rows[1], ["opening", "2026-11-24", "", "", "", "", "KRW", "", "864950"]);
    assert_eq!((rows[2][0], rows[2][5], rows[2][7], rows[2][8]), ("posting", "exchange", "54020", "918970"));
    assert_eq!((rows[3][0], rows[3][5], rows[3][7], rows[3][8]), ("posting", "deposit", "500", "919470"));
    assert_eq!(rows[4], ["closing", "2026-11-25", "", "", "", "", "KRW", "", "919470"]);
    let page = server.get(&format!("{path}&format=csv&limit=1")).await;
    let page = String::from_utf8(page.bytes.to_vec()).unwrap();
    assert!(page.lines().last().unwrap().starts_with("next_cursor,,,,"), "{page}");
}

#[tokio::test]
async fn midnight_passes_under_load_and_both_days_close_to_the_won() {
    let server = Server::start_with(|config| config.engine.customer_lanes = 3).await;
    let hour = 3_600 * 1_000_000;
    server.clock.advance_micros(14 * hour - 100_000);
    let body = json!({ "currency": "USD", "mid": "1350.50", "valid_until": "2026-12-23T02:00:00Z" });
    server.post("/v1/rounds", &body).await.expect(201);
    let mut customers = Vec::new();
    for _ in 0..6 {
        customers.push(server.customer(&[("KRW", "1000000"), ("USD", "100.00")]).await);
    }
    let exchanges = (0..180_usize).map(|number| {
        let (server, customer) = (&server, &customers[number % customers.len()]);
        async move {
            tokio::time::sleep(Duration::from_millis(number as u64 * 3)).await;
            if number == 60 {
                server.clock.advance_micros(100_000); // midnight, to the microsecond
            }
            let side = if number % 4 == 0 { "sell" } else { "buy" };
            let order = order(customer, side, "1.00", "USD");
            server.post_with("/v1/exchanges", &format!("load-{number}"), &order).await.expect(201)["business_date"]
                .clone()
        }
    });
    let dates = futures_util::future::join_all(exchanges).await;
    let on = |date: &str| dates.iter().filter(|of| **of == json!(date)).count();
    assert!(on("2026-11-23") >= 60 && on("2026-11-24") >= 60, "{} and {}", on("2026-11-23"), on("2026-11-24"));
    assert_eq!(on("2026-11-23") + on("2026-11-24"), dates.len());
    for date in ["2026-11-23", "2026-11-24"] {
        if date == "2026-11-24" {
            server.clock.advance_micros(24 * hour);
        }
        let closing = closed(&server, date).await;
        let mut held = std::collections::BTreeMap::<String, i64>::new();
        for account in customers.iter().flat_map(|customer| [&customer.won, &customer.foreign]) {
            let body = server.get(&format!("/v1/accounts/{account}/balances?as_of={date}")).await.expect(200);
            assert_eq!(body["final"], true);
            for balance in body["balances"].as_array().unwrap() {
                let minor: i64 = text(&balance["amount"]).replace('.', "").parse().unwrap();
                *held.entry(text(&balance["currency"])).or_default() += minor;
            }
        }
        let of_books = closing["customers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sum| (text(&sum["currency"]), text(&sum["amount"]).replace('.', "").parse::<i64>().unwrap()));
        assert_eq!(held, of_books.collect(), "{date}: what the accounts held is what the books closed with");
    }
}
