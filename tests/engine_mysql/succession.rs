//! Who takes over from whom, and how an engine ends.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    bench::Bench,
    common::{
        drive::{self, AfterEnd},
        engine_process::EngineProcess,
        history::{Ended, Recorded},
    },
    own_server::home,
};

const CLIENTS: usize = 8;
const REQUESTS_MAX: usize = 1_000;
/// A lease that no start may have to wait for.
const LONG_LEASE_MS: u32 = 30_000;

/// Load until the engine is gone.
fn load(bench: &Bench, requests_max: usize, after_end: AfterEnd) -> tokio::task::JoinHandle<Vec<Recorded>> {
    let (server, customers) = (bench.engine.server.clone(), bench.customers.clone());
    tokio::spawn(async move { drive::drive(&server, &customers, CLIENTS, requests_max, after_end).await })
}

fn acknowledged(sent: &[Recorded]) -> usize {
    sent.iter().filter(|command| command.acknowledgements().next().is_some()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_started_after_a_kill_takes_its_lanes_without_waiting_for_the_lease() {
    let mut bench = Bench::open(8, LONG_LEASE_MS).await;
    for round in 1..=3 {
        let load = load(&bench, REQUESTS_MAX, AfterEnd::Stop);
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.engine.kill();
        let sent = load.await.unwrap();
        assert!(acknowledged(&sent) > CLIENTS, "round {round}: no load");
        let begun = Instant::now();
        bench.start_again().await;
        let took = begun.elapsed();
        eprintln!("round {round}: ready {took:?} after the start, {} commands before the kill", sent.len());
        assert!(took < Duration::from_secs(10), "round {round}: it waited for the lease: {took:?}");
        bench.accept(sent, &format!("after kill {round}")).await;
    }
    bench.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_engine_stands_by_and_takes_over_with_every_answer_when_the_first_is_killed() {
    let mut bench = Bench::open(8, 2_000).await;
    let (second_data, environment) = (home(), bench.environment());
    // As whoever runs a standby does: the same keys, else callers and their quotes are unknown to it.
    for keys in ["api-keys.toml", "token", "quote-keys.toml"] {
        std::fs::copy(bench.data.path().join(keys), second_data.path().join(keys)).unwrap();
    }
    let path: PathBuf = second_data.path().to_owned();
    let second = tokio::spawn(async move { EngineProcess::start_with(&path, &environment).await });
    let load = load(&bench, 10 * REQUESTS_MAX, AfterEnd::Stop);
    // Longer than the lease: the first one gives signs of life.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!second.is_finished(), "two engines serve one ledger");
    let owners = "SELECT COUNT(DISTINCT owner), MAX(epoch) FROM hwan.lane";
    assert_eq!(
        bench.server.sql(owners),
        "1\t1",
        "a lane of the living engine was taken: under load, too, it renews its leases"
    );
    bench.engine.kill();
    let killed = Instant::now();
    let sent = load.await.unwrap();
    assert!(acknowledged(&sent) > CLIENTS, "no load");
    bench.engine = second.await.unwrap();
    bench.data = second_data;
    eprintln!("taken over {:?} after the kill, {} commands before it", killed.elapsed(), sent.len());
    assert!(killed.elapsed() < Duration::from_secs(8), "{:?}", killed.elapsed());
    bench.accept(sent, "after the take-over").await;
    bench.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_answers_what_was_accepted_ends_with_0_and_lets_go_of_the_lanes() {
    let mut bench = Bench::open(8, LONG_LEASE_MS).await;
    let load = load(&bench, 100_000, AfterEnd::ConnectAgain);
    tokio::time::sleep(Duration::from_millis(500)).await;
    bench.engine.terminate();
    let status = bench.engine.ended(Duration::from_secs(30)).await;
    assert_eq!(status.code(), Some(0), "{}", bench.engine.output());
    let sent = load.await.unwrap();
    assert!(acknowledged(&sent) > CLIENTS, "no load");
    for command in &sent {
        for ended in &command.attempts {
            if let Ended::Refused { status, code, retryable } = ended {
                let is_drained = *status == 503 && *retryable;
                assert!(is_drained || *status == 422, "{} was refused with {status} {code}", command.key);
            }
        }
    }
    let leases = "SELECT COUNT(*) FROM hwan.lane WHERE lease_until > UTC_TIMESTAMP(6)";
    assert_eq!(bench.server.sql(leases), "0", "a lane was not let go of");
    let lag = "SELECT SUM(l.seq - p.seq) FROM hwan.lane l JOIN hwan.projection p ON p.lane = l.id";
    assert_eq!(bench.server.sql(lag), "0", "the projections were left behind");
    bench.verify();
    bench.start_again().await;
    bench.accept(sent, "after the end in order").await;
}
