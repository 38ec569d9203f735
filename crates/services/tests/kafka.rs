//! A real Kafka, fetched if it is not there: it starts, is killed, comes back on the same port, stands still, goes on, stops.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use hwan_services::{Installation, Installed, Instance, Options, Signal, State};

fn installed() -> Installed {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services");
    Installation::kafka(&root).install(&mut |line| println!("kafka: {line}")).unwrap()
}

/// Asks for the versions of the protocol that the broker knows; whether it answers within a second.
fn answers(server: &Instance) -> bool {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 9, 0xff, 0xff]).unwrap();
    let mut answer = [0_u8; 10];
    stream.read_exact(&mut answer).is_ok() && answer[4..] == [0, 0, 0, 9, 0, 0]
}

fn cluster(home: &Path) -> String {
    let text = fs::read_to_string(home.join("data/meta.properties")).unwrap();
    text.lines().find(|line| line.starts_with("cluster.id=")).unwrap().to_owned()
}

#[test]
fn a_broker_comes_back_after_a_kill_stands_still_and_goes_on() {
    let installed = installed();
    assert!(installed.version().starts_with("kafka 4."), "{}", installed.version());
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let started = Instant::now();
    let mut server = installed.start(home.path(), Options::default()).unwrap();
    println!("started in {:?}", started.elapsed());
    assert_eq!(server.url(""), format!("127.0.0.1:{}", server.port()));
    assert!(answers(&server));
    let (port, identity) = (server.port(), cluster(home.path()));

    server.kill().unwrap();
    assert!(!server.is_running());
    let restarted = Instant::now();
    server.restart().unwrap();
    println!("restarted after a kill in {:?}", restarted.elapsed());
    assert_eq!(server.port(), port, "clients find it where it was");
    assert_eq!(cluster(home.path()), identity, "on the same data");
    assert!(answers(&server));

    server.signal(Signal::Hold).unwrap();
    assert!(!answers(&server), "it stands still");
    server.signal(Signal::Resume).unwrap();
    assert!(answers(&server), "it goes on");

    server.stop().unwrap();
    assert_eq!(State::read(home.path()).unwrap(), None);
}
