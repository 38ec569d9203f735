//! What holds for payments of interest: the ranges of an account do not overlap, and the tax of each follows the formula.
//!
//! Gross is in whole won; what is credited is the rest.

use std::collections::{HashMap, hash_map::Entry};

use crate::{id::AccountId, interest::Payment, time::BusinessDate};

/// Whether a payment's numbers follow from each other.
pub fn follows(payment: &Payment) -> bool {
    let (income, local) = payment.taxes();
    payment.gross >= 0
        && payment.gross == payment.accrued
        && payment.from <= payment.through
        && (payment.income_tax, payment.local_tax) == (income, local)
        && payment.gross.checked_sub(income + local) == Some(payment.net)
}

/// The payments that a walk has seen: up to which day each account is paid.
#[derive(Clone, Debug, Default)]
pub struct Payments {
    paid_through: HashMap<AccountId, BusinessDate>,
    count: u64,
}

impl Payments {
    /// Takes the next payment of a journal; returns up to which day its account was paid before, where the ranges share a day.
    pub fn take(&mut self, payment: &Payment) -> Option<BusinessDate> {
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

    fn payment(from: i32, through: i32, gross: i64, taxes: (i64, i64)) -> Payment {
        Payment {
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
        assert_eq!(payment(1, 1, 547, (70, 0)).taxes(), (70, 0));
        assert_eq!(payment(1, 1, 2_082, (290, 20)).taxes(), (290, 20));
        assert!(follows(&payment(1, 1, 547, (70, 0))));
        assert!(!follows(&payment(1, 1, 547, (76, 0))));
        assert!(!follows(&payment(2, 1, 547, (70, 0))));
        assert!(!follows(&Payment { accrued: 546, ..payment(1, 1, 547, (70, 0)) }));
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
