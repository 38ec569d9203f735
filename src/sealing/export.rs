//! A day into its files: lane by lane, each table in its own order, and the manifest last.

use std::collections::BTreeSet;

use hwan_domain::{
    currency::Currency,
    id::{LaneId, Position, Seq},
    ledger::{Journal, TrialBalance},
};
use hwan_sealed::{
    CurrencyDigits, DayWriter, LaneEntry, Manifest, Place, TableFile, Written,
    day::Existing,
    manifest::LaneTotal,
    row::{BalanceRow, ControlRow, LedgerRow, TrialRow},
    table::Table,
};

use super::{
    DaySource, SealingError,
    bounds::LaneDay,
    controls::Totals,
    rows::{push_entries, push_record, whole},
    sealed::SealedDay,
};
use crate::{
    accounting::books::{Books, JournalQuery},
    storage::{codec, port::StoreError},
};

/// Records that one read of the journal brings.
const READ_RECORDS_MAX: u64 = 4_096;
/// Accounts that one read of the balances brings.
const READ_ACCOUNTS_MAX: usize = 4_096;
/// Journals that one read of the books brings.
const READ_JOURNALS_MAX: u64 = 1_000;
/// After how many records it says how far it is.
const TOLD_EVERY: u64 = 500_000;

/// Whoever is told how far it is.
pub type Tell<'a> = &'a mut (dyn FnMut(&str) + Send);

/// Exports a sealed day, or compares it with what lies there.
pub async fn export(
    source: &DaySource,
    sealed: &SealedDay,
    place: &Place,
    existing: Existing,
    tell: Tell<'_>,
) -> Result<(Manifest, Written), SealingError> {
    let mut day = DayWriter::begin(place, &sealed.date.to_string(), existing).await?;
    let mut lanes = Vec::with_capacity(sealed.lanes.len());
    for lane in &sealed.lanes {
        lanes.push(export_lane(source, sealed, lane, place, &mut day, tell).await?);
    }
    let digits =
        |currency: Currency| CurrencyDigits { code: currency.code().to_owned(), minor_digits: currency.minor_digits() };
    let mut currencies: Vec<CurrencyDigits> = source.currencies.iter().map(|(currency, _)| digits(currency)).collect();
    currencies.sort_by(|one, other| one.code.cmp(&other.code));
    let closing_hash = sealed.closing_hash.map(|hash| hex(&hash));
    Ok(day.finish(lanes, currencies, source.books.is_some(), closing_hash).await?)
}

async fn export_lane(
    source: &DaySource,
    sealed: &SealedDay,
    lane: &LaneDay,
    place: &Place,
    day: &mut DayWriter,
    tell: Tell<'_>,
) -> Result<LaneEntry, SealingError> {
    let number = lane.lane.number();
    let mut totals = journal(source, lane, day, tell).await?;
    let held = balances(source, sealed, lane, day).await?;
    totals.complete(source.store.as_ref(), place, &source.currencies, (sealed.date, lane), &held).await?;
    let mut controls = day.create(Table::Controls, number)?;
    for (currency, total_minor) in totals.iter() {
        let row = ControlRow { currency: currency.code(), total_minor, closing_hash: sealed.closing_hash };
        controls.push(&row).await?;
    }
    day.keep(controls).await?;
    books(source, sealed, lane, day).await?;
    tell(&format!("lane {number}: {} records", lane.records()));
    let total = |(currency, minor): (Currency, i128)| LaneTotal {
        currency: currency.code().to_owned(),
        minor: minor.to_string(),
    };
    Ok(LaneEntry {
        lane: number,
        after_seq: lane.after.0.number(),
        after_hash: hex(&lane.after.1.0),
        last_seq: lane.last.0.number(),
        last_hash: hex(&lane.last.1.0),
        totals: totals.iter().map(total).collect(),
    })
}

/// Records and their legs; gives the totals of what moved.
async fn journal(
    source: &DaySource,
    lane: &LaneDay,
    day: &mut DayWriter,
    tell: Tell<'_>,
) -> Result<Totals, SealingError> {
    let number = lane.lane.number();
    let (mut records, mut entries) = (day.create(Table::Records, number)?, day.create(Table::Entries, number)?);
    let mut totals = Totals::default();
    let (mut at, mut hash) = (lane.after.0.number(), lane.after.1);
    while at < lane.last.0.number() {
        let limit = READ_RECORDS_MAX.min(lane.last.0.number() - at);
        let from = Seq::new(at + 1).unwrap_or_default();
        let rows = source.store.journal(lane.lane, from, usize::try_from(limit).unwrap_or(usize::MAX)).await?;
        if rows.is_empty() {
            return Err(StoreError::Damaged(format!("record {} of lane {number} is missing", at + 1)).into());
        }
        for row in &rows {
            let seq = row.record.position.seq().number();
            if seq != at + 1 || codec::chain(hash, &row.body) != row.hash {
                let reason = format!("the chain of lane {number} breaks at record {}: see hwan verify", at + 1);
                return Err(StoreError::Damaged(reason).into());
            }
            push_record(&mut records, row, hash).await?;
            push_entries(&mut entries, &row.record).await?;
            totals.follow(&row.record);
            (at, hash) = (seq, row.hash);
            if (at - lane.after.0.number()).is_multiple_of(TOLD_EVERY) {
                tell(&format!("lane {number}: record {at} of {}", lane.last.0));
            }
        }
    }
    day.keep(records).await?;
    day.keep(entries).await?;
    Ok(totals)
}

