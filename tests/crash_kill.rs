//! `kill -9` of the engine under load, fifty times over one data directory: nothing acknowledged is lost, nothing is
//! doubled, every key has one outcome, every quote trades once, balances are what the answers said.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    drive::{self, AfterEnd, Customer},
    engine_process::{EngineProcess, run_to_end},
    history::{Observed, Recorded, judge},
    load,
};
use rand::{RngExt, seq::SliceRandom};

const KILLS: usize = 50;
const CUSTOMERS: usize = 16;
const CLIENTS: usize = 8;
/// Commands of one client between two kills at most, so that retrying them all stays short.
const REQUESTS_MAX: usize = 1_000;
/// Old commands that are asked for again at the end.
const OLD_RETRIED: usize = 1_000;

#[tokio::test]
async fn killed_fifty_times_under_load_nothing_is_lost_or_doubled() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = EngineProcess::start(data.path()).await;
    let mut observed = Observed::default();
    let (customers, mut history) =
        drive::open_customers(&engine.server, &engine.client, CUSTOMERS, &mut observed).await;
    let customers: Arc<[Customer]> = customers.into();
    let (started, mut heartbeat) = (Instant::now(), Instant::now());
    for kill in 1..=KILLS {
        let server = engine.server.clone();
        let load = tokio::spawn({
            let customers = customers.clone();
            async move { drive::drive(&server, &customers, CLIENTS, REQUESTS_MAX, AfterEnd::Stop).await }
        });
        let moment = Duration::from_millis(rand::rng().random_range(50..300));
        tokio::time::sleep(moment).await;
        engine.kill();
        let sent = load.await.unwrap();
        engine = EngineProcess::start(data.path()).await;
        // First what is there as it is, before any retry could make up for a loss.
        observed.read_back.clear();
        drive::read_back(&engine.client, &sent, &mut observed).await;
        let resolved = drive::retry_all(&engine.server, load::with_second_keys(sent)).await;
        look(&engine, &resolved, &customers, &mut observed).await;
        history.extend(resolved);
        accept(&history, &observed, &format!("after kill {kill}"), &engine);
        if heartbeat.elapsed() > Duration::from_secs(5) {
            heartbeat = Instant::now();
            eprintln!("... {kill} of {KILLS} kills, {} commands, {:?}", history.len(), started.elapsed());
        }
    }
    observed.read_back.clear();
    retry_old_ones(&engine, &mut history).await;
    look(&engine, &history, &customers, &mut observed).await;
    accept(&history, &observed, "at the end", &engine);
    assert_not_vacuous(&history);

    engine.terminate();
    assert_eq!(engine.ended(Duration::from_secs(30)).await.code(), Some(0), "{}", engine.output());
    let (status, output) = run_to_end(&["verify"], data.path());
    assert!(status.success(), "verify says: {output}");
}

/// Reads back what is acknowledged and was not read yet, and every account.
async fn look(engine: &EngineProcess, history: &[Recorded], customers: &[Customer], observed: &mut Observed) {
    drive::read_back(&engine.client, history, observed).await;
    drive::read_accounts(&engine.client, customers, observed).await;
}

fn accept(history: &[Recorded], observed: &Observed, when: &str, engine: &EngineProcess) {
    let faults = judge(history, observed);
    let shown: Vec<String> = faults.iter().take(20).map(|fault| format!("{fault:?}")).collect();
    assert!(faults.is_empty(), "{} faults {when}:\n{}\n{}", faults.len(), shown.join("\n"), engine.output());
}

/// Keys of long ago, from before many restarts, still have their one answer.
async fn retry_old_ones(engine: &EngineProcess, history: &mut Vec<Recorded>) {
    history.shuffle(&mut rand::rng());
    let old = history.split_off(history.len().saturating_sub(OLD_RETRIED));
    history.extend(drive::retry_all(&engine.server, old).await);
}

/// A run in which nothing was acknowledged, no answer was cut off, or a kind of command was not sent, would have shown
/// nothing of it. The least of each kind is far below what a run has: acknowledged, and cut off.
fn assert_not_vacuous(history: &[Recorded]) {
    let counts = load::counts(history);
    eprintln!("{counts:#?}");
    for (kind, settled, cut_off) in [
        ("at market", 200, 10),
        ("at a quote", 200, 10),
        ("at a used quote", 100, 1),
        ("at a quote, after the other key", 5, 0),
        ("withdrawal", 100, 5),
        ("transfer", 100, 5),
        ("opaque key", 200, 10),
        ("time-ordered key", 200, 10),
    ] {
        let count = counts.get(kind).copied().unwrap_or_default();
        assert!(count.settled >= settled, "{kind}: only {} were settled", count.settled);
        assert!(count.cut_off >= cut_off, "{kind}: only {} were cut off", count.cut_off);
    }
    let cut_off = drive::unanswered(history).count();
    assert!(cut_off >= KILLS / 2, "only {cut_off} answers were cut off in {KILLS} kills");
}
