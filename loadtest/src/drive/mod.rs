//! The driving of a target, whatever it is: connections that ask it for exchanges, when they do, and what is counted.
//!
//! | phase | closed loop | open loop |
//! |---|---|---|
//! | ramp | connections join one by one | the rate rises evenly from nothing |
//! | warm-up | driven, not counted | driven, not counted |
//! | window | answers count | arrivals that are due in it count |
//! | drain | what is under way is waited for | the same; what could not be sent within 250 ms counts with what it waited |
//!
//! Bounds: one request in flight a connection, so as many as there are connections; a thread holds one histogram for all
//! and a small one for each second of the window, which lasts an hour at most.

mod alarm;
mod closed;
mod open;
mod plan;
mod schedule;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use rand::{SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

pub(crate) use self::{
    plan::{Loop, Phases, Plan},
    watch::CpuReader,
};
use crate::{
    tally::{Ended, Tally},
    workload::Workload,
};

/// What is driven.
pub(crate) trait Target: Send + Sync + 'static {
    /// A connection to it.
    type Caller: Caller;

    /// Connects, on the runtime that the connection will be used on.
    fn connect(&self) -> impl Future<Output = Result<Self::Caller>> + Send;
}

/// A connection to what is driven: one request at a time.
pub(crate) trait Caller: Send + 'static {
    /// Makes the next request ready; how many exchanges it holds. What this takes is no latency in a closed loop.
    fn prepare(&mut self, workload: &Workload, random: &mut StdRng) -> u64;

    /// Makes that request, and waits for its end.
    fn call(&mut self) -> impl Future<Output = Answered> + Send;
}

/// How a request ended.
#[derive(Debug)]
pub(crate) struct Answered {
    /// Its exchanges.
    pub(crate) ended: Ended,
    /// How long the quote before it took, if there was one; the request's latency holds it too.
    pub(crate) quote: Option<Duration>,
    /// How long the target wants to be left alone by this connection.
    pub(crate) pause: Option<Duration>,
}

impl From<Ended> for Answered {
    fn from(ended: Ended) -> Self {
        Self { ended, quote: None, pause: None }
    }
}

/// What a load counted, and when it was over.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) phases: Phases,
    pub(crate) tally: Tally,
    /// When the last answer was there.
    pub(crate) drained_at: Instant,
}

/// What the connections of a thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) phases: Phases,
    pub(crate) workload: Arc<Workload>,
    tally: Mutex<Tally>,
    /// Exchanges that were answered so far, whatever the answer; of all threads.
    pub(crate) answered: Arc<AtomicU64>,
}

impl Shared {
    /// Never held across an await.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drives `target` as planned and shows progress; `cpu` is told when the window opens.
pub(crate) fn drive<T: Target>(
    target: &Arc<T>,
    plan: &Plan,
    workload: &Arc<Workload>,
    cpu: &mut CpuReader,
) -> Result<Driven> {
    let phases = plan.phases(Instant::now());
    let answered = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    for index in 0..plan.threads {
        let shared = Arc::new(Shared {
            plan: plan.clone(),
            phases,
            workload: workload.clone(),
            tally: Mutex::new(Tally::new(plan.duration)?),
            answered: answered.clone(),
        });
        let (target, of_thread) = (target.clone(), shared.clone());
        threads.push((shared, thread::spawn(move || drive_thread(target.as_ref(), &of_thread, index))));
    }
    let shared: Vec<Arc<Shared>> = threads.iter().map(|(shared, _)| shared.clone()).collect();
    watch::until_the_window_closes(plan, phases, &shared, &answered, cpu)?;
    let mut tally = Tally::new(plan.duration)?;
    for (shared, thread) in threads {
        thread.join().map_err(|_| anyhow!("a thread of the generator panicked"))??;
        tally.add(&shared.tally())?;
    }
    Ok(Driven { phases, tally, drained_at: Instant::now() })
}

fn drive_thread<T: Target>(target: &T, shared: &Arc<Shared>, index: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut callers = Vec::new();
        for _ in 0..shared.plan.connections_of(index) {
            callers.push(target.connect().await?);
        }
        let random = || StdRng::from_rng(&mut rand::rng());
        let mut workers = JoinSet::new();
        match shared.plan.pace {
            Loop::Closed => {
                for (joins, caller) in callers.into_iter().enumerate() {
                    let joins_at = shared.plan.joins_at(index, joins);
                    workers.spawn(closed::work(shared.clone(), caller, random(), joins_at));
                }
            }
            Loop::Open { .. } => {
                let arrivals = Arc::new(open::Arrivals::new(shared.clone(), index));
                for caller in callers {
                    workers.spawn(open::work(arrivals.clone(), caller, random()));
                }
                let announced = arrivals.announce().await;
                while let Some(ended) = workers.join_next().await {
                    ended.context("a connection's worker panicked")?;
                }
                return announced;
            }
        }
        while let Some(ended) = workers.join_next().await {
            ended.context("a connection's worker panicked")?;
        }
        Ok(())
    })
}
