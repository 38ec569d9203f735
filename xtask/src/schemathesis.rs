//! `cargo xtask schemathesis`: the API against its own document.
//!
//! Schemathesis reads `/v1/openapi.json` of a server that was started for it, makes thousands of requests out of it,
//! good and bad, and compares every answer with what the document promises. What it checks, how many cases it makes, and
//! what is left out stands in `xtask/schemathesis/schemathesis.toml`, with the reasons. Here: the environment that it
//! runs in, the server, the time limit, and that there were enough cases.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{machine, server::Server, step::Step, tally::Tally};

/// Fewer cases than this are a failure: the document has shrunk, or the configuration was cut.
const CASES_MIN: u64 = 2_000;
/// When a run is ended; it takes four to six minutes on two cores.
const TIME_MAX: Duration = Duration::from_secs(15 * 60);
/// What is pinned, and how it is run.
const REQUIREMENTS: &str = "xtask/schemathesis/requirements.txt";
const CONFIGURATION: &str = "xtask/schemathesis/schemathesis.toml";

/// How it ended.
pub(crate) enum Outcome {
    /// So many cases, nothing found.
    Good(u64),
    /// What is wrong, a line each.
    Failed(Vec<String>),
    /// It could not be run here, and why.
    Skipped(String),
}

impl Outcome {
    /// It counts as one test.
    pub(crate) fn tally(&self) -> Tally {
        match self {
            Self::Good(_) => Tally { passed: 1, ..Tally::default() },
            Self::Failed(_) => Tally { failed: 1, ..Tally::default() },
            Self::Skipped(_) => Tally { skipped: 1, ..Tally::default() },
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(cases) => write!(f, "ok, {cases} cases"),
            Self::Failed(faults) => write!(f, "FAILED\n  {}", faults.join("\n  ")),
            Self::Skipped(reason) => write!(f, "ignored: {reason}"),
        }
    }
}

/// Runs it from the folder of the workspace, whatever can go wrong.
pub(crate) fn run() -> Outcome {
    if !machine::has_python() {
        return Outcome::Skipped("python3 is missing, too old, or without venv and pip".to_owned());
    }
    match prepare() {
        Err(reason) => Outcome::Skipped(reason),
        Ok(places) => test(&places).unwrap_or_else(|reason| Outcome::Failed(vec![reason])),
    }
}

struct Places {
    /// The workspace.
    root: PathBuf,
    /// Everything that is made here: `target/schemathesis`.
    folder: PathBuf,
    /// The program.
    schemathesis: PathBuf,
}

/// Makes the environment, unless it is there and of the same requirements.
fn prepare() -> Result<Places, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = target()?.join("schemathesis");
    let venv = folder.join("venv");
    let requirements = root.join(REQUIREMENTS);
    let wanted = read(&requirements)?;
    // Written last: an environment that was interrupted has none.
    let made_of = venv.join("requirements.txt");
    if fs::read_to_string(&made_of).ok().as_deref() != Some(&wanted) {
        let failed = |what: &str| format!("{what}: it needs the network the first time");
        let place = text(&venv)?;
        if !Step::of("environment", "python3", vec!["-m", "venv", "--clear", place]).run(|_, _| ())? {
            return Err("the environment of Python could not be made".to_owned());
        }
        let python = venv.join("bin/python");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"];
        let arguments = install.into_iter().chain([text(&requirements)?]).collect();
        if !Step::of("pinned schemathesis", text(&python)?, arguments).run(|_, _| ())? {
            return Err(failed("schemathesis could not be installed"));
        }
        fs::write(&made_of, wanted).map_err(|error| format!("{}: {error}", made_of.display()))?;
    }
    Ok(Places { root, schemathesis: venv.join("bin/schemathesis"), folder })
}

fn test(places: &Places) -> Result<Outcome, String> {
    // The server as the tests have it: naming one of them builds hwan with the features that all of them share.
    let build = ["test", "--workspace", "--test", "house_imports", "--no-run"];
    if !Step::cargo("the server", build.to_vec()).run(|_, _| ())? {
        return Err("hwan could not be built".to_owned());
    }
    let server = Server::start(&debug()?.join("hwan"), &places.folder)?;
    let (configuration, report) = (places.root.join(CONFIGURATION), places.folder.join("report.json"));
    if report.exists() {
        fs::remove_file(&report).map_err(|error| format!("{}: {error}", report.display()))?;
    }
    let document = format!("{}/v1/openapi.json", server.url);
    let arguments = vec![
        "--config-file",
        text(&configuration)?,
        "run",
        &document,
        "--no-color",
        "--report",
        "json",
        "--report-json-path",
        text(&report)?,
    ];
    let step = Step {
        environment: vec![("HWAN_TOKEN", &server.token), ("PYTHONUNBUFFERED", "1")],
        folder: Some(&places.folder), // what it leaves behind stays below target
        time_max: Some(TIME_MAX),
        ..Step::of("schemathesis", text(&places.schemathesis)?, arguments)
    };
    let found_nothing = step.run(|_, _| ())?;
    let mut faults = Vec::new();
    if !found_nothing {
        faults.push("schemathesis found something, or did not end: see above".to_owned());
    }
    let cases = cases(&fs::read_to_string(&report).unwrap_or_default());
    match cases {
        None => faults.push("schemathesis left no count of its cases".to_owned()),
        Some(cases) if cases < CASES_MIN => {
            faults.push(format!("{cases} cases, fewer than {CASES_MIN}: is all of the API in the document?"));
        }
        Some(_) => {}
    }
    faults.extend(server.end());
    Ok(if faults.is_empty() { Outcome::Good(cases.unwrap_or_default()) } else { Outcome::Failed(faults) })
}

/// The number of cases in schemathesis' report: `"test_cases": {"generated": 2345, …`.
fn cases(report: &str) -> Option<u64> {
    let (_, counts) = report.split_once("\"test_cases\"")?;
    let (_, number) = counts.split_once("\"generated\"")?;
    let digits: String = number.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Where cargo builds for debugging: xtask itself lies there.
fn debug() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("xtask does not know where it lies: {error}"))?;
    own.parent().map(Path::to_owned).ok_or_else(|| "xtask lies nowhere".to_owned())
}

fn target() -> Result<PathBuf, String> {
    debug()?.parent().map(Path::to_owned).ok_or_else(|| "xtask does not lie below target/".to_owned())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not utf-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_are_counted_by_the_report() {
        let report = r#"{"seed": 1, "operations": {"total": 9}, "test_cases": {
            "generated": 2345, "with_failures": 0}}"#;
        assert_eq!(cases(report), Some(2345));
        assert_eq!(cases("{}"), None);
        assert_eq!(cases(r#"{"test_cases": {"generated": null}}"#), None);
    }

    #[test]
    fn it_counts_as_one_test_however_it_ends() {
        for outcome in [Outcome::Good(2_000), Outcome::Failed(vec![]), Outcome::Skipped(String::new())] {
            let Tally { passed, failed, skipped } = outcome.tally();
            assert_eq!(passed + failed + skipped, 1);
        }
    }
}
