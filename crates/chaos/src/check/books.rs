//! The books: every account's postings in one line, balances where they lead, the passbook leg for leg, and money that
//! comes from nowhere and goes nowhere.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::violation::Violation;
use crate::{
    database::{PassbookRow, Standing},
    history::{Command, Posting},
    money::Currency,
    place::Place,
};

/// Where an account stands, by the journal.
#[derive(Debug, Default)]
struct AccountSoFar {
    version: u64,
    /// Amount, and the version that it is of.
    balances: BTreeMap<Currency, (i64, u64)>,
}

/// What the journal makes of the accounts.
#[derive(Debug, Default)]
pub(super) struct Books {
    accounts: HashMap<Place, AccountSoFar>,
    /// The legs that the passbook must have and was not seen to have yet.
    unseen: HashMap<(Place, u64), (Place, Posting)>,
    /// Those that it was seen to have.
    seen: HashMap<Place, BTreeSet<u64>>,
    totals: BTreeMap<Currency, i128>,
}

impl Books {
    /// Takes a leg of the record at `id`, in the journal's order.
    pub(super) fn post(&mut self, id: Place, posting: Posting, violations: &mut Vec<Violation>) {
        let account = self.accounts.entry(posting.account).or_default();
        let mut broken = |found: String| {
            let (account, version) = (posting.account, posting.version);
            violations.push(Violation::BrokenAccount { account, version, found });
        };
        if posting.version != account.version + 1 {
            broken(format!("follows version {}", account.version));
        }
        let (before, _) = account.balances.get(&posting.currency).copied().unwrap_or_default();
        if before.checked_add(posting.amount) != Some(posting.balance_after) {
            broken(format!("{before} and {} make {}", posting.amount, posting.balance_after));
        }
        if posting.balance_after < 0 {
            broken(format!("the balance is {}", posting.balance_after));
        }
        account.version = posting.version;
        account.balances.insert(posting.currency, (posting.balance_after, posting.version));
        *self.totals.entry(posting.currency).or_default() += i128::from(posting.amount);
        self.unseen.insert((posting.account, posting.version), (id, posting));
    }

    /// Takes a line of the passbook.
    pub(super) fn passbook(&mut self, row: &PassbookRow, violations: &mut Vec<Violation>) {
        let found = match self.unseen.remove(&(row.account, row.version)) {
            Some((record, leg)) => {
                let same = (row.record, row.currency, row.amount, row.balance_after)
                    == (record, leg.currency, leg.amount, leg.balance_after);
                self.seen.entry(row.account).or_default().insert(row.version);
                (!same).then(|| format!("{row:?} for {leg:?} of {record}"))
            }
            None if self.seen.get(&row.account).is_some_and(|seen| seen.contains(&row.version)) => {
                Some("twice".to_owned())
            }
            None => Some(format!("{row:?} is no leg of the journal")),
        };
        if let Some(found) = found {
            violations.push(Violation::WrongPassbook { account: row.account, version: row.version, found });
        }
    }

    /// Balances, what the passbook lacks, conservation.
    pub(super) fn finish(self, commands: &[Command], standing: &Standing, violations: &mut Vec<Violation>) {
        for ((account, version), (record, _)) in &self.unseen {
            let found = format!("the leg of {record} is missing");
            violations.push(Violation::WrongPassbook { account: *account, version: *version, found });
        }
        let mut expected: BTreeMap<(Place, Currency), (i64, u64)> = BTreeMap::new();
        for (account, so_far) in &self.accounts {
            for (currency, balance) in &so_far.balances {
                expected.insert((*account, *currency), *balance);
            }
        }
        let mut balances: BTreeMap<Currency, i128> = BTreeMap::new();
        for row in &standing.balances {
            *balances.entry(row.currency).or_default() += i128::from(row.amount);
            let journal = expected.remove(&(row.account, row.currency));
            if journal.unwrap_or_default() != (row.amount, row.version) {
                let found = format!("the row is {} of version {}, the journal {journal:?}", row.amount, row.version);
                violations.push(Violation::WrongBalance { account: row.account, currency: row.currency, found });
            }
        }
        for ((account, currency), (amount, version)) in expected {
            let found = format!("no row, the journal has {amount} of version {version}");
            violations.push(Violation::WrongBalance { account, currency, found });
        }
        self.judge_conservation(commands, &balances, violations);
    }

    /// Three sums that share nothing: balance rows, journal legs, what the clients were told.
    fn judge_conservation(
        &self,
        commands: &[Command],
        balances: &BTreeMap<Currency, i128>,
        violations: &mut Vec<Violation>,
    ) {
        let mut told: BTreeMap<Currency, i128> = BTreeMap::new();
        for (_, answer) in commands.iter().filter_map(|command| command.acknowledgements().next()) {
            for posting in &answer.effect.postings {
                *told.entry(posting.currency).or_default() += i128::from(posting.amount);
            }
        }
        let currencies: BTreeSet<Currency> =
            balances.keys().chain(self.totals.keys()).chain(told.keys()).copied().collect();
        for currency in currencies {
            let of = |sums: &BTreeMap<Currency, i128>| sums.get(&currency).copied().unwrap_or(0);
            let (balances, journal, acknowledged) = (of(balances), of(&self.totals), of(&told));
            if balances != journal || journal != acknowledged {
                violations.push(Violation::NotConserved { currency, balances, journal, acknowledged });
            }
        }
    }
}
