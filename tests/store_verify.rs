//! `hwan verify` against lies that were planted in the files behind the engine's back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;

use hwan::{
    storage::{
        conformance::fixture::{Scribe, currencies, money, records, seq},
        port::LedgerStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
    verify::{report::Report, walk},
};
use hwan_domain::{
    check::{Check, Fact},
    id::LaneId,
    time::Timestamp,
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

async fn ledger(dir: &Path) {
    let store = SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("100.00", "USD"));
    let dormant =
        Fact { check: Check::Dormant, effective_from: Timestamp::default(), effective_to: None, amount: None };
    scribe.state_account_fact(family.foreign, dormant);
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    store.project(LaneId::FIRST, seq(0), &records(&batch)).await.unwrap();
    store.close().await;
}

async fn verify(dir: &Path) -> Report {
    let store = SqliteStore::open_read_only(dir, currencies()).await.unwrap();
    walk::verify(&store, &mut |_| {}).await.unwrap()
}

#[tokio::test]
async fn a_ledger_that_nobody_touched_is_clean() {
    let dir = tempfile::tempdir().unwrap();
    ledger(dir.path()).await;
    let report = verify(dir.path()).await;
    assert!(report.is_clean(), "{:?}", report.findings());
    assert_eq!((report.customers, report.accounts), (1, 2));
}

#[tokio::test]
async fn every_planted_lie_is_found() {
    for (file, lie) in [
        ("ledger.db", "UPDATE balance SET amount_minor = amount_minor + 1 WHERE currency = 'KRW'"),
        ("ledger.db", "INSERT INTO balance SELECT account, 'EUR', 100000000, 0 FROM balance WHERE currency = 'USD'"),
        ("ledger.db", "DELETE FROM balance WHERE currency = 'USD'"),
        ("ledger.db", "UPDATE account SET facts = NULL"),
        ("ledger.db", "UPDATE customer SET limit_day_won = 0"),
        ("ledger.db", "UPDATE journal SET hash = zeroblob(32) WHERE id = (SELECT max(id) FROM journal)"),
        ("ledger.db", "DELETE FROM journal WHERE kind = 'deposited'"),
        ("passbook.db", "UPDATE passbook SET amount_minor = amount_minor + 1 WHERE version = 1"),
        ("passbook.db", "DELETE FROM passbook WHERE currency = 'USD'"),
        ("passbook.db", "UPDATE daily_balance SET amount_minor = 0"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        ledger(dir.path()).await;
        let mut connection = SqliteConnectOptions::new().filename(dir.path().join(file)).connect().await.unwrap();
        sqlx::raw_sql(lie).execute(&mut connection).await.unwrap();
        assert!(!verify(dir.path()).await.is_clean(), "{lie}");
    }
}
