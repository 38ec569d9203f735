//! What a run came to.

use std::{path::PathBuf, time::Duration};

use crate::check::Failure;

/// What became of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    /// It could not run here, and why.
    Skipped(String),
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct StepReport {
    pub(crate) title: String,
    pub(crate) line: usize,
    pub(crate) took: Duration,
    pub(crate) failure: Option<Failure>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub(crate) struct ScenarioReport {
    pub(crate) file: PathBuf,
    pub(crate) title: String,
    pub(crate) about: Option<String>,
    pub(crate) line: usize,
    pub(crate) verdict: Verdict,
    pub(crate) steps: Vec<StepReport>,
    pub(crate) took: Duration,
}

impl ScenarioReport {
    /// The step that failed, with why.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&StepReport, &Failure)> {
        self.steps.iter().filter_map(|step| Some((step, step.failure.as_ref()?)))
    }
}

/// The whole run, scenarios in the order of the files.
#[derive(Clone, Debug)]
pub(crate) struct RunReport {
    pub(crate) server: String,
    pub(crate) scenarios: Vec<ScenarioReport>,
    pub(crate) took: Duration,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Counts {
    pub(crate) fn of<'r>(scenarios: impl IntoIterator<Item = &'r ScenarioReport>) -> Self {
        let mut counts = Self::default();
        for scenario in scenarios {
            match scenario.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed => counts.failed += 1,
                Verdict::Skipped(_) => counts.skipped += 1,
            }
        }
        counts
    }

    pub(crate) const fn all(self) -> usize {
        self.passed + self.failed + self.skipped
    }
}
