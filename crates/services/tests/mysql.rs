//! A real MySQL, fetched if it is not there: it starts, is killed, comes back with what was committed, and stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path};

use hwan_services::{Installation, Installed, Instance, Options, State};

fn installed() -> Installed {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services");
    Installation::mysql(&root).install(&mut |line| println!("mysql: {line}")).unwrap()
}

fn server(home: &Path, extra: &[&str]) -> Instance {
    let extra = extra.iter().map(|option| (*option).to_owned()).collect();
    installed().start(home, Options { extra, ..Options::default() }).unwrap()
}

#[test]
fn a_committed_row_outlives_kills_of_the_server() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut server = server(home.path(), &[]);
    let (port, first) = (server.port(), server.pid());
    server.query("CREATE TABLE hwan.kept (n INT PRIMARY KEY)").unwrap();
    for round in 1..=3 {
        server.query(&format!("INSERT INTO hwan.kept VALUES ({round})")).unwrap();
        server.kill().unwrap();
        assert!(!server.is_running());
        server.query("SELECT 1").expect_err("nobody answers while it is down");
        server.restart().unwrap();
        let rows: i32 = server.query("SELECT COUNT(*) FROM hwan.kept").unwrap().trim().parse().unwrap();
        assert_eq!(rows, round);
    }
    assert_eq!(server.port(), port, "clients find it where it was");
    assert_ne!(server.pid(), first);
    server.stop().unwrap();
    assert_eq!(State::read(home.path()).unwrap(), None);
    assert!(!fs::read_to_string(server.log()).unwrap().is_empty());
}

#[test]
fn durability_is_the_servers_default_and_later_options_win() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let server = server(home.path(), &["--server-id=7", "--max-connections=55"]);
    let settings = server
        .query(
            "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin, @@innodb_doublewrite, @@bind_address, \
             @@server_id, @@max_connections",
        )
        .unwrap();
    assert_eq!(settings.trim(), "1\t1\t1\tON\t127.0.0.1\t7\t55");
    assert!(server.url("hwan").starts_with("mysql://hwan@127.0.0.1:"));
}

#[test]
fn two_servers_have_their_own_identity_and_a_dropped_one_is_gone() {
    let (one, two) = (
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
    );
    let (first, second) = (server(one.path(), &[]), server(two.path(), &[]));
    let identity = |server: &Instance| server.query("SELECT @@server_uuid").unwrap();
    assert_ne!(identity(&first), identity(&second));
    assert!(installed().start(one.path(), Options::default()).unwrap_err().to_string().contains("runs in"));
    let found = installed().find(one.path(), Options::default()).unwrap().expect("another process finds it");
    assert_eq!(found.pid(), first.pid());
    let process = State::read(one.path()).unwrap().unwrap().process;
    drop(found);
    assert!(process.is_alive(), "who only found it lets it run");
    drop(first);
    assert!(!process.is_alive(), "who started it takes it along");
}
