//! The whole of a judgement, in the order in which its material comes.

use super::{attempts, books::Books, order, records::Records, reigns, violation::Violation};
use crate::{
    database::{JournalRow, PassbookRow, Standing},
    history::History,
};

/// What was looked at: a judgement of nothing says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Commands that were sent.
    pub commands: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// Of these, exchanges.
    pub acknowledged_exchanges: u64,
    /// Acknowledgements beyond the first of a command.
    pub repetitions: u64,
    /// Attempts without an answer, or with one that says the outcome is not known.
    pub unknown_attempts: u64,
    /// Journal rows.
    pub journal_rows: u64,
    /// Journal rows that move money.
    pub movements: u64,
    /// Passbook rows.
    pub passbook_rows: u64,
}

/// A judgement in the making.
#[derive(Debug)]
pub struct Auditor<'h> {
    history: &'h History,
    records: Records<'h>,
    books: Books,
    passbook_rows: u64,
    violations: Vec<Violation>,
}

impl<'h> Auditor<'h> {
    /// Of this history.
    pub fn of(history: &'h History) -> Self {
        let records = Records::of(&history.commands);
        Self { history, records, books: Books::default(), passbook_rows: 0, violations: Vec::new() }
    }

    /// Takes the next journal row, in the order of (lane, seq).
    pub fn journal(&mut self, row: &JournalRow) {
        let postings = self.records.take(row, &mut self.violations);
        for posting in postings {
            self.books.post(row.id, posting, &mut self.violations);
        }
    }

    /// Takes a passbook row, in any order; after all journal rows.
    pub fn passbook(&mut self, row: &PassbookRow) {
        self.passbook_rows += 1;
        self.books.passbook(row, &mut self.violations);
    }

    /// What it all comes to.
    pub fn finish(mut self, standing: &Standing) -> (Counts, Vec<Violation>) {
        let commands = &self.history.commands;
        for command in commands {
            attempts::judge(command, self.history.began_at, &mut self.violations);
        }
        let done = self.records.finish(standing, &mut self.violations);
        self.books.finish(commands, standing, &mut self.violations);
        order::judge(commands, &mut self.violations);
        reigns::judge(commands, &self.history.reigns, &mut self.violations);
        (Counts { passbook_rows: self.passbook_rows, ..done }, self.violations)
    }
}
