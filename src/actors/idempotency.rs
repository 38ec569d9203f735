//! Idempotency keys, and what else is used once (quotes, exchanges that are reversed, days that interest is paid for): what is remembered of them, and
//! when memory alone is enough.
//!
//! A key takes effect at most once in its scope (caller, customer). In memory a lane keeps the keys that are in flight
//! (a retry joins them) and those that finished lately. A *time-ordered* key (UUIDv7, ULID) tells when it was made, so
//! memory decides for it without a read:
//!
//! 1. it is refused unless its own time is at most [`KEY_SKEW`] ahead of the engine's clock;
//! 2. so it cannot have taken effect earlier than its own time less [`KEY_SKEW`];
//! 3. memory is complete since [`KeyMemory::complete_since`]; if (2) lies after that, absent means never used.
//!
//! Any other key costs one point read, batched, before admission; so do a reversal and interest, for an exchange says nothing of
//! when it was reversed, nor a day of when it was paid for. The unique index in the store is the last wall.
//! Bounds: keys in flight by the door, finished ones by number and age. Lives and dies with a generation of its lane.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use hwan_domain::{
    id::{AccountId, CustomerId, ExchangeId, Position, TransactionId},
    quote::QuoteId,
    record::{KeyDigest, KeyUse, RequestDigest},
    rejection::{Code, Violation},
    reversal,
    time::{BusinessDate, MICROS_PER_SECOND, Timestamp},
};
use sha2::{Digest, Sha256};

use super::{command::KeyError, door::Passage, travel::Reply};

/// How far a client's clock may be ahead of the engine's.
pub const KEY_SKEW: Duration = Duration::from_secs(5);
const KEY_SKEW_MICROS: i64 = 5 * MICROS_PER_SECOND;

/// A 26-character key is read as a ULID only if its time lies in this range (2020 to 2100): other texts of that shape
/// are opaque.
const ULID_MILLIS: std::ops::Range<u64> = 1_577_836_800_000..4_102_444_800_000;

/// What a key says of its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTime {
    /// When the client made it.
    Ordered(Timestamp),
    /// Nothing.
    Opaque,
}

/// A key as a command carries it.
#[derive(Clone, Debug)]
pub struct Key {
    /// What goes into the record.
    pub used: KeyUse,
    /// What it says of its own time.
    pub time: KeyTime,
}

impl Key {
    /// Whether a text can be a key at all.
    pub fn is_well_formed(text: &str) -> bool {
        !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Refuses what can't be a key, or what is too old or too new to be judged.
    pub fn admit(text: &str, now: Timestamp, retention: Duration) -> Result<(), KeyError> {
        if !Self::is_well_formed(text) {
            return Err(KeyError::Malformed);
        }
        if let KeyTime::Ordered(made) = key_time(text) {
            if made.micros_since(now) > KEY_SKEW_MICROS {
                return Err(KeyError::FromFuture);
            }
            if now.micros_since(made) > i64::try_from(retention.as_micros()).unwrap_or(i64::MAX) {
                return Err(KeyError::Expired);
            }
        }
        Ok(())
    }

    /// A key in its scope.
    pub fn scoped(text: &str, caller: &str, customer: Option<CustomerId>, request: RequestDigest) -> Self {
        let time = key_time(text);
        Self { used: KeyUse { digest: digest(text, caller, customer, time), request }, time }
    }
}

fn key_time(text: &str) -> KeyTime {
    let millis = match text.len() {
        36 => uuid_v7_millis(text),
        26 => ulid_millis(text),
        _ => None,
    };
    millis
        .and_then(|millis| i64::try_from(millis).ok()?.checked_mul(1_000))
        .map_or(KeyTime::Opaque, |micros| KeyTime::Ordered(Timestamp::from_micros(micros)))
}

fn uuid_v7_millis(text: &str) -> Option<u64> {
    let uuid = uuid::Uuid::try_parse(text).ok()?;
    (uuid.get_version_num() == 7).then(|| (uuid.as_u128() >> 80) as u64)
}

fn ulid_millis(text: &str) -> Option<u64> {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte.to_ascii_uppercase());
    if !text.bytes().all(|byte| digit(byte).is_some()) {
        return None;
    }
    let millis = text.bytes().take(10).try_fold(0_u64, |sum, byte| Some((sum << 5) | digit(byte)? as u64))?;
    ULID_MILLIS.contains(&millis).then_some(millis)
}

