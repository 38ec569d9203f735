//! Journals: the entries of one record, and what holds for them together.

use smallvec::SmallVec;

use super::{
    account::LedgerAccount,
    chart::{Chart, Role},
    posting::PostingError,
    trial_balance::TrialLine,
    turnover::Turnover,
};
use crate::{
    currency::Currency,
    id::{CoverId, ExchangeId, Position, ReversalId, TransactionId},
    money::Money,
    time::{BusinessDate, Timestamp},
};

/// The side of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntrySide {
    /// Left: Dr.
    Debit,
    /// Right: Cr.
    Credit,
}

impl EntrySide {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntrySide::Debit => "debit",
            EntrySide::Credit => "credit",
        }
    }

    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            EntrySide::Debit => EntrySide::Credit,
            EntrySide::Credit => EntrySide::Debit,
        }
    }
}

/// A debit or a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: LedgerAccount,
    /// Which side of it.
    pub side: EntrySide,
    /// How much: positive.
    pub amount: Money,
}

/// The entries of a journal: two, four where currencies are exchanged, up to six where interest is paid.
pub type Entries = SmallVec<[Entry; 4]>;

/// What a journal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JournalKind {
    /// Money came in.
    Deposit,
    /// Money went out.
    Withdrawal,
    /// Money moved between customers' accounts.
    Transfer,
    /// A customer changed money.
    Exchange,
    /// An exchange was reversed.
    Reversal,
    /// The bank covered its position in the market.
    Cover,
    /// Interest was paid.
    Interest,
}

impl JournalKind {
    /// All of them.
    pub const ALL: [JournalKind; 7] = [
        JournalKind::Deposit,
        JournalKind::Withdrawal,
        JournalKind::Transfer,
        JournalKind::Exchange,
        JournalKind::Reversal,
        JournalKind::Cover,
        JournalKind::Interest,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            JournalKind::Deposit => "deposit",
            JournalKind::Withdrawal => "withdrawal",
            JournalKind::Transfer => "transfer",
            JournalKind::Exchange => "exchange",
            JournalKind::Reversal => "reversal",
            JournalKind::Cover => "cover",
            JournalKind::Interest => "interest",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The journal of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The record's place.
    pub position: Position,
    /// When it was sequenced.
    pub at: Timestamp,
    /// To which business date it belongs.
    pub business_date: BusinessDate,
    /// What it stands for.
    pub kind: JournalKind,
    /// What it refers to: the exchange that was reversed, the deal of a cover in the dealing system.
    pub reference: Option<Box<str>>,
    /// Its entries, those of one currency together.
    pub entries: Entries,
}

impl Journal {
    /// The id of what it stands for, as the API names it: `exg_…`, `txn_…`, `rev_…`, `cov_…`.
    pub fn id(&self) -> String {
        match self.kind {
            JournalKind::Deposit | JournalKind::Withdrawal | JournalKind::Transfer | JournalKind::Interest => {
                TransactionId::at(self.position).to_string()
            }
            JournalKind::Exchange => ExchangeId::at(self.position).to_string(),
            JournalKind::Reversal => ReversalId::at(self.position).to_string(),
            JournalKind::Cover => CoverId::at(self.position).to_string(),
        }
    }

    /// What an entry turns over. A reversal takes back what its exchange had turned over in the position, on the same side, instead of
    /// adding to the other: so what was bought and sold in fact, at which average, stays what it was. The balance is the same.
    pub fn turnover(&self, entry: &Entry, chart: &Chart) -> Turnover {
        let mut turnover = Turnover::default();
        let code = entry.account.code;
        let is_position = code == chart.code(Role::Position) || code == chart.code(Role::PositionEquivalent);
        if self.kind == JournalKind::Reversal && is_position {
            let side = match entry.side {
                EntrySide::Debit => EntrySide::Credit,
                EntrySide::Credit => EntrySide::Debit,
            };
            turnover.post(side, -entry.amount.minor()); // amounts are symmetric
        } else {
            turnover.post(entry.side, entry.amount.minor());
        }
        turnover
    }

    /// What each account turns over by it, an account a line.
    pub fn lines(&self, chart: &Chart) -> Vec<TrialLine> {
        let mut lines: Vec<TrialLine> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let turnover = self.turnover(entry, chart);
            match lines.iter_mut().find(|line| line.account == entry.account) {
                Some(line) => line.turnover = line.turnover.plus(turnover),
                None => {
                    lines.push(TrialLine { account: entry.account, currency: entry.amount.currency(), turnover });
                }
            }
        }
        lines
    }

    /// That every entry is of something, and that both sides are the same in each currency.
    pub fn balanced(&self) -> Result<(), PostingError> {
        let mut sums: SmallVec<[(Currency, Turnover); 2]> = SmallVec::new();
        for entry in &self.entries {
            if entry.amount.is_zero() || entry.amount.is_negative() {
                return Err(PostingError::NotPositive { account: entry.account, amount: entry.amount });
            }
            let currency = entry.amount.currency();
            match sums.iter_mut().find(|(of, _)| *of == currency) {
                Some((_, sum)) => sum.post(entry.side, entry.amount.minor()),
                None => {
                    let mut sum = Turnover::default();
                    sum.post(entry.side, entry.amount.minor());
                    sums.push((currency, sum));
                }
            }
        }
        match sums.into_iter().find(|(_, sum)| sum.debit != sum.credit) {
            None => Ok(()),
            Some((currency, sum)) => Err(PostingError::Unbalanced { currency, debit: sum.debit, credit: sum.credit }),
        }
    }
}
