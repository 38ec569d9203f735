//! What the bank's own books cost a record: reading an event's text, judging it, and posting it in steps of about a thousand; in
//! memory-speed SQLite files here, and on a server where one is given:
//! `cargo bench --features testing --bench books -- mysql://hwan@127.0.0.1:3306/books <process id of the server>`.
//! Processor time is what the system has booked to this process and to the server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    reason = "a benchmark has nobody to answer to"
)]
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use hwan::{
    accounting::{
        event_reader::EventReader,
        incoming::{Content, Delivered, Incoming},
        poster::{LanePoster, PosterParts},
    },
    clock::SystemClock,
    storage::{
        codec,
        conformance::fixture::{Scribe, currencies, money},
        general_ledger::{conformance::chart, port::GeneralLedger},
        mysql::{MysqlBooks, MysqlOptions},
        port::{ChainHash, Epoch, JournalRow, TakenLane},
        sqlite::{SqliteBooks, SqliteOptions},
    },
};
use hwan_domain::{
    control::ControlTotals,
    id::{LaneId, Seq},
};
use tokio::runtime::Runtime;

const RECORDS: usize = 200_000;
const STEP: usize = 1_000;

/// A million exchanges would read the same: purchases of a few families, one after the other.
fn history() -> Vec<JournalRow> {
    let taken = TakenLane {
        epoch: Epoch(1),
        seq: Seq::ZERO,
        hash: ChainHash::GENESIS,
        last: None,
        projected: Seq::ZERO,
        totals: ControlTotals::default(),
    };
    let mut scribe = Scribe::taken(LaneId::FIRST, &taken);
    scribe.set_pace(0);
    let families: Vec<_> = (0..64).map(|_| scribe.open_family()).collect();
    for family in &families {
        scribe.deposit(family.won, money("90000000000", "KRW"));
    }
    let mut rows = scribe.batch().rows;
    while rows.len() < RECORDS {
        for family in &families {
            scribe.buy(*family, money("10.00", "USD"));
        }
        rows.extend(scribe.batch().rows);
    }
    rows
}

fn incoming(rows: &[JournalRow], as_text: bool) -> Vec<Incoming> {
    rows.iter()
        .map(|row| {
            let record = (!as_text).then(|| Arc::clone(&row.record));
            let body = Arc::from(row.body.as_bytes());
            let delivered = Delivered { position: row.record.position, previous: None, hash: row.hash, body, record };
            Incoming { offset: None, content: Content::Record(delivered) }
        })
        .collect()
}

/// Processor time of a process so far, by the system's account.
fn processor(process: &str) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else { return Duration::ZERO };
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn measure(runtime: &Runtime, what: &str, ledger: Arc<dyn GeneralLedger>, events: &[Incoming], server: Option<&str>) {
    let parts =
        PosterParts { ledger, chart: chart(), reader: EventReader::new(currencies()), clock: Arc::new(SystemClock) };
    let (own, theirs) = (processor("self"), server.map(processor));
    let began = Instant::now();
    runtime.block_on(async {
        let mut poster = LanePoster::open(parts, LaneId::FIRST).await.unwrap();
        for step in events.chunks(STEP) {
            poster.take(step).await.unwrap();
        }
    });
    let per_record = |time: Duration| time.as_secs_f64() * 1e6 / events.len() as f64;
    let theirs = server.zip(theirs).map(|(process, before)| per_record(processor(process) - before));
    println!(
        "{what}: {:.2} µs a record, {:.2} µs of our processor time{}",
        per_record(began.elapsed()),
        per_record(processor("self") - own),
        theirs.map_or_else(String::new, |server| format!(", {server:.2} µs of the server's"))
    );
}

fn pieces(rows: &[JournalRow]) {
    let reader = EventReader::new(currencies());
    let timed = |what: &str, work: &dyn Fn(&JournalRow)| {
        let began = Instant::now();
        rows.iter().for_each(work);
        println!("{what}: {:.2} µs", began.elapsed().as_secs_f64() * 1e6 / rows.len() as f64);
    };
    timed("read an event's text", &|row| {
        black_box(reader.read(row.body.as_bytes()).unwrap());
    });
    timed("a link of the chain", &|row| {
        black_box(codec::chain(row.hash, &row.body));
    });
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rows = history();
    println!("{} records of {} bytes, steps of {STEP}", rows.len(), rows.last().unwrap().body.len());
    pieces(&rows);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (form, as_text) in [("records", false), ("texts", true)] {
        let events = incoming(&rows, as_text);
        let dir = tempfile::tempdir().unwrap();
        let chart = chart();
        let options = SqliteOptions::default();
        let opened = SqliteBooks::open(dir.path(), currencies(), &chart, &options);
        let books: Arc<dyn GeneralLedger> = Arc::new(runtime.block_on(opened).unwrap());
        measure(&runtime, &format!("sqlite, {form}"), Arc::clone(&books), &events, None);
        runtime.block_on(books.close());
    }
    if let Some(url) = arguments.first() {
        let events = incoming(&rows, true);
        let options = MysqlOptions::at(url.as_str());
        let opened = MysqlBooks::open(&options, currencies(), chart());
        let books: Arc<dyn GeneralLedger> = Arc::new(runtime.block_on(opened).unwrap());
        let server = arguments.get(1).map(String::as_str);
        measure(&runtime, "server, texts", Arc::clone(&books), &events, server);
        runtime.block_on(books.close());
    }
}