/// 16 bytes: the key's own time in milliseconds (so that the unique index grows at its end) or, for an opaque key,
/// hash; then hash.
fn digest(text: &str, caller: &str, customer: Option<CustomerId>, time: KeyTime) -> KeyDigest {
    let mut hasher = Sha256::new();
    hasher.update(b"hwan key 1\0");
    hasher.update((caller.len() as u64).to_be_bytes());
    hasher.update(caller.as_bytes());
    hasher.update(customer.map_or(-1, |customer| customer.position().packed()).to_be_bytes());
    hasher.update(text.as_bytes());
    let hash = hasher.finalize();
    let mut digest = [0_u8; 16];
    for (slot, byte) in digest.iter_mut().zip(hash.iter()) {
        *slot = *byte;
    }
    if let KeyTime::Ordered(made) = time {
        let millis = (made.micros() / 1_000).to_be_bytes();
        for (slot, byte) in digest.iter_mut().zip(millis.iter().skip(2)) {
            *slot = *byte;
        }
    }
    KeyDigest(digest)
}

/// What a command uses up beside its key: at most once, as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedOnce {
    /// A quote.
    Quote(QuoteId),
    /// An exchange, by reversing it.
    Reversal(ExchangeId),
    /// The days of an account from this one on, by paying interest for them.
    Interest(AccountId, BusinessDate),
}

impl UsedOnce {
    /// As it stands among the keys.
    pub const fn digest(self) -> KeyDigest {
        match self {
            UsedOnce::Quote(quote) => KeyDigest::of_quote(quote),
            UsedOnce::Reversal(exchange) => KeyDigest::of_reversal(exchange),
            UsedOnce::Interest(account, from) => KeyDigest::of_interest(account, from),
        }
    }

    /// What it says of its own time: a quote's id begins with when it was made.
    pub fn time(self) -> KeyTime {
        match self {
            UsedOnce::Quote(quote) => {
                let micros = i64::try_from(quote.0 >> 80).unwrap_or(0).saturating_mul(1_000);
                KeyTime::Ordered(Timestamp::from_micros(micros))
            }
            UsedOnce::Reversal(_) | UsedOnce::Interest(..) => KeyTime::Opaque,
        }
    }

    /// That the record at this place used it before.
    pub fn used_before(self, by: Position) -> Violation {
        match self {
            UsedOnce::Quote(_) => Violation::new(Code::QuoteUsed, format!("used by {}", ExchangeId::at(by))),
            UsedOnce::Reversal(exchange) => reversal::reversed_before(exchange, by),
            UsedOnce::Interest(account, from) => {
                let detail = format!("{account}: interest from {from} on was paid by {}", TransactionId::at(by));
                Violation::new(Code::NothingAccrued, detail)
            }
        }
    }
}

/// What a lane remembers of a key.
#[derive(Debug)]
pub enum Remembered {
    /// Nothing, and memory is complete for it: it was never used.
    Fresh,
    /// Nothing, but memory is not complete for it: the store must be asked.
    Unsure,
    /// Used by this record, which is durable.
    Finished(Position),
    /// In flight under the same body; the retry may join.
    InFlight,
    /// In flight under another body.
    InFlightOtherwise,
}

#[derive(Debug)]
struct Flight {
    request: RequestDigest,
    joined: Vec<Joined>,
}

/// A retry that waits for the answer of the first.
#[derive(Debug)]
pub struct Joined {
    /// The way back.
    pub reply: Reply,
    /// Its place among the commands in flight.
    pub passage: Option<Passage>,
}

/// The keys, and what else is used once, that a generation of a lane remembers.
#[derive(Debug)]
pub struct KeyMemory {
    in_flight: HashMap<KeyDigest, Flight>,
    finished: HashMap<KeyDigest, Position>,
    /// What records use up that are sequenced and not yet durable: neither forgotten nor to be found in the store.
    used_in_flight: HashMap<KeyDigest, Position>,
    by_age: VecDeque<(Timestamp, KeyDigest)>,
    complete_since: Timestamp,
    window_micros: i64,
    keys_max: usize,
}

