//! What the engine does when something fails: stores, panics, broken invariants, crowds, and its own end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Command, Delivery, Executed, NotDone, Overload, Refusal},
        engine::EngineLimits,
        view::LaneStatus,
    },
    clock::{Clock, ManualClock},
    storage::fake::{Gate, Outage, Outcome, Plan, Wait},
};
use hwan_domain::{
    id::{LaneId, Seq},
    money::Money,
    rejection::Code,
    time::Timestamp,
};
use hwan_simulator::{
    bank::{Bank, Family, TEN_O_CLOCK, at, buy, money},
    in_still_time,
    world::instant,
};

fn deposit(family: Family, won: &str) -> Command {
    Command::Deposit { account: family.won, amount: money(won) }
}

fn held_up(gate: &Gate) -> Plan {
    Plan { before: Wait::Until(gate.clone()), ..Plan::default() }
}

async fn turns() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Long enough for a lane to be taken again, several times.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

fn status(bank: &Bank) -> LaneStatus {
    bank.engine.lanes()[1].status
}

fn refusal(outcome: Result<Executed, Refusal>) -> Refusal {
    outcome.expect_err("refused")
}

#[test]
fn an_unknown_commit_is_answered_as_it_turns_out_to_have_been() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        bank.store.plan(Outcome::UnknownCommitted);
        let done = bank.keyed("committed", deposit(family, "100 KRW")).await.unwrap();
        assert_eq!(done.delivery, Delivery::First);
        bank.store.plan(Outcome::UnknownLost);
        assert_eq!(
            refusal(bank.keyed("lost", deposit(family, "10 KRW")).await),
            Refusal::NotDone(NotDone::CommitFailed)
        );
        assert_eq!(bank.held(family.won, "KRW").await, 100);
        bank.keyed("lost", deposit(family, "10 KRW")).await.unwrap();
        let again = bank.keyed("committed", deposit(family, "100 KRW")).await.unwrap();
        assert_eq!((again.delivery, again.record), (Delivery::Replayed, done.record));
        assert_eq!(bank.held(family.won, "KRW").await, 110);
        bank.audit(&[]);
    });
}

#[test]
fn while_the_store_is_away_whoever_waits_for_an_unknown_commit_is_told_so_and_its_retry_learns_the_outcome() {
    in_still_time(async {
        for (outcome, is_committed) in [(Outcome::UnknownLost, false), (Outcome::UnknownCommitted, true)] {
            let bank = Bank::open().await;
            let family = bank.family("0", "0.00").await;
            bank.store.plan(outcome);
            bank.store.set_outage(Outage::Writes);
            let (begun, back) = (tokio::time::Instant::now(), Duration::from_secs(60));
            let first = refusal(bank.keyed("limbo", deposit(family, "100 KRW")).await);
            assert_eq!(first, Refusal::Unknown);
            assert!(begun.elapsed() < Duration::from_secs(5), "answered after {:?}", begun.elapsed());
            tokio::time::sleep(back).await;
            assert_eq!(refusal(bank.keyed("limbo", deposit(family, "100 KRW")).await), Refusal::Unknown);
            bank.store.set_outage(Outage::None);
            a_while().await;
            let retried = bank.keyed("limbo", deposit(family, "100 KRW")).await.unwrap();
            assert_eq!(retried.delivery == Delivery::Replayed, is_committed);
            assert_eq!(bank.held(family.won, "KRW").await, 100);
            bank.audit(&[]);
        }
    });
}

#[test]
fn an_unknown_commit_is_told_from_another_owner_s_record_at_the_same_place_by_its_hash() {
    in_still_time(async {
        for (outcome, is_committed) in [(Outcome::UnknownLost, false), (Outcome::UnknownCommitted, true)] {
            let bank = Bank::open().await;
            let family = bank.family("0", "0.00").await;
            let gate = Gate::new();
            bank.store.plan(Plan { outcome, after: Wait::Until(gate.clone()), ..Plan::default() });
            let meanwhile = async {
                turns().await;
                let other = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
                let theirs = other.execute(hwan_simulator::bank::caller("other", None), deposit(family, "7 KRW")).await;
                gate.open();
                theirs.unwrap()
            };
            let (ours, theirs) = tokio::join!(bank.keyed("ours", deposit(family, "100 KRW")), meanwhile);
            match ours {
                Ok(executed) => assert!(is_committed && executed.record.position < theirs.record.position),
                Err(refused) => {
                    assert_eq!(refused, Refusal::NotDone(NotDone::CommitFailed));
                    assert!(!is_committed);
                }
            }
            assert_eq!(bank.held(family.won, "KRW").await, if is_committed { 107 } else { 7 });
            bank.audit(&[]);
        }
    });
}

