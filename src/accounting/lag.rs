//! How far the books are behind the engine, lane by lane.

use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};

use super::books::LaneProgress;

/// A lane of the books beside the lane of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneLag {
    /// The lane.
    pub lane: LaneId,
    /// The engine's newest durable record.
    pub engine: Seq,
    /// The newest record that is posted.
    pub ledger: Seq,
    /// When that was sequenced; `None` at the beginning.
    pub posted_at: Option<Timestamp>,
    /// Since when the oldest record that is not posted waits; `None` where none does, or it is not known.
    pub waits_since: Option<Timestamp>,
    /// Why the lane's books stopped, if they did.
    pub stopped: Option<String>,
    /// How many of its records could not be posted and wait to be redelivered.
    pub dead_letters: u64,
}

impl LaneLag {
    /// How many records are not posted yet.
    pub fn records(&self) -> u64 {
        self.engine.number().saturating_sub(self.ledger.number())
    }

    /// For how long the oldest of them has waited, in microseconds.
    pub fn micros(&self, now: Timestamp) -> i64 {
        self.waits_since.map_or(0, |since| now.micros().saturating_sub(since.micros()).max(0))
    }

    /// Whether all of the lane is posted and nothing is wrong with it.
    pub fn is_settled(&self) -> bool {
        self.records() == 0 && self.stopped.is_none() && self.dead_letters == 0
    }
}

/// Each lane of the engine, by its newest durable record, with its books; by lane. A lane without books is at its beginning.
pub fn lanes(heads: impl IntoIterator<Item = (LaneId, Seq)>, progress: &[LaneProgress]) -> Vec<LaneLag> {
    let mut lanes: Vec<LaneLag> = heads
        .into_iter()
        .map(|(lane, engine)| {
            let books = progress.iter().find(|books| books.lane == lane);
            LaneLag {
                lane,
                engine,
                ledger: books.map_or(Seq::ZERO, |books| books.seq),
                posted_at: books.and_then(|books| books.at),
                waits_since: None,
                stopped: books.and_then(|books| books.stopped.clone()),
                dead_letters: books.map_or(0, |books| books.dead_letters),
            }
        })
        .collect();
    lanes.sort_by_key(|lane| lane.lane);
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::books::ChainHash;

    #[test]
    fn a_lag_is_counted_in_records_and_in_the_age_of_the_oldest_that_waits() {
        let seq = |number| Seq::new(number).unwrap();
        let (system, first) = (LaneId::SYSTEM, LaneId::FIRST);
        let books = LaneProgress {
            lane: first,
            seq: seq(7),
            hash: ChainHash::GENESIS,
            at: Some(Timestamp::from_micros(5)),
            stopped: None,
            dead_letters: 0,
        };
        let mut lanes = lanes([(first, seq(10)), (system, seq(2))], &[books]);
        assert_eq!(lanes.iter().map(|lane| (lane.lane, lane.records())).collect::<Vec<_>>(), [(system, 2), (first, 3)]);
        assert_eq!(lanes[0].ledger, Seq::ZERO);
        lanes[1].waits_since = Some(Timestamp::from_micros(1_000));
        assert_eq!(lanes[1].micros(Timestamp::from_micros(4_000)), 3_000);
        assert_eq!((lanes[1].micros(Timestamp::from_micros(0)), lanes[0].micros(Timestamp::from_micros(9))), (0, 0));
        assert!(!lanes[1].is_settled());
        lanes[1].engine = seq(7);
        assert!(lanes[1].is_settled());
        lanes[1].dead_letters = 1;
        assert!(!lanes[1].is_settled());
    }
}
