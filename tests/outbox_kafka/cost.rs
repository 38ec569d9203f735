//! What publishing costs: the CPU of the relay's own threads for each event, at full speed. By hand, optimised:
//! `cargo test --release -p hwan --test outbox_kafka -- --nocapture what_an_event_costs`.

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
/// How the client's threads are called.
const CLIENT: &[&str] = &["rdk:", "producer poll"];
/// How every arbiter is called, the outbox's among them.
const ARBITER: &str = "actix-rt";

/// CPU ticks of 10 ms of this process's threads, by number and name.
fn ticks() -> BTreeMap<(String, String), u64> {
    let mut ticks = BTreeMap::new();
    for task in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { continue };
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(')').unwrap();
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let used = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        ticks.insert((task.file_name().into_string().unwrap(), name.to_owned()), used);
    }
    ticks
}

/// What each thread has used since.
fn used(since: &BTreeMap<(String, String), u64>) -> Vec<(String, String, u64)> {
    let now = ticks().into_iter();
    now.map(|(thread, ticks)| {
        let before = since.get(&thread).copied().unwrap_or(0);
        (thread.0, thread.1, ticks - before)
    })
    .collect()
}

/// The client's threads and the outbox's arbiter, in nanoseconds an event.
fn cost(used: &[(String, String, u64)], outbox: &str, events: u64) -> u64 {
    let of_relay = |(thread, name, _): &&(String, String, u64)| {
        thread == outbox || CLIENT.iter().any(|prefix| name.starts_with(prefix))
    };
    let ticks: u64 = used.iter().filter(of_relay).map(|(.., ticks)| ticks).sum();
    ticks * 10_000_000 / events
}

#[test]
fn what_an_event_costs() {
    on_a_system(async {
        let dir = tempfile::tempdir().unwrap();
        write_journal(dir.path(), EVENTS).await;
        let kafka = broker::options(2);
        let bank = Bank::open(dir.path(), &kafka).await;
        let (before, started, waited) = (ticks(), Instant::now(), bank.waiting());
        bank.published(Duration::from_secs(300)).await;
        let (took, from_journal) = (started.elapsed(), used(&before));
        // While the lanes have nothing to do, the arbiter that works is the outbox's.
        let arbiters = from_journal.iter().filter(|(_, name, _)| name.starts_with(ARBITER));
        let outbox = arbiters.max_by_key(|(.., ticks)| *ticks).unwrap().0.clone();
        let rate = |events: u64, took: Duration| u128::from(events) * 1_000 / took.as_millis().max(1);
        println!(
            "from the journal: {waited} events in {took:?}, {} a second, {} ns of the relay's CPU each",
            rate(waited, took),
            cost(&from_journal, &outbox, waited),
        );

        let accounts = bank.accounts(64).await;
        bank.published(Duration::from_secs(30)).await;
        let (before, started) = (ticks(), Instant::now());
        bank.deposit(&accounts, EVENTS).await;
        bank.published(Duration::from_secs(30)).await;
        let (took, from_memory, events) = (started.elapsed(), used(&before), EVENTS as u64);
        println!(
            "as they happen: {events} events in {took:?}, {} a second, {} ns of the relay's CPU each",
            rate(events, took),
            cost(&from_memory, &outbox, events),
        );
        for (thread, name, ticks) in from_memory.iter().filter(|(.., ticks)| *ticks > 5) {
            println!("  {thread} {name}: {} ms{}", ticks * 10, if *thread == outbox { ", the outbox's" } else { "" });
        }
        bank.close().await;
    });
}