#[test]
fn a_commit_that_is_not_done_is_tried_again_and_given_up_after_a_while() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        bank.store.plan(Outcome::NotDone);
        bank.done(deposit(family, "1 KRW")).await;
        bank.store.direct(|_| Outcome::NotDone.into());
        assert_eq!(refusal(bank.execute(deposit(family, "2 KRW")).await), Refusal::NotDone(NotDone::CommitFailed));
        bank.store.undirect();
        a_while().await;
        bank.done(deposit(family, "4 KRW")).await;
        assert_eq!(bank.held(family.won, "KRW").await, 5);
        bank.audit(&[]);
    });
}

#[test]
fn an_engine_whose_lane_another_has_taken_acknowledges_nothing_any_more() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        let other = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::NotDone(NotDone::CommitFailed));
        turns().await;
        assert_eq!(status(&bank), LaneStatus::Stopped);
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::NotDone(NotDone::LaneStopped));
        let bank = Bank { engine: other, ..bank };
        bank.done(deposit(family, "2 KRW")).await;
        assert_eq!(bank.held(family.won, "KRW").await, 2);
        bank.audit(&[]);
    });
}

/// A clock that panics when it is read for the n-th time from now on; a negative count never does.
struct PanickingClock(Arc<ManualClock>, AtomicI64);

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        if self.1.fetch_sub(1, Ordering::Relaxed) == 1 {
            panic!("the clock is asked once too often, as planned");
        }
        self.0.now()
    }
}

async fn bank_of_panicking_clock() -> (Bank, Arc<PanickingClock>) {
    let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
    let panicking = Arc::new(PanickingClock(clock.clone(), AtomicI64::new(-1)));
    (Bank::open_with(clock, panicking.clone(), EngineLimits::default()).await, panicking)
}

#[test]
fn a_panic_in_any_actor_on_the_way_leaves_the_outcome_unknown_and_the_retry_tells() {
    in_still_time(async {
        let (bank, clock) = bank_of_panicking_clock().await;
        let family = bank.family("1000000", "0.00").await;
        // The first reading is the façade's; then the customer's, both accounts' and the lane's mailbox.
        for reading in 2..=5_i64 {
            let epoch = bank.store.epoch(LaneId::FIRST);
            let rows = bank.store.rows(LaneId::FIRST).len();
            clock.1.store(reading, Ordering::Relaxed);
            let key = format!("reading-{reading}");
            assert_eq!(refusal(bank.keyed(&key, buy(family, "1.00 USD")).await), Refusal::Unknown, "reading {reading}");
            clock.1.store(-1, Ordering::Relaxed);
            a_while().await;
            assert!(bank.store.epoch(LaneId::FIRST) > epoch, "the lane was not taken again after reading {reading}");
            assert_eq!(status(&bank), LaneStatus::Open);
            assert_eq!(bank.store.rows(LaneId::FIRST).len(), rows, "nothing uncertain was written");
            let retried = bank.keyed(&key, buy(family, "1.00 USD")).await.unwrap();
            assert_eq!(retried.delivery, Delivery::First);
        }
        assert_eq!(bank.held(family.won, "KRW").await, 1_000_000 - 4 * 1_351);
        bank.audit(&[]);
    });
}

#[test]
fn debits_that_wait_for_the_reserve_of_a_command_that_panicked_are_answered() {
    in_still_time(async {
        let (bank, clock) = bank_of_panicking_clock().await;
        let family = bank.family("1000000", "0.00").await;
        // Five customers' readings (without a key the façade reads none), the first debit's, and then its credit's, which
        // panics.
        clock.1.store(7, Ordering::Relaxed);
        let outcomes = join_all((0..5).map(|_| bank.execute(buy(family, "1.00 USD")))).await;
        clock.1.store(-1, Ordering::Relaxed);
        let refusals: Vec<Refusal> = outcomes.into_iter().map(refusal).collect();
        assert_eq!(refusals.iter().filter(|refusal| **refusal == Refusal::Unknown).count(), 1, "{refusals:?}");
        let waited = refusals.iter().filter(|refusal| **refusal == Refusal::NotDone(NotDone::LaneClosed)).count();
        assert_eq!(waited, 4, "{refusals:?}");
        a_while().await;
        bank.done(buy(family, "1.00 USD")).await;
        let drained = tokio::time::timeout(Duration::from_secs(60), bank.engine.drain()).await;
        assert!(drained.is_ok(), "a waiting debit keeps its place at the door");
        bank.audit(&[]);
    });
}

