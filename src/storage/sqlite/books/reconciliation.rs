//! History and snapshots of reconciliation in the books' file.

use async_trait::async_trait;
use hwan_domain::{
    id::{LaneId, Position, Seq},
    reconciliation::RunId,
    time::{BusinessDate, Timestamp},
};
use sqlx::sqlite::SqliteRow;

use super::{SqliteBooks, reads::read_journal, standing::unavailable};
use crate::storage::{
    port::StoreError,
    reconciliation::{
        book::{ReconciliationBook, RunStatus, SnapshotChunk, SnapshotHead, StoredRun},
        journal_sums::{Adder, JournalSums},
    },
    sqlite::{errors::store_error, reads::get},
};

/// Journals that one read brings.
const JOURNALS_PER_READ: usize = 8_192;

fn natural(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read_run(row: &SqliteRow, report: String) -> Result<StoredRun, StoreError> {
    let status: &str = get(row, "status")?;
    let count = |name| get::<i64>(row, name).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(StoredRun {
        id: RunId::at(Timestamp::from_micros(get(row, "id")?)),
        business_date: get::<Option<i32>>(row, "business_date")?.map(BusinessDate::from_days),
        status: RunStatus::parse(status)
            .ok_or_else(|| StoreError::Damaged(format!("{status:?} is no status of a reconciliation")))?,
        finished_at: get::<Option<i64>>(row, "finished_at")?.map(Timestamp::from_micros),
        accounts: count("accounts")?,
        postings: count("postings")?,
        breaks: count("breaks")?,
        report,
    })
}

pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged("a stored digest has not 32 bytes".into()))
}

#[async_trait]
impl ReconciliationBook for SqliteBooks {
    async fn note_run(&self, run: &StoredRun) -> Result<(), StoreError> {
        let mut transaction = self.book.writer()?.begin().await?;
        let written = sqlx::query(
            "INSERT INTO reconciliation (id, business_date, status, finished_at, accounts, postings, breaks, report) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET business_date = excluded.business_date, \
             status = excluded.status, finished_at = excluded.finished_at, accounts = excluded.accounts, \
             postings = excluded.postings, breaks = excluded.breaks, report = excluded.report",
        )
        .bind(run.id.started_at().micros())
        .bind(run.business_date.map(BusinessDate::days))
        .bind(run.status.as_str())
        .bind(run.finished_at.map(Timestamp::micros))
        .bind(natural(run.accounts))
        .bind(natural(run.postings))
        .bind(natural(run.breaks))
        .bind(run.report.clone())
        .execute(transaction.connection()?)
        .await;
        match written {
            Ok(_) => transaction.commit().await.map_err(unavailable),
            Err(error) => {
                transaction.roll_back().await;
                Err(store_error(&error))
            }
        }
    }