impl KeyMemory {
    /// An empty memory that is complete from `opened` on.
    pub fn opened(opened: Timestamp, window: Duration, keys_max: usize) -> Self {
        Self {
            in_flight: HashMap::new(),
            finished: HashMap::new(),
            used_in_flight: HashMap::new(),
            by_age: VecDeque::new(),
            complete_since: opened,
            window_micros: i64::try_from(window.as_micros()).unwrap_or(i64::MAX),
            keys_max,
        }
    }

    /// Since when every key that took effect is remembered.
    pub const fn complete_since(&self) -> Timestamp {
        self.complete_since
    }

    /// What is remembered of a key.
    pub fn recall(&self, key: &Key) -> Remembered {
        if let Some(flight) = self.in_flight.get(&key.used.digest) {
            return if flight.request == key.used.request {
                Remembered::InFlight
            } else {
                Remembered::InFlightOtherwise
            };
        }
        match self.finished.get(&key.used.digest) {
            Some(position) => Remembered::Finished(*position),
            None if self.is_complete_for(key.time) => Remembered::Fresh,
            None => Remembered::Unsure,
        }
    }

    /// Whether "absent" means "never used" for a key, or something used once, of this time.
    pub fn is_complete_for(&self, time: KeyTime) -> bool {
        match time {
            KeyTime::Ordered(made) => made.plus_micros(-KEY_SKEW_MICROS) >= self.complete_since,
            KeyTime::Opaque => false,
        }
    }

    /// Whether a key is in flight.
    pub fn is_in_flight(&self, key: KeyDigest) -> bool {
        self.in_flight.contains_key(&key)
    }

    /// Notes a key as in flight.
    pub fn depart(&mut self, key: &KeyUse) {
        self.in_flight.insert(key.digest, Flight { request: key.request, joined: Vec::new() });
    }

    /// Lets a retry wait for the answer of the key in flight.
    pub fn join(&mut self, key: KeyDigest, retry: Joined) {
        if let Some(flight) = self.in_flight.get_mut(&key) {
            flight.joined.push(retry);
        }
    }

    /// Ends a flight that took no effect; returns who waits for its answer.
    pub fn turn_back(&mut self, key: KeyDigest) -> Vec<Joined> {
        self.in_flight.remove(&key).map(|flight| flight.joined).unwrap_or_default()
    }

    /// Ends a flight whose record is durable; returns who waits for its answer.
    pub fn arrive(&mut self, key: KeyDigest, position: Position, at: Timestamp) -> Vec<Joined> {
        let joined = self.turn_back(key);
        self.remember(key, position, at);
        joined
    }

    /// The record that used this up, durable or not yet, as far as memory knows.
    pub fn user_of(&self, used: KeyDigest) -> Option<Position> {
        self.used_in_flight.get(&used).or_else(|| self.finished.get(&used)).copied()
    }

    /// The durable record that used this up, or this key, as far as memory knows.
    pub fn finished_by(&self, used: KeyDigest) -> Option<Position> {
        self.finished.get(&used).copied()
    }

    /// Notes something as used up, from the sequencing step on.
    pub fn use_up(&mut self, used: KeyDigest, position: Position) {
        self.used_in_flight.insert(used, position);
    }

    /// The record that uses this up is durable.
    pub fn used_up(&mut self, used: KeyDigest, position: Position, at: Timestamp) {
        self.used_in_flight.remove(&used);
        self.remember(used, position, at);
    }

    /// Learns from the store of a key, or of something used once, that memory took for unused.
    pub fn learn(&mut self, digest: KeyDigest, position: Position) {
        self.remember(digest, position, self.complete_since);
    }

    fn remember(&mut self, key: KeyDigest, position: Position, at: Timestamp) {
        self.finished.insert(key, position);
        self.by_age.push_back((at, key));
        while let Some((oldest, key)) = self.by_age.front().copied() {
            let aged = at.micros_since(oldest) > self.window_micros;
            if !aged && self.by_age.len() <= self.keys_max {
                break;
            }
            self.by_age.pop_front();
            self.finished.remove(&key);
            // Lane time does not decrease, so whatever took effect later than the one forgotten is still here.
            self.complete_since = self.complete_since.max(oldest.plus_micros(1));
        }
    }
}
