//! A real MariaDB and a real Redis, fetched if they are not there.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use hwan_services::{Installation, Options};

fn services() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/services")
}

#[test]
fn mariadb_keeps_a_committed_row_over_a_kill_with_full_durability() {
    let installed = Installation::mariadb(&services()).install(&mut |line| println!("mariadb: {line}")).unwrap();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut server = installed.start(home.path(), Options::default()).unwrap();
    server.query("CREATE TABLE hwan.kept (n INT PRIMARY KEY); INSERT INTO hwan.kept VALUES (1)").unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    assert_eq!(server.query("SELECT n FROM hwan.kept").unwrap().trim(), "1");
    let settings = "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin, @@innodb_doublewrite";
    assert_eq!(server.query(settings).unwrap().trim(), "1\t1\t1\t1");
    server.stop().unwrap();
}

#[test]
fn redis_answers_and_comes_back_empty() {
    let installed = Installation::redis(&services()).install(&mut |line| println!("redis: {line}")).unwrap();
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut server = installed.start(home.path(), Options::default()).unwrap();
    assert_eq!(server.query("SET lock owner NX").unwrap().trim(), "OK");
    assert_eq!(server.query("SET lock other NX").unwrap().trim(), "", "the lock is held");
    server.restart().unwrap();
    assert_eq!(server.query("DBSIZE").unwrap().trim(), "0");
    assert_eq!(server.url(""), format!("redis://127.0.0.1:{}/", server.port()));
    server.stop().unwrap();
}
