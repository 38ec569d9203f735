//! Reads of the books: each is one statement on a reading connection, so it sees one state.

use hwan_domain::{
    currency::CurrencySet,
    id::{LaneId, Position, Seq},
    ledger::{Journal, TrialLine},
    time::{BusinessDate, Timestamp},
};
use sqlx::sqlite::SqliteRow;

use super::SqliteBooks;
use crate::storage::{
    general_ledger::{
        columns::{kind_by_number, read_account, read_entries, read_trail, whole_turnover},
        port::{DeadLetter, DeadLetterKind, JournalPage, JournalQuery},
    },
    port::{ChainHash, StoreError},
    sqlite::{
        errors::store_error,
        lanes::{last_of, read_seq},
        projections::read_position,
        reads::{get, read_currency},
    },
};

/// A line of a trial balance.
pub(super) fn read_line(row: &SqliteRow, currencies: &CurrencySet) -> Result<TrialLine, StoreError> {
    let sides = |above, rest| -> Result<(i64, i64), StoreError> { Ok((get(row, above)?, get(row, rest)?)) };
    Ok(TrialLine {
        account: read_account(get(row, "account")?, get(row, "of_currency")?, currencies)?,
        currency: read_currency(currencies, get(row, "currency")?)?,
        turnover: whole_turnover(sides("debit_above", "debit_rest")?, sides("credit_above", "credit_rest")?),
    })
}

/// Turnovers by account, of a lane or of all, up to a business date or of all.
pub(super) async fn turnovers(
    store: &SqliteBooks,
    as_of: Option<BusinessDate>,
    lane: Option<LaneId>,
) -> Result<Vec<TrialLine>, StoreError> {
    let mut reader = store.book.readers().lend().await?;
    let rows = sqlx::query(
        "SELECT account, of_currency, currency, \
         sum(debit_minor / 1000000000) AS debit_above, sum(debit_minor % 1000000000) AS debit_rest, \
         sum(credit_minor / 1000000000) AS credit_above, sum(credit_minor % 1000000000) AS credit_rest \
         FROM turnover WHERE lane BETWEEN ? AND ? AND business_date <= ? GROUP BY account, of_currency, currency",
    )
    .bind(lane.map_or(0, |lane| i64::from(lane.number())))
    .bind(lane.map_or(i64::MAX, |lane| i64::from(lane.number())))
    .bind(as_of.map_or(i32::MAX, BusinessDate::days))
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(|row| read_line(row, &store.currencies)).collect()
}

/// The hashes of records that were taken, from one on.
pub(super) async fn trail(
    store: &SqliteBooks,
    lane: LaneId,
    from: Seq,
    limit: usize,
) -> Result<Vec<(Seq, ChainHash)>, StoreError> {
    let mut found = Vec::new();
    let mut wanted = from;
    let mut reader = store.book.readers().lend().await?;
    while found.len() < limit {
        let row = sqlx::query(
            "SELECT first_seq, hashes FROM trail WHERE lane = ? AND last_seq >= ? ORDER BY last_seq LIMIT 1",
        )
        .bind(i64::from(lane.number()))
        .bind(i64::try_from(wanted.number()).unwrap_or(i64::MAX))
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
        let Some(row) = row else { break };
        let mut seq = read_seq(get(&row, "first_seq")?)?;
        for hash in read_trail(get(&row, "hashes")?)? {
            if seq >= wanted {
                found.push((seq, ChainHash(hash)));
            }
            seq = seq.next().unwrap_or(seq);
        }
        wanted = seq;
    }
    reader.give_back();
    Ok(found)
}

pub(super) fn read_journal(row: &SqliteRow, currencies: &CurrencySet) -> Result<Journal, StoreError> {
    let reference: Option<String> = get(row, "reference")?;
    Ok(Journal {
        position: read_position(get(row, "id")?)?,
        at: Timestamp::from_micros(get(row, "at")?),
        business_date: BusinessDate::from_days(get(row, "business_date")?),
        kind: kind_by_number(get(row, "kind")?)?,
        reference: reference.map(String::into_boxed_str),
        entries: read_entries(get(row, "entries")?, currencies)?,
    })
}

