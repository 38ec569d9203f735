//! One reconciliation, from what is asked to what came of it.
//!
//! | phase | what happens |
//! |---|---|
//! | choose | the day: the one that was asked for, or the newest that every lane has passed; one that is not over is refused |
//! | lanes | one after the other: strategy 2's consistent read, strategy 1's walk, both compared, passbooks, books |
//! | bank | trial balance, memory |
//! | leave | snapshots of a day that agrees |
//!
//! A day is over in a lane once a record of a later date stands there; what it left never changes again, so both strategies give the
//! same answer whenever they read, while trading goes on. What follows the journal (projections, books, outbox) may not have come so
//! far: it is waited for, no longer than [`Plan::patience`], and then said to be a matter of timing.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Seq},
    ledger::{Chart, TrialBalance},
    reconciliation::{
        Break, BreakKind, Breaks, Check, Frozen, LaneRead, Outcome, Reconciliation, RunId, Status, Subject, Tree,
        result::CurrencySides,
    },
    time::BusinessDate,
};

use super::{lane, memory::Memory, report::amount, snapshots};
use crate::{
    clock::{Clock, SystemClock},
    storage::{
        general_ledger::books_store::BooksStore,
        port::StoreError,
        reconciliation::port::{LaneStanding, ReconciliationReads},
    },
};

/// How often progress is told.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long it is waited between two looks at what follows the journal.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Customers whose memory is compared.
const MEMORY_SAMPLE: usize = 200;
/// By how much the threads of a reconciliation give way to others.
const NICENESS: i32 = 10;

/// Lets the engine go first: this thread, alone.
pub(crate) fn give_way() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "the reconciliation runs at the usual priority");
    }
}

/// The bank's own books.
#[derive(Clone)]
pub struct BooksParts {
    /// Their store.
    pub ledger: Arc<dyn BooksStore>,
    /// The chart that they are kept by.
    pub chart: Arc<Chart>,
}

/// What is reconciled.
pub struct Parts {
    /// The store of record.
    pub reads: Box<dyn ReconciliationReads>,
    /// The books, or why there are none.
    pub books: Result<BooksParts, String>,
    /// The engine's memory, or why there is none.
    pub memory: Result<Arc<dyn Memory>, String>,
    /// The currencies.
    pub currencies: Arc<CurrencySet>,
}

/// Where walks begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// At the newest snapshot, where there is one.
    #[default]
    AtSnapshot,
    /// At the journal's beginning, as if there were no snapshot.
    AtBeginning,
}

/// How it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The day; without one the newest that every lane has passed.
    pub date: Option<BusinessDate>,
    /// Where walks begin.
    pub begin: Begin,
    /// How long it is waited for what follows the journal.
    pub patience: Duration,
    /// After each page of the store of record it rests for this many percent of the time that the page took.
    pub rest_percent: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self { date: None, begin: Begin::AtSnapshot, patience: Duration::from_secs(10), rest_percent: 10 }
    }
}

/// Why it could not be done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// No day is over yet.
    #[error("no business day is over yet: a day can be reconciled once every lane has a record of a later date")]
    NothingOver,
    /// The day that was asked for is not over.
    #[error("{date} is not over in every lane: the newest day that can be reconciled is {newest}")]
    NotOver {
        /// What was asked for.
        date: BusinessDate,
        /// What can be.
        newest: BusinessDate,
    },
    /// The day that was asked for is from before the ledger.
    #[error("{date} is before the ledger's first day, {first}")]
    BeforeFirst {
        /// What was asked for.
        date: BusinessDate,
        /// The first day.
        first: BusinessDate,
    },
    /// The journal does not reach back, and no snapshot stands where it begins.
    #[error(
        "the journal of lane {lane} begins after record {begins}, older ones were exported and deleted, and no snapshot of before \
         {date} reaches so far: reconcile a day from the exported days instead, and keep the books' snapshots from now on"
    )]
    Retained {
        /// The lane.
        lane: LaneId,
        /// The last deleted record.
        begins: Seq,
        /// The day.
        date: BusinessDate,
    },
    /// A store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the lanes of a run have in common.
pub(super) struct Bench<'a> {
    pub(super) parts: &'a mut Parts,
    pub(super) plan: &'a Plan,
    pub(super) date: BusinessDate,
    pub(super) breaks: Breaks,
    /// How many of what each check compares were compared.
    pub(super) compared: BTreeMap<Check, u64>,
    /// Checks that were not done in some lane, and why.
    pub(super) undone: BTreeMap<Check, String>,
    tell: &'a mut (dyn FnMut(&str) + Send),
    told: Instant,
}

