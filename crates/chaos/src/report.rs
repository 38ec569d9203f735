//! What a campaign found: for people a table and one result line, for machines JSON.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    check::{Counts, Sort, Violation},
    faults::{Fault, Struck},
    site::{Judgement, LEASE},
};

/// Violations and complaints that are shown; all are counted.
const SHOWN_MAX: usize = 40;

/// How long after an owner's lease its lanes work elsewhere, usually: clients notice by a deadline as long as the lease, and
/// whoever waits for a row's lock waits for as long again.
const TAKEN_USUALLY_WITHIN: Duration = Duration::from_millis(800);
/// From so many take-overs on they are judged together.
const TAKE_OVERS_JUDGED: usize = 3;

/// What is known of one kind of fault.
#[derive(Debug, Default)]
struct OfFault {
    struck: usize,
    recovered: Vec<Duration>,
    once_mended: Vec<Duration>,
    skipped: Option<String>,
}

/// Everything so far.
#[derive(Debug)]
pub struct Report {
    started: Instant,
    seed: u64,
    faults: BTreeMap<Fault, OfFault>,
    counts: Counts,
    refusals: BTreeMap<String, u64>,
    by_name: BTreeMap<&'static str, usize>,
    lost: usize,
    doubled: usize,
    unresolved: usize,
    other: usize,
    shown: Vec<String>,
    complaints: Vec<String>,
}

impl Report {
    /// An empty one, of a campaign that begins now.
    pub fn begin(seed: u64) -> Self {
        Self {
            started: Instant::now(),
            seed,
            faults: BTreeMap::new(),
            counts: Counts::default(),
            refusals: BTreeMap::new(),
            by_name: BTreeMap::new(),
            lost: 0,
            doubled: 0,
            unresolved: 0,
            other: 0,
            shown: Vec::new(),
            complaints: Vec::new(),
        }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes how a fault went.
    pub fn strike(&mut self, fault: Fault, struck: Struck) {
        let of = self.faults.entry(fault).or_default();
        if struck.skipped.is_some() {
            of.skipped = struck.skipped;
            return;
        }
        of.struck += 1;
        of.recovered.extend(struck.recovered);
        of.once_mended.extend(struck.recovered_once_mended);
        self.complaints.extend(struck.complaints.into_iter().map(|complaint| format!("{fault}: {complaint}")));
    }

    /// Takes what the judge says of a site.
    pub fn judge(&mut self, judgement: Judgement) {
        let Counts {
            commands,
            acknowledged,
            acknowledged_exchanges,
            repetitions,
            unknown_attempts,
            journal_rows,
            movements,
            passbook_rows,
        } = judgement.counts;
        self.counts.commands += commands;
        self.counts.acknowledged += acknowledged;
        self.counts.acknowledged_exchanges += acknowledged_exchanges;
        self.counts.repetitions += repetitions;
        self.counts.unknown_attempts += unknown_attempts;
        self.counts.journal_rows += journal_rows;
        self.counts.movements += movements;
        self.counts.passbook_rows += passbook_rows;
        for (code, times) in judgement.refusals {
            *self.refusals.entry(code).or_default() += times;
        }
        for violation in &judgement.violations {
            self.count(violation);
        }
        self.complaints.extend(judgement.complaints);
    }

    fn count(&mut self, violation: &Violation) {
        *self.by_name.entry(violation.name()).or_default() += 1;
        let counter = match violation.sort() {
            Sort::Lost => &mut self.lost,
            Sort::Doubled => &mut self.doubled,
            Sort::Unresolved => &mut self.unresolved,
            Sort::Other => &mut self.other,
        };
        *counter += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(violation.to_string());
        }
    }

    /// Judges what only the whole shows. A row's lock that an owner left behind must not hold up who takes the lane: one take-over
    /// may be slow on a busy machine, half of them may not.
    pub fn conclude(&mut self) {
        for (fault, of) in &self.faults {
            let Some(spread) = Spread::of(&of.recovered) else { continue };
            let is_slow = spread.median > (LEASE + TAKEN_USUALLY_WITHIN).as_millis();
            if fault.is_take_over() && of.recovered.len() >= TAKE_OVERS_JUDGED && is_slow {
                let complaint = format!("{fault}: half of the take-overs took more than {} ms", spread.median);
                self.complaints.push(complaint);
            }
        }
    }

    /// Whether every promise held as far as was looked.
    pub fn is_clean(&self) -> bool {
        self.by_name.is_empty() && self.complaints.is_empty()
    }

    /// The line that says it all.
    pub fn result_line(&self) -> String {
        format!(
            "chaos: acknowledged {} ({} exchanges), lost {}, doubled {}, unresolved {}, other violations {}, complaints {} \
             in {} s, seed {}",
            self.counts.acknowledged,
            self.counts.acknowledged_exchanges,
            self.lost,
            self.doubled,
            self.unresolved,
            self.other,
            self.complaints.len(),
            self.elapsed().as_secs(),
            self.seed
        )
    }

    /// For machines.
    pub fn to_json(&self) -> String {
        let faults = self.faults.iter().map(|(fault, of)| (fault.name(), of.to_json())).collect();
        let written = Written {
            seed: self.seed,
            seconds: self.elapsed().as_secs(),
            clean: self.is_clean(),
            commands: self.counts.commands,
            acknowledged: self.counts.acknowledged,
            acknowledged_exchanges: self.counts.acknowledged_exchanges,
            repetitions: self.counts.repetitions,
            unknown_attempts: self.counts.unknown_attempts,
            journal_rows: self.counts.journal_rows,
            passbook_rows: self.counts.passbook_rows,
            refusals: &self.refusals,
            lost: self.lost,
            doubled: self.doubled,
            unresolved: self.unresolved,
            other_violations: self.other,
            violations: &self.by_name,
            shown: &self.shown,
            complaints: &self.complaints,
            faults,
        };
        serde_json::to_string_pretty(&written).expect("numbers, texts and maps with text keys are always json")
    }
}

