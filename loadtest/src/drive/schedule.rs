//! When the arrivals of an open loop are due: a constant rate, after a ramp in which it rises evenly from nothing.
//!
//! Pure, in integers of nanoseconds: arrival 10,000,000 is due when it should be, not where 10,000,000 additions led.

use std::time::Duration;

const SECOND_NS: u128 = 1_000_000_000;

/// A schedule of arrivals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Exchanges a second.
    rate: u128,
    /// Exchanges that arrive at once.
    at_once: u128,
    ramp_ns: u128,
}

impl Schedule {
    /// Of `rate` exchanges a second, `at_once` in each request.
    pub(crate) fn new(rate: u32, at_once: u16, ramp: Duration) -> Self {
        Self { rate: u128::from(rate.max(1)), at_once: u128::from(at_once.max(1)), ramp_ns: ramp.as_nanos() }
    }

    /// When request `index`, counted from 0, is due, from the beginning of the load.
    pub(crate) fn due(&self, index: u64) -> Duration {
        let exchanges = u128::from(index) * self.at_once;
        // While the rate rises, rate * t^2 / (2 * ramp) exchanges have arrived at t: half of what a full rate brings.
        let ns = if exchanges * 2 * SECOND_NS < self.rate * self.ramp_ns {
            (2 * exchanges * self.ramp_ns * SECOND_NS / self.rate).isqrt()
        } else {
            self.ramp_ns / 2 + exchanges * SECOND_NS / self.rate
        };
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_evenly_apart() {
        let schedule = Schedule::new(3_000, 1, Duration::ZERO);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_nanos(333_333));
        assert_eq!(schedule.due(3_000), Duration::from_secs(1));
        assert_eq!(schedule.due(10_800_000), Duration::from_secs(3_600), "an hour later not a nanosecond off");
    }

    #[test]
    fn a_batch_arrives_as_one() {
        let schedule = Schedule::new(20_000, 100, Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_millis(5));
        assert_eq!(Schedule::new(1, 1_000, Duration::ZERO).due(1), Duration::from_secs(1_000));
    }

    #[test]
    fn a_ramp_brings_half_as_many_and_meets_the_constant_rate() {
        let schedule = Schedule::new(1_000, 1, Duration::from_secs(10));
        assert_eq!(schedule.due(5_000), Duration::from_secs(10), "half of 10,000");
        assert_eq!(schedule.due(6_000), Duration::from_secs(11));
        assert_eq!(schedule.due(1_250), Duration::from_secs(5), "a quarter of them by half of the time");
        let due: Vec<Duration> = (0..20_000).map(|index| schedule.due(index)).collect();
        assert!(due.is_sorted());
    }
}
