//! A database of a test's own on a real server, with books in it.

use std::sync::Arc;

use async_trait::async_trait;
use hwan::storage::{
    conformance::fixture::currencies,
    general_ledger::{
        conformance::{Subject, chart},
        port::GeneralLedger,
    },
    mysql::{MysqlBooks, MysqlOptions},
};
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

/// A database, dropped in the end, and books in it.
pub(crate) struct Database {
    server: String,
    name: String,
    books: Option<Arc<MysqlBooks>>,
}

impl Database {
    /// A new database with open books.
    pub(crate) async fn create(server: Server) -> Self {
        let server = server.url();
        let name = format!("hwan_books_{:016x}", rand::random::<u64>());
        let mut connection = MySqlConnection::connect(&server).await.unwrap();
        run(&mut connection, &format!("CREATE DATABASE {name}")).await;
        connection.close().await.unwrap();
        let mut database = Self { server, name, books: None };
        database.open().await;
        database
    }

    pub(crate) fn options(&self) -> MysqlOptions {
        MysqlOptions::at(format!("{}/{}", self.server, self.name))
    }

    /// A connection beside the store's.
    pub(crate) async fn raw(&self) -> MySqlConnection {
        MySqlConnection::connect(&format!("{}/{}", self.server, self.name)).await.unwrap()
    }

    async fn open(&mut self) {
        self.books = Some(Arc::new(MysqlBooks::open(&self.options(), currencies(), chart()).await.unwrap()));
    }
}

impl Drop for Database {
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

#[async_trait]
impl Subject for Database {
    fn books(&self) -> Arc<dyn GeneralLedger> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn GeneralLedger>
    }

    async fn reopen(&mut self) {
        self.books.take().unwrap().close().await;
        self.open().await;
    }
}

/// Runs a statement.
pub(crate) async fn run(connection: &mut MySqlConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}
