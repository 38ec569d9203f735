//! Clients that hang up while their request is in flight, ten thousand times: none costs memory, money or the process.
//! A process of its own, because it looks at the process's memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "tests; not all of the server's ways are used"
)]

#[path = "api/contract.rs"]
mod contract;
#[path = "api/server.rs"]
mod server;

use std::{fs, time::Duration};

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::server::{Server, order};

/// How many clients hang up.
const HANG_UPS: usize = 10_000;
/// How many of them are connected at a time.
const AT_A_TIME: usize = 200;
/// How much memory the process may have gained by all of them, in KiB: what allocators keep of it.
const GAIN_KIB_MAX: usize = 96 * 1_024;

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends an exchange, whole or by half, and hangs up without reading the answer.
async fn hang_up(server: &Server, number: usize, body: &str) {
    let request = format!(
        "POST /v1/exchanges HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: gone-{number}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        server.token,
        body.len()
    );
    let Ok(mut stream) = TcpStream::connect(server.address).await else { return };
    let end = if number.is_multiple_of(3) { request.len() / 2 } else { request.len() };
    // An error means that the server was faster: it has hung up itself.
    let _sent = stream.write_all(&request.as_bytes()[..end]).await;
    if number.is_multiple_of(2) {
        // A reset instead of an end: unread bytes are dropped with the connection.
        let _set = stream.set_zero_linger();
    }
}

#[tokio::test]
async fn ten_thousand_clients_that_hang_up_in_flight_cost_neither_money_nor_memory_nor_the_process() {
    let server = Server::start().await;
    server.publish("USD", "1350.50").await;
    let customer = server.customer(&[("KRW", "9000000")]).await;
    let body = order(&customer, "buy", "0.01", "USD").to_string();
    let round = |from: usize, count: usize| {
        let (server, body) = (&server, &body);
        stream::iter(from..from + count).for_each_concurrent(AT_A_TIME, move |number| hang_up(server, number, body))
    };
    round(0, 1_000).await;
    let before = resident_kib();
    round(1_000, HANG_UPS - 1_000).await;
    // All that was sent whole is done or was never taken; wait until it is quiet.
    let mut last = String::new();
    loop {
        let now = server.booked(&customer.won, "KRW").await;
        if now == last {
            break;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let gained = resident_kib().saturating_sub(before);
    assert!(gained < GAIN_KIB_MAX, "{gained} KiB more after {HANG_UPS} hang-ups");
    // Each key took effect at most once: won and dollars tell the same number of exchanges, 14 won a cent.
    let (won, cents) = (last, server.booked(&customer.foreign, "USD").await.replace('.', ""));
    let (won, cents): (i64, i64) = (won.parse().unwrap(), cents.parse().unwrap());
    assert_eq!(9_000_000 - won, cents * 14);
    assert!((1..=i64::try_from(HANG_UPS).unwrap()).contains(&cents), "{cents}");
    let account = server.get(&format!("/v1/accounts/{}/balances", customer.won)).await.expect(200);
    assert_eq!(account["balances"][0]["reserved"]["amount"], "0", "no reserve is left behind");
    // A retry of any of them learns its outcome, and the process serves on.
    for number in [1, 5_000, HANG_UPS - 1] {
        let answer =
            server.post_with("/v1/exchanges", &format!("gone-{number}"), &serde_json::from_str(&body).unwrap()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    server.post("/v1/customers", &json!({})).await.expect(201);
}
