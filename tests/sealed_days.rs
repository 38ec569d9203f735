//! Sealed days leave as files: once they are over, whole, the same however often and from whichever store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "sealed_days/bank.rs"]
mod bank;
#[path = "store_mysql/server.rs"]
#[allow(dead_code, reason = "shared with tests that look at tables")]
mod server;

use std::{path::PathBuf, sync::Arc, time::Duration};

use hwan::{
    sealing::{
        SealingError,
        after_closing::{self, AfterClosing, Exports},
        export::export,
        retention,
        sealed::is_sealed,
    },
    storage::{
        mysql::{MysqlOptions, MysqlStore, Retention},
        sealing::port::SealingStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use hwan_domain::{
    id::{AccountId, LaneId},
    time::{BusinessDate, Timestamp},
};
use hwan_sealed::{
    Manifest, Place, Written,
    day::{self, Existing},
    table::Table,
};
use hwan_simulator::world::currencies;

use bank::Bank;
use server::{Scratch, Server};

/// Where the days, and the ledger that they are of, are left for the engines that check them, if somebody wants them.
fn left_at() -> Option<PathBuf> {
    std::env::var_os("HWAN_TEST_SEALED").map(PathBuf::from)
}

async fn seal(bank: &Bank, date: BusinessDate, place: &Place) -> Result<(Manifest, Written), SealingError> {
    let days = bank.days();
    let sealed = is_sealed(&days, date).await?;
    assert!(sealed.closing_hash.is_some(), "{date} is closed");
    export(&days, &sealed, place, Existing::Keep, &mut |_| ()).await
}

/// Two days of business and the third one's beginning; gives the two.
async fn two_days(bank: &mut Bank, commands: usize) -> [BusinessDate; 2] {
    let monday = bank.today();
    bank.trade(commands).await;
    bank.next_day().await;
    let tuesday = bank.today();
    bank.trade(commands / 2).await;
    bank.next_day().await;
    [monday, tuesday]
}

async fn sqlite(folder: &std::path::Path) -> Arc<dyn SealingStore> {
    Arc::new(SqliteStore::open(folder, currencies(), SqliteOptions::default()).await.unwrap())
}

#[test]
fn a_day_is_exported_whole_once_it_is_over_and_is_the_same_whatever_came_since() {
    actix_rt::System::new().block_on(async {
        let scratch = tempfile::tempdir().unwrap();
        let root = left_at().unwrap_or_else(|| scratch.path().to_owned());
        let (ledger, to) = (root.join("ledger"), root.join("days"));
        let place = Place::open(to.to_str().unwrap()).unwrap();
        let mut bank = Bank::open(sqlite(&ledger).await, &ledger).await;
        let monday = bank.today();
        bank.trade(400).await;
        let early = seal(&bank, monday, &place).await.unwrap_err().to_string();
        assert!(early.contains("2026-11-23 is not sealed yet: lane 0 has not passed it"), "{early}");
        bank.next_day().await;
        let (first, written) = seal(&bank, monday, &place).await.unwrap();
        assert_eq!(written, Written::New);
        assert!(first.rows_of(Table::Records) > 250 && first.rows_of(Table::Entries) > 250, "{first:?}");
        for table in Table::ALL {
            assert!(first.rows_of(table) > 0, "{table:?} is empty");
        }
        // What comes later changes nothing of it; a day of its own begins with what it ended with.
        let tuesday = bank.today();
        bank.trade(200).await;
        assert_eq!(seal(&bank, monday, &place).await.unwrap(), (first.clone(), Written::There));
        bank.next_day().await;
        let (second, _) = seal(&bank, tuesday, &place).await.unwrap();
        for (lane, next) in first.lanes.iter().zip(&second.lanes) {
            assert_eq!((lane.last_seq, &lane.last_hash), (next.after_seq, &next.after_hash));
        }
        // A day without business, but for the passing on to it.
        let quiet = bank.today();
        bank.next_day().await;
        let (third, _) = seal(&bank, quiet, &place).await.unwrap();
        assert_eq!((third.rows_of(Table::Records), third.rows_of(Table::Entries)), (3, 0));
        let totals = |manifest: &Manifest| manifest.lanes.iter().map(|lane| lane.totals.clone()).collect::<Vec<_>>();
        assert_eq!(totals(&third), totals(&second));
        // Without the day before, what did not move is found in the journal.
        let elsewhere = Place::open(scratch.path().join("elsewhere").to_str().unwrap()).unwrap();
        assert_eq!(seal(&bank, quiet, &elsewhere).await.unwrap(), (third, Written::New));
        bank.close().await;
    });
}

#[test]
fn every_store_gives_the_same_bytes_and_exported_records_go_behind_their_manifest() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut bank = Bank::open(sqlite(folder.path()).await, folder.path()).await;
        let dates = two_days(&mut bank, 200).await;
        let place = |name: &str| Place::open(folder.path().join(name).to_str().unwrap()).unwrap();
        let mut expected = Vec::new();
        for date in dates {
            expected.push(seal(&bank, date, &place("sqlite")).await.unwrap().0);
        }
        bank.close().await;
        for server in Server::ALL {
            let (books, scratch) = (tempfile::tempdir().unwrap(), Scratch::create(server, "hwan_sealed").await);
            let options = MysqlOptions { lease: Duration::from_secs(2), ..MysqlOptions::at(scratch.url()) };
            let store = Arc::new(MysqlStore::open(&options, currencies()).await.unwrap());
            let mut bank = Bank::open(store.clone(), books.path()).await;
            assert_eq!(two_days(&mut bank, 200).await, dates);
            let name = format!("{server:?}");
            for (date, expected) in dates.into_iter().zip(&expected) {
                let (found, _) = seal(&bank, date, &place(&name)).await.unwrap();
                assert_eq!(found.differences(expected), [""; 0], "{server:?}");
            }
            let [monday, tuesday] = &expected[..] else { unreachable!("two days") };
            let place = place(&name);
            // Not the second day before the first.
            assert_eq!(retention::note_exported(&store, &place, tuesday).await.unwrap(), 0);
            assert_eq!(retention::note_exported(&store, &place, monday).await.unwrap(), 3);
            let lanes = is_sealed(&bank.days(), dates[1]).await.unwrap().lanes;
            for lane in &lanes {
                store.expire_keys(lane.lane, Timestamp::MAX, Retention::default()).await.unwrap();
            }
            let pace = Retention { step: 50, pause: Duration::ZERO };
            let deleted = retention::delete_exported(&store, &lanes, pace).await.unwrap();
            assert_eq!(deleted, monday.lanes.iter().map(|lane| lane.last_seq).sum::<u64>());
            let gone = seal(&bank, dates[0], &place).await.unwrap_err();
            assert!(matches!(gone, SealingError::Gone { .. }), "{gone}");
            // The second day is whole, and still the same.
            assert_eq!(seal(&bank, dates[1], &place).await.unwrap(), (tuesday.clone(), Written::There));
            // A manifest of another ledger lets nothing go.
            let mut other = tuesday.clone();
            other.lanes[1].last_hash = "00".repeat(32);
            let refused = retention::note_exported(&store, &place, &other).await.unwrap_err().to_string();
            assert!(refused.contains("is not the one that was exported"), "{refused}");
            bank.close().await;
        }
    });
}

