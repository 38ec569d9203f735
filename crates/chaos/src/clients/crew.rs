//! All clients of a run: what they share, how they start and how they stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinSet, time::timeout};

use super::{call::Endpoint, order::Customer, pulse::Pulse, worker::Worker};
use crate::{clock::RunClock, history::Command};

/// How long the clients may take to learn what became of what they have in flight, once they are told to stop.
const RESOLVED_MAX: Duration = Duration::from_secs(60);
/// How long they may take to stop when they are told to leave it at that.
const ABANDONED_MAX: Duration = Duration::from_secs(10);
/// The pause of one that is ahead of the pace.
const AHEAD_PAUSE: Duration = Duration::from_millis(10);
/// Customers that are endowed one after the other by one task.
const ENDOWED_BY_ONE: usize = 16;

/// What the clients are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Send.
    Work,
    /// Resolve what is in flight, then end.
    Stop,
    /// End as it stands.
    Abandon,
}

/// What all clients share.
#[derive(Debug)]
pub struct Town {
    /// The run's clock.
    pub clock: RunClock,
    /// The engines.
    pub endpoints: Vec<Arc<Endpoint>>,
    /// As whom the clients send: the name of their API key.
    pub caller: String,
    /// For whom.
    pub customers: Vec<Customer>,
    /// How it goes.
    pub pulse: Pulse,
    phase: watch::Sender<Phase>,
    /// Exchanges that may have been acknowledged by now: beyond it the clients slow down.
    allowed: AtomicU64,
}

impl Town {
    /// A town at work, without a limit to its pace.
    pub fn new(clock: RunClock, endpoints: Vec<Arc<Endpoint>>, caller: &str, customers: Vec<Customer>) -> Self {
        let (caller, phase) = (caller.to_owned(), watch::Sender::new(Phase::Work));
        Self { clock, endpoints, caller, customers, pulse: Pulse::default(), phase, allowed: AtomicU64::new(u64::MAX) }
    }

    /// From now on the clients slow down beyond so many exchanges in all.
    pub fn allow(&self, exchanges: u64) {
        self.allowed.store(exchanges, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits a little, for each of so many commands, if the clients are ahead; one that sends many stops meanwhile.
    pub(super) async fn pace(&self, commands: usize) {
        let mut waited = 0;
        while self.pulse.exchanges() > self.allowed.load(Ordering::Relaxed)
            && self.phase() == Phase::Work
            && waited < commands
        {
            tokio::time::sleep(AHEAD_PAUSE).await;
            waited += 1;
        }
    }
}

/// How many clients, and of which kind.
#[derive(Clone, Copy, Debug)]
pub struct CrewPlan {
    /// Clients that send one command at a time.
    pub single: usize,
    /// Clients that send batches.
    pub batching: usize,
    /// Exchanges in a batch.
    pub batch_items: usize,
    /// What their choices follow from.
    pub seed: u64,
}

/// Clients at work.
#[derive(Debug)]
pub struct Crew {
    town: Arc<Town>,
    tasks: JoinSet<anyhow::Result<Vec<Command>>>,
}

impl Crew {
    /// Gives every customer what he starts with; the deposits are the history's beginning.
    pub async fn endow(town: &Arc<Town>) -> anyhow::Result<Vec<Command>> {
        let mut tasks = JoinSet::new();
        for mine in town.customers.chunks(ENDOWED_BY_ONE) {
            tasks.spawn(Worker::new(town.clone(), 0).endow(mine.to_vec()));
        }
        let mut notes = Vec::new();
        collect(&mut tasks, &mut notes).await?;
        Ok(notes)
    }

    /// Sends them to work.
    pub fn start(town: &Arc<Town>, plan: CrewPlan) -> Self {
        let mut tasks = JoinSet::new();
        let mut seeds = plan.seed..;
        for seed in seeds.by_ref().take(plan.single) {
            tasks.spawn(Worker::new(town.clone(), seed).run_singly());
        }
        for seed in seeds.take(plan.batching) {
            tasks.spawn(Worker::new(town.clone(), seed).run_in_batches(plan.batch_items));
        }
        Self { town: town.clone(), tasks }
    }

    /// An error of a client that has ended before it was told to, if one has.
    pub async fn failure(&mut self) -> Option<anyhow::Error> {
        let ended = self.tasks.try_join_next()?;
        match ended {
            Ok(Ok(_)) => Some(anyhow::anyhow!("a client stopped before it was told to")),
            Ok(Err(error)) => Some(error.context("a client failed")),
            Err(error) => Some(anyhow::Error::from(error).context("a client ended in a panic")),
        }
    }

    /// Lets them resolve what is in flight, and gives everything that they wrote down. What they do not learn in time
    /// stays unresolved, for the judge to see.
    pub async fn stop(mut self) -> anyhow::Result<Vec<Command>> {
        self.town.phase.send_replace(Phase::Stop);
        let mut notes = Vec::new();
        match timeout(RESOLVED_MAX, collect(&mut self.tasks, &mut notes)).await {
            Ok(ended) => ended?,
            Err(_) => notes.extend(self.abandon().await?),
        }
        Ok(notes)
    }

    /// Ends them as it stands: what is in flight stays unresolved.
    pub async fn abandon(mut self) -> anyhow::Result<Vec<Command>> {
        self.town.phase.send_replace(Phase::Abandon);
        let mut notes = Vec::new();
        timeout(ABANDONED_MAX, collect(&mut self.tasks, &mut notes)).await.context("the clients did not end")??;
        Ok(notes)
    }
}

/// Waits for all tasks; what they wrote down is in `notes` however far that comes.
async fn collect(tasks: &mut JoinSet<anyhow::Result<Vec<Command>>>, notes: &mut Vec<Command>) -> anyhow::Result<()> {
    while let Some(done) = tasks.join_next().await {
        notes.extend(done.context("a client ended in a panic")??);
    }
    Ok(())
}
