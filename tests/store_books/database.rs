//! A database of a test's own on a real server, with books in it.

use std::sync::Arc;

use async_trait::async_trait;
use hwan::storage::{
    alerts::port::AlertBook,
    closings::port::ClosingBook,
    conformance::fixture::currencies,
    general_ledger::{
        conformance::{Subject, chart},
        port::GeneralLedger,
    },
    mysql::{MysqlBooks, MysqlOptions},
};
use sqlx::MySqlConnection;

use super::server::Scratch;
pub(crate) use super::server::Server;

/// A database, dropped in the end, and books in it.
pub(crate) struct Database {
    scratch: Scratch,
    books: Option<Arc<MysqlBooks>>,
}

impl Database {
    /// A new database with open books.
    pub(crate) async fn create(server: Server) -> Self {
        let scratch = Scratch::create(server, "hwan_books").await;
        let mut database = Self { scratch, books: None };
        database.open().await;
        database
    }

    pub(crate) fn options(&self) -> MysqlOptions {
        MysqlOptions::at(self.scratch.url())
    }

    /// The store.
    pub(crate) fn store(&self) -> Arc<MysqlBooks> {
        Arc::clone(self.books.as_ref().unwrap())
    }

    /// A connection beside the store's.
    pub(crate) async fn raw(&self) -> MySqlConnection {
        self.scratch.raw().await
    }

    async fn open(&mut self) {
        self.books = Some(Arc::new(MysqlBooks::open(&self.options(), currencies(), chart()).await.unwrap()));
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

impl hwan::storage::closings::conformance::Subject for Database {
    fn closings(&self) -> Arc<dyn ClosingBook> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn ClosingBook>
    }
}

impl hwan::storage::alerts::conformance::Subject for Database {
    fn alerts(&self) -> Arc<dyn AlertBook> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn AlertBook>
    }
}
