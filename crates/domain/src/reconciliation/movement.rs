//! What of a record counts for reconciliation. Made from a record, or, many times faster, straight from its text.

use smallvec::SmallVec;

use crate::{
    exchange::{Ratio, Side},
    interest::Payment,
    ledger::{Deal, LedgerEvent},
    money::Money,
    rate::Rate,
    record::{Event, Leg, Record},
};

/// A record as strategy 1 sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Its place, its day, what it did and the totals it left.
    pub event: LedgerEvent,
    /// The postings to accounts, debit first.
    pub legs: SmallVec<[Leg; 2]>,
    /// The customer's rate, of an exchange or a reversal.
    pub rate: Option<Rate>,
    /// The payment of interest that it is, where it is one.
    pub interest: Option<Payment>,
}

/// What is wrong with a movement by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A debit that is not negative, a credit that is not positive.
    WrongWay(Money),
    /// A transfer that gives another amount than it takes.
    NotConserved {
        /// Taken.
        debit: Money,
        /// Given.
        credit: Money,
    },
    /// Legs that are not what the rate makes of each other.
    NotTheRate {
        /// What the rate makes of the foreign amount, in won.
        expected: i128,
        /// The won leg.
        won: Money,
        /// The foreign leg.
        foreign: Money,
    },
    /// Legs in other currencies than the terms say.
    OtherCurrencies,
}

impl From<&Record> for Movement {
    fn from(record: &Record) -> Self {
        let rate = match &record.event {
            Event::Exchanged { terms, .. } | Event::Reversed { terms, .. } => Some(terms.rate),
            _ => None,
        };
        let legs = record.event.legs().copied().collect();
        Self { event: LedgerEvent::from(record), legs, rate, interest: Payment::of(&record.event) }
    }
}

impl Movement {
    /// What is wrong with it by itself: signs, conservation, legs against the rate.
    pub fn fault(&self) -> Option<Fault> {
        let leaves = |amount: Money| (!amount.is_negative()).then_some(Fault::WrongWay(amount));
        let enters = |amount: Money| (amount.is_negative() || amount.is_zero()).then_some(Fault::WrongWay(amount));
        match &self.event.deal {
            Deal::Deposit(credit) | Deal::Interest { net: credit, .. } => enters(*credit),
            Deal::Withdrawal(debit) => leaves(*debit),
            Deal::Transfer { debit, credit } => leaves(*debit).or_else(|| enters(*credit)).or_else(|| {
                (debit.negated() != *credit).then_some(Fault::NotConserved { debit: *debit, credit: *credit })
            }),
            Deal::Exchange { side, debit, credit, .. } => {
                leaves(*debit).or_else(|| enters(*credit)).or_else(|| self.by_rate(*side, debit.negated(), *credit))
            }
            // The other way round than the exchange: what it credited is debited.
            Deal::Reversal { side, debit, credit, .. } => {
                leaves(*debit).or_else(|| enters(*credit)).or_else(|| self.by_rate(*side, *credit, debit.negated()))
            }
            Deal::None | Deal::Cover { .. } => None,
        }
    }

    /// Both amounts positive, as the customer gave and got them in the exchange.
    fn by_rate(&self, side: Side, given: Money, got: Money) -> Option<Fault> {
        let (won, foreign) = match side {
            Side::Buy => (given, got),
            Side::Sell => (got, given),
        };
        let of_terms = match &self.event.deal {
            Deal::Exchange { currency, .. } | Deal::Reversal { currency, .. } => Some(*currency),
            _ => None,
        };
        let Some(rate) = self.rate.filter(|_| won.currency().is_home() && Some(foreign.currency()) == of_terms) else {
            return Some(Fault::OtherCurrencies);
        };
        let expected = Ratio::of(rate, foreign.currency()).won(foreign.minor(), side);
        (expected != i128::from(won.minor())).then_some(Fault::NotTheRate { expected, won, foreign })
    }
}
