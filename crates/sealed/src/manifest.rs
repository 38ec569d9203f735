//! What a day consists of: its lanes, its files, and what is needed to read the amounts. Written last, so a day is there when its
//! manifest is. It says nothing of when or by whom it was written: the same day has the same manifest.

use serde::{Deserialize, Serialize};

use crate::error::SealedError;

/// The form of manifests, tables and columns. A change that a reader has to know of gets a new number.
pub const FORMAT: u32 = 1;

/// What a day consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The day: `2026-11-23`.
    pub business_date: String,
    /// The hash of the day's closing in hexadecimal, where it was closed.
    pub closing_hash: Option<String>,
    /// Whether books were kept: without, the tables of the ledger are empty.
    pub has_books: bool,
    /// In what amounts are counted.
    pub currencies: Vec<CurrencyDigits>,
    /// Every lane, by number.
    pub lanes: Vec<LaneEntry>,
    /// Every file, by table and lane.
    pub files: Vec<FileEntry>,
}

/// A currency and its minor unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrencyDigits {
    /// Its code.
    pub code: String,
    /// How many decimals its minor unit is.
    pub minor_digits: u8,
}

/// Which records of a lane belong to the day, and what its accounts held together at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneEntry {
    /// Its number.
    pub lane: u16,
    /// The last record before the day; 0 where there was none.
    pub after_seq: u64,
    /// Its hash in hexadecimal; zeros where there was none.
    pub after_hash: String,
    /// The day's last record; the same as `after_seq` where the day had none.
    pub last_seq: u64,
    /// Its hash.
    pub last_hash: String,
    /// What all accounts held, by currency, in minor units.
    pub totals: Vec<LaneTotal>,
}

/// What all accounts of a lane held of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneTotal {
    /// The currency.
    pub currency: String,
    /// How much, in minor units: a text, since it may be beyond what programs read as a number.
    pub minor: String,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Of which table.
    pub table: String,
    /// Of which lane.
    pub lane: u16,
    /// Where it lies, from the place's root.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Where a day's manifest lies.
    pub fn path_of(date: &str) -> String {
        format!("manifest/business_date={date}/manifest.json")
    }

    /// As it is written.
    pub(crate) fn to_text(&self) -> Result<String, SealedError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| self.unreadable(&error))?;
        Ok(text + "\n")
    }

    /// As it was written.
    pub(crate) fn from_bytes(path: &str, bytes: &[u8]) -> Result<Self, SealedError> {
        let wrong = |cause: String| SealedError::Manifest { path: path.to_owned(), cause };
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            Err(wrong(format!("it is of format {}, this program knows {FORMAT}", manifest.format)))
        }
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> SealedError {
        SealedError::Manifest { path: Self::path_of(&self.business_date), cause: error.to_string() }
    }

    /// A lane.
    pub fn lane(&self, lane: u16) -> Option<&LaneEntry> {
        self.lanes.iter().find(|of| of.lane == lane)
    }

    /// Rows of a table, over all lanes.
    pub fn rows_of(&self, table: crate::table::Table) -> u64 {
        self.files.iter().filter(|file| file.table == table.name()).map(|file| file.rows).sum()
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// In what another manifest of the same day differs, a line each; empty where they agree.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: &str, here: String, there: String| {
            if here != there {
                found.push(format!("{what}: {there} lies there, {here} is computed now"));
            }
        };
        differ("closing", format!("{:?}", self.closing_hash), format!("{:?}", other.closing_hash));
        differ("books", self.has_books.to_string(), other.has_books.to_string());
        differ("currencies", format!("{:?}", self.currencies), format!("{:?}", other.currencies));
        let lanes = |manifest: &Self| manifest.lanes.iter().map(|lane| lane.lane).collect::<Vec<_>>();
        differ("lanes", format!("{:?}", lanes(self)), format!("{:?}", lanes(other)));
        for lane in &self.lanes {
            let line = |lane: &LaneEntry| {
                let totals: Vec<String> =
                    lane.totals.iter().map(|total| format!("{} {}", total.minor, total.currency)).collect();
                format!(
                    "records {} to {}, hash {}, {}",
                    lane.after_seq,
                    lane.last_seq,
                    lane.last_hash,
                    totals.join(", ")
                )
            };
            let there = other.lane(lane.lane).map_or_else(|| "nothing".to_owned(), line);
            differ(&format!("lane {}", lane.lane), line(lane), there);
        }
        let line = |file: &FileEntry| format!("{} rows, {} bytes, sha256 {}", file.rows, file.bytes, file.sha256);
        for file in &self.files {
            let there = other.files.iter().find(|of| of.path == file.path);
            differ(&file.path, line(file), there.map_or_else(|| "nothing".to_owned(), line));
        }
        for file in other.files.iter().filter(|file| self.files.iter().all(|of| of.path != file.path)) {
            differ(&file.path, "nothing".to_owned(), line(file));
        }
        found
    }
}
