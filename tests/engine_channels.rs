//! Confined callers: what belongs to another channel is answered exactly as what does not exist, for every command and
//! every read, also to whoever tries to find out by keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is a failure")]

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use hwan::actors::{
    command::{Caller, Command, Delivery, Executed, Order, Reach, Refusal, Viewer},
    engine::EngineLimits,
    view::{KeyScope, KeyView},
};
use hwan_domain::{
    account::AccountKind,
    check::{Check, Direction},
    exchange::{Ask, Side},
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    record::{Event, Record, RequestDigest},
    rejection::Code,
};
use hwan_simulator::{
    bank::{Bank, Family, at, buy, fact, money, order, teller},
    in_still_time,
};

fn confined(name: &str) -> Viewer {
    Viewer { name: Arc::from(name), reach: Reach::OwnCustomers }
}

fn caller(name: &str, key: Option<&str>) -> Caller {
    Caller { who: confined(name), key: key.map(Into::into), request: RequestDigest([1; 16]) }
}

/// A customer of a channel, with both accounts and money in them.
async fn family_of(bank: &Bank, channel: &str) -> Family {
    let channel: Arc<str> = Arc::from(channel);
    let opening = Command::OpenCustomer { reference: None, channel: Some(channel) };
    let customer = CustomerId::at(bank.done(opening).await.position);
    let open = async |kind| AccountId::at(bank.done(Command::OpenAccount { customer, kind }).await.position);
    let family = Family { customer, won: open(AccountKind::Won).await, foreign: open(AccountKind::Foreign).await };
    for (account, amount) in [(family.won, "1000000 KRW"), (family.foreign, "500.00 USD")] {
        bank.done(Command::Deposit { account, amount: money(amount) }).await;
    }
    family
}

/// Ids that nothing has, in the lane of the others.
fn nobody(far: u64) -> Family {
    let at = |seq| Position::new(LaneId::FIRST, Seq::new(far + seq).unwrap());
    Family { customer: CustomerId::at(at(1)), won: AccountId::at(at(2)), foreign: AccountId::at(at(3)) }
}

/// The same refusal of another family: ids replaced.
fn in_words_of(refusal: &Refusal, from: Family, to: Family) -> String {
    refusal
        .to_string()
        .replace(&from.customer.to_string(), &to.customer.to_string())
        .replace(&from.won.to_string(), &to.won.to_string())
        .replace(&from.foreign.to_string(), &to.foreign.to_string())
}

/// Every command that names a customer or an account, for this family; `own` is the caller's.
fn commands(bank: &Bank, family: Family, own: Family) -> Vec<Command> {
    use hwan::clock::Clock as _;
    let now = bank.clock.now();
    let Family { customer, won, foreign } = family;
    let named = |won_account, foreign_account| {
        let order = order(own, Side::Buy, Ask::Foreign(money("1.00 USD")));
        let order = hwan::actors::command::MarketOrder { won_account, foreign_account, ..order };
        Command::Exchange(Box::new(Order::AtMarket(order)))
    };
    vec![
        Command::OpenAccount { customer, kind: AccountKind::Won },
        Command::StateCustomerFact { customer, fact: fact(Check::KycExpired, now) },
        Command::StateAccountFact { account: won, fact: fact(Check::Pledged, now), expected: None },
        Command::CloseAccount { account: foreign, expected: None },
        Command::Deposit { account: won, amount: money("1 KRW") },
        Command::Deposit { account: won, amount: money("1.00 USD") },
        Command::Withdraw { account: foreign, amount: money("1.00 USD") },
        Command::Transfer { from: won, to: own.won, amount: money("1 KRW") },
        Command::Transfer { from: own.won, to: won, amount: money("1 KRW") },
        Command::Transfer { from: won, to: foreign, amount: money("1 KRW") },
        Command::Transfer { from: won, to: won, amount: money("1 KRW") },
        Command::Transfer { from: won, to: nobody(9_000).won, amount: money("1 KRW") },
        buy(family, "1.00 USD"),
        named(Some(won), None),
        named(None, Some(foreign)),
    ]
}

