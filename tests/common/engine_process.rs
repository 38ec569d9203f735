//! The engine as its users run it: a process, killed and started again over one data directory.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use hwan_client::{Client, ClientConfig, ServerAddr};

/// How long a start may take, recovery included.
const START_MAX: Duration = Duration::from_secs(30);
/// Lines of output kept for a failure's report.
const LINES_KEPT: usize = 60;

/// A running engine. Dropping it kills it.
pub(crate) struct EngineProcess {
    child: Child,
    /// Where it listens, with its token.
    pub(crate) server: ServerAddr,
    /// A client of it.
    pub(crate) client: Client,
    output: Arc<Mutex<Vec<String>>>,
}

impl EngineProcess {
    /// Starts the engine over `data` and waits until it takes work.
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, &[]).await
    }

    /// The same, with these variables in its environment.
    pub(crate) async fn start_with(data: &Path, environment: &[(&str, String)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hwan"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the engine's binary was built for this test");
        let output = Arc::new(Mutex::new(Vec::new()));
        let (urls, url) = mpsc::sync_channel(2);
        collect(child.stdout.take().expect("piped above"), output.clone(), Some(urls));
        collect(child.stderr.take().expect("piped above"), output.clone(), None);
        let started = Instant::now();
        // The API's first, then the admin port's.
        let mut found = Vec::new();
        let [url, admin_url] = loop {
            match url.try_recv() {
                Ok(url) => {
                    found.push(url);
                    if let Ok(urls) = <[String; 2]>::try_from(found.clone()) {
                        break urls;
                    }
                }
                Err(_) if started.elapsed() < START_MAX && child.try_wait().unwrap().is_none() => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(_) => {
                    let _ = child.kill();
                    panic!("the engine did not say where it listens:\n{}", output.lock().unwrap().join("\n"));
                }
            }
        };
        let token = std::fs::read_to_string(data.join("token")).expect("the engine writes its token before it listens");
        let server = ServerAddr::loopback(&url).unwrap().with_token(&token).with_admin(&admin_url).unwrap();
        let config = ClientConfig { connections_max: 16, deadline: Duration::from_secs(20) };
        let engine = Self { child, client: Client::new(server.clone(), config), server, output };
        while let Err(error) = engine.client.ready().await {
            assert!(started.elapsed() < START_MAX, "not ready: {error}\n{}", engine.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        engine
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`, and waits for the process to be gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM. By the shell: the standard library sends no signal but the last one.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status().unwrap();
        assert!(sent.success(), "the signal could not be sent");
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(&mut self, within: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < within, "the engine did not end within {within:?}:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The last lines that it printed.
    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end, so that the engine never waits for its reader; hands on the first two URLs.
fn collect(
    stream: impl Read + Send + 'static,
    output: Arc<Mutex<Vec<String>>>,
    urls: Option<mpsc::SyncSender<String>>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let (Some(urls), Some(url)) = (&urls, url_in(&line)) {
                let _ = urls.try_send(url); // only the first two are taken
            }
            let mut output = output.lock().unwrap();
            if output.len() == LINES_KEPT {
                output.remove(0);
            }
            output.push(line);
        }
    });
}

/// The first `http://127.0.0.1:PORT` of a line.
fn url_in(line: &str) -> Option<String> {
    const START: &str = "http://127.0.0.1:";
    let rest = line.get(line.find(START)? + START.len()..)?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{START}{port}"))
}

/// Runs a subcommand that ends by itself, such as `verify`: its status and output.
pub(crate) fn run_to_end(arguments: &[&str], data: &Path) -> (ExitStatus, String) {
    run_to_end_with(arguments, data, &[])
}

/// The same, with these variables in its environment.
pub(crate) fn run_to_end_with(arguments: &[&str], data: &Path, environment: &[(&str, String)]) -> (ExitStatus, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hwan"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status, text)
}
