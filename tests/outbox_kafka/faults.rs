//! A broker that is killed again and again, and one that stands still: exchanges go on, and nothing is lost or out of order.

use std::time::{Duration, Instant};

use hwan_services::Signal;

use super::{
    bank::{Bank, on_a_system},
    broker::{self, OwnBroker},
    seen,
};

/// How often the broker is killed; each time costs it some six seconds until it is back.
const KILLS: usize = 4;
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_broker_that_is_killed_again_and_again_under_load_loses_nothing() {
    on_a_system(async {
        let OwnBroker { mut instance, aside: _aside } = OwnBroker::start();
        let dir = tempfile::tempdir().unwrap();
        let kafka = broker::options_at(&instance.url(""), 3);
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(8).await;
        let mut deposits = 0;
        for round in 0..KILLS {
            deposits += bank.deposit_for(&accounts, Duration::from_millis(700 + 150 * round as u64)).await;
            instance.kill().unwrap();
            deposits += bank.deposit_for(&accounts, Duration::from_millis(500)).await;
            assert!(bank.waiting() > 0, "records wait while nobody takes them");
            let restarting = std::thread::spawn(move || {
                instance.restart().unwrap();
                instance
            });
            while !restarting.is_finished() {
                deposits += bank.deposit_for(&accounts, Duration::from_millis(100)).await;
            }
            instance = restarting.join().unwrap();
        }
        let recovering = Instant::now();
        bank.published(SOON).await;
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        println!("{deposits} deposits, {KILLS} kills, {repeats} repeats, caught up in {:?}", recovering.elapsed());
        bank.close().await;
    });
}

#[test]
fn a_broker_that_stands_still_for_ten_seconds_delays_events_and_nothing_else() {
    on_a_system(async {
        let broker = OwnBroker::start();
        let dir = tempfile::tempdir().unwrap();
        let kafka = broker::options_at(&broker.instance.url(""), 2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let accounts = bank.accounts(4).await;
        bank.deposit(&accounts, 500).await;
        bank.published(SOON).await;
        broker.instance.signal(Signal::Hold).unwrap();
        let slowest = {
            let until = Instant::now() + Duration::from_secs(10);
            let mut slowest = Duration::ZERO;
            while Instant::now() < until {
                let asked = Instant::now();
                bank.deposit(&accounts, 100).await;
                slowest = slowest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slowest
        };
        assert!(bank.waiting() > 0);
        assert!(
            slowest < Duration::from_secs(3),
            "a hundred deposits took {slowest:?} beside a broker that stands still"
        );
        broker.instance.signal(Signal::Resume).unwrap();
        bank.published(SOON).await;
        let repeats = seen::all_is_the_journal(bank.store.as_ref(), &kafka).await;
        println!("slowest hundred {slowest:?}, {repeats} repeats");
        bank.close().await;
    });
}
