//! Breaks: what does not agree, of which kind, and where.

use std::collections::BTreeMap;

use super::check::Check;
use crate::{
    currency::Currency,
    id::{AccountId, LaneId, Position},
    ledger::LedgerAccount,
    time::BusinessDate,
};

/// Breaks of one check that are kept; beyond it they are counted.
pub const KEPT_PER_CHECK_MAX: u64 = 100;

/// Of which kind a break is: what one does about it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BreakKind {
    /// One side has not come so far yet: it clears by itself.
    Timing,
    /// One side lacks what the other has.
    Missing,
    /// Something stands twice.
    Duplicate,
    /// Both sides have it and do not agree.
    Amount,
    /// Something stands there that nothing explains.
    Orphan,
}

impl BreakKind {
    /// All of them.
    pub const ALL: [BreakKind; 5] =
        [BreakKind::Timing, BreakKind::Missing, BreakKind::Duplicate, BreakKind::Amount, BreakKind::Orphan];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            BreakKind::Timing => "timing",
            BreakKind::Missing => "missing",
            BreakKind::Duplicate => "duplicate",
            BreakKind::Amount => "amount",
            BreakKind::Orphan => "orphan",
        }
    }
}

/// Where a break is: as far down as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The lane.
    pub lane: Option<LaneId>,
    /// The currency.
    pub currency: Option<Currency>,
    /// The bucket of accounts within the currency.
    pub bucket: Option<u8>,
    /// The customer's account.
    pub account: Option<AccountId>,
    /// The record.
    pub record: Option<Position>,
    /// The account of the general ledger.
    pub ledger_account: Option<LedgerAccount>,
    /// The business date, where it is another than the one that is reconciled.
    pub date: Option<BusinessDate>,
}

impl Subject {
    /// A lane as a whole.
    pub fn lane(lane: LaneId) -> Self {
        Self { lane: Some(lane), ..Self::default() }
    }

    /// A record.
    pub fn record(record: Position) -> Self {
        Self { lane: Some(record.lane()), record: Some(record), ..Self::default() }
    }

    /// An account in one of its currencies.
    pub fn account(account: AccountId, currency: Option<Currency>) -> Self {
        let bucket = Some(super::tree::bucket_of(account));
        Self { lane: Some(account.lane()), currency, bucket, account: Some(account), ..Self::default() }
    }

    /// The same, at a record.
    #[must_use]
    pub fn at(self, record: Position) -> Self {
        Self { record: Some(record), ..self }
    }
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Of which kind.
    pub kind: BreakKind,
    /// Which check found it.
    pub check: Check,
    /// Where.
    pub subject: Subject,
    /// What should stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// What that means, in words.
    pub explanation: String,
}

/// Breaks as they are found: the first of each check whole, all of them counted.
#[derive(Clone, Debug, Default)]
pub struct Breaks {
    kept: Vec<Break>,
    counts: BTreeMap<(Check, BreakKind), u64>,
}

impl Breaks {
    /// Notes a break.
    pub fn add(&mut self, found: Break) {
        let of_check: u64 = self.of(found.check);
        *self.counts.entry((found.check, found.kind)).or_default() += 1;
        if of_check < KEPT_PER_CHECK_MAX {
            self.kept.push(found);
        }
    }

    /// Adds what was found elsewhere.
    pub fn extend(&mut self, other: Breaks) {
        let mut kept_of: BTreeMap<Check, u64> = BTreeMap::new();
        for found in &self.kept {
            *kept_of.entry(found.check).or_default() += 1;
        }
        for found in other.kept {
            let kept = kept_of.entry(found.check).or_default();
            if *kept < KEPT_PER_CHECK_MAX {
                *kept += 1;
                self.kept.push(found);
            }
        }
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }

    /// The first of each check.
    pub fn kept(&self) -> &[Break] {
        &self.kept
    }

    /// How many a check found.
    pub fn of(&self, check: Check) -> u64 {
        self.counts.iter().filter(|((of, _), _)| *of == check).map(|(_, count)| count).sum()
    }

    /// How many there are of a kind.
    pub fn of_kind(&self, kind: BreakKind) -> u64 {
        self.counts.iter().filter(|((_, of), _)| *of == kind).map(|(_, count)| count).sum()
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: Check, kind: BreakKind) -> Break {
        let (subject, none) = (Subject::default(), String::new);
        Break { kind, check, subject, expected: none(), found: none(), explanation: none() }
    }

    #[test]
    fn all_are_counted_and_the_first_of_each_check_are_kept() {
        let mut breaks = Breaks::default();
        for _ in 0..KEPT_PER_CHECK_MAX + 5 {
            breaks.add(found(Check::Passbook, BreakKind::Amount));
        }
        breaks.add(found(Check::Closings, BreakKind::Orphan));
        let mut both = breaks.clone();
        both.extend(breaks);
        assert_eq!(both.of(Check::Passbook), 2 * (KEPT_PER_CHECK_MAX + 5));
        assert_eq!((both.of_kind(BreakKind::Orphan), both.count()), (2, 2 * (KEPT_PER_CHECK_MAX + 6)));
        let kept = both.kept().iter().filter(|found| found.check == Check::Passbook).count();
        assert_eq!(kept as u64, KEPT_PER_CHECK_MAX);
    }
}
