//! The bank's own books, over HTTP: they follow what customers and the treasury do.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Customer, Server, order, text};

const COVERS: &str = "/v1/positions/covers";

/// Waits until the books have followed.
async fn settled(server: &Server) {
    for _ in 0..200 {
        let lag = server.get("/v1/ledger/lag").await.expect(200);
        if lag["records"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the books do not follow: {}", server.get("/v1/ledger/lag").await.expect(200));
}

fn money(amount: &str, currency: &str) -> Value {
    json!({ "amount": amount, "currency": currency })
}

async fn buy(server: &Server, customer: &Customer, amount: &str) -> Value {
    server.post_with("/v1/exchanges", &server.key(), &order(customer, "buy", amount, "USD")).await.expect(201)
}

async fn cover(server: &Server, side: &str, amount: &str, rate: &str) -> Value {
    let deal = json!({ "side": side, "amount": money(amount, "USD"), "rate": rate, "reference": "deal-7" });
    server.post_with(COVERS, &server.key(), &deal).await.expect(201)
}

/// What a line of the books says of an account: debit, credit, balance.
fn line<'a>(lines: &'a Value, account: &str) -> [&'a str; 3] {
    let line = lines.as_array().unwrap().iter().find(|line| line["account"] == account);
    let line = line.unwrap_or_else(|| panic!("no {account} in {lines}"));
    ["debit", "credit", "balance"].map(|side| line[side]["amount"].as_str().unwrap())
}

#[tokio::test]
async fn what_is_bought_and_covered_stands_in_the_books_and_every_currency_balances() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let bought = buy(&server, &customer, "100.00").await;
    let covered = cover(&server, "buy", "100.00", "1349.00").await;
    settled(&server).await;

    let trial = server.get("/v1/ledger/trial-balance").await.expect(200);
    assert_eq!((&trial["balanced"], &trial["as_of"]), (&json!(true), &Value::Null));
    for (account, sides) in [
        ("1010", ["1000000", "134900", "865100"]),
        ("1110[USD]", ["100.00", "0.00", "100.00"]),
        ("1900[USD]", ["100.00", "100.00", "0.00"]),
        ("1901[USD]", ["134900", "135050", "-150"]),
        ("2010", ["135050", "1000000", "-864950"]),
        ("2110[USD]", ["0.00", "100.00", "-100.00"]),
    ] {
        assert_eq!(line(&trial["lines"], account), sides, "{account}");
    }
    let today = server.get("/v1/ledger/trial-balance?as_of=2026-11-23").await.expect(200);
    assert_eq!((&today["lines"], &today["as_of"]), (&trial["lines"], &json!("2026-11-23")));
    let before = server.get("/v1/ledger/trial-balance?as_of=2026-11-22").await.expect(200);
    assert_eq!((&before["lines"], &before["balanced"]), (&json!([]), &json!(true)));

    let chart = server.get("/v1/ledger/accounts").await.expect(200);
    let accounts = chart["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 17);
    let equivalent = accounts.iter().find(|account| account["code"] == 1901).unwrap();
    assert_eq!((&equivalent["class"], &equivalent["per_currency"]), (&json!("position"), &json!(true)));
    assert_eq!(line(&equivalent["balances"], "1901[USD]"), ["134900", "135050", "-150"]);

    let journal = server.get(&format!("/v1/ledger/journals/{}", text(&bought["id"]))).await.expect(200);
    let entry = |account, side, amount: &str, currency| json!({ "account": account, "side": side, "amount": money(amount, currency) });
    let entries = journal["entries"].as_array().unwrap();
    assert_eq!((&journal["kind"], entries.len()), (&json!("exchange"), 4));
    for expected in [
        entry("2010", "debit", "135050", "KRW"),
        entry("1901[USD]", "credit", "135050", "KRW"),
        entry("1900[USD]", "debit", "100.00", "USD"),
        entry("2110[USD]", "credit", "100.00", "USD"),
    ] {
        assert!(entries.contains(&expected), "{expected} in {journal}");
    }
    let journal = server.get(&format!("/v1/ledger/journals/{}", text(&covered["id"]))).await.expect(200);
    assert_eq!((&journal["lane"], &journal["reference"]), (&json!(0), &json!("deal-7")));
}

#[tokio::test]
async fn a_position_says_what_is_open_what_it_has_earned_and_how_far_it_may_go() {
    let server = Server::start_with(|config| {
        config.positions.soft_won = 135_050;
        config.positions.hard_won = 270_100;
    })
    .await;
    server.publish("USD", "1350.50").await;
    assert_eq!(server.get("/v1/positions").await.expect(200), json!({ "positions": [] }));
    let customer = server.customer(&[("KRW", "1000000")]).await;
    let position = async |field: &str| {
        settled(&server).await;
        server.get("/v1/positions").await.expect(200)["positions"][0][field].clone()
    };
    buy(&server, &customer, "99.99").await;
    assert_eq!((position("mark").await, position("open").await), (json!("within"), money("-99.99", "USD")));
    buy(&server, &customer, "0.01").await;
    assert_eq!((position("mark").await, position("open_won").await), (json!("soft"), json!("-135050")));
    buy(&server, &customer, "100.00").await;
    assert_eq!(position("mark").await, json!("hard"));

    cover(&server, "buy", "100.00", "1349.00").await;
    server.publish("USD", "1351.00").await;
    settled(&server).await;
    let found = server.get("/v1/positions").await.expect(200)["positions"][0].clone();
    assert_eq!((&found["mark"], &found["mid"], &found["unit"]), (&json!("soft"), &json!("1351.00"), &json!(1)));
    // Sold 200.00 for 270,101 won (one won is rounding), bought 100.00 for 134,900; the rest is worth 135,100.
    assert_eq!(found["sold"]["won"], money("270101", "KRW"));
    assert_eq!(
        found["bought"],
        json!({ "amount": money("100.00", "USD"), "won": money("134900", "KRW"), "average_rate": "1349" })
    );
    let earned = ["realised_won", "unrealised_won", "total_won"].map(|field| text(&found[field]));
    assert_eq!(earned, ["150", "-49", "101"]);
    assert_eq!(found["limit"], json!({ "soft": money("135050", "KRW"), "hard": money("270100", "KRW") }));
}

#[tokio::test]
async fn journals_are_listed_newest_first_page_by_page_and_by_date_account_and_lane() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000"), ("USD", "5.00")]).await;
    for _ in 0..3 {
        buy(&server, &customer, "1.00").await;
    }
    let covered = cover(&server, "buy", "3.00", "1349.00").await;
    settled(&server).await;
    let listed = async |query: &str| {
        let mut kinds = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server.get(&format!("/v1/ledger/journals?limit=2{query}{cursor}")).await.expect(200);
            kinds.extend(page["items"].as_array().unwrap().iter().map(|item| text(&item["kind"])));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return kinds,
            }
        }
    };
    let of_customers = ["exchange", "exchange", "exchange", "deposit", "deposit"];
    assert_eq!(listed("").await, [&of_customers[..], &["cover"]].concat());
    assert_eq!(listed("&lane=1").await, of_customers);
    assert_eq!(listed("&lane=0").await, ["cover"]);
    assert_eq!(listed("&lane=7").await, [""; 0]);
    assert_eq!(listed("&account=1901[USD]").await, ["exchange", "exchange", "exchange", "cover"]);
    assert_eq!(listed("&account=1901").await, ["exchange", "exchange", "exchange", "cover"]);
    assert_eq!(listed("&account=1110[USD]").await, ["deposit", "cover"]);
    assert_eq!(listed("&account=1901[JPY]").await, [""; 0]);
    assert_eq!(listed("&business_date=2026-11-23").await.len(), 6);
    assert_eq!(listed("&business_date=2026-11-24").await.len(), 0);
    for (query, code) in [
        ("account=USD", "malformed_id"),
        ("account=1901[USD", "malformed_id"),
        ("account=1901[XXX]", "malformed_id"),
        ("account=0", "malformed_id"),
        ("lane=40000", "out_of_range"),
        ("business_date=today", "malformed_time"),
        ("cursor=abc", "malformed_cursor"),
        ("kind=cover", "unknown_parameter"),
    ] {
        let answer = server.get(&format!("/v1/ledger/journals?{query}")).await;
        assert_eq!(answer.problem(), (400, code.to_owned()), "{query}");
    }
    // The same place under another name is no journal, nor is what moved no money.
    let id = text(&covered["id"]);
    for id in [id.replace("cov", "exg"), id.replace("cov", "txn"), customer.id.clone(), "exg_1".to_owned()] {
        let answer = server.get(&format!("/v1/ledger/journals/{id}")).await;
        assert_eq!(answer.problem(), (404, "journal_not_found".to_owned()), "{id}");
    }
    assert_eq!(server.get("/v1/ledger/dead-letters").await.expect(200), json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn the_books_go_on_after_a_restart_and_say_how_far_they_are() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    buy(&server, &customer, "1.00").await;
    settled(&server).await;
    let before = server.get("/v1/ledger/trial-balance").await.expect(200);
    let server = server.restart(|_| {}).await;
    settled(&server).await;
    assert_eq!(server.get("/v1/ledger/trial-balance").await.expect(200), before);
    let further = order(&customer, "buy", "1.00", "USD");
    server.post_with("/v1/exchanges", "after-the-restart", &further).await.expect(201);
    settled(&server).await;
    let lag = server.get("/v1/ledger/lag").await.expect(200);
    let lanes = lag["lanes"].as_array().unwrap();
    assert_eq!(lanes.len(), 2, "{lag}");
    for lane in lanes {
        assert_eq!((&lane["engine_seq"], &lane["stopped"]), (&lane["ledger_seq"], &Value::Null), "{lag}");
        assert_eq!((&lane["dead_letters"], &lane["seconds"]), (&json!(0), &json!(0.0)), "{lag}");
    }
}

#[tokio::test]
async fn a_server_without_books_says_so_and_trades_all_the_same() {
    let server = Server::start_with(|config| config.accounting.enabled = false).await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "1000000")]).await;
    buy(&server, &customer, "1.00").await;
    for path in
        ["/v1/ledger/accounts", "/v1/ledger/journals", "/v1/ledger/trial-balance", "/v1/ledger/lag", "/v1/positions"]
    {
        assert_eq!(server.get(path).await.problem(), (404, "ledger_off".to_owned()), "{path}");
    }
    cover(&server, "buy", "1.00", "1349.00").await;
}
