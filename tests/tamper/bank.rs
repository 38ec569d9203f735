//! A small bank with some days behind it, on a store of its own.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hwan::{
    accounting::{catch_up, event_reader::EventReader, poster::PosterParts},
    clock::{Clock, SystemClock},
    reconciliation::run::{self, BooksParts, Failure, Parts, Plan},
    storage::{
        conformance::fixture::{Family, Scribe, currencies, money},
        general_ledger::{books_store::BooksStore, conformance::chart},
        mysql::{MysqlBooks, MysqlOptions, MysqlReconciliation, MysqlStore},
        port::LedgerStore,
        reconciliation::port::ReconciliationReads,
        sqlite::{SqliteBooks, SqliteOptions, SqliteReconciliation, SqliteStore},
    },
};
use hwan_domain::{
    id::LaneId,
    reconciliation::{Reconciliation, RunId},
    time::BusinessDate,
};
use sqlx::{AssertSqlSafe, ConnectOptions, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::server::{Scratch, Server, run as run_sql};

/// On which kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Mysql,
    Mariadb,
}

impl Kind {
    /// The one or the other, by the kind.
    pub(crate) fn pick<T>(self, sqlite: T, mysql: T) -> T {
        if self == Kind::Sqlite { sqlite } else { mysql }
    }
}

/// Where a statement is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Ledger,
    Passbook,
    Books,
}

/// A bank.
pub(crate) struct Bank {
    pub(crate) kind: Kind,
    pub(crate) scribe: Scribe,
    pub(crate) families: Vec<Family>,
    /// The days that are over, oldest first.
    pub(crate) days: Vec<BusinessDate>,
    pub(crate) store: Arc<dyn LedgerStore>,
    pub(crate) books: Arc<dyn BooksStore>,
    dir: TempDir,
    scratch: Option<(Scratch, Scratch)>,
}

impl Bank {
    /// A bank with two days behind it and a third begun; projected and posted.
    pub(crate) async fn with_days(kind: Kind) -> Self {
        let mut bank = Self::empty(kind).await;
        for _ in 0..3 {
            let family = bank.scribe.open_family();
            bank.families.push(family);
            bank.scribe.deposit(family.won, money("1000000", "KRW"));
            bank.scribe.buy(family, money("100.00", "USD"));
        }
        bank.commit().await;
        for _ in 0..2 {
            bank.days.push(bank.scribe.clock().1);
            bank.scribe.roll_date();
            let family = bank.scribe.open_family();
            bank.families.push(family);
            bank.scribe.deposit(family.won, money("500000", "KRW"));
            for family in bank.families.clone().into_iter().skip(1) {
                bank.scribe.buy(family, money("7.05", "USD"));
            }
            let exchange = bank.scribe.clone().batch().rows.last().unwrap().record.clone();
            bank.scribe.reverse(&exchange, false);
            bank.scribe.withdraw(family.won, money("1000", "KRW"));
            bank.commit().await;
        }
        bank
    }

