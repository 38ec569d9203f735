//! A lane: both sides read, and compared down to the account.

use std::time::{Duration, Instant};

use hwan_domain::{
    id::Seq,
    reconciliation::{AccountState, Break, BreakKind, Check, Frozen, LaneRead, Subject, Tree, Walker},
    time::BusinessDate,
};

use super::{
    drill::{self, Buckets, Side, Words},
    ledger, passbooks,
    run::{Begin, Bench, Failure, LOOK_AGAIN, LaneDone},
    snapshots::{self, Found},
    walk::{Walk, Walking},
};
use crate::storage::{
    port::{ChainHash, StoreError},
    reconciliation::port::{Held, LaneStanding, StandsAt},
};

/// Records that one read brings.
const RECORDS_PER_PAGE: usize = 8_192;
/// Rows of a consistent read that one page brings.
const ROWS_PER_PAGE: usize = 8_192;

/// Both sides of a consistent read.
#[derive(Default)]
struct Standing {
    now: Tree,
    days: Tree,
    /// The accounts of the buckets that are wanted.
    now_open: Side,
    days_open: Side,
}

/// Reconciles a lane.
pub(super) async fn reconcile(bench: &mut Bench<'_>, lane: &LaneStanding) -> Result<LaneDone, Failure> {
    let cursor = ledger::cursor(bench, lane.lane).await?;
    let published = lane.published;
    let (walker, snapshot, stored) = begin(bench, lane).await?;
    let after = walker.at();
    let wanted = cursor.iter().map(|cursor| cursor.seq).chain(published.map(|(seq, _)| seq));
    let walk = Walk::new(walker, bench.parts.currencies.clone(), wanted);
    let none = Buckets::default();
    let (stands, mut standing) = stand(bench, lane, (&none, &none)).await?;
    let mut walk = follow(bench, lane, walk, stands.seq).await?;
    let frozen = walk.walker.close().clone();
    let closes_at = frozen.state.seq;
    ends(bench, lane, &walk, stands.seq);
    let projected = projected(bench, lane, closes_at).await?;
    if projected && stands.projected < closes_at {
        standing.days = stand(bench, lane, (&none, &none)).await?.1.days;
    }
    let closings = frozen.closings.differing(&standing.days);
    let now = walk.walker.balances().differing(&standing.now);
    bench.count(Check::Closings, frozen.state.accounts);
    bench.count(Check::Balances, walk.walker.accounts().len() as u64);
    if projected {
        open(bench, lane, &mut walk, (Buckets::of(&closings), Buckets::of(&now))).await?;
        openings(bench, lane, &frozen).await?;
        passbooks::compare(bench, lane.lane, &frozen, &mut walk).await?;
    } else {
        open(bench, lane, &mut walk, (Buckets::default(), Buckets::of(&now))).await?;
        let (expected, found) = (format!("record {closes_at}"), format!("record {}", lane.projected));
        for check in [Check::Closings, Check::Rollover, Check::Passbook] {
            bench.timing(check, lane.lane, expected.clone(), found.clone(), "the projections");
        }
    }
    ledger::compare(bench, cursor.as_ref(), published, after, &frozen, &mut walk).await?;
    if let Some((date, stored)) = stored {
        let named = snapshots::name_changed(date, &stored, walk.walker.kept(), &bench.parts.currencies);
        named.into_iter().for_each(|found| bench.add(found));
    }
    let (records, postings) = walk.walker.followed();
    for (check, compared) in [
        (Check::JournalChain, records),
        (Check::AccountChain, postings),
        (Check::Conservation, records),
        (Check::Terms, records),
        (Check::Interest, walk.walker.interest_payments()),
    ] {
        bench.count(check, compared);
    }
    bench.breaks.extend(walk.walker.take_breaks());
    let accounts = frozen.state.accounts;
    let through = walk.walker.at();
    let read = LaneRead { lane: lane.lane, snapshot, after, closes_at, through, records, postings, accounts };
    Ok(LaneDone { read, frozen, days: standing.days })
}

type Begun = (Walker, Option<BusinessDate>, Option<(BusinessDate, Vec<AccountState>)>);

