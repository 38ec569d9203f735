//! A server of hwan that is started for a measurement, in a fresh place, and stopped when it is over; killed where something
//! fails before. The place outlives the server: it can be started there again, and commands of hwan can look at what it left.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use hwan_client::ServerAddr;

use crate::{
    baseline::database::{create_empty, url_of},
    cli::TargetArguments,
    http::settle::Settling,
};

/// Its database. Whatever bears this name is dropped.
pub(crate) const DATABASE: &str = "hwan_loadtest";
/// How long it may take to start, and to stop.
const START_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(60);
/// Limits that no load reaches, in won.
const LIMIT_WON: &str = "100000000000000";

/// Where servers are started: a program, its data directory and store, its settings.
#[derive(Clone, Debug)]
pub(crate) struct ServerPlace {
    program: PathBuf,
    directory: PathBuf,
    settings: Vec<(String, String)>,
}

impl ServerPlace {
    /// A new one for `program`: on a fresh database of a MySQL server, or on the embedded store.
    pub(crate) fn fresh(program: &Path, mysql_url: Option<&str>, settings: &[(String, String)]) -> Result<Self> {
        let directory = PathBuf::from(format!("target/loadtest-server-{}", std::process::id()));
        fs::create_dir_all(&directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        let mut all: Vec<(String, String)> = [
            ("HWAN_LIMITS__DAILY_WON", LIMIT_WON),
            ("HWAN_LIMITS__MONTHLY_WON", LIMIT_WON),
            ("HWAN_ACCESS__REQUESTS_PER_SECOND", "10000000"),
            ("HWAN_ACCESS__BURST", "10000000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        if let Some(server) = mysql_url {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(create_empty(server, DATABASE))?;
            let database = url_of(server, DATABASE).context("--mysql-url must be mysql://user@host:port")?;
            all.push(("HWAN_STORE__KIND".to_owned(), "mysql".to_owned()));
            all.push(("HWAN_STORE__MYSQL__URL".to_owned(), database));
        }
        all.extend(settings.iter().cloned());
        Ok(Self { program: program.to_owned(), directory, settings: all })
    }

    /// A command of the program at this place, with its settings.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg("--data").arg(self.directory.join("data")).stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What its server said.
    fn log(&self) -> PathBuf {
        self.directory.join("server.log")
    }

    /// The file of ids of its customers.
    pub(crate) fn customers_file(&self) -> PathBuf {
        self.directory.join("customers.tsv")
    }

    /// Starts the server with these settings over the place's own, and waits until its lanes are open.
    pub(crate) fn start(&self, more: &[(String, String)]) -> Result<StartedServer> {
        let log = fs::File::options().create(true).append(true).open(self.log())?;
        let (port, admin_port) = (free_port()?, free_port()?);
        let child = self
            .command("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--admin-listen", &format!("127.0.0.1:{admin_port}")])
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let mut started = StartedServer { child, port, admin_port, place: self.clone() };
        started.wait_until_ready()?;
        Ok(started)
    }

    /// Removes its directory; its database stays.
    pub(crate) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.directory)?)
    }
}

/// A server that was started here.
#[derive(Debug)]
pub(crate) struct StartedServer {
    child: Child,
    port: u16,
    admin_port: u16,
    place: ServerPlace,
}

impl StartedServer {
    fn wait_until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        let server = ServerAddr::loopback(&self.target().url)?;
        let settling = Settling::new(&server, &self.admin_url(), START_MAX)?;
        while settling.lag_records().is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", self.last_words());
            }
            if began.elapsed() > START_MAX {
                bail!("the server was not ready after {} s: {}", START_MAX.as_secs(), self.last_words());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The last lines of its log.
    fn last_words(&self) -> String {
        let text = fs::read_to_string(self.place.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Where it listens.
    pub(crate) fn target(&self) -> TargetArguments {
        let url = format!("http://127.0.0.1:{}", self.port);
        TargetArguments { url, token_file: self.place.directory.join("data").join("token") }
    }

    pub(crate) fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it in order; what it left stays.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("the server has no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("the server stopped with {status}: {}", self.last_words());
                }
                return Ok(());
            }
            if began.elapsed() > STOP_MAX {
                bail!("the server did not stop within {} s: {}", STOP_MAX.as_secs(), self.last_words());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for StartedServer {
    fn drop(&mut self) {
        // Nothing to lose but the load; where it has stopped already, this does nothing.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
