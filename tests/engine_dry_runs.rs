//! Dry runs: what every check says to a posting, what would become of an exchange. Nothing is reserved by them, and they
//! say what the real command is then told.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::time::Duration;

use futures_util::future::join_all;
use hwan::{
    actors::command::{Command, MarketOrder, Order, Refusal},
    clock::Clock as _,
    storage::fake::{Gate, Plan, Wait},
};
use hwan_domain::{
    check::{Check, Direction, Subject},
    exchange::{Ask, Side},
    id::AccountId,
    rejection::Code,
};
use hwan_simulator::{
    bank::{Bank, Family, at, buy, fact, money, order, sell, teller},
    in_still_time,
};

async fn checked(bank: &Bank, account: AccountId, direction: Direction, amount: &str) -> Vec<Code> {
    let view = bank.engine.check(&teller(), account, direction, money(amount)).await.unwrap().unwrap();
    view.violations.iter().map(|violation| violation.code).collect()
}

async fn tried(bank: &Bank, order: MarketOrder) -> Vec<Code> {
    let view = bank.engine.trial(&teller(), Order::AtMarket(order)).await.unwrap();
    view.violations.iter().map(|violation| violation.code).collect()
}

async fn state(bank: &Bank, family: Family, check: Check) {
    let fact = fact(check, bank.clock.now());
    bank.done(match check.subject() {
        Subject::Account => Command::StateAccountFact { account: family.won, fact, expected: None },
        Subject::Customer => Command::StateCustomerFact { customer: family.customer, fact },
    })
    .await;
}

