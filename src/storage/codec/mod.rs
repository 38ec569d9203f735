//! A record as text: the journal's body, the later event, and what an auditor reads.
//!
//! The text is JSON in one canonical form: fields in a fixed order, nothing optional written when absent, no white
//! space. So one record has exactly one text, the chain of hashes runs over it, and a text that is not canonical is
//! damaged. Amounts are decimal strings at the currency's exact scale, rates name the unit they are quoted for,
//! identifiers are in their text form, instants RFC 3339 with microseconds, fingerprints in hexadecimal.
//!
//! `v` is the version of this form. A change of the form gets a new number and its own decoder; old texts stay as they
//! are, for the chain runs over them.
//!
//! Callers: the lane (encodes, chains), the stores (decode), `verify` and the outbox.

mod decode;
mod encode;
mod shapes;
mod skim;
mod text;

use sha2::{Digest, Sha256};

pub use decode::decode;
pub(in crate::storage) use decode::{decode_facts, decode_round_status};
pub use encode::{encode, encode_into};
pub(in crate::storage) use encode::{encode_facts, round_status};
pub use skim::Skimmer;

use super::port::ChainHash;

/// The versions of the form: the second is the first with the lane's totals, and is written where there are any.
pub const VERSIONS: std::ops::RangeInclusive<u64> = 1..=2;

/// The link that follows `prev`: SHA-256 over its 32 bytes and the record's text.
pub fn chain(prev: ChainHash, body: &str) -> ChainHash {
    chain_bytes(prev, body.as_bytes())
}

/// The same, of a text that may be none: as it was delivered.
pub fn chain_bytes(prev: ChainHash, body: &[u8]) -> ChainHash {
    ChainHash(Sha256::new().chain_update(prev.0).chain_update(body).finalize().into())
}

/// SHA-256 of a text that stands alone.
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests;
