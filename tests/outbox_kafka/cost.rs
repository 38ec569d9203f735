//! What publishing costs: the CPU of the relay's own threads for each event, at full speed. By hand, optimised:
//! `cargo test --release -p hwan --test outbox_kafka -- --ignored --nocapture what_an_event_costs`.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use super::{
    backlog::write_journal,
    bank::{Bank, on_a_system},
    broker,
};

const EVENTS: usize = 400_000;
/// How the threads begin that publish: the outbox's arbiter, and the client's.
const RELAYS: &[&str] = &["outbox", "rdk:", "producer pol"];

/// CPU ticks of this process's threads, by name.
fn ticks() -> BTreeMap<String, u64> {
    let mut ticks = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let used = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        *ticks.entry(name.to_owned()).or_default() += used;
    }
    ticks
}

#[test]
#[ignore = "a measurement: minutes, and only optimised does it say anything"]
fn what_an_event_costs() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        write_journal(dir.path(), EVENTS).await;
        let kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let (before, started) = (ticks(), Instant::now());
        let waited = bank.waiting();
        bank.published(Duration::from_secs(300)).await;
        let (took, after) = (started.elapsed(), ticks());
        let mut relay = 0;
        for (name, used) in &after {
            let used = used - before.get(name).copied().unwrap_or(0);
            if used > 0 {
                println!("{name:<16} {used} ticks of 10 ms");
            }
            if RELAYS.iter().any(|prefix| name.starts_with(prefix)) {
                relay += used;
            }
        }
        println!(
            "{waited} events from the journal in {took:?}: {} a second, {:.2} µs of the relay's CPU each",
            u128::from(waited) * 1_000 / took.as_millis().max(1),
            relay as f64 * 10_000.0 / waited as f64,
        );
        bank.close().await;
    });
}
