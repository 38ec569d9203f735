//! What happens to a commit, and when.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::storage::port::CommitBatch;

/// How a commit ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// As it would at a real store: done, fenced, or refused for a used key.
    #[default]
    Honest,
    /// Nothing is written, and it says so.
    NotDone,
    /// It is written, if it may be, and the answer is lost.
    UnknownCommitted,
    /// Nothing is written, and the answer is lost.
    UnknownLost,
    /// Someone else takes the lane just before: nothing is written.
    FencedByOther,
}

/// How long something takes.
#[derive(Clone, Debug, Default)]
pub enum Wait {
    /// No time at all.
    #[default]
    No,
    /// This long; the caller's runtime needs its timer.
    For(Duration),
    /// Until the gate is opened.
    Until(Gate),
}

/// What happens to one commit. A commit whose future is dropped during `before` is never written, one that is dropped
/// during `after` has been.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// How long until it takes effect.
    pub before: Wait,
    /// How it ends.
    pub outcome: Outcome,
    /// How long until it answers.
    pub after: Wait,
}

impl From<Outcome> for Plan {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, ..Self::default() }
    }
}

/// Which calls beside commits fail, as unavailable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outage {
    /// None.
    #[default]
    None,
    /// Reads.
    Reads,
    /// Taking a lane and projecting.
    Writes,
    /// All of them; commits are not done.
    Everything,
}

/// Holds commits up until it is opened; it stays open.
#[derive(Clone)]
pub struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everyone pass from now on.
    pub fn open(&self) {
        self.0.close(); // a closed semaphore turns everyone away at once, which is what passes here
    }

    async fn pass(&self) {
        let _ = self.0.acquire().await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_closed() { "Gate(open)" } else { "Gate(closed)" })
    }
}

impl Wait {
    pub(super) async fn pass(self) {
        match self {
            Wait::No => {}
            Wait::For(time) => tokio::time::sleep(time).await,
            Wait::Until(gate) => gate.pass().await,
        }
    }
}

type Director = Box<dyn FnMut(&CommitBatch) -> Plan + Send>;

/// The plans of the commits to come: those in the queue first, then what the director says.
#[derive(Default)]
pub(super) struct Script {
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    queue: VecDeque<Plan>,
    director: Option<Director>,
}

impl Script {
    pub(super) fn next(&self, batch: &CommitBatch) -> Plan {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.queue.pop_front() {
            Some(plan) => plan,
            None => lines.director.as_mut().map(|director| director(batch)).unwrap_or_default(),
        }
    }

    pub(super) fn push(&self, plan: Plan) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).queue.push_back(plan);
    }

    pub(super) fn direct(&self, director: Option<Director>) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).director = director;
    }
}
