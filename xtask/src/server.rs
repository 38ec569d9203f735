//! A server to be tested: the real hwan on free ports, over a fresh directory, with its demonstration's rates.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::sync_channel,
    thread,
    time::Duration,
};

/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(60);

/// A server at work. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    program: PathBuf,
    /// Where the API listens: `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The first caller's token, which may do everything.
    pub(crate) token: String,
    data: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts `program` over an empty `folder` and waits until it says where it listens.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, String> {
        let (data, log) = (folder.join("data"), folder.join("server.log"));
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| format!("{path}: {error}")
        };
        if data.exists() {
            fs::remove_dir_all(&data).map_err(at(&data))?;
        }
        fs::create_dir_all(folder).map_err(at(folder))?;
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(at(&log))?)
            .spawn()
            .map_err(at(program))?;
        let url = child.stdout.take().and_then(first_url);
        let mut server =
            Self { child, program: program.to_owned(), url: url.unwrap_or_default(), token: String::new(), data, log };
        if server.url.is_empty() {
            return Err(format!("{} did not say where it listens: see {}", program.display(), server.log.display()));
        }
        let file = server.data.join("token");
        fs::read_to_string(&file).map_err(at(&file))?.trim().clone_into(&mut server.token);
        Ok(server)
    }

    /// Ends it and looks at what it leaves behind: whether it lived to the end without a panic, and whether its ledger
    /// is whole. Gives everything that is wrong.
    pub(crate) fn end(mut self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Ok(Some(status)) = self.child.try_wait() {
            faults.push(format!("the server ended by itself: {status}"));
        }
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        faults.extend(log.lines().filter(|line| line.contains("panicked")).take(3).map(str::to_owned));
        let verified = Command::new(&self.program).args(["verify", "--data"]).arg(&self.data).output();
        match verified {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                faults.push(format!("hwan verify: {}", output.status));
                faults.extend(text.lines().filter(|line| line.contains("WRONG")).take(5).map(str::to_owned));
            }
            Err(error) => faults.push(format!("hwan verify: {error}")),
        }
        if !faults.is_empty() {
            faults.push(format!("what the server logged: {}", self.log.display()));
        }
        faults
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

/// The first URL that the server prints; its further lines are read so that it never waits for its reader.
fn first_url(out: impl Read + Send + 'static) -> Option<String> {
    let (urls, url) = sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(url) = url_in(&line) {
                let _ = urls.try_send(url); // only the first is taken
            }
        }
    });
    url.recv_timeout(START_MAX).ok()
}

fn url_in(line: &str) -> Option<String> {
    const START: &str = "http://127.0.0.1:";
    let rest = line.get(line.find(START)? + START.len()..)?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{START}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_the_banner() {
        let banner = "hwan listens on http://127.0.0.1:40213, its token lies in data/token";
        assert_eq!(url_in(banner).as_deref(), Some("http://127.0.0.1:40213"));
        assert_eq!(url_in("nothing here http://127.0.0.1:"), None);
    }
}
