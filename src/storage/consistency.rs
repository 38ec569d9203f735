//! What a batch or a step must be by itself, before any store looks at where a lane stands. A breach is a bug of the
//! sender's: it is refused by every store in the same words, and never written.

use std::sync::Arc;

use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Seq},
    record::{KeyDigest, Record},
    time::{BusinessDate, Timestamp},
};

use super::port::{ChainHash, CommitBatch, StoreError, TakenLane};

/// The last record of a lane's journal: its seq, its hash, and when it was.
pub(super) type JournalEnd = (Seq, ChainHash, (Timestamp, BusinessDate));

/// A lane's row and its journal must tell one story.
pub(super) fn journal_and_lane_agree(
    lane: LaneId,
    taken: &TakenLane,
    end: Option<JournalEnd>,
) -> Result<(), StoreError> {
    let (seq, hash, at) = end.map_or((Seq::ZERO, ChainHash::GENESIS, None), |(seq, hash, at)| (seq, hash, Some(at)));
    if (seq, hash, at) == (taken.seq, taken.hash, taken.last) {
        return Ok(());
    }
    Err(StoreError::Damaged(format!(
        "lane {lane} stands at {} with hash {:?}, its journal ends at {seq} with hash {hash:?}: restore the ledger, and never \
         edit it by hand",
        taken.seq, taken.hash
    )))
}

/// A key that stands twice among a batch's keys.
pub(super) fn twice(keys: &[KeyDigest]) -> Option<KeyDigest> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(*first),
        _ => None,
    })
}

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

/// A cursor of the outbox that would pass the journal: the caller publishes what is not committed.
pub(super) fn published_ahead(lane: LaneId, to: Seq, head: Seq) -> StoreError {
    StoreError::Damaged(format!("the outbox of lane {lane} says it has published {to}, ahead of the journal at {head}"))
}

/// A cursor of the outbox beyond the journal: it was shortened beneath it.
pub(super) fn published_went_back(lane: LaneId, head: Seq, published: Seq) -> StoreError {
    StoreError::Damaged(format!(
        "the store went back: lane {lane} stands at {head}, its outbox has published up to {published}; restore a whole backup"
    ))
}

/// A stored currency must count in what is configured: else every stored amount of it would mean something else.
pub(super) fn same_currency(currencies: &CurrencySet, code: &str, stored_digits: i64) -> Result<(), StoreError> {
    let configured = currencies.find(code).map(|currency| i64::from(currency.minor_digits()));
    if configured == Some(stored_digits) {
        return Ok(());
    }
    let configured = configured.map_or("not at all".to_owned(), |digits| format!("with {digits}"));
    Err(StoreError::Unsafe(format!(
        "currency {code} is stored with {stored_digits} minor digits and configured {configured}: a ledger's currencies can \
         be added to, not changed; configure it as it was"
    )))
}
