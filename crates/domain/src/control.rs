//! Control totals: what all customers' accounts of a lane hold together, currency by currency.
//!
//! The lane carries them forward from record to record, and each record that moves money says how they stand afterwards. So who
//! follows the journal can compare its own sums at every single record, without asking the engine. A total is wider than an
//! amount: many amounts make one.

use smallvec::SmallVec;

use crate::{currency::Currency, money::Money, record::Event};

/// What all accounts of a lane hold of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ControlTotal {
    /// The currency.
    pub currency: Currency,
    /// How much, in minor units.
    pub minor: i128,
}

/// What all accounts of a lane hold, by currency. One that never had a posting is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlTotals(Vec<ControlTotal>);

impl ControlTotals {
    /// Totals as they stand; of a currency that comes twice the sum.
    pub fn of(totals: impl IntoIterator<Item = ControlTotal>) -> Self {
        let mut all = Self::default();
        for total in totals {
            *all.slot(total.currency) += total.minor;
        }
        all
    }

    /// Follows a posting: negative for a debit.
    pub fn post(&mut self, amount: Money) {
        *self.slot(amount.currency()) += i128::from(amount.minor());
    }

    /// Follows an event; returns the totals that it moved, as they stand afterwards, in the order of their codes.
    pub fn carry_forward(&mut self, event: &Event) -> SmallVec<[ControlTotal; 2]> {
        let mut moved: SmallVec<[ControlTotal; 2]> = SmallVec::new();
        for leg in event.legs() {
            let currency = leg.amount.currency();
            self.post(leg.amount);
            moved.retain(|total| total.currency != currency);
            moved.push(ControlTotal { currency, minor: self.minor(currency) });
        }
        moved.sort_unstable_by_key(|total| total.currency);
        moved
    }

    /// How much of a currency, in minor units.
    pub fn minor(&self, currency: Currency) -> i128 {
        self.0.iter().find(|total| total.currency == currency).map_or(0, |total| total.minor)
    }

    /// All of them, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = &ControlTotal> {
        self.0.iter()
    }

    fn slot(&mut self, currency: Currency) -> &mut i128 {
        let at = match self.0.binary_search_by_key(&currency, |total| total.currency) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, ControlTotal { currency, minor: 0 });
                at
            }
        };
        // The place was just found or made.
        &mut self.0.get_mut(at).expect("a total stands where it was found or put").minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_add_up_by_currency() {
        let mut totals = ControlTotals::default();
        let won = |minor| Money::won(minor).unwrap();
        totals.post(won(1_000));
        totals.post(won(-400));
        assert_eq!(totals.minor(Currency::KRW), 600);
        assert_eq!(ControlTotals::of(totals.iter().copied().chain(totals.iter().copied())).minor(Currency::KRW), 1_200);
        assert_eq!(totals.iter().count(), 1);
    }
}
