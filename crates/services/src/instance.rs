//! A server at work, or killed and about to be started again.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Error, Installed, Options, Product, Result, Signal, State,
    bounded::last_lines,
    installed::{Spawned, log},
    kafka,
    leash::Leash,
};

/// How often a starting server is asked.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How long one answer is waited for.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A server in a folder of its own. It keeps its port and its options over kills and restarts.
#[derive(Debug)]
pub struct Instance {
    installed: Installed,
    home: PathBuf,
    options: Options,
    state: State,
    /// The child to be waited for; nothing if another process started it.
    child: Option<Child>,
    /// What takes it along with us; nothing if another process started it, or it was let go.
    leash: Option<Leash>,
}

impl Instance {
    pub(crate) fn new(installed: Installed, home: PathBuf, options: Options, spawned: Spawned) -> Self {
        let Spawned { state, child, leash } = spawned;
        Self { installed, home, options, state, child: Some(child), leash: Some(leash) }
    }

    pub(crate) fn found(installed: Installed, home: PathBuf, options: Options, state: State) -> Self {
        Self { installed, home, options, state, child: None, leash: None }
    }

    /// Its URL, of a database of that name where the product has named databases: `mysql://hwan@127.0.0.1:15321/hwan`.
    pub fn url(&self, database: &str) -> String {
        self.state.url(database)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.state.port
    }

    /// Its process, or that which it had before it was killed.
    pub fn pid(&self) -> u32 {
        self.state.process.pid()
    }

    /// What it is a server of.
    pub fn installed(&self) -> &Installed {
        &self.installed
    }

    /// Its folder: `data/`, `log`, `state`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where it logs.
    pub fn log(&self) -> PathBuf {
        log(&self.home)
    }

    /// Whether its process lives, answering or not.
    pub fn is_running(&mut self) -> bool {
        if let Some(child) = &mut self.child {
            return matches!(child.try_wait(), Ok(None));
        }
        self.state.process.is_alive()
    }

    /// Waits until it answers, at most as long as its options say.
    pub fn wait_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while !answers(self.state.product, self.state.port) {
            if !self.is_running() {
                return Err(ended(self.state.product, &self.log(), "ended before it answered"));
            }
            if started.elapsed() > self.options.ready_within {
                let (port, log) = (self.state.port, self.log());
                return Err(Error::NotReady { port, waited: started.elapsed(), log });
            }
            thread::sleep(ASK_EVERY);
        }
        // Another server may have the port while ours could not: ours has ended then.
        if self.is_running() { Ok(()) } else { Err(ended(self.state.product, &self.log(), "ended as it answered")) }
    }

    /// Kills it at once (SIGKILL), as a crash would, and waits until it is gone. Fine if it is gone already.
    pub fn kill(&mut self) -> Result<()> {
        self.state.process.kill()?;
        self.reap();
        Ok(())
    }

    /// Stops it in order (SIGTERM) and waits. One that does not stop within a minute is killed, which is an error.
    pub fn stop(&mut self) -> Result<()> {
        let stopped = self.state.stop(&self.home);
        self.reap();
        stopped
    }

    /// Starts it again with the same port and options, on the data as they are, and waits until it answers. One that
    /// still runs is stopped in order before.
    pub fn restart(&mut self) -> Result<()> {
        self.restart_with(self.options.extra.clone())
    }

    /// Starts it again as [`Instance::restart`] does, with other options of the server's own from now on.
    pub fn restart_with(&mut self, extra: Vec<String>) -> Result<()> {
        if self.is_running() {
            self.stop()?;
        }
        self.options.extra = extra;
        let Spawned { state, child, leash } = self.installed.spawn(&self.home, &self.options)?;
        (self.state, self.child) = (state, Some(child));
        if self.leash.is_some() {
            self.leash = Some(leash);
        } else {
            leash.let_go(); // it was not ours before
        }
        self.wait_ready()
    }

    /// Says something to its process: holds it, lets it go on.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.state.process.signal(signal)
    }

    /// Sends statements by the product's own client; gives what it prints, without names of columns.
    pub fn query(&self, statements: &str) -> Result<String> {
        let mut client = self.installed.client(self.state.port)?;
        let name = format!("the client of {}", self.state.product);
        let mut child = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io(&name))?;
        if let Some(mut input) = child.stdin.take() {
            // A client that ends early says why: that is the better error.
            let _ = input.write_all(statements.as_bytes());
        }
        let output = child.wait_with_output().map_err(Error::io(&name))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let last_lines = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Program { program: name, status: output.status.to_string(), last_lines })
    }

    /// Lets it go: it runs on when this is dropped, and another process finds it by its folder.
    pub fn let_go(mut self) {
        if let Some(leash) = self.leash.take() {
            leash.let_go();
        }
    }

    /// Takes the exit of a process that is gone from the system.
    fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait(); // how it ended is no news
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.leash.is_some() && self.kill().is_ok() {
            let _ = State::remove(&self.home); // its folder may be gone: a test's was temporary
        }
    }
}

/// The error for a server that ended.
pub(crate) fn ended(product: Product, log: &Path, status: &str) -> Error {
    let last_lines = last_lines(log);
    Error::Program { program: product.to_string(), status: format!("{status}, see {}", log.display()), last_lines }
}

/// Whether a server on this port speaks as it should to a client that connects.
pub(crate) fn answers(product: Product, port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, ANSWER_MAX) else { return false };
    if stream.set_read_timeout(Some(ANSWER_MAX)).is_err() {
        return false;
    }
    let mut answer = [0_u8; 5];
    match product {
        // Four bytes of length and number, then the version of the protocol, which is 10, or 255 for an error.
        Product::MySql | Product::MariaDb => stream.read_exact(&mut answer).is_ok() && answer[4] == 10,
        Product::Redis => {
            stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok() && answer == *b"+PONG"
        }
        Product::Kafka => kafka::serves(&mut stream),
    }
}
