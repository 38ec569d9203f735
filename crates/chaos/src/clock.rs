//! One monotonic clock for a run, counted from its beginning.

use std::time::{Duration, Instant};

use crate::history::Micros;

/// The run's clock; copies go alike.
#[derive(Clone, Copy, Debug)]
pub struct RunClock(Instant);

impl RunClock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the beginning.
    pub fn now(self) -> Micros {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// From a reading of this clock until now.
    pub fn since(self, then: Micros) -> Duration {
        Duration::from_micros(self.now().saturating_sub(then))
    }
}
