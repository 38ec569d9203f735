//! How the run is doing, for those who wait for it to go on: counters, and when each lane last took something new.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{clock::RunClock, history::Micros, patience::Patience};

/// Lanes that are watched; a run has no more.
const LANES_MAX: usize = 8;
/// How often a wait looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Counters that every client adds to.
#[derive(Debug, Default)]
pub struct Pulse {
    acknowledged: AtomicU64,
    exchanges: AtomicU64,
    unanswered: AtomicU64,
    come_back_later: AtomicU64,
    /// By lane: when the newest command that was done for the first time had been sent.
    newest: [AtomicU64; LANES_MAX],
}

impl Pulse {
    /// A command was acknowledged for the first time.
    pub(super) fn acknowledge(&self, lane: u16, is_exchange: bool, sent: Micros) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        self.exchanges.fetch_add(u64::from(is_exchange), Ordering::Relaxed);
        if let Some(newest) = self.newest.get(usize::from(lane)) {
            newest.fetch_max(sent, Ordering::Release);
        }
    }

    pub(super) fn unanswer(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn turn_away(&self) {
        self.come_back_later.fetch_add(1, Ordering::Relaxed);
    }

    /// Exchanges acknowledged so far, each once.
    pub fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// Commands acknowledged so far, each once.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Requests that were never answered.
    pub fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    /// Answers 503 that said when to come back.
    pub fn come_back_later(&self) -> u64 {
        self.come_back_later.load(Ordering::Relaxed)
    }

    /// When the newest command that was done for the first time had been sent, in whichever lane.
    pub fn newest(&self) -> Micros {
        self.newest.iter().map(|newest| newest.load(Ordering::Acquire)).max().unwrap_or(0)
    }

    /// Waits until every lane of customers has acknowledged something that was sent at `since` or later; gives how long
    /// after `since` that was, or nothing if it takes longer than `patience` from now on.
    pub async fn recovered(
        &self,
        clock: RunClock,
        since: Micros,
        lanes: u16,
        mut patience: Patience,
    ) -> Option<Duration> {
        let lanes = self.newest.get(1..=usize::from(lanes)).unwrap_or_default();
        loop {
            let elapsed = clock.since(since);
            if lanes.iter().all(|newest| newest.load(Ordering::Acquire) >= since) {
                return Some(elapsed);
            }
            if patience.is_over() {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