#[test]
fn a_customer_belongs_to_who_opened_it_or_to_the_channel_that_was_named() {
    in_still_time(async {
        let bank = Bank::open().await;
        let opening =
            |channel: Option<&str>| Command::OpenCustomer { reference: None, channel: channel.map(Arc::from) };
        for (by, channel, expected, in_the_record) in [
            ("app", None, "app", None),
            ("app", Some("app"), "app", None),
            ("teller", Some("app"), "app", Some("app")),
            ("teller", None, "teller", None),
        ] {
            let by = hwan_simulator::bank::caller(by, None);
            let opened = bank.engine.execute(by, opening(channel)).await.unwrap().record;
            let Event::CustomerOpened { channel, .. } = &opened.event else { panic!("{opened:?}") };
            assert_eq!(channel.as_deref(), in_the_record);
            let view = bank.engine.customer(&teller(), CustomerId::at(opened.position)).await.unwrap().unwrap();
            assert_eq!(&*view.state.channel, expected);
        }
        bank.audit(&[]);
    });
}

#[test]
fn a_confined_caller_does_everything_with_its_own_customers() {
    in_still_time(async {
        let bank = Bank::open().await;
        let own = family_of(&bank, "app").await;
        let sibling = family_of(&bank, "app").await;
        for command in [
            buy(own, "1.00 USD"),
            Command::Transfer { from: own.won, to: sibling.won, amount: money("1 KRW") },
            Command::Withdraw { account: own.won, amount: money("1 KRW") },
        ] {
            bank.engine.execute(caller("app", None), command).await.unwrap();
        }
        let who = confined("app");
        assert!(bank.engine.customer(&who, own.customer).await.unwrap().is_some());
        assert!(bank.engine.account(&who, sibling.won).await.unwrap().is_some());
        let quote =
            bank.engine.quote(&who, order(own, Side::Buy, Ask::Foreign(money("1.00 USD"))), Duration::from_secs(9));
        bank.engine.execute(caller("app", None), at(quote.await.unwrap())).await.unwrap();
        let opened = Command::OpenCustomer { reference: None, channel: None };
        let opened = bank.engine.execute(caller("app", None), opened).await.unwrap().record;
        assert!(bank.engine.customer(&who, CustomerId::at(opened.position)).await.unwrap().is_some());
    });
}

#[test]
fn every_command_at_another_channel_s_customer_is_refused_in_the_words_for_what_does_not_exist() {
    in_still_time(async {
        for resident in [true, false] {
            let limits = EngineLimits { idle_after: Duration::from_secs(1), ..EngineLimits::default() };
            let bank = Bank::open_at("2026-11-23T10:00:00+09:00", limits).await;
            let (own, foreign) = (family_of(&bank, "app").await, family_of(&bank, "branch").await);
            let absent = nobody(5_000);
            let rows = bank.store.rows(LaneId::FIRST).len();
            let mut done = 0;
            let pairs = commands(&bank, foreign, own).into_iter().zip(commands(&bank, absent, own));
            for (number, (at_foreign, at_absent)) in pairs.enumerate() {
                if !resident {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    assert_eq!(bank.engine.residents(), 0);
                }
                for key in [None, Some("key"), Some("not a key"), Some("01999999-0000-7000-8000-000000000000")] {
                    let told = bank.engine.execute(caller("app", key), at_foreign.clone()).await.unwrap_err();
                    let due = bank.engine.execute(caller("app", key), at_absent.clone()).await.unwrap_err();
                    assert_eq!(
                        in_words_of(&told, foreign, absent),
                        due.to_string(),
                        "{number}: {at_foreign:?} {key:?}"
                    );
                    assert!(matches!(due, Refusal::Rejected(_) | Refusal::Key(_)));
                }
                done += usize::from(bank.execute(at_foreign).await.is_ok());
            }
            assert!(done >= 4, "whoever reaches all customers does most of it: {done}");
            // The one who reaches all customers did a few of them; the confined one did nothing.
            let by_app = bank.store.rows(LaneId::FIRST).split_off(rows);
            assert!(by_app.iter().all(|row| &*row.record.origin.caller != "app"));
            bank.audit(&[]);
        }
    });
}

