//! The general ledger against the journal: what the posting rules make of the records, and what the books have.

use std::{collections::BTreeMap, time::Instant};

use hwan_domain::{
    currency::Currency,
    id::{LaneId, Position, Seq},
    ledger::{Chart, Journal, LedgerAccount, Role, TrialBalance, Turnover, post},
    reconciliation::{Break, BreakKind, Check, Frozen, Subject},
};

use super::{
    report::amount,
    run::{Bench, BooksParts, LOOK_AGAIN},
    walk::Walk,
};
use crate::storage::{
    general_ledger::port::{DeadLetterKind, JournalQuery, LaneCursor},
    port::{ChainHash, StoreError},
    reconciliation::journal_sums::{JournalSums, STRETCH},
};

/// Stretches of journals that are opened; the others are named.
const OPENED_MAX: usize = 3;
/// Journals, and records, that one read brings when a stretch is opened.
const OPENED_PER_PAGE: usize = 1_000;
/// Dead letters that are looked at.
const LETTERS_MAX: usize = 1_000;

/// Where a lane's books stand; `None` without books, or where they have not begun.
pub(super) async fn cursor(bench: &Bench<'_>, lane: LaneId) -> Result<Option<LaneCursor>, StoreError> {
    let Ok(books) = &bench.parts.books else { return Ok(None) };
    Ok(books.ledger.cursors().await?.into_iter().find(|cursor| cursor.lane == lane))
}

/// Compares a lane's books with its journal, at the day's end.
pub(super) async fn compare(
    bench: &mut Bench<'_>,
    first_look: Option<&LaneCursor>,
    published: Option<(Seq, ChainHash)>,
    after: Seq,
    frozen: &Frozen,
    walk: &mut Walk,
) -> Result<(), StoreError> {
    let (lane, closes_at) = (frozen.state.lane, frozen.state.seq);
    if let Some((seq, hash)) = published {
        bench.count(Check::Published, 1);
        is_of_journal(bench, walk, Position::new(lane, seq), hash, "the outbox has published");
    }
    if let Some(cursor) = first_look.filter(|cursor| cursor.seq > Seq::ZERO) {
        bench.count(Check::Published, 1);
        is_of_journal(bench, walk, Position::new(lane, cursor.seq), cursor.hash, "the books have taken");
    }
    let Ok(books) = bench.parts.books.clone() else { return Ok(()) };
    if !has_come(bench, &books, lane, closes_at).await? {
        return Ok(());
    }
    dead_letters(bench, &books, lane, closes_at).await?;
    turnovers(bench, &books, frozen).await?;
    journals(bench, &books, lane, (after, closes_at), walk).await
}

/// What was published, or taken, is a record of this journal.
fn is_of_journal(bench: &mut Bench<'_>, walk: &Walk, place: Position, hash: ChainHash, who: &str) {
    let beyond = place.seq() > walk.walker.at();
    let another = walk.hashes.get(&place.seq()).copied().flatten().is_some_and(|ours| ours != hash);
    if beyond || another {
        bench.add(Break {
            kind: BreakKind::Orphan,
            check: Check::Published,
            subject: Subject::record(place),
            expected: format!("a record up to {}", walk.walker.at()),
            found: if beyond { format!("record {}", place.seq()) } else { "a record with another hash".to_owned() },
            explanation: format!("{who} a record that is not in this journal: the store went back, or is another one"),
        });
    }
}

