//! What a verification found.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
};

use hwan_domain::{
    currency::Currency,
    id::{LaneId, Seq},
    money::Money,
};

/// Findings that are kept; beyond it they are only counted.
const FINDINGS_MAX: usize = 100;

/// What was read, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Report {
    /// Records read, by lane.
    pub records: BTreeMap<LaneId, u64>,
    /// Customers compared.
    pub customers: u64,
    /// Accounts compared.
    pub accounts: u64,
    /// Accounts that a running engine changed meanwhile: not compared.
    pub moved_on: u64,
    /// What all customers hold, by currency.
    pub totals: BTreeMap<Currency, i128>,
    /// What waits in suspense, by currency: it came back to accounts that were closed.
    pub suspense: BTreeMap<Currency, i128>,
    /// Lanes whose oldest records were deleted, and the last of those: only their chain and their records were verified.
    pub deleted: BTreeMap<LaneId, Seq>,
    findings: Vec<String>,
    found: u64,
}

impl Report {
    /// Notes something wrong.
    pub fn found(&mut self, finding: impl fmt::Display) {
        self.found += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding.to_string());
        }
    }

    /// Whether nothing was wrong.
    pub const fn is_clean(&self) -> bool {
        self.found == 0
    }

    /// What was found wrong, the first of it.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// Writes it for a person.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (lane, records) in &self.records {
            match self.deleted.get(lane) {
                None => writeln!(out, "lane {lane}: {records} records read from the first")?,
                Some(last) => writeln!(
                    out,
                    "lane {lane}: {records} records read after {last}, up to which they were exported and deleted; what \
                     customers hold was not compared"
                )?,
            }
        }
        writeln!(out, "{} customers, {} accounts compared with the journal", self.customers, self.accounts)?;
        if self.moved_on > 0 {
            writeln!(out, "{} more were changed by a running engine meanwhile and not compared", self.moved_on)?;
        }
        for (currency, minor) in &self.totals {
            writeln!(out, "customers hold {}", amount(*minor, *currency))?;
        }
        for (currency, minor) in &self.suspense {
            writeln!(out, "{} waits in suspense", amount(*minor, *currency))?;
        }
        for finding in &self.findings {
            writeln!(out, "WRONG {finding}")?;
        }
        match self.found {
            0 => writeln!(out, "nothing is wrong"),
            found => writeln!(out, "{found} findings: keep the ledger as it is and look into the first"),
        }
    }
}

/// A sum of amounts, which may be beyond what one amount can be.
fn amount(minor: i128, currency: Currency) -> String {
    match i64::try_from(minor).ok().and_then(|minor| Money::from_minor(minor, currency).ok()) {
        Some(money) => format!("{money} {currency}"),
        None => format!("{minor} minor units of {currency}"),
    }
}
