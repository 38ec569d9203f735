//! Order, chain, keys and headers, and a restart that goes on where it was.

use std::time::Duration;

use hwan::storage::port::LedgerStore;
use hwan_domain::id::{LaneId, Seq};

use super::{
    bank::{Bank, on_a_system},
    broker, seen,
};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn every_lanes_events_are_its_journal_and_a_restart_goes_on_without_a_gap() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        let kafka = broker::options(3);
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(8).await;
        bank.deposit(&accounts, 3_000).await;
        bank.published(SOON).await;
        // The cursor is saved twice a second.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let first = LaneId::FIRST;
        let (cursor, _) = bank.store.relayed(first).await.unwrap();
        let durable = bank.engine.lanes().iter().find(|lane| lane.lane == first).unwrap().durable;
        assert_eq!(cursor, durable, "what is delivered is remembered");
        bank.close().await;

        let bank = Bank::open(dir.path(), &kafka).await;
        bank.published(SOON).await;
        bank.deposit(&accounts, 2_000).await;
        bank.published(SOON).await;
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        assert_eq!(repeats, 0, "the cursor was at the head when the bank closed");
        bank.close().await;
    });
}

#[test]
fn what_was_published_but_not_remembered_is_published_again_as_it_was() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        let kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(4).await;
        bank.deposit(&accounts, 500).await;
        bank.published(SOON).await;
        bank.close().await; // at once: the cursor is behind

        let bank = Bank::open(dir.path(), &kafka).await;
        bank.deposit(&accounts, 500).await;
        bank.published(SOON).await;
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        println!("{repeats} repeats");
        bank.close().await;
    });
}

#[test]
fn a_topic_that_is_too_narrow_is_widened() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        let mut kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        bank.accounts(2).await;
        bank.published(SOON).await;
        bank.close().await;
        kafka.lanes = 4;
        let bank = Bank::open(dir.path(), &kafka).await;
        bank.accounts(12).await;
        bank.published(SOON).await;
        seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        assert!(bank.engine.lanes().iter().all(|lane| lane.durable > Seq::ZERO));
        bank.close().await;
    });
}
