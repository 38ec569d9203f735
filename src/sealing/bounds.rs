//! Which records of each lane belong to a business date. Dates never decrease within a lane, so both ends are found by halves, some
//! fifty reads by primary key, whatever the time zone of the bank's day is.

use hwan_domain::{
    id::{LaneId, Seq},
    record::Event,
    time::BusinessDate,
};

use super::SealingError;
use crate::storage::port::{ChainHash, JournalRow, LaneHead, LedgerStore, StoreError};

/// The records of a lane that belong to a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDay {
    /// The lane.
    pub lane: LaneId,
    /// The last record before the date, and its hash; the lane's beginning where there was none.
    pub after: (Seq, ChainHash),
    /// The date's last record, and its hash; the same where it had none.
    pub last: (Seq, ChainHash),
    /// Up to where the projections have followed.
    pub projected: Seq,
}

impl LaneDay {
    /// How many records the date has.
    pub fn records(&self) -> u64 {
        self.last.0.number().saturating_sub(self.after.0.number())
    }
}

/// Where a date lies in a lane.
pub enum Bounds {
    /// It is over there.
    Passed(LaneDay),
    /// The lane still stands at it or before it.
    NotPassed,
}

/// The record at a place that the journal has.
pub(super) async fn row_at(store: &dyn LedgerStore, lane: LaneId, seq: Seq) -> Result<JournalRow, StoreError> {
    let row = store.journal(lane, seq, 1).await?.into_iter().next();
    row.filter(|row| row.record.position.seq() == seq)
        .ok_or_else(|| StoreError::Damaged(format!("record {seq} of lane {lane} is missing")))
}

/// Finds a date in a lane.
pub async fn find(store: &dyn LedgerStore, head: &LaneHead, date: BusinessDate) -> Result<Bounds, SealingError> {
    let lane = head.lane;
    let (begins, begins_hash) = store.journal_begins(lane).await?;
    let (low, high) = (begins.number() + 1, head.seq.number() + 1);
    if head.seq == Seq::ZERO {
        // Nothing ever happened there.
        let start = (Seq::ZERO, ChainHash::GENESIS);
        return Ok(Bounds::Passed(LaneDay { lane, after: start, last: start, projected: head.projected }));
    }
    let beyond = first_from(store, lane, low, high, date.next()).await?;
    if beyond == high {
        return Ok(Bounds::NotPassed);
    }
    let first = first_from(store, lane, low, beyond, date).await?;
    if begins > Seq::ZERO && first == low {
        // What was before is gone. The day is whole only if it begins here, as each one does, by passing on to its date.
        let row = row_at(store, lane, seq(first)?).await?;
        if row.record.business_date != date || !matches!(row.record.event, Event::DateRolled { .. }) {
            return Err(SealingError::Gone { date, lane, begins });
        }
    }
    let hash_before = async |next: u64| -> Result<(Seq, ChainHash), SealingError> {
        let before = seq(next.saturating_sub(1))?;
        let hash = if before == begins { begins_hash } else { row_at(store, lane, before).await?.hash };
        Ok((before, hash))
    };
    let (after, last) = (hash_before(first).await?, hash_before(beyond).await?);
    Ok(Bounds::Passed(LaneDay { lane, after, last, projected: head.projected }))
}

/// The first record from `low` on whose date is not before `date`; `high` if there is none below it.
async fn first_from(
    store: &dyn LedgerStore,
    lane: LaneId,
    mut low: u64,
    mut high: u64,
    date: BusinessDate,
) -> Result<u64, StoreError> {
    while low < high {
        let middle = low + (high - low) / 2;
        if row_at(store, lane, seq(middle)?).await?.record.business_date < date {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn seq(number: u64) -> Result<Seq, StoreError> {
    Seq::new(number).ok_or_else(|| StoreError::Damaged(format!("{number} is not a sequence number")))
}
