//! Closes business dates: draws a closing up from what the books hold, and seals it on top of the one before.
//!
//! What a closing holds can change no more once its day can be closed (see the domain), so it is read without a lock, and drawn up
//! again it is the same. A stored closing that is not is damage: nothing is closed on top of it.

use std::sync::Arc;

use hwan_domain::{
    closing::{Closing, ClosingDifference, LaneClosing, LaneDay, Missing, Seal, missing, next_to_close},
    id::{LaneId, Seq},
    ledger::TrialBalance,
    time::BusinessDate,
};

pub use crate::storage::closings::port::CLOSINGS_PER_PAGE_MAX;
use crate::{
    accounting::books::BooksError,
    storage::{closings::port::Sealing, codec::digest, general_ledger::books_store::BooksStore, port::StoreError},
};

/// Why a date is not closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// Something is missing yet, for this date or for an earlier one.
    #[error("{date} cannot be closed yet: {}", shown(.missing))]
    NotYet {
        /// The first date that is not closed.
        date: BusinessDate,
        /// What is missing.
        missing: Vec<Missing>,
    },
    /// It lies before the first that the books know.
    #[error("{date} lies before the first business date of the books")]
    NoSuchDay {
        /// Which.
        date: BusinessDate,
    },
    /// What the books say of a closed date is not what was closed.
    #[error("the closing of {date} is not what the books say now: {difference}")]
    Differs {
        /// Which.
        date: BusinessDate,
        /// Where.
        difference: ClosingDifference,
    },
    /// The books cannot be read or written.
    #[error(transparent)]
    Books(#[from] BooksError),
}

impl From<StoreError> for CloseError {
    fn from(error: StoreError) -> Self {
        Self::Books(error.into())
    }
}

/// What is missing, one after the other.
pub fn shown(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The date that is to be closed next, and what is missing for it: nothing where it can be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextDay {
    /// The date.
    pub business_date: BusinessDate,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// Closes dates. Cheap to clone.
#[derive(Clone)]
pub struct Closer {
    books: Arc<dyn BooksStore>,
    lanes: Arc<[LaneId]>,
}

impl std::fmt::Debug for Closer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closer").field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}

impl Closer {
    /// Of the books of an engine with so many lanes of customers, beside the system lane.
    pub fn new(books: Arc<dyn BooksStore>, customer_lanes: u16) -> Self {
        Self { books, lanes: (0..=customer_lanes).filter_map(LaneId::new).collect() }
    }

    /// The closing of a date; `None` where it is not closed.
    pub async fn closing(&self, date: BusinessDate) -> Result<Option<Closing>, CloseError> {
        Ok(self.books.closing(date).await?)
    }

    /// Closings, the newest first, below `before`.
    pub async fn closings(&self, before: Option<BusinessDate>, limit: usize) -> Result<Vec<Closing>, CloseError> {
        Ok(self.books.closings(before, limit.clamp(1, CLOSINGS_PER_PAGE_MAX)).await?)
    }

    /// The newest closing.
    pub async fn newest(&self) -> Result<Option<Closing>, CloseError> {
        Ok(self.books.closings(None, 1).await?.pop())
    }

    /// The date that is to be closed next; `None` while the books know none.
    pub async fn next(&self) -> Result<Option<NextDay>, CloseError> {
        let newest = self.newest().await?;
        self.after(newest.as_ref()).await
    }

    async fn after(&self, newest: Option<&Closing>) -> Result<Option<NextDay>, CloseError> {
        let last = newest.map(|closing| closing.business_date);
        let Some(business_date) = next_to_close(last, self.books.first_day().await?) else { return Ok(None) };
        let missing = missing(&self.lanes, &self.books.lane_days(business_date).await?);
        Ok(Some(NextDay { business_date, missing }))
    }

    /// Closes a date, and before it every earlier one that is not closed. One that is closed is drawn up again and compared.
    pub async fn close(&self, date: BusinessDate) -> Result<Closing, CloseError> {
        if let Some(closing) = self.books.closing(date).await? {
            self.check(&closing).await?;
            return Ok(closing);
        }
        loop {
            let newest = self.newest().await?;
            let Some(next) = self.after(newest.as_ref()).await? else {
                let missing = self.lanes.iter().map(|lane| Missing::NoRecord { lane: *lane }).collect();
                return Err(CloseError::NotYet { date, missing });
            };
            if date < next.business_date {
                return Err(CloseError::NoSuchDay { date });
            }
            let closing = self.close_next(newest, next).await?;
            if closing.business_date == date {
                return Ok(closing);
            }
        }
    }

    /// Closes the next date, if it can be closed.
    pub async fn close_one(&self) -> Result<Option<Closing>, CloseError> {
        let newest = self.newest().await?;
        match self.after(newest.as_ref()).await? {
            Some(next) if next.missing.is_empty() => self.close_next(newest, next).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn close_next(&self, newest: Option<Closing>, next: NextDay) -> Result<Closing, CloseError> {
        let NextDay { business_date: date, missing } = next;
        if !missing.is_empty() {
            return Err(CloseError::NotYet { date, missing });
        }
        if let Some(newest) = &newest {
            self.check(newest).await?;
        }
        let closing = self.draw_up(date, newest.map_or(Seal::GENESIS, |newest| newest.hash)).await?;
        match self.books.seal(&closing).await? {
            Sealing::Sealed => {
                tracing::info!(business_date = %date, hash = %closing.hash, "a business date is closed");
                Ok(closing)
            }
            Sealing::SealedBefore => Ok(closing),
            Sealing::Refused => match self.books.closing(date).await? {
                Some(stored) => Err(CloseError::Differs {
                    date,
                    difference: stored.differs(&closing).unwrap_or(ClosingDifference::Text),
                }),
                None => {
                    let why = "others close days at this moment: try again".to_owned();
                    Err(CloseError::Books(BooksError::Unavailable(why)))
                }
            },
        }
    }

    /// Draws a stored closing up again and compares: whether what the books say of its date is what was closed.
    pub async fn check(&self, closing: &Closing) -> Result<(), CloseError> {
        let again = self.draw_up(closing.business_date, closing.previous).await?;
        match closing.differs(&again) {
            None => Ok(()),
            Some(difference) => Err(CloseError::Differs { date: closing.business_date, difference }),
        }
    }

    async fn draw_up(&self, date: BusinessDate, previous: Seal) -> Result<Closing, CloseError> {
        let days = self.books.lane_days(date).await?;
        let mut lanes = Vec::with_capacity(days.len());
        for day in days {
            lanes.extend(self.lane(date, day).await?);
        }
        Ok(Closing::draw_up(date, previous, lanes, digest))
    }

    /// Where a lane stood at the end of a date; `None` where it had no record by then.
    async fn lane(&self, date: BusinessDate, day: LaneDay) -> Result<Option<LaneClosing>, CloseError> {
        let Some(seq) = day.last().filter(|last| *last > Seq::ZERO) else { return Ok(None) };
        let LaneDay { lane, .. } = day;
        let trail = self.books.trail(lane, seq, 1).await?;
        let Some((_, hash)) = trail.first().filter(|(at, _)| *at == seq) else {
            let what = format!("the trail has no hash of record {seq} of lane {lane}, which was taken");
            return Err(CloseError::Books(BooksError::Damaged(what)));
        };
        let lines = self.books.turnovers(Some(date), Some(lane)).await?;
        Ok(Some(LaneClosing { lane, seq, hash: Seal(hash.0), totals: TrialBalance::of(Some(date), lines) }))
    }
}
