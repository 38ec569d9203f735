//! Identifiers. Everything the engine creates is named by the place of its record in a lane: **(lane, seq)**.
//!
//! A position packs into a positive 64-bit integer, so it is an append-ordered key in every store, it routes to
//! its lane without a lookup, and reading a record back by its id is one primary-key read. In text an id is a
//! prefix that says what it names, `_`, and 13 characters of Crockford's base 32: sortable, no check needed to route.

use std::{fmt, str::FromStr};

/// How many bits of a position are the sequence number.
pub const SEQ_BITS: u32 = 48;
/// The largest sequence number: 2^48 − 1, enough for 20,000 records a second for 446 years.
pub const SEQ_MAX: u64 = (1 << SEQ_BITS) - 1;
/// The largest lane number: 15 bits, so that a packed position stays positive in a signed 64-bit column.
pub const LANE_MAX: u16 = (1 << 15) - 1;

/// A lane: an ordered stream of commits and the home of a set of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(u16);

impl LaneId {
    /// The lane of what belongs to no customer: rounds, voids, halts.
    pub const SYSTEM: LaneId = LaneId(0);
    /// The first lane of customers.
    pub const FIRST: LaneId = LaneId(1);

    /// A lane by its number, 0 to [`LANE_MAX`].
    pub const fn new(number: u16) -> Option<Self> {
        if number <= LANE_MAX { Some(Self(number)) } else { None }
    }

    /// The lane's number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record's number within its lane. The first record is 1; 0 is the empty lane's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Seq(u64);

impl Seq {
    /// The head of a lane that holds no record yet.
    pub const ZERO: Seq = Seq(0);

    /// A sequence number, at most [`SEQ_MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        if number <= SEQ_MAX { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The one that follows; `None` past [`SEQ_MAX`].
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a lane's journal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// The place `seq` of `lane`.
    pub const fn new(lane: LaneId, seq: Seq) -> Self {
        Self(((lane.0 as u64) << SEQ_BITS) | seq.0)
    }

    /// From the packed form, as a store keeps it.
    pub const fn from_packed(packed: i64) -> Option<Self> {
        if packed < 0 { None } else { Some(Self(packed as u64)) }
    }

    /// Packed: lane in the upper 15 bits, sequence number in the lower 48. Never negative.
    pub const fn packed(self) -> i64 {
        self.0 as i64
    }

    /// The lane.
    pub const fn lane(self) -> LaneId {
        LaneId((self.0 >> SEQ_BITS) as u16)
    }

    /// The sequence number.
    pub const fn seq(self) -> Seq {
        Seq(self.0 & SEQ_MAX)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.lane(), self.seq())
    }
}

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind: expected {prefix}_ and 13 characters of 0-9 a-z without i, l, o, u")]
pub struct IdError {
    /// The prefix that ids of this kind have.
    pub prefix: &'static str,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TEXT_LEN: usize = 13;

/// What each byte stands for; 255 for those that are none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "computed while compiling: an index beyond an end does not compile"
        )]
        {
            digits[ALPHABET[at] as usize] = at as u8;
        }
        at += 1;
    }
    digits
};

fn encode(packed: u64) -> [u8; TEXT_LEN] {
    let mut text = [b'0'; TEXT_LEN];
    let mut rest = packed;
    for slot in text.iter_mut().rev() {
        // The mask keeps the index below 32.
        *slot = ALPHABET.get((rest & 31) as usize).copied().unwrap_or(b'0');
        rest >>= 5;
    }
    text
}

fn decode(text: &str) -> Option<u64> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let mut packed: u64 = 0;
    for byte in text.bytes() {
        let digit = DIGITS.get(usize::from(byte)).copied().filter(|digit| *digit < 32)?;
        packed = packed.checked_mul(32)?.checked_add(u64::from(digit))?;
    }
    (packed <= i64::MAX as u64).then_some(packed)
}

/// A number of up to 63 bits as the 13 characters of an id.
pub(crate) fn packed_text(packed: u64) -> String {
    encode(packed).iter().map(|byte| char::from(*byte)).collect()
}

/// The number of 13 characters.
pub(crate) fn packed_of(text: &str) -> Option<u64> {
    decode(text)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Position);

        impl $name {
            /// What the text form begins with, before the `_`.
            pub const PREFIX: &'static str = $prefix;

            /// The id of what the record at this place created.
            pub const fn at(position: Position) -> Self { Self(position) }
            /// The place of the record that created it.
            pub const fn position(self) -> Position { self.0 }
            /// The lane it lives in.
            pub const fn lane(self) -> LaneId { self.0.lane() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = encode(self.0.0);
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(|packed| Self(Position(packed)))
                    .ok_or(IdError { prefix: $prefix })
            }
        }
    )*};
}

ids! {
    /// A customer; named by the record that opened it.
    CustomerId = "cus";
    /// An account; named by the record that opened it.
    AccountId = "acc";
    /// An exchange; named by its record.
    ExchangeId = "exg";
    /// A deposit, withdrawal or transfer; named by its record.
    TransactionId = "txn";
    /// A change of facts, a closing, a void or a halt; named by its record.
    ChangeId = "chg";
    /// The reversal of an exchange; named by its record.
    ReversalId = "rev";
    /// A cover trade; named by its record.
    CoverId = "cov";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_keeps_its_order() {
        let places = [(0, 1), (1, 1), (1, 2), (1, SEQ_MAX), (LANE_MAX, SEQ_MAX)];
        let ids: Vec<ExchangeId> = places
            .iter()
            .map(|&(lane, seq)| ExchangeId::at(Position::new(LaneId::new(lane).unwrap(), Seq::new(seq).unwrap())))
            .collect();
        for (id, (lane, seq)) in ids.iter().zip(places) {
            assert_eq!(id.to_string().parse::<ExchangeId>(), Ok(*id));
            assert_eq!((id.lane().number(), id.position().seq().number()), (lane, seq));
            assert_eq!(Position::from_packed(id.position().packed()), Some(id.position()));
        }
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted());
    }

    #[test]
    fn a_text_of_another_kind_or_shape_is_refused() {
        let good = AccountId::at(Position::new(LaneId::FIRST, Seq::new(7).unwrap())).to_string();
        assert!(good.parse::<CustomerId>().is_err());
        assert_eq!(good, "acc_0008000000007");
        for bad in [
            "",
            "acc",
            "acc_",
            "0008000000007",
            "ACC_0008000000007",
            "acc_008000000007",
            "acc_00080000000070",
            "acc_000800000000o",
            "acc_000800000000A",
            "acc_ 008000000007",
            "acc_zzzzzzzzzzzzz", // beyond 63 bits
            "acc_８008000000007",
        ] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }
}
