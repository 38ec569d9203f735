//! The business date at the engine: it rolls on time in every lane, never goes back, is not taken far by a clock that is wrong, and
//! is sent on by command.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Command, Delivery, Executed, KeyError, Refusal},
        engine::EngineLimits,
    },
    clock::{Clock, ManualClock},
    storage::fake::Outcome,
};
use hwan_domain::{
    id::LaneId,
    record::{Event, Record, RequestDigest},
    rejection::Code,
    time::{BusinessDate, Timestamp},
};
use hwan_simulator::{
    bank::{Bank, buy, caller, money, sell},
    in_still_time,
    world::instant,
};
use tokio::time::Instant;

const LATE: &str = "2026-11-23T23:59:59.9+09:00";
const EVENING: &str = "2026-11-23T20:00:00+09:00";
const LANES: u16 = 3;

fn date(text: &str) -> BusinessDate {
    BusinessDate::parse(text).unwrap()
}

fn lanes(customer_lanes: u16) -> EngineLimits {
    EngineLimits { customer_lanes, ..EngineLimits::default() }
}

/// Every record of every lane, lane by lane.
fn journals(bank: &Bank, customer_lanes: u16) -> Vec<Vec<Arc<Record>>> {
    let lanes = (0..=customer_lanes).map(|lane| bank.store.rows(LaneId::new(lane).unwrap()));
    lanes.map(|rows| rows.into_iter().map(|row| row.record.clone()).collect()).collect()
}

/// To which dates each lane was rolled.
fn rolls(bank: &Bank, customer_lanes: u16) -> Vec<Vec<String>> {
    let rolled = |records: Vec<Arc<Record>>| {
        records
            .iter()
            .filter_map(|record| match record.event {
                Event::DateRolled { date } => Some(date.to_string()),
                _ => None,
            })
            .collect()
    };
    journals(bank, customer_lanes).into_iter().map(rolled).collect()
}

/// Each lane was rolled to just these dates.
fn rolled_to(bank: &Bank, customer_lanes: u16, dates: &[&str]) {
    for (lane, rolls) in rolls(bank, customer_lanes).into_iter().enumerate() {
        assert_eq!(rolls, dates, "lane {lane}");
    }
}

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

async fn sent_to(bank: &Bank, text: &str, key: Option<&str>) -> Result<Executed, Refusal> {
    bank.engine.roll_date(caller("ops", key), date(text)).await
}

/// A clock that goes as the test's time does.
struct FlowingClock(Timestamp, Instant);

impl Clock for FlowingClock {
    fn now(&self) -> Timestamp {
        self.0.plus_micros(i64::try_from(self.1.elapsed().as_micros()).unwrap())
    }
}

#[test]
fn every_lane_rolls_within_milliseconds_of_midnight_without_business() {
    in_still_time(async {
        let flowing = Arc::new(FlowingClock(instant("2026-11-23T23:59:58.937+09:00"), Instant::now()));
        let bank = Bank::open_with(Arc::new(ManualClock::at(flowing.0)), flowing, lanes(LANES)).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        for records in journals(&bank, LANES) {
            let late = records.last().unwrap().at.micros_since(instant("2026-11-24T00:00:00+09:00"));
            assert!((0..3_000).contains(&late), "{late} microseconds after midnight");
        }
        bank.audit(&[]);
    });
}

#[test]
fn a_record_that_was_sequenced_before_the_roll_belongs_to_the_day_before_whatever_the_clock_says() {
    in_still_time(async {
        let bank = Bank::open_at(LATE, lanes(1)).await;
        let family = bank.family("1000", "0.00").await;
        let deposit = || Command::Deposit { account: family.won, amount: money("1 KRW") };
        let midnight = instant("2026-11-24T00:00:00+09:00");
        bank.clock.set(midnight);
        let before = bank.done(deposit()).await;
        a_moment().await;
        let after = bank.done(deposit()).await;
        assert_eq!((before.at, before.business_date), (midnight, date("2026-11-23")));
        assert_eq!((after.at, after.business_date), (midnight, date("2026-11-24")));
        bank.audit(&[]);
    });
}

