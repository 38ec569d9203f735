//! The tables: their names, their columns, and how a row fills them. A column that was written once keeps its name, its type and
//! its meaning; new ones come at the end and may be missing in older days. docs/sealed-days.md explains each.
//!
//! Lane and business date are no columns of the files: they are the folders' names, as Hive has it.

use crate::{
    columns::Columns,
    row::{BalanceRow, ControlRow, EntryRow, LedgerRow, RecordRow, TrialRow},
};

/// A row of a table.
pub trait Row {
    /// Which table.
    const TABLE: Table;

    /// Fills the columns, in the order of the schema.
    #[doc(hidden)]
    fn fill(&self, columns: &mut Filling<'_>);
}

/// The columns, as rows see them.
#[derive(Debug)]
pub struct Filling<'a>(pub(crate) &'a mut Columns);

/// A table of a sealed day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The journal: a row a record.
    Records,
    /// The postings: a row a leg.
    Entries,
    /// What accounts held.
    Balances,
    /// The general ledger: a row an entry.
    Ledger,
    /// The general ledger's accounts at the day's end.
    TrialBalance,
    /// What lanes held together.
    Controls,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 6] =
        [Table::Records, Table::Entries, Table::Balances, Table::Ledger, Table::TrialBalance, Table::Controls];

    /// Its name: the folder where its files lie.
    pub const fn name(self) -> &'static str {
        match self {
            Table::Records => "records",
            Table::Entries => "entries",
            Table::Balances => "balances",
            Table::Ledger => "ledger",
            Table::TrialBalance => "trial_balance",
            Table::Controls => "controls",
        }
    }

    /// Its columns, in Parquet's own notation.
    pub const fn schema(self) -> &'static str {
        match self {
            Table::Records => {
                "message records {
                    required int64 seq;
                    required binary kind (STRING);
                    required int64 at (TIMESTAMP(MICROS,true));
                    required binary caller (STRING);
                    optional binary customer (STRING);
                    required binary body (STRING);
                    required fixed_len_byte_array(32) hash;
                    required fixed_len_byte_array(32) previous_hash;
                }"
            }
            Table::Entries => {
                "message entries {
                    required int64 seq;
                    required int32 leg;
                    required binary kind (STRING);
                    required binary side (STRING);
                    required binary account (STRING);
                    required binary customer (STRING);
                    required binary currency (STRING);
                    required int64 amount_minor;
                    required int64 balance_after_minor;
                    required int64 version;
                    optional binary terms_side (STRING);
                    optional binary terms_currency (STRING);
                    optional binary terms_round (STRING);
                    optional binary terms_mid (STRING);
                    optional binary terms_rate (STRING);
                    optional int32 terms_unit;
                }"
            }
            Table::Balances => {
                "message balances {
                    required binary account (STRING);
                    required binary currency (STRING);
                    required int64 opening_minor;
                    required int64 closing_minor;
                }"
            }
            Table::Ledger => {
                "message ledger {
                    required int64 seq;
                    required int32 line;
                    required binary kind (STRING);
                    required int32 account;
                    required binary role (STRING);
                    optional binary of_currency (STRING);
                    required binary side (STRING);
                    required binary currency (STRING);
                    required int64 amount_minor;
                }"
            }
            Table::TrialBalance => {
                "message trial_balance {
                    required int32 account;
                    required binary role (STRING);
                    optional binary of_currency (STRING);
                    required binary currency (STRING);
                    required fixed_len_byte_array(16) debit_minor (DECIMAL(38,0));
                    required fixed_len_byte_array(16) credit_minor (DECIMAL(38,0));
                }"
            }
            Table::Controls => {
                "message controls {
                    required binary currency (STRING);
                    required fixed_len_byte_array(16) total_minor (DECIMAL(38,0));
                    optional fixed_len_byte_array(32) closing_hash;
                }"
            }
        }
    }

    /// Columns whose values hardly ever come twice: a dictionary or a range of them is of no use.
    pub(crate) const fn unique_columns(self) -> &'static [&'static str] {
        match self {
            Table::Records => &["body", "hash", "previous_hash"],
            _ => &[],
        }
    }
}

impl Row for RecordRow<'_> {
    const TABLE: Table = Table::Records;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.long(self.seq);
        columns.text(self.kind);
        columns.long(self.at);
        columns.text(self.caller);
        columns.text(self.customer);
        columns.text(self.body);
        columns.fixed(Some(self.hash.to_vec()));
        columns.fixed(Some(self.previous_hash.to_vec()));
    }
}

impl Row for EntryRow<'_> {
    const TABLE: Table = Table::Entries;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.long(self.seq);
        columns.whole(self.leg);
        columns.text(self.kind);
        columns.text(self.side);
        columns.text(self.account);
        columns.text(self.customer);
        columns.text(self.currency);
        columns.long(self.amount_minor);
        columns.long(self.balance_after_minor);
        columns.long(self.version);
        columns.text(self.terms.map(|terms| terms.side));
        columns.text(self.terms.map(|terms| terms.currency));
        columns.text(self.terms.map(|terms| terms.round));
        columns.text(self.terms.map(|terms| terms.mid));
        columns.text(self.terms.map(|terms| terms.rate));
        columns.whole(self.terms.map(|terms| terms.unit));
    }
}

impl Row for BalanceRow<'_> {
    const TABLE: Table = Table::Balances;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.text(self.account);
        columns.text(self.currency);
        columns.long(self.opening_minor);
        columns.long(self.closing_minor);
    }
}

impl Row for LedgerRow<'_> {
    const TABLE: Table = Table::Ledger;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.long(self.seq);
        columns.whole(self.line);
        columns.text(self.kind);
        columns.whole(self.account);
        columns.text(self.role);
        columns.text(self.of_currency);
        columns.text(self.side);
        columns.text(self.currency);
        columns.long(self.amount_minor);
    }
}

impl Row for TrialRow<'_> {
    const TABLE: Table = Table::TrialBalance;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.whole(self.account);
        columns.text(self.role);
        columns.text(self.of_currency);
        columns.text(self.currency);
        columns.decimal(self.debit_minor);
        columns.decimal(self.credit_minor);
    }
}

impl Row for ControlRow<'_> {
    const TABLE: Table = Table::Controls;

    fn fill(&self, Filling(columns): &mut Filling<'_>) {
        columns.text(self.currency);
        columns.decimal(self.total_minor);
        columns.fixed(self.closing_hash.map(|hash| hash.to_vec()));
    }
}
