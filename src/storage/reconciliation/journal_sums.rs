//! Many of the books' journals together: how many, their places, and a checksum of all their columns, by stretches of places.
//!
//! The checksum is the CRC-32 that MySQL and MariaDB compute too, so that there the server adds up and a stretch costs one row;
//! weighted by the place within the stretch, so that two journals that change places are noticed. A stretch that differs is opened
//! journal by journal.

use std::fmt::Write as _;

use hwan_domain::{id::Position, ledger::Journal};

use crate::storage::general_ledger::columns::{kind_number, write_entries_into};

/// Places in a stretch: a power of two.
pub const STRETCH: u64 = 1 << 16;

/// A stretch of a lane's journals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalSums {
    /// Which stretch: its packed places divided by [`STRETCH`].
    pub stretch: i64,
    /// How many journals.
    pub count: u64,
    /// Σ place within the stretch.
    pub places: u64,
    /// Σ checksum.
    pub checksums: u64,
    /// Σ checksum × (place within the stretch + 1).
    pub weighted: u64,
}

impl JournalSums {
    /// To which stretch a place belongs.
    pub const fn stretch_of(position: Position) -> i64 {
        position.packed() / STRETCH.cast_signed()
    }

    fn add(&mut self, place: u64, checksum: u32) {
        self.count += 1;
        self.places += place;
        self.checksums += u64::from(checksum);
        // 2^16 places, each below 2^32 × 2^17.
        self.weighted = self.weighted.wrapping_add(u64::from(checksum) * (place + 1));
    }
}

/// Adds up journals as they come, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Adder {
    sums: Vec<JournalSums>,
    text: String,
}

impl Adder {
    /// Adds a journal.
    pub fn add(&mut self, journal: &Journal) {
        let Self { text, .. } = self;
        text.clear();
        // A string takes every write.
        let _ = write!(
            text,
            "{}|{}|{}|{}|",
            kind_number(journal.kind),
            journal.at.micros(),
            journal.business_date.days(),
            journal.reference.as_deref().unwrap_or("")
        );
        write_entries_into(text, &journal.entries);
        let checksum = crc32(text.as_bytes());
        let stretch = JournalSums::stretch_of(journal.position);
        let place = journal.position.seq().number() % STRETCH;
        match self.sums.last_mut().filter(|sums| sums.stretch == stretch) {
            Some(sums) => sums.add(place, checksum),
            None => {
                let mut sums = JournalSums { stretch, ..JournalSums::default() };
                sums.add(place, checksum);
                self.sums.push(sums);
            }
        }
    }

    /// The stretches.
    pub fn sums(&self) -> &[JournalSums] {
        &self.sums
    }
}

/// What `CRC32` of MySQL, and of zlib, says: polynomial 0x04C11DB7, reflected. Eight bytes at once.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLES: [[u32; 256]; 8] = tables();
    let at = |table: usize, index: u32| {
        TABLES.get(table).and_then(|table| table.get((index & 0xff) as usize)).copied().unwrap_or(0)
    };
    let mut crc = u32::MAX;
    let (eights, rest) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in eights {
        let low = crc ^ u32::from_le_bytes([*a, *b, *c, *d]);
        let high = u32::from_le_bytes([*e, *f, *g, *h]);
        crc = at(7, low) ^ at(6, low >> 8) ^ at(5, low >> 16) ^ at(4, low >> 24);
        crc ^= at(3, high) ^ at(2, high >> 8) ^ at(1, high >> 16) ^ at(0, high >> 24);
    }
    for byte in rest {
        crc = at(0, crc ^ u32::from(*byte)) ^ (crc >> 8);
    }
    !crc
}

#[expect(clippy::indexing_slicing, reason = "computed while compiling: an index beyond an end does not compile")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut index = 0;
        while index < 256 {
            let before = tables[table - 1][index];
            tables[table][index] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            index += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_everybody_knows() {
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    }
}
