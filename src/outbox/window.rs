//! What a lane's relay has given away and does not know to be delivered yet: bounded, and checked before it goes.

use std::collections::VecDeque;

use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};

use crate::storage::{
    codec,
    port::{ChainHash, JournalRow},
};

/// Records of a lane under way at most.
pub(super) const RECORDS_MAX: usize = 8_192;
/// What they take together at most, in bytes; one record goes whatever it takes.
pub(super) const BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// A place in a lane's journal: a record's seq and hash.
pub(super) type Place = (Seq, ChainHash);

#[derive(Debug)]
struct Sent {
    place: Place,
    at: Timestamp,
    bytes: usize,
}

/// What is under way of a lane.
#[derive(Debug)]
pub(super) struct Window {
    sent: VecDeque<Sent>,
    bytes: usize,
    last: Place,
    settled: Place,
}

impl Window {
    /// Nothing is under way, everything up to here is delivered.
    pub(super) fn after(place: Place) -> Self {
        Self { sent: VecDeque::new(), bytes: 0, last: place, settled: place }
    }

    /// Whether another record may go.
    pub(super) fn has_room(&self) -> bool {
        self.sent.is_empty() || (self.sent.len() < RECORDS_MAX && self.bytes < BYTES_MAX)
    }

    /// Where the last record stands that went, or was delivered before.
    pub(super) fn last(&self) -> Place {
        self.last
    }

    /// Up to where everything is delivered.
    pub(super) fn settled(&self) -> Place {
        self.settled
    }

    /// When the oldest record was sequenced that is under way.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.sent.front().map(|sent| sent.at)
    }

    /// Why a record must not go: it does not follow the last one, or is not what its hash says.
    pub(super) fn breach(&self, lane: LaneId, row: &JournalRow) -> Option<String> {
        let (seq, hash) = self.last;
        let position = row.record.position;
        if position.lane() != lane || Some(position.seq()) != seq.next() {
            return Some(format!("{position:?} follows {seq} of lane {lane}"));
        }
        (codec::chain(hash, &row.body) != row.hash)
            .then(|| format!("record {} of lane {lane} is not what its hash {:?} says", position.seq(), row.hash))
    }

    /// A record went.
    pub(super) fn went(&mut self, row: &JournalRow) {
        let sent = Sent { place: (row.record.position.seq(), row.hash), at: row.record.at, bytes: row.body.len() };
        self.bytes += sent.bytes;
        self.last = sent.place;
        self.sent.push_back(sent);
    }

    /// Everything up to this record is delivered; returns how many that were new.
    pub(super) fn settle(&mut self, delivered: Seq) -> u64 {
        let before = self.settled.0;
        while self.sent.front().is_some_and(|sent| sent.place.0 <= delivered)
            && let Some(sent) = self.sent.pop_front()
        {
            self.bytes -= sent.bytes;
            self.settled = sent.place;
        }
        self.settled.0.number() - before.number()
    }

    /// For which record it is worth to wait: where the window is full, for half of it, so that it is filled in large steps.
    pub(super) fn awaited(&self) -> Option<Seq> {
        let index = if self.has_room() { self.sent.len().checked_sub(1)? } else { self.sent.len() / 2 };
        self.sent.get(index).map(|sent| sent.place.0)
    }
}

#[cfg(test)]
mod tests {
    use hwan_domain::record::{Event, Record};

    use super::*;
    use crate::storage::conformance::fixture::{exchange_of_scenario_s01, seq};

    fn row(number: u64, previous: ChainHash) -> JournalRow {
        let record = exchange_of_scenario_s01();
        let position = hwan_domain::id::Position::new(LaneId::FIRST, seq(number));
        let record = Record { position, event: Event::DateRolled { date: record.business_date }, ..record };
        let body = codec::encode(&record);
        let hash = codec::chain(previous, &body);
        JournalRow { record: record.into(), body: body.into(), hash }
    }

    #[test]
    fn only_the_next_record_of_the_chain_may_go() {
        let mut window = Window::after((Seq::ZERO, ChainHash::GENESIS));
        let first = row(1, ChainHash::GENESIS);
        assert_eq!(window.breach(LaneId::FIRST, &first), None);
        window.went(&first);
        let second = row(2, first.hash);
        assert_eq!(window.breach(LaneId::FIRST, &second), None);
        assert!(window.breach(LaneId::FIRST, &first).is_some(), "again");
        assert!(window.breach(LaneId::FIRST, &row(3, first.hash)).is_some(), "a gap");
        assert!(window.breach(LaneId::SYSTEM, &second).is_some(), "another lane's");
        assert!(window.breach(LaneId::FIRST, &row(2, ChainHash::GENESIS)).is_some(), "of another chain");
        let changed = JournalRow { body: second.body.replace("branch", "branck").into(), ..second };
        assert!(window.breach(LaneId::FIRST, &changed).is_some(), "changed");
    }

    #[test]
    fn it_is_bounded_and_settles_from_its_old_end() {
        let mut window = Window::after((Seq::ZERO, ChainHash::GENESIS));
        let row = row(1, ChainHash::GENESIS);
        assert_eq!((window.awaited(), window.oldest()), (None, None));
        let mut number = 0;
        while window.has_room() {
            number += 1;
            let position = hwan_domain::id::Position::new(LaneId::FIRST, seq(number));
            window.went(&JournalRow { record: Record { position, ..(*row.record).clone() }.into(), ..row.clone() });
        }
        assert_eq!(number, u64::try_from(RECORDS_MAX).unwrap());
        assert_eq!(window.awaited(), Some(seq(number / 2 + 1)));
        assert_eq!(window.settle(seq(number - 2)), number - 2);
        assert_eq!((window.settled().0, window.last().0), (seq(number - 2), seq(number)));
        assert_eq!((window.settle(seq(5)), window.awaited()), (0, Some(seq(number))));
        assert_eq!(window.settle(seq(number)), 2);
        assert_eq!((window.awaited(), window.oldest()), (None, None));
    }
}
