//! Customers' scenarios with exact outcomes, at the engine: what the API promises, before there is any HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Command, Delivery, Executed, Order, Refusal},
        engine::EngineLimits,
    },
    clock::{Clock, ManualClock},
};
use hwan_domain::{
    check::Check,
    exchange::{Ask, Side},
    id::LaneId,
    money::Money,
    record::Event,
    rejection::Code,
    time::Timestamp,
};
use hwan_simulator::{
    bank::{Bank, TEN_O_CLOCK, at, buy, fact, money, order, sell},
    in_still_time,
    world::instant,
};

fn code(outcome: &Result<Executed, Refusal>) -> Option<Code> {
    match outcome {
        Err(Refusal::Rejected(rejection)) => Some(rejection.code()),
        _ => None,
    }
}

fn exchanges(bank: &Bank) -> usize {
    bank.store.rows(LaneId::FIRST).iter().filter(|row| matches!(row.record.event, Event::Exchanged { .. })).count()
}

#[test]
fn fifty_retries_at_once_make_one_exchange_and_fifty_identical_answers() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let outcomes = join_all((0..50).map(|_| bank.keyed("the-one", buy(family, "100.00 USD")))).await;
        let answers: Vec<Executed> = outcomes.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers.iter().filter(|answer| answer.delivery == Delivery::First).count(), 1);
        assert!(answers.iter().all(|answer| answer.record == answers[0].record));
        assert_eq!(exchanges(&bank), 1);
        assert_eq!((bank.held(family.won, "KRW").await, bank.held(family.foreign, "USD").await), (864_950, 10_000));
        bank.audit(&[]);
    });
}

#[test]
fn a_hundred_parallel_buys_of_a_dollar_spend_a_hundred_thousand_won_to_the_last_exchange() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("100000", "0.00").await;
        let outcomes = join_all((0..100).map(|_| bank.execute(buy(family, "1.00 USD")))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 74);
        assert_eq!(outcomes.iter().filter(|outcome| code(outcome) == Some(Code::InsufficientBalance)).count(), 26);
        assert_eq!((bank.held(family.won, "KRW").await, bank.held(family.foreign, "USD").await), (26, 7_400));
        bank.audit(&[]);
    });
}

#[test]
fn five_thousand_buys_and_five_thousand_sells_at_once_keep_both_chains_in_one_order() {
    in_still_time(async {
        let roomy =
            EngineLimits { in_flight_max: 16_384, in_flight_per_customer_max: 12_288, ..EngineLimits::default() };
        let bank = Bank::open_at(TEN_O_CLOCK, roomy).await;
        let family = bank.family("6800000", "5000.00").await;
        let orders =
            (0..10_000).map(|number| if number % 2 == 0 { buy(family, "1.00 USD") } else { sell(family, "1.00 USD") });
        let outcomes = join_all(orders.map(|order| bank.execute(order))).await;
        assert!(outcomes.iter().all(Result::is_ok), "every exchange is covered, whatever the order");
        assert_eq!(bank.held(family.won, "KRW").await, 6_800_000 - 5_000 * 1_351 + 5_000 * 1_350);
        assert_eq!(bank.held(family.foreign, "USD").await, 500_000);
        // The two chains in one order: in the journal's order both versions go up by one each time.
        let rows = bank.store.rows(LaneId::FIRST);
        let mut versions = [1_u64, 1];
        for row in rows.iter().filter(|row| matches!(row.record.event, Event::Exchanged { .. })) {
            for leg in row.record.event.legs() {
                let version = &mut versions[usize::from(leg.account == family.foreign)];
                *version += 1;
                assert_eq!(leg.version, *version, "{:?}", row.record.position);
            }
        }
        assert_eq!(versions, [10_001, 10_001]);
        bank.audit(&[]);
    });
}

#[test]
fn of_two_parallel_buys_of_six_million_won_one_exceeds_the_daily_limit() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("20000000", "0.00").await;
        let order = || {
            let ask = Ask::WonBudget(money("6000000 KRW"));
            Command::Exchange(Box::new(Order::AtMarket(order(family, Side::Buy, ask))))
        };
        let outcomes = join_all([bank.execute(order()), bank.execute(order())]).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| code(outcome) == Some(Code::LimitDaily)).count(), 1);
        bank.audit(&[]);
    });
}

