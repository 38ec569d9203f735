//! The engine as its users run it: a process with a configuration file, started, killed, held and let go.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use hwan_client::{Client, ClientConfig, ClientError, ServerAddr};
use hwan_services::{Leash, OsProcess, Signal, free_port};

use crate::{clients::Endpoint, patience::Patience};

/// How long a start may take until it listens.
const LISTENS_MAX: Duration = Duration::from_secs(30);
/// How long after its end an engine that did not get going is started again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often a starting engine is asked.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// How long a question on the admin port may take.
const ADMIN_MAX: Duration = Duration::from_millis(500);
/// How long `hwan verify`, or another command that looks, may take.
const VERIFIED_WITHIN: Duration = Duration::from_secs(300);
/// Lines of the log that an error quotes.
const LINES_QUOTED: usize = 15;
/// What callers and quotes are known by: the same in every engine of a site, as the bank would have it.
const SHARED_FILES: [&str; 3] = ["api-keys.toml", "token", "quote-keys.toml"];

/// What an engine is made from.
#[derive(Clone, Debug)]
pub struct EngineFiles {
    /// The program.
    pub binary: PathBuf,
    /// Its own folder: configuration, data directory, log.
    pub folder: PathBuf,
}

/// An engine, running or not. Dropping it kills it.
#[derive(Debug)]
pub struct Engine {
    files: EngineFiles,
    endpoint: Arc<Endpoint>,
    client: Client,
    child: Option<Child>,
    /// Should this program be killed, the engine is too.
    leash: Option<Leash>,
}

