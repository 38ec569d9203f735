//! Reversals and closings at the engine: original numbers, at most once, limits given back, money that waits in suspense.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Command, Delivery, Executed, Refusal},
        engine::EngineLimits,
    },
    clock::Clock as _,
    storage::fake::Outcome,
};
use hwan_domain::{
    account::AccountKind,
    check::{Check, Fact},
    id::{AccountId, ExchangeId, LaneId, ReversalId},
    record::{Event, Landing, Record},
    rejection::Code,
};
use hwan_simulator::{
    bank::{Bank, Family, at, buy, fact, money, sell, teller},
    in_still_time,
    world::instant,
};

fn code(outcome: &Result<Executed, Refusal>) -> Option<Code> {
    match outcome {
        Err(Refusal::Rejected(rejection)) => Some(rejection.code()),
        _ => None,
    }
}

fn detail(outcome: &Result<Executed, Refusal>) -> String {
    match outcome {
        Err(Refusal::Rejected(rejection)) => rejection.violations()[0].detail.clone(),
        other => panic!("expected a rejection, found {other:?}"),
    }
}

fn reverse(exchange: &Arc<Record>) -> Command {
    Command::Reverse { exchange: exchange.clone(), reason: "at a wrong rate".into() }
}

fn close(account: AccountId) -> Command {
    Command::CloseAccount { account, expected: None }
}

async fn held(bank: &Bank, family: Family) -> (i64, i64) {
    (bank.held(family.won, "KRW").await, bank.held(family.foreign, "USD").await)
}

async fn state(bank: &Bank, account: AccountId, check: Check) {
    let fact = fact(check, bank.clock.now());
    bank.done(Command::StateAccountFact { account, fact, expected: None }).await;
}

#[test]
fn a_reversal_gives_both_amounts_and_the_limit_back_whatever_the_rate_is_now() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        assert_eq!((held(&bank, family).await, bank.used_won(family.customer).await), ((864_950, 10_000), 135_050));
        let id = ExchangeId::at(bought.position);
        assert_eq!(bank.engine.reversal_of(id).await.unwrap(), None);
        bank.publish("USD", "1360.00").await.unwrap();
        let reversed = bank.keyed("back", reverse(&bought)).await.unwrap();
        assert_eq!((held(&bank, family).await, bank.used_won(family.customer).await), ((1_000_000, 0), 0));
        let Event::Reversed { exchange, reason, debit, landing, limits, .. } = &reversed.record.event else {
            panic!("{reversed:?}")
        };
        assert_eq!((*exchange, &**reason), (id, "at a wrong rate"));
        assert_eq!((debit.account, debit.amount), (family.foreign, money("100.00 USD").negated()));
        assert_eq!(landing.leg().map(|leg| (leg.account, leg.amount)), Some((family.won, money("135050 KRW"))));
        assert_eq!(limits.map(|limits| (limits.day_won, limits.month_won)), Some((0, 0)));
        assert_eq!(bank.engine.reversal_of(id).await.unwrap(), Some(reversed.record.position));

        let again = bank.keyed("back", reverse(&bought)).await.unwrap();
        assert_eq!((again.delivery, &again.record), (Delivery::Replayed, &reversed.record));
        let twice = bank.execute(reverse(&bought)).await;
        assert_eq!(code(&twice), Some(Code::AlreadyReversed));
        assert!(detail(&twice).ends_with(&ReversalId::at(reversed.record.position).to_string()), "{twice:?}");
        bank.audit(&[]);
    });
}

#[test]
fn a_sale_is_reversed_too_and_takes_nothing_of_the_limits() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "33.33").await;
        let sold = bank.done(sell(family, "33.33 USD")).await;
        assert_eq!(held(&bank, family).await, (45_012, 0));
        let reversed = bank.done(reverse(&sold)).await;
        assert_eq!((held(&bank, family).await, bank.used_won(family.customer).await), ((0, 3_333), 0));
        assert!(matches!(reversed.event, Event::Reversed { limits: None, .. }));
        bank.audit(&[]);
    });
}

