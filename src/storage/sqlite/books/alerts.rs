//! Alerts and the watch's state in the books' file.

use async_trait::async_trait;
use hwan_domain::{
    anomaly::{Alert, Nature, Severity},
    id::{AccountId, LaneId},
    time::Timestamp,
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use super::{SqliteBooks, standing::unavailable};
use crate::storage::{
    alerts::{
        columns::{
            ALERT, joined, parts, read_alert, read_count, read_note, read_place, read_severity, read_state,
            severity_number, state_number, touched,
        },
        port::{
            ALERTS_PER_PAGE_MAX, AlertBook, AlertQuery, AlertState, Checkpoint, Decided, KeptAlert, Note, RAISED_MAX,
            Raised,
        },
    },
    port::StoreError,
    sqlite::{
        commit::packed_seq,
        errors::store_error,
        lanes::read_seq,
        reads::{chain_hash, get},
    },
};

fn failed(error: sqlx::Error) -> StoreError {
    store_error(&error)
}

fn read(row: &SqliteRow) -> Result<KeptAlert, StoreError> {
    read_alert!(row, get, i64)
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit.min(ALERTS_PER_PAGE_MAX)).unwrap_or(i64::MAX)
}

impl SqliteBooks {
    /// Runs work in a transaction that is committed where it succeeds.
    async fn in_transaction<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.book.writer()?.begin().await?;
        let done = match transaction.connection() {
            Ok(connection) => work(connection).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(value) => {
                transaction.commit().await.map_err(unavailable)?;
                Ok(value)
            }
            Err(error) => {
                transaction.roll_back().await;
                Err(error)
            }
        }
    }
}

#[async_trait]
impl AlertBook for SqliteBooks {
    async fn raise(&self, alerts: &[Alert], now: Timestamp) -> Result<Vec<Raised>, StoreError> {
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        self.in_transaction(async |connection| {
            let mut raised = Vec::with_capacity(alerts.len());
            for alert in alerts.iter().take(RAISED_MAX) {
                raised.push(raise(connection, alert, now).await?);
            }
            Ok(raised)
        })
        .await
    }

    async fn alert(&self, id: &str) -> Result<Option<KeptAlert>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let found = find(reader.connection(), id).await?;
        reader.give_back();
        Ok(found)
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<KeptAlert>, StoreError> {
        let (seen, id) = query.after.clone().map_or((i64::MAX, String::new()), |(seen, id)| (seen.micros(), id));
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ALERT} WHERE (?1 IS NULL OR rule = ?1) AND (?2 IS NULL OR severity = ?2) AND (?3 IS NULL OR state = ?3) \
             AND (?4 IS NULL OR subject = ?4) AND (first_seen < ?5 OR (first_seen = ?5 AND id < ?6)) \
             ORDER BY first_seen DESC, id DESC LIMIT ?7"
        )))
        .bind(query.rule.clone())
        .bind(query.severity.map(severity_number))
        .bind(query.state.map(state_number))
        .bind(query.subject.clone())
        .bind(seen)
        .bind(id)
        .bind(limited(query.limit))
        .fetch_all(reader.connection())
        .await
        .map_err(failed)?;
        reader.give_back();
        rows.iter().map(read).collect()
    }

    async fn unresolved(&self) -> Result<[(Severity, u64); 3], StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query("SELECT severity, count(*) AS alerts FROM alert WHERE state <> 2 GROUP BY severity")
            .fetch_all(reader.connection())
            .await
            .map_err(failed)?;
        reader.give_back();
        let mut counts = Severity::ALL.map(|severity| (severity, 0));
        for row in &rows {
            let severity = read_severity(get(row, "severity")?)?;
            for (_, count) in counts.iter_mut().filter(|(of, _)| *of == severity) {
                *count = read_count(get(row, "alerts")?)?;
            }
        }
        Ok(counts)
    }

    async fn acknowledge(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.in_transaction(async |connection| {
            let Some(found) = find(connection, id).await? else { return Ok(None) };
            match found.state {
                AlertState::Acknowledged => Ok(Some(Decided::Before(found))),
                AlertState::Resolved => Ok(Some(Decided::Resolved(found))),
                AlertState::Open => {
                    const SQL: &str = "UPDATE alert SET state = 1, acknowledged_at = ?, acknowledged_by = ?, \
                        acknowledged_note = ? WHERE id = ?";
                    decide(connection, SQL, id, note).await.map(Some)
                }
            }
        })
        .await
    }

    async fn resolve(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.in_transaction(async |connection| {
            let Some(found) = find(connection, id).await? else { return Ok(None) };
            match found.state {
                AlertState::Resolved => Ok(Some(Decided::Before(found))),
                AlertState::Open | AlertState::Acknowledged => {
                    const SQL: &str = "UPDATE alert SET state = 2, resolved_at = ?, resolved_by = ?, \
                        resolved_note = ? WHERE id = ?";
                    decide(connection, SQL, id, note).await.map(Some)
                }
            }
        })
        .await
    }

    async fn unpublished(&self, limit: usize) -> Result<Vec<KeptAlert>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ALERT} WHERE published_at IS NULL ORDER BY first_seen, id LIMIT ?"
        )))
        .bind(limited(limit))
        .fetch_all(reader.connection())
        .await
        .map_err(failed)?;
        reader.give_back();
        rows.iter().map(read).collect()
    }

    async fn published(&self, alerts: &[KeptAlert], now: Timestamp) -> Result<(), StoreError> {
        self.in_transaction(async |connection| {
            for alert in alerts {
                sqlx::query("UPDATE alert SET published_at = ? WHERE id = ? AND times_reopened = ?")
                    .bind(now.micros())
                    .bind(alert.id.clone())
                    .bind(i64::try_from(alert.times_reopened).unwrap_or(i64::MAX))
                    .execute(&mut *connection)
                    .await
                    .map_err(failed)?;
            }
            Ok(())
        })
        .await
    }

    async fn put_away(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let (parts, digest) = parts(checkpoint);
        let (lane, generation) = (i64::from(checkpoint.lane.number()), checkpoint.at.micros());
        // A transaction a part: others write to this file too.
        for (number, part) in parts.iter().enumerate() {
            self.in_transaction(async |connection| {
                sqlx::query("INSERT OR REPLACE INTO watch_part (lane, generation, part, body) VALUES (?, ?, ?, ?)")
                    .bind(lane)
                    .bind(generation)
                    .bind(i64::try_from(number).unwrap_or(i64::MAX))
                    .bind(part.to_vec())
                    .execute(connection)
                    .await
                    .map_err(failed)?;
                Ok(())
            })
            .await?;
            self.book.grown(0, part.len());
        }
        self.in_transaction(async |connection| {
            sqlx::query(
                "INSERT INTO watch_state (lane, generation, seq, hash, next_offset, parts, digest) \
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lane) DO UPDATE SET generation = excluded.generation, \
                 seq = excluded.seq, hash = excluded.hash, next_offset = excluded.next_offset, parts = excluded.parts, \
                 digest = excluded.digest",
            )
            .bind(lane)
            .bind(generation)
            .bind(packed_seq(checkpoint.seq))
            .bind(checkpoint.hash.0.to_vec())
            .bind(checkpoint.offset)
            .bind(i64::try_from(parts.len()).unwrap_or(i64::MAX))
            .bind(digest.to_vec())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
            sqlx::query("DELETE FROM watch_part WHERE lane = ? AND generation <> ?")
                .bind(lane)
                .bind(generation)
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
            Ok(())
        })
        .await
    }

    async fn taken_back(&self, lane: LaneId) -> Result<Option<Checkpoint>, StoreError> {
        let mut reader = self.book.readers().lend().await?;
        let row =
            sqlx::query("SELECT generation, seq, hash, next_offset, parts, digest FROM watch_state WHERE lane = ?")
                .bind(i64::from(lane.number()))
                .fetch_optional(reader.connection())
                .await
                .map_err(failed)?;
        let Some(row) = row else {
            reader.give_back();
            return Ok(None);
        };
        let generation: i64 = get(&row, "generation")?;
        let rows = sqlx::query("SELECT body FROM watch_part WHERE lane = ? AND generation = ? ORDER BY part")
            .bind(i64::from(lane.number()))
            .bind(generation)
            .fetch_all(reader.connection())
            .await
            .map_err(failed)?;
        reader.give_back();
        let parts = rows.iter().map(|row| get(row, "body")).collect::<Result<Vec<Vec<u8>>, _>>()?;
        let digest: &[u8] = get(&row, "digest")?;
        Ok(Some(Checkpoint {
            lane,
            seq: read_seq(get(&row, "seq")?)?,
            hash: chain_hash(&row)?,
            offset: get(&row, "next_offset")?,
            at: Timestamp::from_micros(generation),
            body: joined(parts, get(&row, "parts")?, digest)?,
        }))
    }
}