#[test]
fn an_exchange_of_another_channel_is_reversed_by_nobody_confined() {
    in_still_time(async {
        let bank = Bank::open().await;
        let foreign = family_of(&bank, "branch").await;
        let bought = bank.done(buy(foreign, "1.00 USD")).await;
        let reverse = |exchange: &Arc<Record>| Command::Reverse { exchange: exchange.clone(), reason: "mine".into() };
        let told = bank.engine.execute(caller("app", Some("k")), reverse(&bought)).await.unwrap_err();
        let Refusal::Rejected(rejection) = &told else { panic!("{told}") };
        let id = hwan_domain::id::ExchangeId::at(bought.position);
        assert_eq!((rejection.code(), rejection.violations().len()), (Code::ExchangeNotFound, 1));
        assert_eq!(rejection.violations()[0].detail, format!("nothing has the id {id}"));
        bank.done(reverse(&bought)).await;
        let again = bank.engine.execute(caller("app", Some("k")), reverse(&bought)).await.unwrap_err();
        assert_eq!(again, told, "nor does it learn that it was reversed");
        bank.audit(&[]);
    });
}

#[test]
fn reads_of_another_channel_s_customer_see_nobody() {
    in_still_time(async {
        let bank = Bank::open().await;
        let foreign = family_of(&bank, "branch").await;
        let absent = nobody(5_000);
        let who = confined("app");
        for family in [foreign, absent] {
            assert_eq!(bank.engine.customer(&who, family.customer).await.unwrap(), None);
            assert_eq!(bank.engine.account(&who, family.won).await.unwrap(), None);
            let check = bank.engine.check(&who, family.won, Direction::Debit, money("1 KRW")).await;
            assert_eq!(check.unwrap(), None);
        }
        let order = |family| order(family, Side::Buy, Ask::Foreign(money("1.00 USD")));
        let quote = async |family| bank.engine.quote(&who, order(family), Duration::from_secs(9)).await.unwrap_err();
        let trial = async |family| bank.engine.trial(&who, Order::AtMarket(order(family))).await.unwrap_err();
        let keys = async |scope| bank.engine.key(&who, "a-key", scope).await.unwrap_err();
        for (told, due) in [
            (quote(foreign).await, quote(absent).await),
            (trial(foreign).await, trial(absent).await),
            (keys(KeyScope::Customer(foreign.customer)).await, keys(KeyScope::Customer(absent.customer)).await),
            (keys(KeyScope::OwnerOf(foreign.won)).await, keys(KeyScope::OwnerOf(absent.won)).await),
        ] {
            assert_eq!(in_words_of(&told, foreign, absent), due.to_string());
        }
        let quote = bank.quote(foreign, "1.00 USD", Duration::from_secs(9)).await;
        let told = bank.engine.trial(&who, Order::AtQuote(quote)).await.unwrap_err();
        assert!(told.to_string().contains("customer_not_found"));
    });
}

#[test]
fn a_key_of_another_caller_is_nobody_s_to_find() {
    in_still_time(async {
        let bank = Bank::open().await;
        let (own, foreign) = (family_of(&bank, "app").await, family_of(&bank, "branch").await);
        let deposit = |family: Family| Command::Deposit { account: family.won, amount: money("1 KRW") };
        bank.engine.execute(caller("branch", Some("shared")), deposit(foreign)).await.unwrap();
        // The same text by another caller at the same customer is another key, and at a foreign one no key at all.
        let told = bank.engine.execute(caller("app", Some("shared")), deposit(foreign)).await.unwrap_err();
        let never = bank.engine.execute(caller("app", Some("never-used")), deposit(foreign)).await.unwrap_err();
        assert_eq!(told, never);
        let first: Executed = bank.engine.execute(caller("app", Some("shared")), deposit(own)).await.unwrap();
        assert_eq!(first.delivery, Delivery::First);
        // A caller that lost its customer to another channel's reach learns nothing by its own old keys either.
        let wide = Caller { who: Viewer::of_all(Arc::from("app")), ..caller("app", Some("wide")) };
        bank.engine.execute(wide, deposit(foreign)).await.unwrap();
        let replay = bank.engine.execute(caller("app", Some("wide")), deposit(foreign)).await.unwrap_err();
        assert_eq!(replay, told);
    });
}

