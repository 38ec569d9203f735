//! Calls: what comes back, what is known when nothing does, what is reused.

use std::{io, sync::atomic::Ordering, time::Duration};

use hwan_client::{
    Client, ClientConfig, ClientError, ClockMove, Connection, ExchangeOrder, KnownOutcome, MarketOrder, Method, Money,
    Movement, Request, Sent, ServerAddr, Side,
};
use tokio::net::TcpListener;

use crate::server::{Act, client, json, serve};

pub(crate) const EXCHANGE: &str = r#"{"id":"exg_0040000000001","customer_id":"cus_1","side":"buy","rate":{"value":"1350.50","unit":1,
    "round":"USD-20261123-1","business_date":"2026-11-23","mid":"1350.50","preference_percent":"100"},
    "won":{"amount":"1351","currency":"KRW"},"foreign":{"amount":"1.00","currency":"USD"},"postings":[
    {"account_id":"acc_1","amount":{"amount":"-1351","currency":"KRW"},"balance_after":{"amount":"0","currency":"KRW"},"version":2},
    {"account_id":"acc_2","amount":{"amount":"1.00","currency":"USD"},"balance_after":{"amount":"1.00","currency":"USD"},"version":1}],
    "at":"2026-11-23T01:00:00.000000Z","business_date":"2026-11-23"}"#;

fn order() -> ExchangeOrder {
    MarketOrder::of_foreign("cus_1", Side::Buy, Money::new("1.00", "USD")).into()
}

#[tokio::test]
async fn an_exchange_goes_out_as_the_api_reads_it_and_comes_back_typed() {
    let answer = json("201 Created", "Idempotency-Replayed: true\r\n", EXCHANGE);
    let server = serve(vec![Act::Answer(answer)]).await;
    let answer = client(&server).execute_exchange(&order(), "k-1").await.unwrap();
    assert_eq!((answer.status, answer.replayed, answer.body.as_slice()), (201, true, EXCHANGE.as_bytes()));
    assert_eq!(answer.value.postings[0].amount.minor_units(), Some(-1351));
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v1/exchanges HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nAuthorization: Bearer t0k3n\r\nIdempotency-Key: k-1\r\n"), "{request}");
    let body = request.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(
        body,
        r#"{"customer_id":"cus_1","side":"buy","currency":"USD","foreign_amount":{"amount":"1.00","currency":"USD"}}"#
    );
}

#[tokio::test]
async fn a_quoted_exchange_sends_the_quote_alone() {
    let server = serve(vec![Act::Answer(json("201 Created", "", EXCHANGE))]).await;
    client(&server).execute_exchange(&ExchangeOrder::Quoted { quote: "q".into() }, "k").await.unwrap();
    assert!(server.requests.lock().unwrap()[0].ends_with("\r\n\r\n{\"quote\":\"q\"}"));
}

#[tokio::test]
async fn an_answer_in_single_bytes_is_put_together() {
    let server = serve(vec![Act::Dribble(json("200 OK", "", EXCHANGE))]).await;
    assert_eq!(client(&server).exchange("exg_0040000000001").await.unwrap().value.id, "exg_0040000000001");
}

