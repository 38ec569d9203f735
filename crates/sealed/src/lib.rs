//! Sealed business days as files: Parquet, compressed by zstd, in folders that Spark, DuckDB and every other engine know as Hive's.
//!
//! What is written here is for good and for others: auditors, supervisors, whoever computes on years of journal without the engine.
//! So the same rows give the same bytes, whoever writes them and however often; a day is there when its manifest is, which is
//! written last and names every file with its rows, its bytes and its SHA-256. Memory is bounded: rows are gathered to row groups
//! and leave as they fill.
//!
//! | room | what it is |
//! |---|---|
//! | [`place`] | where days lie: a directory, or an S3-compatible store |
//! | [`row`] | a row of each table, plain |
//! | [`table`] | the tables: their names and columns |
//! | [`file`](mod@file) | a file of one table and lane, written row by row |
//! | [`manifest`] | what a day consists of |
//! | [`day`] | a day on its way to its place, or compared with what lies there |
//!
//! It knows nothing of hwan: whoever has rows may write them. Callers: `sealing` in hwan.

pub mod day;
pub mod file;
pub mod manifest;
pub mod place;
pub mod row;
pub mod table;

mod columns;
mod error;

pub use day::{DayWriter, Purpose, Written};
pub use error::SealedError;
pub use file::TableFile;
pub use manifest::{CurrencyDigits, FileEntry, LaneEntry, Manifest};
pub use place::Place;
