//! A server does not outlive who started it, unless it is let go: not even if that process is killed.
//!
//! A shell holds the reading end of a pipe whose other end is ours. When that closes without a word, we are gone, and
//! the shell kills the server, if it is still the one it was told of. It stands in a process group of its own, where a
//! Ctrl-C in the terminal does not reach it.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::{Error, OsProcess, Result};

/// Waits for a word; without one, kills the process of that number if it started then. What follows the name's closing
/// bracket in `/proc/PID/stat` begins with the third field, so that the fields have their own numbers: the start is 22.
const WATCH: &str = r#"
read -r word && exit 0
stat=$(cat "/proc/$1/stat" 2>/dev/null) || exit 0
set -- "$1" "$2" ${stat##*) }
[ "${22}" = "$2" ] && kill -s KILL "$1"
exit 0
"#;

/// Ties a server to this process. Dropping it kills the server.
#[derive(Debug)]
pub struct Leash {
    watch: Child,
}

impl Leash {
    /// Ties it from now on.
    pub fn tie(server: &OsProcess) -> Result<Self> {
        let watch = Command::new("sh")
            .args(["-c", WATCH, "watch", &server.pid().to_string(), server.start_ticks()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("sh"))?;
        Ok(Self { watch })
    }

    /// The server stays from now on.
    pub(crate) fn let_go(mut self) {
        if let Some(input) = &mut self.watch.stdin {
            let _ = input.write_all(b"go\n"); // a watch that is gone kills nothing
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait(); // how it ended is no news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn sleeping() -> (Child, OsProcess) {
        let child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = OsProcess::of(child.id()).unwrap();
        (child, process)
    }

    #[test]
    fn a_server_goes_with_its_leash_unless_it_was_let_go() {
        let (mut child, process) = sleeping();
        Leash::tie(&process).unwrap().let_go();
        assert!(process.is_alive(), "it was let go");
        drop(Leash::tie(&process).unwrap());
        assert!(process.wait_gone(Duration::from_secs(10)));
        child.wait().unwrap();
    }

    #[test]
    fn a_process_with_the_servers_number_and_another_start_is_left_alone() {
        let (mut child, process) = sleeping();
        drop(Leash::tie(&OsProcess::remembered(process.pid(), "boot:1")).unwrap());
        assert!(process.is_alive());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