/// Where the walk begins.
async fn begin(bench: &mut Bench<'_>, lane: &LaneStanding) -> Result<Begun, Failure> {
    let chart = bench.parts.books.as_ref().ok().map(|books| books.chart.clone());
    let found = match (&bench.parts.books, bench.plan.begin) {
        (Ok(books), Begin::AtSnapshot) => {
            let (book, currencies) = (books.ledger.clone(), bench.parts.currencies.clone());
            snapshots::begin(book.as_ref(), lane.lane, bench.date, chart.as_ref(), &currencies).await?
        }
        _ => Found::None,
    };
    let begins = lane.begins.0;
    let retained = Failure::Retained { lane: lane.lane, begins, date: bench.date };
    match found {
        Found::Good(walker) if walker.at() >= begins => {
            bench.count(Check::Snapshot, 1);
            let date = walker.last_date();
            Ok((*walker, date, None))
        }
        Found::Changed { date, breaks, accounts } => {
            breaks.into_iter().for_each(|found| bench.add(found));
            if begins > Seq::ZERO {
                return Err(retained);
            }
            let mut walker = Walker::new(lane.lane, bench.date, chart);
            walker.keep(date);
            Ok((walker, None, Some((date, accounts))))
        }
        _ if begins > Seq::ZERO => Err(retained),
        _ => Ok((Walker::new(lane.lane, bench.date, chart), None, None)),
    }
}

/// Reads the journal through a record and has it followed.
async fn follow(bench: &mut Bench<'_>, lane: &LaneStanding, walk: Walk, through: Seq) -> Result<Walk, StoreError> {
    let began = Instant::now();
    let from = walk.walker.at();
    let mut at = from;
    let walking = Walking::start(walk)?;
    while at < through {
        let asked = Instant::now();
        let page = bench.parts.reads.journal(lane.lane, at, through, RECORDS_PER_PAGE).await?;
        let Some(last) = page.last() else { break };
        at = last.position.seq();
        let took = asked.elapsed();
        walking.take(page)?;
        bench.rest(took).await;
        bench.progress(|| {
            let (done, all) = (at.number() - from.number(), through.number() - from.number());
            let per_second = u128::from(done) * 1_000 / began.elapsed().as_millis().max(1);
            format!("lane {}: {done} of {all} records walked, {per_second}/s", lane.lane)
        });
    }
    walking.finish()
}

/// The journal ends where the lane stands.
fn ends(bench: &mut Bench<'_>, lane: &LaneStanding, walk: &Walk, through: Seq) {
    let at = walk.walker.at();
    let differs = at == lane.seq && ChainHash(walk.walker.hash()) != lane.hash;
    if at != through || differs {
        let kind = if at < through { BreakKind::Missing } else { BreakKind::Amount };
        bench.add(Break {
            kind,
            check: Check::JournalChain,
            subject: Subject::lane(lane.lane),
            expected: format!("record {through} with the hash that the lane names"),
            found: format!("record {at}{}", if differs { " with another hash" } else { "" }),
            explanation: "the journal does not end where its lane stands".to_owned(),
        });
    }
}

