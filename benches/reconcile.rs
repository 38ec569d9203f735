//! What a reconciliation costs, on a store of any size. Fills one first, through the stores' own commits, where it is empty:
//!
//! ```text
//! cargo bench --features testing --bench reconcile -- --sqlite target/reconcile-data
//! cargo bench --features testing --bench reconcile -- --mysql mysql://hwan@127.0.0.1:3306/hwan_reconcile \
//!     --books mysql://hwan@127.0.0.1:3306/hwan_reconcile_books --customers 500000 --postings 10000000
//! ```
//!
//! A customer has two accounts, and moves on each of `--days` days. What it filled can be reconciled by `hwan reconcile`, too, with a
//! configuration that names the same places.
#![allow(clippy::unwrap_used, reason = "a benchmark has nobody to answer to")]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use clap::Parser;
use hwan::{
    accounting::{
        event_reader::EventReader,
        incoming::Incoming,
        poster::{LanePoster, PosterParts},
    },
    clock::{Clock, SystemClock},
    reconciliation::{
        report,
        run::{self, Begin, BooksParts, Parts, Plan},
    },
    storage::{
        conformance::fixture::{Scribe, currencies, money, records},
        general_ledger::{books_store::BooksStore, conformance::chart},
        mysql::{MysqlBooks, MysqlOptions, MysqlReconciliation, MysqlStore},
        port::LedgerStore,
        reconciliation::port::ReconciliationReads,
        sqlite::{SqliteBooks, SqliteOptions, SqliteReconciliation, SqliteStore},
    },
};
use hwan_domain::{
    id::{LaneId, Seq},
    reconciliation::RunId,
};

/// Records in a commit, and in a step of what follows.
const BATCH: usize = 8_192;
/// Commits after which it is told how far it is.
const TELL_EVERY: usize = 32;

#[derive(Debug, Parser)]
struct Arguments {
    /// The data directory of an embedded store.
    #[arg(long, value_name = "DIR", required_unless_present = "mysql")]
    sqlite: Option<PathBuf>,
    /// A database of the store's own on MySQL or MariaDB, made before.
    #[arg(long, value_name = "URL", requires = "books", conflicts_with = "sqlite")]
    mysql: Option<String>,
    /// A database of the books' own.
    #[arg(long, value_name = "URL")]
    books: Option<String>,
    /// Customers, of two accounts each.
    #[arg(long, default_value_t = 5_000)]
    customers: usize,
    /// Postings in all.
    #[arg(long, default_value_t = 100_000)]
    postings: usize,
    /// Over how many business days.
    #[arg(long, default_value_t = 2)]
    days: usize,
    /// Fills, and reconciles nothing.
    #[arg(long)]
    fill_only: bool,
    /// How long to rest after each read, in percent of the time that it took.
    #[arg(long, default_value_t = 0)]
    rest: u32,
    /// As cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

async fn stores(arguments: &Arguments) -> (Arc<dyn LedgerStore>, Arc<dyn BooksStore>) {
    match (&arguments.sqlite, &arguments.mysql, &arguments.books) {
        (None, Some(ledger), Some(books)) => (
            Arc::new(MysqlStore::open(&MysqlOptions::at(ledger.clone()), currencies()).await.unwrap()),
            Arc::new(MysqlBooks::open(&MysqlOptions::at(books.clone()), currencies(), chart()).await.unwrap()),
        ),
        (Some(dir), _, _) => {
            let options = SqliteOptions::default();
            (
                Arc::new(SqliteStore::open(dir, currencies(), options.clone()).await.unwrap()),
                Arc::new(SqliteBooks::open(dir, currencies(), &chart(), &options).await.unwrap()),
            )
        }
        _ => unreachable!("clap demands one or the other"),
    }
}

async fn reads(arguments: &Arguments) -> Box<dyn ReconciliationReads> {
    match (&arguments.sqlite, &arguments.mysql) {
        (Some(dir), _) => Box::new(SqliteReconciliation::open(dir, currencies()).await.unwrap()),
        (_, Some(url)) => {
            Box::new(MysqlReconciliation::open(&MysqlOptions::at(url.clone()), currencies()).await.unwrap())
        }
        _ => unreachable!("clap demands one or the other"),
    }
}

/// Commits, projects and posts what was written down.
struct Filling {
    store: Arc<dyn LedgerStore>,
    poster: LanePoster,
    scribe: Scribe,
    pending: usize,
    commits: usize,
    postings: usize,
    began: Instant,
}

impl Filling {
    async fn wrote(&mut self, postings: usize) {
        self.pending += 1;
        self.postings += postings;
        if self.pending >= BATCH {
            self.commit().await;
        }
    }

