//! The order of a lane: numbers without a gap, a time and a date that do not go back, a chain of hashes, one owner, and nothing
//! after a closing.

use std::collections::VecDeque;

use super::{
    alert::{Alert, Subject},
    rule::Rule,
};
use crate::{
    id::{LaneId, Position, Seq},
    record::Record,
    time::{BusinessDate, Timestamp},
};

/// A record's link in its lane's chain.
pub type Link = [u8; 32];

/// How many links are remembered, to judge what comes again.
const LINKS_MAX: usize = 1_024;

/// A record as it comes to the watch.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its hash, as it came.
    pub hash: Link,
    /// The hash that its text and the hash before it make, as whoever brings it computed it; `None` where the hash before it is
    /// not known.
    pub computed: Option<Link>,
    /// The epoch of the owner that brought it out, where that is known.
    pub epoch: Option<u64>,
}

/// Whether a record is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It follows, with or without a gap.
    New,
    /// It follows, and records before it are missing.
    AfterGap,
    /// It was here before.
    Repeat,
}

/// Where a lane's order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneOrder {
    lane: LaneId,
    /// The newest record.
    pub seq: Seq,
    /// Its hash.
    pub hash: Link,
    /// Its time.
    pub at: Timestamp,
    /// Its date.
    pub date: BusinessDate,
    epoch: Option<u64>,
    links: VecDeque<(Seq, u64)>,
    /// The last day that is closed, and its last record.
    closed: Option<(BusinessDate, Seq)>,
}

/// The part of a link that is remembered.
fn short(link: Link) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = link;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl LaneOrder {
    /// Of a lane at its beginning, or where one begins to watch it: after this record.
    pub fn after(lane: LaneId, seq: Seq, hash: Link) -> Self {
        let epoch_began = Timestamp::from_micros(0);
        Self {
            lane,
            seq,
            hash,
            at: epoch_began,
            date: BusinessDate::from_days(i32::MIN),
            epoch: None,
            links: VecDeque::new(),
            closed: None,
        }
    }

    /// As it was when it was put away. What came shortly before is not remembered.
    pub(super) fn restored(
        lane: LaneId,
        seq: Seq,
        hash: Link,
        at: Timestamp,
        date: BusinessDate,
        epoch: Option<u64>,
    ) -> Self {
        Self { at, date, epoch, ..Self::after(lane, seq, hash) }
    }

    /// The epoch of the newest owner that was seen.
    pub const fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// A day was closed, with this record as the lane's last. A record of that day that was here already is told, once.
    pub fn close(&mut self, date: BusinessDate, last: Seq, alerts: &mut Vec<Alert>) {
        if self.closed.is_some_and(|(closed, _)| closed >= date) {
            return;
        }
        self.closed = Some((date, last));
        alerts.extend(after_close(date, last, Position::new(self.lane, self.seq), self.date, self.at));
    }

    /// Judges a record's place and moves on to it.
    pub fn observe(&mut self, sighting: &Sighting<'_>, alerts: &mut Vec<Alert>) -> Arrival {
        let record = sighting.record;
        let (position, seq) = (record.position, record.position.seq());
        let subject = Subject::Lane(self.lane);
        let mut raise = |rule, expected: String, found: String| {
            alerts.push(Alert::at_record(rule, subject, (position, record.at), expected, found));
        };
        if let (Some(known), Some(came)) = (self.epoch, sighting.epoch)
            && came < known
            && seq > self.seq
        {
            raise(Rule::TwoOwners, format!("epoch {known} or later"), format!("epoch {came}"));
        }
        if seq <= self.seq {
            if let Some(known) = self.link_of(seq).filter(|known| *known != short(sighting.hash)) {
                let found = format!("hash {:016x}", short(sighting.hash));
                raise(Rule::ChainBroken, format!("hash {known:016x} at this place"), found);
            }
            return Arrival::Repeat;
        }
        let follows = self.seq.next() == Some(seq);
        if !follows {
            let expected = self.seq.next().unwrap_or(self.seq);
            raise(Rule::SequenceGap, format!("record {expected}"), format!("record {seq}"));
        } else if let Some(computed) = sighting.computed.filter(|computed| *computed != sighting.hash) {
            let (expected, found) = (short(computed), short(sighting.hash));
            raise(Rule::ChainBroken, format!("hash {expected:016x}"), format!("hash {found:016x}"));
        }
        if record.at < self.at {
            raise(Rule::TimeBack, format!("at {} or later", self.at), format!("at {}", record.at));
        }
        if record.business_date < self.date {
            raise(Rule::DateBack, format!("{} or later", self.date), record.business_date.to_string());
        }
        if let Some((closed, last)) = self.closed
            && let Some(alert) = after_close(closed, last, position, record.business_date, record.at)
        {
            alerts.push(alert);
        }
        self.seq = seq;
        self.hash = sighting.hash;
        self.at = self.at.max(record.at);
        self.date = self.date.max(record.business_date);
        self.epoch = self.epoch.max(sighting.epoch);
        if self.links.len() >= LINKS_MAX {
            self.links.pop_front();
        }
        self.links.push_back((seq, short(sighting.hash)));
        if follows { Arrival::New } else { Arrival::AfterGap }
    }

    fn link_of(&self, seq: Seq) -> Option<u64> {
        let at = self.links.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        self.links.get(at).map(|(_, link)| *link)
    }
}

/// A record that is dated to a closed day lies within what was closed.
pub fn after_close(
    closed: BusinessDate,
    last: Seq,
    position: Position,
    date: BusinessDate,
    at: Timestamp,
) -> Option<Alert> {
    (date <= closed && position.seq() > last).then(|| {
        let expected = format!("no record after {last} of lane {} on {closed} or before", position.lane());
        let found = format!("record {} on {date}", position.seq());
        Alert::at_record(Rule::EntryAfterClose, Subject::Date(date), (position, at), expected, found)
    })
}
