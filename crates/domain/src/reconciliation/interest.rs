//! What holds for payments of interest: the ranges of an account do not overlap, and the tax of each follows the formula.
//!
//! Gross is in whole won; what is credited is the rest.

use std::collections::{HashMap, hash_map::Entry};

use crate::{id::AccountId, interest, time::BusinessDate};

/// A payment, in whole won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestPayment {
    /// The account.
    pub account: AccountId,
    /// The first day.
    pub from: BusinessDate,
    /// The last day.
    pub through: BusinessDate,
    /// What the closings and rates that it names come to.
    pub accrued: i64,
    /// Before taxes.
    pub gross: i64,
    /// Income tax.
    pub income_tax: i64,
    /// Local tax.
    pub local_tax: i64,
    /// What was credited.
    pub net: i64,
}

impl InterestPayment {
    /// The taxes that follow from a gross amount: income tax, local tax. Nothing of what is too large to be taxed.
    pub fn taxes(gross: i64) -> (i64, i64) {
        interest::taxes(gross).unwrap_or_default()
    }

    /// Whether its numbers follow from each other.
    pub fn follows(&self) -> bool {
        let (income, local) = Self::taxes(self.gross);
        self.gross >= 0
            && self.gross == self.accrued
            && self.from <= self.through
            && (self.income_tax, self.local_tax) == (income, local)
            && self.gross.checked_sub(income + local) == Some(self.net)
    }
}

/// The payments that a walk has seen: up to which day each account is paid.
#[derive(Clone, Debug, Default)]
pub struct Payments {
    paid_through: HashMap<AccountId, BusinessDate>,
    count: u64,
}

impl Payments {
    /// Takes the next payment of a journal; returns up to which day its account was paid before, where the ranges share a day.
    pub fn take(&mut self, payment: &InterestPayment) -> Option<BusinessDate> {
        self.count += 1;
        let paid = self.paid_through.entry(payment.account);
        let before = match &paid {
            Entry::Occupied(paid) => Some(*paid.get()),
            Entry::Vacant(_) => None,
        };
        let through = before.map_or(payment.through, |before| before.max(payment.through));
        paid.insert_entry(through);
        before.filter(|through| payment.from <= *through)
    }

    /// How many there were.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LaneId, Position, Seq};

    fn payment(from: i32, through: i32, gross: i64, taxes: (i64, i64)) -> InterestPayment {
        InterestPayment {
            account: AccountId::at(Position::new(LaneId::FIRST, Seq::new(7).unwrap())),
            from: BusinessDate::from_days(from),
            through: BusinessDate::from_days(through),
            accrued: gross,
            gross,
            income_tax: taxes.0,
            local_tax: taxes.1,
            net: gross - taxes.0 - taxes.1,
        }
    }

    #[test]
    fn taxes_follow_the_formula() {
        assert_eq!(InterestPayment::taxes(547), (70, 0));
        assert_eq!(InterestPayment::taxes(2_082), (290, 20));
        assert!(payment(1, 1, 547, (70, 0)).follows());
        assert!(!payment(1, 1, 547, (76, 0)).follows());
        assert!(!payment(2, 1, 547, (70, 0)).follows());
        assert!(!InterestPayment { accrued: 546, ..payment(1, 1, 547, (70, 0)) }.follows());
    }

    #[test]
    fn ranges_that_share_a_day_overlap() {
        let at = |from, through| payment(from, through, 547, (70, 0));
        let mut payments = Payments::default();
        assert_eq!(payments.take(&at(1, 3)), None);
        assert_eq!(payments.take(&at(4, 6)), None);
        assert_eq!(payments.take(&at(6, 7)), Some(BusinessDate::from_days(6)));
        assert_eq!(payments.count(), 3);
    }
}
