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
    interest::Period,
    record::{Event, Record},
    time::Timestamp,
};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

async fn ledger(dir: &Path) {
    let store = SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    scribe.buy(family, money("100.00", "USD"));
    scribe.buy(family, money("7.00", "USD"));
    let first = scribe.clock().1;
    scribe.roll_date();
    scribe.pay_interest(family.won, Period::new(first, first).unwrap(), money("9125000", "KRW"));
    let dormant =
        Fact { check: Check::Dormant, effective_from: Timestamp::default(), effective_to: None, amount: None };
    scribe.state_account_fact(family.foreign, dormant);
    let batch = scribe.batch();
    store.commit(&batch).await.unwrap();
    let bought = batch.rows.iter().rfind(|row| matches!(row.record.event, Event::Exchanged { .. })).unwrap();
    scribe.reverse(&bought.record, false);
    let reversal = scribe.batch();
    store.commit(&reversal).await.unwrap();
    let all = [records(&batch), records(&reversal)].concat();
    store.project(LaneId::FIRST, seq(0), &all).await.unwrap();
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
        ("ledger.db", "UPDATE account SET paid_through = paid_through - 1"),
        ("ledger.db", "UPDATE account SET paid_through = 20000 WHERE kind = 'foreign'"),
        ("ledger.db", "UPDATE customer SET limit_day_won = 0"),
        ("ledger.db", "UPDATE customer SET channel = 'another'"),
        ("ledger.db", "UPDATE customer SET reference = 'another'"),
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

/// A ledger whose last two records are these, chained and committed as if an engine had written them.
async fn with_reversals(events: impl FnOnce(&mut Scribe, &Record, &Record)) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    let family = scribe.open_family();
    scribe.deposit(family.won, money("1000000", "KRW"));
    let deposit = scribe.clone().batch().rows.last().unwrap().record.clone();
    scribe.buy(family, money("100.00", "USD"));
    scribe.buy(family, money("100.00", "USD"));
    let batch = scribe.batch();
    let bought = batch.rows.last().unwrap().record.clone();
    store.commit(&batch).await.unwrap();
    // Without the last wall: whoever forges a journal does not keep it.
    let mut connection = SqliteConnectOptions::new().filename(dir.path().join("ledger.db")).connect().await.unwrap();
    sqlx::raw_sql("DROP INDEX journal_used_once").execute(&mut connection).await.unwrap();
    events(&mut scribe, &bought, &deposit);
    store.commit(&scribe.batch()).await.unwrap();
    store.close().await;
    verify(dir.path()).await
}

#[tokio::test]
async fn a_day_that_was_paid_for_twice_is_found() {
    let found = |report: &Report, words: &str| {
        assert!(report.findings().iter().any(|finding| finding.contains(words)), "{words}: {:?}", report.findings());
    };
    let held = || money("9125000", "KRW");
    let twice = with_reversals(|scribe, bought, _| {
        let Event::Exchanged { debit, .. } = &bought.event else { panic!() };
        let day = scribe.clock().1;
        scribe.roll_date();
        scribe.pay_interest(debit.account, Period::new(day, day).unwrap(), held());
        scribe.pay_interest(debit.account, Period::new(day, day).unwrap(), held());
    });
    found(&twice.await, "interest does not follow");
    let untaxed = with_reversals(|scribe, bought, _| {
        let Event::Exchanged { debit, .. } = &bought.event else { panic!() };
        let day = scribe.clock().1;
        scribe.roll_date();
        let mut aside = scribe.clone();
        aside.pay_interest(debit.account, Period::new(day, day).unwrap(), held());
        let mut event = aside.batch().rows.last().unwrap().record.event.clone();
        if let Event::InterestPaid { income_tax, .. } = &mut event {
            *income_tax = money("60", "KRW");
        }
        scribe.write(event);
    });
    found(&untaxed.await, "interest is not what accrued");
}

#[tokio::test]
async fn a_forged_reversal_is_found() {
    let found = |report: &Report, words: &str| {
        assert!(report.findings().iter().any(|finding| finding.contains(words)), "{words}: {:?}", report.findings());
    };
    let honest = with_reversals(|scribe, bought, _| {
        scribe.reverse(bought, false);
    })
    .await;
    assert!(honest.is_clean(), "{:?}", honest.findings());
    let twice = with_reversals(|scribe, bought, _| {
        scribe.reverse(bought, false);
        scribe.reverse(bought, false);
    });
    found(&twice.await, "was reversed before");
    let astray = with_reversals(|scribe, bought, _| {
        scribe.reverse(bought, true);
    });
    found(&astray.await, "lands where it should not");
    let of_nothing = with_reversals(|scribe, bought, deposit| {
        let mut aside = scribe.clone();
        aside.reverse(bought, false);
        let mut event = aside.batch().rows.last().unwrap().record.event.clone();
        if let Event::Reversed { exchange, .. } = &mut event {
            *exchange = hwan_domain::id::ExchangeId::at(deposit.position);
        }
        scribe.write(event);
    });
    found(&of_nothing.await, "is no exchange that was made before");
    let early = with_reversals(|scribe, bought, _| {
        let Event::Exchanged { debit, .. } = &bought.event else { panic!() };
        scribe.close_account(debit.account);
    });
    found(&early.await, "is closed or holds money");
}
