//! An account's revision: what a client that changes the account may insist on having seen.
//!
//! It is computed from the number of postings and from the facts alone, so it is the same in memory, after a restart and
//! whoever computes it; two states of an account that differ in neither have the same revision. It travels as text.

use std::{fmt, str::FromStr};

use crate::check::FactSheet;

/// Which postings and which facts an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountRevision {
    version: u64,
    facts: u64,
}

/// The longest text of a revision, in bytes, all of them visible ASCII.
pub const REVISION_LEN_MAX: usize = 37;

/// How many digits the part of the facts has.
const FACTS_LEN: usize = 16;

impl AccountRevision {
    /// Of an account that has had this many postings, with these facts.
    pub fn of(version: u64, facts: &FactSheet) -> Self {
        let mut sum = Fnv::new();
        for fact in facts.iter() {
            // By what stands in the journal, so that no other program version counts otherwise.
            sum.bytes(fact.check.code().as_str().as_bytes());
            sum.number(fact.effective_from.micros());
            sum.number(fact.effective_to.map_or(-1, |to| to.micros()));
            if let Some(amount) = fact.amount {
                sum.bytes(amount.currency().code().as_bytes());
                sum.number(amount.minor());
            }
            sum.bytes(b";");
        }
        Self { version, facts: sum.0 }
    }
}

impl fmt::Display for AccountRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.version, self.facts)
    }
}

/// A text that is not a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a revision of an account: send the text as it was received")]
pub struct RevisionError;

impl FromStr for AccountRevision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, RevisionError> {
        let (version, facts) = text.split_once('-').ok_or(RevisionError)?;
        if facts.len() != FACTS_LEN || text.len() > REVISION_LEN_MAX {
            return Err(RevisionError);
        }
        let read = Self {
            version: version.parse().map_err(|_| RevisionError)?,
            facts: u64::from_str_radix(facts, 16).map_err(|_| RevisionError)?,
        };
        // One revision, one text: no sign, no leading zero, no capital letter.
        if read.to_string() == text { Ok(read) } else { Err(RevisionError) }
    }
}

/// FNV-1a, 64 bits: to tell states apart, not to withstand anybody.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn number(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }
}
