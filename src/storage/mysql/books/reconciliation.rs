//! History and snapshots of reconciliation in the books' database.

use async_trait::async_trait;
use hwan_domain::{
    id::{LaneId, Position, Seq},
    reconciliation::RunId,
    time::{BusinessDate, Timestamp},
};
use sqlx::mysql::MySqlRow;

use super::{MysqlBooks, post::transact};
use crate::storage::{
    mysql::{
        reads::get,
        script::{self, Script},
    },
    port::StoreError,
    reconciliation::{
        book::{ReconciliationBook, RunStatus, SnapshotChunk, SnapshotHead, StoredRun},
        journal_sums::{JournalSums, STRETCH},
    },
};

/// Places that one statement adds up: some two seconds of the server's time.
const PLACES_PER_READ: u64 = STRETCH * 16;

fn read_run(row: &MySqlRow, report: String) -> Result<StoredRun, StoreError> {
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

fn digest(row: &MySqlRow) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = get(row, "digest")?;
    bytes.try_into().map_err(|_| StoreError::Damaged("a stored digest has not 32 bytes".into()))
}

impl MysqlBooks {
    /// One statement, which is its own transaction.
    async fn execute(&self, lane: LaneId, sql: String) -> Result<(), StoreError> {
        let committer = self.shared.committer(lane)?;
        let done = async move { committer.turn().await?.matched(sql).await.map(|_| ()).map_err(StoreError::from) };
        self.shared.sessions.run(done).await?
    }
}

