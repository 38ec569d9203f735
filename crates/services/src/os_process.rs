//! A process of the operating system's that is known for sure: by its number and the moment it started.
//!
//! Numbers are used again; the number with the start, in clock ticks since the boot of that id, is not.

use std::{
    fmt, fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// How often it is looked whether a process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long a stop in order may take: the longest writing out of a full buffer pool that is worth waiting for.
const STOP_MAX: Duration = Duration::from_secs(60);
/// How long a killed process may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(30);

/// A process, known by its number and its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsProcess {
    pid: u32,
    started: String,
}

/// What can be said to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// To stop in order: SIGTERM.
    Terminate,
    /// To be gone: SIGKILL.
    Kill,
    /// To stand still: SIGSTOP.
    Hold,
    /// To go on: SIGCONT.
    Resume,
}

impl OsProcess {
    /// The process that has this number now, if there is one that lives.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let ticks = start_ticks(&stat)?;
        Some(Self { pid, started: format!("{}:{ticks}", boot.trim()) })
    }

    /// As it was once written down, by [`OsProcess::started`].
    pub(crate) fn remembered(pid: u32, started: &str) -> Self {
        Self { pid, started: started.to_owned() }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started: the boot's id and the clock ticks since.
    pub fn started(&self) -> &str {
        &self.started
    }

    /// The clock ticks from the boot to its start.
    pub(crate) fn start_ticks(&self) -> &str {
        self.started.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it lives. One that has ended and was not yet waited for does not.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Says something to it. Nothing is said to another process that has its number by now.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let name = match signal {
            Signal::Terminate => "TERM",
            Signal::Kill => "KILL",
            Signal::Hold => "STOP",
            Signal::Resume => "CONT",
        };
        // The shell has it built in: no unsafe call, and no crate for one line.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &self.pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Error::io("sh"))?;
        if sent.success() || !self.is_alive() {
            return Ok(());
        }
        Err(Error::Unsupported(format!("process {} may not be signalled by this user", self.pid)))
    }

    /// Stops it in order and waits until it is gone. One that does not stop within a minute is killed: an error.
    pub fn stop(&self) -> Result<()> {
        self.signal(Signal::Resume)?; // one that is held would not hear
        self.signal(Signal::Terminate)?;
        if self.wait_gone(STOP_MAX) {
            return Ok(());
        }
        self.kill()?;
        Err(Error::Killed { pid: self.pid, waited: STOP_MAX })
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&self) -> Result<()> {
        self.signal(Signal::Kill)?;
        if self.wait_gone(GONE_MAX) {
            return Ok(());
        }
        Err(Error::Unsupported(format!("process {} was killed and is still there: see what it waits for", self.pid)))
    }

    /// Waits until it has ended; false if it has not by then.
    pub fn wait_gone(&self, time_max: Duration) -> bool {
        let started = Instant::now();
        while self.is_alive() {
            if started.elapsed() > time_max {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
        true
    }
}

impl fmt::Display for OsProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)
    }
}

/// Field 22 of `/proc/PID/stat`, unless field 3 says that it has ended. The name in field 2 may hold blanks and brackets.
fn start_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_past_a_name_with_brackets() {
        let stat = |state: &str| format!("7 (a ) b) {state} 1 7 7 0 -1 4 0 0 0 0 1 2 0 0 20 0 1 0 4711 99 1");
        assert_eq!(start_ticks(&stat("S")), Some(4_711));
        assert_eq!(start_ticks(&stat("Z")), None, "a process that has ended is not alive");
    }

    #[test]
    fn a_process_with_the_number_of_another_is_not_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let true_one = OsProcess::of(child.id()).unwrap();
        let earlier = OsProcess::remembered(child.id(), "an-earlier-boot:1");
        assert!(!earlier.is_alive());
        earlier.signal(Signal::Kill).unwrap();
        assert!(true_one.is_alive());
        true_one.signal(Signal::Kill).unwrap();
        assert!(true_one.wait_gone(Duration::from_secs(10)));
        child.wait().unwrap();
    }
}
