//! Passbooks against the journal: the store adds up each account's entries, the walk its postings; a digest that differs is opened
//! entry by entry.

use std::time::Instant;

use hwan_domain::{
    id::{AccountId, LaneId},
    reconciliation::{AccountState, Break, BreakKind, Check, Frozen, PassbookSums, Subject},
    record::Leg,
};

use super::{drill, run::Bench, walk::Walk};
use crate::storage::port::{PassbookEntry, StoreError};

/// Accounts that one read brings.
const ACCOUNTS_PER_PAGE: usize = 4_096;
/// Accounts that are opened; the others are named.
const OPENED_MAX: usize = 20;
/// Entries of an account that are looked at when it is opened.
const ENTRIES_OPENED_MAX: usize = 5_000;
/// Entries whose records are read when an account is opened.
const RECORDS_OPENED_MAX: usize = 500;

/// Compares every passbook of a lane, up to the day's end.
pub(super) async fn compare(
    bench: &mut Bench<'_>,
    lane: LaneId,
    frozen: &Frozen,
    walk: &mut Walk,
) -> Result<(), StoreError> {
    let currencies = bench.parts.currencies.clone();
    let mut expected = drill::accounts_of(&frozen.chunks, &currencies).peekable();
    let mut differing: Vec<(Option<AccountState>, Option<PassbookSums>)> = Vec::new();
    let mut after = None;
    let mut compared = 0_u64;
    loop {
        let asked = Instant::now();
        let page = bench.parts.reads.passbooks(lane, bench.date, after, ACCOUNTS_PER_PAGE).await?;
        let took = asked.elapsed();
        for found in &page {
            // What the journal has and the passbooks have not comes before.
            while let Some(missing) = expected.next_if(|state| state.account < found.account) {
                differing.push((Some(missing), None));
            }
            compared += 1;
            match expected.next_if(|state| state.account == found.account) {
                Some(state) if agree(&state, found) => {}
                state => differing.push((state, Some(*found))),
            }
        }
        after = page.last().map(|last| last.account);
        if page.len() < ACCOUNTS_PER_PAGE {
            break;
        }
        bench.rest(took).await;
        bench.progress(|| format!("lane {lane}: {compared} passbooks compared"));
    }
    differing.extend(expected.map(|missing| (Some(missing), None)));
    bench.count(Check::Passbook, compared);
    for (at, (state, found)) in differing.into_iter().enumerate() {
        let Some(account) = state.as_ref().map(|state| state.account).or(found.map(|found| found.account)) else {
            continue;
        };
        let named = match at < OPENED_MAX && found.is_some() && state.is_some() {
            true => open(bench, account, state.as_ref(), walk).await?,
            false => Vec::new(),
        };
        if named.is_empty() {
            bench.add(whole(account, state.as_ref(), found.as_ref()));
        }
        named.into_iter().for_each(|found| bench.add(found));
    }
    Ok(())
}

fn agree(state: &AccountState, found: &PassbookSums) -> bool {
    (state.version, state.version, state.digest) == (found.count, found.version, found.digest)
}

/// A passbook as a whole.
fn whole(account: AccountId, state: Option<&AccountState>, found: Option<&PassbookSums>) -> Break {
    let (expected, count) = (state.map_or(0, |state| state.version), found.map_or(0, |found| found.count));
    let (kind, explanation) = match (expected, count) {
        (0, _) => (BreakKind::Orphan, "a passbook of an account that has no posting in the journal"),
        (expected, count) if count < expected => {
            (BreakKind::Missing, "postings of the journal are not in the passbook")
        }
        (expected, count) if count > expected => (BreakKind::Orphan, "the passbook has entries that no posting made"),
        _ => (BreakKind::Amount, "an entry is not what its posting was"),
    };
    Break {
        kind,
        check: Check::Passbook,
        subject: Subject::account(account, None),
        expected: format!("{expected} entries"),
        found: format!("{count} entries"),
        explanation: explanation.to_owned(),
    }
}

