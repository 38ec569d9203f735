//! What only a store of record can promise: once in the journal, once for ever.
#![allow(clippy::unwrap_used, reason = "tests: a panic is a failure")]

use std::{sync::Arc, time::Duration};

use hwan::{
    actors::{
        command::{Command, Delivery, Executed, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
    },
    clock::{Clock as _, ManualClock},
    storage::{
        port::LedgerStore,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use hwan_domain::{
    account::AccountKind,
    board::Publication,
    exchange::{Ask, Side},
    guard::{GuardPolicy, Proposal},
    id::{AccountId, CustomerId},
    limit::LimitPolicy,
    record::KeyDigest,
    rejection::Code,
};
use hwan_simulator::{
    bank::{Family, TEN_O_CLOCK, at, caller, money, order, teller},
    world::{currencies, currency, instant},
};

async fn engine(dir: &std::path::Path, clock: &Arc<ManualClock>) -> (Engine, Arc<SqliteStore>) {
    let store = Arc::new(SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap());
    let parts = EngineParts {
        store: store.clone(),
        clock: clock.clone(),
        currencies: currencies(),
        business_day: hwan_domain::business_day::BusinessDay::SEOUL,
        policy: LimitPolicy::default(),
        guard: GuardPolicy::default(),
        interest: Arc::default(),
        quote_lifetime_max: Duration::from_secs(300),
        limits: EngineLimits::default(),
        outbox: None,
        placement: Placement::CallersThread,
    };
    (Engine::start(parts).await.unwrap(), store)
}

#[test]
fn keys_and_quotes_are_used_once_whatever_memory_remembers() {
    actix_rt::System::new().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let (bank, _store) = engine(dir.path(), &clock).await;
        let publication = Publication {
            currency: currency("USD"),
            proposal: Proposal { mid: "1350.50".parse().unwrap(), observed_at: clock.now(), sources: Vec::new() },
            valid_until: clock.now().plus_seconds(3_600),
            spread_percent: None,
            preference_percent: None,
        };
        bank.publish(caller("board", None), publication).await.unwrap();
        let done = async |command| bank.execute(caller("teller", None), command).await.unwrap().record.position;
        let customer = CustomerId::at(done(Command::OpenCustomer { reference: None, channel: None }).await);
        let won = AccountId::at(done(Command::OpenAccount { customer, kind: AccountKind::Won }).await);
        let foreign = AccountId::at(done(Command::OpenAccount { customer, kind: AccountKind::Foreign }).await);
        done(Command::Deposit { account: won, amount: money("1000000 KRW") }).await;
        let family = Family { customer, won, foreign };
        let order = order(family, Side::Buy, Ask::Foreign(money("1.00 USD")));
        let quote = bank.quote(&teller(), order, Duration::from_secs(60)).await.unwrap();
        let first: Executed = bank.execute(caller("app", Some("once")), at(quote)).await.unwrap();
        bank.drain().await;
        drop((bank, _store));

        let (bank, store) = engine(dir.path(), &clock).await;
        let found = store.find_keys(&[KeyDigest::of_quote(quote.id)]).await.unwrap();
        assert!(found.iter().all(|(_, row)| row.record == first.record) && found.len() == 1);
        let again = bank.execute(caller("app", Some("once")), at(quote)).await.unwrap();
        assert_eq!((again.delivery, again.record), (Delivery::Replayed, first.record));
        match bank.execute(caller("app", Some("twice")), at(quote)).await {
            Err(Refusal::Rejected(rejection)) => assert_eq!(rejection.code(), Code::QuoteUsed),
            other => panic!("{other:?}"),
        }
        bank.drain().await;
    });
}