#[test]
fn a_broken_invariant_stops_the_lane_before_anything_of_it_is_acknowledged() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let mut forged = bank.quote(family, "100.00 USD", Duration::from_secs(60)).await;
        forged.priced.won = Money::won(135_049).unwrap(); // a won less than the terms make it
        let epoch = bank.store.epoch(LaneId::FIRST);
        let outcomes = join_all([
            bank.execute(deposit(family, "1 KRW")),
            bank.execute(at(forged)),
            bank.execute(deposit(family, "2 KRW")),
        ])
        .await;
        assert!(matches!(outcomes[1], Err(Refusal::NotDone(NotDone::LaneClosed))), "{outcomes:?}");
        a_while().await;
        assert!(bank.store.epoch(LaneId::FIRST) > epoch);
        let deposited: i64 =
            outcomes.iter().zip([1, 0, 2]).filter(|(outcome, _)| outcome.is_ok()).map(|(_, won)| won).sum();
        assert_eq!(bank.held(family.won, "KRW").await, 1_000_000 + deposited);
        assert_eq!(bank.held(family.foreign, "USD").await, 0);
        // Again and again: an operator has to look.
        for _ in 0..5 {
            let _refused = bank.execute(at(forged)).await;
            a_while().await;
        }
        assert_eq!(status(&bank), LaneStatus::Stopped);
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::NotDone(NotDone::LaneStopped));
        bank.audit(&[]);
    });
}

#[test]
fn a_key_that_memory_took_for_unused_is_refused_by_the_store_and_the_retry_is_the_first_answer() {
    in_still_time(async {
        let limits = EngineLimits { key_window: Duration::from_secs(1), ..EngineLimits::default() };
        let bank = Bank::open_at(TEN_O_CLOCK, limits).await;
        let family = bank.family("0", "0.00").await;
        bank.clock.advance_micros(60_000_000);
        let admitted = bank.clock.now();
        // Made by a client whose clock is ahead, admitted, and then the engine's clock goes back before it is sequenced.
        let millis = u64::try_from(admitted.micros() / 1_000 + 4_900).unwrap();
        let key = uuid::Builder::from_unix_timestamp_millis(millis, &[7; 10]).into_uuid().to_string();
        let first = {
            let mut asking = pin!(bank.keyed(&key, deposit(family, "100 KRW")));
            poll_fn(|cx| {
                assert!(asking.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            bank.clock.advance_micros(-50_000_000);
            asking.await.unwrap()
        };
        assert!(first.record.at < admitted);
        // Memory forgets it, and believes itself complete for keys as new as this one.
        bank.clock.set(admitted.plus_seconds(-40));
        bank.keyed("another", deposit(family, "1 KRW")).await.unwrap();
        bank.clock.set(admitted);
        assert_eq!(
            refusal(bank.keyed(&key, deposit(family, "100 KRW")).await),
            Refusal::NotDone(NotDone::CommitFailed)
        );
        a_while().await;
        let again = bank.keyed(&key, deposit(family, "100 KRW")).await.unwrap();
        assert_eq!((again.delivery, again.record), (Delivery::Replayed, first.record));
        assert_eq!(bank.held(family.won, "KRW").await, 101);
        bank.audit(&[]);
    });
}

#[test]
fn a_store_that_went_back_stops_the_lane() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        bank.done(deposit(family, "100 KRW")).await;
        let head = bank.store.rows(LaneId::FIRST).len() as u64;
        bank.store.roll_back_to(LaneId::FIRST, Seq::new(head - 1).unwrap());
        bank.store.plan(Outcome::UnknownLost);
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::Unknown);
        assert_eq!(status(&bank), LaneStatus::Stopped);
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::NotDone(NotDone::LaneStopped));
    });
}

#[test]
fn a_drain_answers_everything_in_flight_and_refuses_what_comes_later() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        let gate = Gate::new();
        bank.store.plan(held_up(&gate));
        let in_flight = join_all((0..20).map(|_| bank.execute(deposit(family, "1 KRW"))));
        let draining = async {
            turns().await;
            let drain = bank.engine.drain();
            let late = async {
                turns().await;
                let refused = bank.execute(deposit(family, "1 KRW")).await;
                gate.open();
                refused
            };
            tokio::join!(drain, late).1
        };
        let (outcomes, late) = tokio::join!(in_flight, draining);
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(refusal(late), Refusal::NotDone(NotDone::Stopping));
        assert!(bank.engine.lanes().iter().all(|lane| lane.status == LaneStatus::Closed));
        bank.audit(&[]);
    });
}

