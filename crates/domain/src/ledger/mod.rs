//! The general ledger: the bank's own double entry, derived from the records of its lanes.
//!
//! Every record that moves money becomes one journal, and every journal balances in each currency by itself: what is exchanged
//! passes through a position account per currency and its won equivalent. Nothing here is asked while a customer waits; it is
//! applied to records that are durable, in the order of their lane.
//!
//! | room | what it is |
//! |---|---|
//! | [`chart`] | the chart of accounts: data, by the roles that the posting rules know |
//! | [`account`] | an account of the ledger: a code, and of which currency |
//! | [`journal`] | entries, and the journal that they make |
//! | [`event`] | what the ledger needs to know of a record |
//! | [`posting`] | the posting rules: from a record to its journal |
//! | [`turnover`] | what was debited and credited |
//! | [`trial_balance`] | all accounts' turnovers, and that they balance |
//! | [`position`] | open currency positions, what they have earned, and their limits |

pub mod account;
pub mod chart;
pub mod event;
pub mod journal;
pub mod position;
pub mod posting;
pub mod trial_balance;
pub mod turnover;

pub use account::{AccountCode, LedgerAccount};
pub use chart::{AccountClass, Chart, ChartAccount, ChartError, Role};
pub use event::{Deal, LedgerEvent};
pub use journal::{Entries, Entry, EntrySide, Journal, JournalKind};
pub use position::{CurrencyPosition, Mark, PositionError, PositionLimit, Valuation, positions};
pub use posting::{PostingError, journal_of, post};
pub use trial_balance::{TrialBalance, TrialLine};
pub use turnover::Turnover;
