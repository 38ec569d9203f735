//! What was found around midnight, and whether it is good.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    cli::MidnightArguments,
    number::millis,
    report::{RunReport, Thresholds, write_json, write_text},
};

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    /// In which second of the window the date turned.
    midnight_second: usize,
    /// The 99th percentile of latency in the seconds around midnight, and in all others, in microseconds.
    around_p99_us: u64,
    rest_p99_us: u64,
    /// The first by the second, in hundredths.
    ratio_hundredths: u64,
    /// The commands that were run afterwards.
    commands: Vec<Ran>,
    load: RunReport,
}

/// A command that was run.
#[derive(Clone, Debug, Serialize)]
struct Ran {
    command: String,
    is_good: bool,
}

impl Found {
    pub(super) fn new(load: RunReport, midnight_second: usize, around_p99_us: u64, rest_p99_us: u64) -> Self {
        let ratio_hundredths = around_p99_us.saturating_mul(100) / rest_p99_us.max(1);
        Self { midnight_second, around_p99_us, rest_p99_us, ratio_hundredths, commands: Vec::new(), load }
    }

    /// Runs a command of hwan, whose words are shown as they come.
    pub(super) fn run(&mut self, mut command: Command) -> Result<()> {
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let text = format!("hwan {}", words.join(" "));
        eprintln!("... {text}");
        let status = command.stdout(Stdio::inherit()).status().with_context(|| format!("{text} cannot be run"))?;
        self.commands.push(Ran { command: text, is_good: status.success() });
        Ok(())
    }

    fn faults(&self, max_ratio: Option<u64>) -> Vec<String> {
        let mut faults = self.load.faults(&Thresholds::default());
        if let Some(max) = max_ratio.filter(|max| self.ratio_hundredths > *max) {
            faults.push(format!(
                "p99 around midnight is {} times the rest's, above {}",
                times(self.ratio_hundredths),
                times(max)
            ));
        }
        let bad = self.commands.iter().filter(|ran| !ran.is_good);
        faults.extend(bad.map(|ran| format!("{} did not end well", ran.command)));
        faults
    }

    /// Shows it and writes it where it shall go; whether it is good.
    pub(super) fn publish(mut self, arguments: &MidnightArguments) -> Result<bool> {
        let line = format!(
            "p99 {} ms around midnight (second {} of the window), {} ms in the rest: {} times",
            millis(self.around_p99_us),
            self.midnight_second,
            millis(self.rest_p99_us),
            times(self.ratio_hundredths)
        );
        self.load.remarks.push(line);
        let ran = self
            .commands
            .iter()
            .map(|ran| format!("{}: {}", ran.command, if ran.is_good { "good" } else { "not good" }));
        self.load.remarks.extend(ran);
        print!("{}", self.load.table());
        let faults = self.faults(arguments.max_ratio);
        if let Some(path) = &arguments.result.json {
            write_json(path, &self)?;
        }
        if let Some(path) = &arguments.result.html {
            write_text(path, &self.load.html(&faults))?;
        }
        for fault in &faults {
            println!("{:<14} {fault}", "not good");
        }
        Ok(faults.is_empty())
    }
}

/// Hundredths as text.
fn times(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_midnight_that_takes_too_long_or_a_day_that_does_not_reconcile_is_a_fault() {
        let mut found = Found::new(report(), 15, 15_000, 10_000);
        assert_eq!((found.faults(None).len(), found.faults(Some(150)).len(), found.faults(Some(149)).len()), (0, 0, 1));
        found.run(Command::new("false")).unwrap();
        assert_eq!(found.faults(None).len(), 1);
    }
}
