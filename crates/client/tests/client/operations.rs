//! Every operation: what goes out, and what is read of what comes back.

use std::{future::Future, sync::atomic::Ordering};

use hwan_client::{
    AccountStatus, AlertFilter, Answer, BatchItem, Check, Client, ClientError, Direction, ExchangeOrder, JournalFilter,
    KeyScope, KeyState, MarketOrder, Money, NewCover, NewCustomer, NewFact, Problem, QuoteStatus, Side, Span,
    StatementSpan,
};

use crate::{
    calls::EXCHANGE,
    server::{Act, client, json, serve},
};

/// Makes one call against one answer: what went out, and what came back.
async fn once<T, F: Future<Output = T>>(body: &str, call: impl FnOnce(Client) -> F) -> (String, T) {
    let server = serve(vec![Act::Answer(json("200 OK", "etag: \"4\"\r\n", body))]).await;
    let came = call(client(&server)).await;
    let request = server.requests.lock().unwrap()[0].clone();
    (request, came)
}

/// The request line and the body of a request.
fn parts(request: &str) -> (&str, &str) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().strip_suffix(" HTTP/1.1").unwrap(), body)
}

fn won(amount: &str) -> Money {
    Money::new(amount, "KRW")
}

const LIMIT: &str = r#"{"max":{"amount":"10","currency":"KRW"},"used":{"amount":"3","currency":"KRW"},
    "in_flight":{"amount":"0","currency":"KRW"},"remaining":{"amount":"7","currency":"KRW"},"reset_at":"t"}"#;
const AT: &str = r#""at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23""#;
const HELD: &str =
    r#""id":"acc_1","customer_id":"cus_1","kind":"won","status":"closed","version":4,"facts":[],"balances":[]"#;
const RATE: &str = r#"{"value":"1350.50","unit":1,"round":"USD-20261123-1","business_date":"2026-11-23","mid":"1350.50",
    "preference_percent":"100"}"#;

