//! Sealed days: a business day that is over for good leaves as files, for whoever computes on the journal without the engine.
//!
//! A day is exported once every lane has passed it, projections and books stand beyond it, nothing of it waits to be redelivered, and,
//! where days are closed, it is closed at these very records.
//! What is exported is read from the store of record and from the books as they are; nothing is made up here, and nothing is put
//! right. The files prove each other by the checks in `sealed/`, which know nothing of hwan's code.
//!
//! | room | what it is |
//! |---|---|
//! | [`bounds`] | which records of each lane belong to a day |
//! | [`sealed`] | whether a day is over for good |
//! | [`export`] | a day into its files |
//! | `rows` | a record as rows |
//! | `controls` | what a lane's accounts held together at the day's end |
//! | [`after_closing`] | exports days as they become sealed, within a running engine |
//! | [`retention`] | lets the journal's rows go that are exported |
//!
//! Bounds: a few thousand records and a row group of each table in memory, however long the day is. Callers: `cli`, `startup`.

pub mod after_closing;
pub mod bounds;
mod controls;
pub mod export;
pub mod retention;
mod rows;
pub mod sealed;

use std::sync::Arc;

use hwan_domain::{currency::CurrencySet, time::BusinessDate};
use hwan_sealed::SealedError;

use crate::{
    accounting::books::{Books, BooksError},
    storage::{general_ledger::books_store::BooksStore, port::StoreError, sealing::port::SealingStore},
};

/// What a day is read from.
#[derive(Clone)]
pub struct DaySource {
    /// The store of record.
    pub store: Arc<dyn SealingStore>,
    /// The books, where they are kept.
    pub books: Option<Books>,
    /// Closings and snapshots, where the back office keeps them.
    pub back_office: Option<Arc<dyn BooksStore>>,
    /// What amounts are counted in.
    pub currencies: Arc<CurrencySet>,
}

/// Why a day was not exported.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The day is not over for good.
    #[error("{date} is not sealed yet: {reason}")]
    NotSealed {
        /// The day.
        date: BusinessDate,
        /// What is missing, and what to do.
        reason: String,
    },
    /// The journal does not hold the whole day any more.
    #[error(
        "the journal of lane {lane} begins after record {begins}, within {date} or later: that day was exported and deleted before"
    )]
    Gone {
        /// The day.
        date: BusinessDate,
        /// The lane.
        lane: hwan_domain::id::LaneId,
        /// The last record that was deleted.
        begins: hwan_domain::id::Seq,
    },
    /// The store of record cannot be read, or is damaged.
    #[error("the engine's store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The books cannot be read, or are damaged.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// The files cannot be written, or differ from what lies there.
    #[error(transparent)]
    Sealed(#[from] SealedError),
}
