//! The report for machines.

use serde_json::{Value, json as value};

use super::outcome::{Counts, RunReport, ScenarioReport, StepReport, Verdict};
use crate::check::Failure;

/// The whole run as one JSON text. Durations are in milliseconds.
pub(crate) fn json(run: &RunReport) -> String {
    let Counts { passed, failed, skipped } = Counts::of(&run.scenarios);
    let report = value!({
        "server": run.server,
        "passed": passed,
        "failed": failed,
        "skipped": skipped,
        "took_ms": run.took.as_millis(),
        "scenarios": run.scenarios.iter().map(scenario).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn scenario(report: &ScenarioReport) -> Value {
    let (verdict, reason) = match &report.verdict {
        Verdict::Passed => ("passed", None),
        Verdict::Failed => ("failed", None),
        Verdict::Skipped(reason) => ("skipped", Some(reason)),
    };
    value!({
        "file": report.file.display().to_string(),
        "line": report.line,
        "title": report.title,
        "about": report.about,
        "verdict": verdict,
        "skipped_because": reason,
        "took_ms": report.took.as_millis(),
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(report: &StepReport) -> Value {
    value!({
        "title": report.title,
        "line": report.line,
        "took_ms": report.took.as_millis(),
        "passed": report.failure.is_none(),
        "failure": report.failure.as_ref().map(failure),
    })
}

fn failure(failure: &Failure) -> Value {
    let request = failure.request.as_ref().map(|exchanged| {
        value!({
            "method": exchanged.outgoing.method.as_str(),
            "path": exchanged.outgoing.path,
            "body": exchanged.outgoing.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()),
            "status": exchanged.status,
            "answer": String::from_utf8_lossy(&exchanged.answer.body),
            "request_id": exchanged.request_id(),
        })
    });
    value!({ "expected": failure.expected, "got": failure.got, "request": request })
}

#[cfg(test)]
mod tests {
    use super::{super::terminal::tests::run, *};

    #[test]
    fn the_report_reads_back() {
        let report: Value = serde_json::from_str(&json(&run())).unwrap();
        assert_eq!((&report["passed"], &report["failed"], &report["skipped"]), (&value!(1), &value!(1), &value!(1)));
        assert_eq!(report["scenarios"][1]["steps"][0]["failure"]["expected"], "won: 135050 KRW");
        assert_eq!(report["scenarios"][2]["skipped_because"], "needs the clock");
    }
}
