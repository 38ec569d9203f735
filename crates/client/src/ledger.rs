//! The bank's own books: chart, journals, trial balance, how far they are behind, and the bank's positions.

use serde::Deserialize;

use crate::{
    Answer, Client, ClientError, Money, Pages, Request,
    answer::{with_limit, with_optional},
    request::segment,
};

/// An account of the books with both its sides. Sums may be wider than an amount: they are texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LedgerLine {
    /// Such as `2010` or `1901[USD]`.
    pub account: String,
    /// Its name in the chart.
    pub name: String,
    /// All debits.
    pub debit: Money,
    /// All credits.
    pub credit: Money,
    /// Debits less credits.
    pub balance: Money,
}

/// An account of the chart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChartAccount {
    /// Its number.
    pub code: u32,
    /// Its name.
    pub name: String,
    /// `asset`, `liability`, `position`, `income` or `expense`.
    pub class: String,
    /// What it is used for.
    pub role: String,
    /// Whether there is one per currency.
    pub per_currency: bool,
    /// What stands on it, by currency.
    pub balances: Vec<LedgerLine>,
}

/// Both sides of a currency over all accounts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TrialSum {
    /// All debits.
    pub debit: Money,
    /// All credits.
    pub credit: Money,
    /// Whether they are the same.
    pub balanced: bool,
}

/// The trial balance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TrialBalance {
    /// Asia/Seoul; everything that is posted without.
    pub as_of: Option<String>,
    /// Whether both sides are the same in every currency.
    pub balanced: bool,
    /// Both sides of each currency.
    pub sums: Vec<TrialSum>,
    /// Every account that had a posting.
    pub lines: Vec<LedgerLine>,
}

/// A debit or a credit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry {
    /// Such as `2010` or `1901[USD]`.
    pub account: String,
    /// `debit` or `credit`.
    pub side: String,
    /// How much; positive.
    pub amount: Money,
}

/// How a record was posted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Journal {
    /// `exg_…`, `rev_…`, `txn_…` or `cov_…`: of what it stands for.
    pub id: String,
    /// `deposit`, `withdrawal`, `transfer`, `exchange`, `reversal` or `cover`.
    pub kind: String,
    /// The record's lane.
    pub lane: u16,
    /// Its place in the lane.
    pub seq: u64,
    /// The exchange that was reversed, or the deal in the bank's dealing system.
    pub reference: Option<String>,
    /// RFC 3339, UTC.
    pub at: String,
    /// Asia/Seoul.
    pub business_date: String,
    /// Its entries.
    pub entries: Vec<LedgerEntry>,
}

/// Which journals; all of them without.
#[derive(Clone, Copy, Debug, Default)]
pub struct JournalFilter<'a> {
    /// Asia/Seoul.
    pub business_date: Option<&'a str>,
    /// Such as `2010`, `1901` or `1901[USD]`.
    pub account: Option<&'a str>,
    /// A lane.
    pub lane: Option<u16>,
}

/// A lane of the books beside the lane of the engine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LedgerLane {
    /// Which.
    pub lane: u16,
    /// The engine's newest durable record.
    pub engine_seq: u64,
    /// The newest record that is posted.
    pub ledger_seq: u64,
    /// How many are not posted yet.
    pub records: u64,
    /// For how long the oldest of them has waited.
    pub seconds: f64,
    /// RFC 3339, UTC: when the newest that is posted was sequenced.
    pub posted_at: Option<String>,
    /// Why the lane's books stopped.
    pub stopped: Option<String>,
    /// How many records could not be posted.
    pub dead_letters: u64,
}

/// How far the books are behind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LedgerLag {
    /// Records of all lanes that are not posted yet.
    pub records: u64,
    /// The longest that one of them has waited.
    pub seconds: f64,
    /// Lane by lane.
    pub lanes: Vec<LedgerLane>,
}

