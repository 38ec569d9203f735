//! Places in the journal, and the ids that name them, read here from their documented form alone.
//!
//! A place packs a lane and a seq into 63 bits; an id is a prefix, `_`, and that number in 13 digits of Crockford's base
//! 32. Written anew rather than shared with the engine: the judge must not repeat a mistake of the judged.

use std::fmt;

/// How many bits of a packed place are its seq.
const SEQ_BITS: u32 = 48;
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS_IN_ID: usize = 13;

/// A lane and a seq, packed as the database keeps them. Customers, accounts and exchanges are named by theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(pub u64);

impl Place {
    /// The place `seq` of `lane`.
    pub const fn new(lane: u16, seq: u64) -> Self {
        Self(((lane as u64) << SEQ_BITS) | seq)
    }

    /// Its lane.
    pub const fn lane(self) -> u16 {
        (self.0 >> SEQ_BITS) as u16
    }

    /// Its number in the lane, from 1.
    pub const fn seq(self) -> u64 {
        self.0 & ((1 << SEQ_BITS) - 1)
    }

    /// What an id such as `exg_0008000000007` names; `None` if the text is no id.
    pub fn of_id(id: &str) -> Option<Self> {
        let (_, digits) = id.split_once('_')?;
        if digits.len() != DIGITS_IN_ID {
            return None;
        }
        let packed = digits.bytes().try_fold(0_u64, |packed, byte| {
            let digit = DIGITS.iter().position(|digit| *digit == byte)?;
            packed.checked_mul(32)?.checked_add(digit as u64)
        })?;
        (packed <= i64::MAX as u64).then_some(Self(packed))
    }

    /// The id of this place under a prefix such as `cus`.
    pub fn id(self, prefix: &str) -> String {
        let digit = |place: u32| DIGITS.get((self.0 >> (5 * place)) as usize & 31).copied().map_or('0', char::from);
        let digits: String = (0..DIGITS_IN_ID as u32).rev().map(digit).collect();
        format!("{prefix}_{digits}")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.lane(), self.seq())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_its_place_and_written_back() {
        let place = Place::of_id("exg_0008000000007").unwrap();
        assert_eq!((place.lane(), place.seq()), (1, 7));
        assert_eq!(place, Place::new(1, 7));
        assert_eq!(place.id("exg"), "exg_0008000000007");
        assert_eq!(Place::of_id("exg_7"), None);
        assert_eq!(Place::of_id("exg_000800000000l"), None);
    }
}
