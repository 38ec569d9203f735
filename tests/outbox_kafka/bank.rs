//! A bank on the embedded store whose engine publishes to Kafka.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use hwan::{
    actors::{
        command::{Command, Executed, Refusal},
        engine::{Engine, EngineLimits, EngineParts, Placement},
        view::LaneView,
    },
    clock::SystemClock,
    outbox::kafka::{self, settings::KafkaOptions},
    storage::{
        conformance::fixture::currencies,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use hwan_domain::{
    account::AccountKind,
    guard::GuardPolicy,
    id::{AccountId, CustomerId},
    limit::LimitPolicy,
};
use hwan_simulator::bank::{caller, money};

/// Commands under way at most.
const CONCURRENT: usize = 128;

/// An engine, its store, and accounts to deposit into.
pub(crate) struct Bank {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<SqliteStore>,
}

impl Bank {
    /// On the store in this directory, publishing to this Kafka; as many lanes of customers as fit its topic.
    pub(crate) async fn open(dir: &Path, kafka: &KafkaOptions) -> Self {
        Self::open_with(dir, kafka, EngineLimits::default()).await
    }

    pub(crate) async fn open_with(dir: &Path, kafka: &KafkaOptions, limits: EngineLimits) -> Self {
        let store = Arc::new(SqliteStore::open(dir, currencies(), SqliteOptions::default()).await.unwrap());
        let parts = EngineParts {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            currencies: currencies(),
            business_day: hwan_domain::business_day::BusinessDay::SEOUL,
            policy: LimitPolicy::default(),
            guard: GuardPolicy::default(),
            interest: Arc::default(),
            quote_lifetime_max: Duration::from_secs(300),
            limits: EngineLimits { customer_lanes: kafka.lanes - 1, ..limits },
            outbox: Some(kafka::outbox(kafka.clone()).unwrap()),
            placement: Placement::OwnArbiters,
        };
        Self { engine: Engine::start(parts).await.unwrap(), store }
    }

    pub(crate) async fn execute(&self, command: Command) -> Result<Executed, Refusal> {
        self.engine.execute(caller("teller", None), command).await
    }

    /// Won accounts of so many new customers.
    pub(crate) async fn accounts(&self, count: usize) -> Vec<AccountId> {
        let mut accounts = Vec::new();
        for _ in 0..count {
            let opened = self.execute(Command::OpenCustomer { reference: None, channel: None }).await.unwrap();
            let customer = CustomerId::at(opened.record.position);
            let won = self.execute(Command::OpenAccount { customer, kind: AccountKind::Won }).await.unwrap();
            accounts.push(AccountId::at(won.record.position));
        }
        accounts
    }

    /// So many deposits of a won, some at the same time; none may fail.
    pub(crate) async fn deposit(&self, accounts: &[AccountId], count: usize) {
        let deposits = accounts.iter().cycle().take(count).map(|account| async move {
            self.execute(Command::Deposit { account: *account, amount: money("1 KRW") }).await.unwrap();
        });
        stream::iter(deposits).buffer_unordered(CONCURRENT).collect::<Vec<()>>().await;
    }

    /// Deposits until this time has passed; how many.
    pub(crate) async fn deposit_for(&self, accounts: &[AccountId], time: Duration) -> usize {
        let until = Instant::now() + time;
        let mut count = 0;
        while Instant::now() < until {
            self.deposit(accounts, 200).await;
            count += 200;
            // Some thousand a second: what is read back afterwards stays readable.
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        count
    }

    /// How many records wait in all lanes.
    pub(crate) fn waiting(&self) -> u64 {
        let waits =
            |lane: &LaneView| lane.durable.number() - lane.published.unwrap().number().min(lane.durable.number());
        self.engine.lanes().iter().map(waits).sum()
    }

    /// Waits until everything is published.
    pub(crate) async fn published(&self, within: Duration) {
        let started = Instant::now();
        while self.waiting() > 0 {
            assert!(started.elapsed() < within, "{} records still wait: {:?}", self.waiting(), self.engine.lanes());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn close(self) {
        self.engine.drain().await;
        hwan::storage::port::LedgerStore::close(self.store.as_ref()).await;
    }
}

/// Runs a test where actors can live. What is logged shows where the test fails.
pub(crate) fn on_a_system(test: impl Future<Output = ()>) {
    let log = tracing_subscriber::fmt().with_test_writer().with_max_level(tracing::Level::INFO).with_ansi(false);
    let _installed_before = log.try_init();
    actix_rt::System::new().block_on(test);
}