/// A record that could not be posted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeadLetter {
    /// Its lane.
    pub lane: u16,
    /// Its place.
    pub seq: u64,
    /// `record` or `stray`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// The message's offset, where it came as one.
    pub offset: Option<i64>,
    /// What came.
    pub body: String,
}

/// All of one side of a position.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PositionSide {
    /// How much foreign currency.
    pub amount: Money,
    /// For how many won.
    pub won: Money,
    /// At which rate on average.
    pub average_rate: Option<String>,
}

/// How far a position may go, by its worth in won.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PositionLimit {
    /// Time to cover.
    pub soft: Money,
    /// Cover now.
    pub hard: Money,
}

/// The bank's position in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Position {
    /// The foreign currency.
    pub currency: String,
    /// How many units a rate is for: 1 or 100.
    pub unit: u32,
    /// What is open; negative where more was sold than bought.
    pub open: Money,
    /// What the bank bought.
    pub bought: PositionSide,
    /// What it sold.
    pub sold: PositionSide,
    /// Earned by what was both bought and sold, in won.
    pub realised_won: Option<String>,
    /// The rate that the open amount is valued at.
    pub mid: Option<String>,
    /// Its round.
    pub round: Option<String>,
    /// What the open amount is worth at it, in won.
    pub open_won: Option<String>,
    /// Earned by what is open, if it were closed at it, in won.
    pub unrealised_won: Option<String>,
    /// Both together, in won.
    pub total_won: Option<String>,
    /// How far it may go.
    pub limit: PositionLimit,
    /// `within`, `soft` or `hard`; none where no round says.
    pub mark: Option<String>,
}

#[derive(Deserialize)]
struct Chart {
    accounts: Vec<ChartAccount>,
}

#[derive(Deserialize)]
struct Positions {
    positions: Vec<Position>,
}

impl Client {
    /// The chart of accounts, with what stands on each.
    pub async fn chart_of_accounts(&self) -> Result<Vec<ChartAccount>, ClientError> {
        Ok(self.get::<Chart>("/v1/ledger/accounts").await?.value.accounts)
    }

    /// The trial balance up to the end of a business date, or of everything that is posted.
    pub async fn trial_balance(&self, as_of: Option<&str>) -> Result<Answer<TrialBalance>, ClientError> {
        self.typed(&with_optional(Request::get("/v1/ledger/trial-balance"), "as_of", as_of)).await
    }

    /// What was posted, the newest first within a lane.
    pub fn journals(&self, filter: &JournalFilter<'_>, limit: Option<u16>) -> Pages<Journal> {
        let lane = filter.lane.map(|lane| lane.to_string());
        let request = with_optional(Request::get("/v1/ledger/journals"), "business_date", filter.business_date);
        let request = with_optional(with_optional(request, "account", filter.account), "lane", lane.as_deref());
        Pages::of(self, with_limit(request, limit))
    }

    /// How an exchange, a reversal, a transaction or a cover trade was posted.
    pub async fn journal(&self, id: &str) -> Result<Answer<Journal>, ClientError> {
        self.get(format!("/v1/ledger/journals/{}", segment(id))).await
    }

    /// How far the books are behind the engine.
    pub async fn ledger_lag(&self) -> Result<Answer<LedgerLag>, ClientError> {
        self.get("/v1/ledger/lag").await
    }

    /// What could not be posted, of a lane or of all.
    pub fn dead_letters(&self, lane: Option<u16>, limit: Option<u16>) -> Pages<DeadLetter> {
        let lane = lane.map(|lane| lane.to_string());
        let request = with_optional(Request::get("/v1/ledger/dead-letters"), "lane", lane.as_deref());
        Pages::of(self, with_limit(request, limit))
    }

    /// The bank's currency positions.
    pub async fn positions(&self) -> Result<Vec<Position>, ClientError> {
        Ok(self.get::<Positions>("/v1/positions").await?.value.positions)
    }
}