impl Bench<'_> {
    pub(super) fn count(&mut self, check: Check, compared: u64) {
        *self.compared.entry(check).or_default() += compared;
    }

    pub(super) fn add(&mut self, found: Break) {
        self.breaks.add(found);
    }

    /// Tells how far it is, now and then.
    pub(super) fn progress(&mut self, what: impl FnOnce() -> String) {
        if self.told.elapsed() >= HEARTBEAT {
            self.told = Instant::now();
            (self.tell)(&what());
        }
    }

    /// Rests after a page that took so long.
    pub(super) async fn rest(&self, took: Duration) {
        let rest = took * self.plan.rest_percent / 100;
        if !rest.is_zero() {
            tokio::time::sleep(rest.min(Duration::from_secs(1))).await;
        }
    }

    /// A check that waits for what has not come so far.
    pub(super) fn timing(&mut self, check: Check, lane: LaneId, expected: String, found: String, what: &str) {
        self.add(Break {
            kind: BreakKind::Timing,
            check,
            subject: Subject::lane(lane),
            expected,
            found,
            explanation: format!(
                "{what} had not come to the day's end within {} s: reconcile again",
                self.plan.patience.as_secs()
            ),
        });
    }
}

/// A lane, done.
pub(super) struct LaneDone {
    pub(super) read: LaneRead,
    pub(super) frozen: Frozen,
    /// By the daily rows.
    pub(super) days: Tree,
}

