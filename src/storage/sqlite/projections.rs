//! Passbook and daily balances: they follow the journal of a lane, each step fenced by where the last one ended.

use std::sync::{Arc, LazyLock};

use hwan_domain::{
    id::{LaneId, Position, Seq},
    record::{Leg, Record},
};
use sqlx::SqliteConnection;

use super::{SqliteStore, commit::packed_seq, errors::store_error, lanes, statements::ManyRows};
use crate::storage::{
    consistency::{ahead, step_end},
    port::{CommitError, StoreError},
    postings::{DayKey, closings, postings},
};

static PASSBOOK: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO passbook \
         (account, version, record, kind, currency, amount_minor, balance_minor, at, business_date)",
        9,
        "",
    )
});
static DAILY_BALANCE: LazyLock<ManyRows> = LazyLock::new(|| {
    ManyRows::new(
        "INSERT OR ROLLBACK INTO daily_balance (account, currency, business_date, amount_minor, version)",
        5,
        "ON CONFLICT (account, currency, business_date) DO UPDATE SET amount_minor = excluded.amount_minor, \
         version = excluded.version",
    )
});

/// Moves a lane's projections over these records.
pub(super) async fn project(
    store: &SqliteStore,
    lane: LaneId,
    from: Seq,
    records: &[Arc<Record>],
) -> Result<(), StoreError> {
    let to = step_end(lane, from, records)?;
    // The journal only grows: what it holds now, it holds when the step is committed.
    let head = lanes::standing(store.ledger.readers(), lane).await?;
    if to > head {
        return Err(ahead(lane, to, head));
    }
    let mut transaction = store.passbook.writer()?.begin().await?;
    let written = write(transaction.connection()?, lane, from, to, records).await;
    match written {
        Ok(()) => {
            transaction.commit().await.map_err(|error| match error {
                CommitError::NotDone(text) | CommitError::Unknown(text) => StoreError::Unavailable(text),
                other => StoreError::Unavailable(other.to_string()),
            })?;
            store.passbook.grown(records.len().saturating_mul(ROWS_PER_RECORD_MAX), 0);
            Ok(())
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// Two legs, each with a row of either projection.
const ROWS_PER_RECORD_MAX: usize = 4;

async fn write(
    connection: &mut SqliteConnection,
    lane: LaneId,
    from: Seq,
    to: Seq,
    records: &[Arc<Record>],
) -> Result<(), StoreError> {
    let failed = |error: sqlx::Error| store_error(&error);
    let moved = sqlx::query("UPDATE projection SET seq = ? WHERE lane = ? AND seq = ?")
        .bind(packed_seq(to))
        .bind(i64::from(lane.number()))
        .bind(packed_seq(from))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if moved.rows_affected() != 1 {
        return Err(StoreError::ProjectionFenced { lane, from });
    }
    let postings = postings(records)?;
    PASSBOOK
        .insert(connection, &postings, |bindings, (record, kind, leg)| {
            bindings.add(leg.account.position().packed());
            bindings.add(i64::try_from(leg.version).unwrap_or(i64::MAX));
            bindings.add(record.position.packed());
            bindings.add(kind.number());
            bindings.add(leg.amount.currency().code());
            bindings.add(leg.amount.minor());
            bindings.add(leg.balance_after.minor());
            bindings.add(record.at.micros());
            bindings.add(record.business_date.days());
        })
        .await
        .map_err(failed)?;
    let days: Vec<(DayKey, &Leg)> = closings(&postings).into_iter().collect();
    DAILY_BALANCE
        .insert(connection, &days, |bindings, ((account, currency, date), leg)| {
            bindings.add(account.position().packed());
            bindings.add(currency.code());
            bindings.add(date.days());
            bindings.add(leg.balance_after.minor());
            bindings.add(i64::try_from(leg.version).unwrap_or(i64::MAX));
        })
        .await
        .map_err(failed)
}

/// Where the record of a posting stands, from its column.
pub(super) fn read_position(packed: i64) -> Result<Position, StoreError> {
    Position::from_packed(packed).ok_or_else(|| StoreError::Damaged(format!("{packed} is not a position")))
}
