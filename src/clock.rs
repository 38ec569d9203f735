//! The clock port. Time is read here and nowhere else, so that a test can set it.

use std::time::{SystemTime, UNIX_EPOCH};

use hwan_domain::time::Timestamp;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The instant; it may go back, the lane that stamps records does not follow it.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands until it is set: for tests and simulation.
#[cfg(feature = "testing")]
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(feature = "testing")]
impl ManualClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(at.micros()))
    }

    /// Sets it, forward or back.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.micros(), std::sync::atomic::Ordering::Release);
    }

    /// Moves it on.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, std::sync::atomic::Ordering::AcqRel);
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(std::sync::atomic::Ordering::Acquire))
    }
}
