//! What every exchange passes through: writing a record down, chaining it, reading it back, pricing.
//!
//! `cargo bench --bench pieces`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hwan::storage::{
    codec,
    conformance::fixture::{currencies, exchange_of_scenario_s01, money, terms},
    port::ChainHash,
};
use hwan_domain::exchange::{Ask, Side};

fn pieces(criterion: &mut Criterion) {
    let record = exchange_of_scenario_s01();
    let body = codec::encode(&record);
    let currencies = currencies();
    let terms = terms(Side::Buy);
    let amount = money("100.00", "USD");
    criterion.bench_function("record as text", |bencher| bencher.iter(|| codec::encode(black_box(&record))));
    criterion.bench_function("link of the chain", |bencher| {
        bencher.iter(|| codec::chain(black_box(ChainHash::GENESIS), black_box(&body)));
    });
    criterion.bench_function("record from text", |bencher| {
        bencher.iter(|| codec::decode(black_box(&body), &currencies).is_ok());
    });
    criterion.bench_function("price of a buy", |bencher| {
        bencher.iter(|| black_box(&terms).price(black_box(Ask::Foreign(amount))).is_ok());
    });
}

criterion_group!(benches, pieces);
criterion_main!(benches);
