//! A database of a test's own on a real server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hwan::storage::{
    conformance::{Subject, fixture::currencies},
    mysql::{MysqlOptions, MysqlStore},
    port::{LedgerStore, StoreError},
};
use hwan_domain::id::{LaneId, Position, SEQ_MAX, Seq};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};

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

/// A database, dropped in the end, and a store on it.
pub(crate) struct Database {
    server: String,
    name: String,
    store: Option<Arc<MysqlStore>>,
}

impl Database {
    /// A new database with an open store.
    pub(crate) async fn create(server: Server) -> Self {
        let server = server.url();
        let name = format!("hwan_test_{:016x}", rand::random::<u64>());
        let mut connection = MySqlConnection::connect(&server).await.unwrap();
        run(&mut connection, &format!("CREATE DATABASE {name}")).await;
        connection.close().await.unwrap();
        let mut database = Self { server, name, store: None };
        database.open().await;
        database
    }

    /// Settings that suit tests.
    pub(crate) fn options(&self) -> MysqlOptions {
        MysqlOptions { lease: Duration::from_secs(2), ..MysqlOptions::at(format!("{}/{}", self.server, self.name)) }
    }

    /// Another store on the same database, as another engine would open it.
    pub(crate) async fn another(&self) -> Result<MysqlStore, StoreError> {
        MysqlStore::open(&self.options(), currencies()).await
    }

    /// The store itself.
    pub(crate) fn mysql(&self) -> Arc<MysqlStore> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// A connection beside the store's.
    pub(crate) async fn raw(&self) -> MySqlConnection {
        MySqlConnection::connect(&format!("{}/{}", self.server, self.name)).await.unwrap()
    }

    async fn open(&mut self) {
        self.store = Some(Arc::new(self.another().await.unwrap()));
    }

    async fn shut(&mut self) {
        if let Some(store) = self.store.take() {
            store.close().await;
        }
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
    fn store(&self) -> Arc<dyn LedgerStore> {
        self.mysql()
    }

    async fn reopen(&mut self) {
        self.shut().await;
        self.open().await;
    }

    async fn forget_totals(&mut self, lane: LaneId) {
        self.shut().await;
        let mut connection = self.raw().await;
        run(&mut connection, &format!("UPDATE lane SET totals = NULL WHERE id = {}", lane.number())).await;
        connection.close().await.unwrap();
        self.open().await;
    }

    async fn lose_journal_after(&mut self, lane: LaneId, seq: Seq) {
        self.shut().await;
        let mut connection = self.raw().await;
        let at = |seq| Position::new(lane, seq).packed();
        let last = at(Seq::new(SEQ_MAX).unwrap());
        run(&mut connection, &format!("DELETE FROM journal WHERE id > {} AND id <= {last}", at(seq))).await;
        run(
            &mut connection,
            &format!(
                "UPDATE lane SET seq = {}, hash = (SELECT hash FROM journal WHERE id = {at}), \
                 last_at = (SELECT at FROM journal WHERE id = {at}), \
                 last_date = (SELECT business_date FROM journal WHERE id = {at}) WHERE id = {}",
                seq.number(),
                lane.number(),
                at = at(seq)
            ),
        )
        .await;
        self.open().await;
    }
}

/// Runs a statement.
pub(crate) async fn run(connection: &mut MySqlConnection, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap().rows_affected()
}

/// The first column of the only row, as text.
pub(crate) async fn text(connection: &mut MySqlConnection, sql: &str) -> String {
    let row = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap();
    row.try_get_unchecked(0).unwrap()
}