/// Both ends of the day, by account; gives the currencies that are held at its end.
async fn balances(
    source: &DaySource,
    sealed: &SealedDay,
    lane: &LaneDay,
    day: &mut DayWriter,
) -> Result<BTreeSet<Currency>, SealingError> {
    let mut file = day.create(Table::Balances, lane.lane.number())?;
    let (mut held, mut after) = (BTreeSet::new(), None);
    loop {
        let page = source.store.day_balances(lane.lane, sealed.date, after, READ_ACCOUNTS_MAX).await?;
        for balance in page.balances.iter().filter(|of| !of.opening.is_zero() || !of.closing.is_zero()) {
            let (account, currency) = (balance.account.to_string(), balance.closing.currency());
            let row = BalanceRow {
                account: &account,
                currency: currency.code(),
                opening_minor: balance.opening.minor(),
                closing_minor: balance.closing.minor(),
            };
            file.push(&row).await?;
            if !balance.closing.is_zero() {
                held.insert(currency);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    day.keep(file).await?;
    Ok(held)
}

/// The general ledger's entries, and where its accounts stood at the day's end; empty where no books are kept.
async fn books(
    source: &DaySource,
    sealed: &SealedDay,
    lane: &LaneDay,
    day: &mut DayWriter,
) -> Result<(), SealingError> {
    let number = lane.lane.number();
    let (mut ledger, mut trial) = (day.create(Table::Ledger, number)?, day.create(Table::TrialBalance, number)?);
    if let Some(books) = &source.books {
        let mut at = lane.after.0.number();
        while at < lane.last.0.number() {
            let end = lane.last.0.number().min(at + READ_JOURNALS_MAX);
            for journal in journals(books, lane.lane, at, end).await? {
                push_journal(&mut ledger, books, &journal).await?;
            }
            at = end;
        }
        let lines = TrialBalance::of(Some(sealed.date), books.turnovers(sealed.date, lane.lane).await?);
        for line in &lines.lines {
            let of_currency = line.account.of;
            let row = TrialRow {
                account: account_number(line.account.code.number()),
                role: books.chart().role(line.account.code).map_or("unknown", |role| role.as_str()),
                of_currency: of_currency.as_ref().map(|currency| currency.code()),
                currency: line.currency.code(),
                debit_minor: line.turnover.debit,
                credit_minor: line.turnover.credit,
            };
            trial.push(&row).await?;
        }
    }
    day.keep(ledger).await?;
    Ok(day.keep(trial).await?)
}

/// The journals of the records above `after` up to `end`, oldest first: at most one a record.
async fn journals(books: &Books, lane: LaneId, after: u64, end: u64) -> Result<Vec<Journal>, SealingError> {
    let before = Seq::new(end + 1).map(|seq| Position::new(lane, seq));
    let limit = usize::try_from(end - after).unwrap_or(usize::MAX);
    let page = books.journals(&JournalQuery { lane: Some(lane), business_date: None, before, limit }).await?;
    let mut journals = page.journals;
    journals.retain(|journal| journal.position.seq().number() > after);
    journals.reverse();
    Ok(journals)
}

async fn push_journal(file: &mut TableFile, books: &Books, journal: &Journal) -> Result<(), SealingError> {
    for (entry, line) in journal.entries.iter().zip(1..) {
        let (of_currency, currency) = (entry.account.of, entry.amount.currency());
        let row = LedgerRow {
            seq: whole(journal.position.seq().number()),
            line,
            kind: journal.kind.as_str(),
            account: account_number(entry.account.code.number()),
            role: books.chart().role(entry.account.code).map_or("unknown", |role| role.as_str()),
            of_currency: of_currency.as_ref().map(|currency| currency.code()),
            side: entry.side.as_str(),
            currency: currency.code(),
            amount_minor: entry.amount.minor(),
        };
        file.push(&row).await?;
    }
    Ok(())
}

/// Codes have nine digits at most.
fn account_number(code: u32) -> i32 {
    i32::try_from(code).unwrap_or(i32::MAX)
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
