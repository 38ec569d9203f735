//! The walk: one shell for the whole page, against a server of its own over an empty directory.

use std::{fs, path::Path, process::Command};

use crate::page::Block;

/// Runs all blocks in one shell; what each printed. Panics where one fails, with what it said.
pub(crate) fn run(blocks: &[Block]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let server = server::Server::start(folder.path());
    let program = Path::new(env!("CARGO_BIN_EXE_hwan")).parent().unwrap();
    let mut script = format!("set -euo pipefail\nPATH='{}':\"$PATH\"\n", program.display());
    for (index, block) in blocks.iter().enumerate() {
        // A group, not a subshell: what it sets stays set.
        script.push_str(&format!("{{\n{}}} >printed-{index}\n", block.script));
    }
    fs::write(folder.path().join("walk.sh"), script).unwrap();
    let ended = Command::new("bash")
        .args(["-euo", "pipefail", "walk.sh"])
        .current_dir(folder.path())
        .env("HWAN", &server.url)
        .output()
        .expect("bash is needed to run the page");
    let printed = |index: usize| fs::read_to_string(folder.path().join(format!("printed-{index}")));
    if !ended.status.success() {
        let reached = (0..blocks.len()).take_while(|index| printed(*index).is_ok()).count();
        let last = reached.saturating_sub(1);
        panic!(
            "docs/api.md:{}: {}\n--- run:\n{}\n--- printed:\n{}\n--- said:\n{}\n--- the server:\n{}",
            blocks[last].line,
            ended.status,
            blocks[last].script,
            printed(last).unwrap_or_default(),
            String::from_utf8_lossy(&ended.stderr),
            server.log(),
        );
    }
    (0..blocks.len()).map(|index| printed(index).unwrap()).collect()
}

mod server {
    //! A server of the test's own, on free ports.

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

    /// Dropping it kills it.
    pub(crate) struct Server {
        child: Child,
        pub(crate) url: String,
        log: PathBuf,
    }

    impl Server {
        /// Starts hwan as the page says: in `folder`, without its demonstration.
        pub(crate) fn start(folder: &Path) -> Self {
            let log = folder.join("server.log");
            let mut child = Command::new(env!("CARGO_BIN_EXE_hwan"))
                .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
                .current_dir(folder)
                .env("HWAN_RATES__DEMONSTRATION", "false")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(File::create(&log).unwrap())
                .spawn()
                .expect("the server was built for this test");
            let url = first_url(child.stdout.take().expect("piped above"));
            let server = Self { child, url: url.unwrap_or_default(), log };
            assert!(!server.url.is_empty(), "the server did not say where it listens:\n{}", server.log());
            server
        }

        pub(crate) fn log(&self) -> String {
            fs::read_to_string(&self.log).unwrap_or_default()
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill(); // it may have ended already
            let _ = self.child.wait();
        }
    }

    /// The first URL of what is printed; the rest is read, so that the server never waits for its reader.
    fn first_url(out: impl Read + Send + 'static) -> Option<String> {
        let (urls, url) = sync_channel(1);
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let port = line.split_once("http://127.0.0.1:").map(|(_, rest)| rest);
                let port: String = port.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
                if !port.is_empty() {
                    let _ = urls.try_send(format!("http://127.0.0.1:{port}")); // only the first is taken
                }
            }
        });
        url.recv_timeout(START_MAX).ok()
    }
}