/// A page of journals, from the highest place down.
pub(super) async fn journals(store: &SqliteBooks, query: &JournalQuery) -> Result<JournalPage, StoreError> {
    let least = query.lane.map_or(0, |lane| Position::new(lane, Seq::ZERO).packed());
    let last = query.lane.map_or(i64::MAX, |lane| last_of(lane).packed());
    // Of a business date: from the record with which it began, to the one with which a later one began, lane by lane.
    let sql = match query.business_date {
        None => {
            "SELECT id, kind, at, business_date, reference, entries FROM journal \
             WHERE id BETWEEN ?1 AND ?2 AND id < ?3 AND ?5 IS NULL ORDER BY id DESC LIMIT ?4"
        }
        Some(_) => {
            "SELECT j.id, j.kind, j.at, j.business_date, j.reference, j.entries \
             FROM ledger_day d CROSS JOIN journal j ON j.id >= (d.lane << 48) | d.first_seq AND j.id < coalesce( \
               (SELECT (n.lane << 48) | n.first_seq FROM ledger_day n \
                WHERE n.lane = d.lane AND n.business_date > d.business_date ORDER BY n.business_date LIMIT 1), \
               (d.lane + 1) << 48) \
             WHERE d.business_date = ?5 AND j.id BETWEEN ?1 AND ?2 AND j.id < ?3 ORDER BY j.id DESC LIMIT ?4"
        }
    };
    let mut reader = store.book.readers().lend().await?;
    let rows = sqlx::query(sql)
        .bind(least)
        .bind(last)
        .bind(query.before.map_or(i64::MAX, Position::packed))
        .bind(i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX))
        .bind(query.business_date.map(BusinessDate::days))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    let journals = rows.iter().take(query.limit).map(|row| read_journal(row, &store.currencies));
    let journals = journals.collect::<Result<Vec<_>, _>>()?;
    let more = rows.len() > journals.len();
    let next = journals.last().filter(|_| more).map(|journal| journal.position);
    Ok(JournalPage { journals, next })
}

/// The journal of a record.
pub(super) async fn journal(store: &SqliteBooks, position: Position) -> Result<Option<Journal>, StoreError> {
    let mut reader = store.book.readers().lend().await?;
    let row = sqlx::query("SELECT id, kind, at, business_date, reference, entries FROM journal WHERE id = ?")
        .bind(position.packed())
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
    reader.give_back();
    row.map(|row| read_journal(&row, &store.currencies)).transpose()
}

/// What could not be posted; what stands at one place is never cut by the end of a page.
pub(super) async fn dead_letters(
    store: &SqliteBooks,
    lane: Option<LaneId>,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<DeadLetter>, StoreError> {
    let least = lane.map_or(0, |lane| Position::new(lane, Seq::ZERO).packed());
    let last = lane.map_or(i64::MAX, |lane| last_of(lane).packed());
    let mut reader = store.book.readers().lend().await?;
    let rows = sqlx::query(
        "SELECT position, kind, message_offset, reason, since, body FROM dead_letter \
         WHERE redelivered_at IS NULL AND position > ?1 AND position BETWEEN ?2 AND ?3 AND position <= ( \
           SELECT max(position) FROM (SELECT position FROM dead_letter WHERE redelivered_at IS NULL \
           AND position > ?1 AND position BETWEEN ?2 AND ?3 ORDER BY position LIMIT ?4)) \
         ORDER BY position, kind, message_offset",
    )
    .bind(after.map_or(-1, Position::packed))
    .bind(least)
    .bind(last)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(reader.connection())
    .await
    .map_err(|error| store_error(&error))?;
    reader.give_back();
    rows.iter().map(read_dead_letter).collect()
}

fn read_dead_letter(row: &SqliteRow) -> Result<DeadLetter, StoreError> {
    let kind: i64 = get(row, "kind")?;
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
