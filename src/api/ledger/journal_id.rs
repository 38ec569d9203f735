//! The id of a journal: that of the exchange, the reversal, the transaction or the cover trade that it stands for.

use std::{fmt, str::FromStr};

use hwan_domain::{
    id::{CoverId, ExchangeId, Position, ReversalId, TransactionId},
    ledger::Journal,
};

/// What a journal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum JournalId {
    Exchange(ExchangeId),
    Reversal(ReversalId),
    Transaction(TransactionId),
    Cover(CoverId),
}

/// That a text is no such id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a journal has the id of what it stands for: exg_, rev_, txn_ or cov_ and 13 characters")]
pub(in crate::api) struct JournalIdError;

impl JournalId {
    /// The place of the record that it stands for.
    pub(super) const fn position(self) -> Position {
        match self {
            JournalId::Exchange(id) => id.position(),
            JournalId::Reversal(id) => id.position(),
            JournalId::Transaction(id) => id.position(),
            JournalId::Cover(id) => id.position(),
        }
    }

    /// Whether this journal has it.
    pub(super) fn names(self, journal: &Journal) -> bool {
        journal.id() == self.to_string()
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalId::Exchange(id) => id.fmt(f),
            JournalId::Reversal(id) => id.fmt(f),
            JournalId::Transaction(id) => id.fmt(f),
            JournalId::Cover(id) => id.fmt(f),
        }
    }
}

impl FromStr for JournalId {
    type Err = JournalIdError;

    fn from_str(text: &str) -> Result<Self, JournalIdError> {
        match text.split('_').next() {
            Some("exg") => text.parse().map(JournalId::Exchange),
            Some("rev") => text.parse().map(JournalId::Reversal),
            Some("txn") => text.parse().map(JournalId::Transaction),
            Some("cov") => text.parse().map(JournalId::Cover),
            _ => return Err(JournalIdError),
        }
        .map_err(|_| JournalIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_what_moves_money_is_the_only_id_of_a_journal() {
        for text in ["exg_0008000000006", "rev_0008000000007", "txn_0008000000005", "cov_000000000000d"] {
            assert_eq!(text.parse::<JournalId>().unwrap().to_string(), text);
        }
        for text in ["", "exg", "exg_1", "cus_0008000000002", "acc_0008000000003", "EXG_0008000000006"] {
            assert_eq!(text.parse::<JournalId>(), Err(JournalIdError), "{text}");
        }
    }
}
