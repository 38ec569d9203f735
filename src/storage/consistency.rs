//! What a batch or a step must be by itself, before any store looks at where a lane stands. A breach is a bug of the
//! sender's: it is refused by every store in the same words, and never written.

use std::sync::Arc;

use hwan_domain::{
    id::{LaneId, Seq},
    record::Record,
};

use super::port::{CommitBatch, StoreError};

/// What is wrong with a batch: no rows, or rows that do not follow each other from where it begins.
pub(super) fn wrong_batch(batch: &CommitBatch) -> Option<String> {
    if batch.rows.is_empty() {
        return Some("the batch has no rows".into());
    }
    let mut before = batch.from;
    for row in &batch.rows {
        let position = row.record.position;
        if position.lane() != batch.lane || Some(position.seq()) != before.next() {
            return Some(format!("the batch has a gap: {position:?} follows {before} of lane {}", batch.lane));
        }
        before = position.seq();
    }
    None
}

/// Where a projection step ends, if its records follow each other from where it begins.
pub(super) fn step_end(lane: LaneId, from: Seq, records: &[Arc<Record>]) -> Result<Seq, StoreError> {
    let mut to = from;
    for record in records {
        let position = record.position;
        if position.lane() != lane || Some(position.seq()) != to.next() {
            return Err(StoreError::Damaged(format!(
                "the projection step has a gap: {position:?} follows {to} of lane {lane}"
            )));
        }
        to = position.seq();
    }
    Ok(to)
}

/// A step beyond the journal: the caller projects what is not committed.
pub(super) fn ahead(lane: LaneId, to: Seq, head: Seq) -> StoreError {
    StoreError::Damaged(format!("the projection step of lane {lane} to {to} is ahead of the journal at {head}"))
}

/// Projections beyond the journal: it was shortened beneath them.
pub(super) fn went_back(lane: LaneId, head: Seq, projected: Seq) -> StoreError {
    StoreError::Damaged(format!(
        "the store went back: lane {lane} stands at {head}, its projections have followed to {projected}; restore a \
         whole backup"
    ))
}
