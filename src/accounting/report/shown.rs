//! What all reports share: the form, sums, what cannot be told.

use std::io::{self, Write};

use hwan_domain::{
    currency::Currency,
    ledger::{AccountCode, Chart},
};
use serde_json::Value;

use crate::accounting::amount::Sum;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// A sum at its exact scale.
pub(crate) fn sum(minor: i128, currency: Currency) -> String {
    Sum { minor, currency }.to_string()
}

/// The name of an account; one that the chart has lost has none.
pub(crate) fn name(chart: &Chart, code: AccountCode) -> &str {
    chart.find(code).map_or("", |account| account.name.as_str())
}

/// Writes JSON for programs and people.
pub(crate) fn write_json(out: &mut impl Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// What stands for something that cannot be told.
pub(crate) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// What a writer wrote, and what it says of it.
#[cfg(test)]
pub(crate) fn printed(write: impl FnOnce(&mut Vec<u8>) -> io::Result<bool>) -> (bool, String) {
    let mut out = Vec::new();
    let is_fine = write(&mut out).unwrap();
    (is_fine, String::from_utf8(out).unwrap())
}
