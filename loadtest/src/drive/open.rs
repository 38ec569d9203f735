//! The open loop: requests are due by a clock, and latency is measured from when each was due, not from when it was sent.
//! A target that stalls cannot slow the measuring down with it (coordinated omission).
//!
//! At most one request a connection is under way; arrivals that find no free connection wait in a queue that is two
//! counters, and their wait is part of their latency. Two numbers say whom to blame for a late start: `queued` are those
//! that found no free connection, `late` is by how much the generator itself missed the time of the others.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use tokio::sync::Notify;

use super::{Caller, Loop, Shared, alarm::Alarm, schedule::Schedule};

/// The longest that a connection is left alone when its target asks for patience, or cannot be reached.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long behind the window's end arrivals that were due in it may still be sent.
const GRACE: Duration = Duration::from_millis(250);

/// The arrivals of a thread. Its connections and its announcer run on that thread, and nobody else.
#[derive(Debug)]
pub(super) struct Arrivals {
    shared: Arc<Shared>,
    schedule: Schedule,
    /// Which of the arrivals of all threads are this one's: every `threads`-th, from `index`.
    index: u64,
    /// How many are due so far, and how many of them were taken up.
    due: AtomicU64,
    taken: AtomicU64,
    /// Connections that wait for an arrival.
    idle: AtomicU64,
    over: AtomicBool,
    came: Notify,
}

/// Who waits for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiter {
    /// A free connection waited for the arrival.
    Connection,
    /// The arrival waited for a connection.
    Arrival,
}

impl Arrivals {
    pub(super) fn new(shared: Arc<Shared>, index: u16) -> Self {
        let rate = match shared.plan.pace {
            Loop::Open { rate } => rate,
            Loop::Closed => 1,
        };
        let schedule = Schedule::new(rate, shared.plan.exchanges_per_request, shared.plan.ramp);
        let zero = || AtomicU64::new(0);
        Self {
            shared,
            schedule,
            index: index.into(),
            due: zero(),
            taken: zero(),
            idle: zero(),
            over: AtomicBool::new(false),
            came: Notify::new(),
        }
    }

    /// When this thread's arrival `number` is due.
    fn due_at(&self, number: u64) -> Instant {
        let place = number * u64::from(self.shared.plan.threads) + self.index;
        self.shared.phases.begun + self.schedule.due(place)
    }

    /// How many are due and were not taken up.
    fn backlog(&self) -> u64 {
        self.due.load(Ordering::Relaxed).saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    /// Announces each arrival when it is due, until the window closes; then counts those that nobody could send.
    pub(super) async fn announce(&self) -> Result<()> {
        let announced = self.announce_until_the_end().await;
        let give_up_at = self.shared.phases.to + GRACE;
        while self.backlog() > 0 && Instant::now() < give_up_at {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Whatever happened, the connections must not wait for ever.
        self.over.store(true, Ordering::Relaxed);
        self.came.notify_waiters();
        let (from, to) = (self.taken.load(Ordering::Relaxed), self.due.load(Ordering::Relaxed));
        self.taken.store(to, Ordering::Relaxed);
        let mut tally = self.shared.tally();
        for due_at in (from..to).map(|number| self.due_at(number)) {
            if due_at >= self.shared.phases.from {
                tally.count_unsent(give_up_at - due_at);
            }
        }
        announced.context("the timer of the open loop failed")
    }

    async fn announce_until_the_end(&self) -> io::Result<()> {
        let mut alarm = Alarm::new()?;
        for number in 0.. {
            let due_at = self.due_at(number);
            if due_at >= self.shared.phases.to {
                break;
            }
            alarm.wait_until(due_at).await?;
            self.due.store(number + 1, Ordering::Relaxed);
            self.came.notify_one();
            if number.is_multiple_of(64) {
                // Where all are overdue, nothing above waits, and the connections would get no turn.
                tokio::task::yield_now().await;
            }
        }
        alarm.wait_until(self.shared.phases.to).await
    }

    /// The next arrival, in the order in which they are due; none when the load is over.
    async fn next(&self) -> Option<(Instant, Waiter)> {
        let mut waited = false;
        loop {
            let taken = self.taken.load(Ordering::Relaxed);
            if taken < self.due.load(Ordering::Relaxed) {
                self.taken.store(taken + 1, Ordering::Relaxed); // one thread: nobody comes between
                // One that has just become free may come before the one that was called.
                let was_free = waited || self.idle.load(Ordering::Relaxed) > 0;
                return Some((self.due_at(taken), if was_free { Waiter::Connection } else { Waiter::Arrival }));
            }
            if self.over.load(Ordering::Relaxed) {
                return None;
            }
            self.idle.fetch_add(1, Ordering::Relaxed);
            self.came.notified().await;
            self.idle.fetch_sub(1, Ordering::Relaxed);
            waited = true;
        }
    }
}

/// Drives one connection until the arrivals are over.
pub(super) async fn work<C: Caller>(arrivals: Arc<Arrivals>, mut caller: C, mut random: StdRng) {
    let shared = &arrivals.shared;
    let mut exchanges = caller.prepare(&shared.workload, &mut random);
    while let Some((due_at, waiter)) = arrivals.next().await {
        let sent_at = Instant::now();
        let counted = due_at >= shared.phases.from;
        if counted {
            let behind = sent_at - due_at;
            match waiter {
                Waiter::Arrival => shared.tally().count_queued(behind),
                Waiter::Connection => shared.tally().count_late(behind),
            }
        }
        let answered = caller.call().await;
        let now = Instant::now();
        shared.answered.fetch_add(exchanges, Ordering::Relaxed);
        let pause = answered.pause;
        if now >= shared.phases.from {
            shared.tally().count(answered, counted.then(|| now - due_at), shared.phases.second(now));
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause.min(PAUSE_MAX)).await;
        }
        exchanges = caller.prepare(&shared.workload, &mut random); // while nobody waits for it
    }
}