/// Waits until the books have come to the day's end; whether they have.
async fn has_come(bench: &mut Bench<'_>, books: &BooksParts, lane: LaneId, closes_at: Seq) -> Result<bool, StoreError> {
    let began = Instant::now();
    loop {
        let cursors = books.ledger.cursors().await?;
        let cursor = cursors.into_iter().find(|cursor| cursor.lane == lane);
        let at = cursor.as_ref().map_or(Seq::ZERO, |cursor| cursor.seq);
        if at >= closes_at {
            return Ok(true);
        }
        if began.elapsed() >= bench.plan.patience {
            let stopped = cursor.and_then(|cursor| cursor.stopped);
            let found = stopped.map_or_else(|| format!("record {at}"), |why| format!("record {at}, stopped: {why}"));
            bench.timing(Check::Published, lane, format!("record {closes_at}"), found, "the books");
            for check in
                [Check::Control, Check::LedgerJournals, Check::LedgerTurnovers, Check::Suspense, Check::Position]
            {
                bench.undone.insert(check, format!("the books of lane {lane} have not come to the day's end"));
            }
            return Ok(false);
        }
        bench.progress(|| {
            format!("lane {lane}: waiting for the books to come to record {closes_at}, they stand at {at}")
        });
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Records that could not be posted: their journals are missing until they are redelivered.
async fn dead_letters(
    bench: &mut Bench<'_>,
    books: &BooksParts,
    lane: LaneId,
    closes_at: Seq,
) -> Result<(), StoreError> {
    for letter in books.ledger.dead_letters(Some(lane), None, LETTERS_MAX).await? {
        if letter.kind == DeadLetterKind::Record && letter.position.seq() <= closes_at {
            bench.add(Break {
                kind: BreakKind::Missing,
                check: Check::LedgerJournals,
                subject: Subject::record(letter.position),
                expected: "a journal".to_owned(),
                found: "a dead letter".to_owned(),
                explanation: format!("the record could not be posted and waits to be redelivered: {}", letter.reason),
            });
        }
    }
    Ok(())
}

/// Turnovers account by account, and what follows from them: control accounts, suspense, position.
async fn turnovers(bench: &mut Bench<'_>, books: &BooksParts, frozen: &Frozen) -> Result<(), StoreError> {
    let state = &frozen.state;
    let found = books.ledger.turnovers(Some(bench.date), Some(state.lane)).await?;
    let found = TrialBalance::of(Some(bench.date), found);
    let mut both: BTreeMap<(LedgerAccount, Currency), (Turnover, Turnover)> = BTreeMap::new();
    for line in &state.turnovers {
        both.entry((line.account, line.currency)).or_default().0 = line.turnover;
    }
    for line in &found.lines {
        both.entry((line.account, line.currency)).or_default().1 = line.turnover;
    }
    bench.count(Check::LedgerTurnovers, both.len() as u64);
    for ((account, currency), (expected, turnover)) in &both {
        if expected != turnover {
            let none = Turnover::default();
            let kind = match (*expected == none, *turnover == none) {
                (true, _) => BreakKind::Orphan,
                (_, true) => BreakKind::Missing,
                _ => BreakKind::Amount,
            };
            let sides = (shown(*expected, *currency), shown(*turnover, *currency));
            let text = "the account turned over another amount than the posting rules make of the records";
            bench.add(of_account(Check::LedgerTurnovers, kind, state.lane, (*account, *currency), sides, text));
        }
    }
    let of_role = |role: Role| {
        let chart = &books.chart;
        both.iter().filter(move |((account, _), _)| chart.role(account.code) == Some(role))
    };
    for role in [Role::Position, Role::PositionEquivalent] {
        for ((account, currency), (expected, turnover)) in of_role(role) {
            bench.count(Check::Position, 1);
            if expected.credit_balance() != turnover.credit_balance() {
                let shown = |turnover: &Turnover| amount(turnover.credit_balance(), *currency);
                let sides = (shown(expected), shown(turnover));
                let text = "the position is not what exchanges and covers left open";
                let place = (*account, *currency);
                bench.add(of_account(Check::Position, BreakKind::Amount, state.lane, place, sides, text));
            }
        }
    }
    balances(bench, &books.chart, frozen, &found);
    Ok(())
}

/// Balances of the books that are balances of customers: control accounts against the accounts themselves, suspense.
fn balances(bench: &mut Bench<'_>, chart: &Chart, frozen: &Frozen, found: &TrialBalance) {
    let state = &frozen.state;
    let control = found.control_totals(chart);
    let mut currencies = frozen.closings.currencies();
    currencies.extend(control.iter().map(|total| total.currency));
    currencies.extend(state.suspense.iter().map(|total| total.currency));
    currencies.sort_unstable();
    currencies.dedup();
    for currency in currencies {
        let account = chart.control(currency);
        let (customers, controlled) = (frozen.closings.currency(currency).sum, control.minor(currency));
        bench.count(Check::Control, 1);
        if customers != controlled {
            let sides = (amount(customers, currency), amount(controlled, currency));
            let text = "the customers' accounts do not add up to their control account";
            bench.add(of_account(Check::Control, BreakKind::Amount, state.lane, (account, currency), sides, text));
        }
        let account = chart.account_of(Role::Suspense, currency);
        let (waits, held) = (state.suspense.minor(currency), found.turnover(account).credit_balance());
        bench.count(Check::Suspense, 1);
        if waits != held {
            let sides = (amount(waits, currency), amount(held, currency));
            let text = "the suspense account does not hold what waits for a decision";
            bench.add(of_account(Check::Suspense, BreakKind::Amount, state.lane, (account, currency), sides, text));
        }
    }
}

fn shown(turnover: Turnover, currency: Currency) -> String {
    format!("debits {}, credits {}", amount(turnover.debit, currency), amount(turnover.credit, currency))
}

fn of_account(
    check: Check,
    kind: BreakKind,
    lane: LaneId,
    (account, currency): (LedgerAccount, Currency),
    (expected, found): (String, String),
    text: &str,
) -> Break {
    let subject =
        Subject { lane: Some(lane), currency: Some(currency), ledger_account: Some(account), ..Subject::default() };
    Break { kind, check, subject, expected, found, explanation: text.to_owned() }
}

/// Every record's journal, by stretches.
async fn journals(
    bench: &mut Bench<'_>,
    books: &BooksParts,
    lane: LaneId,
    (after, through): (Seq, Seq),
    walk: &mut Walk,
) -> Result<(), StoreError> {
    bench.progress(|| format!("lane {lane}: the books' journals are added up"));
    let found = books.ledger.journal_sums(lane, after, through).await?;
    let mut both: BTreeMap<i64, (JournalSums, JournalSums)> = BTreeMap::new();
    for sums in walk.journals.sums() {
        bench.count(Check::LedgerJournals, sums.count);
        both.entry(sums.stretch).or_default().0 = *sums;
    }
    for sums in &found {
        both.entry(sums.stretch).or_default().1 = *sums;
    }
    let differing = both.into_iter().filter(|(_, (expected, found))| expected != found);
    for (at, (stretch, (expected, found))) in differing.enumerate() {
        let first = Position::from_packed(stretch * STRETCH.cast_signed()).map_or(Seq::ZERO, Position::seq);
        let last = Seq::new(first.number() + STRETCH - 1).unwrap_or(through).min(through);
        let from = first.number().checked_sub(1).and_then(Seq::new).unwrap_or(Seq::ZERO).max(after);
        let before = bench.breaks.of(Check::LedgerJournals);
        if at < OPENED_MAX {
            open(bench, books, lane, (from, last), walk).await?;
        }
        if bench.breaks.of(Check::LedgerJournals) == before {
            bench.add(Break {
                kind: BreakKind::Amount,
                check: Check::LedgerJournals,
                subject: Subject { record: Some(Position::new(lane, last)), ..Subject::lane(lane) },
                expected: format!("{} journals", expected.count),
                found: format!("{} journals", found.count),
                explanation: format!("the books' journals of the records after {from} up to {last} are not what the posting rules make of them"),
            });
        }
    }
    Ok(())
}

/// Compares a stretch journal by journal.
async fn open(
    bench: &mut Bench<'_>,
    books: &BooksParts,
    lane: LaneId,
    (after, through): (Seq, Seq),
    walk: &mut Walk,
) -> Result<(), StoreError> {
    let mut found: BTreeMap<Position, Journal> = BTreeMap::new();
    let mut before = through.next().map(|next| Position::new(lane, next));
    loop {
        let query = JournalQuery { lane: Some(lane), business_date: None, before, limit: OPENED_PER_PAGE };
        let page = books.ledger.journals(&query).await?;
        found.extend(page.journals.into_iter().map(|journal| (journal.position, journal)));
        before = page.next.filter(|next| next.seq() > after);
        if before.is_none() {
            break;
        }
    }
    found.retain(|position, _| position.seq() > after);
    let mut at = after;
    while at < through {
        let page = bench.parts.reads.journal(lane, at, through, OPENED_PER_PAGE).await?;
        let Some(last) = page.last() else { break };
        at = last.position.seq();
        for (row, text) in page.iter() {
            let Ok(movement) = walk.movement(text) else { continue };
            let expected = post(&books.chart, &movement.event).ok().flatten();
            let stored = found.remove(&row.position);
            if expected != stored {
                bench.add(of_record(row.position, expected.as_ref(), stored.as_ref()));
            }
        }
    }
    for (position, stored) in found {
        bench.add(of_record(position, None, Some(&stored)));
    }
    Ok(())
}

fn of_record(position: Position, expected: Option<&Journal>, found: Option<&Journal>) -> Break {
    let shown = |journal: Option<&Journal>| {
        journal.map_or_else(
            || "no journal".to_owned(),
            |journal| {
                let entry = |entry: &hwan_domain::ledger::Entry| {
                    let side = if entry.side == hwan_domain::ledger::EntrySide::Debit { "Dr" } else { "Cr" };
                    format!("{side} {} {:?}", entry.account, entry.amount)
                };
                journal.entries.iter().map(entry).collect::<Vec<_>>().join(", ")
            },
        )
    };
    let (kind, explanation) = match (expected, found) {
        (Some(_), None) => (BreakKind::Missing, "the record has no journal in the books"),
        (None, _) => (BreakKind::Orphan, "the books have a journal that no record explains"),
        _ => (BreakKind::Amount, "the books' journal is not what the posting rules make of the record"),
    };
    Break {
        kind,
        check: Check::LedgerJournals,
        subject: Subject::record(position),
        expected: shown(expected),
        found: shown(found),
        explanation: explanation.to_owned(),
    }
}
