//! A program that is run to its end: its output to a log, a word every few seconds while it lasts, an end to its time.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// How long a program may go on before it is said that it does.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How often the program is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much of a log an error repeats.
const LAST_LINES_MAX: usize = 20;

/// Runs `command`, which is called `name` in what is said; its output goes to `log`, from `input` if there is one.
pub(crate) fn run(
    name: &str,
    command: &mut Command,
    input: Option<&Path>,
    log: &Path,
    time_max: Duration,
    progress: &mut dyn FnMut(&str),
) -> Result<()> {
    let file = File::create(log).map_err(Error::io(log.display()))?;
    let also = file.try_clone().map_err(Error::io(log.display()))?;
    let stdin = match input {
        Some(path) => Stdio::from(File::open(path).map_err(Error::io(path.display()))?),
        None => Stdio::null(),
    };
    let mut child = command.stdin(stdin).stdout(file).stderr(also).spawn().map_err(Error::io(name))?;
    let started = Instant::now();
    let mut said = started;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::io(name))? {
            break status;
        }
        if started.elapsed() > time_max {
            let _ = child.kill(); // it may have ended this moment
            let _ = child.wait();
            let status = format!("not done after {} s, ended", time_max.as_secs());
            return Err(Error::Program { program: name.to_owned(), status, last_lines: last_lines(log) });
        }
        if said.elapsed() >= SILENCE_MAX {
            said = Instant::now();
            progress(&format!("{name}: {} s so far", started.elapsed().as_secs()));
        }
        thread::sleep(LOOK_EVERY);
    };
    if status.success() {
        return Ok(());
    }
    Err(Error::Program { program: name.to_owned(), status: status.to_string(), last_lines: last_lines(log) })
}

/// The end of a log, for a reader of an error.
pub(crate) fn last_lines(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LAST_LINES_MAX)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_repeats_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo it broke >&2; exit 3"]);
        let log = folder.path().join("log");
        let error = run("breaking", &mut command, None, &log, Duration::from_secs(9), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("it broke"), "{error}");
    }

    #[test]
    fn a_program_is_ended_when_its_time_is_up() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sleep");
        let error = run("sleeping", command.arg("60"), None, &log, Duration::from_millis(50), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("not done after"), "{error}");
    }
}
