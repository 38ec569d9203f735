//! The audit trail: what was refused to whom, and what concerns access. What was changed stands in the journal, with
//! its caller; this is the rest. `audit.log`, mode 0600, a line of JSON each, never a secret in it.
//!
//! A request hands its line to a bounded channel and goes on; a thread of its own writes. Where the channel is full, or
//! the disk is, a line is lost and counted (`hwan_audit_lines_total`): auditing never stops the bank. Lines reach the
//! disk within a second. The command line appends its own lines beside a running server.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

use hwan_domain::time::Timestamp;
use serde::Serialize;

use super::audit_file::{AuditFile, AuditFileError, AuditLimits};
use crate::{clock::Clock, telemetry::metrics::AuditMetrics};

/// Lines that wait for the disk at most; some megabytes.
const WAITING_MAX: usize = 8_192;
/// How long a line may be in the operating system's hands only.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// The longest text of a caller's choosing that is repeated, in bytes.
const TEXT_MAX: usize = 256;

/// What a line tells. What is not known stays away.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Noted<'a> {
    /// What happened: `refused`, `privileged`, `token_created`, `server_started` and so on.
    pub event: &'static str,
    /// The request, as its answer names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// The trace that the request belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<&'a str>,
    /// The caller, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<&'a str>,
    /// The id of the key that was used or presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a str>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<&'a str>,
    /// The subject of the client's certificate, where one was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<&'a str>,
    /// Of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'a str>,
    /// Of the request, without its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// Of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    /// More of why, or of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    noted: Noted<'a>,
}

/// The line's bytes, with its end. JSON escapes every control character, so a line stays one.
fn line(at: Timestamp, noted: &Noted<'_>) -> Vec<u8> {
    let noted = Noted { path: noted.path.map(cut), detail: noted.detail.map(cut), ..*noted };
    // Texts and numbers under fixed names, into memory: that does not fail.
    let mut bytes = serde_json::to_vec(&Line { at: at.to_rfc3339(), noted }).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The beginning of a text of a caller's choosing.
fn cut(text: &str) -> &str {
    let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end));
    if text.len() <= TEXT_MAX { text } else { end.and_then(|end| text.get(..end)).unwrap_or_default() }
}

enum Message {
    Line(Vec<u8>),
    Close(SyncSender<()>),
}

/// Where lines go. Clones write the same trail.
#[derive(Clone)]
pub struct AuditTrail {
    sender: SyncSender<Message>,
    clock: Arc<dyn Clock>,
    metrics: AuditMetrics,
}

impl std::fmt::Debug for AuditTrail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditTrail")
    }
}

impl AuditTrail {
    /// Opens the trail of a data directory and starts its writer.
    pub fn open(directory: &Path, limits: AuditLimits, clock: Arc<dyn Clock>) -> Result<Self, AuditFileError> {
        let file = AuditFile::open(directory, limits)?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let metrics = AuditMetrics::new();
        let its_metrics = metrics.clone();
        let started =
            thread::Builder::new().name("audit".to_owned()).spawn(move || write(file, &receiver, &its_metrics));
        started.map_err(|cause| AuditFileError { path: directory.to_owned(), cause })?;
        Ok(Self { sender, clock, metrics })
    }

    /// Notes it; never waits.
    pub fn note(&self, noted: &Noted<'_>) {
        if self.sender.try_send(Message::Line(line(self.clock.now(), noted))).is_err() {
            self.metrics.lost.increment(1);
        }
    }

    /// Returns once everything noted before is on the disk.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.sender.send(Message::Close(done)).is_ok() {
            // An error means that the writer has ended: there is nothing to wait for.
            let _ended = wait.recv_timeout(Duration::from_secs(5));
        }
    }
}

/// Appends one line from outside the server, such as from the command line.
pub fn append(directory: &Path, at: Timestamp, noted: &Noted<'_>) -> Result<(), AuditFileError> {
    let mut file = AuditFile::open(directory, AuditLimits::NONE)?;
    let failed = |cause| AuditFileError { path: directory.join(super::audit_file::FILE_NAME), cause };
    file.append(&line(at, noted)).and_then(|()| file.sync()).map_err(failed)
}

fn write(mut file: AuditFile, receiver: &Receiver<Message>, metrics: &AuditMetrics) {
    let mut failing = false;
    let mut outcome = |written: io::Result<()>| match written {
        Ok(()) => {
            metrics.written.increment(1);
            failing = false;
        }
        Err(error) => {
            metrics.lost.increment(1);
            if !failing {
                tracing::error!(%error, "the audit trail cannot be written: free or repair the disk of the data directory");
            }
            failing = true;
        }
    };
    loop {
        match receiver.recv_timeout(SYNC_EVERY) {
            Ok(Message::Line(line)) => outcome(file.append(&line)),
            Ok(Message::Close(done)) => {
                if let Err(error) = file.sync() {
                    tracing::error!(%error, "the audit trail is not on the disk yet");
                }
                // Whoever asked may have given up.
                let _gone = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if matches!(file.sync_if_older_than(SYNC_EVERY), Err(error) if error.kind() != io::ErrorKind::Interrupted) {
            outcome(Err(io::ErrorKind::Other.into()));
        }
    }
    while let Ok(Message::Line(line)) = receiver.try_recv().map_err(|_: TryRecvError| ()) {
        outcome(file.append(&line));
    }
    let _at_the_end = file.sync();
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::clock::ManualClock;

    const AT: Timestamp = Timestamp::from_micros(1_000_000_000_000);

    #[test]
    fn a_line_says_what_is_known_and_stays_one_line() {
        let noted = Noted { event: "refused", path: Some("/v1/a\nb\"c"), status: Some(401), ..Noted::default() };
        let text = String::from_utf8(line(AT, &noted)).unwrap();
        assert_eq!(
            text,
            "{\"at\":\"1970-01-12T13:46:40.000000Z\",\"event\":\"refused\",\"path\":\"/v1/a\\nb\\\"c\",\"status\":401}\n"
        );
        let long = "é".repeat(10_000);
        let text = line(AT, &Noted { path: Some(&long), ..Noted::default() });
        assert!(text.len() < 2 * TEXT_MAX, "{}", text.len());
    }

    #[test]
    fn what_is_noted_is_on_the_disk_after_a_flush_beside_what_others_append() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(AT));
        let trail = AuditTrail::open(directory.path(), AuditLimits::NONE, clock).unwrap();
        trail.note(&Noted { event: "one", ..Noted::default() });
        trail.flush();
        append(directory.path(), AT, &Noted { event: "two", ..Noted::default() }).unwrap();
        trail.note(&Noted { event: "three", ..Noted::default() });
        trail.flush();
        let text = fs::read_to_string(directory.path().join("audit.log")).unwrap();
        let events: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(events, ["one", "two", "three"]);
    }
}