#[test]
fn of_many_reversals_at_once_one_wins_and_the_others_are_told_of_it() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "900.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        let keys: Vec<String> = (0..10).map(|number| format!("try-{number}")).collect();
        let keyed = join_all(keys.iter().map(|key| bank.keyed(key, reverse(&bought))));
        let unkeyed = join_all((0..10).map(|_| bank.execute(reverse(&bought))));
        let (mut outcomes, more) = tokio::join!(keyed, unkeyed);
        outcomes.extend(more);
        let winner = outcomes.iter().find_map(|outcome| outcome.as_ref().ok()).unwrap().record.position;
        let late: Vec<_> = outcomes.iter().filter(|outcome| code(outcome) == Some(Code::AlreadyReversed)).collect();
        assert_eq!(late.len(), 19);
        assert!(late.iter().all(|outcome| detail(outcome).contains(&ReversalId::at(winner).to_string())));
        assert_eq!(held(&bank, family).await, (1_000_000, 90_000));
        bank.audit(&[]);
    });
}

#[test]
fn an_exchange_that_was_reversed_stays_so_after_a_restart_and_whatever_memory_forgets() {
    in_still_time(async {
        let limits = EngineLimits { key_window: Duration::from_millis(1), keys_max: 1, ..EngineLimits::default() };
        let bank = Bank::open_at("2026-11-23T10:00:00+09:00", limits.clone()).await;
        let family = bank.family("1000000", "900.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        let reversed = bank.done(reverse(&bought)).await;
        for _ in 0..3 {
            bank.clock.advance_micros(1_000_000);
            bank.keyed("another", Command::Deposit { account: family.won, amount: money("1 KRW") }).await.unwrap();
            bank.done(buy(family, "1.00 USD")).await;
        }
        assert_eq!(code(&bank.execute(reverse(&bought)).await), Some(Code::AlreadyReversed));
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), limits).await;
        let bank = Bank { engine, ..bank };
        assert_eq!(code(&bank.execute(reverse(&bought)).await), Some(Code::AlreadyReversed));
        let found = bank.engine.reversal_of(ExchangeId::at(bought.position)).await.unwrap();
        assert_eq!(found, Some(reversed.position));
        bank.audit(&[]);
    });
}

#[test]
fn a_reversal_whose_commit_is_uncertain_happens_once() {
    in_still_time(async {
        for (outcome, is_committed) in [(Outcome::UnknownCommitted, true), (Outcome::UnknownLost, false)] {
            let bank = Bank::open().await;
            let family = bank.family("1000000", "0.00").await;
            let bought = bank.done(buy(family, "100.00 USD")).await;
            bank.store.plan(outcome);
            let first = bank.execute(reverse(&bought)).await;
            assert_eq!(first.is_ok(), is_committed, "{first:?}");
            let second = bank.execute(reverse(&bought)).await;
            assert_eq!(second.is_ok(), !is_committed, "{second:?}");
            assert_eq!(held(&bank, family).await, (1_000_000, 0));
            bank.audit(&[]);
        }
    });
}

#[test]
fn what_was_spent_in_the_meantime_is_missing_and_nothing_is_reversed() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        bank.done(Command::Withdraw { account: family.foreign, amount: money("0.01 USD") }).await;
        let refused = bank.keyed("back", reverse(&bought)).await;
        assert_eq!(code(&refused), Some(Code::InsufficientBalance));
        assert_eq!((held(&bank, family).await, bank.used_won(family.customer).await), ((864_950, 9_999), 135_050));
        // Nothing is remembered of it: the same key may try again.
        bank.done(Command::Deposit { account: family.foreign, amount: money("0.01 USD") }).await;
        assert_eq!(bank.keyed("back", reverse(&bought)).await.unwrap().delivery, Delivery::First);
        assert_eq!(held(&bank, family).await, (1_000_000, 0));
        bank.audit(&[]);
    });
}

