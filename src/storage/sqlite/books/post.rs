//! Steps: one transaction each, the cursor first.

use std::sync::LazyLock;

use hwan_domain::{
    id::{LaneId, Seq},
    ledger::TrialLine,
    time::{BusinessDate, Timestamp},
};
use sqlx::SqliteConnection;

use super::{SqliteBooks, standing::unavailable};
use crate::storage::{
    general_ledger::{
        columns::{kind_number, narrow, of_column, write_entries},
        port::{DeadLetterKind, PostError, Redelivery, Step},
    },
    port::StoreError,
    sqlite::{commit::packed_seq, errors::store_error, statements::ManyRows},
};

static JOURNAL: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new("INSERT OR ROLLBACK INTO journal (id, kind, at, business_date, reference, entries)", 6, "")
});
static TURNOVER: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO turnover (lane, business_date, account, of_currency, currency, debit_minor, credit_minor)",
        7,
        "ON CONFLICT (lane, business_date, account, of_currency) DO UPDATE SET debit_minor = excluded.debit_minor, \
         credit_minor = excluded.credit_minor",
    )
});
static DEAD_LETTER: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO dead_letter (position, kind, message_offset, reason, since, body)",
        6,
        // A stray that comes again: it is known.
        "ON CONFLICT (position, kind, message_offset) DO NOTHING",
    )
});

/// What could not be posted may have begun a day, and be redelivered before or after what followed it.
const BEGIN_DAY: &str = "INSERT INTO ledger_day (lane, business_date, first_seq) VALUES (?, ?, ?) \
    ON CONFLICT (lane, business_date) DO UPDATE SET first_seq = min(first_seq, excluded.first_seq)";

/// Whether a date was over in a lane at a record's place, or is closed.
const DAY_OVER: &str = "SELECT EXISTS (SELECT 1 FROM ledger_day WHERE lane = ?1 AND business_date > ?2 AND first_seq <= ?3) \
    OR EXISTS (SELECT 1 FROM closing WHERE business_date >= ?2)";

