//! What tests need of the machine beyond cargo. A test whose requirement is missing does not pass silently: the
//! closing lines name it. Each requirement has its line here, and a test that needs it says so by failing.

use std::process::{Command, Stdio};

use hwan_services::Installation;

/// Something outside of cargo that tests use.
struct Requirement {
    /// What it is.
    name: &'static str,
    /// What cannot be shown without it.
    needed_for: &'static str,
    /// Whether it is there.
    present: fn() -> bool,
}

const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "a POSIX shell (sh)",
        needed_for: "the test of SIGTERM under load, which sends the signal by it",
        present: || runs("sh", &["-c", "exit 0"]),
    },
    Requirement {
        name: "bash and curl",
        needed_for: "the test of docs/api.md, which runs its lines",
        present: || runs("bash", &["-c", "exit 0"]) && runs("curl", &["--version"]),
    },
    Requirement {
        name: "Linux with apt and a Debian mirror among its sources",
        needed_for: "the tests of crates/services, and servers where none is given and Docker does not run",
        present: || Installation::is_possible().is_ok() && runs("apt-get", &["--version"]),
    },
    Requirement {
        name: "Java 17 or newer and Maven (java, mvn)",
        needed_for: "Kafka, where none is given and Docker does not run; Spark, which proves sealed days, needs Java alone",
        present: || Installation::is_possible_for_kafka().is_ok(),
    },
    Requirement {
        name: "Python 3.10 or newer with venv and pip (python3)",
        needed_for: "schemathesis, which tests the API against its own document, and the engines that prove sealed days",
        present: has_python,
    },
];

/// Whether an environment of Python's can be made here.
pub(crate) fn has_python() -> bool {
    runs("python3", &["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"])
}

/// What is missing, a line each.
pub(crate) fn missing() -> Vec<String> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| !(requirement.present)())
        .map(|requirement| format!("this machine lacks {}: needed for {}", requirement.name, requirement.needed_for))
        .collect()
}

/// Whether a program can be run with these arguments and ends well.
pub(crate) fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
