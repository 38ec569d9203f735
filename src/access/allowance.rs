//! How much a caller may ask: one allowance for each caller's name, whatever keys or tokens it comes with.
//!
//! A generic cell rate algorithm: all state is one number, the time up to which the caller's requests are paid for. A
//! request is admitted while that lies less than a burst ahead of now, and moves it on by its cost. So a batch is
//! admitted whole and may overdraw; what follows waits for it. No lock is on a request's way.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Callers whose allowance is remembered at most. Beyond it those that have nothing spent are forgotten, and if there
/// are none, further callers share one allowance.
pub const CALLERS_MAX: usize = 16_384;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Nanoseconds on a clock that never goes back.
fn now_ns() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Requests a second in the long run, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    interval_ns: u64,
    burst: u32,
}

impl Pace {
    /// At least one request a second and at once.
    pub fn new(requests_per_second: u32, burst: u32) -> Self {
        Self { interval_ns: (NANOS_PER_SECOND / u64::from(requests_per_second.max(1))).max(1), burst: burst.max(1) }
    }

    const fn tolerance_ns(self) -> u64 {
        self.interval_ns.saturating_mul(self.burst as u64)
    }
}

/// What a caller has left. Clones, and others of the same name, spend the same.
#[derive(Clone, Debug)]
pub struct Allowance {
    paid_until_ns: Arc<AtomicU64>,
    pace: Pace,
}

impl Allowance {
    /// One that nobody shares.
    pub fn new(pace: Pace) -> Self {
        Self { paid_until_ns: Arc::default(), pace }
    }

    /// Spends `cost` requests, or says when there is one left.
    pub fn admit(&self, cost: u32) -> Result<(), Duration> {
        self.admit_at(now_ns(), cost)
    }

    /// Spends `cost` requests of one that was admitted already, whether they are left or not: what follows waits.
    pub fn charge(&self, cost: u32) {
        let cost_ns = self.pace.interval_ns.saturating_mul(cost.into());
        let spend = |paid_until: u64| Some(paid_until.max(now_ns()).saturating_add(cost_ns));
        let _spent = self.paid_until_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
    }

    /// Whether a request would be admitted; spends nothing.
    pub fn is_open(&self) -> Result<(), Duration> {
        self.admit_at(now_ns(), 0)
    }

    fn admit_at(&self, now_ns: u64, cost: u32) -> Result<(), Duration> {
        let cost_ns = self.pace.interval_ns.saturating_mul(cost.into());
        let mut paid_until = self.paid_until_ns.load(Ordering::Relaxed);
        loop {
            let needed = paid_until.saturating_sub(now_ns).saturating_add(self.pace.interval_ns);
            if needed > self.pace.tolerance_ns() {
                return Err(Duration::from_nanos(needed - self.pace.tolerance_ns()));
            }
            let next = paid_until.max(now_ns).saturating_add(cost_ns);
            match self.paid_until_ns.compare_exchange_weak(paid_until, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => paid_until = found,
            }
        }
    }
}

/// The allowances of all callers, by name. Asked when keys are read and when a token is new, not for each request.
#[derive(Debug)]
pub struct Allowances {
    pace: Pace,
    of_caller: Mutex<HashMap<Box<str>, Arc<AtomicU64>>>,
    shared: Arc<AtomicU64>,
}

impl Allowances {
    /// Of callers that go at `pace` unless they have one of their own.
    pub fn new(pace: Pace) -> Self {
        Self { pace, of_caller: Mutex::default(), shared: Arc::default() }
    }

    /// The allowance of the caller `name`; `own` requests a second in place of everyone's pace.
    pub fn of(&self, name: &str, own: Option<u32>) -> Allowance {
        let pace = own.map_or(self.pace, |rate| Pace::new(rate, rate));
        let mut of_caller = self.of_caller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paid_until_ns) = of_caller.get(name) {
            return Allowance { paid_until_ns: Arc::clone(paid_until_ns), pace };
        }
        if of_caller.len() >= CALLERS_MAX {
            let now_ns = now_ns();
            // One that a principal in memory still holds, or that has something spent, counts on.
            of_caller.retain(|_, paid| Arc::strong_count(paid) > 1 || paid.load(Ordering::Relaxed) > now_ns);
        }
        if of_caller.len() >= CALLERS_MAX {
            return Allowance { paid_until_ns: Arc::clone(&self.shared), pace };
        }
        let paid_until_ns = Arc::<AtomicU64>::default();
        of_caller.insert(name.into(), Arc::clone(&paid_until_ns));
        Allowance { paid_until_ns, pace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_burst_is_admitted_at_once_and_then_one_an_interval() {
        let allowance = Allowance::new(Pace::new(10, 3));
        let now = 5_000 * MS;
        for _ in 0..3 {
            assert_eq!(allowance.admit_at(now, 1), Ok(()));
        }
        assert_eq!(allowance.admit_at(now, 1), Err(Duration::from_millis(100)));
        assert_eq!(allowance.admit_at(now + 99 * MS, 1), Err(Duration::from_millis(1)));
        assert_eq!(allowance.admit_at(now + 100 * MS, 1), Ok(()));
        // Idle time is not saved up beyond the burst.
        let later = now + 60_000 * MS;
        assert_eq!((0..9).filter(|_| allowance.admit_at(later, 1).is_ok()).count(), 3);
    }

    #[test]
    fn a_batch_is_admitted_whole_and_what_follows_waits_for_it() {
        let allowance = Allowance::new(Pace::new(10, 3));
        assert_eq!(allowance.admit_at(MS, 100), Ok(()));
        assert_eq!(allowance.admit_at(MS, 1), Err(Duration::from_millis(100 * 100 - 200)));
    }

    #[test]
    fn callers_of_one_name_spend_the_same_and_others_do_not() {
        let allowances = Allowances::new(Pace::new(1, 1));
        assert_eq!(allowances.of("app", None).admit(1), Ok(()));
        assert!(allowances.of("app", None).admit(1).is_err());
        assert_eq!(allowances.of("web", None).admit(1), Ok(()));
        // A pace of its own is measured by the same account.
        assert!(allowances.of("fast", Some(1_000)).admit(1).is_ok());
        assert!(allowances.of("fast", Some(1_000)).admit(1).is_ok());
    }

    #[test]
    fn ever_new_callers_take_no_more_memory_than_the_bound() {
        let allowances = Allowances::new(Pace::new(1_000_000, 1));
        let kept = allowances.of("kept", None);
        for index in 0..2 * CALLERS_MAX {
            let _fresh = allowances.of(&format!("jwt:{index}"), None);
        }
        assert!(allowances.of_caller.lock().unwrap().len() <= CALLERS_MAX);
        assert!(Arc::ptr_eq(&kept.paid_until_ns, &allowances.of("kept", None).paid_until_ns));
        let held: Vec<_> = (0..CALLERS_MAX).map(|index| allowances.of(&format!("held:{index}"), None)).collect();
        assert!(Arc::ptr_eq(&allowances.of("one more", None).paid_until_ns, &allowances.shared));
        drop(held);
    }
}
