//! The stores of the books keep their promises: the one suite, on SQLite, MySQL and MariaDB, and what is each one's own.
//!
//! `HWAN_TEST_MYSQL_URL` and `HWAN_TEST_MARIADB_URL` say where the servers are; `cargo xtask test` brings them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "store_books/closing.rs"]
mod closing;
#[path = "store_books/database.rs"]
mod database;
#[path = "store_books/people.rs"]
mod people;
#[path = "store_mysql/server.rs"]
mod server;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use hwan::storage::{
    alerts::port::AlertBook,
    closings::port::ClosingBook,
    conformance::fixture::currencies,
    general_ledger::{
        conformance::{Subject, chart},
        port::GeneralLedger,
    },
    port::StoreError,
    sqlite::{SqliteBooks, SqliteOptions},
};
use tempfile::TempDir;

struct Sqlite {
    dir: TempDir,
    books: Option<Arc<SqliteBooks>>,
}

async fn open(dir: &Path) -> Result<SqliteBooks, StoreError> {
    SqliteBooks::open(dir, currencies(), &chart(), &SqliteOptions::default()).await
}

async fn sqlite() -> Sqlite {
    let dir = tempfile::tempdir().unwrap();
    let books = Some(Arc::new(open(dir.path()).await.unwrap()));
    Sqlite { dir, books }
}

#[async_trait]
impl Subject for Sqlite {
    fn books(&self) -> Arc<dyn GeneralLedger> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn GeneralLedger>
    }

    async fn reopen(&mut self) {
        self.books.take().unwrap().close().await;
        self.books = Some(Arc::new(open(self.dir.path()).await.unwrap()));
    }
}

impl hwan::storage::closings::conformance::Subject for Sqlite {
    fn closings(&self) -> Arc<dyn ClosingBook> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn ClosingBook>
    }
}

impl hwan::storage::alerts::conformance::Subject for Sqlite {
    fn alerts(&self) -> Arc<dyn AlertBook> {
        Arc::clone(self.books.as_ref().unwrap()) as Arc<dyn AlertBook>
    }
}

mod embedded {
    use super::sqlite;

    hwan::books_conformance!(sqlite);
    hwan::closings_conformance!(sqlite);
    hwan::alerts_conformance!(sqlite);
}

mod mysql {
    use super::database::{Database, Server};

    async fn make() -> Database {
        Database::create(Server::Mysql).await
    }

    hwan::books_conformance!(make);
    hwan::closings_conformance!(make);
    hwan::alerts_conformance!(make);
}

mod mariadb {
    use super::database::{Database, Server};

    async fn make() -> Database {
        Database::create(Server::Mariadb).await
    }

    hwan::books_conformance!(make);
    hwan::closings_conformance!(make);
    hwan::alerts_conformance!(make);
}
