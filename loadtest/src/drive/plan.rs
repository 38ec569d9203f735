//! How a target is to be driven, and when each phase begins and ends.

use std::time::{Duration, Instant};

/// Who decides when the next request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loop {
    /// The target: a connection sends its next request when the last one is answered.
    Closed,
    /// A clock: requests are due at a constant rate, whatever the target does.
    Open {
        /// Exchanges a second; at least 1.
        rate: u32,
    },
}

/// How a target is to be driven.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) pace: Loop,
    /// Exchanges in a request.
    pub(crate) exchanges_per_request: u16,
    pub(crate) connections: u16,
    pub(crate) threads: u16,
    pub(crate) ramp: Duration,
    pub(crate) warmup: Duration,
    /// Of the window.
    pub(crate) duration: Duration,
}

/// When the phases of a load begin and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    pub(crate) begun: Instant,
    /// The window opens.
    pub(crate) from: Instant,
    /// The window closes: nothing that is sent from here on was due.
    pub(crate) to: Instant,
}

impl Phases {
    /// The whole second of the window in which `instant` lies; none outside.
    pub(crate) fn second(&self, instant: Instant) -> Option<usize> {
        if instant < self.from || instant >= self.to {
            return None;
        }
        usize::try_from((instant - self.from).as_secs()).ok()
    }
}

impl Plan {
    /// Begins now.
    pub(crate) fn phases(&self, begun: Instant) -> Phases {
        let from = begun + self.ramp + self.warmup;
        Phases { begun, from, to: from + self.duration }
    }

    /// Connections of thread `index`: dealt out evenly, the first threads take the remainder.
    pub(crate) fn connections_of(&self, index: u16) -> u16 {
        self.connections / self.threads + u16::from(index < self.connections % self.threads)
    }

    /// How long after the beginning connection `number` of thread `index` joins a closed loop.
    pub(crate) fn joins_at(&self, index: u16, number: usize) -> Duration {
        let place = number * usize::from(self.threads) + usize::from(index);
        self.ramp.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX)) / u32::from(self.connections.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            pace: Loop::Closed,
            exchanges_per_request: 1,
            connections: 10,
            threads: 3,
            ramp: Duration::from_secs(10),
            warmup: Duration::from_secs(5),
            duration: Duration::from_secs(60),
        }
    }

    #[test]
    fn connections_are_dealt_out_and_join_one_by_one() {
        let plan = plan();
        assert_eq!([0, 1, 2].map(|index| plan.connections_of(index)), [4, 3, 3]);
        assert_eq!(plan.joins_at(0, 0), Duration::ZERO);
        assert_eq!(plan.joins_at(1, 0), Duration::from_secs(1));
        assert_eq!(plan.joins_at(0, 3), Duration::from_secs(9));
    }

    #[test]
    fn the_window_follows_ramp_and_warm_up_and_is_counted_by_seconds() {
        let begun = Instant::now();
        let phases = plan().phases(begun);
        let at = |ms| begun + Duration::from_millis(ms);
        assert_eq!((phases.from, phases.to), (at(15_000), at(75_000)));
        assert_eq!(
            [14_999, 15_000, 15_999, 16_000, 74_999, 75_000].map(|ms| phases.second(at(ms))),
            [None, Some(0), Some(0), Some(1), Some(59), None]
        );
    }
}
