//! A row of each table, plain. Amounts are whole minor units of their currency; lane and business date are the file's own.
//!
//! Callers: whoever exports; [`file`](mod@crate::file) writes them.

/// A record of the journal.
#[derive(Clone, Copy, Debug)]
pub struct RecordRow<'a> {
    /// Its number in the lane: without a gap.
    pub seq: i64,
    /// What happened: `exchanged`, `deposited` …
    pub kind: &'a str,
    /// When it was sequenced, in microseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// On whose word.
    pub caller: &'a str,
    /// The customer whose state changed first, if one's did.
    pub customer: Option<&'a str>,
    /// Its canonical text, byte for byte.
    pub body: &'a str,
    /// SHA-256 over the predecessor's hash and the text.
    pub hash: [u8; 32],
    /// The predecessor's hash.
    pub previous_hash: [u8; 32],
}

/// What an exchange, or the reversal of one, was priced at.
#[derive(Clone, Copy, Debug)]
pub struct TermsRow<'a> {
    /// The side of the exchange: `buy` or `sell`, as the customer sees the foreign currency.
    pub side: &'a str,
    /// The foreign currency.
    pub currency: &'a str,
    /// The round.
    pub round: &'a str,
    /// Its middle rate, a decimal.
    pub mid: &'a str,
    /// The customer's rate, a decimal: won for `unit` units.
    pub rate: &'a str,
    /// For how many units of the foreign currency rates are: 1 or 100.
    pub unit: i32,
}

/// A leg of a record: one posting to one account.
#[derive(Clone, Copy, Debug)]
pub struct EntryRow<'a> {
    /// The record.
    pub seq: i64,
    /// Which leg of it, from 1.
    pub leg: i32,
    /// The record's kind.
    pub kind: &'a str,
    /// `debit` or `credit`.
    pub side: &'a str,
    /// The account.
    pub account: &'a str,
    /// Its owner.
    pub customer: &'a str,
    /// The currency.
    pub currency: &'a str,
    /// What was posted: negative for a debit.
    pub amount_minor: i64,
    /// The account's balance of this currency afterwards.
    pub balance_after_minor: i64,
    /// The account's version afterwards.
    pub version: i64,
    /// What it was priced at, if it was.
    pub terms: Option<TermsRow<'a>>,
}

/// What an account held of a currency when the day ended; one that held nothing at either end has no row.
#[derive(Clone, Copy, Debug)]
pub struct BalanceRow<'a> {
    /// The account.
    pub account: &'a str,
    /// The currency.
    pub currency: &'a str,
    /// With what the day began.
    pub opening_minor: i64,
    /// With what it ended.
    pub closing_minor: i64,
}

/// An entry of the general ledger.
#[derive(Clone, Copy, Debug)]
pub struct LedgerRow<'a> {
    /// The record whose journal it belongs to.
    pub seq: i64,
    /// Which entry of the journal, from 1.
    pub line: i32,
    /// What the journal stands for: `exchange`, `cover` …
    pub kind: &'a str,
    /// The account of the ledger.
    pub account: i32,
    /// What that account is for.
    pub role: &'a str,
    /// Of which currency, where there is one for each.
    pub of_currency: Option<&'a str>,
    /// `debit` or `credit`.
    pub side: &'a str,
    /// The currency.
    pub currency: &'a str,
    /// How much: always above zero.
    pub amount_minor: i64,
}

/// What an account of the general ledger had turned over when the day ended, from the books' beginning.
#[derive(Clone, Copy, Debug)]
pub struct TrialRow<'a> {
    /// The account of the ledger.
    pub account: i32,
    /// What it is for.
    pub role: &'a str,
    /// Of which currency, where there is one for each.
    pub of_currency: Option<&'a str>,
    /// In which currency it is counted.
    pub currency: &'a str,
    /// All debits.
    pub debit_minor: i128,
    /// All credits.
    pub credit_minor: i128,
}

/// What all accounts of a lane held of a currency when the day ended, as the lane itself had carried it forward.
#[derive(Clone, Copy, Debug)]
pub struct ControlRow<'a> {
    /// The currency.
    pub currency: &'a str,
    /// How much.
    pub total_minor: i128,
    /// The hash of the day's closing, where it was closed.
    pub closing_hash: Option<[u8; 32]>,
}