    pub(crate) async fn empty(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Mysql => Some(Server::Mysql),
            Kind::Mariadb => Some(Server::Mariadb),
        };
        let scratch = match server {
            None => None,
            Some(server) => {
                Some((Scratch::create(server, "hwan_test").await, Scratch::create(server, "hwan_books").await))
            }
        };
        let (store, books): (Arc<dyn LedgerStore>, Arc<dyn BooksStore>) = match &scratch {
            None => {
                let options = SqliteOptions::default();
                let store = SqliteStore::open(dir.path(), currencies(), options.clone()).await.unwrap();
                let books = SqliteBooks::open(dir.path(), currencies(), &chart(), &options).await.unwrap();
                (Arc::new(store), Arc::new(books))
            }
            Some((ledger, books)) => {
                let options = options(ledger);
                let store = MysqlStore::open(&options, currencies()).await.unwrap();
                let books = MysqlBooks::open(&MysqlOptions::at(books.url()), currencies(), chart()).await.unwrap();
                (Arc::new(store), Arc::new(books))
            }
        };
        let scribe = Scribe::taken(LaneId::FIRST, &store.take_lane(LaneId::FIRST).await.unwrap());
        Self { kind, scribe, families: Vec::new(), days: Vec::new(), store, books, dir, scratch }
    }

    /// Commits what was written down, has the projections follow and the books post it.
    pub(crate) async fn commit(&mut self) {
        self.commit_only().await;
        self.follow().await;
    }

    /// Commits what was written down; nothing follows.
    pub(crate) async fn commit_only(&mut self) {
        self.store.commit(&self.scribe.batch()).await.unwrap();
    }

    /// Has projections and books follow.
    pub(crate) async fn follow(&self) {
        self.project().await;
        self.post().await;
    }

    pub(crate) async fn project(&self) {
        let from = self.store.projected(LaneId::FIRST).await.unwrap();
        let rows = self.store.journal(LaneId::FIRST, from.next().unwrap(), 100_000).await.unwrap();
        if !rows.is_empty() {
            let records: Vec<_> = rows.into_iter().map(|row| row.record).collect();
            self.store.project(LaneId::FIRST, from, &records).await.unwrap();
        }
    }

    pub(crate) async fn post(&self) {
        let parts = PosterParts {
            ledger: self.books.clone(),
            chart: chart(),
            reader: EventReader::new(currencies()),
            clock: Arc::new(SystemClock),
        };
        let done = catch_up::catch_up(&parts, &self.store, &[LaneId::FIRST], &mut |_, _| {}).await.unwrap();
        assert!(done.iter().all(|done| done.stopped.is_none()), "{done:?}");
    }

    /// The reads of reconciliation, on connections of their own.
    pub(crate) async fn reads(&self) -> Box<dyn ReconciliationReads> {
        match &self.scratch {
            None => Box::new(SqliteReconciliation::open(self.dir.path(), currencies()).await.unwrap()),
            Some((ledger, _)) => Box::new(MysqlReconciliation::open(&options(ledger), currencies()).await.unwrap()),
        }
    }

    pub(crate) async fn parts(&self) -> Parts {
        Parts {
            reads: self.reads().await,
            books: Ok(BooksParts { ledger: self.books.clone(), chart: chart() }),
            memory: Err("a test has no engine".to_owned()),
            currencies: currencies(),
        }
    }

    /// Reconciles a day, or the newest.
    pub(crate) async fn try_reconcile(&self, date: Option<BusinessDate>) -> Result<Reconciliation, Failure> {
        let plan = Plan { date, patience: Duration::from_millis(300), rest_percent: 0, ..Plan::default() };
        self.reconcile_by(&plan).await
    }

    pub(crate) async fn reconcile_by(&self, plan: &Plan) -> Result<Reconciliation, Failure> {
        let mut parts = self.parts().await;
        let done = run::reconcile(&mut parts, plan, RunId::at(SystemClock.now()), &mut |_| {}).await;
        parts.reads.close().await;
        done
    }

    pub(crate) async fn reconcile(&self, date: Option<BusinessDate>) -> Reconciliation {
        self.try_reconcile(date).await.unwrap()
    }

    /// Runs a statement behind the engine's back; it changes something.
    pub(crate) async fn lie(&self, base: Base, sql: &str) {
        let changed = match &self.scratch {
            None => {
                let file = match base {
                    Base::Ledger => "ledger.db",
                    Base::Passbook => "passbook.db",
                    Base::Books => "books.db",
                };
                let path: PathBuf = self.dir.path().join(file);
                let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected()
            }
            Some((ledger, books)) => {
                let scratch = if base == Base::Books { books } else { ledger };
                run_sql(&mut scratch.raw().await, sql).await
            }
        };
        assert!(changed > 0, "{sql} changes nothing");
    }

    /// The records that were committed so far are where the store says.
    pub(crate) fn head(&self) -> u64 {
        self.scribe.head().0.number()
    }
}

fn options(scratch: &Scratch) -> MysqlOptions {
    MysqlOptions { lease: Duration::from_secs(2), ..MysqlOptions::at(scratch.url()) }
}

/// What is wrong, told for whoever reads a test's failure.
pub(crate) fn told(result: &Reconciliation) -> String {
    let mut out = Vec::new();
    hwan::reconciliation::report::text::write(result, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
