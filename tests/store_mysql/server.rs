//! The servers that tests run against, and a database of a test's own on one of them.

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Mysql,
    Mariadb,
}

impl Server {
    pub(crate) const ALL: [Server; 2] = [Server::Mysql, Server::Mariadb];

    /// The server's URL, without a database.
    fn url(self) -> String {
        let (name, kind) = match self {
            Server::Mysql => ("HWAN_TEST_MYSQL_URL", "MySQL"),
            Server::Mariadb => ("HWAN_TEST_MARIADB_URL", "MariaDB"),
        };
        #[expect(clippy::disallowed_methods, reason = "where the test server is comes from whoever runs the tests")]
        let url = std::env::var(name);
        let url = url.unwrap_or_else(|_| {
            panic!(
                "no {kind} at {name}: run `cargo xtask test`, or `cargo xtask services up` and source target/services/env"
            )
        });
        let after_host = url.find("://").map_or(0, |at| at + 3);
        url[after_host..].find('/').map_or(url.clone(), |at| url[..after_host + at].to_owned())
    }
}

/// A database of a test's own, empty at first, dropped in the end.
pub(crate) struct Scratch {
    server: String,
    name: String,
}

impl Scratch {
    /// A new one, whose name begins with `prefix`.
    pub(crate) async fn create(server: Server, prefix: &str) -> Self {
        let server = server.url();
        let name = format!("{prefix}_{:016x}", rand::random::<u64>());
        let mut connection = MySqlConnection::connect(&server).await.unwrap();
        run(&mut connection, &format!("CREATE DATABASE {name}")).await;
        connection.close().await.unwrap();
        Self { server, name }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// A connection beside the store's.
    pub(crate) async fn raw(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url()).await.unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: the test's may be ending.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = MySqlConnection::connect(&server).await.unwrap();
                run(&mut connection, &format!("DROP DATABASE IF EXISTS {name}")).await;
            });
        });
        let _left_behind = dropped.join();
    }
}

/// Runs a statement.
pub(crate) async fn run(connection: &mut MySqlConnection, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap().rows_affected()
}
