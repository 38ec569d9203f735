//! Reads of the books: each is one statement, so it sees one state.

use std::fmt::Write as _;

use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, Seq},
    ledger::{Journal, TrialLine},
    time::{BusinessDate, Timestamp},
};
use sqlx::mysql::MySqlRow;

use super::{Shared, standing::read_line};
use crate::storage::{
    general_ledger::{
        columns::{kind_by_number, read_entries, read_trail},
        port::{DeadLetter, DeadLetterKind, JournalPage, JournalQuery},
    },
    mysql::{
        commit::packed,
        lanes::last_of,
        reads::{get, read_position, read_seq},
    },
    port::{ChainHash, StoreError},
};

/// Rows of the trail that one statement brings, at most: steps, of some thousands of hashes each.
const TRAIL_ROWS: usize = 8;

/// Turnovers by account, of a lane or of all, up to a business date or of all.
pub(super) async fn turnovers(
    store: &Shared,
    as_of: Option<BusinessDate>,
    lane: Option<LaneId>,
) -> Result<Vec<TrialLine>, StoreError> {
    let mut sql = "SELECT account, of_currency, currency, CAST(SUM(debit_minor) AS CHAR) AS debit, \
         CAST(SUM(credit_minor) AS CHAR) AS credit FROM turnover WHERE TRUE"
        .to_owned();
    // A string takes every write.
    if let Some(lane) = lane {
        let _ = write!(sql, " AND lane = {}", lane.number());
    }
    if let Some(date) = as_of {
        let _ = write!(sql, " AND business_date <= {}", date.days());
    }
    sql.push_str(" GROUP BY account, of_currency, currency");
    let rows = store.sessions.rows(sql).await?;
    rows.iter().filter_map(|row| read_line(row, &store.currencies, "debit", "credit").transpose()).collect()
}

/// The hashes of records that were taken, from one on.
pub(super) async fn trail(
    store: &Shared,
    lane: LaneId,
    from: Seq,
    limit: usize,
) -> Result<Vec<(Seq, ChainHash)>, StoreError> {
    let mut found = Vec::new();
    let mut wanted = from;
    while found.len() < limit {
        let sql = format!(
            "SELECT first_seq, hashes FROM trail WHERE lane = {} AND last_seq >= {} ORDER BY last_seq LIMIT {TRAIL_ROWS}",
            lane.number(),
            wanted.number()
        );
        let rows = store.sessions.rows(sql).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let mut seq = read_seq(get(row, "first_seq")?)?;
            for hash in read_trail(get(row, "hashes")?)? {
                if seq >= wanted {
                    found.push((seq, ChainHash(hash)));
                }
                seq = seq.next().unwrap_or(seq);
            }
            wanted = seq;
        }
    }
    Ok(found)
}

pub(super) fn read_journal(row: &MySqlRow, currencies: &CurrencySet) -> Result<Journal, StoreError> {
    let reference: Option<String> = get(row, "reference")?;
    let kind: i8 = get(row, "kind")?;
    Ok(Journal {
        position: read_position(get(row, "id")?)?,
        at: Timestamp::from_micros(get(row, "at")?),
        business_date: BusinessDate::from_days(get(row, "business_date")?),
        kind: kind_by_number(kind.into())?,
        reference: reference.map(String::into_boxed_str),
        entries: read_entries(get(row, "entries")?, currencies)?,
    })
}

/// Which places a list is limited to.
fn places(lane: Option<LaneId>) -> (i64, i64) {
    (lane.map_or(0, |lane| packed(lane, Seq::ZERO)), lane.map_or(i64::MAX, last_of))
}

/// A page of journals, from the highest place down.
pub(super) async fn journals(store: &Shared, query: &JournalQuery) -> Result<JournalPage, StoreError> {
    let (least, last) = places(query.lane);
    let within = format!(
        "j.id BETWEEN {least} AND {last} AND j.id < {} ORDER BY j.id DESC LIMIT {}",
        query.before.map_or(i64::MAX, Position::packed),
        query.limit.saturating_add(1)
    );
    let sql = match query.business_date {
        None => {
            format!("SELECT j.id, j.kind, j.at, j.business_date, j.reference, j.entries FROM journal j WHERE {within}")
        }
        // From the record with which the date began, to the one with which a later one began, lane by lane.
        Some(date) => format!(
            "SELECT j.id, j.kind, j.at, j.business_date, j.reference, j.entries FROM ( \
               SELECT d.lane * 281474976710656 + d.first_seq AS first, COALESCE( \
                 (SELECT MIN(n.lane * 281474976710656 + n.first_seq) FROM ledger_day n \
                  WHERE n.lane = d.lane AND n.business_date > d.business_date), \
                 (d.lane + 1) * 281474976710656) AS past \
               FROM ledger_day d WHERE d.business_date = {}) r \
             JOIN journal j ON j.id >= r.first AND j.id < r.past WHERE {within}",
            date.days()
        ),
    };
    let rows = store.sessions.rows(sql).await?;
    let journals = rows.iter().take(query.limit).map(|row| read_journal(row, &store.currencies));
    let journals = journals.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > journals.len();
    let next = journals.last().filter(|_| more).map(|journal| journal.position);
    Ok(JournalPage { journals, next })
}

/// The journal of a record.
pub(super) async fn journal(store: &Shared, position: Position) -> Result<Option<Journal>, StoreError> {
    let sql =
        format!("SELECT id, kind, at, business_date, reference, entries FROM journal WHERE id = {}", position.packed());
    let rows = store.sessions.rows(sql).await?;
    rows.first().map(|row| read_journal(row, &store.currencies)).transpose()
}

/// What could not be posted; what stands at one place is never cut by the end of a page.
pub(super) async fn dead_letters(
    store: &Shared,
    lane: Option<LaneId>,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<DeadLetter>, StoreError> {
    let (least, last) = places(lane);
    let wanted = format!(
        "redelivered_at IS NULL AND position > {} AND position BETWEEN {least} AND {last}",
        after.map_or(-1, Position::packed)
    );
    let sql = format!(
        "SELECT position, kind, message_offset, reason, since, body FROM dead_letter WHERE {wanted} AND position <= ( \
           SELECT MAX(p.position) FROM (SELECT position FROM dead_letter WHERE {wanted} ORDER BY position LIMIT {limit}) p) \
         ORDER BY position, kind, message_offset"
    );
    let rows = store.sessions.rows(sql).await?;
    rows.iter().map(read_dead_letter).collect()
}

fn read_dead_letter(row: &MySqlRow) -> Result<DeadLetter, StoreError> {
    let kind: i8 = get(row, "kind")?;
    let offset: i64 = get(row, "message_offset")?;
    Ok(DeadLetter {
        kind: if kind == 1 { DeadLetterKind::Record } else { DeadLetterKind::Stray },
        position: read_position(get(row, "position")?)?,
        offset: (offset >= 0).then_some(offset),
        reason: get(row, "reason")?,
        since: Timestamp::from_micros(get(row, "since")?),
        body: get(row, "body")?,
    })
}