    async fn commit(&mut self) {
        if self.pending == 0 {
            return;
        }
        self.pending = 0;
        let batch = self.scribe.batch();
        self.store.commit(&batch).await.unwrap();
        self.store.project(LaneId::FIRST, batch.from, &records(&batch)).await.unwrap();
        let events: Vec<Incoming> = batch.rows.into_iter().map(Incoming::from).collect();
        self.poster.take(&events).await.unwrap();
        self.commits += 1;
        if self.commits.is_multiple_of(TELL_EVERY) {
            println!("{} postings after {} s", self.postings, self.began.elapsed().as_secs());
        }
    }
}

async fn fill(arguments: &Arguments) {
    let (store, books) = stores(arguments).await;
    let taken = store.take_lane(LaneId::FIRST).await.unwrap();
    if taken.seq > Seq::ZERO {
        println!("there are {} records already: nothing is filled", taken.seq);
        store.close().await;
        books.close().await;
        return;
    }
    let parts = PosterParts {
        ledger: books.clone(),
        chart: chart(),
        reader: EventReader::new(currencies()),
        clock: Arc::new(SystemClock),
    };
    let poster = LanePoster::open(parts, LaneId::FIRST).await.unwrap();
    let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
    scribe.set_pace(0);
    let began = Instant::now();
    let mut filling = Filling { store, poster, scribe, pending: 0, commits: 0, postings: 0, began };
    let mut families = Vec::with_capacity(arguments.customers);
    for _ in 0..arguments.customers {
        let family = filling.scribe.open_family();
        filling.pending += 2;
        filling.scribe.deposit(family.won, money("1000000000", "KRW"));
        families.push(family);
        filling.wrote(1).await;
    }
    let days = arguments.days.max(1);
    for day in 1..=days {
        let until = arguments.postings * day / days;
        for family in families.iter().cycle() {
            if filling.postings + 2 > until {
                break;
            }
            filling.scribe.buy(*family, money("1.00", "USD"));
            filling.wrote(2).await;
        }
        filling.scribe.roll_date();
        filling.wrote(0).await;
    }
    filling.commit().await;
    println!(
        "filled {} customers, {} postings over {days} days in {} s",
        families.len(),
        filling.postings,
        began.elapsed().as_secs()
    );
    filling.store.close().await;
    books.close().await;
}

async fn reconcile(arguments: &Arguments) {
    let (store, books) = stores(arguments).await;
    store.close().await;
    let reads = reads(arguments).await;
    let memory = Err("no engine runs here".to_owned());
    let books = Ok(BooksParts { ledger: books, chart: chart() });
    let mut parts = Parts { reads, books, memory, currencies: currencies() };
    // The last day but one leaves its snapshot, the last one is walked from it, and then from the beginning.
    let mut dates = Vec::new();
    if let Some(standing) = parts.reads.lanes().await.unwrap().into_iter().find_map(|lane| lane.date) {
        let last = hwan_domain::time::BusinessDate::from_days(standing.days() - 1);
        let before = hwan_domain::time::BusinessDate::from_days(standing.days() - 2);
        if arguments.days > 1 {
            dates.push((before, Begin::AtBeginning));
        }
        dates.extend([(last, Begin::AtSnapshot), (last, Begin::AtBeginning)]);
    }
    for (date, begin) in dates {
        let plan = Plan { date: Some(date), begin, rest_percent: arguments.rest, ..Plan::default() };
        let mut tell = |progress: &str| println!("  {progress}");
        let id = RunId::at(SystemClock.now());
        let result = run::reconcile(&mut parts, &plan, id, &mut tell).await.unwrap();
        println!("\n{begin:?}:");
        report::text::write(&result, &mut std::io::stdout().lock()).unwrap();
    }
    parts.reads.close().await;
}

fn main() {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        fill(&arguments).await;
        if !arguments.fill_only {
            reconcile(&arguments).await;
        }
    });
}
