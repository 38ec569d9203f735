//! The checks: a closed list. An id is stable and appears in reports, metrics and the API.

macro_rules! checks {
    ($($(#[$doc:meta])* $check:ident = $id:literal, $proves:literal;)*) => {
        /// What is checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Check { $($(#[$doc])* $check,)* }

        impl Check {
            /// All of them, in the order of reports.
            pub const ALL: &'static [Check] = &[$(Check::$check,)*];

            /// The stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Check::$check => $id,)* }
            }

            /// What it proves, in a sentence without its full stop.
            pub const fn proves(self) -> &'static str {
                match self { $(Check::$check => $proves,)* }
            }

            /// The check of this id.
            pub fn parse(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|check| check.id() == id)
            }
        }
    };
}

checks! {
    /// Hash chain and places of a lane.
    JournalChain = "journal_chain", "every record follows its predecessor: places without a gap, hashes chained, time and date never back";
    /// Version and balance chain of an account.
    AccountChain = "account_chain", "every posting continues its account: version by one, balance by its amount, never below zero";
    /// Conservation.
    Conservation = "conservation", "every record conserves money, and the lane's running totals are the sum of its postings";
    /// Exchange pairs against their terms.
    Terms = "exchange_terms", "both legs of every exchange and reversal are what its own rate makes of each other; an exchange is reversed at most once";
    /// Strategy 1 against strategy 2.
    Closings = "closing_balances", "the journal's postings and the daily rows give every account the same closing balance";
    /// Opening of the day.
    Rollover = "daily_rollover", "every account began the day with what it had closed the day before";
    /// The store's balances against the journal.
    Balances = "stored_balances", "every balance that the store holds now is what the journal's postings leave";
    /// Passbook against journal.
    Passbook = "passbook", "every posting of the journal stands once in its account's passbook, and nothing else does";
    /// The stored start of the walk.
    Snapshot = "snapshot", "the snapshot that the walk began at is the one that was written";
    /// Memory against store.
    Memory = "memory", "what the engine holds in memory of a customer is what the store holds at the same version";
    /// Trial balance.
    TrialBalance = "trial_balance", "debits equal credits in each currency";
    /// Sub-ledger against control accounts.
    Control = "control_accounts", "what all customers hold of a currency is what its control account says";
    /// Journals against entries.
    LedgerJournals = "ledger_journals", "every record that moved money has its journal in the books with the entries that the posting rules give, and no journal is without its record";
    /// Turnovers against the posting rules.
    LedgerTurnovers = "ledger_turnovers", "every account of the general ledger turned over what the posting rules make of the records";
    /// Suspense.
    Suspense = "suspense", "the suspense accounts hold what waits for a decision, and nothing else";
    /// Position.
    Position = "position", "the currency positions and their won equivalents are what exchanges and covers left";
    /// Interest.
    Interest = "interest", "payments of interest since the last snapshot do not overlap, and each is what its own accruals and the tax formula make";
    /// Outbox and books against the journal.
    Published = "published", "what was published and what the books took are records of this journal, and nothing was passed over";
    /// Seals.
    Seals = "seals", "the day's stored closing is what its records give when it is computed again";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_is_found_by_it() {
        let ids: BTreeSet<_> = Check::ALL.iter().map(|check| check.id()).collect();
        assert_eq!(ids.len(), Check::ALL.len());
        assert!(Check::ALL.iter().all(|check| Check::parse(check.id()) == Some(*check)));
        assert_eq!(Check::parse("mood"), None);
    }
}