#[test]
fn the_limit_day_begins_at_nine_in_seoul() {
    in_still_time(async {
        let bank = Bank::open_at("2026-11-23T08:50:00+09:00", EngineLimits::default()).await;
        let family = bank.family("20000000", "0.00").await;
        bank.done(buy(family, "7404.66 USD")).await;
        assert_eq!(bank.used_won(family.customer).await, 9_999_994);
        bank.clock.set(instant("2026-11-23T08:59:59.999+09:00"));
        assert_eq!(code(&bank.execute(buy(family, "0.01 USD")).await), Some(Code::LimitDaily));
        bank.clock.set(instant("2026-11-23T09:00:00+09:00"));
        bank.done(buy(family, "0.01 USD")).await;
        assert_eq!(bank.used_won(family.customer).await, 14);
        bank.audit(&[]);
    });
}

#[test]
fn an_account_closed_between_quote_and_exchange_gives_back_everything() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let quote = bank.quote(family, "100.00 USD", Duration::from_secs(10)).await;
        bank.done(Command::CloseAccount { account: family.foreign, expected: None }).await;
        let before = bank.store.rows(LaneId::FIRST).len();
        assert_eq!(code(&bank.keyed("one", at(quote)).await), Some(Code::AccountClosed));
        assert_eq!(bank.store.rows(LaneId::FIRST).len(), before, "a rejection leaves nothing behind");
        assert_eq!((bank.held(family.won, "KRW").await, bank.held(family.foreign, "USD").await), (1_000_000, 0));
        assert_eq!(bank.used_won(family.customer).await, 0);
        bank.audit(&[quote]);
    });
}

#[test]
fn an_account_closed_between_check_and_credit_gives_back_everything() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        // The won is reserved, the credit not yet announced: in between the foreign account closes.
        let close = Command::CloseAccount { account: family.foreign, expected: None };
        let (bought, closed) = tokio::join!(bank.keyed("one", buy(family, "100.00 USD")), bank.execute(close));
        assert!(closed.is_ok(), "{closed:?}");
        assert_eq!(code(&bought), Some(Code::AccountClosed));
        let rows = bank.store.rows(LaneId::FIRST);
        assert!(matches!(rows.last().unwrap().record.event, Event::AccountClosed { .. }), "no record of the exchange");
        // Nothing is reserved any more (`held` sees to that), nothing is used of the limit, nothing waits anywhere.
        assert_eq!((bank.held(family.won, "KRW").await, bank.held(family.foreign, "USD").await), (1_000_000, 0));
        assert_eq!(bank.used_won(family.customer).await, 0);
        bank.done(Command::Withdraw { account: family.won, amount: money("1000000 KRW") }).await;
        bank.audit(&[]);
    });
}

#[test]
fn an_account_that_awaits_money_is_not_closed() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let close = || Command::CloseAccount { account: family.foreign, expected: None };
        let commands = (0..20).map(|number| if number % 2 == 1 { close() } else { buy(family, "1.00 USD") });
        let outcomes = join_all(commands.map(|command| bank.execute(command))).await;
        let closed = outcomes.iter().skip(1).step_by(2).filter(|outcome| outcome.is_ok()).count();
        assert!(closed <= 1);
        let bought = i64::try_from(outcomes.iter().step_by(2).filter(|outcome| outcome.is_ok()).count()).unwrap();
        assert_eq!(bank.held(family.won, "KRW").await, 1_000_000 - bought * 1_351);
        assert_eq!(bank.held(family.foreign, "USD").await, bought * 100);
        assert!(closed == 0 || bought == 0, "{closed} closed although {bought} bought");
        assert_eq!(bank.used_won(family.customer).await, bought * 1_351);
        bank.audit(&[]);
    });
}

#[test]
fn a_death_reported_today_blocks_debits_from_midnight_on_and_never_credits() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let reported = fact(Check::Deceased, Check::Deceased.in_force_from(bank.clock.now()));
        bank.done(Command::StateCustomerFact { customer: family.customer, fact: reported }).await;
        bank.clock.set(instant("2026-11-23T23:59:59.999+09:00"));
        bank.done(buy(family, "1.00 USD")).await;
        bank.clock.set(instant("2026-11-24T00:00:00+09:00"));
        assert_eq!(code(&bank.execute(buy(family, "1.00 USD")).await), Some(Code::Deceased));
        let credited = bank.done(Command::Deposit { account: family.won, amount: money("500 KRW") }).await;
        assert_eq!(credited.at, instant("2026-11-24T00:00:00+09:00"));
        bank.audit(&[]);
    });
}