impl Engine {
    /// Writes its configuration: `store` is what stands under `[store.mysql]`, `lanes` its lanes of customers, `rest` whole
    /// sections. `first` is the engine whose keys it shares; the first itself makes them, which is why that one is started here
    /// for a moment.
    pub fn new(
        files: EngineFiles,
        store: &str,
        lanes: u16,
        rest: &str,
        first: Option<&Engine>,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&files.folder)?;
        let (listen, admin) = (free_port()?, free_port()?);
        let data = files.folder.join("data");
        let configuration = format!(
            "[server]\nlisten = \"127.0.0.1:{listen}\"\nbody_bytes_max = 1_048_576\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
             [store]\nkind = \"mysql\"\ndirectory = \"{}\"\n[store.mysql]\n{store}\n[engine]\ncustomer_lanes = {lanes}\ncommand_deadline_ms = 600\n\
             [rates]\ndemonstration = false\n\
             [limits]\ndaily_won = 1_000_000_000_000\nmonthly_won = 1_000_000_000_000\n{rest}",
            data.display()
        );
        fs::write(files.folder.join("hwan.toml"), configuration)?;
        match first {
            None => make_key(&files)?,
            Some(first) => share_keys(&first.files.folder.join("data"), &data)?,
        }
        let token = fs::read_to_string(data.join("token")).context("there is no token")?;
        let server = ServerAddr::loopback(&format!("http://127.0.0.1:{listen}"))?
            .with_token(&token)
            .with_admin(&format!("http://127.0.0.1:{admin}"))?;
        let client =
            Client::new(server.clone(), ClientConfig { connections_max: 16, deadline: Duration::from_secs(10) });
        Ok(Self { files, endpoint: Arc::new(Endpoint::of(server)), client, child: None, leash: None })
    }

    /// Where it listens, for the clients.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// A client of it, for what is not load.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Starts it, without waiting for anything.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.child.is_none(), "the engine runs already");
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.files.binary.display()))?;
        self.endpoint.begins(child.id());
        self.leash = OsProcess::of(child.id()).map(|process| Leash::tie(&process)).transpose()?;
        self.child = Some(child);
        Ok(())
    }

    /// Starts it and waits until it takes work. One that ends at once, because mysqld is away, is started again, as
    /// whoever runs it would.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let mut patience = Patience::of(LISTENS_MAX);
        self.spawn()?;
        while self.client.ready().await.is_err() {
            anyhow::ensure!(!patience.is_over(), "the engine was not ready in {LISTENS_MAX:?}:\n{}", self.last_lines());
            tokio::time::sleep(ASK_EVERY).await;
            if !self.is_running() {
                self.kill()?;
                tokio::time::sleep(AGAIN_AFTER).await;
                self.spawn()?;
            }
        }
        Ok(())
    }

    /// Whether its process is there, held or not.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.as_mut().map(Child::try_wait), Some(Ok(None)))
    }

    /// Whether it says that it takes work; nothing if it does not say within half a second.
    pub async fn is_ready(&self) -> Option<bool> {
        match tokio::time::timeout(ADMIN_MAX, self.client.ready()).await {
            Ok(Ok(_)) => Some(true),
            Ok(Err(ClientError::Problem(_) | ClientError::Protocol { .. })) => Some(false),
            Ok(Err(ClientError::Connection { .. })) | Err(_) => None,
        }
    }

    /// `kill -9`, and waits until it is gone. Fine if it is gone already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
            self.endpoint.ends();
        }
        self.leash = None;
        Ok(())
    }

    /// SIGTERM, and waits for its end; one that takes longer is killed, which is an error.
    pub async fn stop(&mut self, within: Duration) -> anyhow::Result<ExitStatus> {
        let mut child = self.child.take().context("the engine does not run")?;
        let process = OsProcess::of(child.id());
        if let Some(process) = process {
            process.signal(Signal::Terminate)?;
        }
        let mut patience = Patience::of(within);
        let ended = loop {
            if let Some(status) = child.try_wait()? {
                break Ok(status);
            }
            if patience.is_over() {
                child.kill()?;
                child.wait()?;
                break Err(anyhow::anyhow!("the engine did not stop within {within:?}:\n{}", self.last_lines()));
            }
            tokio::time::sleep(ASK_EVERY).await;
        };
        self.endpoint.ends();
        self.leash = None;
        ended
    }

    /// Holds it (SIGSTOP) or lets it go on (SIGCONT).
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self.child.as_ref().and_then(|child| OsProcess::of(child.id()));
        process.context("the engine does not run")?.signal(signal)?;
        Ok(())
    }

    /// Its configuration.
    pub fn configuration(&self) -> PathBuf {
        self.files.folder.join("hwan.toml")
    }

    /// Runs `hwan verify` over the same configuration: whether it is content, and what it says.
    pub async fn verify(&self) -> anyhow::Result<(ExitStatus, String)> {
        self.ask(&["verify"]).await
    }

    /// Runs a command of hwan's that looks at things: how it ended, and what it said.
    pub async fn ask(&self, subcommand: &[&str]) -> anyhow::Result<(ExitStatus, String)> {
        let log = self.files.folder.join("asked.log");
        let file = File::create(&log)?;
        let mut child = self.command(subcommand).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
        let mut patience = Patience::of(VERIFIED_WITHIN);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((status, fs::read_to_string(log)?));
            }
            if patience.is_over() {
                child.kill()?;
                child.wait()?;
                anyhow::bail!("hwan {} took longer than {VERIFIED_WITHIN:?}", subcommand.join(" "));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Everything that it logged.
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The last lines that it logged.
    pub fn last_lines(&self) -> String {
        let log = self.logged();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LINES_QUOTED)..).unwrap_or_default().join("\n")
    }

    fn log(&self) -> PathBuf {
        self.files.folder.join("log")
    }

    fn command(&self, subcommand: &[&str]) -> Command {
        command(&self.files, subcommand)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.kill(); // nobody is left to tell
    }
}

fn command(files: &EngineFiles, subcommand: &[&str]) -> Command {
    let mut command = Command::new(&files.binary);
    command.arg("--config").arg(files.folder.join("hwan.toml")).args(subcommand).env("NO_COLOR", "1");
    command
}

/// Makes the key of the one caller that the clients are, with every role that they need.
fn make_key(files: &EngineFiles) -> anyhow::Result<()> {
    let mut create = command(files, &["token"]);
    create.args(["create", "--name", super::whole::CALLER]);
    for role in ["customer_channel", "teller", "rates"] {
        create.args(["--role", role]);
    }
    let made = create.stdin(Stdio::null()).stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&made.stderr);
    anyhow::ensure!(made.status.success(), "no key was made: {said}");
    let path = files.folder.join("data").join("token");
    write_private(&path, &made.stdout)
}

fn share_keys(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for name in SHARED_FILES {
        match fs::read(from.join(name)) {
            Ok(bytes) => write_private(&to.join(name), &bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context(name),
        }
    }
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(bytes).with_context(|| path.display().to_string())
}
