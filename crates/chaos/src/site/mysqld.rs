//! mysqld as a process, and statements that go to it directly, past the proxy.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use hwan_services::{Installed, Instance, Options};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use tokio::{task::block_in_place, time::timeout};

/// The database of every site.
pub(crate) const DATABASE: &str = "hwan";
/// How long a direct statement may take.
const STATEMENT_MAX: Duration = Duration::from_secs(30);
/// How long a direct connection may take to open.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A mysqld in a folder of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Mysqld {
    instance: Instance,
}

impl Mysqld {
    /// Makes and starts one in `folder`, with options of its own, such as `--server-id=2`.
    pub fn start(installed: &Installed, folder: &Path, extra: &[&str]) -> anyhow::Result<Self> {
        // Plain text only, so that the proxy sees what goes by.
        let always = ["--tls-version=", "--auto-generate-certs=OFF"];
        let extra = always.iter().chain(extra).map(|option| (*option).to_owned()).collect();
        let options = Options { extra, ready_within: Duration::from_secs(60), ..Options::default() };
        let instance = block_in_place(|| installed.start(folder, options)).context("mysqld does not start")?;
        Ok(Self { instance })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.instance.port()
    }

    /// Whether its process is there.
    pub fn is_running(&mut self) -> bool {
        self.instance.is_running()
    }

    /// `kill -9`.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        block_in_place(|| self.instance.kill()).context("mysqld cannot be killed")
    }

    /// Starts it again on its data, and waits until it answers.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        block_in_place(|| self.instance.restart()).context("mysqld does not start again")
    }

    /// Where statements go to directly.
    pub fn direct(&self) -> Direct {
        Direct { port: self.instance.port() }
    }
}

/// A way to a mysqld past the proxy.
#[derive(Clone, Copy, Debug)]
pub struct Direct {
    port: u16,
}

impl Direct {
    /// Opens a connection.
    pub async fn connect(self) -> anyhow::Result<MySqlConnection> {
        self.connect_to(DATABASE).await
    }

    /// Opens a connection to a database that may not be the site's.
    pub async fn connect_to(self, database: &str) -> anyhow::Result<MySqlConnection> {
        let options = MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username("hwan")
            .database(database)
            .ssl_mode(MySqlSslMode::Disabled)
            .disable_statement_logging();
        Ok(timeout(CONNECT_MAX, options.connect()).await.context("mysqld does not answer")??)
    }

    /// Sends a statement by a connection of its own.
    pub async fn execute(self, sql: &str) -> anyhow::Result<()> {
        let mut connection = self.connect().await?;
        timeout(STATEMENT_MAX, sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection))
            .await
            .with_context(|| format!("no answer to {sql}"))?
            .with_context(|| sql.to_owned())?;
        let _ = timeout(CONNECT_MAX, connection.close()).await; // it is done; the socket closes in any case
        Ok(())
    }
}
