//! The clock port. Time is read here and nowhere else, so that a test can set it.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

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

/// The clock of a server that was started for tests (`hwan serve --test-clock`): it stands until it is told, and never
/// goes back.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that stands at `at`.
    pub const fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    /// Where it stands.
    pub fn stands_at(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Acquire))
    }

    /// Moves it on; returns where it stands then.
    pub fn advance_ms(&self, ms: u64) -> Timestamp {
        let micros = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        let next = |at: i64| Timestamp::from_micros(at).plus_micros(micros).micros();
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |at| Some(next(at)));
        Timestamp::from_micros(next(before.unwrap_or_else(|at| at)))
    }

    /// Sets it to `at` and returns that; `None` if it stands later, and stays there.
    pub fn set(&self, at: Timestamp) -> Option<Timestamp> {
        let before = self.0.fetch_max(at.micros(), Ordering::AcqRel);
        (before <= at.micros()).then_some(at)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.stands_at()
    }
}

/// A clock that stands until it is set, forward or back: for tests and simulation within this program.
#[cfg(feature = "testing")]
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

#[cfg(feature = "testing")]
impl ManualClock {
    /// A clock that stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    /// Sets it, forward or back.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.micros(), Ordering::Release);
    }

    /// Moves it on.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::AcqRel);
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_clock_stands_until_it_is_told_and_never_goes_back() {
        let clock = TestClock::at(Timestamp::from_micros(5_000));
        assert_eq!(clock.now(), Timestamp::from_micros(5_000));
        assert_eq!(clock.advance_ms(2), Timestamp::from_micros(7_000));
        assert_eq!(clock.set(Timestamp::from_micros(6_999)), None);
        assert_eq!(clock.now(), Timestamp::from_micros(7_000));
        assert_eq!(clock.set(Timestamp::from_micros(9_000)), Some(clock.now()));
        assert_eq!(clock.advance_ms(u64::MAX), Timestamp::MAX);
    }
}
