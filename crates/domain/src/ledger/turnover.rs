//! Turnovers: what was debited and credited, each side by itself. A ledger never nets them away, but for a reversal in the position
//! (see [`Journal::turnover`](super::journal::Journal::turnover)).

use super::journal::EntrySide;

/// Both sides of an account, in minor units; below zero only where a day took back more than it brought. Wider than an amount: many amounts make one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Turnover {
    /// What was debited.
    pub debit: i128,
    /// What was credited.
    pub credit: i128,
}

impl Turnover {
    /// Adds to a side.
    pub fn post(&mut self, side: EntrySide, minor: i64) {
        match side {
            EntrySide::Debit => self.debit += i128::from(minor),
            EntrySide::Credit => self.credit += i128::from(minor),
        }
    }

    /// The debit balance: positive where more was debited than credited.
    pub const fn debit_balance(self) -> i128 {
        self.debit - self.credit
    }

    /// The credit balance: positive where more was credited than debited.
    pub const fn credit_balance(self) -> i128 {
        self.credit - self.debit
    }

    /// Both sides together with another's.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { debit: self.debit + other.debit, credit: self.credit + other.credit }
    }
}
