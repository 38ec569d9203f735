//! The client against a scripted server: what comes back, what is known when nothing does, what is reused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hwan_client::{
    Client, ClientConfig, ClientError, Connection, ExchangeOrder, KnownOutcome, MarketOrder, Money, Movement, Request,
    Sent, ServerAddr, Side,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the server does with each request, connection by connection.
#[derive(Clone)]
enum Act {
    /// Writes these bytes.
    Answer(String),
    /// Writes these bytes and closes.
    AnswerAndClose(String),
    /// Writes these bytes one by one, with pauses.
    Dribble(String),
    /// Closes without a word.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
}

struct Server {
    addr: ServerAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<std::sync::Mutex<Vec<String>>>,
}

/// A server that takes one act per request, in turn, over all connections; closes once they are used up.
async fn serve(acts: Vec<Act>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = ServerAddr::loopback(&format!("http://{}", listener.local_addr().unwrap())).unwrap().with_token("t0k3n");
    let connections = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (accepted, seen) = (connections.clone(), requests.clone());
    let acts = Arc::new(std::sync::Mutex::new(acts.into_iter()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connection(stream, acts.clone(), seen.clone()));
        }
    });
    Server { addr, connections, requests }
}

async fn connection(
    mut stream: TcpStream,
    acts: Arc<std::sync::Mutex<std::vec::IntoIter<Act>>>,
    seen: Arc<std::sync::Mutex<Vec<String>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push(request);
        let act = acts.lock().unwrap().next();
        match act {
            Some(Act::Answer(text)) => stream.write_all(text.as_bytes()).await.unwrap(),
            Some(Act::AnswerAndClose(text)) => return stream.write_all(text.as_bytes()).await.unwrap(),
            Some(Act::Dribble(text)) => {
                for byte in text.bytes() {
                    stream.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            Some(Act::Hang) => tokio::time::sleep(Duration::from_secs(60)).await,
            Some(Act::Close) | None => return,
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap_or("0");
            if body.len() == length.parse::<usize>().unwrap() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn json(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client(server: &Server) -> Client {
    Client::new(server.addr.clone(), ClientConfig { connections_max: 4, deadline: Duration::from_millis(300) })
}

const EXCHANGE: &str = r#"{"id":"exg_0040000000001","customer_id":"cus_1","side":"buy","rate":{"value":"1350.50","unit":1,
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
    let error = Client::new(addr, ClientConfig::default()).live().await.unwrap_err();
    assert_eq!(error.outcome(), KnownOutcome::Nothing, "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_deadline() {
    let server = serve(vec![Act::Hang]).await;
    let started = tokio::time::Instant::now();
    let error = client(&server).live().await.unwrap_err();
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
    client.live().await.unwrap();
    client.live().await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    client.live().await.unwrap();
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
    let error = client(&server).live().await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    assert_eq!(error.outcome(), KnownOutcome::Unknown);
}