#[tokio::test]
async fn a_problem_keeps_code_violations_and_retry_after() {
    let body = r#"{"type":"urn:hwan:problem:insufficient_balance","title":"x","status":422,"code":"insufficient_balance",
        "detail":"short","retryable":false,"violations":[{"code":"insufficient_balance","detail":"available=1"}]}"#;
    let busy = r#"{"code":"overloaded","detail":"busy","retryable":true,"status":503}"#;
    let acts = vec![
        Act::Answer(json("422 Unprocessable Entity", "", body)),
        Act::Answer(json("503 Service Unavailable", "Retry-After: 2\r\n", busy)),
    ];
    let server = serve(acts).await;
    let client = client(&server);
    let movement = Movement { account_id: "acc_1".into(), amount: Money::new("1", "KRW") };
    let refused = client.withdraw(&movement, "k").await.unwrap_err();
    assert_eq!(refused.outcome(), KnownOutcome::Nothing);
    assert_eq!(refused.problem().unwrap().violations[0].detail, "available=1");
    let overloaded = client.withdraw(&movement, "k").await.unwrap_err();
    assert_eq!(overloaded.problem().unwrap().retry_after, Some(Duration::from_secs(2)));
    assert!(overloaded.problem().unwrap().retryable);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "a problem keeps the connection");
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_leaves_the_outcome_unknown() {
    let server = serve(vec![Act::Close]).await;
    let error = client(&server).execute_exchange(&order(), "k").await.unwrap_err();
    assert_eq!(error.outcome(), KnownOutcome::Unknown);
    let ClientError::Connection { sent, cause } = error else { panic!("{error}") };
    assert_eq!((sent, cause.kind()), (Sent::Possibly, io::ErrorKind::UnexpectedEof));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_told_from_one_that_never_began() {
    let whole = json("201 Created", "", EXCHANGE);
    for cut in [1, whole.len() - 1] {
        let server = serve(vec![Act::AnswerAndClose(whole[..cut].to_owned())]).await;
        let error = client(&server).execute_exchange(&order(), "k").await.unwrap_err();
        let ClientError::Connection { sent, cause } = error else { panic!("{error}") };
        assert_eq!((sent, cause.kind()), (Sent::Possibly, io::ErrorKind::ConnectionAborted), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_leaves_nothing_in_doubt() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let addr = ServerAddr::loopback(&format!("http://{gone}")).unwrap();
    let error = Client::new(addr, ClientConfig::default()).openapi().await.unwrap_err();
    assert_eq!(error.outcome(), KnownOutcome::Nothing, "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_deadline() {
    let server = serve(vec![Act::Hang]).await;
    let started = tokio::time::Instant::now();
    let error = client(&server).openapi().await.unwrap_err();
    let ClientError::Connection { sent, cause } = error else { panic!("{error}") };
    assert_eq!((sent, cause.kind()), (Sent::Possibly, io::ErrorKind::TimedOut));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_kept_alive_connection_is_reused_and_a_closed_one_is_not() {
    let acts = vec![
        Act::Answer(json("200 OK", "", "{}")),
        Act::Answer(json("200 OK", "connection: close\r\n", "{}")),
        Act::Answer(json("200 OK", "", "{}")),
    ];
    let server = serve(acts).await;
    let client = client(&server);
    client.openapi().await.unwrap();
    client.openapi().await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    client.openapi().await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_comes_unasked_ends_the_connection() {
    let server = serve(vec![Act::Answer(json("200 OK", "", "{}") + "surplus")]).await;
    let mut connection = Connection::open(&server.addr, Duration::from_secs(1)).await.unwrap();
    let request = Request::get("/livez").prepare(&server.addr).unwrap();
    let error = connection.call(&request, Duration::from_secs(1)).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    assert!(!connection.is_open());
    let again = connection.call(&request, Duration::from_secs(1)).await.map(|_| ()).unwrap_err();
    assert_eq!(again.outcome(), KnownOutcome::Nothing);
}

#[tokio::test]
async fn a_call_that_is_dropped_midway_ends_the_connection() {
    let server = serve(vec![Act::Hang]).await;
    let mut connection = Connection::open(&server.addr, Duration::from_secs(1)).await.unwrap();
    let request = Request::get("/livez").prepare(&server.addr).unwrap();
    let call = connection.call(&request, Duration::from_secs(60));
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert!(!connection.is_open());
}

#[tokio::test]
async fn an_error_without_a_problem_is_no_answer_of_hwans() {
    let server = serve(vec![Act::Answer(json("500 Internal Server Error", "", "oops"))]).await;
    let error = client(&server).openapi().await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    assert_eq!(error.outcome(), KnownOutcome::Unknown);
}

#[tokio::test]
async fn a_raw_call_gives_every_status_with_its_headers() {
    let problem = r#"{"code":"not_found","detail":"no route","retryable":false,"request_id":"r-1"}"#;
    let acts = vec![
        Act::Answer(json("404 Not Found", "X-Request-Id: r-1\r\nRetry-After: 3\r\n", problem)),
        Act::Answer("HTTP/1.1 304 Not Modified\r\netag: \"7\"\r\n\r\n".into()),
        Act::Answer(json("200 OK", "", "[1]")),
    ];
    let server = serve(acts).await;
    let client = client(&server);
    let answer = client
        .call(
            Method::Put,
            "/v1/x",
            &[("a b", "c&d")],
            &[("Content-Type", "text/plain"), ("Authorization", "Bearer other")],
            Some(b"hello".to_vec()),
        )
        .await
        .unwrap();
    assert_eq!((answer.status, answer.header("x-request-id")), (404, Some("r-1")));
    let found = answer.problem().unwrap();
    assert_eq!((found.code.as_str(), found.retry_after), ("not_found", Some(Duration::from_secs(3))));
    let unchanged = client.call(Method::Get, "/v1/x", &[], &[], None).await.unwrap();
    assert_eq!((unchanged.status, unchanged.header("etag"), unchanged.body.len()), (304, Some("\"7\""), 0));
    assert_eq!(unchanged.problem(), None);
    assert_eq!(client.call(Method::Get, "/v1/x", &[], &[], None).await.unwrap().json::<Vec<u8>>().unwrap(), [1]);
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("PUT /v1/x?a%20b=c%26d HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nContent-Type: text/plain\r\nAuthorization: Bearer other\r\n"), "{request}");
    assert!(!request.contains("t0k3n"), "{request}");
}

#[tokio::test]
async fn callers_and_headers_differ_over_one_pool() {
    let acts = (0..4).map(|_| Act::Answer(json("200 OK", "x-request-id: r-9\r\netag: \"1\"\r\n", EXCHANGE))).collect();
    let server = serve(acts).await;
    let client = client(&server);
    let answer = client.with_token("teller").with_header("X-Request-Id", "r-9").exchange("exg_1").await.unwrap();
    assert_eq!((answer.request_id.as_deref(), answer.etag.as_deref()), (Some("r-9"), Some("\"1\"")));
    client.without_token().exchange("exg_1").await.unwrap();
    client.with_key("k-9").exchange("exg_1").await.unwrap();
    client.exchange("exg_1").await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let requests = server.requests.lock().unwrap();
    assert!(requests[0].contains("\r\nAuthorization: Bearer teller\r\nX-Request-Id: r-9\r\n"), "{}", requests[0]);
    assert!(!requests[1].contains("Authorization") && requests[2].contains("\r\nIdempotency-Key: k-9\r\n"));
    assert!(requests[3].contains("\r\nAuthorization: Bearer t0k3n\r\n") && !requests[3].contains("k-9"));
}

#[tokio::test]
async fn health_and_clock_are_asked_at_the_admin_address_without_the_token() {
    let api = serve(vec![]).await;
    let admin = serve(vec![
        Act::Answer(json("200 OK", "", r#"{"status":"ready","lanes":[]}"#)),
        Act::Answer(json("200 OK", "", r#"{"now":"2026-11-23T01:00:10.001000Z"}"#)),
    ])
    .await;
    let addr = api.addr.clone().with_admin(&format!("http://{}", admin.addr.authority())).unwrap();
    let client = Client::new(addr, ClientConfig::default());
    assert_eq!(client.ready().await.unwrap().value.status, "ready");
    let now = client.move_clock(&ClockMove::AdvanceMs(10_001)).await.unwrap().value.now;
    assert_eq!(now, "2026-11-23T01:00:10.001000Z");
    let requests = admin.requests.lock().unwrap();
    assert!(requests.iter().all(|request| !request.contains("Authorization")));
    assert!(requests[1].starts_with("POST /clock HTTP/1.1\r\n") && requests[1].ends_with(r#"{"advance_ms":10001}"#));
    assert_eq!(api.connections.load(Ordering::SeqCst), 0);
}
