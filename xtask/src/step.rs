//! One step: a child process whose output passes through as it comes.
//!
//! Promises: every line of the child's is shown and offered to the caller, in order within each stream; silence beyond
//! [`SILENCE_MAX`] is broken by a heartbeat that names the step; a step with a time limit is ended there. Bounds:
//! [`LINES_WAITING_MAX`] lines in the channel, beyond which the child waits.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// How long a step may be silent before a heartbeat.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Lines read from the child and not yet shown.
const LINES_WAITING_MAX: usize = 1_024;

/// Which stream of the child a line came on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// A step to be run.
pub(crate) struct Step<'a> {
    /// What it is called in what is printed.
    pub(crate) name: &'a str,
    /// What is run; cargo without.
    pub(crate) program: Option<&'a str>,
    /// Its arguments. They are printed: no secret belongs there.
    pub(crate) arguments: Vec<&'a str>,
    /// Variables for the child.
    pub(crate) environment: Vec<(&'a str, &'a str)>,
    /// Where it is run; here without.
    pub(crate) folder: Option<&'a Path>,
    /// When it is ended, whatever it does.
    pub(crate) time_max: Option<Duration>,
}

impl<'a> Step<'a> {
    /// Cargo with these arguments.
    pub(crate) fn cargo(name: &'a str, arguments: Vec<&'a str>) -> Self {
        Self { name, program: None, arguments, environment: vec![], folder: None, time_max: None }
    }

    /// Another program.
    pub(crate) fn of(name: &'a str, program: &'a str, arguments: Vec<&'a str>) -> Self {
        Self { program: Some(program), ..Self::cargo(name, arguments) }
    }

    /// Runs it; `on_line` sees each line. Gives whether the child exited with 0, or why it could not be run.
    pub(crate) fn run(&self, mut on_line: impl FnMut(Stream, &str)) -> Result<bool, String> {
        let program = self.program.map_or_else(cargo, str::to_owned);
        println!("==> {}: {} {}", self.name, self.program.unwrap_or("cargo"), self.arguments.join(" "));
        let failed = |error: std::io::Error| format!("{}: {program} cannot be run: {error}", self.name);
        let mut child = Command::new(&program)
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
            .current_dir(self.folder.unwrap_or(Path::new(".")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (lines, incoming) = sync_channel(LINES_WAITING_MAX);
        let readers = [
            child.stdout.take().map(|out| forward(Stream::Out, out, lines.clone())),
            child.stderr.take().map(|err| forward(Stream::Err, err, lines)),
        ];
        let started = Instant::now();
        let left = || self.time_max.map(|max| max.saturating_sub(started.elapsed()));
        let mut last = String::new();
        loop {
            match incoming.recv_timeout(left().unwrap_or(SILENCE_MAX).min(SILENCE_MAX)) {
                Ok((stream, line)) => {
                    show(stream, &line);
                    on_line(stream, &line);
                    last = line;
                }
                Err(RecvTimeoutError::Timeout) if left().is_some_and(|left| left.is_zero()) => {
                    println!("... {}: not done after {} s: it is ended", self.name, started.elapsed().as_secs());
                    child.kill().map_err(failed)?;
                    break;
                }
                Err(RecvTimeoutError::Timeout) => {
                    println!("... {}: {} s, last line: {}", self.name, started.elapsed().as_secs(), last.trim());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(incoming); // a reader that still has lines ends too
        let status = child.wait().map_err(failed)?;
        for reader in readers.into_iter().flatten() {
            reader.join().map_err(|_| format!("{}: reading the output panicked", self.name))?;
        }
        println!("==> {}: {status} after {} s", self.name, started.elapsed().as_secs());
        Ok(status.success())
    }
}

/// The cargo that runs xtask, so that a toolchain override holds for the steps too.
#[expect(clippy::disallowed_methods, reason = "a chore outside the engine: cargo says in the environment who it is")]
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn forward(
    stream: Stream,
    source: impl Read + Send + 'static,
    lines: SyncSender<(Stream, String)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut source = BufReader::new(source);
        let mut bytes = Vec::new();
        while matches!(source.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            bytes.clear();
            if lines.send((stream, line)).is_err() {
                break; // nobody shows lines any more: the step is over
            }
        }
    })
}

fn show(stream: Stream, line: &str) {
    match stream {
        Stream::Out => {
            println!("{line}");
            let _ = std::io::stdout().flush(); // a closed terminal is no reason to stop the step
        }
        Stream::Err => eprintln!("{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_ended_at_its_time_limit() {
        let started = Instant::now();
        let mut step = Step::of("sleeping", "sleep", vec!["60"]);
        step.time_max = Some(Duration::from_millis(200));
        assert_eq!(step.run(|_, _| ()), Ok(false));
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn every_line_is_offered() {
        let mut seen = Vec::new();
        let step = Step::of("speaking", "sh", vec!["-c", "echo one; echo two >&2; exit 3"]);
        assert_eq!(step.run(|stream, line| seen.push((stream, line.to_owned()))), Ok(false));
        seen.sort_by_key(|(_, line)| line.clone());
        assert_eq!(seen, [(Stream::Out, "one".to_owned()), (Stream::Err, "two".to_owned())]);
    }
}