/// Waits until the projections have come to the day's end; whether they have.
async fn projected(bench: &mut Bench<'_>, lane: &LaneStanding, closes_at: Seq) -> Result<bool, StoreError> {
    let began = Instant::now();
    loop {
        let lanes = bench.parts.reads.lanes().await?;
        if lanes.iter().any(|now| now.lane == lane.lane && now.projected >= closes_at) {
            return Ok(true);
        }
        if began.elapsed() >= bench.plan.patience {
            return Ok(false);
        }
        bench.progress(|| format!("lane {}: waiting for the projections to come to record {closes_at}", lane.lane));
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Reads one consistent state; lists the accounts of the wanted buckets, of the day and of now.
async fn stand(
    bench: &mut Bench<'_>,
    lane: &LaneStanding,
    (days, now): (&Buckets, &Buckets),
) -> Result<(StandsAt, Standing), StoreError> {
    let stands = bench.parts.reads.stand(lane.lane, bench.date).await?;
    let mut standing = Standing::default();
    let mut rows = 0_u64;
    loop {
        let asked = Instant::now();
        let Some(page) = bench.parts.reads.next_page(ROWS_PER_PAGE).await? else { break };
        let took = asked.elapsed();
        rows += (page.now.len() + page.closing.len()) as u64;
        for Held { account, amount, version } in page.now {
            let currency = amount.currency();
            standing.now.add(account, currency, amount.minor(), version);
            if now.has(account, currency) {
                standing.now_open.insert((account, currency), (amount.minor(), version));
            }
        }
        for Held { account, amount, .. } in page.closing.into_iter().filter(|held| !held.amount.is_zero()) {
            let currency = amount.currency();
            standing.days.add(account, currency, amount.minor(), 0);
            if days.has(account, currency) {
                standing.days_open.insert((account, currency), (amount.minor(), 0));
            }
        }
        bench.rest(took.min(Duration::from_millis(200))).await;
        bench.progress(|| format!("lane {}: {rows} rows of balances and days read", lane.lane));
    }
    Ok((stands, standing))
}

/// Opens the buckets that differ.
async fn open(
    bench: &mut Bench<'_>,
    lane: &LaneStanding,
    walk: &mut Walk,
    (days, now): (Buckets, Buckets),
) -> Result<(), StoreError> {
    if days.is_empty() && now.is_empty() {
        return Ok(());
    }
    let (stands, standing) = stand(bench, lane, (&days, &now)).await?;
    // What is now has moved on: the walk goes there, too.
    while walk.walker.at() < stands.seq {
        let page = bench.parts.reads.journal(lane.lane, walk.walker.at(), stands.seq, RECORDS_PER_PAGE).await?;
        if page.is_empty() {
            break;
        }
        walk.follow(&page);
    }
    let frozen = walk.walker.close();
    let closed = days.side(drill::accounts_of(&frozen.chunks, &bench.parts.currencies));
    let closed = closed.into_iter().filter(|(_, (minor, _))| *minor != 0).map(|(key, (minor, _))| (key, (minor, 0)));
    let found = drill::compare(
        &closed.collect(),
        &standing.days_open,
        Words {
            check: Check::Closings,
            missing: "the journal's postings leave a balance, the daily rows have none",
            orphan: "the daily rows have a balance that no posting of the journal leads to",
            amount: "the journal's postings and the daily rows close the day differently",
        },
    );
    bench.breaks.extend(found);
    let stood = now.side(walk.walker.accounts().iter());
    let found = drill::compare(
        &stood,
        &standing.now_open,
        Words {
            check: Check::Balances,
            missing: "the journal's postings leave a balance that the store does not have",
            orphan: "the store has a balance that no posting of the journal leads to",
            amount: "the stored balance is not what the journal's postings leave",
        },
    );
    bench.breaks.extend(found);
    Ok(())
}

/// What accounts began the day with, by the daily rows.
async fn openings(bench: &mut Bench<'_>, lane: &LaneStanding, frozen: &Frozen) -> Result<(), StoreError> {
    let (mut ours, mut theirs) = (Tree::default(), Tree::default());
    frozen.openings.iter().for_each(|(account, currency, minor)| ours.add(*account, *currency, *minor, 0));
    bench.count(Check::Rollover, frozen.openings.len() as u64);
    let mut found = Side::new();
    let mut after = None;
    loop {
        let asked = Instant::now();
        let page = bench.parts.reads.openings(lane.lane, bench.date, after, ROWS_PER_PAGE).await?;
        let took = asked.elapsed();
        let Some(last) = page.last() else { break };
        after = Some((last.account, last.amount.currency()));
        for held in page.iter().filter(|held| !held.amount.is_zero()) {
            let (account, currency, minor) = (held.account, held.amount.currency(), held.amount.minor());
            theirs.add(account, currency, minor, 0);
            found.insert((account, currency), (minor, 0));
        }
        if page.len() < ROWS_PER_PAGE {
            break;
        }
        bench.rest(took).await;
        bench.progress(|| format!("lane {}: {} openings read", lane.lane, found.len()));
    }
    let buckets = Buckets::of(&ours.differing(&theirs));
    if buckets.is_empty() {
        return Ok(());
    }
    found.retain(|(account, currency), _| buckets.has(*account, *currency));
    let expected = frozen.openings.iter().filter(|(account, currency, _)| buckets.has(*account, *currency));
    let expected = expected.map(|(account, currency, minor)| ((*account, *currency), (*minor, 0))).collect();
    let words = Words {
        check: Check::Rollover,
        missing: "the daily rows do not say with what the account began the day",
        orphan: "the daily rows have the account begin the day with what it had not closed with",
        amount: "the account did not begin the day with what it had closed the day before",
    };
    bench.breaks.extend(drill::compare(&expected, &found, words));
    Ok(())
}
