//! What the database holds, as rows of plain data: what the judge compares a history with.
//!
//! The names are the tables' (see `migrations/mysql`); ids are packed places, amounts minor units, instants microseconds
//! since 1970, dates days since then.

use crate::{history::Fingerprint, money::Currency, place::Place};

/// A row of `journal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Where it stands.
    pub id: Place,
    /// Such as `exchanged`.
    pub kind: String,
    /// Whose it is, if it is a customer's.
    pub customer: Option<Place>,
    /// The key that it was done under.
    pub key_digest: Option<Fingerprint>,
    /// When.
    pub at: i64,
    /// On which business date.
    pub business_date: i32,
    /// The record: canonical JSON.
    pub body: String,
    /// The chain's link at this record.
    pub hash: [u8; 32],
}

/// A row of `passbook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassbookRow {
    /// Whose.
    pub account: Place,
    /// The account's version after it.
    pub version: u64,
    /// The record that it comes from.
    pub record: Place,
    /// Its currency.
    pub currency: Currency,
    /// In minor units, negative for a debit.
    pub amount: i64,
    /// What the account holds of the currency afterwards.
    pub balance_after: i64,
}

/// A row of `balance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// Whose.
    pub account: Place,
    /// Its currency.
    pub currency: Currency,
    /// In minor units.
    pub amount: i64,
    /// The account's version when it was written.
    pub version: u64,
}

/// A row of `lane`, with the projections' place beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    /// Which.
    pub lane: u16,
    /// Where it stands.
    pub seq: u64,
    /// The chain's link there.
    pub hash: [u8; 32],
    /// How far the projections have followed; `None` if there is no row of theirs.
    pub projected: Option<u64>,
}

/// What is there beside the journal and the passbook, which are read row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The lanes.
    pub lanes: Vec<LaneRow>,
    /// The balances.
    pub balances: Vec<BalanceRow>,
}
