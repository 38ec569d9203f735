//! The catalogue of what the watch looks for: every rule with its stable id, its severity and what it means.
//!
//! An id is stored with alerts, stands in events and metrics and is never given another meaning. `docs/watch.md` lists all of them.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody looks at it within the day.
    Warning,
    /// Somebody looks at it now: money or its order may be wrong.
    Critical,
}

impl Severity {
    /// All, the mildest first.
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// The severity of this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an alert of a rule is about: something single, which stays what it is, or a condition, which may pass and come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A record, a window of records, or something single that waits: seen again it is the same alert, whatever became of it.
    Event,
    /// A condition: found again after its alert was resolved, the alert is opened again.
    Condition,
}

macro_rules! rules {
    ($($variant:ident = $id:literal, $severity:ident, $nature:ident, $explanation:literal;)*) => {
        /// A rule of the watch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $explanation] $variant,)*
        }

        impl Rule {
            /// All rules, in the order of the catalogue.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];

            /// The stable id.
            pub const fn as_str(self) -> &'static str {
                match self { $(Rule::$variant => $id,)* }
            }

            /// How bad a breach is.
            pub const fn severity(self) -> Severity {
                match self { $(Rule::$variant => Severity::$severity,)* }
            }

            /// Whether its alerts are about records or about conditions.
            pub const fn nature(self) -> Nature {
                match self { $(Rule::$variant => Nature::$nature,)* }
            }

            /// What a breach means, a sentence.
            pub const fn explanation(self) -> &'static str {
                match self { $(Rule::$variant => $explanation,)* }
            }
        }
    };
}

rules! {
    SequenceGap = "sequence_gap", Critical, Event, "A lane's records are numbered without a gap; a number is missing.";
    TimeBack = "time_back", Critical, Event, "A lane's time never goes back; a record is older than the one before it.";
    DateBack = "date_back", Critical, Event, "A lane's business date never goes back; a record belongs to an earlier one than the record before it.";
    ChainBroken = "chain_broken", Critical, Event, "Every record's hash follows from the one before it; this one does not, or the same place came with two hashes.";
    TwoOwners = "two_owners", Critical, Event, "A lane has one owner at a time; an earlier owner's records came after a later one's.";
    EntryAfterClose = "entry_after_close", Critical, Event, "A closed day takes no entry; a record beyond its last one is dated to it.";
    CreditToClosedAccount = "credit_to_closed_account", Critical, Event, "A closed account takes no credit; what comes back waits in suspense.";
    CreditOnBlockedAccount = "credit_on_blocked_account", Critical, Event, "A fact in force forbade this credit.";
    DebitOnBlockedAccount = "debit_on_blocked_account", Critical, Event, "A fact in force forbade this debit.";
    NegativeBalance = "negative_balance", Critical, Event, "No balance is below zero.";
    BelowSeizure = "below_seizure", Critical, Event, "A debit leaves at least what is seized.";
    BalanceOffEntries = "balance_off_entries", Critical, Event, "A balance is the sum of its entries; the one that a record states is not.";
    AccountVersionGap = "account_version_gap", Critical, Event, "An account's postings are numbered without a gap; a number is missing or came twice.";
    OrphanLeg = "orphan_leg", Critical, Event, "Every leg is of an account that was opened, of its owner, in a currency that it holds.";
    CapExceeded = "cap_exceeded", Warning, Event, "An exchange leaves a holding within the currency's cap.";
    ZeroLeg = "zero_leg", Critical, Event, "No leg is of nothing.";
    DoubleLeg = "double_leg", Critical, Event, "The legs of a record are of two accounts, and those of an exchange of two currencies.";
    UnbalancedJournal = "unbalanced_journal", Critical, Event, "A debit takes, a credit gives, and a transfer gives what it takes.";
    LegsOffTerms = "legs_off_terms", Critical, Event, "The legs of an exchange are what its terms make of each other.";
    RoundingDrift = "rounding_drift", Warning, Event, "Rounding leaves the bank from nothing to one won an exchange; over a day and a currency it left less or more.";
    RoundTripGain = "round_trip_gain", Critical, Event, "Who buys and sells at one rate gains nothing.";
    ControlOffSubledger = "control_off_subledger", Critical, Event, "Control totals are the sum of the entries; a record, or the bank's books, state others.";
    TradeOnUnknownRound = "trade_on_unknown_round", Critical, Event, "An exchange trades on a round that was published.";
    TradeOnVoidedRound = "trade_on_voided_round", Critical, Event, "A voided or refused round does not trade.";
    TradeOnExpiredRound = "trade_on_expired_round", Critical, Event, "A round trades from its publication until its end or the next round, but for quotes that were given on it.";
    TradeOnExpiredQuote = "trade_on_expired_quote", Critical, Event, "A quote is good for its lifetime.";
    TradeOnHaltedPair = "trade_on_halted_pair", Critical, Event, "A halted pair does not trade.";
    TermsOffRound = "terms_off_round", Critical, Event, "An exchange carries the rates of its round.";
    RoundOutsideBand = "round_outside_band", Critical, Event, "A round that trades lies within the band around the one before it.";
    RoundRefused = "round_refused", Warning, Event, "Every round passes the rate guard; one was refused, and its pair is halted.";
    DoubleCompensation = "double_compensation", Critical, Event, "An exchange is reversed at most once.";
    LateCompensation = "late_compensation", Warning, Event, "An exchange is reversed within some days.";
    KeyReused = "key_reused", Critical, Event, "An idempotency key stands for one request; a second record used it.";
    QuoteReused = "quote_reused", Critical, Event, "A quote is used at most once.";
    LimitExceeded = "limit_exceeded", Critical, Event, "A customer stays within the limits into foreign currency, a limited account within its daily cap.";
    Velocity = "velocity", Warning, Event, "A customer exchanges at most so often within a minute.";
    Structuring = "structuring", Warning, Event, "A customer does not keep exchanging amounts just below a threshold.";
    InterestOverlap = "interest_overlap", Critical, Event, "Interest is paid once for every day.";
    InterestOffFormula = "interest_off_formula", Critical, Event, "Interest and both taxes are what the formula makes of the days, sums and rates that the payment names.";
    SagaLate = "saga_late", Warning, Event, "What moves between two ledgers ends within a minute.";
    SagaStuck = "saga_stuck", Critical, Event, "What moves between two ledgers ends within ten minutes.";
    AgedSuspense = "aged_suspense", Warning, Event, "Money in suspense finds its owner within a day.";
    OutboxLag = "outbox_lag", Warning, Condition, "What is durable reaches the bank's books soon.";
    BooksStopped = "books_stopped", Critical, Condition, "The books of every lane go on.";
    DeadLetters = "dead_letters", Warning, Condition, "Every record can be posted to the bank's books.";
}

impl Rule {
    /// The rule of this id.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.as_str() == text)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
