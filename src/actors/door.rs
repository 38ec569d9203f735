//! The door: how many commands may be in flight.
//!
//! actix's mailboxes don't hold their limits against one-way messages, so the bound is here: every command passes the
//! door before it enters a mailbox and keeps its passage until it is answered. Past the bound it is refused at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::command::{NotDone, Overload, Refusal};

/// When a refused client may come again: a few batches later.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Frame {
    in_flight: AtomicUsize,
    in_flight_max: usize,
    shut: AtomicBool,
    left: Notify,
}

/// The engine's door. Clones are the same door.
#[derive(Clone, Debug)]
pub struct Door(Arc<Frame>);

/// A command's place among those in flight; given back when it is dropped.
#[derive(Debug)]
pub struct Passage(Arc<Frame>);

impl Door {
    /// An open door for at most `in_flight_max` commands at a time.
    pub fn new(in_flight_max: usize) -> Self {
        let frame =
            Frame { in_flight: AtomicUsize::new(0), in_flight_max, shut: AtomicBool::new(false), left: Notify::new() };
        Self(Arc::new(frame))
    }

    /// Lets a command in, or says why not.
    pub fn enter(&self) -> Result<Passage, Refusal> {
        let before = self.0.in_flight.fetch_add(1, Ordering::AcqRel);
        let passage = Passage(self.0.clone());
        if self.0.shut.load(Ordering::Acquire) {
            return Err(Refusal::NotDone(NotDone::Stopping));
        }
        if before >= self.0.in_flight_max {
            return Err(overloaded(Overload::InFlight));
        }
        Ok(passage)
    }

    /// Commands in flight.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Acquire)
    }

    /// Lets nobody in any more.
    pub fn shut(&self) {
        self.0.shut.store(true, Ordering::Release);
    }

    /// Whether it lets nobody in.
    pub fn is_shut(&self) -> bool {
        self.0.shut.load(Ordering::Acquire)
    }

    /// Returns once nobody is in flight.
    pub async fn emptied(&self) {
        loop {
            let left = self.0.left.notified();
            if self.in_flight() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.left.notify_waiters();
        }
    }
}

/// The answer to one command too many.
pub const fn overloaded(limit: Overload) -> Refusal {
    Refusal::Overloaded { limit, retry_after: RETRY_AFTER }
}
