//! Whose exchange is next, and which way: the same questions for every target, so that the engine and its alternatives
//! are asked to do the same.
//!
//! Callers: the targets, once an exchange. Costs tens of nanoseconds; shared between threads without a lock.

mod mix;
mod spread;
mod zipf;

use std::sync::atomic::{AtomicBool, Ordering};

use rand::{RngExt, rngs::StdRng};

use self::zipf::Zipf;
pub(crate) use self::{mix::Mix, spread::Spread};

/// One exchange to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Which customer, counted from 0.
    pub(crate) customer: usize,
    /// Foreign currency into won; won into foreign currency otherwise.
    pub(crate) sells: bool,
    /// Whether it first takes a quote and then uses it.
    pub(crate) quoted: bool,
}

/// What is asked of a target.
#[derive(Debug)]
pub(crate) struct Workload {
    mix: Mix,
    choice: Choice,
    quotes_percent: u8,
    /// Of each customer that may be chosen: whether the next exchange sells.
    sells_next: Box<[AtomicBool]>,
}

#[derive(Debug)]
enum Choice {
    Uniform,
    Zipf(Zipf),
}

impl Workload {
    /// Over the first of `customers`, as many as `spread` takes; at least one.
    pub(crate) fn new(mix: Mix, spread: Spread, quotes_percent: u8, customers: usize) -> Self {
        let (customers, choice) = match spread {
            Spread::Uniform => (customers, Choice::Uniform),
            Spread::Hot { customers: hot } => (customers.min(hot as usize), Choice::Uniform),
            Spread::Zipf { exponent_hundredths } => {
                (customers, Choice::Zipf(Zipf::new(customers, exponent_hundredths)))
            }
        };
        let sells_next = (0..customers.max(1)).map(|_| AtomicBool::new(false)).collect();
        Self { mix, choice, quotes_percent, sells_next }
    }

    /// How many customers may be chosen.
    pub(crate) fn customers(&self) -> usize {
        self.sells_next.len()
    }

    /// The next exchange.
    pub(crate) fn next(&self, random: &mut StdRng) -> Turn {
        let customer = match &self.choice {
            Choice::Uniform => random.random_range(0..self.sells_next.len()),
            Choice::Zipf(zipf) => zipf.sample(random),
        };
        let sells = match self.mix {
            Mix::Alternate => self.sells_next.get(customer).is_some_and(|next| next.fetch_not(Ordering::Relaxed)),
            Mix::Weighted { buy, sell } => random.random_range(0..buy + sell) >= buy,
        };
        let quoted = self.quotes_percent > 0 && random.random_range(0..100) < self.quotes_percent;
        Turn { customer, sells, quoted }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn each_customer_buys_and_sells_in_turn() {
        let workload = Workload::new(Mix::Alternate, Spread::Hot { customers: 1 }, 0, 100);
        let mut random = StdRng::seed_from_u64(1);
        let sells: Vec<bool> = (0..4).map(|_| workload.next(&mut random).sells).collect();
        assert_eq!((workload.customers(), sells), (1, vec![false, true, false, true]));
    }

    #[test]
    fn hot_customers_are_the_first_and_all_of_them_are_chosen() {
        let workload = Workload::new(Mix::Alternate, Spread::Hot { customers: 10 }, 0, 1_000);
        let mut random = StdRng::seed_from_u64(2);
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[workload.next(&mut random).customer] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_share_of_exchanges_takes_a_quote_first() {
        let quoted = |percent| {
            let workload = Workload::new(Mix::Alternate, Spread::Uniform, percent, 10);
            let mut random = StdRng::seed_from_u64(3);
            (0..10_000).filter(|_| workload.next(&mut random).quoted).count()
        };
        assert_eq!((quoted(0), quoted(100)), (0, 10_000));
        assert!((2_700..3_300).contains(&quoted(30)));
    }
}
