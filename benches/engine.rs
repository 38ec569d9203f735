//! The engine alone: exchanges through the façade, the actors and the lane, with a store that keeps nothing.
//!
//! `cargo bench --bench engine`. One lane on its own thread, one thread that asks, so many exchanges in flight as a busy
//! API would have. Throughput is exchanges a second.

use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use hwan::{
    actors::{
        command::{Caller, Command, MarketOrder, Order, Viewer},
        engine::{Engine, EngineLimits, EngineParts, Placement},
    },
    clock::{Clock, SystemClock},
    config::currencies,
    storage::null::NullStore,
};
use hwan_domain::{
    board::Publication,
    currency::CurrencySet,
    exchange::{Ask, Side},
    guard::{GuardPolicy, Proposal},
    id::LaneId,
    limit::LimitPolicy,
    money::Money,
    record::RequestDigest,
};
use rust_decimal::Decimal;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Customers that exchange in turn.
const CUSTOMERS: u64 = 10_000;
/// Exchanges of one measurement.
const EXCHANGES: u64 = 50_000;
/// Exchanges in flight.
const IN_FLIGHT: usize = 512;

async fn start() -> Engine {
    let currencies: Arc<CurrencySet> = Arc::new(currencies::built_in().expect("the built-in currencies are good"));
    let usd = currencies.find("USD").expect("the built-in currencies have USD");
    let unlimited = LimitPolicy { daily_won: i64::MAX, monthly_won: i64::MAX, limited_account_daily_won: i64::MAX };
    let parts = EngineParts {
        store: Arc::new(NullStore::new([usd])),
        clock: Arc::new(SystemClock),
        currencies,
        business_day: hwan_domain::business_day::BusinessDay::SEOUL,
        policy: unlimited,
        guard: GuardPolicy::default(),
        interest: Arc::default(),
        quote_lifetime_max: Duration::from_secs(60),
        limits: EngineLimits { projection_lag_max: u64::MAX, ..EngineLimits::default() },
        outbox: None,
        placement: Placement::OwnArbiters,
    };
    let engine = Engine::start(parts).await.expect("the null store opens");
    let now = SystemClock.now();
    let publication = Publication {
        currency: usd,
        proposal: Proposal { mid: Decimal::new(135_050, 2), observed_at: now, sources: Vec::new() },
        valid_until: now.plus_seconds(86_400),
        spread_percent: None,
        preference_percent: None,
    };
    engine.publish(caller(None), publication).await.expect("the round is good");
    while engine.board().pairs().next().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine
}

fn caller(key: Option<Box<str>>) -> Caller {
    Caller { who: Viewer::of_all(Arc::from("bench")), key, request: RequestDigest([0; 16]) }
}

async fn exchange(engine: &Engine, number: u64) {
    let usd = engine.currencies().find("USD").expect("the built-in currencies have USD");
    let (customer, ..) = NullStore::family(LaneId::FIRST, 1 + number % CUSTOMERS).expect("few customers");
    let order = MarketOrder {
        customer,
        won_account: None,
        foreign_account: None,
        side: if (number / CUSTOMERS).is_multiple_of(2) { Side::Buy } else { Side::Sell },
        currency: usd,
        ask: Ask::Foreign(Money::from_minor(100, usd).expect("one dollar")),
        worst_rate: None,
    };
    // Time-ordered, as a client's would be; made without asking the system for randomness each time.
    let millis = u64::try_from(SystemClock.now().micros() / 1_000).expect("after 1970");
    let mut tail = [0; 10];
    tail[2..].copy_from_slice(&number.to_be_bytes());
    let key = uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid().to_string().into_boxed_str();
    let command = Command::Exchange(Box::new(Order::AtMarket(order)));
    engine.execute(caller(Some(key)), command).await.expect("there is plenty");
}

async fn burst(engine: &Engine, exchanges: u64, number: &Rc<Cell<u64>>) -> Duration {
    let begun = Instant::now();
    let end = number.get() + exchanges;
    join_all((0..IN_FLIGHT).map(|_| async {
        while number.get() < end {
            let mine = number.get();
            number.set(mine + 1);
            exchange(engine, mine).await;
        }
    }))
    .await;
    begun.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let system = actix::System::new();
    let engine = system.block_on(start());
    let number = Rc::new(Cell::new(0));
    system.block_on(burst(&engine, CUSTOMERS * 2, &number));
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(EXCHANGES)).sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("exchanges with a null store", |bencher| {
        bencher.iter_custom(|rounds| system.block_on(burst(&engine, EXCHANGES * rounds, &number)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