    async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<StoredRun>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query(
            "SELECT id, business_date, status, finished_at, accounts, postings, breaks FROM reconciliation \
             WHERE id < ? ORDER BY id DESC LIMIT ?",
        )
        .bind(before.map_or(i64::MAX, |id| id.started_at().micros()))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
        reader.give_back();
        rows.iter().map(|row| read_run(row, String::new())).collect()
    }

    async fn run(&self, id: RunId) -> Result<Option<StoredRun>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row = sqlx::query("SELECT * FROM reconciliation WHERE id = ?")
            .bind(id.started_at().micros())
            .fetch_optional(reader.connection())
            .await
            .map_err(|error| store_error(&error))?;
        reader.give_back();
        row.map(|row| read_run(&row, get(&row, "report")?)).transpose()
    }

    async fn newest_snapshot(&self, lane: LaneId, before: BusinessDate) -> Result<Option<SnapshotHead>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row = sqlx::query(
            "SELECT business_date, chunks, body, digest FROM reconciliation_snapshot \
             WHERE lane = ? AND business_date < ? ORDER BY business_date DESC LIMIT 1",
        )
        .bind(i64::from(lane.number()))
        .bind(before.days())
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
        reader.give_back();
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SnapshotHead {
            lane,
            date: BusinessDate::from_days(get(&row, "business_date")?),
            chunks: get(&row, "chunks")?,
            body: get(&row, "body")?,
            digest: digest(get(&row, "digest")?)?,
        }))
    }

    async fn snapshot_chunk(
        &self,
        lane: LaneId,
        date: BusinessDate,
        number: u32,
    ) -> Result<Option<SnapshotChunk>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row = sqlx::query(
            "SELECT body, digest FROM reconciliation_chunk WHERE lane = ? AND business_date = ? AND number = ?",
        )
        .bind(i64::from(lane.number()))
        .bind(date.days())
        .bind(number)
        .fetch_optional(reader.connection())
        .await
        .map_err(|error| store_error(&error))?;
        reader.give_back();
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SnapshotChunk { body: get(&row, "body")?, digest: digest(get(&row, "digest")?)? }))
    }

    async fn write_snapshot(&self, head: &SnapshotHead, chunks: &[SnapshotChunk]) -> Result<(), StoreError> {
        let mut transaction = self.book.writer()?.begin().await?;
        let written = write(transaction.connection()?, head, chunks).await;
        match written {
            Ok(()) => {
                transaction.commit().await.map_err(unavailable)?;
                let bytes = chunks.iter().map(|chunk| chunk.body.len()).sum();
                self.book.grown(chunks.len(), bytes);
                Ok(())
            }
            Err(error) => {
                transaction.roll_back().await;
                Err(store_error(&error))
            }
        }
    }

    async fn forget_snapshots(&self, lane: LaneId, before: BusinessDate) -> Result<(), StoreError> {
        let mut transaction = self.book.writer()?.begin().await?;
        let mut failure = None;
        for sql in [
            "DELETE FROM reconciliation_snapshot WHERE lane = ? AND business_date < ?",
            "DELETE FROM reconciliation_chunk WHERE lane = ? AND business_date < ?",
        ] {
            let deleted = sqlx::query(sql).bind(i64::from(lane.number())).bind(before.days());
            if let Err(error) = deleted.execute(transaction.connection()?).await {
                failure = Some(store_error(&error));
                break;
            }
        }
        match failure {
            None => transaction.commit().await.map_err(unavailable),
            Some(error) => {
                transaction.roll_back().await;
                Err(error)
            }
        }
    }

    async fn journal_sums(&self, lane: LaneId, after: Seq, through: Seq) -> Result<Vec<JournalSums>, StoreError> {
        let mut adder = Adder::default();
        let mut at = Position::new(lane, after).packed();
        let last = Position::new(lane, through).packed();
        loop {
            let mut reader = self.book.readers().lend().await?;
            let rows = sqlx::query(
                "SELECT id, kind, at, business_date, reference, entries FROM journal WHERE id > ? AND id <= ? \
                 ORDER BY id LIMIT ?",
            )
            .bind(at)
            .bind(last)
            .bind(i64::try_from(JOURNALS_PER_READ).unwrap_or(i64::MAX))
            .fetch_all(reader.connection())
            .await
            .map_err(|error| store_error(&error))?;
            reader.give_back();
            for row in &rows {
                adder.add(&read_journal(row, &self.currencies)?);
                at = get(row, "id")?;
            }
            if rows.len() < JOURNALS_PER_READ {
                return Ok(adder.sums().to_vec());
            }
        }
    }
}

async fn write(
    connection: &mut sqlx::SqliteConnection,
    head: &SnapshotHead,
    chunks: &[SnapshotChunk],
) -> Result<(), sqlx::Error> {
    let (lane, date) = (i64::from(head.lane.number()), head.date.days());
    for sql in [
        "DELETE FROM reconciliation_snapshot WHERE lane = ? AND business_date = ?",
        "DELETE FROM reconciliation_chunk WHERE lane = ? AND business_date = ?",
    ] {
        sqlx::query(sql).bind(lane).bind(date).execute(&mut *connection).await?;
    }
    for (number, chunk) in (0_i64..).zip(chunks) {
        sqlx::query(
            "INSERT INTO reconciliation_chunk (lane, business_date, number, body, digest) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(lane)
        .bind(date)
        .bind(number)
        .bind(chunk.body.clone())
        .bind(chunk.digest.to_vec())
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query(
        "INSERT INTO reconciliation_snapshot (lane, business_date, chunks, body, digest) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(lane)
    .bind(date)
    .bind(head.chunks)
    .bind(head.body.clone())
    .bind(head.digest.to_vec())
    .execute(connection)
    .await
    .map(|_| ())
}
