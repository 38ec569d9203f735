//! Scenario files over HTTP: every file of `scenarios/` against a real server with a clock of its own, by the command
//! that a tester uses; and that what is wrong is found, with the exit codes that the command promises.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use roxmltree::{Document, Node};
use tempfile::TempDir;

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(30);
/// A running server looks for new keys at least so often.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// The callers of the files, each with its one role.
const CALLERS: [(&str, &str); 7] = [
    ("channel", "customer_channel"),
    ("teller", "teller"),
    ("rates", "rates"),
    ("ops", "ops"),
    ("auditor", "auditor"),
    ("approver", "approver"),
    ("treasury", "treasury"),
];

/// A server for tests, on any ports, ten in the morning of Monday 2026-11-23 in Seoul. Dropping it kills it.
struct Server {
    process: Child,
    directory: TempDir,
    url: String,
    admin_url: String,
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut process = hwan()
            .args(["serve", "--test-clock", "2026-11-23T01:00:00Z", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0", "--data"])
            .arg(directory.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut urls = urls(process.stdout.take().unwrap());
        let admin_url = urls.pop().unwrap();
        let url = urls.pop().unwrap();
        let server = Self { process, directory, url, admin_url };
        for (name, role) in CALLERS {
            let arguments = ["token", "create", "--name", name, "--role", role, "--data"];
            let made = hwan().args(arguments).arg(server.path("data")).output().unwrap();
            assert!(made.status.success(), "{name}: {}", text(&made));
            fs::write(server.path(name), made.stdout).unwrap();
        }
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `hwan scenarios` against it, as the caller with every role.
    fn scenarios(&self, paths: &[&Path]) -> Command {
        let mut command = hwan();
        command.arg("scenarios").args(paths).args(["--against", &self.url, "--token-file"]);
        command.arg(self.path("data").join("token"));
        command
    }

    /// With the clock and all callers.
    fn all_scenarios(&self, paths: &[&Path]) -> Command {
        let mut command = self.scenarios(paths);
        command.args(["--admin", &self.admin_url]);
        for (name, _) in CALLERS {
            command.arg("--token").arg(format!("{name}={}", self.path(name).display()));
        }
        command
    }

    /// Waits until the server has noticed the keys that were made.
    fn knows_its_callers(&self) {
        let file = self.path("known.yaml");
        fs::write(&file, "scenario: K the keys are known\nsteps:\n  - rates: USD\n    by: approver\n").unwrap();
        let started = Instant::now();
        loop {
            let run = self.all_scenarios(&[&file]).output().unwrap();
            if run.status.success() {
                return;
            }
            assert!(started.elapsed() < NOTICED_WITHIN, "the keys are not noticed:\n{}", text(&run));
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended already
        let _ = self.process.wait();
    }
}

fn hwan() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hwan"))
}

/// The addresses that the banner names: the API's, the admin port's. Its output is read on, so that it never waits.
fn urls(output: impl std::io::Read + Send + 'static) -> Vec<String> {
    let (sender, receiver) = mpsc::sync_channel(2);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let url = line.split_whitespace().find(|word| word.starts_with("http://127.0.0.1:"));
            if let Some(url) = url {
                let _ = sender.try_send(url.trim_end_matches([',', '.', ';']).to_owned()); // only the first two are taken
            }
        }
    });
    (0..2).map(|_| receiver.recv_timeout(START_MAX).expect("the server says where it listens")).collect()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn number(node: Node<'_, '_>, name: &str) -> usize {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn every_scenario_of_the_project_passes_over_http() {
    let server = Server::start();
    server.knows_its_callers();
    let junit = server.path("junit.xml");
    let mut command = server.all_scenarios(&[&files()]);
    let run = command.args(["--report", "terminal", "--report", "junit", "--out"]).arg(&junit).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));