#[tokio::test]
async fn customers_are_opened_for_a_channel_and_listed_page_by_page() {
    let opened = r#"{"id":"cus_1","reference":null,"channel":"app","opened_at":"t","business_date":"d"}"#;
    let listed = r#"{"id":"cus_1","reference":"kim 1","channel":"app"}"#;
    let new = NewCustomer { reference: None, channel: Some("app".into()) };
    let (request, answer) = once(opened, |client| async move { client.open_customer(&new).await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/customers", r#"{"channel":"app"}"#));
    assert_eq!(answer.value.channel, "app");

    let page = |next: &str| Act::Answer(json("200 OK", "", &format!(r#"{{"items":[{listed}],"next_cursor":{next}}}"#)));
    let server = serve(vec![page(r#""c/1""#), page("null"), page("null")]).await;
    let mut pages = client(&server).customers(Some("kim 1"), Some(1));
    assert_eq!(pages.next_page().await.unwrap().unwrap()[0].id, "cus_1");
    assert_eq!(pages.cursor(), Some("c/1"));
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 1);
    assert_eq!(pages.next_page().await.unwrap(), None);
    let again = client(&server).customers(None, None).from_cursor("c/1").all(10).await.unwrap();
    assert_eq!(again.len(), 1);
    let lines: Vec<String> =
        server.requests.lock().unwrap().iter().map(|request| parts(request).0.to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/customers?reference=kim%201&limit=1",
            "GET /v1/customers?reference=kim%201&limit=1&cursor=c%2F1",
            "GET /v1/customers?cursor=c%2F1"
        ]
    );
}

#[tokio::test]
async fn a_list_that_is_longer_than_expected_ends_with_an_error() {
    let page = r#"{"items":[1,2],"next_cursor":"c"}"#;
    let server = serve((0..3).map(|_| Act::Answer(json("200 OK", "", page))).collect()).await;
    let audit = client(&server).audit(1, Some(2)).all(3).await;
    assert!(audit.is_err());
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn limits_are_of_a_customer_or_of_an_account() {
    let customer = format!(r#"{{"customer_id":"cus_1","daily":{LIMIT},"monthly":{LIMIT}}}"#);
    let (request, answer) =
        once(&customer, |client| async move { client.customer_limits("cus_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/customers/cus_1/limits");
    assert_eq!(answer.value.limits.daily.remaining, won("7"));

    let account = format!(
        r#"{{"account_id":"acc_1","customer":{{"daily":{LIMIT},"monthly":{LIMIT}}},"limited":{LIMIT},
            "holdings":[{{"currency":"VND","cap":{{"amount":"5","currency":"KRW"}},
            "held":{{"amount":"2","currency":"KRW"}},"remaining":{{"amount":"3","currency":"KRW"}}}}]}}"#
    );
    let (request, answer) = once(&account, |client| async move { client.account_limits("acc_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/limits");
    assert_eq!(answer.value.limited.unwrap().used, won("3"));
    assert_eq!(answer.value.holdings[0].held, Some(won("2")));
}

#[tokio::test]
async fn an_account_is_read_closed_and_changed_by_its_etag() {
    let account = format!("{{{HELD}}}");
    let (request, answer) = once(&account, |client| async move { client.account("acc_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1");
    assert_eq!((answer.value.status, answer.etag.as_deref()), (AccountStatus::Closed, Some("\"4\"")));

    let closed = format!(r#"{{"id":"chg_1","account_id":"acc_1","customer_id":"cus_1","status":"closed",{AT}}}"#);
    let (request, answer) =
        once(&closed, |client| async move { client.close_account("acc_1", Some("\"4\"")).await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/accounts/acc_1/close", "{}"));
    assert!(request.contains("\r\nIf-Match: \"4\"\r\n") && answer.value.status == AccountStatus::Closed);

    let fact = format!(r#"{{"id":"chg_2","fact":{{"check":"dormant","effective_from":"t"}},{AT}}}"#);
    let (request, _) = once(&fact, |client| async move {
        client.state_account_fact_if("acc_1", &NewFact::now("dormant"), "\"4\"").await.unwrap()
    })
    .await;
    assert_eq!(parts(&request), ("POST /v1/accounts/acc_1/facts", r#"{"check":"dormant"}"#));
    assert!(request.contains("\r\nIf-Match: \"4\"\r\n"));
}

#[tokio::test]
async fn interest_is_claimed_under_a_key_and_previewed() {
    const AMOUNTS: &str = r#""gross":{"amount":"547","currency":"KRW"},"income_tax":{"amount":"70","currency":"KRW"},
        "local_tax":{"amount":"0","currency":"KRW"},"net":{"amount":"477","currency":"KRW"}"#;
    const PERIOD: &str = r#"{"from":"2026-11-22","through":"2026-11-22","days":1}"#;
    let accruals = format!(
        r#""accruals":[{{"period":{PERIOD},"annual_percent":"2","closings":{{"amount":"10000000","currency":"KRW"}}}}]"#
    );
    let whose = r#""kind":"interest","account_id":"acc_1","customer_id":"cus_1""#;
    let paid = format!(r#"{{"id":"txn_1",{whose},"period":{PERIOD},{accruals},{AMOUNTS},"postings":[],{AT}}}"#);
    let (request, answer) =
        once(&paid, |client| async move { client.claim_interest("acc_1", "k").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/accounts/acc_1/interest", "{}"));
    assert!(request.contains("\r\nIdempotency-Key: k\r\n"), "{request}");
    assert_eq!((answer.value.id.as_deref(), &answer.value.net), (Some("txn_1"), &won("477")));

    let nothing = format!(r#"{{{whose},"accruals":[],{AMOUNTS},"postings":[],{AT}}}"#);
    let (_, answer) = once(&nothing, |client| async move { client.claim_interest("acc_1", "k").await.unwrap() }).await;
    assert_eq!((answer.value.id, answer.value.period), (None, None));

    let due =
        format!(r#"{{{whose},"paid_through":null,"annual_percent":"2","period":{PERIOD},{accruals},{AMOUNTS},{AT}}}"#);
    let (request, answer) = once(&due, |client| async move { client.interest("acc_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/interest");
    assert_eq!(answer.value.accruals[0].closings, won("10000000"));
}

#[tokio::test]
async fn an_account_that_did_not_change_is_not_read_again() {
    let unchanged = || Act::Answer("HTTP/1.1 304 Not Modified\r\nETag: \"4\"\r\n\r\n".into());
    let server = serve(vec![unchanged(), unchanged(), Act::Answer(json("200 OK", "", &format!("{{{HELD}}}")))]).await;
    let client = client(&server);
    assert!(client.account_unless("acc_1", "\"4\"").await.unwrap().is_none());
    assert!(client.balances_unless("acc_1", "\"4\"").await.unwrap().is_none());
    assert!(client.account_unless("acc_1", "\"3\"").await.unwrap().is_some());
    assert!(server.requests.lock().unwrap()[1].contains("\r\nIf-None-Match: \"4\"\r\n"));
}

#[tokio::test]
async fn the_passbook_is_listed_by_time() {
    let entry = format!(
        r#"{{"items":[{{"version":2,"id":"exg_1","kind":"exchange","amount":{{"amount":"-5","currency":"KRW"}},
            "balance_after":{{"amount":"1","currency":"KRW"}},{AT}}}],"next_cursor":null}}"#
    );
    let span = Span { from: Some("2026-11-23T00:00:00Z".into()), to: None, limit: Some(5) };
    let (request, entries) =
        once(&entry, |client| async move { client.entries("acc_1", &span).all(5).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/entries?from=2026-11-23T00%3A00%3A00Z&limit=5");
    assert_eq!((entries[0].kind.as_str(), &entries[0].amount), ("exchange", &won("-5")));
    let page = format!(r#"{{"items":[{EXCHANGE}],"next_cursor":null}}"#);
    let (request, listed) =
        once(&page, |client| async move { client.exchanges("acc_1", &Span::default()).all(5).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/exchanges?account_id=acc_1");
    assert_eq!(listed[0].reversal_id, None);
}

#[tokio::test]
async fn checks_and_exchanges_are_tried_dry() {
    let checked = format!(
        r#"{{"account_id":"acc_1","direction":"debit","amount":{{"amount":"5","currency":"KRW"}},"admitted":false,
            "violations":[{{"code":"dormant","detail":"d"}}],{AT}}}"#
    );
    let check = Check { direction: Direction::CompensatingCredit, amount: won("5") };
    let (request, answer) =
        once(&checked, |client| async move { client.check_account("acc_1", &check).await.unwrap() }).await;
    assert_eq!(
        parts(&request),
        (
            "POST /v1/accounts/acc_1/checks",
            r#"{"direction":"compensating_credit","amount":{"amount":"5","currency":"KRW"}}"#
        )
    );
    assert_eq!((answer.value.admitted, answer.value.violations[0].code.as_str()), (false, "dormant"));

    let trial = format!(r#"{{"dry_run":true,"admitted":true,"violations":[],"side":"buy","rate":{RATE},{AT}}}"#);
    let (request, answer) =
        once(&trial, |client| async move { client.try_exchange(&order("1.00")).await.unwrap() }).await;
    assert_eq!(
        parts(&request).1,
        r#"{"customer_id":"cus_1","side":"buy","currency":"USD","foreign_amount":{"amount":"1.00","currency":"USD"},"dry_run":true}"#
    );
    assert!(answer.value.admitted && answer.value.won.is_none() && !request.contains("Idempotency-Key"));
}

fn order(amount: &str) -> ExchangeOrder {
    MarketOrder::of_foreign("cus_1", Side::Buy, Money::new(amount, "USD")).into()
}

#[tokio::test]
async fn a_batch_has_an_outcome_for_each_item() {
    let body = format!(
        r#"{{"items":[{{"key":"a","status":201,"replayed":true,"body":{EXCHANGE}}},
            {{"key":"b","status":422,"replayed":false,"body":{{"code":"amount_too_small","detail":"d","retryable":false}}}}]}}"#
    );
    let items =
        [("a", "1.00"), ("b", "0.00")].map(|(key, amount)| BatchItem { key: key.into(), exchange: order(amount) });
    let (request, answer) = once(&body, |client| async move { client.execute_batch(&items).await.unwrap() }).await;
    let (line, sent) = parts(&request);
    assert_eq!(line, "POST /v1/exchanges:batch");
    assert!(sent.starts_with(r#"{"items":[{"key":"a","exchange":{"customer_id":"cus_1","#), "{sent}");
    let [first, second] = answer.value.items.as_slice() else { panic!("two items") };
    assert_eq!((first.exchange().unwrap().id.as_str(), first.replayed), ("exg_0040000000001", true));
    let Some(Problem { status: 422, code, .. }) = second.problem() else { panic!("a problem") };
    assert_eq!(code, "amount_too_small");
    assert!(matches!(second.exchange(), Err(ClientError::Problem(_))));
}

#[tokio::test]
async fn an_exchange_is_reversed_with_a_reason() {
    let body = format!(
        r#"{{"id":"rev_1","exchange_id":"exg_1","customer_id":"cus_1","reason":"wrong rate",
            "won":{{"amount":"5","currency":"KRW"}},"foreign":{{"amount":"1.00","currency":"USD"}},"postings":[],
            "suspense":{{"amount":"5","currency":"KRW"}},{AT}}}"#
    );
    let (request, answer) =
        once(&body, |client| async move { client.reverse_exchange("exg_1", "wrong rate", "k").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/exchanges/exg_1/reversal", r#"{"reason":"wrong rate"}"#));
    assert!(request.contains("\r\nIdempotency-Key: k\r\n"));
    assert_eq!(answer.value.suspense, Some(won("5")));
    let (request, _) = once(&body, |client| async move { client.reversal("rev_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/reversals/rev_1");
}

#[tokio::test]
async fn a_cover_trade_is_recorded_under_a_key_and_read() {
    let body = format!(
        r#"{{"id":"cov_1","side":"sell","amount":{{"amount":"1.00","currency":"USD"}},"won":{{"amount":"5","currency":"KRW"}},
            "rate":"5.00","unit":1,"reference":null,"by":"treasury-1",{AT}}}"#
    );
    let deal = NewCover {
        side: Side::Sell,
        amount: Money::new("1.00", "USD"),
        rate: "5.00".into(),
        won: None,
        reference: None,
    };
    let (request, answer) = once(&body, |client| async move { client.cover(&deal, "k").await.unwrap() }).await;
    let sent = r#"{"side":"sell","amount":{"amount":"1.00","currency":"USD"},"rate":"5.00"}"#;
    assert_eq!(parts(&request), ("POST /v1/positions/covers", sent));
    assert!(request.contains("\r\nIdempotency-Key: k\r\n"));
    assert_eq!((answer.value.won, answer.value.reference), (won("5"), None));
    let (request, _) = once(&body, |client| async move { client.read_cover("cov_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/positions/covers/cov_1");
}

#[tokio::test]
async fn a_quote_is_read_by_its_capability() {
    let body = format!(
        r#"{{"quote":"q","id":"qte_1","customer_id":"cus_1","won_account_id":"acc_1","foreign_account_id":"acc_2",
            "side":"buy","foreign":{{"amount":"1.00","currency":"USD"}},"won":{{"amount":"5","currency":"KRW"}},
            "rate":{RATE},"expires_at":"t","status":"used","exchange_id":"exg_1"}}"#
    );
    let (request, answer) = once(&body, |client| async move { client.quote_state("q/q").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/quotes/q%2Fq");
    assert_eq!((answer.value.status, answer.value.exchange_id.as_deref()), (QuoteStatus::Used, Some("exg_1")));
    assert_eq!(answer.value.quote.won, won("5"));
}

#[tokio::test]
async fn a_key_says_what_became_of_its_request() {
    let done = format!(
        r#"{{"key":"k","state":"completed","event":"exchanged","id":"exg_1","location":"/v1/exchanges/exg_1",
            "at":"t","business_date":"d","status":201,"body":{EXCHANGE}}}"#
    );
    let (request, answer) =
        once(&done, |client| async move { client.key("k/ 1", KeyScope::Customer("cus_1")).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/idempotency-keys/k%2F%201?customer_id=cus_1");
    let KeyState::Completed(completed) = answer.value else { panic!("completed") };
    assert_eq!((completed.status, completed.body["id"].as_str()), (201, Some("exg_0040000000001")));
    let (request, answer): (String, Answer<KeyState>) =
        once(r#"{"key":"k","state":"in_flight"}"#, |client| async move {
            client.key("k", KeyScope::OwnerOf("acc_1")).await.unwrap()
        })
        .await;
    assert_eq!(parts(&request).0, "GET /v1/idempotency-keys/k?account_id=acc_1");
    assert_eq!(answer.value, KeyState::InFlight { key: "k".into() });
}

#[tokio::test]
async fn rounds_are_listed_and_voided_and_halts_set_and_lifted() {
    let voided =
        format!(r#"{{"id":"chg_1","round":"USD-20261123-1","currency":"USD","reason":"typo","by":"ops-1",{AT}}}"#);
    let (request, _) =
        once(&voided, |client| async move { client.void_round("USD-20261123-1", "typo").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/rounds/USD-20261123-1/void", r#"{"reason":"typo"}"#));

    let (request, rounds) = once(r#"{"items":[],"next_cursor":null}"#, |client| async move {
        client.rounds("USD", Some("2026-11-23"), None).all(1).await.unwrap()
    })
    .await;
    assert_eq!(parts(&request).0, "GET /v1/rounds?currency=USD&business_date=2026-11-23");
    assert!(rounds.is_empty());

    let halted = format!(r#"{{"id":"chg_2","currency":"USD","reason":"war","by":"ops-1",{AT}}}"#);
    let (request, _) = once(&halted, |client| async move { client.halt("USD", "war").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/halts", r#"{"currency":"USD","reason":"war"}"#));
    let halts = r#"{"halts":[{"currency":"USD","reason":"war","by":"ops-1","since":"t"}]}"#;
    let (request, halts) = once(halts, |client| async move { client.halts().await.unwrap() }).await;
    assert_eq!((parts(&request).0, halts[0].by.as_str()), ("GET /v1/halts", "ops-1"));
    let lifted = format!(r#"{{"id":"chg_3","currency":"USD","lifted_by":"ops-2",{AT}}}"#);
    let (request, answer) = once(&lifted, |client| async move { client.lift_halt("USD").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/halts/USD/lift", "{}"));
    assert_eq!(answer.value.lifted_by, "ops-2");
    let pair = r#"{"pair":"USD/KRW","currency":"USD","unit":1,"rate_decimals":2,"spread_percent":"1",
        "preference_percent":"100","status":"halted","halt":{"reason":"war","since":"t"}}"#;
    let (request, answer) = once(pair, |client| async move { client.pair("USD").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/pairs/USD");
    assert_eq!(answer.value.halt.unwrap().reason, "war");
}

#[tokio::test]
async fn the_books_are_read_by_the_banks_own_people() {
    let krw = |amount: &str| format!(r#"{{"amount":"{amount}","currency":"KRW"}}"#);
    let line = format!(
        r#"{{"account":"2010","name":"Won deposits (control)","debit":{},"credit":{},"balance":{}}}"#,
        krw("0"),
        krw("5"),
        krw("-5")
    );
    let body = format!(
        r#"{{"as_of":"2026-11-23","balanced":true,"sums":[{{"debit":{0},"credit":{0},"balanced":true}}],"lines":[{line}]}}"#,
        krw("5")
    );
    let (request, answer) =
        once(&body, |client| async move { client.trial_balance(Some("2026-11-23")).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/ledger/trial-balance?as_of=2026-11-23");
    assert_eq!((answer.value.balanced, &answer.value.lines[0].balance), (true, &won("-5")));

    let body = r#"{"items":[],"next_cursor":null}"#;
    let filter = JournalFilter { account: Some("1901[USD]"), lane: Some(1), ..JournalFilter::default() };
    let (request, _) =
        once(body, |client| async move { client.journals(&filter, Some(2)).all(9).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/ledger/journals?account=1901%5BUSD%5D&lane=1&limit=2");

    let body = r#"{"records":2,"seconds":0.5,"lanes":[{"lane":1,"engine_seq":9,"ledger_seq":7,"records":2,"seconds":0.5,
        "posted_at":null,"stopped":null,"dead_letters":0}]}"#;
    let (request, answer) = once(body, |client| async move { client.ledger_lag().await.unwrap() }).await;
    assert_eq!((parts(&request).0, answer.value.lanes[0].records), ("GET /v1/ledger/lag", 2));

    let side = format!(r#"{{"amount":{{"amount":"1.00","currency":"USD"}},"won":{},"average_rate":null}}"#, krw("5"));
    let body = format!(
        r#"{{"positions":[{{"currency":"USD","unit":1,"open":{{"amount":"0.00","currency":"USD"}},"bought":{side},
            "sold":{side},"realised_won":"0","mid":null,"round":null,"open_won":null,"unrealised_won":null,
            "total_won":null,"limit":{{"soft":{0},"hard":{0}}},"mark":null}}]}}"#,
        krw("5")
    );
    let (request, positions) = once(&body, |client| async move { client.positions().await.unwrap() }).await;
    assert_eq!((parts(&request).0, positions[0].bought.won.clone()), ("GET /v1/positions", won("5")));
}

#[tokio::test]
async fn reconciliations_are_started_listed_and_read() {
    let run = |status: &str| {
        format!(
            r#""id":"rcn_1","business_date":"2026-11-22","status":"{status}","started_at":"2026-11-23T01:00:00.000000Z",
            "finished_at":null,"accounts":2,"postings":5,"breaks":0"#
        )
    };
    let body = format!("{{{}}}", run("running"));
    let (request, answer) =
        once(&body, |client| async move { client.reconcile(Some("2026-11-22")).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "POST /v1/reconciliations");
    assert!(request.ends_with(r#"{"business_date":"2026-11-22"}"#), "{request}");
    assert_eq!(answer.value.status, "running");
    let body = format!(r#"{{"items":[{{{}}}],"next_cursor":null}}"#, run("clean"));
    let (request, all) =
        once(&body, |client| async move { client.reconciliations(Some(5)).all(9).await.unwrap() }).await;
    assert_eq!((parts(&request).0, all.len()), ("GET /v1/reconciliations?limit=5", 1));
    let body = format!(r#"{{{},"report":{{"checks":[]}}}}"#, run("clean"));
    let (request, answer) = once(&body, |client| async move { client.reconciliation("rcn_1").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/reconciliations/rcn_1");
    assert_eq!(answer.value.report.unwrap().get(), r#"{"checks":[]}"#);
}

#[tokio::test]
async fn the_journal_is_read_by_an_auditor() {
    let body = format!(
        r#"{{"items":[{{"lane":1,"seq":7,"event":"exchanged","id":"exg_1","caller":"app","customer_id":"cus_1",{AT}}}],
            "next_cursor":null}}"#
    );
    let (request, entries) = once(&body, |client| async move { client.audit(1, None).all(9).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/audit?lane=1");
    assert_eq!((entries[0].seq, entries[0].caller.as_str()), (7, "app"));
}

#[tokio::test]
async fn days_are_read_sent_on_and_closed() {
    let rolled = r#"{"business_date":"2026-11-24","seq":5,"by":"ops","at":"t"}"#;
    let (request, answer) =
        once(rolled, |client| async move { client.roll_business_date("2026-11-24", Some("k")).await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/business-date", r#"{"date":"2026-11-24"}"#));
    assert!(request.contains("Idempotency-Key: k\r\n") && answer.value.seq == 5);
    let seen = r#"{"business_date":"2026-11-23","clock":"t","clock_date":"2026-11-23","held_back":false,
        "schedule":{"utc_offset":"+09:00","rolls_at":"00:00"},"next_roll":{"business_date":"2026-11-24","at":"t"},
        "lanes":[{"lane":0,"business_date":null,"seq":0}]}"#;
    let (_, answer) = once(seen, |client| async move { client.business_date().await.unwrap() }).await;
    assert_eq!((answer.value.lanes[0].seq, answer.value.held_back), (0, false));
    let closing = r#"{"business_date":"2026-11-23","hash":"a","previous":"b","balanced":true,"customers":[],
        "lanes":[{"lane":1,"seq":7,"hash":"c"}],"lines":[],"text":"t"}"#;
    let (request, answer) =
        once(closing, |client| async move { client.close_business_date("2026-11-23").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/closings", r#"{"business_date":"2026-11-23"}"#));
    assert_eq!(answer.value.lanes[0].seq, 7);
    let (request, _) = once(closing, |client| async move { client.closing("2026-11-23").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/closings/2026-11-23");
    let listed = r#"{"items":[{"business_date":"2026-11-23","hash":"a","previous":"b","balanced":true,"customers":[]}],
        "next":null,"next_cursor":null}"#;
    let (request, closings) =
        once(listed, |client| async move { client.closings(Some(1)).all(9).await.unwrap() }).await;
    assert_eq!((parts(&request).0, closings.len()), ("GET /v1/closings?limit=1", 1));
}

#[tokio::test]
async fn what_an_account_held_and_its_statement_are_read() {
    let held = r#"{"account_id":"acc_1","as_of":"2026-11-23","version":2,"final":true,"balances":[{"amount":"5","currency":"KRW"}]}"#;
    let (request, answer) =
        once(held, |client| async move { client.balances_as_of("acc_1", "2026-11-23").await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/balances?as_of=2026-11-23");
    assert_eq!((answer.value.is_final, &answer.value.balances[0]), (true, &won("5")));
    let statement = r#"{"account_id":"acc_1","from":"2026-11-01","to":"2026-11-23","final":false,"opening":[],"postings":[],
        "closing":[],"next_cursor":null}"#;
    let span = StatementSpan { from: Some("2026-11-01"), currency: Some("KRW"), ..StatementSpan::default() };
    let (request, answer) =
        once(statement, |client| async move { client.statement("acc_1", &span).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/statement?from=2026-11-01&currency=KRW");
    assert_eq!(answer.value.to, "2026-11-23");
    let (request, answer) =
        once("row\r\n", |client| async move { client.statement_csv("acc_1", &span).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/accounts/acc_1/statement?from=2026-11-01&currency=KRW&format=csv");
    assert_eq!(answer.body, b"row\r\n");
}

#[tokio::test]
async fn alerts_are_listed_read_and_decided() {
    let alert = |state: &str| {
        format!(
            r#"{{"id":"velocity.cus_1.t7","rule":"velocity","severity":"warning","state":"{state}",
            "subject":{{"kind":"customer","id":"cus_1"}},"rule_says":null,"expected":"at most 2","found":"3",
            "record":{{"lane":1,"seq":7}},"account_id":null,"currency":"USD","at":"t","first_seen":"t","last_seen":"t",
            "times_seen":1,"times_reopened":0,"acknowledged":{{"by":"ops-1","at":"t","note":""}},"resolved":null}}"#
        )
    };
    let page = format!(r#"{{"items":[{}],"next_cursor":null}}"#, alert("open"));
    let filter = AlertFilter { rule: Some("velocity"), state: Some("open"), ..AlertFilter::default() };
    let (request, alerts) =
        once(&page, |client| async move { client.alerts(&filter, Some(5)).all(9).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/alerts?rule=velocity&state=open&limit=5");
    assert_eq!((alerts[0].subject.id.as_str(), alerts[0].record.unwrap().seq), ("cus_1", 7));
    let id = "velocity.cus_1.t7";
    let (request, _) = once(&alert("open"), |client| async move { client.alert(id).await.unwrap() }).await;
    assert_eq!(parts(&request).0, "GET /v1/alerts/velocity.cus_1.t7");
    let (request, answer) =
        once(&alert("acknowledged"), |client| async move { client.acknowledge_alert(id, None).await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/alerts/velocity.cus_1.t7/acknowledge", "{}"));
    assert_eq!(answer.value.acknowledged.unwrap().by, "ops-1");
    let (request, answer) =
        once(&alert("resolved"), |client| async move { client.resolve_alert(id, "a robot").await.unwrap() }).await;
    assert_eq!(parts(&request), ("POST /v1/alerts/velocity.cus_1.t7/resolve", r#"{"note":"a robot"}"#));
    assert_eq!(answer.value.state, "resolved");
}
