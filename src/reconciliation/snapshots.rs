//! Where a walk begins, and what it leaves for the next day.
//!
//! A digest runs through a snapshot's chunks and its head. One that does not prove is not used: it is a break, the walk begins at the
//! journal's beginning instead, and what it finds there names the accounts that were changed.

use std::sync::Arc;

use hwan_domain::{
    currency::CurrencySet,
    id::LaneId,
    ledger::Chart,
    reconciliation::{
        Break, BreakKind, Check, Frozen, LaneState, Subject, Walker,
        snapshot::{AccountState, decode_chunk, first_of},
    },
    time::BusinessDate,
};
use sha2::{Digest, Sha256};

use crate::storage::{
    port::StoreError,
    reconciliation::book::{ReconciliationBook, SnapshotChunk, SnapshotHead},
};

/// For how many days before the newest snapshots are kept.
pub(super) const KEPT_DAYS: i32 = 7;

/// What a snapshot turned out to be.
pub(super) enum Found {
    /// There is none.
    None,
    /// A walker that stands where it was written.
    Good(Box<Walker>),
    /// It was changed: the day, and those of its chunks that could be read.
    Changed { date: BusinessDate, breaks: Vec<Break>, accounts: Vec<AccountState> },
}

fn seal(before: &[u8; 32], lane: LaneId, date: BusinessDate, body: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(lane.number().to_be_bytes())
        .chain_update(date.days().to_be_bytes())
        .chain_update(body)
        .finalize()
        .into()
}

/// Reads the newest snapshot of before a day.
pub(super) async fn begin(
    book: &dyn ReconciliationBook,
    lane: LaneId,
    date: BusinessDate,
    chart: Option<&Arc<Chart>>,
    currencies: &CurrencySet,
) -> Result<Found, StoreError> {
    let Some(head) = book.newest_snapshot(lane, date).await? else { return Ok(Found::None) };
    let mut breaks = Vec::new();
    let mut accounts = Vec::new();
    let mut digest = [0; 32];
    let changed = |subject: Subject, what: String, breaks: &mut Vec<Break>| {
        breaks.push(Break {
            kind: BreakKind::Amount,
            check: Check::Snapshot,
            subject: Subject { lane: Some(lane), date: Some(head.date), ..subject },
            expected: "the bytes that were written".to_owned(),
            found: what,
            explanation: "the snapshot was changed after it was written: it is not used, the walk begins at the journal's beginning"
                .to_owned(),
        });
    };
    let state = LaneState::decode(&head.body, currencies).ok();
    let mut walker = state
        .filter(|state| state.lane == lane && state.date == head.date)
        .map(|state| Walker::resume(state, date, chart.cloned()));
    if walker.is_none() {
        changed(Subject::default(), "a head that cannot be read".to_owned(), &mut breaks);
    }
    for number in 0..head.chunks {
        let Some(chunk) = book.snapshot_chunk(lane, head.date, number).await? else {
            changed(Subject::default(), format!("chunk {number} is missing"), &mut breaks);
            continue;
        };
        digest = seal(&digest, lane, head.date, &chunk.body);
        let decoded = decode_chunk(&chunk.body, currencies);
        if digest != chunk.digest || decoded.is_err() {
            let account = first_of(&chunk.body);
            changed(Subject { account, ..Subject::default() }, format!("chunk {number} with other bytes"), &mut breaks);
            accounts.extend(decoded.unwrap_or_default());
        } else if let (Some(walker), Ok(decoded)) = (&mut walker, decoded) {
            decoded.iter().for_each(|state| walker.restore(state));
        }
        // From the stored one on, so that one change is found once.
        digest = chunk.digest;
    }
    if seal(&digest, lane, head.date, &head.body) != head.digest && breaks.is_empty() {
        changed(Subject::default(), "a head with other bytes".to_owned(), &mut breaks);
    }
    Ok(match walker {
        Some(walker) if breaks.is_empty() => Found::Good(Box::new(walker)),
        _ => Found::Changed { date: head.date, breaks, accounts },
    })
}

/// Names the accounts that a changed snapshot has otherwise than the journal gives.
pub(super) fn name_changed(
    date: BusinessDate,
    stored: &[AccountState],
    chunks: &[Vec<u8>],
    currencies: &CurrencySet,
) -> Vec<Break> {
    let mut breaks = Vec::new();
    for state in stored {
        let at = chunks.partition_point(|chunk| first_of(chunk).is_some_and(|first| first <= state.account));
        let chunk = at.checked_sub(1).and_then(|at| chunks.get(at));
        let ours = chunk.and_then(|chunk| decode_chunk(chunk, currencies).ok()).into_iter().flatten();
        let ours = ours.into_iter().find(|ours| ours.account == state.account);
        if ours.as_ref() != Some(state) {
            let shown = |state: Option<&AccountState>| {
                state.map_or_else(
                    || "nothing".to_owned(),
                    |state| {
                        let balance = |held: &hwan_domain::reconciliation::snapshot::BalanceState| {
                            super::report::amount(i128::from(held.minor), held.currency)
                        };
                        let balances: Vec<String> = state.balances.iter().map(balance).collect();
                        format!("version {}, {}", state.version, balances.join(", "))
                    },
                )
            };
            breaks.push(Break {
                kind: BreakKind::Amount,
                check: Check::Snapshot,
                subject: Subject { date: Some(date), ..Subject::account(state.account, None) },
                expected: shown(ours.as_ref()),
                found: shown(Some(state)),
                explanation: "the snapshot has the account otherwise than the journal gives".to_owned(),
            });
        }
    }
    breaks
}

/// Writes a lane as it closed its day, and lets old snapshots go.
pub(super) async fn write(book: &dyn ReconciliationBook, frozen: &Frozen) -> Result<(), StoreError> {
    let LaneState { lane, date, .. } = frozen.state;
    let mut digest = [0; 32];
    let mut chunks = Vec::with_capacity(frozen.chunks.len());
    for body in &frozen.chunks {
        digest = seal(&digest, lane, date, body);
        chunks.push(SnapshotChunk { body: body.clone(), digest });
    }
    let body = frozen.state.encode();
    let digest = seal(&digest, lane, date, &body);
    let count = u32::try_from(chunks.len())
        .map_err(|_| StoreError::Damaged("a lane has more accounts than a snapshot can hold".to_owned()))?;
    book.write_snapshot(&SnapshotHead { lane, date, chunks: count, body, digest }, &chunks).await?;
    book.forget_snapshots(lane, BusinessDate::from_days(date.days().saturating_sub(KEPT_DAYS))).await
}