#[test]
fn what_became_of_a_key_is_told_in_its_scope() {
    in_still_time(async {
        let bank = Bank::open().await;
        let own = family_of(&bank, "app").await;
        let who = confined("app");
        let deposit = || Command::Deposit { account: own.won, amount: money("1 KRW") };
        let key = async |text: &str, scope| bank.engine.key(&who, text, scope).await;
        let scope = KeyScope::Customer(own.customer);
        assert_eq!(key("one", scope).await.unwrap(), KeyView::Absent);
        let gate = hwan::storage::fake::Gate::new();
        let before = hwan::storage::fake::Wait::Until(gate.clone());
        bank.store.plan(hwan::storage::fake::Plan { before, ..Default::default() });
        let asking = bank.engine.execute(caller("app", Some("one")), deposit());
        let watching = async {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            // What the account has seen is not durable yet, so its scope is asked by the customer.
            let seen = key("one", scope).await;
            gate.open();
            seen
        };
        let (done, seen) = tokio::join!(asking, watching);
        assert_eq!(seen.unwrap(), KeyView::InFlight);
        let record = done.unwrap().record;
        for scope in [scope, KeyScope::OwnerOf(own.won), KeyScope::OwnerOf(own.foreign)] {
            assert_eq!(key("one", scope).await.unwrap(), KeyView::Completed(record.clone()));
        }
        assert_eq!(key("one", KeyScope::Unscoped).await.unwrap(), KeyView::Absent);
        assert_eq!(bank.engine.key(&confined("branch"), "one", KeyScope::Unscoped).await.unwrap(), KeyView::Absent);
        assert!(matches!(key("not a key", scope).await, Err(Refusal::Key(_))));

        let opening = Command::OpenCustomer { reference: None, channel: None };
        let opened = bank.engine.execute(caller("app", Some("open")), opening).await.unwrap().record;
        assert_eq!(key("open", KeyScope::Unscoped).await.unwrap(), KeyView::Completed(opened));
        // A rejection leaves no key behind, and a key that is too old to be used is looked for all the same.
        let poor = Command::Withdraw { account: own.won, amount: money("9000000 KRW") };
        bank.engine.execute(caller("app", Some("poor")), poor).await.unwrap_err();
        assert_eq!(key("poor", scope).await.unwrap(), KeyView::Absent);
        assert_eq!(key("01890000-0000-7000-8000-000000000000", scope).await.unwrap(), KeyView::Absent);

        bank.engine.drain().await;
        bank.store.reopen();
        let engine = Bank::engine(&bank.store, bank.clock.clone(), EngineLimits::default()).await;
        assert_eq!(engine.key(&who, "one", scope).await.unwrap(), KeyView::Completed(record));
    });
}

#[test]
fn many_confined_callers_at_once_never_touch_each_other_s_customers() {
    in_still_time(async {
        let bank = Bank::open().await;
        let (app, branch) = (family_of(&bank, "app").await, family_of(&bank, "branch").await);
        let deposits = (0..200).map(|number| {
            let family = if number % 3 == 0 { app } else { branch };
            let name = if number % 2 == 0 { "app" } else { "branch" };
            let command = Command::Deposit { account: family.won, amount: money("1 KRW") };
            let own = (name == "app") == (family.customer == app.customer);
            let engine = bank.engine.clone();
            async move { (own, engine.execute(caller(name, None), command).await) }
        });
        for (own, outcome) in join_all(deposits).await {
            assert_eq!(outcome.is_ok(), own);
        }
        bank.audit(&[]);
    });
}
