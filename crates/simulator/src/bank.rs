//! A small bank for scenarios: one engine on a fake store, a clock that is set by hand, dollars at 1,350.50 won, and
//! short words for what a customer does.

use std::{sync::Arc, time::Duration};

use hwan::{
    actors::{
        command::{Caller, Command, Executed, MarketOrder, Order, Refusal, Viewer},
        engine::{Engine, EngineLimits, EngineParts, Placement},
    },
    clock::{Clock, ManualClock},
    storage::fake::FakeStore,
};
use hwan_domain::{
    account::AccountKind,
    board::Publication,
    check::{Check, Fact},
    exchange::{Ask, Side},
    guard::{GuardPolicy, Proposal},
    id::{AccountId, CustomerId},
    limit::LimitPolicy,
    money::Money,
    quote::Quote,
    record::{Record, RequestDigest},
    time::Timestamp,
};

use crate::world::{currency, instant};

/// When a bank opens unless a scenario says otherwise.
pub const TEN_O_CLOCK: &str = "2026-11-23T10:00:00+09:00";

/// A customer with both accounts.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The customer.
    pub customer: CustomerId,
    /// The won account.
    pub won: AccountId,
    /// The foreign account.
    pub foreign: AccountId,
}

/// An engine, its store and its clock.
pub struct Bank {
    /// The engine.
    pub engine: Engine,
    /// The store that it runs on.
    pub store: Arc<FakeStore>,
    /// The clock; a scenario's own clock may stand in front of it.
    pub clock: Arc<ManualClock>,
}

/// An amount by its text, such as `money("100.00 USD")`.
pub fn money(text: &str) -> Money {
    let (amount, code) = text.split_once(' ').expect("amount and code");
    Money::parse(amount, currency(code)).expect("an amount at the currency's scale")
}

/// What of a fact matters to most scenarios: it is in force from some instant on.
pub const fn fact(check: Check, effective_from: Timestamp) -> Fact {
    Fact { check, effective_from, effective_to: None, amount: None }
}

impl Bank {
    /// A bank at ten o'clock with the engine's own limits.
    pub async fn open() -> Self {
        Self::open_at(TEN_O_CLOCK, EngineLimits::default()).await
    }

    /// A bank at this instant, with these limits.
    pub async fn open_at(text: &str, limits: EngineLimits) -> Self {
        let clock = Arc::new(ManualClock::at(instant(text)));
        Self::open_with(clock.clone(), clock, limits).await
    }

    /// A bank whose engine reads another clock than the one that is set.
    pub async fn open_with(clock: Arc<ManualClock>, read: Arc<dyn Clock>, limits: EngineLimits) -> Self {
        let store = Arc::new(FakeStore::new());
        let engine = Self::engine(&store, read, limits).await;
        let bank = Self { engine, store, clock };
        bank.publish("USD", "1350.50").await.expect("the first round");
        bank
    }

    /// An engine on a store, on this thread.
    pub async fn engine(store: &Arc<FakeStore>, clock: Arc<dyn Clock>, limits: EngineLimits) -> Engine {
        let parts = EngineParts {
            store: store.clone(),
            clock,
            currencies: crate::world::currencies(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            interest: Arc::default(),
            quote_lifetime_max: Duration::from_secs(300),
            limits,
            outbox: None,
            placement: Placement::CallersThread,
        };
        Engine::start(parts).await.expect("a store that works")
    }

    /// Publishes a round that is good for a long time.
    pub async fn publish(&self, code: &str, mid: &str) -> Result<Executed, Refusal> {
        let now = self.clock.now();
        let mid = mid.parse().expect("a decimal");
        let publication = Publication {
            currency: currency(code),
            proposal: Proposal { mid, observed_at: now, sources: Vec::new() },
            valid_until: now.plus_seconds(60 * 86_400),
            spread_percent: None,
            preference_percent: None,
        };
        self.engine.publish(caller("board", None), publication).await
    }

    /// A customer with both accounts and this much in them.
    pub async fn family(&self, won: &str, dollars: &str) -> Family {
        let opened = self.done(Command::OpenCustomer { reference: None, channel: None }).await;
        let customer = CustomerId::at(opened.position);
        let open = async |kind| AccountId::at(self.done(Command::OpenAccount { customer, kind }).await.position);
        let family = Family { customer, won: open(AccountKind::Won).await, foreign: open(AccountKind::Foreign).await };
        for (account, text) in [(family.won, format!("{won} KRW")), (family.foreign, format!("{dollars} USD"))] {
            let amount = money(&text);
            if !amount.is_zero() {
                self.done(Command::Deposit { account, amount }).await;
            }
        }
        family
    }

    /// Executes without a key.
    pub async fn execute(&self, command: Command) -> Result<Executed, Refusal> {
        self.engine.execute(caller("teller", None), command).await
    }

    /// Executes under a key.
    pub async fn keyed(&self, key: &str, command: Command) -> Result<Executed, Refusal> {
        self.engine.execute(caller("app", Some(key)), command).await
    }

    /// Executes what must work.
    pub async fn done(&self, command: Command) -> Arc<Record> {
        self.execute(command).await.expect("a command that works").record
    }

    /// A quote for buying dollars.
    pub async fn quote(&self, family: Family, dollars: &str, lifetime: Duration) -> Quote {
        self.engine
            .quote(&teller(), order(family, Side::Buy, Ask::Foreign(money(dollars))), lifetime)
            .await
            .expect("a quote")
    }

    /// What an account holds of a currency, in minor units, as a reader sees it.
    pub async fn held(&self, account: AccountId, code: &str) -> i64 {
        let view = self.engine.account(&teller(), account).await.expect("a read").expect("an account");
        assert_eq!(view.reserved, None, "a reserve is open");
        view.state.booked(currency(code)).minor()
    }

    /// How much of the daily limit a customer has used, exchanges in flight included.
    pub async fn used_won(&self, customer: CustomerId) -> i64 {
        let view = self.engine.customer(&teller(), customer).await.expect("a read").expect("a customer");
        view.state.limits.day_won + view.in_flight_won
    }

    /// Replays the journals through the naive bank.
    pub fn audit(&self, quotes: &[Quote]) {
        crate::audit(&self.store, LimitPolicy::default(), quotes).expect("journals of a single-threaded bank");
    }
}

/// One who reaches every customer.
pub fn teller() -> Viewer {
    Viewer::of_all(Arc::from("teller"))
}

/// A caller under this name, with or without a key; the body's fingerprint is always the same.
pub fn caller(name: &str, key: Option<&str>) -> Caller {
    Caller { who: Viewer::of_all(Arc::from(name)), key: key.map(Into::into), request: RequestDigest([1; 16]) }
}

/// A market order in dollars.
pub fn order(family: Family, side: Side, ask: Ask) -> MarketOrder {
    MarketOrder {
        customer: family.customer,
        won_account: None,
        foreign_account: None,
        side,
        currency: currency("USD"),
        ask,
        worst_rate: None,
    }
}

/// Buys dollars at the market.
pub fn buy(family: Family, dollars: &str) -> Command {
    Command::Exchange(Box::new(Order::AtMarket(order(family, Side::Buy, Ask::Foreign(money(dollars))))))
}

/// Sells dollars at the market.
pub fn sell(family: Family, dollars: &str) -> Command {
    Command::Exchange(Box::new(Order::AtMarket(order(family, Side::Sell, Ask::Foreign(money(dollars))))))
}

/// Exchanges at a quote.
pub fn at(quote: Quote) -> Command {
    Command::Exchange(Box::new(Order::AtQuote(quote)))
}