#[test]
fn both_ends_of_a_day_are_what_each_account_ended_it_with_page_by_page() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut bank = Bank::open(sqlite(folder.path()).await, folder.path()).await;
        let [monday, tuesday] = two_days(&mut bank, 150).await;
        for lane in [1, 2].map(|number| LaneId::new(number).unwrap()) {
            for date in [monday, tuesday] {
                let mut after: Option<AccountId> = None;
                let mut accounts = 0;
                // Pages as small as they get.
                loop {
                    let page = bank.store.day_balances(lane, date, after, 1).await.unwrap();
                    for balance in &page.balances {
                        let ends = async |date| {
                            let held = bank.store.daily_balances(balance.account, date).await.unwrap();
                            let of = held.iter().find(|(_, held)| held.currency() == balance.closing.currency());
                            of.map_or(0, |(_, held)| held.minor())
                        };
                        let before = BusinessDate::from_days(date.days() - 1);
                        assert_eq!(
                            (ends(before).await, ends(date).await),
                            (balance.opening.minor(), balance.closing.minor())
                        );
                        accounts += 1;
                    }
                    match page.next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
                assert!(accounts > 2, "{accounts}");
            }
        }
        bank.close().await;
    });
}

#[test]
fn a_running_engine_exports_what_is_sealed_by_itself_and_waits_for_the_rest() {
    actix_rt::System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let mut bank = Bank::open(sqlite(folder.path()).await, folder.path()).await;
        let dates = two_days(&mut bank, 60).await;
        let place = Place::open(folder.path().join("days").to_str().unwrap()).unwrap();
        let work = AfterClosing { source: bank.days(), place: place.clone(), exports: Exports::Here, deletion: None };
        let running = actix_rt::spawn(after_closing::start(work).unwrap());
        for date in dates {
            let exported = async {
                while day::manifest(&place, &date.to_string()).await.unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            assert!(tokio::time::timeout(Duration::from_secs(60), exported).await.is_ok(), "{date} is not exported");
        }
        assert_eq!(day::manifest(&place, &bank.today().to_string()).await.unwrap(), None);
        running.abort();
        for date in dates {
            assert_eq!(seal(&bank, date, &place).await.unwrap().1, Written::There);
        }
        bank.close().await;
    });
}
