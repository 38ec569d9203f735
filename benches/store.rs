//! What the store's part of an exchange costs: its text and hash, its commit with all that it leaves behind, and its
//! projection. 100,000 customers, chosen at random, batches of 256, full durability.
#![allow(missing_docs, reason = "criterion's macros generate undocumented items")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark has nobody to answer to")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hwan::storage::{
    codec,
    conformance::fixture::{Family, Keys, Scribe, currencies, exchange_of_scenario_s01, money, records},
    port::{ChainHash, CommitBatch, LedgerStore},
    sqlite::{SqliteOptions, SqliteStore},
};
use hwan_domain::{
    id::{LaneId, Seq},
    record::Record,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const CUSTOMERS: usize = 100_000;
const BATCH: usize = 256;
/// Records of one projection step, which follows many commits at once.
const STEP: usize = 1_024;

fn text(criterion: &mut Criterion) {
    let record = exchange_of_scenario_s01();
    let body = codec::encode(&record);
    let currencies = currencies();
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Elements(1));
    group.bench_function("encode", |bench| bench.iter(|| codec::encode(black_box(&record))));
    group.bench_function("decode", |bench| bench.iter(|| codec::decode(black_box(&body), &currencies)));
    group.bench_function("chain", |bench| bench.iter(|| codec::chain(ChainHash::GENESIS, black_box(&body))));
    group.finish();
}

/// A ledger with customers who have plenty, everything projected.
struct Ledger {
    runtime: Runtime,
    store: SqliteStore,
    scribe: Scribe,
    families: Vec<Family>,
    random: StdRng,
    projected: Seq,
    unprojected: Vec<Arc<Record>>,
    _dir: TempDir,
}

impl Ledger {
    fn new(keys: Keys) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = runtime.block_on(SqliteStore::open(dir.path(), currencies(), SqliteOptions::default())).unwrap();
        let taken = runtime.block_on(store.take_lane(LaneId::FIRST)).unwrap();
        let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
        scribe.use_keys(keys);
        let mut ledger = Self {
            runtime,
            store,
            scribe,
            families: Vec::with_capacity(CUSTOMERS),
            random: StdRng::seed_from_u64(1),
            projected: Seq::ZERO,
            unprojected: Vec::new(),
            _dir: dir,
        };
        for index in 0..CUSTOMERS {
            let family = ledger.scribe.open_family();
            ledger.scribe.deposit(family.won, money("1000000000", "KRW"));
            ledger.families.push(family);
            if index % 1_000 == 999 {
                let batch = ledger.scribe.batch();
                ledger.commit(batch);
                ledger.project(usize::MAX);
            }
        }
        ledger
    }

    fn exchanges(&mut self) -> CommitBatch {
        for _ in 0..BATCH {
            let family = self.families[self.random.random_range(0..CUSTOMERS)];
            self.scribe.buy(family, money("1.00", "USD"));
        }
        self.scribe.batch()
    }

    fn commit(&mut self, batch: CommitBatch) -> Duration {
        let began = Instant::now();
        self.runtime.block_on(self.store.commit(&batch)).unwrap();
        let took = began.elapsed();
        self.unprojected.extend(records(&batch));
        took
    }

    fn project(&mut self, size: usize) -> Duration {
        let step: Vec<_> = self.unprojected.drain(..size.min(self.unprojected.len())).collect();
        let Some(last) = step.last() else { return Duration::ZERO };
        let began = Instant::now();
        self.runtime.block_on(self.store.project(LaneId::FIRST, self.projected, &step)).unwrap();
        self.projected = last.position.seq();
        began.elapsed()
    }
}

fn store(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    for (keys, name) in [(Keys::Scattered, "commit/scattered keys"), (Keys::Ascending, "commit/ascending keys")] {
        let mut ledger = Ledger::new(keys);
        group.throughput(Throughput::Elements(u64::try_from(BATCH).unwrap()));
        group.bench_function(name, |bench| {
            bench.iter_custom(|rounds| {
                let mut took = Duration::ZERO;
                for _ in 0..rounds {
                    let batch = ledger.exchanges();
                    took += ledger.commit(batch);
                }
                took
            });
        });
        if keys == Keys::Scattered {
            while !ledger.unprojected.is_empty() {
                ledger.project(usize::MAX);
            }
            group.throughput(Throughput::Elements(u64::try_from(STEP).unwrap()));
            group.bench_function("project", |bench| {
                bench.iter_custom(|rounds| {
                    let mut took = Duration::ZERO;
                    for _ in 0..rounds {
                        for _ in 0..STEP / BATCH {
                            let batch = ledger.exchanges();
                            ledger.commit(batch);
                        }
                        took += ledger.project(STEP);
                    }
                    took
                });
            });
        }
        ledger.runtime.block_on(ledger.store.close());
    }
    group.finish();
}

criterion_group!(benches, text, store);
criterion_main!(benches);