#[test]
fn a_drain_ends_although_a_lane_cannot_be_taken_again() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        bank.store.set_outage(Outage::Writes);
        bank.store.direct(|_| Outcome::NotDone.into());
        assert_eq!(refusal(bank.execute(deposit(family, "1 KRW")).await), Refusal::NotDone(NotDone::CommitFailed));
        turns().await;
        assert_eq!(status(&bank), LaneStatus::Opening);
        let drained = tokio::time::timeout(Duration::from_secs(30), bank.engine.drain()).await;
        assert!(drained.is_ok());
    });
}

#[test]
fn beyond_the_door_s_limits_commands_are_refused_at_once_and_welcome_again_later() {
    in_still_time(async {
        let limits = EngineLimits { in_flight_max: 4, in_flight_per_customer_max: 2, ..EngineLimits::default() };
        let bank = Bank::open_at(TEN_O_CLOCK, limits).await;
        let families = [bank.family("0", "0.00").await, bank.family("0", "0.00").await, bank.family("0", "0.00").await];
        let gate = Gate::new();
        bank.store.direct({
            let gate = gate.clone();
            move |_| held_up(&gate)
        });
        let crowd = async {
            let one = |family: usize| bank.execute(deposit(families[family], "1 KRW"));
            let waiting = join_all([one(0), one(0), one(1), one(1)]);
            let refused = async {
                turns().await;
                one(2).await
            };
            let opened = async {
                let refused = refused.await;
                gate.open();
                refused
            };
            tokio::join!(waiting, opened)
        };
        let (answered, refused) = crowd.await;
        assert!(answered.iter().all(Result::is_ok));
        assert!(matches!(refused, Err(Refusal::Overloaded { limit: Overload::InFlight, .. })), "{refused:?}");
        bank.store.undirect();

        let gate = Gate::new();
        bank.store.plan(held_up(&gate));
        let one = || bank.execute(deposit(families[0], "1 KRW"));
        let third = async {
            turns().await;
            let refused = one().await;
            gate.open();
            refused
        };
        let (first, second, third) = tokio::join!(one(), one(), third);
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(Refusal::Overloaded { limit: Overload::InFlightOfCustomer, .. })), "{third:?}");
        assert!(one().await.is_ok());
        bank.audit(&[]);
    });
}

#[test]
fn clients_that_hang_up_change_nothing() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let gate = Gate::new();
        bank.store.plan(held_up(&gate));
        {
            let mut asking = pin!(bank.keyed("gone", buy(family, "1.00 USD")));
            poll_fn(|cx| {
                assert!(asking.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            turns().await;
        }
        gate.open();
        turns().await;
        assert_eq!(bank.held(family.foreign, "USD").await, 100);
        assert_eq!(bank.keyed("gone", buy(family, "1.00 USD")).await.unwrap().delivery, Delivery::Replayed);
        bank.audit(&[]);
    });
}

#[test]
fn a_rejection_leaves_no_key_behind() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("100", "0.00").await;
        let poor = refusal(bank.keyed("later", buy(family, "1.00 USD")).await);
        assert!(matches!(&poor, Refusal::Rejected(rejection) if rejection.code() == Code::InsufficientBalance));
        bank.done(deposit(family, "2000 KRW")).await;
        assert_eq!(bank.keyed("later", buy(family, "1.00 USD")).await.unwrap().delivery, Delivery::First);
        bank.audit(&[]);
    });
}

#[test]
fn ten_thousand_customers_one_after_another_leave_a_hundred_in_memory() {
    in_still_time(async {
        let limits = EngineLimits { resident_customers_max: 100, ..EngineLimits::default() };
        let bank = Bank::open_at(TEN_O_CLOCK, limits).await;
        let mut most = 0;
        let mut families = Vec::new();
        for round in 0..100 {
            for _ in 0..100 {
                families.push(bank.family("1", "0.00").await);
            }
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            most = most.max(bank.engine.residents());
            // Some of the first come back, hydrated.
            assert_eq!(bank.held(families[round].won, "KRW").await, 1);
        }
        assert!(most <= 300, "{most} customers in memory");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(bank.engine.residents() <= 100, "{} customers in memory", bank.engine.residents());
    });
}