/// Looks at an account's entries one by one: versions without a gap, balances that follow, and each as its record says.
async fn open(
    bench: &mut Bench<'_>,
    account: AccountId,
    state: Option<&AccountState>,
    walk: &mut Walk,
) -> Result<Vec<Break>, StoreError> {
    let through = state.map_or(0, |state| state.version);
    let mut entries = bench.parts.reads.entries(account, 0, ENTRIES_OPENED_MAX).await?;
    entries.retain(|entry| entry.business_date <= bench.date);
    let mut breaks = Vec::new();
    let mut add = |kind, subject: Subject, expected: String, found: String, explanation: &str| {
        breaks.push(Break {
            kind,
            check: Check::Passbook,
            subject,
            expected,
            found,
            explanation: explanation.to_owned(),
        });
    };
    let is_whole = entries.len() < ENTRIES_OPENED_MAX;
    let mut next = 1;
    for entry in &entries {
        if entry.version > next {
            let subject = Subject::account(account, None);
            let expected = match entry.version - next {
                1 => format!("entry {next}"),
                _ => format!("entries {next} to {}", entry.version - 1),
            };
            add(
                BreakKind::Missing,
                subject,
                expected,
                "none".to_owned(),
                "a posting of the journal is not in the passbook",
            );
        }
        next = entry.version.saturating_add(1);
        if entry.version > through {
            let subject = Subject::account(account, Some(entry.amount.currency())).at(entry.position);
            let found = format!("entry {}: {}", entry.version, shown(entry));
            add(BreakKind::Orphan, subject, "no such entry".to_owned(), found, "an entry that no posting made");
        }
    }
    if is_whole && next <= through {
        let subject = Subject::account(account, None);
        let expected = format!("entries {next} to {through}");
        add(
            BreakKind::Missing,
            subject,
            expected,
            "none".to_owned(),
            "postings of the journal are not in the passbook",
        );
    }
    // The newest first: what was changed is more often found there.
    for entry in entries.iter().rev().filter(|entry| entry.version <= through).take(RECORDS_OPENED_MAX) {
        let posted = posted(bench, walk, account, entry).await?;
        let same = posted.as_ref().is_some_and(|(leg, same)| {
            *same && (leg.amount, leg.balance_after, leg.version) == (entry.amount, entry.balance_after, entry.version)
        });
        if !same {
            let subject = Subject::account(account, Some(entry.amount.currency())).at(entry.position);
            let expected = posted.map_or_else(
                || "no posting to this account".to_owned(),
                |(leg, _)| format!("version {}: {:?} to {:?}", leg.version, leg.amount, leg.balance_after),
            );
            let found = format!("version {}: {}", entry.version, shown(entry));
            add(BreakKind::Amount, subject, expected, found, "the entry is not what its record posted");
        }
    }
    Ok(breaks)
}

fn shown(entry: &PassbookEntry) -> String {
    format!("{:?} to {:?}", entry.amount, entry.balance_after)
}

/// What the record that an entry names posted to the account in the entry's version, or else in its currency; and whether the rest
/// of the entry is the record's.
async fn posted(
    bench: &mut Bench<'_>,
    walk: &mut Walk,
    account: AccountId,
    entry: &PassbookEntry,
) -> Result<Option<(Leg, bool)>, StoreError> {
    let (lane, seq) = (entry.position.lane(), entry.position.seq());
    let Some(before) = seq.number().checked_sub(1).and_then(hwan_domain::id::Seq::new) else { return Ok(None) };
    let page = bench.parts.reads.journal(lane, before, seq, 1).await?;
    let Some(movement) = page.iter().next().and_then(|(_, text)| walk.movement(text).ok()) else { return Ok(None) };
    let event = &movement.event;
    let kind = hwan_domain::reconciliation::walker::entry_kind(&event.deal);
    let same = (event.at, event.business_date, kind) == (entry.at, entry.business_date, entry.kind.number());
    let leg = movement.legs.iter().find(|leg| leg.account == account && leg.version == entry.version);
    let leg = leg.or_else(|| movement.legs.iter().find(|leg| leg.account == account));
    Ok(leg.map(|leg| (*leg, same)))
}