#[test]
fn exchanges_that_meet_the_roll_are_wholly_on_one_day_and_no_account_goes_back() {
    in_still_time(async {
        let bank = Bank::open_at(LATE, lanes(LANES)).await;
        let mut families = Vec::new();
        for _ in 0..6 {
            families.push(bank.family("1000000", "1000.00").await);
        }
        let exchanges = (0..300_u64).map(|number| {
            let (bank, families) = (&bank, &families);
            async move {
                tokio::time::sleep(Duration::from_millis(number)).await;
                if number == 100 {
                    bank.clock.set(instant("2026-11-24T00:00:00+09:00"));
                }
                let family = families[usize::try_from(number).unwrap() % families.len()];
                let order = if number % 2 == 0 { buy(family, "1.00 USD") } else { sell(family, "1.00 USD") };
                bank.done(order).await
            }
        });
        let exchanged = join_all(exchanges).await;
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        let (first, second): (Vec<_>, Vec<_>) =
            exchanged.iter().partition(|record| record.business_date == date("2026-11-23"));
        assert!(first.len() >= 100 && second.len() >= 90, "{} and {}", first.len(), second.len());
        for records in journals(&bank, LANES) {
            assert!(records.is_sorted_by_key(|record| record.business_date));
            let roll = records.iter().position(|record| record.business_date == date("2026-11-24")).unwrap();
            assert!(matches!(records[roll].event, Event::DateRolled { .. }), "a day begins with its roll");
        }
        for family in families {
            let page = hwan::actors::reads::Page { window: Default::default(), before: None, limit: 1_000 };
            for account in [family.won, family.foreign] {
                let entries = bank.engine.entries(account, page).await.unwrap().entries;
                assert!(entries.is_sorted_by(|newer, older| newer.business_date >= older.business_date));
            }
        }
        bank.audit(&[]);
    });
}

#[test]
fn a_clock_that_jumps_back_takes_no_lane_back_and_midnight_is_met_once() {
    in_still_time(async {
        let bank = Bank::open_at(LATE, lanes(LANES)).await;
        let family = bank.family("1000", "0.00").await;
        for text in [
            "2026-11-24T00:00:00+09:00",
            "2026-11-21T12:00:00+09:00",
            "2026-11-23T23:00:00+09:00",
            "2026-11-24T00:00:01+09:00",
        ] {
            bank.clock.set(instant(text));
            a_moment().await;
            let record = bank.done(Command::Deposit { account: family.won, amount: money("1 KRW") }).await;
            assert_eq!(record.business_date, date("2026-11-24"), "{text}");
        }
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        assert!(!bank.engine.business_date().is_held_back);
        bank.audit(&[]);
    });
}

#[test]
fn a_clock_that_jumps_days_ahead_is_followed_for_one_day_and_then_the_command_is_waited_for() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(LANES)).await;
        bank.clock.set(instant("2026-11-28T12:00:00+09:00"));
        a_moment().await;
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        let seen = bank.engine.business_date();
        assert_eq!((seen.is_held_back, seen.clock_date), (true, date("2026-11-28")));
        sent_to(&bank, "2026-11-25", None).await.unwrap();
        a_moment().await;
        assert!(bank.engine.business_date().is_held_back, "the lanes are still behind the clock");
        sent_to(&bank, "2026-11-28", None).await.unwrap();
        a_moment().await;
        assert!(!bank.engine.business_date().is_held_back);
        bank.clock.set(instant("2026-11-29T00:00:00+09:00"));
        a_moment().await;
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-28", "2026-11-29"]);
        bank.audit(&[]);
    });
}

#[test]
fn a_clock_that_was_wrong_and_is_set_right_is_followed_again() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(1)).await;
        bank.clock.set(instant("2036-11-23T12:00:00+09:00"));
        a_moment().await;
        assert!(bank.engine.business_date().is_held_back);
        bank.clock.set(instant("2026-11-24T00:00:00+09:00"));
        a_moment().await;
        assert!(!bank.engine.business_date().is_held_back);
        bank.clock.set(instant("2026-11-25T00:00:00+09:00"));
        a_moment().await;
        rolled_to(&bank, 1, &["2026-11-23", "2026-11-24", "2026-11-25"]);
    });
}

#[test]
fn a_program_that_was_down_for_days_rolls_over_all_of_them_at_its_start() {
    in_still_time(async {
        let bank = Bank::open_at(LATE, lanes(LANES)).await;
        bank.engine.drain().await;
        bank.store.reopen();
        bank.clock.set(instant("2026-12-24T12:00:00+09:00"));
        let engine = Bank::engine(&bank.store, bank.clock.clone(), lanes(LANES)).await;
        let bank = Bank { engine, ..bank };
        a_moment().await;
        assert!(!bank.engine.business_date().is_held_back);
        rolled_to(&bank, LANES, &["2026-11-23", "2026-12-24"]);
    });
}

