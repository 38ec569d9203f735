//! One step: a child process whose output passes through as it comes.
//!
//! Promises: every line of the child's is shown and offered to the caller, in order within each stream; silence beyond
//! [`SILENCE_MAX`] is broken by a heartbeat that names the step. Bounds: [`LINES_WAITING_MAX`] lines in the channel,
//! beyond which the child waits.

use std::{
    io::{BufRead, BufReader, Read, Write},
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
    /// Arguments to cargo.
    pub(crate) arguments: Vec<&'a str>,
    /// Variables for the child.
    pub(crate) environment: Vec<(&'a str, &'a str)>,
}

impl Step<'_> {
    /// Runs it; `on_line` sees each line. Gives whether the child exited with 0, or why it could not be run.
    pub(crate) fn run(&self, mut on_line: impl FnMut(Stream, &str)) -> Result<bool, String> {
        println!("==> {}: cargo {}", self.name, self.arguments.join(" "));
        let failed = |error: std::io::Error| format!("{}: cargo cannot be run: {error}", self.name);
        let mut child = Command::new(cargo())
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .env("CARGO_TERM_PROGRESS_WHEN", "never")
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
        let mut last = String::new();
        loop {
            match incoming.recv_timeout(SILENCE_MAX) {
                Ok((stream, line)) => {
                    show(stream, &line);
                    on_line(stream, &line);
                    last = line;
                }
                Err(RecvTimeoutError::Timeout) => {
                    println!("... {}: {} s, last line: {}", self.name, started.elapsed().as_secs(), last.trim());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for reader in readers.into_iter().flatten() {
            reader.join().map_err(|_| format!("{}: reading the output panicked", self.name))?;
        }
        let status = child.wait().map_err(failed)?;
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