#[test]
fn what_comes_back_passes_every_block_and_what_is_taken_back_passes_none() {
    in_still_time(async {
        let account_checks = Check::ALL
            .into_iter()
            .filter(|check| check.subject() == hwan_domain::check::Subject::Account && *check != Check::AccountClosed);
        for check in account_checks {
            let bank = Bank::open().await;
            let family = bank.family("1000000", "0.00").await;
            let bought = bank.done(buy(family, "100.00 USD")).await;
            state(&bank, family.won, check).await;
            bank.done(reverse(&bought)).await;
            assert_eq!(held(&bank, family).await, (1_000_000, 0), "{check:?}");

            let family = bank.family("1000000", "0.00").await;
            let bought = bank.done(buy(family, "100.00 USD")).await;
            state(&bank, family.foreign, check).await;
            let outcome = bank.execute(reverse(&bought)).await;
            match check {
                Check::LimitedAccount => {
                    let Event::Reversed { limited_won, .. } = &outcome.unwrap().record.event else { panic!() };
                    assert_eq!(*limited_won, Some(135_050), "it counts against the day's cap");
                }
                _ => assert_eq!(code(&outcome), Some(check.code())),
            }
            bank.audit(&[]);
        }
    });
}

#[test]
fn of_a_customer_whose_debits_are_blocked_nothing_is_reversed() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        let fact = fact(Check::Bankrupt, bank.clock.now());
        bank.done(Command::StateCustomerFact { customer: family.customer, fact }).await;
        assert_eq!(code(&bank.execute(reverse(&bought)).await), Some(Code::Bankrupt));
        bank.audit(&[]);
    });
}

#[test]
fn money_that_comes_back_to_a_closed_account_waits_in_suspense() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("135050", "0.00").await;
        let bought = bank.done(buy(family, "100.00 USD")).await;
        bank.done(close(family.won)).await;
        let opened = bank.done(Command::OpenAccount { customer: family.customer, kind: AccountKind::Won }).await;
        let reversed = bank.done(reverse(&bought)).await;
        let Event::Reversed { landing, .. } = &reversed.event else { panic!("{reversed:?}") };
        assert_eq!(*landing, Landing::Suspense(money("135050 KRW")));
        assert_eq!(held(&bank, family).await, (0, 0));
        assert_eq!(bank.held(AccountId::at(opened.position), "KRW").await, 0, "nobody's until somebody decides");
        assert_eq!(bank.used_won(family.customer).await, 0);
        bank.audit(&[]);
    });
}

#[test]
fn the_limit_is_given_back_to_the_day_and_the_month_of_the_exchange_only() {
    in_still_time(async {
        for (begin, reversed_at, day, month) in [
            ("2026-11-23T10:00:00+09:00", "2026-11-24T08:59:59+09:00", 0, 0),
            ("2026-11-23T10:00:00+09:00", "2026-11-24T09:00:00+09:00", 1_351, 1_351),
            ("2026-11-30T10:00:00+09:00", "2026-12-01T09:00:00+09:00", 1_351, 1_351),
        ] {
            let bank = Bank::open_at(begin, EngineLimits::default()).await;
            let family = bank.family("1000000", "0.00").await;
            let bought = bank.done(buy(family, "100.00 USD")).await;
            bank.clock.set(instant(reversed_at));
            if day != 0 {
                bank.done(buy(family, "1.00 USD")).await;
            }
            bank.done(reverse(&bought)).await;
            let limits = bank.engine.customer(&teller(), family.customer).await.unwrap().unwrap().state.limits;
            assert_eq!((limits.day_won, limits.month_won), (day, month), "{reversed_at}");
            bank.audit(&[]);
        }
    });
}

#[test]
fn only_an_exchange_can_be_reversed() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let deposit = bank.done(Command::Deposit { account: family.won, amount: money("1 KRW") }).await;
        let round = bank.publish("USD", "1351.00").await.unwrap().record;
        let opened = bank.store.rows(LaneId::FIRST)[1].record.clone();
        for other in [deposit, round, opened] {
            let refused = bank.execute(reverse(&other)).await;
            assert_eq!(code(&refused), Some(Code::ExchangeNotFound));
            let id = ExchangeId::at(other.position);
            assert_eq!(detail(&refused), format!("nothing has the id {id}"));
        }
        bank.audit(&[]);
    });
}