/// Takes a step.
pub(super) async fn post(store: &SqliteBooks, step: &Step) -> Result<(), PostError> {
    let mut transaction = store.book.writer()?.begin().await?;
    let written = match transaction.connection() {
        Ok(connection) => write(connection, step).await,
        Err(error) => Err(error.into()),
    };
    match written {
        Ok(()) => {
            transaction.commit().await.map_err(unavailable)?;
            let rows = step.turnovers.len().saturating_add(step.dead_letters.len());
            store.book.grown(rows, step.journals.len().saturating_mul(JOURNAL_BYTES));
            Ok(())
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// About what a journal takes, in bytes.
const JOURNAL_BYTES: usize = 256;

async fn write(connection: &mut SqliteConnection, step: &Step) -> Result<(), PostError> {
    let failed = |error: sqlx::Error| PostError::Store(store_error(&error));
    let lane = i64::from(step.lane.number());
    let moved = sqlx::query(
        "UPDATE lane_cursor SET seq = ?, hash = ?, at = ?, business_date = ?, next_offset = ?, stopped = NULL \
         WHERE lane = ? AND seq = ? AND revision = ?",
    )
    .bind(packed_seq(step.seq))
    .bind(step.hash.0.to_vec())
    .bind(step.at.map(Timestamp::micros))
    .bind(step.business_date.map(BusinessDate::days))
    .bind(step.offset)
    .bind(lane)
    .bind(packed_seq(step.from))
    .bind(i64::try_from(step.revision).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if moved.rows_affected() != 1 {
        return Err(PostError::Fenced { lane: step.lane, from: step.from });
    }
    JOURNAL
        .insert(connection, &step.journals, |bindings, journal| {
            bindings.add(journal.position.packed());
            bindings.add(kind_number(journal.kind));
            bindings.add(journal.at.micros());
            bindings.add(journal.business_date.days());
            bindings.add(journal.reference.as_deref());
            bindings.add(write_entries(&journal.entries));
        })
        .await
        .map_err(failed)?;
    let narrowed = |(date, line): &(BusinessDate, _)| -> Result<_, StoreError> {
        let line: &hwan_domain::ledger::TrialLine = line;
        Ok((*date, *line, narrow(line.turnover.debit)?, narrow(line.turnover.credit)?))
    };
    let turnovers = step.turnovers.iter().map(narrowed).collect::<Result<Vec<_>, _>>()?;
    TURNOVER
        .insert(connection, &turnovers, |bindings, (date, line, debit, credit)| {
            bindings.add(lane);
            bindings.add(date.days());
            bindings.add(line.account.code.number());
            bindings.add(of_column(&line.account));
            bindings.add(line.currency.code());
            bindings.add(*debit);
            bindings.add(*credit);
        })
        .await
        .map_err(failed)?;
    for (date, first) in &step.days {
        sqlx::query(BEGIN_DAY)
            .bind(lane)
            .bind(date.days())
            .bind(packed_seq(*first))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    if let Some(first) = step.from.next().filter(|_| !step.trail.is_empty()) {
        sqlx::query("INSERT INTO trail (lane, last_seq, first_seq, hashes) VALUES (?, ?, ?, ?)")
            .bind(lane)
            .bind(packed_seq(step.seq))
            .bind(packed_seq(first))
            .bind(step.trail.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    DEAD_LETTER
        .insert(connection, &step.dead_letters, |bindings, letter| {
            bindings.add(letter.position.packed());
            bindings.add(if letter.kind == DeadLetterKind::Record { 1 } else { 2 });
            bindings.add(letter.offset.unwrap_or(-1));
            bindings.add(letter.reason.as_str());
            bindings.add(letter.since.micros());
            bindings.add(letter.body.as_slice());
        })
        .await
        .map_err(failed)
}

/// Posts what could not be posted.
pub(super) async fn redeliver(store: &SqliteBooks, redelivery: &Redelivery) -> Result<bool, StoreError> {
    let mut transaction = store.book.writer()?.begin().await?;
    let done = add(transaction.connection()?, redelivery).await;
    match done {
        Ok(true) => transaction.commit().await.map_err(unavailable).map(|()| true),
        other => {
            transaction.roll_back().await;
            other
        }
    }
}

async fn add(connection: &mut SqliteConnection, redelivery: &Redelivery) -> Result<bool, StoreError> {
    let failed = |error: sqlx::Error| store_error(&error);
    let Redelivery { position, business_date, journal, lines, at } = redelivery;
    let lane = i64::from(position.lane().number());
    let taken = sqlx::query(
        "UPDATE dead_letter SET redelivered_at = ? WHERE position = ? AND kind = 1 AND redelivered_at IS NULL",
    )
    .bind(at.micros())
    .bind(position.packed())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if taken.rows_affected() != 1 {
        return Ok(false);
    }
    let over: bool = sqlx::query_scalar(DAY_OVER)
        .bind(lane)
        .bind(business_date.days())
        .bind(packed_seq(position.seq()))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if over {
        return Err(StoreError::DayOver(*business_date));
    }
    // A day that nothing else was posted on, or that this record began.
    sqlx::query(BEGIN_DAY)
        .bind(lane)
        .bind(business_date.days())
        .bind(packed_seq(position.seq()))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    // The day that the cursor is on has its turnovers in memory: it is never behind a day that has any.
    sqlx::query("UPDATE lane_cursor SET business_date = max(coalesce(business_date, ?1), ?1) WHERE lane = ?2")
        .bind(business_date.days())
        .bind(lane)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE lane_cursor SET revision = revision + 1 WHERE lane = ?")
        .bind(lane)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let Some(journal) = journal else { return Ok(true) };
    sqlx::query("INSERT INTO journal (id, kind, at, business_date, reference, entries) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(journal.position.packed())
        .bind(kind_number(journal.kind))
        .bind(journal.at.micros())
        .bind(journal.business_date.days())
        .bind(journal.reference.as_deref().map(str::to_owned))
        .bind(write_entries(&journal.entries))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    for TrialLine { account, currency, turnover } in lines {
        sqlx::query(
            "INSERT INTO turnover (lane, business_date, account, of_currency, currency, debit_minor, credit_minor) \
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lane, business_date, account, of_currency) DO UPDATE SET \
             debit_minor = debit_minor + excluded.debit_minor, credit_minor = credit_minor + excluded.credit_minor",
        )
        .bind(lane)
        .bind(journal.business_date.days())
        .bind(account.code.number())
        .bind(of_column(account).to_owned())
        .bind(currency.code().to_owned())
        .bind(narrow(turnover.debit)?)
        .bind(narrow(turnover.credit)?)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    Ok(true)
}

/// Notes why a lane's books stopped.
pub(super) async fn note_stop(store: &SqliteBooks, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError> {
    let mut transaction = store.book.writer()?.begin().await?;
    let noted = sqlx::query("UPDATE lane_cursor SET stopped = ? WHERE lane = ? AND seq = ?")
        .bind(reason.to_owned())
        .bind(i64::from(lane.number()))
        .bind(packed_seq(at))
        .execute(transaction.connection()?)
        .await;
    match noted {
        Ok(_) => transaction.commit().await.map_err(unavailable),
        Err(error) => {
            transaction.roll_back().await;
            Err(store_error(&error))
        }
    }
}
