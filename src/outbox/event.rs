//! What a record is called outside: the event's id, type, key and headers, by CloudEvents in binary mode.
//!
//! The event's body is the record's canonical text as it stands in the journal, byte for byte: so whoever reads the events can
//! verify the chain, SHA-256 over `ce_previoushash`'s 32 bytes and the body being `ce_hash`. Pure; `docs/events.md` explains it
//! to those who read.

use std::fmt::Write as _;

use hwan_domain::{
    id::{CustomerId, LaneId, Position, Seq},
    record::{Event, Record},
};

use crate::storage::port::{ChainHash, Epoch, JournalRow};

/// The version of the events: a change that an old reader would not survive gets another, and another topic.
pub const VERSION: &str = "v1";
/// Header: the version of CloudEvents.
pub const SPEC_VERSION: &str = "ce_specversion";
/// Header: the event's id, lane and seq, such as `3-1042`. A repeat has the same.
pub const ID: &str = "ce_id";
/// Header: where it comes from, such as `/hwan/lanes/3`.
pub const SOURCE: &str = "ce_source";
/// Header: what happened, such as `hwan.ledger.exchanged.v1`.
pub const TYPE: &str = "ce_type";
/// Header: when it was sequenced.
pub const TIME: &str = "ce_time";
/// Header: the form of the body.
pub const CONTENT_TYPE: &str = "content-type";
/// Header: the epoch of the lane's owner that published it.
pub const EPOCH: &str = "ce_epoch";
/// Header: the record's link in the chain, 64 hexadecimal digits.
pub const HASH: &str = "ce_hash";
/// Header: the link before it.
pub const PREVIOUS_HASH: &str = "ce_previoushash";
/// How many headers an event has.
pub const HEADERS: usize = 9;

/// The type of the event that an event of the journal by this name is.
pub fn type_of(name: &str) -> String {
    format!("hwan.ledger.{name}.{VERSION}")
}

/// The key: whose state changed first, as text; `None` where the event is the whole lane's.
pub fn key(record: &Record) -> Option<String> {
    let customer = match &record.event {
        Event::CustomerOpened { .. } => Some(CustomerId::at(record.position)),
        event => event.customer(),
    };
    customer.map(|customer| customer.to_string())
}

/// Writes the headers of one lane's events.
#[derive(Debug)]
pub struct Labels {
    lane: u16,
    source: String,
    epoch: String,
    text: String,
}

impl Labels {
    /// Of the events that the owner of a lane publishes.
    pub fn new(lane: LaneId, epoch: Epoch) -> Self {
        let lane = lane.number();
        Self { lane, source: format!("/hwan/lanes/{lane}"), epoch: epoch.0.to_string(), text: String::new() }
    }

    /// Gives the headers of a record that follows `previous`, name and value, to `put`.
    pub fn of(&mut self, row: &JournalRow, previous: ChainHash, mut put: impl FnMut(&'static str, &str)) {
        let Self { lane, source, epoch, text } = self;
        let record = &row.record;
        put(SPEC_VERSION, "1.0");
        put(SOURCE, source);
        put(EPOCH, epoch);
        put(CONTENT_TYPE, "application/json");
        // Writing to a string cannot fail.
        let _ = write!(cleared(text), "{lane}-{}", record.position.seq());
        put(ID, text);
        let _ = write!(cleared(text), "hwan.ledger.{}.{VERSION}", record.event.name());
        put(TYPE, text);
        let _ = write!(cleared(text), "{}", record.at);
        put(TIME, text);
        hex(cleared(text), row.hash);
        put(HASH, text);
        hex(cleared(text), previous);
        put(PREVIOUS_HASH, text);
    }
}

/// What the headers say of a record: its place, the hash of the one before it, its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its place.
    pub position: Position,
    /// The hash of the record before it.
    pub previous: ChainHash,
    /// Its own.
    pub hash: ChainHash,
    /// The epoch of the lane's owner that published it, where the headers say.
    pub epoch: Option<u64>,
}

