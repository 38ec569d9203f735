//! A whole run: the server is asked whether it is there, then turn after turn.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::{
    bank::Bank,
    scenario,
    target::{Outgoing, Target},
};
use crate::{
    check::Failure,
    language::Scenario,
    plan::{self, Turn},
    report::{ScenarioReport, StepReport, Verdict},
};

/// How a run goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Scenarios at once.
    pub(crate) jobs: usize,
    /// Whether nothing new is begun after a failure.
    pub(crate) fail_fast: bool,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    #[error("the server refuses the default token (status {0}): give --token-file FILE")]
    Refused(u16),
}

/// A run over these scenarios, each with its file.
#[derive(Debug)]
pub(crate) struct Session<'s> {
    target: &'s Target,
    scenarios: Vec<(PathBuf, &'s Scenario)>,
    settings: Settings,
    bank: Bank,
    /// No two runs have customers of the same reference.
    name: String,
    failed: AtomicBool,
}

impl<'s> Session<'s> {
    pub(crate) fn new(target: &'s Target, scenarios: Vec<(PathBuf, &'s Scenario)>, settings: Settings) -> Self {
        let name = Uuid::new_v4().simple().to_string().chars().take(12).collect();
        Self { target, scenarios, settings, bank: Bank::default(), name, failed: AtomicBool::new(false) }
    }

    /// Runs all; `ended` hears of each as it ends. The reports stand in the order of the files.
    pub(crate) async fn run(&self, ended: &impl Fn(&ScenarioReport)) -> Result<Vec<ScenarioReport>, SessionError> {
        let answer = self.target.send(None, Outgoing::get("/v1/currencies"), None).await;
        let answer = answer.map_err(SessionError::Unreachable)?;
        if matches!(answer.status, 401 | 403) {
            return Err(SessionError::Refused(answer.status));
        }
        let mut reports: Vec<(usize, ScenarioReport)> = Vec::with_capacity(self.scenarios.len());
        let mut able = Vec::new();
        for (index, (_, scenario)) in self.scenarios.iter().enumerate() {
            match self.hindrance(scenario) {
                Some(reason) => {
                    reports.push((index, self.report(index, Verdict::Skipped(reason), Vec::new(), Duration::ZERO)))
                }
                None => able.push(index),
            }
        }
        reports.iter().for_each(|(_, report)| ended(report));
        let scenarios: Vec<&Scenario> = able.iter().filter_map(|index| Some(self.scenarios.get(*index)?.1)).collect();
        for turn in plan::plan(&scenarios) {
            let indexes = turn.scenarios.iter().filter_map(|index| able.get(*index).copied()).collect();
            reports.extend(self.take(&turn, indexes, ended).await);
        }
        reports.sort_by_key(|(index, _)| *index);
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    }

    /// One turn: its rates, then its scenarios at once.
    async fn take(
        &self,
        turn: &Turn,
        indexes: Vec<usize>,
        ended: &impl Fn(&ScenarioReport),
    ) -> Vec<(usize, ScenarioReport)> {
        let started = Instant::now();
        let unready = if self.stops() { BTreeMap::new() } else { self.bank.ensure(self.target, &turn.rates).await };
        let took = started.elapsed();
        let run = |index: usize| {
            let rates = self.scenarios.get(index).map(|(_, scenario)| &scenario.rates);
            let needed = rates.into_iter().flat_map(BTreeMap::keys);
            let unready = needed.filter_map(|currency| unready.get(currency)).next().cloned();
            async move {
                let report = match unready {
                    Some(why) => self.unready(index, why, took),
                    None => self.one(index).await,
                };
                ended(&report);
                (index, report)
            }
        };
        stream::iter(indexes).map(run).buffer_unordered(self.settings.jobs.max(1)).collect().await
    }

    async fn one(&self, index: usize) -> ScenarioReport {
        if self.stops() {
            let reason = "not begun, since another one failed (--fail-fast)".to_owned();
            return self.report(index, Verdict::Skipped(reason), Vec::new(), Duration::ZERO);
        }
        let Some((_, scenario)) = self.scenarios.get(index) else {
            return self.report(index, Verdict::Failed, Vec::new(), Duration::ZERO);
        };
        let started = Instant::now();
        let (verdict, steps) = scenario::run(self.target, scenario, &self.name).await;
        if verdict == Verdict::Failed {
            self.failed.store(true, Ordering::Relaxed);
        }
        self.report(index, verdict, steps, started.elapsed())
    }

    /// The rates of its turn cannot be brought about.
    fn unready(&self, index: usize, why: String, took: Duration) -> ScenarioReport {
        self.failed.store(true, Ordering::Relaxed);
        let line = self.scenarios.get(index).map_or(0, |(_, scenario)| scenario.at.line);
        let failure = Some(Failure::of("the given rates trade", why));
        let step = StepReport { title: "given rates".to_owned(), line, took, failure };
        self.report(index, Verdict::Failed, vec![step], took)
    }

    fn stops(&self) -> bool {
        self.settings.fail_fast && self.failed.load(Ordering::Relaxed)
    }

    fn report(&self, index: usize, verdict: Verdict, steps: Vec<StepReport>, took: Duration) -> ScenarioReport {
        let (file, scenario) =
            self.scenarios.get(index).map_or_else(Default::default, |(file, s)| (file.clone(), Some(*s)));
        ScenarioReport {
            file,
            title: scenario.map(|scenario| scenario.title.clone()).unwrap_or_default(),
            about: scenario.and_then(|scenario| scenario.about.clone()),
            line: scenario.map_or(0, |scenario| scenario.at.line),
            verdict,
            steps,
            took,
        }
    }

    /// Why a scenario cannot run against this server with these tokens.
    fn hindrance(&self, scenario: &Scenario) -> Option<String> {
        if plan::moves_clock(scenario) && !self.target.has_admin() {
            return Some("it moves the clock: give --admin URL of a server started with --test-clock".to_owned());
        }
        if plan::changes_market(scenario) && self.target.callers().count() < 2 {
            return Some(
                "it may leave a pair halted, which takes a second person: give --token approver=FILE".to_owned(),
            );
        }
        let missing: Vec<String> =
            plan::callers(scenario).into_iter().filter(|caller| !self.target.knows(caller)).collect();
        let wanted: Vec<String> = missing.iter().map(|name| format!("--token {name}=FILE")).collect();
        (!missing.is_empty()).then(|| format!("it needs other callers: give {}", wanted.join(" ")))
    }
}
