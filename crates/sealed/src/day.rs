//! A day on its way to its place, or compared with what lies there.
//!
//! Files are opened one by one and finished; then the manifest makes the day whole. Where a manifest lies there already, the day is
//! computed and compared, and nothing is written: agreement is "nothing to do", a difference is an error that says what. Only who asks
//! to replace it does: then the manifest goes first, so that at no time a manifest stands beside files that are not its own.

use crate::{
    error::SealedError,
    file::TableFile,
    manifest::{CurrencyDigits, FORMAT, FileEntry, LaneEntry, Manifest},
    place::Place,
    table::Table,
};

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// They are written.
    Write,
    /// Only what they would be as files is computed.
    Compare,
}

/// What to do where the day lies there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Compare.
    Keep,
    /// Write it anew.
    Replace,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The day was written.
    New,
    /// It lay there already, the same.
    There,
}

/// A day that is being written, or compared.
#[derive(Debug)]
pub struct DayWriter {
    place: Place,
    date: String,
    there: Option<Manifest>,
    purpose: Purpose,
    files: Vec<FileEntry>,
}

/// The manifest of a day, if it is there.
pub async fn manifest(place: &Place, date: &str) -> Result<Option<Manifest>, SealedError> {
    is_date(date)?;
    let path = Manifest::path_of(date);
    place.read(&path).await?.map(|bytes| Manifest::from_bytes(&path, &bytes)).transpose()
}

/// A date becomes part of paths: it is one, and nothing else.
fn is_date(date: &str) -> Result<(), SealedError> {
    let fits = date.len() == 10
        && date
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if fits { Ok(()) } else { Err(SealedError::Date(date.to_owned())) }
}

impl DayWriter {
    /// Begins a day.
    pub async fn begin(place: &Place, date: &str, existing: Existing) -> Result<Self, SealedError> {
        is_date(date)?;
        let (there, purpose) = match existing {
            Existing::Keep => match manifest(place, date).await? {
                Some(there) => (Some(there), Purpose::Compare),
                None => (None, Purpose::Write),
            },
            Existing::Replace => {
                place.remove(&Manifest::path_of(date)).await?;
                (None, Purpose::Write)
            }
        };
        Ok(Self { place: place.clone(), date: date.to_owned(), there, purpose, files: Vec::new() })
    }

    /// Whether it is written, or only compared.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Opens the file of a table and lane.
    pub fn create(&self, table: Table, lane: u16) -> Result<TableFile, SealedError> {
        TableFile::create(&self.place, table, &self.date, lane, self.purpose)
    }

    /// Finishes a file: it belongs to the day.
    pub async fn keep(&mut self, file: TableFile) -> Result<(), SealedError> {
        self.files.push(file.finish().await?);
        Ok(())
    }

    /// Makes the day whole, or compares it.
    pub async fn finish(
        mut self,
        mut lanes: Vec<LaneEntry>,
        currencies: Vec<CurrencyDigits>,
        has_books: bool,
        closing_hash: Option<String>,
    ) -> Result<(Manifest, Written), SealedError> {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        lanes.sort_by_key(|lane| lane.lane);
        let business_date = self.date;
        let manifest =
            Manifest { format: FORMAT, business_date, closing_hash, has_books, currencies, lanes, files: self.files };
        match self.there {
            None => {
                self.place.write(&Manifest::path_of(&manifest.business_date), manifest.to_text()?).await?;
                Ok((manifest, Written::New))
            }
            Some(there) => {
                let differences = manifest.differences(&there);
                if differences.is_empty() {
                    Ok((manifest, Written::There))
                } else {
                    Err(SealedError::Differs { date: manifest.business_date, differences })
                }
            }
        }
    }
}
