//! The trial balance: every account with its turnovers, and the proof that both sides are equal in each currency.

use super::{
    account::LedgerAccount,
    chart::{Chart, Role},
    turnover::Turnover,
};
use crate::{
    control::{ControlTotal, ControlTotals},
    currency::Currency,
    time::BusinessDate,
};

/// An account in a trial balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialLine {
    /// The account.
    pub account: LedgerAccount,
    /// In what it is counted.
    pub currency: Currency,
    /// Everything that was posted to it.
    pub turnover: Turnover,
}

/// The turnovers of every account that had a posting, by account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    /// Up to the end of which business date; of everything that is posted where none is named.
    pub as_of: Option<BusinessDate>,
    /// A line an account, in their order.
    pub lines: Vec<TrialLine>,
}

impl TrialBalance {
    /// A trial balance of these lines; those of one account are added up.
    pub fn of(as_of: Option<BusinessDate>, lines: impl IntoIterator<Item = TrialLine>) -> Self {
        let mut sorted: Vec<TrialLine> = lines.into_iter().collect();
        sorted.sort_by_key(|line| (line.account, line.currency));
        let mut added: Vec<TrialLine> = Vec::with_capacity(sorted.len());
        for line in sorted {
            match added.last_mut().filter(|last| (last.account, last.currency) == (line.account, line.currency)) {
                Some(last) => last.turnover = last.turnover.plus(line.turnover),
                None => added.push(line),
            }
        }
        Self { as_of, lines: added }
    }

    /// Both sides of each currency, over all accounts, by the currencies' codes.
    pub fn sums(&self) -> Vec<(Currency, Turnover)> {
        let mut sums: Vec<(Currency, Turnover)> = Vec::new();
        for line in &self.lines {
            match sums.binary_search_by_key(&line.currency, |(currency, _)| *currency) {
                Ok(at) => {
                    if let Some((_, sum)) = sums.get_mut(at) {
                        *sum = sum.plus(line.turnover);
                    }
                }
                Err(at) => sums.insert(at, (line.currency, line.turnover)),
            }
        }
        sums
    }

    /// The currencies whose sides differ: none, ever.
    pub fn unbalanced(&self) -> Vec<(Currency, Turnover)> {
        self.sums().into_iter().filter(|(_, sum)| sum.debit != sum.credit).collect()
    }

    /// What was posted to an account.
    pub fn turnover(&self, account: LedgerAccount) -> Turnover {
        let of_account = self.lines.iter().filter(|line| line.account == account);
        of_account.fold(Turnover::default(), |sum, line| sum.plus(line.turnover))
    }

    /// What customers hold by the control accounts.
    pub fn control_totals(&self, chart: &Chart) -> ControlTotals {
        let controls = self
            .lines
            .iter()
            .filter(|line| matches!(chart.role(line.account.code), Some(Role::WonDeposits | Role::ForeignDeposits)));
        ControlTotals::of(
            controls.map(|line| ControlTotal { currency: line.currency, minor: line.turnover.credit_balance() }),
        )
    }
}