#[test]
fn a_dry_run_says_of_every_check_what_the_table_says() {
    in_still_time(async {
        let directions = [Direction::Debit, Direction::Credit, Direction::CompensatingCredit];
        for check in Check::ALL {
            let bank = Bank::open().await;
            let family = bank.family("0", "0.00").await;
            if check == Check::AccountClosed {
                bank.done(Command::CloseAccount { account: family.won, expected: None }).await;
            } else {
                bank.done(Command::Deposit { account: family.won, amount: money("3000000 KRW") }).await;
                state(&bank, family, check).await;
            }
            for direction in directions {
                use hwan_domain::check::Verdict::{AboveSeized, Admit, Forbid, ToSuspense, UpToDailyCap};
                let found = checked(&bank, family.won, direction, "1000001 KRW").await;
                match check.admits(direction) {
                    Admit => assert_eq!(found, [], "{check:?} {direction:?}"),
                    Forbid | ToSuspense | AboveSeized | UpToDailyCap => {
                        assert_eq!(found[0], check.code(), "{check:?} {direction:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_dry_run_lists_all_that_stands_against_a_posting_in_order_of_precedence() {
    in_still_time(async {
        let bank = Bank::open().await;
        bank.publish("VND", "5.45").await.unwrap();
        let family = bank.family("5", "0.00").await;
        for check in [Check::Pledged, Check::Dormant, Check::Seized, Check::Deceased, Check::LimitedAccount] {
            state(&bank, family, check).await;
        }
        assert_eq!(
            checked(&bank, family.won, Direction::Debit, "1000001 KRW").await,
            [
                Code::Deceased,
                Code::Dormant,
                Code::Seized,
                Code::Pledged,
                Code::LimitedAccount,
                Code::InsufficientBalance
            ]
        );
        assert_eq!(checked(&bank, family.won, Direction::Credit, "1 KRW").await, [Code::Dormant]);
        assert_eq!(
            checked(&bank, family.won, Direction::Credit, "1.00 USD").await,
            [Code::AccountNotFound, Code::Dormant]
        );
        // The simulated world caps the dong at 60,000 won.
        assert_eq!(checked(&bank, family.foreign, Direction::Credit, "2000000 VND").await, [Code::HoldingLimit]);
        assert_eq!(checked(&bank, family.foreign, Direction::CompensatingCredit, "2000000 VND").await, []);
        assert_eq!(checked(&bank, family.foreign, Direction::Credit, "0 VND").await, [Code::AmountTooSmall]);
        let nobody = AccountId::at(family.customer.position());
        assert_eq!(bank.engine.check(&teller(), nobody, Direction::Debit, money("1 KRW")).await.unwrap(), None);
    });
}

#[test]
fn a_trial_says_what_the_exchange_would_be_and_changes_nothing() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let rows = bank.store.lanes().into_iter().map(|lane| bank.store.rows(lane).len()).sum::<usize>();
        let asked = order(family, Side::Buy, Ask::Foreign(money("100.00 USD")));
        let view = bank.engine.trial(&teller(), Order::AtMarket(asked.clone())).await.unwrap();
        assert_eq!((view.side, view.violations.len()), (Side::Buy, 0));
        assert_eq!((view.won_account, view.foreign_account), (Some(family.won), Some(family.foreign)));
        let priced = view.priced.unwrap();
        assert_eq!((priced.won, priced.foreign), (money("135050 KRW"), money("100.00 USD")));
        assert_eq!(view.terms.unwrap().rate.value(), "1350.50".parse().unwrap());
        let who = teller();
        let trials = (0..100).map(|_| bank.engine.trial(&who, Order::AtMarket(asked.clone())));
        assert!(join_all(trials).await.into_iter().all(|trial| trial.unwrap().violations.is_empty()));
        assert_eq!(bank.store.lanes().into_iter().map(|lane| bank.store.rows(lane).len()).sum::<usize>(), rows);
        assert_eq!((bank.held(family.won, "KRW").await, bank.used_won(family.customer).await), (1_000_000, 0));
        let Refusal::Rejected(unknown) = bank
            .engine
            .trial(&teller(), Order::AtMarket(MarketOrder { customer: nobody(), ..asked }))
            .await
            .unwrap_err()
        else {
            panic!()
        };
        assert_eq!(unknown.code(), Code::CustomerNotFound);
    });
}

fn nobody() -> hwan_domain::id::CustomerId {
    use hwan_domain::id::{CustomerId, LaneId, Position, Seq};
    CustomerId::at(Position::new(LaneId::FIRST, Seq::new(9_999).unwrap()))
}

#[test]
fn a_trial_is_told_what_the_exchange_is_told() {
    in_still_time(async {
        let bank = Bank::open().await;
        bank.publish("JPY", "934.06").await.unwrap();
        bank.publish("VND", "5.45").await.unwrap();
        let family = bank.family("100000", "0.00").await;
        let rich = bank.family("90000000", "1.00").await;
        state(&bank, rich, Check::KycExpired).await;
        state(&bank, rich, Check::Dormant).await;
        let of = |family, side, ask: &str| order(family, side, Ask::Foreign(money(ask)));
        let worse = MarketOrder { worst_rate: Some("1000".parse().unwrap()), ..of(family, Side::Buy, "1.00 USD") };
        let vnd = MarketOrder { currency: money("1 VND").currency(), ..of(family, Side::Buy, "1200000 VND") };
        let missing = MarketOrder { won_account: Some(rich.won), ..of(family, Side::Buy, "1.00 USD") };
        for order in [
            of(family, Side::Buy, "1.00 USD"),
            of(family, Side::Buy, "100.00 USD"),
            of(family, Side::Sell, "0.01 USD"),
            of(rich, Side::Buy, "9000.00 USD"),
            of(rich, Side::Sell, "1.00 USD"),
            MarketOrder { ask: Ask::Won(money("13 KRW")), ..of(family, Side::Buy, "1.00 USD") },
            MarketOrder { ask: Ask::WonBudget(money("13 KRW")), ..of(family, Side::Buy, "1.00 USD") },
            worse,
            vnd,
            missing,
        ] {
            let tried = tried(&bank, order.clone()).await;
            match bank.execute(Command::Exchange(Box::new(Order::AtMarket(order.clone())))).await {
                Ok(_) => assert_eq!(tried, [], "{order:?}"),
                Err(Refusal::Rejected(rejection)) => {
                    // The command stops at the customer's part where that fails; a trial goes on to the accounts.
                    assert_eq!(tried.first(), Some(&rejection.code()), "{order:?}");
                    assert!(
                        rejection.violations().iter().all(|violation| tried.contains(&violation.code)),
                        "{order:?}"
                    );
                }
                Err(other) => panic!("{other}"),
            }
        }
        bank.engine.halt(hwan_simulator::bank::caller("desk", None), money("1 JPY").currency(), "news").await.unwrap();
        let halted = MarketOrder { currency: money("1 JPY").currency(), ..of(family, Side::Buy, "1 JPY") };
        let view = bank.engine.trial(&teller(), Order::AtMarket(halted)).await.unwrap();
        assert_eq!((view.violations[0].code, view.terms, view.priced), (Code::PairHalted, None, None));
    });
}

#[test]
fn a_trial_at_a_quote_says_whether_it_can_still_be_used() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("1000000", "0.00").await;
        let quote = bank.quote(family, "1.00 USD", Duration::from_secs(10)).await;
        let tried = async || {
            let view = bank.engine.trial(&teller(), Order::AtQuote(quote)).await.unwrap();
            assert_eq!((view.terms, view.priced), (Some(quote.terms), Some(quote.priced)));
            view.violations.iter().map(|violation| violation.code).collect::<Vec<_>>()
        };
        assert_eq!(tried().await, []);
        assert_eq!(bank.engine.quote_use(quote.id).await.unwrap(), None);
        let used = bank.done(at(quote)).await;
        assert_eq!(bank.engine.quote_use(quote.id).await.unwrap(), Some(used.position));
        assert_eq!(tried().await, [Code::QuoteUsed]);
        bank.clock.advance_micros(10_000_000);
        assert_eq!(tried().await, [Code::QuoteExpired, Code::QuoteUsed]);
        bank.audit(&[quote]);
    });
}

#[test]
fn what_is_on_its_way_counts_in_a_dry_run() {
    in_still_time(async {
        let bank = Bank::open().await;
        let family = bank.family("20000000", "100.00").await;
        let gate = Gate::new();
        bank.store.plan(Plan { before: Wait::Until(gate.clone()), ..Plan::default() });
        let buying = bank.execute(buy(family, "4000.00 USD"));
        let watching = async {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let who = teller();
            let trial =
                bank.engine.trial(&who, Order::AtMarket(order(family, Side::Buy, Ask::Foreign(money("5000.00 USD")))));
            // Its answer waits until what it saw is durable.
            let opening = async {
                tokio::task::yield_now().await;
                gate.open();
            };
            tokio::join!(trial, opening).0
        };
        let (bought, trial) = tokio::join!(buying, watching);
        assert!(bought.is_ok());
        let codes: Vec<Code> = trial.unwrap().violations.iter().map(|violation| violation.code).collect();
        assert_eq!(codes, [Code::LimitDaily]);
        bank.done(sell(family, "100.00 USD")).await;
        bank.audit(&[]);
    });
}
