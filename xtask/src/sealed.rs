//! `cargo xtask sealed`: sealed days, exported by the real thing, proved by Spark and by DuckDB.
//!
//! A test of hwan's makes a small ledger of three days and leaves it with its days as files; then Python's own tests run both engines
//! over them, over copies with planted damage, and export a day to an S3-compatible store that runs within them. What is checked stands
//! in `sealed/`. Here: the environment that it runs in, the time limit, and the count.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    machine,
    step::{Step, Stream},
    tally::Tally,
};

/// Fewer tests than this are a failure: some were not found, or left out.
const TESTS_MIN: u64 = 9;
/// When the tests are ended; they take about two minutes on two cores.
const TIME_MAX: Duration = Duration::from_secs(10 * 60);
/// What is pinned.
const REQUIREMENTS: [&str; 3] =
    ["sealed/requirements-duckdb.txt", "sealed/requirements-spark.txt", "sealed/requirements-test.txt"];
/// Spark as it is quickest on a few hundred rows: it compiles no queries and spreads no work.
const SPARK: &str = "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN \
    --conf spark.sql.adaptive.enabled=false --conf spark.sql.shuffle.partitions=1 pyspark-shell";

/// How it ended.
pub(crate) enum Outcome {
    /// So many tests, nothing wrong.
    Good(u64),
    /// What is wrong.
    Failed(String),
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
            Self::Good(tests) => write!(f, "ok, {tests} tests by Spark and DuckDB"),
            Self::Failed(fault) => write!(f, "FAILED\n  {fault}"),
            Self::Skipped(reason) => write!(f, "ignored: {reason}"),
        }
    }
}

/// Runs it from the folder of the workspace, whatever can go wrong.
pub(crate) fn run() -> Outcome {
    if !machine::has_python() {
        return Outcome::Skipped("python3 is missing, too old, or without venv and pip".to_owned());
    }
    if !machine::runs("java", &["-version"]) {
        return Outcome::Skipped("java is missing, which Spark runs on".to_owned());
    }
    match prepare() {
        Err(reason) => Outcome::Skipped(reason),
        Ok(places) => test(&places).unwrap_or_else(Outcome::Failed),
    }
}

struct Places {
    /// The checks and their tests.
    checks: PathBuf,
    /// What is made here: `target/sealed`.
    folder: PathBuf,
    /// Where cargo builds.
    debug: PathBuf,
}

/// Makes the environment, unless it is there and of the same requirements.
fn prepare() -> Result<Places, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = std::env::current_exe().map_err(|error| format!("xtask does not know where it lies: {error}"))?;
    let debug = own.parent().ok_or("xtask lies nowhere")?.to_owned();
    let folder = debug.parent().ok_or("xtask does not lie below target/")?.join("sealed");
    let venv = folder.join("venv");
    let mut wanted = String::new();
    let mut install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"].to_vec();
    let files = REQUIREMENTS.map(|file| root.join(file));
    for file in &files {
        wanted += &fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        install.extend(["-r", text(file)?]);
    }
    // Written last: an environment that was interrupted has none.
    let made_of = venv.join("requirements.txt");
    if fs::read_to_string(&made_of).ok().as_deref() != Some(&wanted) {
        if !Step::of("environment", "python3", vec!["-m", "venv", "--clear", text(&venv)?]).run(|_, _| ())? {
            return Err("the environment of Python could not be made".to_owned());
        }
        let python = venv.join("bin/python");
        if !Step::of("pinned spark and duckdb", text(&python)?, install).run(|_, _| ())? {
            return Err("spark and duckdb could not be installed: it needs the network the first time".to_owned());
        }
        fs::write(&made_of, wanted).map_err(|error| format!("{}: {error}", made_of.display()))?;
    }
    Ok(Places { checks: root.join("sealed"), folder, debug })
}

fn test(places: &Places) -> Result<Outcome, String> {
    let left = places.folder.join("left");
    if left.exists() {
        fs::remove_dir_all(&left).map_err(|error| format!("{}: {error}", left.display()))?;
    }
    // Within the workspace: with the features that all of its tests share.
    let name = "a_day_is_exported_whole_once_it_is_over_and_is_the_same_whatever_came_since";
    let arguments = vec!["test", "--workspace", "--test", "sealed_days", "--", "--exact", name];
    let export =
        Step { environment: vec![("HWAN_TEST_SEALED", text(&left)?)], ..Step::cargo("days to check", arguments) };
    if !export.run(|_, _| ())? || !left.join("days").exists() {
        return Err("no days were exported".to_owned());
    }
    let (python, program) = (places.folder.join("venv/bin/python"), places.debug.join("hwan"));
    let step = Step {
        environment: vec![
            ("HWAN_TEST_SEALED", text(&left)?),
            ("HWAN_TEST_PROGRAM", text(&program)?),
            ("PYSPARK_SUBMIT_ARGS", SPARK),
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ],
        folder: Some(&places.checks),
        time_max: Some(TIME_MAX),
        ..Step::of("spark and duckdb", text(&python)?, vec!["-m", "unittest", "-v"])
    };
    let (mut tests, mut skipped) = (0, false);
    // Python says on its standard error how its tests ended.
    let good = step.run(|stream, line| {
        if stream == Stream::Err {
            tests = ran(line).unwrap_or(tests);
            skipped |= line.starts_with("OK (skipped");
        }
    })?;
    Ok(match (good, tests) {
        (false, _) => Outcome::Failed("a test failed, or did not end: see above".to_owned()),
        (true, _) if skipped => Outcome::Failed("a test was skipped: see above".to_owned()),
        (true, tests) if tests < TESTS_MIN => Outcome::Failed(format!("{tests} tests, fewer than {TESTS_MIN}")),
        (true, tests) => Outcome::Good(tests),
    })
}

/// The number of tests in the line `Ran 9 tests in 12.3s`.
fn ran(line: &str) -> Option<u64> {
    line.strip_prefix("Ran ")?.split(' ').next()?.parse().ok()
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not utf-8", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_are_counted_by_pythons_last_lines() {
        assert_eq!(ran("Ran 9 tests in 306.996s"), Some(9));
        assert_eq!(ran("Ran 1 test in 0.1s"), Some(1));
        assert_eq!(ran("OK"), None);
    }

    #[test]
    fn it_counts_as_one_test_however_it_ends() {
        for outcome in [Outcome::Good(9), Outcome::Failed(String::new()), Outcome::Skipped(String::new())] {
            let Tally { passed, failed, skipped } = outcome.tally();
            assert_eq!(passed + failed + skipped, 1);
        }
    }
}
