//! How far a carrier has come with a lane: the contiguous prefix of what it was given that is delivered for good.
//!
//! Written by the carrier's thread, message by message and without a lock; read by the lane's relay, which is woken only when
//! what it waits for is reached.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hwan_domain::id::Seq;
use tokio::sync::Notify;

/// Says that nobody waits.
const NEVER: u64 = u64::MAX;

/// What is delivered of a lane, since a carrier began with it.
#[derive(Debug)]
pub struct Delivered {
    seq: AtomicU64,
    wake_at: AtomicU64,
    is_broken: AtomicBool,
    changed: Notify,
}

impl Delivered {
    /// Nothing after this record yet.
    pub fn after(seq: Seq) -> Self {
        Self {
            seq: AtomicU64::new(seq.number()),
            wake_at: AtomicU64::new(NEVER),
            is_broken: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// A record is delivered. One that is not the next one breaks the line: what lies between may be lost.
    pub fn arrived(&self, seq: u64) {
        if self.is_broken() || seq != self.seq.load(Ordering::SeqCst).saturating_add(1) {
            return self.break_off();
        }
        self.seq.store(seq, Ordering::SeqCst);
        if seq >= self.wake_at.load(Ordering::SeqCst) {
            self.changed.notify_one();
        }
    }

    /// Nothing that was given and is not delivered will count any more: the line is given up, and opened anew.
    pub fn break_off(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// Up to which record everything is delivered.
    pub fn seq(&self) -> Seq {
        Seq::new(self.seq.load(Ordering::SeqCst)).unwrap_or(Seq::ZERO)
    }

    /// Whether the line is given up.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::SeqCst)
    }

    /// Waits until everything up to this record is delivered, or the line is given up. One waits at a time.
    pub async fn reached(&self, seq: Seq) {
        self.wake_at.store(seq.number(), Ordering::SeqCst);
        while self.seq() < seq && !self.is_broken() {
            self.changed.notified().await;
        }
        self.wake_at.store(NEVER, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_when_it_is_reached_and_not_before() {
        let delivered = Arc::new(Delivered::after(seq(4)));
        let waits = tokio::spawn({
            let delivered = Arc::clone(&delivered);
            async move { delivered.reached(seq(6)).await }
        });
        delivered.arrived(5);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waits.is_finished());
        delivered.arrived(6);
        waits.await.unwrap();
        assert_eq!((delivered.seq(), delivered.is_broken()), (seq(6), false));
        delivered.reached(seq(5)).await;
    }

    #[tokio::test]
    async fn what_arrives_after_a_gap_does_not_count() {
        let delivered = Delivered::after(seq(4));
        delivered.arrived(6);
        assert_eq!((delivered.seq(), delivered.is_broken()), (seq(4), true));
        delivered.arrived(5);
        assert_eq!(delivered.seq(), seq(4), "nothing does any more");
        delivered.reached(seq(9)).await;
    }
}
