//! One monotonic clock for a run, counted from its beginning.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::history::Micros;

/// The run's clock; copies go alike.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    began: Instant,
    began_at: i64,
}

impl RunClock {
    /// Begins now.
    #[expect(clippy::disallowed_methods, reason = "the records of the engine under test have the wall clock's time")]
    pub fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { began: Instant::now(), began_at: i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX) }
    }

    /// The wall clock at the beginning, in microseconds since 1970.
    pub const fn began_at(self) -> i64 {
        self.began_at
    }

    /// Since the beginning.
    pub fn now(self) -> Micros {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// From a reading of this clock until now.
    pub fn since(self, then: Micros) -> Duration {
        Duration::from_micros(self.now().saturating_sub(then))
    }
}
