//! A lane's state in memory, with the alerts that wait to be told; and as it is put away.
//!
//! Alerts stay here until they are stored, and nothing is put away before: so a death between the two judges the same records again,
//! and makes the same alerts.

use std::sync::Arc;

use hwan_domain::{
    anomaly::{
        Alert, Arrival, LaneWatch, RoundsSeen, Sighting, WatchPolicy,
        pack::{pack_lane, pack_rounds, unpack_lane, unpack_rounds},
    },
    currency::CurrencySet,
    id::{LaneId, Seq},
    record::Record,
    time::Timestamp,
};

use crate::storage::{
    alerts::port::Checkpoint,
    codec,
    port::{ChainHash, JournalRow},
};

/// Alerts of one lane that wait to be told, at most: what is beyond is counted, and the log says so.
const PENDING_MAX: usize = 1_024;

/// A record as it comes, from wherever.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The record.
    pub record: Arc<Record>,
    /// Its text.
    pub body: Arc<str>,
    /// Its hash, as it came.
    pub hash: ChainHash,
    /// The epoch of the owner that brought it out, where that is known.
    pub epoch: Option<u64>,
    /// Of its message, where it came as one.
    pub offset: Option<i64>,
}

impl Delivery {
    /// A row of the journal.
    pub fn of_row(row: JournalRow, epoch: Option<u64>) -> Self {
        Self { record: row.record, body: row.body, hash: row.hash, epoch, offset: None }
    }
}

/// A lane's state.
#[derive(Debug)]
pub struct LaneState {
    /// What the rules know of it.
    pub watch: LaneWatch,
    /// What waits to be told.
    pub pending: Vec<Alert>,
    /// Alerts that were too many at once.
    pub suppressed: u64,
    /// Of the next message, where records come as messages.
    pub offset: Option<i64>,
    /// Records since it was last put away.
    pub unsaved: u64,
}

impl LaneState {
    /// A state from which nothing was told yet.
    pub const fn new(watch: LaneWatch, offset: Option<i64>) -> Self {
        Self { watch, pending: Vec::new(), suppressed: 0, offset, unsaved: 0 }
    }

    /// Where it stands.
    pub const fn seq(&self) -> Seq {
        self.watch.order().seq
    }

    /// Judges records and follows them.
    pub fn take(&mut self, deliveries: &[Delivery], rounds: &mut RoundsSeen, policy: &WatchPolicy) {
        let mut alerts = std::mem::take(&mut self.pending);
        for delivery in deliveries {
            let order = self.watch.order();
            let follows = order.seq.next() == Some(delivery.record.position.seq());
            let previous = ChainHash(order.hash);
            let computed = follows.then(|| codec::chain_bytes(previous, delivery.body.as_bytes()).0);
            let sighting =
                Sighting { record: &delivery.record, hash: delivery.hash.0, computed, epoch: delivery.epoch };
            if self.watch.observe(&sighting, rounds, policy, &mut alerts) != Arrival::Repeat {
                self.unsaved = self.unsaved.saturating_add(1);
            }
            if let Some(offset) = delivery.offset {
                self.offset = Some(self.offset.unwrap_or(0).max(offset.saturating_add(1)));
            }
        }
        self.keep(alerts);
    }

    /// Keeps alerts until they are told, as many as there is room for.
    pub fn keep(&mut self, mut alerts: Vec<Alert>) {
        if alerts.len() > PENDING_MAX {
            let beyond = alerts.len() - PENDING_MAX;
            self.suppressed = self.suppressed.saturating_add(u64::try_from(beyond).unwrap_or(u64::MAX));
            tracing::error!(lane = %self.watch.lane(), beyond, "too many alerts at once: those beyond are not told");
            alerts.truncate(PENDING_MAX);
        }
        self.pending = alerts;
    }

    /// As it is put away; the rounds go with the system lane.
    pub fn checkpoint(&self, rounds: Option<&RoundsSeen>, at: Timestamp) -> Checkpoint {
        let lane = pack_lane(&self.watch);
        let mut body = u64::try_from(lane.len()).unwrap_or(u64::MAX).to_le_bytes().to_vec();
        body.extend_from_slice(&lane);
        if let Some(rounds) = rounds {
            body.extend_from_slice(&pack_rounds(rounds));
        }
        let order = self.watch.order();
        Checkpoint {
            lane: self.watch.lane(),
            seq: order.seq,
            hash: ChainHash(order.hash),
            offset: self.offset,
            at,
            body,
        }
    }
}

/// A state as it was put away, and the rounds that went with it; `None` where it cannot be read, or is of another version.
pub fn taken_back(checkpoint: &Checkpoint, currencies: &CurrencySet) -> Option<(LaneState, Option<RoundsSeen>)> {
    let (length, rest) = checkpoint.body.split_first_chunk::<8>()?;
    let (lane, rounds) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let watch = unpack_lane(lane, currencies)?;
    let order = watch.order();
    let is_its = watch.lane() == checkpoint.lane && order.seq == checkpoint.seq && order.hash == checkpoint.hash.0;
    if !is_its {
        return None;
    }
    let rounds = match checkpoint.lane == LaneId::SYSTEM {
        true => Some(unpack_rounds(rounds, currencies)?),
        false => None,
    };
    Some((LaneState::new(watch, checkpoint.offset), rounds))
}
