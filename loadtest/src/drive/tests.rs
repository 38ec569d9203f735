//! Loads on a target that stalls when it is told to: what is counted is what its customers would have seen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use rand::rngs::StdRng;

use super::{Answered, Caller, CpuReader, Driven, Loop, Plan, Target, drive};
use crate::{
    tally::{Ended, Outcome},
    workload::{Mix, Spread, Workload},
};

/// Answers at once, but for one request.
#[derive(Debug, Default)]
struct Stalling {
    requests: Arc<AtomicU64>,
    stalls_at: u64,
    stalls_for: Duration,
}

struct StallingCaller {
    requests: Arc<AtomicU64>,
    stalls_at: u64,
    stalls_for: Duration,
}

impl Target for Stalling {
    type Caller = StallingCaller;

    async fn connect(&self) -> Result<StallingCaller> {
        let Self { requests, stalls_at, stalls_for } = self;
        Ok(StallingCaller { requests: requests.clone(), stalls_at: *stalls_at, stalls_for: *stalls_for })
    }
}

impl Caller for StallingCaller {
    fn prepare(&mut self, _: &Workload, _: &mut StdRng) -> u64 {
        1
    }

    async fn call(&mut self) -> Answered {
        if self.requests.fetch_add(1, Ordering::Relaxed) == self.stalls_at {
            tokio::time::sleep(self.stalls_for).await;
        }
        Ended::all(Outcome::Executed, 1).into()
    }
}

fn load(target: Stalling, pace: Loop, connections: u16, threads: u16) -> Driven {
    let plan = Plan {
        pace,
        exchanges_per_request: 1,
        connections,
        threads,
        ramp: Duration::ZERO,
        warmup: Duration::ZERO,
        duration: Duration::from_secs(1),
    };
    let workload = Arc::new(Workload::new(Mix::Alternate, Spread::Uniform, 0, 1));
    drive(&Arc::new(target), &plan, &workload, &mut CpuReader::new(None, None)).unwrap()
}

#[test]
fn an_open_loop_shows_a_stall_to_all_who_would_have_met_it() {
    let stalls_for = Duration::from_millis(400);
    let target = Stalling { stalls_at: 100, stalls_for, ..Stalling::default() };
    let Driven { tally, .. } = load(target, Loop::Open { rate: 1_000 }, 1, 1);
    assert_eq!(tally.latency_us.len(), 1_000, "one latency for each that was due");
    // 400 were due within the stall, and waited 200 ms on average; a closed loop would have counted one of them.
    let delayed = tally.latency_us.count_between(50_000, 1_000_000);
    assert!((300..=600).contains(&delayed), "{delayed} were delayed");
    assert!(tally.queued_us.len() >= 300, "{} found no free connection", tally.queued_us.len());
    assert_eq!((tally.unsent, tally.executed + tally.executed_later), (0, 1_000));
}

#[test]
fn a_closed_loop_meets_a_stall_once() {
    let stalls_for = Duration::from_millis(400);
    let target = Stalling { stalls_at: 100, stalls_for, ..Stalling::default() };
    let Driven { tally, .. } = load(target, Loop::Closed, 1, 1);
    assert_eq!(tally.latency_us.count_between(350_000, 100_000_000), 1);
    assert_eq!(tally.queued_us.len() + tally.late_us.len(), 0);
}

#[test]
fn what_an_open_loop_could_not_send_counts_with_what_it_waited() {
    let target = Stalling { stalls_at: 0, stalls_for: Duration::from_millis(1_500), ..Stalling::default() };
    let Driven { tally, .. } = load(target, Loop::Open { rate: 100 }, 1, 1);
    assert_eq!((tally.unsent, tally.executed, tally.executed_later), (99, 0, 1));
    assert_eq!(tally.latency_us.len(), 100);
    assert!(tally.latency_us.value_at_quantile(0.5) >= 450_000, "half of them waited half a second or more");
}

#[test]
fn threads_share_the_arrivals_between_them() {
    let Driven { tally, .. } =
        load(Stalling { stalls_at: u64::MAX, ..Stalling::default() }, Loop::Open { rate: 999 }, 8, 3);
    assert_eq!((tally.latency_us.len(), tally.unsent), (999, 0));
    let seconds = tally.timeline.seconds();
    assert_eq!(seconds.len(), 1);
    assert!(seconds[0].executed >= 700, "{seconds:?}");
}