async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<KeptAlert>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{ALERT} WHERE id = ?")))
        .bind(id.to_owned())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(read).transpose()
}

async fn decide(
    connection: &mut SqliteConnection,
    sql: &'static str,
    id: &str,
    note: &Note,
) -> Result<Decided, StoreError> {
    sqlx::query(sql)
        .bind(note.at.micros())
        .bind(note.by.clone())
        .bind(note.text.clone())
        .bind(id.to_owned())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let decided = find(connection, id).await?;
    decided.map(Decided::Now).ok_or_else(|| StoreError::Damaged(format!("alert {id} is gone")))
}

async fn raise(connection: &mut SqliteConnection, alert: &Alert, now: Timestamp) -> Result<Raised, StoreError> {
    let id = alert.id();
    let state: Option<i64> = sqlx::query_scalar("SELECT state FROM alert WHERE id = ?")
        .bind(id.clone())
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    let raised = match state.map(read_state).transpose()? {
        None => Raised::New,
        Some(AlertState::Resolved) if alert.rule.nature() == Nature::Condition => Raised::Reopened,
        Some(_) => Raised::Again,
    };
    let query = match raised {
        Raised::New => {
            let (account, pair) = touched(alert);
            sqlx::query(
                "INSERT INTO alert (id, rule, severity, subject_kind, subject, expected, found, record, account, pair, at, \
                 first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)",
            )
            .bind(id)
            .bind(alert.rule.as_str())
            .bind(severity_number(alert.severity()))
            .bind(alert.subject.kind())
            .bind(alert.subject.to_string())
            .bind(alert.evidence.expected.clone())
            .bind(alert.evidence.found.clone())
            .bind(alert.evidence.record.map(|record| record.packed()))
            .bind(account)
            .bind(pair)
            .bind(alert.at.micros())
            .bind(now.micros())
        }
        Raised::Again => {
            sqlx::query("UPDATE alert SET times_seen = times_seen + 1, last_seen = max(last_seen, ?) WHERE id = ?")
                .bind(now.micros())
                .bind(id)
        }
        Raised::Reopened => sqlx::query(
            "UPDATE alert SET times_seen = times_seen + 1, last_seen = max(last_seen, ?), state = 0, \
             times_reopened = times_reopened + 1, found = ?, acknowledged_at = NULL, acknowledged_by = NULL, \
             acknowledged_note = NULL, published_at = NULL WHERE id = ?",
        )
        .bind(now.micros())
        .bind(alert.evidence.found.clone())
        .bind(id),
    };
    query.execute(connection).await.map_err(failed)?;
    Ok(raised)
}