impl Envelope {
    /// Reads what [`Labels`] wrote, from names and values in any order; other headers are passed over. Says what is missing.
    pub fn read<'a>(headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> Result<Self, String> {
        let (mut id, mut previous, mut hash, mut epoch) = (None, None, None, None);
        for (name, value) in headers {
            let slot = match name {
                ID => &mut id,
                PREVIOUS_HASH => &mut previous,
                HASH => &mut hash,
                EPOCH => &mut epoch,
                _ => continue,
            };
            *slot = value.and_then(|value| std::str::from_utf8(value).ok());
        }
        let id = id.ok_or_else(|| format!("it has no header {ID}"))?;
        let position = id.split_once('-').and_then(|(lane, seq)| {
            let lane = lane.parse().ok().and_then(LaneId::new)?;
            Some(Position::new(lane, seq.parse().ok().and_then(Seq::new)?))
        });
        let link = |name: &str, text: Option<&str>| {
            text.and_then(unhex).ok_or_else(|| format!("it has no header {name} of 64 digits"))
        };
        Ok(Self {
            position: position.ok_or_else(|| format!("{ID} is {id:?}, not lane-seq"))?,
            previous: link(PREVIOUS_HASH, previous)?,
            hash: link(HASH, hash)?,
            epoch: epoch.and_then(|epoch| epoch.parse().ok()),
        })
    }
}

fn cleared(text: &mut String) -> &mut String {
    text.clear();
    text
}

fn hex(text: &mut String, hash: ChainHash) {
    for byte in hash.0 {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
}

fn unhex(text: &str) -> Option<ChainHash> {
    let mut hash = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|nibble| u8::try_from(nibble).ok());
        let (high, low) = (nibble(*digits.first()?)?, nibble(*digits.get(1)?)?);
        *byte = (high << 4) | low;
    }
    Some(ChainHash(hash))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::storage::{codec, conformance::fixture::exchange_of_scenario_s01};

    #[test]
    fn an_exchange_is_called_by_its_place_its_type_and_its_customer() {
        let record = exchange_of_scenario_s01();
        assert_eq!(key(&record), Some("cus_0008000000001".to_owned()));
        let body = codec::encode(&record);
        let hash = codec::chain(ChainHash::GENESIS, &body);
        let row = JournalRow { record: Arc::new(record), body: body.into(), hash };
        let mut headers = BTreeMap::new();
        let mut labels = Labels::new(LaneId::FIRST, Epoch(4));
        labels.of(&row, ChainHash::GENESIS, |name, value| {
            assert_eq!(headers.insert(name, value.to_owned()), None);
        });
        assert_eq!(headers.len(), HEADERS);
        for (name, value) in [
            (SPEC_VERSION, "1.0"),
            (ID, "1-7"),
            (SOURCE, "/hwan/lanes/1"),
            (TYPE, "hwan.ledger.exchanged.v1"),
            (TIME, "2026-11-23T01:00:00.000000Z"),
            (CONTENT_TYPE, "application/json"),
            (EPOCH, "4"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!(headers[TYPE], type_of(row.record.event.name()));
        assert_eq!(headers[PREVIOUS_HASH], "0".repeat(64));
        assert_eq!(headers[HASH].len(), 64);
        assert!(headers[HASH].starts_with(&format!("{hash:?}")), "{}", headers[HASH]);
    }

    #[test]
    fn who_was_opened_is_the_key_of_the_opening_and_a_date_has_none() {
        let opened = Event::CustomerOpened { reference: None, channel: None };
        let record = Record { event: opened, ..exchange_of_scenario_s01() };
        assert_eq!(key(&record), Some(CustomerId::at(record.position).to_string()));
        let date = record.business_date;
        assert_eq!(key(&Record { event: Event::DateRolled { date }, ..record }), None);
    }

    #[test]
    fn an_envelope_says_what_the_headers_were_written_of_and_what_is_missing() {
        let record = exchange_of_scenario_s01();
        let body = codec::encode(&record);
        let previous = ChainHash([0xA7; 32]);
        let row = JournalRow { hash: codec::chain(previous, &body), body: body.into(), record: Arc::new(record) };
        let mut headers = Vec::new();
        Labels::new(LaneId::FIRST, Epoch(4)).of(&row, previous, |name, value| headers.push((name, value.to_owned())));
        let read = |headers: &[(&'static str, String)]| {
            Envelope::read(headers.iter().map(|(name, value)| (*name, Some(value.as_bytes()))))
        };
        let whole = Envelope { position: row.record.position, previous, hash: row.hash, epoch: Some(4) };
        assert_eq!(read(&headers), Ok(whole));
        for name in [ID, HASH, PREVIOUS_HASH] {
            let without: Vec<_> = headers.iter().filter(|(found, _)| *found != name).cloned().collect();
            assert!(read(&without).unwrap_err().contains(name), "{name}");
            let spoil = |value: &str, here: bool| if here { format!("{value}x") } else { value.to_owned() };
            let spoilt: Vec<_> = headers.iter().map(|(found, value)| (*found, spoil(value, *found == name))).collect();
            assert!(read(&spoilt).unwrap_err().contains(name), "{name}");
        }
    }
}
