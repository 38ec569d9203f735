//! A bank whose days are exported: an engine with its books on a store, and a clock that is set by hand.

use std::{path::Path, sync::Arc, time::Duration};

use hwan::{
    accounting::{books::Books, embedded::EmbeddedBooks, event_reader::EventReader, poster::PosterParts},
    actors::{
        command::{Command, Order, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
    },
    clock::{Clock as _, ManualClock},
    closing::closer::Closer,
    sealing::DaySource,
    storage::{
        general_ledger::{conformance::chart, port::GeneralLedger as _},
        sealing::port::SealingStore,
        sqlite::{SqliteBooks, SqliteOptions},
    },
};
use hwan_domain::{
    account::AccountKind,
    board::Publication,
    cover::Deal,
    exchange::{Ask, Side},
    guard::{GuardPolicy, Proposal},
    id::{AccountId, CustomerId},
    limit::LimitPolicy,
    record::{Event, Record},
    time::BusinessDate,
};
use hwan_simulator::{
    bank::{Family, TEN_O_CLOCK, caller, money, order},
    world::{currencies, currency, instant},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How long lanes and books may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An engine, its store, its books.
pub(crate) struct Bank {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn SealingStore>,
    ledger: Arc<SqliteBooks>,
    pub(crate) clock: Arc<ManualClock>,
    dice: StdRng,
    families: Vec<Family>,
    exchanges: Vec<Arc<Record>>,
}

impl Bank {
    /// Opens on a new store, with its books in a folder, on Monday at ten.
    pub(crate) async fn open(store: Arc<dyn SealingStore>, folder: &Path) -> Self {
        let clock = Arc::new(ManualClock::at(instant(TEN_O_CLOCK)));
        let ledger = SqliteBooks::open(folder, currencies(), &chart(), &SqliteOptions::default()).await;
        let ledger = Arc::new(ledger.unwrap());
        let reader = EventReader::new(currencies());
        let books =
            EmbeddedBooks::new(PosterParts { ledger: ledger.clone(), chart: chart(), reader, clock: clock.clone() });
        let parts = EngineParts {
            store: store.clone(),
            clock: clock.clone(),
            currencies: currencies(),
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            interest: Default::default(),
            quote_lifetime_max: Duration::from_secs(300),
            limits: EngineLimits { customer_lanes: 2, ..EngineLimits::default() },
            outbox: Some(Arc::new(books)),
            placement: Placement::CallersThread,
        };
        let engine = Engine::start(parts).await.unwrap();
        let dice = StdRng::seed_from_u64(11);
        let bank = Self { engine, store, ledger, clock, dice, families: Vec::new(), exchanges: Vec::new() };
        bank.stands_at(bank.today()).await;
        bank
    }

    pub(crate) fn today(&self) -> BusinessDate {
        self.clock.now().seoul_date()
    }

    /// As whoever exports its days reads it.
    pub(crate) fn days(&self) -> DaySource {
        let books = Books::new(self.ledger.clone(), chart());
        DaySource {
            store: self.store.clone(),
            books: Some(books),
            back_office: Some(self.ledger.clone()),
            currencies: currencies(),
        }
    }

    pub(crate) async fn close(self) {
        let Self { engine, store, ledger, .. } = self;
        drop(engine);
        ledger.close().await;
        store.close().await;
    }

    async fn done(&self, command: Command) -> Arc<Record> {
        self.engine.execute(caller("teller", None), command).await.unwrap().record
    }

    async fn publish(&self, code: &str, mid: &str) {
        let publication = Publication {
            currency: currency(code),
            proposal: Proposal { mid: mid.parse().unwrap(), observed_at: self.clock.now(), sources: Vec::new() },
            valid_until: self.clock.now().plus_seconds(60 * 86_400),
            spread_percent: Some("1.75".parse().unwrap()),
            preference_percent: Some("30".parse().unwrap()),
        };
        self.engine.publish(caller("board", None), publication).await.unwrap();
    }

    async fn family(&self, won: &str) -> Family {
        let opened =
            self.done(Command::OpenCustomer { reference: Some("a \"name\" \\ 환".into()), channel: None }).await;
        let customer = CustomerId::at(opened.position);
        let open = async |kind| AccountId::at(self.done(Command::OpenAccount { customer, kind }).await.position);
        let family = Family { customer, won: open(AccountKind::Won).await, foreign: open(AccountKind::Foreign).await };
        self.done(Command::Deposit { account: family.won, amount: money(won) }).await;
        family
    }

    /// A day's business: rounds, new customers, and so many commands at random.
    pub(crate) async fn trade(&mut self, commands: usize) {
        self.publish("USD", "1350.50").await;
        self.publish("JPY", "934.06").await;
        for _ in 0..3 {
            let family = self.family("9000000 KRW").await;
            self.families.push(family);
        }
        for _ in 0..commands {
            self.clock.set(self.clock.now().plus_micros(1_700_001));
            let command = self.command();
            match self.engine.execute(caller("app", None), command).await {
                Ok(executed) if matches!(executed.record.event, Event::Exchanged { .. }) => {
                    self.exchanges.push(executed.record);
                }
                Ok(_) | Err(Refusal::Rejected(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        let deal = Deal {
            side: Side::Sell,
            amount: money("100.00 USD"),
            won: Some(money("135050 KRW")),
            rate: "1350.50".parse().unwrap(),
            reference: Some("deal 1".into()),
        };
        self.engine.cover(caller("treasury", None), deal).await.unwrap();
    }

    /// A command of one of the families; what is refused changes nothing.
    fn command(&mut self) -> Command {
        let Self { dice, families, exchanges, .. } = self;
        let family = families[dice.random_range(0..families.len())];
        let code = if dice.random_bool(0.5) { "USD" } else { "JPY" };
        let some = |dice: &mut StdRng| match code {
            "USD" => money(&format!("{}.{:02} USD", dice.random_range(0..90), dice.random_range(1..100))),
            _ => money(&format!("{} JPY", dice.random_range(1..9_000))),
        };
        let won = |dice: &mut StdRng| money(&format!("{} KRW", dice.random_range(1..90_000)));
        match dice.random_range(0..12) {
            0 => Command::Deposit { account: family.won, amount: won(dice) },
            1 => Command::Withdraw { account: family.won, amount: won(dice) },
            2 => Command::Withdraw { account: family.foreign, amount: some(dice) },
            3 => {
                let other = families[dice.random_range(0..families.len())];
                Command::Transfer { from: family.foreign, to: other.foreign, amount: some(dice) }
            }
            4 if !exchanges.is_empty() => {
                let exchange = exchanges[dice.random_range(0..exchanges.len())].clone();
                Command::Reverse { exchange, reason: "a \"test\"".into() }
            }
            number => {
                let side = if number % 2 == 0 { Side::Sell } else { Side::Buy };
                let mut order = order(family, side, Ask::Foreign(some(dice)));
                order.currency = currency(code);
                Command::Exchange(Box::new(Order::AtMarket(order)))
            }
        }
    }

    /// Midnight: the clock goes on by a day, and every lane follows.
    /// The day that ends is closed then.
    pub(crate) async fn next_day(&mut self) {
        let ended = self.today();
        self.clock.set(self.clock.now().plus_seconds(86_400));
        self.stands_at(self.today()).await;
        Closer::new(self.ledger.clone(), 2).close(ended).await.unwrap();
    }

    /// Waits until every lane has this date, and books and projections have everything.
    async fn stands_at(&self, date: BusinessDate) {
        let stands = async {
            loop {
                let heads = self.store.lane_heads().await.unwrap();
                let cursors = self.ledger.cursors().await.unwrap();
                let mut follows = heads.len() == 3;
                for head in &heads {
                    let last = self.store.journal(head.lane, head.seq, 1).await.unwrap();
                    follows &= last.first().is_some_and(|row| row.record.business_date == date);
                    follows &= head.projected == head.seq;
                    follows &= cursors.iter().any(|of| of.lane == head.lane && of.seq == head.seq);
                }
                if follows {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let stands = tokio::time::timeout(PATIENCE, stands).await;
        assert!(stands.is_ok(), "lanes, projections and books do not come to {date}");
    }
}