#[test]
fn a_day_is_closed_early_by_command_once_and_the_schedule_finds_it_done() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(LANES)).await;
        let family = bank.family("1000", "0.00").await;
        let first = sent_to(&bank, "2026-11-24", Some("close-early")).await.unwrap();
        assert_eq!((first.delivery, first.record.business_date), (Delivery::First, date("2026-11-24")));
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        for lane in bank.engine.lanes() {
            assert_eq!(lane.business_date, Some(date("2026-11-24")), "durable when it is answered");
        }
        let again = sent_to(&bank, "2026-11-24", Some("close-early")).await.unwrap();
        assert_eq!((again.delivery, &again.record), (Delivery::Replayed, &first.record));
        let without_key = sent_to(&bank, "2026-11-24", None).await.unwrap();
        assert_eq!(without_key.record, first.record, "the same answer");
        let other =
            hwan::actors::command::Caller { request: RequestDigest([2; 16]), ..caller("ops", Some("close-early")) };
        let reused = bank.engine.roll_date(other, date("2026-11-24")).await;
        assert_eq!(reused.unwrap_err(), Refusal::Key(KeyError::Reused));
        let refused = sent_to(&bank, "2026-11-25", None).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Rejected(rejection) if rejection.code() == Code::BusinessDateTooFar),
            "{refused}"
        );
        let record = bank.done(Command::Deposit { account: family.won, amount: money("1 KRW") }).await;
        assert_eq!(record.business_date, date("2026-11-24"));
        bank.clock.set(instant("2026-11-24T00:00:00+09:00"));
        a_moment().await;
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        let earlier = sent_to(&bank, "2026-11-20", None).await.unwrap();
        assert_eq!(earlier.record.business_date, date("2026-11-23"), "lanes that are further stay");
        bank.audit(&[]);
    });
}

#[test]
fn many_who_send_the_lanes_on_at_once_roll_them_once() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(LANES)).await;
        let answers = join_all((0..20).map(|_| sent_to(&bank, "2026-11-24", None))).await;
        let records: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().record).collect();
        assert!(records.iter().all(|record| *record == records[0]));
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
    });
}

#[test]
fn a_lane_that_is_added_begins_where_the_furthest_stands() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(1)).await;
        sent_to(&bank, "2026-11-24", None).await.unwrap();
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), lanes(2)).await;
        let bank = Bank { engine, ..bank };
        a_moment().await;
        assert_eq!(rolls(&bank, 2)[2], ["2026-11-24"], "nothing is posted on a day that the others have left");
    });
}

#[test]
fn a_lane_whose_roll_was_not_done_follows_the_others_and_the_command_waits_for_it() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(LANES)).await;
        let begun = Instant::now();
        let away = LaneId::new(2).unwrap();
        bank.store.direct(move |batch| {
            // Longer than a commit is tried again: the lane's generation ends, and the next one rolls.
            let is_away = batch.lane == away && begun.elapsed() < Duration::from_millis(2_500);
            if is_away { Outcome::NotDone.into() } else { Outcome::Honest.into() }
        });
        sent_to(&bank, "2026-11-24", None).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(2_500));
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
        bank.store.undirect();
        bank.audit(&[]);
    });
}

#[test]
fn a_roll_that_came_half_way_is_finished_by_the_next_start_although_the_clock_does_not_say_so() {
    in_still_time(async {
        let bank = Bank::open_at(EVENING, lanes(LANES)).await;
        bank.store.direct(|batch| {
            let is_later = batch.lane != LaneId::SYSTEM;
            if is_later { Outcome::NotDone.into() } else { Outcome::Honest.into() }
        });
        assert_eq!(sent_to(&bank, "2026-11-24", Some("half")).await.unwrap_err(), Refusal::Unknown);
        assert_eq!(rolls(&bank, LANES)[1], ["2026-11-23"]);
        bank.store.undirect();
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), lanes(LANES)).await;
        let bank = Bank { engine, ..bank };
        let again = sent_to(&bank, "2026-11-24", Some("half")).await.unwrap();
        assert_eq!(again.delivery, Delivery::Replayed);
        rolled_to(&bank, LANES, &["2026-11-23", "2026-11-24"]);
    });
}
