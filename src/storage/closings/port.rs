//! The port of closings: what closing a day asks of the store of the books, and what that store promises.
//!
//! Closings are a chain: each names the hash of the one before, and the store takes one only on top of the newest. So days close in
//! their order, each once, whoever closes them and however often. What is sealed is never changed.
//!
//! Callers: `closing`; whoever needs to know what was closed.

use async_trait::async_trait;
use hwan_domain::{
    closing::{Closing, LaneDay},
    time::BusinessDate,
};

use crate::storage::port::StoreError;

/// The most closings that one page brings.
pub const CLOSINGS_PER_PAGE_MAX: usize = 400;

/// What became of a closing that was to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is sealed, durably.
    Sealed,
    /// This very closing was sealed before.
    SealedBefore,
    /// Its date is closed otherwise, or it does not follow the newest closing: nothing was changed.
    Refused,
}

/// Where closings are kept.
#[async_trait]
pub trait ClosingBook: Send + Sync + 'static {
    /// The closing of a date; `None` where it is not closed.
    async fn closing(&self, date: BusinessDate) -> Result<Option<Closing>, StoreError>;

    /// Closings, the newest first, below `before`, at most `limit`; never more than [`CLOSINGS_PER_PAGE_MAX`].
    async fn closings(&self, before: Option<BusinessDate>, limit: usize) -> Result<Vec<Closing>, StoreError>;

    /// Seals a closing on top of the newest one.
    async fn seal(&self, closing: &Closing) -> Result<Sealing, StoreError>;

    /// Every lane that the books know, against the end of a date: one consistent read, by lane.
    async fn lane_days(&self, date: BusinessDate) -> Result<Vec<LaneDay>, StoreError>;

    /// The first business date that the books know of any lane.
    async fn first_day(&self) -> Result<Option<BusinessDate>, StoreError>;
}