    let xml = fs::read_to_string(junit).unwrap();
    let report = Document::parse(&xml).unwrap();
    let all = report.root_element();
    let cases: Vec<Node<'_, '_>> = report.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    assert_eq!((number(all, "tests"), number(all, "failures"), number(all, "skipped")), (cases.len(), 0, 0));
    for suite in all.children().filter(Node::is_element) {
        assert_eq!(number(suite, "tests"), suite.children().filter(Node::is_element).count());
    }
    let ids: BTreeSet<&str> =
        cases.iter().map(|case| case.attribute("name").unwrap().split(' ').next().unwrap()).collect();
    let required = (1..=12).chain(21..=27).chain(29..=32).chain([40]).map(|number| format!("S{number:02}"));
    let missing: Vec<String> = required.filter(|id| !ids.contains(id.as_str())).collect();
    assert_eq!(missing, [""; 0], "the customer's scenarios");
    assert!(ids.iter().filter(|id| id.starts_with('H')).count() >= 20, "{ids:?}");
}

const BUY: &str = "scenario: P01 buy
given:
  rates: { USD: \"1350.50\" }
  customers:
    kim: { KRW: \"1000000\" }
steps:
  - exchange: { customer: kim, side: buy, foreign: \"100.00 USD\" }
    expect: { won: \"135050 KRW\" }
";

#[test]
fn a_wrong_expectation_fails_with_what_was_expected_and_what_came() {
    let server = Server::start();
    let good = server.path("good.yaml");
    fs::write(&good, BUY).unwrap();
    let run = server.scenarios(&[&good]).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));

    let wrong = server.path("wrong.yaml");
    fs::write(&wrong, BUY.replace("135050", "135051")).unwrap();
    let run = server.scenarios(&[&good, &wrong]).args(["--report", "json"]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    let report: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    let failure = &report["scenarios"][1]["steps"][1]["failure"];
    assert_eq!((&failure["expected"], &failure["got"]), (&"won: 135051 KRW".into(), &"won: 135050 KRW".into()));
    assert_eq!(failure["request"]["path"], "/v1/exchanges");
    assert!(failure["request"]["request_id"].is_string(), "{failure}");
    // The ground was judged all the same, and held.
    assert_eq!(report["scenarios"][1]["steps"][2]["passed"], true);
}

#[test]
fn what_cannot_run_here_is_skipped_and_the_exit_code_says_so() {
    let server = Server::start();
    let later = server.path("later.yaml");
    fs::write(&later, format!("{BUY}  - clock: {{ advance: 1s }}\n")).unwrap();
    let run = server.scenarios(&[&later]).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", text(&run));
    assert!(text(&run).contains("skipped P01 buy: it moves the clock: give --admin URL"), "{}", text(&run));
    let run = server.scenarios(&[&later]).arg("--allow-skips").output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    let other = server.path("other.yaml");
    fs::write(&other, format!("{BUY}    by: stranger\n")).unwrap();
    let run = server.scenarios(&[&other]).output().unwrap();
    assert!(text(&run).contains("give --token stranger=FILE"), "{}", text(&run));
}

#[test]
fn a_wrong_file_is_said_with_its_place_and_nothing_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let (good, wrong) = (directory.path().join("a.yaml"), directory.path().join("b.yaml"));
    fs::write(&good, BUY).unwrap();
    fs::write(&wrong, BUY.replace("side: buy", "sied: buy")).unwrap();
    // Nobody listens there: had anything been sent, the exit code would be another.
    let run = hwan().arg("scenarios").arg(directory.path()).args(["--against", "http://127.0.0.1:9"]).output().unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", text(&run));
    let expected = format!("{}:7:32: an exchange has no field `sied`: did you mean `side`?\n", wrong.display());
    assert_eq!(String::from_utf8_lossy(&run.stderr), expected);
}

#[test]
fn a_server_that_is_not_there_has_an_exit_code_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (file, token) = (directory.path().join("a.yaml"), directory.path().join("token"));
    fs::write(&file, BUY).unwrap();
    fs::write(&token, "a-token").unwrap();
    let mut command = hwan();
    command.arg("scenarios").arg(&file).args(["--against", "http://127.0.0.1:9", "--token-file"]).arg(&token);
    let run = command.output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", text(&run));
    assert!(text(&run).contains("the server cannot be reached"), "{}", text(&run));
}
