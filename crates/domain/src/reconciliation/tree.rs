//! Bank, currency, bucket, by count, sum and an order-free hash.
//!
//! Both sides add their accounts in whatever order they come; equal trees mean equal lists, but for a chance of one in 2^64. Where
//! they differ, only the differing buckets need be opened: one of 256 holds four thousand of a million accounts.

use super::digest::mix;
use crate::{currency::Currency, id::AccountId};

/// Buckets of a currency.
pub const BUCKETS: usize = 256;

/// To which bucket an account belongs: the same in every currency and on every side.
pub fn bucket_of(account: AccountId) -> u8 {
    // The upper byte of a well-mixed number: below 256.
    (mix(account.position().packed().cast_unsigned()) >> 56) as u8
}

/// Some accounts together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// What they hold, in minor units.
    pub sum: i128,
    /// The sum of what each hashes to.
    pub hash: u64,
}

impl Summary {
    const fn add(&mut self, other: Summary) {
        self.count += other.count;
        self.sum += other.sum;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// A bucket in which two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The currency.
    pub currency: Currency,
    /// The bucket.
    pub bucket: u8,
    /// The one side.
    pub one: Summary,
    /// The other.
    pub other: Summary,
}

/// One side.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    currencies: Vec<(Currency, Vec<Summary>)>,
}

impl Tree {
    /// Adds what an account holds of a currency. The version is 0 where only amounts are compared.
    pub fn add(&mut self, account: AccountId, currency: Currency, minor: i64, version: u64) {
        let packed = account.position().packed().cast_unsigned();
        let [a, b, c] = *currency.code_bytes();
        let code = u64::from(u32::from_be_bytes([0, a, b, c]));
        let hash = mix(mix(mix(packed ^ (code << 40)) ^ minor.cast_unsigned()) ^ version);
        let summary = Summary { count: 1, sum: i128::from(minor), hash };
        let buckets = match self.currencies.iter().position(|(of, _)| *of == currency) {
            Some(at) => at,
            None => {
                self.currencies.push((currency, vec![Summary::default(); BUCKETS]));
                self.currencies.len() - 1
            }
        };
        let bucket = usize::from(bucket_of(account));
        if let Some(slot) = self.currencies.get_mut(buckets).and_then(|(_, buckets)| buckets.get_mut(bucket)) {
            slot.add(summary);
        }
    }

    /// Adds all of another side's accounts, of another lane.
    pub fn extend(&mut self, other: &Tree) {
        for (currency, theirs) in &other.currencies {
            let at = match self.currencies.iter().position(|(of, _)| of == currency) {
                Some(at) => at,
                None => {
                    self.currencies.push((*currency, vec![Summary::default(); BUCKETS]));
                    self.currencies.len() - 1
                }
            };
            if let Some((_, ours)) = self.currencies.get_mut(at) {
                ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| ours.add(*theirs));
            }
        }
    }

    /// A currency as a whole.
    pub fn currency(&self, currency: Currency) -> Summary {
        let mut sum = Summary::default();
        let buckets = self.currencies.iter().find(|(of, _)| *of == currency).map(|(_, buckets)| buckets);
        buckets.into_iter().flatten().for_each(|bucket| sum.add(*bucket));
        sum
    }

    /// The currencies that there are, by their codes.
    pub fn currencies(&self) -> Vec<Currency> {
        let mut all: Vec<Currency> = self.currencies.iter().map(|(currency, _)| *currency).collect();
        all.sort_unstable();
        all
    }

    /// Where two sides differ: nothing, where they are the same.
    pub fn differing(&self, other: &Tree) -> Vec<Differing> {
        let mut all = self.currencies();
        all.extend(other.currencies());
        all.sort_unstable();
        all.dedup();
        let empty = vec![Summary::default(); BUCKETS];
        let of = |tree: &'_ Tree, currency| {
            tree.currencies.iter().find(|(of, _)| *of == currency).map_or_else(|| empty.clone(), |(_, all)| all.clone())
        };
        let mut found = Vec::new();
        for currency in all {
            let (ours, theirs) = (of(self, currency), of(other, currency));
            for ((bucket, one), other) in (0..=u8::MAX).zip(ours).zip(theirs).filter(|((_, one), other)| one != other) {
                found.push(Differing { currency, bucket, one, other });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LaneId, Position, Seq};

    fn account(number: u64) -> AccountId {
        AccountId::at(Position::new(LaneId::FIRST, Seq::new(number).unwrap()))
    }

    #[test]
    fn sides_agree_in_any_order_and_a_difference_is_found_in_its_bucket() {
        let (mut one, mut other) = (Tree::default(), Tree::default());
        for number in 1..=5_000 {
            one.add(account(number), Currency::KRW, number as i64, 0);
        }
        for number in (1..=5_000).rev() {
            other.add(account(number), Currency::KRW, number as i64, 0);
        }
        assert_eq!(one.differing(&other), []);
        assert_eq!(
            one.currency(Currency::KRW),
            Summary { hash: other.currency(Currency::KRW).hash, count: 5_000, sum: 12_502_500 }
        );
        other.add(account(7), Currency::KRW, 1, 0);
        let found = one.differing(&other);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].bucket, found[0].other.count), (bucket_of(account(7)), found[0].one.count + 1));
    }

    #[test]
    fn two_accounts_that_swap_amounts_differ_though_the_sum_is_the_same() {
        let side = |first, second, version| {
            let mut tree = Tree::default();
            tree.add(account(1), Currency::KRW, first, version);
            tree.add(account(2), Currency::KRW, second, version);
            tree
        };
        assert!(!side(1, 2, 0).differing(&side(2, 1, 0)).is_empty());
        assert!(!side(1, 2, 0).differing(&side(1, 2, 1)).is_empty());
    }

    #[test]
    fn buckets_are_filled_evenly() {
        let mut counts = [0_u32; BUCKETS];
        (1..=256_000).for_each(|number| counts[usize::from(bucket_of(account(number)))] += 1);
        assert!(counts.iter().all(|count| (800..1_200).contains(count)));
    }
}
