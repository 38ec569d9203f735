//! What a server must be: one that is not is refused at the start, by the name of what is wrong.

use std::time::{Duration, Instant};

use hwan::storage::{
    conformance::fixture::currencies,
    mysql::{MysqlOptions, MysqlStore},
    port::{LedgerStore, StoreError},
};

use super::{
    own_server::{DATABASE, OwnServer},
    seen::{DONE, LANE, Ledger, seen},
};

async fn refusal(url: String) -> StoreError {
    let options = MysqlOptions { connect_timeout: Duration::from_secs(2), ..MysqlOptions::at(url) };
    MysqlStore::open(&options, currencies()).await.map(|_| ()).expect_err("refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_started_with_a_setting_that_loses_commits_is_refused_by_its_name() {
    let mut server = OwnServer::start(&[]);
    for (setting, found) in [
        ("sync_binlog", "0"),
        ("innodb_flush_log_at_trx_commit", "2"),
        ("max_allowed_packet", "8388608"),
        ("innodb_doublewrite", "OFF"),
        ("innodb_force_recovery", "1"),
    ] {
        server.instance.restart_with(vec![format!("--{}={found}", setting.replace('_', "-"))]).unwrap();
        match refusal(server.url()).await {
            StoreError::Unsafe(why) => assert!(why.contains(setting) && why.contains(found), "{setting}: {why}"),
            other => panic!("{setting}: {other:?}"),
        }
        assert_eq!(server.sql(&format!("SHOW TABLES IN {DATABASE}")), "", "{setting}: it was written to");
    }
    for setting in ["read_only", "super_read_only"] {
        server.instance.restart_with(vec![format!("--{}=ON", setting.replace('_', "-"))]).unwrap();
        match refusal(server.url()).await {
            // It passes when the failover is over.
            StoreError::Unavailable(why) => assert!(why.contains("read_only") && why.contains("primary"), "{why}"),
            other => panic!("{setting}: {other:?}"),
        }
    }
    server.instance.restart_with(vec![]).unwrap();
    MysqlStore::open(&MysqlOptions::at(server.url()), currencies()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_database_user_password_or_port_is_told_within_a_bound_and_without_the_password() {
    let server = OwnServer::start(&[]);
    let port = server.instance.port();
    let right = server.url();
    for (url, named) in [
        (right.replace(&format!("/{DATABASE}"), "/elsewhere"), "elsewhere"),
        (right.replace("hwan_app", "stranger"), "stranger"),
        (right.replace("pass@", "wrong@"), "hwan_app"),
        (right.replace(&port.to_string(), "1"), "1"),
    ] {
        assert_ne!(url, right);
        let begun = Instant::now();
        let refused = refusal(url).await;
        assert!(matches!(&refused, StoreError::Unavailable(why) if why.contains(named)), "{named}: {refused}");
        assert!(!refused.to_string().contains("a%20word") && !refused.to_string().contains("a word"), "{refused}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{named}: {:?}", begun.elapsed());
    }
    for url in ["", "mysql://hwan@127.0.0.1:3306", "postgres://hwan@127.0.0.1/hwan"] {
        let refused = refusal(url.to_owned()).await;
        assert!(matches!(&refused, StoreError::Unsafe(why) if why.contains("store.mysql.url")), "{url}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rights_that_are_documented_are_enough_from_the_first_start_on() {
    let server = OwnServer::start(&[]);
    let options = MysqlOptions { lease: Duration::from_secs(1), ..MysqlOptions::at(server.url()) };
    let mut ledger = Ledger::begin(&options).await;
    let batch = ledger.next();
    ledger.store.commit(&batch).await.unwrap();
    let mut operator = <sqlx::MySqlConnection as sqlx::Connection>::connect(&server.url_of_operator()).await.unwrap();
    assert_eq!(seen(&mut operator).await, DONE);
    // A start over what is there; and an owner's connection that has to be ended.
    let second = MysqlStore::open(&options, currencies()).await.unwrap();
    drop(ledger);
    let begun = Instant::now();
    while let Err(error) = second.take_lane(LANE).await {
        assert!(matches!(error, StoreError::LaneHeld { .. }) && begun.elapsed() < Duration::from_secs(10), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
