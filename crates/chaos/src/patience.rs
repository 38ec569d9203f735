//! Waits with an end, on machines that stand still at times.
//!
//! A virtual machine may be stopped for a minute and go on as if nothing had been. Whoever waits by the clock alone gives up at that
//! moment, before those that it waits for have had a chance; so a gap between two looks counts as a short one here.

use std::time::{Duration, Instant};

/// The longest that a gap between two looks counts.
const GAP_MAX: Duration = Duration::from_millis(250);

/// How long somebody goes on waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    left: Duration,
    looked: Instant,
}

impl Patience {
    /// Patience for so long, from now on.
    pub fn of(time: Duration) -> Self {
        Self { left: time, looked: Instant::now() }
    }

    /// To be asked at each look: whether it is over.
    pub fn is_over(&mut self) -> bool {
        let gap = self.looked.elapsed().min(GAP_MAX);
        self.looked = Instant::now();
        self.left = self.left.saturating_sub(gap);
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_stood_still_does_not_use_up_all_patience() {
        let mut patience = Patience::of(Duration::from_millis(600));
        std::thread::sleep(Duration::from_millis(700));
        assert!(!patience.is_over(), "one gap, however long");
        std::thread::sleep(Duration::from_millis(300));
        assert!(!patience.is_over());
        std::thread::sleep(Duration::from_millis(300));
        assert!(patience.is_over());
        assert!(Patience::of(Duration::ZERO).is_over());
    }
}