#[test]
fn an_account_is_closed_when_it_is_empty_and_another_takes_its_place() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "1.00").await;
        assert_eq!(code(&bank.execute(close(family.foreign)).await), Some(Code::AccountNotEmpty));
        assert_eq!(code(&bank.execute(close(family.won)).await), Some(Code::AccountNotEmpty));
        bank.done(sell(family, "1.00 USD")).await;
        let open = || Command::OpenAccount { customer: family.customer, kind: AccountKind::Foreign };
        assert_eq!(code(&bank.execute(open()).await), Some(Code::AccountExists));
        let closed = bank.keyed("close", close(family.foreign)).await.unwrap();
        let again = bank.keyed("close", close(family.foreign)).await.unwrap();
        assert_eq!((again.delivery, &again.record), (Delivery::Replayed, &closed.record));
        assert_eq!(code(&bank.execute(close(family.foreign)).await), Some(Code::AccountClosed));
        // As long as there is no other, an order that names none means the closed one.
        assert_eq!(code(&bank.execute(buy(family, "1.00 USD")).await), Some(Code::AccountClosed));

        let second = AccountId::at(bank.done(open()).await.position);
        assert_eq!(code(&bank.execute(open()).await), Some(Code::AccountExists));
        bank.done(buy(family, "1.00 USD")).await;
        assert_eq!((bank.held(family.foreign, "USD").await, bank.held(second, "USD").await), (0, 100));
        let quote = bank.quote(family, "1.00 USD", Duration::from_secs(10)).await;
        assert_eq!(quote.foreign_account, second);
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
        let bank = Bank { engine, ..bank };
        bank.done(at(quote)).await;
        bank.done(buy(family, "1.00 USD")).await;
        assert_eq!((bank.held(family.foreign, "USD").await, bank.held(second, "USD").await), (0, 300));
        let view = bank.engine.customer(&teller(), family.customer).await.unwrap().unwrap();
        assert_eq!(view.accounts, [family.won, family.foreign, second]);
        bank.audit(&[quote]);
    });
}

#[test]
fn a_closing_is_for_good() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        bank.done(close(family.won)).await;
        let now = bank.clock.now();
        for effective_to in [None, Some(now), Some(now.plus_seconds(1))] {
            let fact = Fact { effective_to, ..fact(Check::AccountClosed, now) };
            let stated = bank.execute(Command::StateAccountFact { account: family.won, fact, expected: None }).await;
            assert_eq!(code(&stated), Some(Code::FactInvalid));
            assert!(detail(&stated).contains("close the account"));
        }
        bank.clock.set(instant("2030-01-01T10:00:00+09:00"));
        let deposit = Command::Deposit { account: family.won, amount: money("1 KRW") };
        assert_eq!(code(&bank.execute(deposit).await), Some(Code::AccountClosed));
        bank.audit(&[]);
    });
}

#[test]
fn a_change_of_an_account_may_insist_on_what_was_seen_also_after_a_restart() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("0", "0.00").await;
        let revision = async |bank: &Bank, account| {
            bank.engine.account(&teller(), account).await.unwrap().unwrap().state.revision()
        };
        let pledge = |bank: &Bank, expected| {
            let fact = fact(Check::Pledged, bank.clock.now());
            Command::StateAccountFact { account: family.won, fact, expected }
        };
        let seen = revision(&bank, family.won).await;
        bank.done(pledge(&bank, Some(seen))).await;
        assert_eq!(code(&bank.execute(pledge(&bank, Some(seen))).await), Some(Code::VersionMismatch));
        let stale = Command::CloseAccount { account: family.won, expected: Some(seen) };
        assert_eq!(code(&bank.execute(stale).await), Some(Code::VersionMismatch));

        let seen = revision(&bank, family.won).await;
        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
        let bank = Bank { engine, ..bank };
        assert_eq!(revision(&bank, family.won).await, seen, "the same text, read back from the store");
        bank.done(Command::Deposit { account: family.won, amount: money("1 KRW") }).await;
        let stale = bank.execute(Command::CloseAccount { account: family.won, expected: Some(seen) }).await;
        let Err(Refusal::Rejected(rejection)) = &stale else { panic!("{stale:?}") };
        let codes: Vec<Code> = rejection.violations().iter().map(|violation| violation.code).collect();
        assert_eq!(codes, [Code::VersionMismatch, Code::AccountNotEmpty], "all that is wrong, the precondition first");
        let seen = revision(&bank, family.foreign).await;
        bank.done(Command::CloseAccount { account: family.foreign, expected: Some(seen) }).await;
        bank.audit(&[]);
    });
}
