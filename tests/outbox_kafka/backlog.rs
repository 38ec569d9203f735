//! What waited long: a hundred thousand records are caught up, and a Kafka that is away for too long closes the door.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hwan::{
    actors::{
        command::{Command, Overload, Refusal},
        engine::EngineLimits,
    },
    storage::{
        conformance::fixture::{Scribe, currencies, money},
        port::LedgerStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use hwan_domain::id::LaneId;
use hwan_services::free_port;

use super::{
    bank::{Bank, on_a_system},
    broker, seen,
};

/// Records that wait.
pub(crate) const BACKLOG: usize = 100_000;

/// Writes a journal of so many records, as an engine without an outbox would have.
pub(crate) async fn write_journal(dir: &Path, records: usize) {
    let store = SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
    scribe.set_pace(0);
    let family = scribe.open_family();
    scribe.deposit(family.won, money("900000000000", "KRW"));
    let mut written = 4;
    while written < records {
        for _ in 0..(records - written).min(2_000) {
            scribe.buy(family, money("1.00", "USD"));
            written += 1;
        }
        store.commit(&scribe.batch()).await.unwrap();
    }
    store.close().await;
}

#[test]
fn a_hundred_thousand_records_that_waited_are_caught_up() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        write_journal(dir.path(), BACKLOG).await;
        let kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let started = Instant::now();
        bank.published(Duration::from_secs(120)).await;
        println!("{BACKLOG} records published in {:?}", started.elapsed());
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        assert_eq!(repeats, 0);
        bank.close().await;
    });
}

#[test]
fn exchanges_go_on_without_kafka_until_the_hard_mark_and_again_once_it_is_there() {
    on_a_system(async {
        const MARK: u64 = 400;
        let dir = tempfile::tempdir().unwrap();
        let nowhere = broker::options_at(&format!("127.0.0.1:{}", free_port().unwrap()), 2);
        let limits = EngineLimits { outbox_backlog_max: MARK, ..EngineLimits::default() };
        let bank = Bank::open_with(dir.path(), &nowhere, limits.clone()).await;
        let accounts = bank.accounts(1).await;
        let deposit = Command::Deposit { account: accounts[0], amount: money("1", "KRW") };
        let mut done = 0;
        let refused = loop {
            match bank.execute(deposit.clone()).await {
                Ok(_) => done += 1,
                Err(refused) => break refused,
            }
            assert!(done <= MARK, "the mark was passed");
        };
        assert!(matches!(refused, Refusal::Overloaded { limit: Overload::OutboxBacklog, .. }), "{refused:?}");
        assert!(done > MARK - 20, "refused too early, after {done}");
        bank.close().await;

        let kafka = broker::options(2);
        let bank = Bank::open_with(dir.path(), &kafka, limits).await;
        bank.published(Duration::from_secs(30)).await;
        bank.execute(deposit).await.unwrap();
        bank.published(Duration::from_secs(30)).await;
        seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        bank.close().await;
    });
}
