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

use super::server::Scratch;
pub(crate) use super::server::{Server, run};

/// A database, dropped in the end, and a store on it.
pub(crate) struct Database {
    scratch: Scratch,
    store: Option<Arc<MysqlStore>>,
}

impl Database {
    /// A new database with an open store.
    pub(crate) async fn create(server: Server) -> Self {
        let scratch = Scratch::create(server, "hwan_test").await;
        let mut database = Self { scratch, store: None };
        database.open().await;
        database
    }

    /// Settings that suit tests.
    pub(crate) fn options(&self) -> MysqlOptions {
        MysqlOptions { lease: Duration::from_secs(2), ..MysqlOptions::at(self.scratch.url()) }
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
        self.scratch.raw().await
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

/// The first column of the only row, as text.
pub(crate) async fn text(connection: &mut MySqlConnection, sql: &str) -> String {
    let row = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap();
    row.try_get_unchecked(0).unwrap()
}