fn natural(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl ReconciliationBook for MysqlBooks {
    async fn note_run(&self, run: &StoredRun) -> Result<(), StoreError> {
        let mut script = Script::with_room(run.report.len() + 512);
        script.insert(
            "INSERT INTO reconciliation (id, business_date, status, finished_at, accounts, postings, breaks, report)",
            " ON DUPLICATE KEY UPDATE business_date = VALUES(business_date), status = VALUES(status), \
             finished_at = VALUES(finished_at), accounts = VALUES(accounts), postings = VALUES(postings), \
             breaks = VALUES(breaks), report = VALUES(report)",
            [run],
            |row, run| {
                row.number(run.id.started_at().micros());
                row.number_or_null(run.business_date.map(BusinessDate::days));
                row.text(run.status.as_str());
                row.number_or_null(run.finished_at.map(Timestamp::micros));
                row.number(natural(run.accounts));
                row.number(natural(run.postings));
                row.number(natural(run.breaks));
                row.text(&run.report);
            },
        );
        let sql = script.packets().into_iter().map(|packet| packet.sql).collect();
        self.execute(LaneId::SYSTEM, sql).await
    }

    async fn runs(&self, before: Option<RunId>, limit: usize) -> Result<Vec<StoredRun>, StoreError> {
        let sql = format!(
            "SELECT id, business_date, status, finished_at, accounts, postings, breaks FROM reconciliation \
             WHERE id < {} ORDER BY id DESC LIMIT {limit}",
            before.map_or(i64::MAX, |id| id.started_at().micros())
        );
        let rows = self.shared.sessions.rows(sql).await?;
        rows.iter().map(|row| read_run(row, String::new())).collect()
    }

    async fn run(&self, id: RunId) -> Result<Option<StoredRun>, StoreError> {
        let sql = format!("SELECT * FROM reconciliation WHERE id = {}", id.started_at().micros());
        let rows = self.shared.sessions.rows(sql).await?;
        rows.first().map(|row| read_run(row, get(row, "report")?)).transpose()
    }

    async fn newest_snapshot(&self, lane: LaneId, before: BusinessDate) -> Result<Option<SnapshotHead>, StoreError> {
        let sql = format!(
            "SELECT business_date, chunks, body, digest FROM reconciliation_snapshot \
             WHERE lane = {} AND business_date < {} ORDER BY business_date DESC LIMIT 1",
            lane.number(),
            before.days()
        );
        let rows = self.shared.sessions.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let chunks: i32 = get(row, "chunks")?;
        Ok(Some(SnapshotHead {
            lane,
            date: BusinessDate::from_days(get(row, "business_date")?),
            chunks: u32::try_from(chunks).unwrap_or(0),
            body: get(row, "body")?,
            digest: digest(row)?,
        }))
    }

    async fn snapshot_chunk(
        &self,
        lane: LaneId,
        date: BusinessDate,
        number: u32,
    ) -> Result<Option<SnapshotChunk>, StoreError> {
        let sql = format!(
            "SELECT body, digest FROM reconciliation_chunk WHERE lane = {} AND business_date = {} AND number = {number}",
            lane.number(),
            date.days()
        );
        let rows = self.shared.sessions.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(SnapshotChunk { body: get(row, "body")?, digest: digest(row)? }))
    }

    async fn write_snapshot(&self, head: &SnapshotHead, chunks: &[SnapshotChunk]) -> Result<(), StoreError> {
        let (lane, date) = (head.lane.number(), head.date.days());
        let bytes: usize = chunks.iter().map(|chunk| chunk.body.len()).sum();
        // What stood there goes first, the head before its chunks.
        for table in ["reconciliation_snapshot", "reconciliation_chunk"] {
            let sql = format!("DELETE FROM {table} WHERE lane = {lane} AND business_date = {date}");
            self.execute(head.lane, sql).await?;
        }
        let mut first = format!(
            "INSERT INTO reconciliation_snapshot (lane, business_date, chunks, body, digest) VALUES ({lane}, {date}, {}, ",
            head.chunks
        );
        script::push_bytes(&mut first, &head.body);
        first.push(',');
        script::push_bytes(&mut first, &head.digest);
        first.push(')');
        let mut rest = Script::with_room(bytes.saturating_mul(2));
        // A statement a chunk: a packet ends where it is long enough.
        for (number, chunk) in (0_i64..).zip(chunks) {
            rest.insert(
                "INSERT INTO reconciliation_chunk (lane, business_date, number, body, digest)",
                "",
                [chunk],
                |row, chunk| {
                    row.number(lane);
                    row.number(date);
                    row.number(number);
                    row.bytes(&chunk.body);
                    row.bytes(&chunk.digest);
                },
            );
        }
        let committer = self.shared.committer(head.lane)?;
        self.shared.sessions.run(transact(committer, first, rest)).await?.map(|_| ())
    }

    async fn forget_snapshots(&self, lane: LaneId, before: BusinessDate) -> Result<(), StoreError> {
        for table in ["reconciliation_snapshot", "reconciliation_chunk"] {
            let (number, date) = (lane.number(), before.days());
            self.execute(lane, format!("DELETE FROM {table} WHERE lane = {number} AND business_date < {date}")).await?;
        }
        Ok(())
    }

    async fn journal_sums(&self, lane: LaneId, after: Seq, through: Seq) -> Result<Vec<JournalSums>, StoreError> {
        let mut sums: Vec<JournalSums> = Vec::new();
        let place = |number: u64| Position::new(lane, Seq::new(number).unwrap_or(through)).packed();
        let mut at = after.number();
        while at < through.number() {
            // To the end of a stretch, so that none comes in two parts.
            let to = ((at / STRETCH * STRETCH) + PLACES_PER_READ - 1).min(through.number());
            let sql = format!(
                "SELECT id DIV {STRETCH} AS stretch, COUNT(*) AS journals, \
                 CAST(CONCAT_WS(' ', SUM(id MOD {STRETCH}), SUM(checksum), SUM(checksum * (id MOD {STRETCH} + 1))) AS CHAR) \
                   AS sums FROM (SELECT id, CRC32(CONCAT_WS('|', kind, at, business_date, COALESCE(reference, ''), entries)) \
                   AS checksum FROM journal WHERE id > {} AND id <= {}) j GROUP BY id DIV {STRETCH} ORDER BY stretch",
                place(at),
                place(to)
            );
            let rows = self.shared.sessions.rows(sql).await?;
            for row in &rows {
                let text: String = get(row, "sums")?;
                let mut numbers = text.split(' ').map(|number| number.parse::<u128>().ok());
                let mut next = || {
                    let number = numbers.next().flatten();
                    // Modulo 2^64, as whoever compares counts.
                    number
                        .map(|number| number as u64)
                        .ok_or_else(|| StoreError::Damaged(format!("sums of journals, {text:?}")))
                };
                let (places, checksums, weighted) = (next()?, next()?, next()?);
                let count: i64 = get(row, "journals")?;
                let stretch = get(row, "stretch")?;
                sums.push(JournalSums { stretch, count: count.unsigned_abs(), places, checksums, weighted });
            }
            at = to;
        }
        Ok(sums)
    }
}