#[test]
fn the_business_date_rolls_at_midnight_and_postings_bear_it_from_then_on() {
    in_still_time(async {
        let bank = Bank::open_at("2026-11-23T23:59:59.9+09:00", EngineLimits::default()).await;
        let family = bank.family("1000", "0.00").await;
        let deposit = || Command::Deposit { account: family.won, amount: money("1 KRW") };
        let before = bank.done(deposit()).await;
        bank.clock.set(instant("2026-11-24T00:00:00.05+09:00"));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let after = bank.done(deposit()).await;
        assert_eq!(
            (before.business_date.to_string(), after.business_date.to_string()),
            ("2026-11-23".into(), "2026-11-24".into())
        );
        bank.audit(&[]);
    });
}

/// A clock that goes on by a step whenever it is read: every stage of a command sees a later instant.
struct SteppingClock(Arc<ManualClock>, AtomicI64);

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        self.0.advance_micros(self.1.load(Ordering::Relaxed));
        self.0.now()
    }
}

#[test]
fn a_quote_that_expires_on_its_way_is_refused_at_the_stamped_time_and_everything_is_released() {
    in_still_time(async {
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let stepping = Arc::new(SteppingClock(clock.clone(), AtomicI64::new(0)));
        let bank = Bank::open_with(clock, stepping.clone(), EngineLimits::default()).await;
        let family = bank.family("1000000", "0.00").await;
        let (mut quotes, mut bought, mut expired) = (Vec::new(), 0, 0);
        for millis in 1..12 {
            let quote = bank.quote(family, "1.00 USD", Duration::from_millis(millis)).await;
            quotes.push(quote);
            stepping.1.store(1_000, Ordering::Relaxed);
            let outcome = bank.execute(at(quote)).await;
            stepping.1.store(0, Ordering::Relaxed);
            match &outcome {
                Ok(executed) => {
                    assert!(executed.record.at < quote.expires_at);
                    bought += 1;
                }
                refused => {
                    assert_eq!(code(refused), Some(Code::QuoteExpired));
                    expired += 1;
                }
            }
            assert_eq!(bank.held(family.won, "KRW").await, 1_000_000 - bought * 1_351);
            assert_eq!(bank.used_won(family.customer).await, bought * 1_351);
        }
        // The journey takes a few readings: some quotes expired before it began, some on the way, some were good.
        assert!(bought > 0 && expired > 2, "{bought} bought, {expired} expired");
        bank.audit(&quotes);
    });
}

#[test]
fn a_quote_is_good_for_one_exchange_also_after_a_restart() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let quote = bank.quote(family, "1.00 USD", Duration::from_secs(60)).await;
        bank.done(at(quote)).await;
        assert_eq!(code(&bank.execute(at(quote)).await), Some(Code::QuoteUsed));
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
        let bank = Bank { engine, ..bank };
        assert_eq!(code(&bank.execute(at(quote)).await), Some(Code::QuoteUsed));
        bank.publish("USD", "1351.00").await.unwrap();
        let other = bank.quote(family, "1.00 USD", Duration::from_secs(60)).await;
        let both = join_all([bank.execute(at(other)), bank.execute(at(other))]).await;
        assert_eq!(both.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        bank.audit(&[quote, other]);
    });
}

#[test]
fn an_earlier_round_s_quote_stays_good_and_a_voided_one_s_does_not() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let superseded = bank.quote(family, "100.00 USD", Duration::from_secs(60)).await;
        let newer = bank.publish("USD", "1350.57").await.unwrap();
        let voided = bank.quote(family, "100.00 USD", Duration::from_secs(60)).await;
        let executed = bank.done(at(superseded)).await;
        let won = |leg: &hwan_domain::record::Leg| leg.amount == Money::won(-135_050).unwrap();
        assert!(executed.event.legs().any(won));
        let Event::RoundPublished { round, .. } = &newer.record.event else { panic!("{newer:?}") };
        bank.engine.void(hwan_simulator::bank::caller("board", None), round.id, "wrong").await.unwrap();
        assert_eq!(code(&bank.execute(at(voided)).await), Some(Code::PairHalted));
        bank.engine.resume(hwan_simulator::bank::caller("second person", None), round.currency).await.unwrap();
        assert_eq!(code(&bank.execute(at(voided)).await), Some(Code::RoundVoided));
        bank.audit(&[superseded, voided]);
    });
}
