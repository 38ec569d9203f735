//! The stream of rates: events as they come, and how it ends.

use std::io;

use hwan_client::{ClientError, Sent};

use crate::server::{Act, client, json, serve};

const RATE: &str = r#"{"currency":"USD","unit":1,"mid":"1350.50","status":"trading"}"#;
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn event(seq: u64) -> String {
    format!("event: rate\nid: {seq}\ndata: {RATE}\n\n")
}

#[tokio::test]
async fn events_come_in_order_and_heartbeats_are_passed_over() {
    let second = event(9);
    let (start, rest) = second.split_at(20);
    let body = [chunk(&event(7)), chunk(": heartbeat\n\n"), chunk(start), chunk(rest), "0\r\n\r\n".into()].concat();
    let server = serve(vec![Act::Dribble(HEAD.to_owned() + &body)]).await;
    let mut stream = client(&server).rate_stream().await.unwrap();
    let first = stream.next_event().await.unwrap().unwrap();
    assert_eq!((first.seq, first.rate.currency.as_str()), (7, "USD"));
    assert_eq!(stream.next_event().await.unwrap().unwrap().seq, 9);
    assert_eq!(stream.next_event().await.unwrap(), None);
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("GET /v1/rates/stream HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nAccept: text/event-stream\r\n"), "{request}");
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_told_from_one_that_ended() {
    let server = serve(vec![Act::AnswerAndClose(HEAD.to_owned() + &chunk(&event(7)))]).await;
    let mut stream = client(&server).rate_stream().await.unwrap();
    assert!(stream.next_event().await.unwrap().is_some());
    let Err(ClientError::Connection { sent: Sent::Possibly, cause }) = stream.next_event().await else {
        panic!("the end of the connection is not the end of the stream");
    };
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_stream_that_is_refused_is_a_problem() {
    let full = r#"{"code":"streams_full","detail":"no room","retryable":true}"#;
    let server = serve(vec![Act::Answer(json("503 Service Unavailable", "Retry-After: 5\r\n", full))]).await;
    let error = client(&server).rate_stream().await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "streams_full");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_is_not_taken_for_one() {
    let server = serve(vec![Act::Answer(json("200 OK", "", "{}"))]).await;
    assert!(matches!(client(&server).rate_stream().await, Err(ClientError::Protocol { .. })));
}
