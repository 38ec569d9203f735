//! The proxy between a client of a few bytes and a server that says OK to everything and counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{Cut, Proxy, Transaction, Weather, packet::Packets};

const OK: [u8; 11] = [7, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0];
const SOON: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(5);

/// A server; how many packets it has got.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, got) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counter = got.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let (mut packets, mut buffer) = (Packets::default(), [0; 1_024]);
                while let Ok(read @ 1..) = client.read(&mut buffer).await {
                    packets.push(&buffer[..read]);
                    while packets.next().is_some() {
                        counter.fetch_add(1, Ordering::SeqCst);
                        let _ = client.write_all(&OK).await;
                    }
                }
            });
        }
    });
    (port, got)
}

async fn query(line: &mut TcpStream, sql: &str) {
    let mut packet = ((sql.len() + 1) as u32).to_le_bytes()[..3].to_vec();
    packet.extend([0, 3]);
    packet.extend(sql.as_bytes());
    let _ = line.write_all(&packet).await; // a line that was cut shows when it is read
}

/// What comes back: bytes, the end (nothing), or silence.
async fn answer(line: &mut TcpStream) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 64];
    let read = timeout(SOON, line.read(&mut buffer)).await.ok()?.unwrap_or(0);
    buffer.truncate(read);
    Some(buffer)
}

const COMMIT: &str = "INSERT INTO journal VALUES (1);COMMIT";

#[tokio::test]
async fn a_cut_strikes_where_it_should() {
    for (cut, packets, answered) in [(Cut::Before, 1, false), (Cut::Unanswered, 2, false), (Cut::Answered, 2, true)] {
        let (port, got) = server().await;
        let proxy = Proxy::to(port).await.unwrap();
        let mut line = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        query(&mut line, "START TRANSACTION;UPDATE lane SET seq = 1").await;
        assert_eq!(answer(&mut line).await.unwrap(), OK, "{cut:?}");
        let struck = proxy.cut_next(cut);
        query(&mut line, COMMIT).await;
        timeout(LONG, struck).await.unwrap().unwrap();
        let first = answer(&mut line).await.unwrap();
        assert_eq!(first == OK, answered, "{cut:?}");
        if answered {
            assert_eq!(answer(&mut line).await.unwrap(), [0; 0], "the line ends");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(got.load(Ordering::SeqCst), packets, "{cut:?}");
        assert_eq!(proxy.commits(), 1);
        let mut again = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        query(&mut again, COMMIT).await;
        assert_eq!(answer(&mut again).await.unwrap(), OK, "a cut strikes once");
    }
}

#[tokio::test]
async fn a_commit_is_held_back_until_it_is_let_go_and_others_go_on() {
    let (port, got) = server().await;
    let proxy = Proxy::to(port).await.unwrap();
    let mut held = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    let mut other = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    let hold = proxy.hold_next(Transaction::Projection);
    query(&mut other, COMMIT).await;
    assert_eq!(answer(&mut other).await.unwrap(), OK, "it is not that kind of transaction");
    query(&mut held, "START TRANSACTION;UPDATE projection SET seq = 1").await;
    assert_eq!(answer(&mut held).await.unwrap(), OK);
    query(&mut held, "COMMIT").await;
    timeout(LONG, hold.struck).await.unwrap().unwrap();
    assert_eq!(answer(&mut held).await, None);
    query(&mut other, "SELECT 1").await;
    assert_eq!(answer(&mut other).await.unwrap(), OK);
    assert_eq!(got.load(Ordering::SeqCst), 3);
    drop(hold.release);
    assert_eq!(answer(&mut held).await.unwrap(), OK);
}

#[tokio::test]
async fn what_vanishes_in_bad_weather_stays_away_and_new_lines_are_well_afterwards() {
    let (port, got) = server().await;
    let proxy = Proxy::to(port).await.unwrap();
    for (weather, reaches) in [(Weather::AnswersLost, 1), (Weather::RequestsLost, 0)] {
        let before = got.load(Ordering::SeqCst);
        let mut line = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        proxy.weather(weather);
        query(&mut line, "SELECT 1").await;
        assert_eq!(answer(&mut line).await, None, "{weather:?}");
        assert_eq!(got.load(Ordering::SeqCst), before + reaches, "{weather:?}");
        proxy.weather(Weather::Clear);
        query(&mut line, "SELECT 1").await;
        assert_eq!(answer(&mut line).await, None, "{weather:?}: a line that lost bytes never gets well");
        let mut new = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        query(&mut new, "SELECT 1").await;
        assert_eq!(answer(&mut new).await.unwrap(), OK, "{weather:?}");
    }
    proxy.weather(Weather::NewRefused);
    let mut line = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    assert_eq!(answer(&mut line).await.unwrap(), [0; 0]);
}

#[tokio::test]
async fn a_failover_ends_every_line_and_leads_elsewhere() {
    let ((old, old_got), (new, new_got)) = (server().await, server().await);
    let proxy = Proxy::to(old).await.unwrap();
    let mut line = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    query(&mut line, "SELECT 1").await;
    assert_eq!(answer(&mut line).await.unwrap(), OK);
    proxy.switch_to(new);
    assert_eq!(answer(&mut line).await.unwrap(), [0; 0]);
    let mut line = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
    query(&mut line, "SELECT 1").await;
    assert_eq!(answer(&mut line).await.unwrap(), OK);
    assert_eq!((old_got.load(Ordering::SeqCst), new_got.load(Ordering::SeqCst)), (1, 1));
}
