//! `hwan accounting` as its users run it: a process over the engine's configuration, killed, held and started again.

use std::{
    fs::OpenOptions,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use hwan_services::{Leash, OsProcess, Signal};

/// A process that keeps the books, running or not. Dropping it kills it.
#[derive(Debug)]
pub struct Bookkeeper {
    binary: PathBuf,
    configuration: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    /// Should this program be killed, it is too.
    leash: Option<Leash>,
}

impl Bookkeeper {
    /// One that does not run yet.
    pub fn new(binary: PathBuf, configuration: PathBuf, log: PathBuf) -> Self {
        Self { binary, configuration, log, child: None, leash: None }
    }

    /// Starts it, without waiting for anything.
    pub fn start(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.child.is_none(), "the bookkeeper runs already");
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let child = Command::new(&self.binary)
            .arg("--config")
            .arg(&self.configuration)
            .arg("accounting")
            .env("NO_COLOR", "1")
            // Two of them run side by side.
            .env("HWAN_ACCOUNTING__LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.binary.display()))?;
        self.leash = OsProcess::of(child.id()).map(|process| Leash::tie(&process)).transpose()?;
        self.child = Some(child);
        Ok(())
    }

    /// Whether its process is there, held or not.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.as_mut().map(Child::try_wait), Some(Ok(None)))
    }

    /// Holds it (SIGSTOP), lets it go on (SIGCONT), or asks it to end (SIGTERM).
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self.child.as_ref().and_then(|child| OsProcess::of(child.id()));
        process.context("the bookkeeper does not run")?.signal(signal)?;
        Ok(())
    }

    /// `kill -9`, and waits until it is gone. Fine if it is gone already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        self.leash = None;
        Ok(())
    }

    /// The last lines that it logged.
    pub fn last_lines(&self) -> String {
        const LINES: usize = 12;
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Bookkeeper {
    fn drop(&mut self) {
        let _ = self.kill(); // nobody is left to tell
    }
}
