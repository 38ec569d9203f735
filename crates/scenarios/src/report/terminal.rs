//! The report for people: each scenario as it ends, each step with its time, a failure with all that helps.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::outcome::{Counts, RunReport, ScenarioReport, StepReport, Verdict};
use crate::check::Failure;

/// The longest text of a request or an answer that is shown, in characters.
const SHOWN_MAX: usize = 2_000;

/// Whether it goes to a terminal: then there are colours and a line that tells how far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    With,
    Without,
}

/// Writes as scenarios end.
#[derive(Debug)]
pub(crate) struct Terminal {
    colours: Colours,
    total: usize,
    ended: AtomicUsize,
    line: Mutex<()>,
}

impl Terminal {
    /// For a run of so many scenarios.
    pub(crate) fn new(colours: Colours, total: usize) -> Self {
        Self { colours, total, ended: AtomicUsize::new(0), line: Mutex::new(()) }
    }

    /// A scenario has ended. What cannot be written is lost: the exit code still tells.
    pub(crate) fn ended(&self, scenario: &ScenarioReport) {
        let _one_at_a_time = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
        let mut out = io::stdout().lock();
        let written = match self.colours {
            Colours::Without => out.write_all(self.scenario(scenario).as_bytes()),
            Colours::With => {
                let progress = format!("\r\x1b[2m{ended} of {}\x1b[0m", self.total);
                let progress = if ended == self.total { String::new() } else { progress };
                out.write_all(format!("\r\x1b[K{}{progress}", self.scenario(scenario)).as_bytes())
            }
        };
        let _ = written.and_then(|()| out.flush());
    }

    /// The last lines.
    pub(crate) fn summary(&self, run: &RunReport) {
        let _ = io::stdout().lock().write_all(self.summary_text(run).as_bytes());
    }

    fn summary_text(&self, run: &RunReport) -> String {
        let counts = Counts::of(&run.scenarios);
        let mut text = String::new();
        for scenario in run.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Failed) {
            let place = format!("{}:{}", scenario.file.display(), scenario.line);
            let _ = writeln!(text, "{} {} ({place})", self.paint("31", "failed"), scenario.title);
        }
        let Counts { passed, failed, skipped } = counts;
        let took = time(run.took);
        let _ = writeln!(text, "{passed} passed, {failed} failed, {skipped} skipped of {} in {took}", counts.all());
        text
    }

    fn scenario(&self, scenario: &ScenarioReport) -> String {
        let mut text = String::new();
        let took = self.paint("2", &time(scenario.took));
        let head = match &scenario.verdict {
            Verdict::Passed => format!("{} {} {took}", self.paint("32", "ok"), scenario.title),
            Verdict::Failed => format!("{} {} {took}", self.paint("31", "FAILED"), scenario.title),
            Verdict::Skipped(reason) => format!("{} {}: {reason}", self.paint("33", "skipped"), scenario.title),
        };
        let _ = writeln!(text, "{head}");
        for step in &scenario.steps {
            self.step(&mut text, scenario, step);
        }
        text
    }

    fn step(&self, text: &mut String, scenario: &ScenarioReport, step: &StepReport) {
        let mark = if step.failure.is_some() { self.paint("31", "x") } else { self.paint("2", "·") };
        let _ = writeln!(text, "   {mark} {} {}", step.title, self.paint("2", &time(step.took)));
        if let Some(failure) = &step.failure {
            let _ = writeln!(text, "       at {}:{}", scenario.file.display(), step.line);
            for line in explain(failure) {
                let _ = writeln!(text, "       {line}");
            }
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        match self.colours {
            Colours::With => format!("\x1b[{colour}m{text}\x1b[0m"),
            Colours::Without => text.to_owned(),
        }
    }
}

/// A failure line by line: expected, got, the request, the answer.
pub(super) fn explain(failure: &Failure) -> Vec<String> {
    let mut lines = vec![format!("expected: {}", cut(&failure.expected)), format!("got:      {}", cut(&failure.got))];
    if let Some(exchanged) = &failure.request {
        let sent = &exchanged.outgoing;
        let query: Vec<String> = sent.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        lines.push(format!("request:  {} {}{query}", sent.method.as_str(), sent.path));
        if let Some(body) = &sent.body {
            lines.push(format!("  body:   {}", cut(&String::from_utf8_lossy(body))));
        }
        if let Some(key) = &sent.key {
            lines.push(format!("  Idempotency-Key: {key}"));
        }
        lines.push(format!("answer:   {} {}", exchanged.status, cut(&String::from_utf8_lossy(&exchanged.answer.body))));
        lines.push(format!("  X-Request-Id: {}", exchanged.request_id().unwrap_or("none")));
    }
    lines
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

/// A duration for people: `12 ms`, `3.4 s`.
fn time(took: Duration) -> String {
    let millis = took.as_millis();
    if millis < 1_000 { format!("{millis} ms") } else { format!("{}.{} s", millis / 1_000, millis % 1_000 / 100) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run with one scenario of each kind.
    pub(crate) fn run() -> RunReport {
        let step = |title: &str, failure| StepReport {
            title: title.into(),
            line: 7,
            took: Duration::from_millis(12),
            failure,
        };
        let scenario = |title: &str, verdict, steps| ScenarioReport {
            file: "scenarios/s01.yaml".into(),
            title: title.into(),
            about: None,
            line: 1,
            verdict,
            steps,
            took: Duration::from_millis(1_234),
        };
        let failure = Failure::of("won: 135050 KRW", "won: <135051 & more>");
        RunReport {
            server: "http://127.0.0.1:8080".into(),
            scenarios: vec![
                scenario("S01 buy", Verdict::Passed, vec![step("exchange", None)]),
                scenario("S02 sell", Verdict::Failed, vec![step("exchange \"a\"\u{1}", Some(failure))]),
                scenario("S25 later", Verdict::Skipped("needs the clock".into()), vec![]),
            ],
            took: Duration::from_secs(2),
        }
    }

    #[test]
    fn a_failed_step_shows_where_it_stands_and_what_was_expected() {
        let (run, terminal) = (run(), Terminal::new(Colours::Without, 3));
        assert_eq!(terminal.scenario(&run.scenarios[0]), "ok S01 buy 1.2 s\n   · exchange 12 ms\n");
        let failed = terminal.scenario(&run.scenarios[1]);
        assert!(
            failed.contains("at scenarios/s01.yaml:7\n       expected: won: 135050 KRW\n       got:      won: <135051"),
            "{failed}"
        );
        assert_eq!(
            terminal.summary_text(&run),
            "failed S02 sell (scenarios/s01.yaml:1)\n1 passed, 1 failed, 1 skipped of 3 in 2.0 s\n"
        );
        assert!(Terminal::new(Colours::With, 3).scenario(&run.scenarios[0]).starts_with("\x1b[32mok\x1b[0m"));
    }
}
