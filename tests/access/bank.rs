//! Starts hwan as its users do, runs its command line, and speaks HTTP and TLS to it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, body::Bytes, client::conn::http1, http::request::Builder};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How long a start, or anything that a running hwan shall notice, may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A data directory, with what runs over it.
pub(crate) struct Bank {
    pub(crate) directory: TempDir,
    configuration: String,
    arguments: Vec<String>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    api: SocketAddr,
    admin: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned())
    }
}

impl Bank {
    /// A fresh data directory, over which nothing runs yet; `configuration` is a TOML text without demonstration.
    pub(crate) fn new(configuration: &str) -> Self {
        let configuration = format!("{configuration}\n[rates]\ndemonstration = false\n");
        let directory = tempfile::tempdir().unwrap();
        Self { directory, configuration, arguments: Vec::new(), running: None }
    }

    /// The same, started.
    pub(crate) async fn open(configuration: &str) -> Self {
        let mut bank = Self::new(configuration);
        bank.start().await;
        bank
    }

    /// With these arguments at its starts, over the usual ones.
    pub(crate) fn with_arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let file = self.directory.path().join("hwan.toml");
        fs::write(&file, &self.configuration).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hwan"));
        command.args(arguments).arg("--config").arg(file).arg("--data").arg(self.data()).stdin(Stdio::null());
        command
    }

    /// Runs a command that ends by itself.
    pub(crate) fn hwan(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts hwan where it has to fail: exit code and what it says.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let all = serve(arguments);
        let output = self.hwan(&all);
        (output.status.code().unwrap(), text_of(&output.stderr))
    }

    /// Makes a key and returns it.
    pub(crate) fn create_key(&self, arguments: &[&str]) -> String {
        let output = self.hwan(&[&["token", "create"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        text_of(&output.stdout).trim_end().to_owned()
    }

    /// Starts hwan and waits until it listens.
    pub(crate) async fn start(&mut self) {
        let own: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let arguments = serve(&own);
        let mut child = self.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (banner, said) = mpsc::sync_channel(16);
        collect(child.stdout.take().unwrap(), Arc::clone(&lines), Some(banner));
        collect(child.stderr.take().unwrap(), Arc::clone(&lines), None);
        let started = Instant::now();
        let mut addresses = Vec::new();
        while addresses.len() < 2 {
            match said.try_recv() {
                Ok(line) => addresses.extend(address_in(&line)),
                Err(_) => {
                    assert!(
                        started.elapsed() < SOON && child.try_wait().unwrap().is_none(),
                        "it did not start:\n{}",
                        lines.lock().unwrap().join("\n")
                    );
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        self.running = Some(Running { child, api: addresses[0], admin: addresses[1], lines });
    }

    /// Stops it in order.
    pub(crate) async fn stop(&mut self) {
        let mut running = self.running.take().unwrap();
        let sent = Command::new("kill").args(["-TERM", &running.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let started = Instant::now();
        while running.child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < SOON, "it did not stop");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn api(&self) -> SocketAddr {
        self.running.as_ref().unwrap().api
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.running.as_ref().unwrap().admin
    }

    /// The first key's text.
    pub(crate) fn token(&self) -> String {
        fs::read_to_string(self.data().join("token")).unwrap()
    }

    /// What it has said, banner and log.
    pub(crate) fn said(&self) -> String {
        self.running.as_ref().unwrap().lines.lock().unwrap().join("\n")
    }

    /// GET /v1/rates with a credential.
    pub(crate) async fn ask(&self, credential: &str) -> Answer {
        let request = get("/v1/rates").header("authorization", format!("Bearer {credential}"));
        self.send(self.api(), request).await
    }

    /// The status of the same.
    pub(crate) async fn status(&self, credential: &str) -> u16 {
        self.ask(credential).await.status
    }

    /// Asks until the status is this one.
    pub(crate) async fn soon(&self, credential: &str, status: u16) {
        let started = Instant::now();
        loop {
            let found = self.status(credential).await;
            if found == status {
                return;
            }
            assert!(started.elapsed() < SOON, "still {found}, not {status}:\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends a request without a body, in the clear.
    pub(crate) async fn send(&self, to: SocketAddr, request: Builder) -> Answer {
        let stream = TcpStream::connect(to).await.unwrap();
        exchange(stream, request.body(Full::default()).unwrap()).await.unwrap()
    }

    /// GET of the admin port.
    pub(crate) async fn ask_admin(&self, path: &str) -> Answer {
        self.send(self.admin(), get(path)).await
    }

    /// POST of JSON to the admin port.
    pub(crate) async fn post_admin(&self, path: &str, body: &str) -> Answer {
        let request = Request::post(path).header("host", "localhost").header("content-type", "application/json");
        let stream = TcpStream::connect(self.admin()).await.unwrap();
        exchange(stream, request.body(Full::from(body.to_owned())).unwrap()).await.unwrap()
    }

    /// The audit trail's lines so far, the newest file alone.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.data().join("audit.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The first line of the audit trail that fits, once it is there.
    pub(crate) async fn noted(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            if let Some(line) = self.audit().into_iter().find(|line| fits(line)) {
                return line;
            }
            assert!(started.elapsed() < SOON, "no such line: {:#?}", self.audit());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            let _ended_already = running.child.kill();
            let _gone = running.child.wait();
        }
    }
}

/// `serve` with these arguments, and free ports where they name none.
fn serve<'a>(own: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["serve"];
    for option in ["--listen", "--admin-listen"] {
        if !own.contains(&option) {
            arguments.extend([option, "127.0.0.1:0"]);
        }
    }
    arguments.extend(own);
    arguments
}

/// A GET that names this machine.
pub(crate) fn get(path: &str) -> Builder {
    Request::get(path).header("host", "localhost")
}

/// Sends a request without a body over TLS; an error if the handshake or the connection fails.
pub(crate) async fn send_over_tls(config: ClientConfig, to: SocketAddr, request: Builder) -> Result<Answer, String> {
    let stream = TcpStream::connect(to).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await;
    let stream = stream.map_err(|error| error.to_string())?;
    exchange(stream, request.body(Full::default()).unwrap()).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Answer, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| format!("{error:?}"))?;
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, text: text_of(&bytes) })
}

pub(crate) fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The id of a key.
pub(crate) fn id_of(key: &str) -> &str {
    key.split('.').nth(1).unwrap()
}

/// Writes a file that only its owner may read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    // Put in place whole, as hwan does: a running one may read it at any moment.
    let beside = path.with_extension("beside");
    fs::write(&beside, text).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&beside, path).unwrap();
}

fn collect(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<String>>>, to: Option<mpsc::SyncSender<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(to) = &to {
                let _enough = to.try_send(line.clone());
            }
            lines.lock().unwrap().push(line);
        }
    });
}

/// The address of a banner's line; where all addresses are listened on, the one of loopback.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("://")?;
    let address = rest.split([',', ' ', '/']).next()?;
    address.replace("0.0.0.0", "127.0.0.1").parse().ok()
}