/// Reconciles a day; `tell` hears now and then how far it is.
pub async fn reconcile(
    parts: &mut Parts,
    plan: &Plan,
    id: RunId,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<Reconciliation, Failure> {
    let standings = parts.reads.lanes().await?;
    let date = choose(parts.reads.as_mut(), &standings, plan.date).await?;
    let mut bench = Bench {
        parts,
        plan,
        date,
        breaks: Breaks::default(),
        compared: BTreeMap::new(),
        undone: BTreeMap::new(),
        tell,
        told: Instant::now(),
    };
    let mut done = Vec::new();
    for standing in standings.iter().filter(|standing| standing.seq > Seq::ZERO) {
        done.push(lane::reconcile(&mut bench, standing).await?);
    }
    trial_balance(&mut bench).await?;
    seals(&mut bench, &done).await?;
    memory(&mut bench).await;
    let stores = stores(bench.parts);
    let (compared, undone, breaks) = (bench.compared, bench.undone, bench.breaks);
    let outcomes = Check::ALL.iter().map(|check| outcome(*check, parts, &compared, &undone, &breaks)).collect();
    let result = Reconciliation {
        id,
        business_date: date,
        finished_at: SystemClock.now(),
        stores,
        currencies: sides(&done),
        lanes: done.iter().map(|lane| lane.read.clone()).collect(),
        outcomes,
        breaks,
    };
    if result.is_clean()
        && let Ok(books) = &parts.books
    {
        for lane in &done {
            snapshots::write(books.ledger.as_ref(), &lane.frozen).await?;
        }
    }
    Ok(result)
}

/// Which day.
async fn choose(
    reads: &mut dyn ReconciliationReads,
    standings: &[LaneStanding],
    asked: Option<BusinessDate>,
) -> Result<BusinessDate, Failure> {
    let newest = standings.iter().filter_map(|standing| standing.date).min();
    let newest =
        newest.map(|date| BusinessDate::from_days(date.days().saturating_sub(1))).ok_or(Failure::NothingOver)?;
    let mut first: Option<BusinessDate> = None;
    for standing in standings {
        if let Some(date) = reads.first_date(standing.lane).await? {
            first = Some(first.map_or(date, |first| first.min(date)));
        }
    }
    let first = first.unwrap_or(newest);
    // Where older records were deleted, days before the first that is left may still be known by a snapshot.
    let reaches_back = standings.iter().all(|standing| standing.begins.0 == Seq::ZERO);
    match asked {
        Some(date) if date > newest => Err(Failure::NotOver { date, newest }),
        Some(date) if date < first && reaches_back => Err(Failure::BeforeFirst { date, first }),
        None if newest < first && reaches_back => Err(Failure::NothingOver),
        asked => Ok(asked.unwrap_or(newest)),
    }
}

async fn trial_balance(bench: &mut Bench<'_>) -> Result<(), StoreError> {
    let Ok(books) = &bench.parts.books else { return Ok(()) };
    let lines = books.ledger.turnovers(Some(bench.date), None).await?;
    let balance = TrialBalance::of(Some(bench.date), lines);
    bench.count(Check::TrialBalance, balance.sums().len() as u64);
    for (currency, sum) in balance.unbalanced() {
        bench.add(Break {
            kind: BreakKind::Amount,
            check: Check::TrialBalance,
            subject: Subject { currency: Some(currency), ..Subject::default() },
            expected: format!("debits of {}", amount(sum.credit, currency)),
            found: format!("debits of {}", amount(sum.debit, currency)),
            explanation: "the books' sides differ: a turnover was changed, or one side of a journal is missing"
                .to_owned(),
        });
    }
    Ok(())
}

/// The day's closing, where it is closed, against what the walk found at the day's end.
async fn seals(bench: &mut Bench<'_>, done: &[LaneDone]) -> Result<(), StoreError> {
    let Ok(books) = bench.parts.books.clone() else { return Ok(()) };
    let Some(closing) = books.ledger.closing(bench.date).await? else {
        bench.undone.insert(Check::Seals, "the day is not closed yet: hwan close".to_owned());
        return Ok(());
    };
    for lane in done.iter().filter(|lane| lane.frozen.state.seq > Seq::ZERO) {
        let state = &lane.frozen.state;
        bench.count(Check::Seals, 1);
        let closed = closing.lanes.iter().find(|closed| closed.lane == state.lane);
        let found = closed.map(|closed| {
            let totals = closed.totals.control_totals(&books.chart);
            (closed.seq, closed.hash.0 == state.hash, totals == state.totals)
        });
        if found == Some((state.seq, true, true)) {
            continue;
        }
        let said = |seq: Option<Seq>| seq.map_or("nothing".to_owned(), |seq| format!("record {seq} as the last"));
        bench.add(Break {
            kind: if closed.is_some() { BreakKind::Amount } else { BreakKind::Missing },
            check: Check::Seals,
            subject: Subject::lane(state.lane),
            expected: said(Some(state.seq)),
            found: said(closed.map(|closed| closed.seq)),
            explanation: "the day was closed at another record, another hash or other sums: something was entered or changed after the \
                          close"
                .to_owned(),
        });
    }
    Ok(())
}

async fn memory(bench: &mut Bench<'_>) {
    let Ok(memory) = bench.parts.memory.clone() else { return };
    match memory.compare(MEMORY_SAMPLE).await {
        Ok(compared) => {
            bench.count(Check::Memory, compared.customers);
            bench.breaks.extend(compared.breaks);
        }
        Err(reason) => {
            bench.undone.insert(Check::Memory, reason);
        }
    }
}

fn stores(parts: &Parts) -> Vec<String> {
    let books = parts.books.as_ref().ok().map(|books| format!("books: {}", books.ledger.name()));
    std::iter::once(format!("ledger: {}", parts.reads.name())).chain(books).collect()
}

/// How a check ended; none is passed over in silence.
fn outcome(
    check: Check,
    parts: &Parts,
    compared: &BTreeMap<Check, u64>,
    undone: &BTreeMap<Check, String>,
    breaks: &Breaks,
) -> Outcome {
    let of_books = matches!(
        check,
        Check::TrialBalance
            | Check::Control
            | Check::LedgerJournals
            | Check::LedgerTurnovers
            | Check::Suspense
            | Check::Position
            | Check::Seals
            | Check::Snapshot
    );
    let why_not = match check {
        Check::Memory => parts.memory.as_ref().err().cloned(),
        _ if of_books => parts.books.as_ref().err().cloned(),
        _ => None,
    };
    let status = match (breaks.of(check), why_not.or_else(|| undone.get(&check).cloned())) {
        (0, Some(reason)) => Status::NotDone(reason),
        (0, None) => Status::Clean,
        (count, _) => Status::Broken(count),
    };
    Outcome { check, status, compared: compared.get(&check).copied().unwrap_or(0) }
}

fn sides(done: &[LaneDone]) -> Vec<CurrencySides> {
    let (mut journal, mut days) = (Tree::default(), Tree::default());
    for lane in done {
        journal.extend(&lane.frozen.closings);
        days.extend(&lane.days);
    }
    let mut currencies = journal.currencies();
    currencies.extend(days.currencies());
    currencies.sort_unstable();
    currencies.dedup();
    let both =
        |currency| CurrencySides { currency, journal: journal.currency(currency), days: days.currency(currency) };
    currencies.into_iter().map(both).collect()
}
