//! A server of hwan that is started for a comparison, on a fresh database, and stopped when it is over; killed where
//! something fails before.

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
pub(super) const DATABASE: &str = "hwan_loadtest";
/// How long it may take to start, and to stop.
const START_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(60);
/// Limits that no load reaches, in won.
const LIMIT_WON: &str = "100000000000000";

/// A server that was started here.
#[derive(Debug)]
pub(super) struct StartedServer {
    child: Child,
    port: u16,
    admin_port: u16,
    directory: PathBuf,
}

impl StartedServer {
    /// Starts `program` with these settings, and waits until its lanes are open.
    pub(super) fn start(program: &Path, mysql_url: &str, settings: &[(String, String)]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(create_empty(mysql_url, DATABASE))?;
        let database = url_of(mysql_url, DATABASE).context("--mysql-url must be mysql://user@host:port")?;
        let directory = PathBuf::from(format!("target/loadtest-server-{}", std::process::id()));
        fs::create_dir_all(&directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        let log = fs::File::create(directory.join("server.log"))?;
        let (port, admin_port) = (free_port()?, free_port()?);
        let child = Command::new(program)
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--admin-listen", &format!("127.0.0.1:{admin_port}")])
            .arg("--data")
            .arg(directory.join("data"))
            .env("HWAN_STORE__KIND", "mysql")
            .env("HWAN_STORE__MYSQL__URL", database)
            .env("HWAN_LIMITS__DAILY_WON", LIMIT_WON)
            .env("HWAN_LIMITS__MONTHLY_WON", LIMIT_WON)
            .env("HWAN_ACCESS__REQUESTS_PER_SECOND", "10000000")
            .env("HWAN_ACCESS__BURST", "10000000")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let mut started = Self { child, port, admin_port, directory };
        started.wait_until_ready()?;
        Ok(started)
    }

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
        let text = fs::read_to_string(self.directory.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Where it listens.
    pub(super) fn target(&self) -> TargetArguments {
        let url = format!("http://127.0.0.1:{}", self.port);
        TargetArguments { url, token_file: self.directory.join("data").join("token") }
    }

    pub(super) fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// The file of ids of its customers.
    pub(super) fn customers_file(&self) -> PathBuf {
        self.directory.join("customers.tsv")
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it in order; its database stays.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("the server has no process")?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("the server stopped with {status}: {}", self.last_words());
                }
                fs::remove_dir_all(&self.directory)?;
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