#[derive(Serialize)]
struct Written<'a> {
    seed: u64,
    seconds: u64,
    clean: bool,
    commands: u64,
    acknowledged: u64,
    acknowledged_exchanges: u64,
    repetitions: u64,
    unknown_attempts: u64,
    journal_rows: u64,
    passbook_rows: u64,
    refusals: &'a BTreeMap<String, u64>,
    lost: usize,
    doubled: usize,
    unresolved: usize,
    other_violations: usize,
    violations: &'a BTreeMap<&'static str, usize>,
    shown: &'a [String],
    complaints: &'a [String],
    faults: BTreeMap<&'static str, WrittenFault<'a>>,
}

#[derive(Serialize)]
struct WrittenFault<'a> {
    struck: usize,
    recovery_ms: Option<Spread>,
    recovery_once_mended_ms: Option<Spread>,
    skipped: Option<&'a str>,
}

/// Milliseconds.
#[derive(Clone, Copy, Serialize)]
struct Spread {
    median: u128,
    max: u128,
}

impl Spread {
    fn of(times: &[Duration]) -> Option<Self> {
        let mut millis: Vec<u128> = times.iter().map(Duration::as_millis).collect();
        millis.sort_unstable();
        Some(Self { median: *millis.get(millis.len() / 2)?, max: *millis.last()? })
    }
}

impl OfFault {
    fn to_json(&self) -> WrittenFault<'_> {
        WrittenFault {
            struck: self.struck,
            recovery_ms: Spread::of(&self.recovered),
            recovery_once_mended_ms: Spread::of(&self.once_mended),
            skipped: self.skipped.as_deref(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<22}{:>7}  {:>22}  {:>22}", "fault", "struck", "recovery ms (max)", "once mended ms (max)")?;
        for (fault, of) in &self.faults {
            let spread = |times: &[Duration]| {
                Spread::of(times).map_or_else(|| "-".to_owned(), |spread| format!("{} ({})", spread.median, spread.max))
            };
            let mut line = format!("{:<22}{:>7}", fault.name(), of.struck);
            let _ = match &of.skipped {
                Some(reason) => write!(line, "  skipped: {reason}"), // a string takes every write
                None => write!(line, "  {:>22}  {:>22}", spread(&of.recovered), spread(&of.once_mended)),
            };
            writeln!(f, "{line}")?;
        }
        writeln!(
            f,
            "{} repetitions, {} attempts with an unknown outcome, {} journal rows, {} passbook rows",
            self.counts.repetitions, self.counts.unknown_attempts, self.counts.journal_rows, self.counts.passbook_rows
        )?;
        let refusals: Vec<String> = self.refusals.iter().map(|(code, times)| format!("{code} {times}")).collect();
        writeln!(f, "refusals: {}", if refusals.is_empty() { "none".to_owned() } else { refusals.join(", ") })?;
        for (name, count) in &self.by_name {
            writeln!(f, "violation {name}: {count}")?;
        }
        for shown in self.shown.iter().chain(self.complaints.iter().take(SHOWN_MAX)) {
            writeln!(f, "! {shown}")?;
        }
        write!(f, "{}", self.result_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    #[test]
    fn what_is_found_is_counted_under_its_sort_and_a_skipped_fault_by_its_reason() {
        let mut report = Report::begin(7);
        let millis = Duration::from_millis;
        for recovered in [30, 10, 20] {
            let recovered = Some(millis(recovered));
            report.strike(Fault::EngineKill, Struck { recovered, ..Struck::default() });
        }
        report.strike(Fault::FullDisk, Struck { skipped: Some("not permitted".into()), ..Struck::default() });
        assert!(report.is_clean());
        let lost = Violation::Lost { key: "k".into(), id: Place::new(1, 2) };
        let refusals = BTreeMap::from([("lane_closed".to_owned(), 5)]);
        report.judge(Judgement { counts: Counts::default(), refusals, violations: vec![lost], complaints: Vec::new() });
        assert!(!report.is_clean());
        let text = report.to_string();
        for expected in
            ["20 (30)", "skipped: not permitted", "lost 1, doubled 0", "violation lost: 1", "lane_closed 5", "seed 7"]
        {
            assert!(text.contains(expected), "{expected} is missing in {text}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["faults"]["engine-kill"]["recovery_ms"]["max"], 30);
        assert_eq!((json["lost"].as_u64(), json["clean"].as_bool()), (Some(1), Some(false)));
    }
    #[test]
    fn take_overs_that_are_slow_by_half_are_complained_of_and_a_single_slow_one_is_not() {
        let slow_ones = |slow: usize| {
            let mut report = Report::begin(7);
            for nth in 0..5 {
                let recovered = Some(Duration::from_millis(if nth < slow { 2_100 } else { 1_100 }));
                report.strike(Fault::ZombieCommitting, Struck { recovered, ..Struck::default() });
                report
                    .strike(Fault::MysqldKill, Struck { recovered: Some(Duration::from_secs(5)), ..Struck::default() });
            }
            report.conclude();
            report.complaints.len()
        };
        assert_eq!([0, 1, 2, 3, 5].map(slow_ones), [0, 0, 0, 1, 1]);
    }
}
