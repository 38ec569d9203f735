//! Alerts and the watch's state in the books' database: each change is one transaction, its rows locked by their ids first.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use async_trait::async_trait;
use hwan_domain::{
    anomaly::{Alert, Nature, Severity},
    id::{AccountId, LaneId},
    time::Timestamp,
};
use sqlx::mysql::MySqlRow;

use super::{MysqlBooks, Shared};
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
    mysql::{
        committer::{Committer, Failure, Turn},
        reads::{chain_hash, get, read_seq},
        script::{self, Script},
    },
    port::StoreError,
};

fn read(row: &MySqlRow) -> Result<KeptAlert, StoreError> {
    read_alert!(row, get, i8)
}

/// A connection that writes; alerts belong to no lane's.
fn committer(store: &Arc<Shared>) -> Result<Arc<Committer>, StoreError> {
    store.committer(LaneId::SYSTEM)
}

/// Begins a transaction by a read that locks what it brings.
async fn begin(committer: &Committer, select: &str) -> Result<(Turn, Vec<MySqlRow>), StoreError> {
    let sql = format!("START TRANSACTION;{select} FOR UPDATE");
    let mut turn = committer.turn().await?;
    let mut rows = turn.rows(sql.clone()).await;
    if matches!(rows, Err(Failure::Unanswered(_))) {
        // After a pause the server has ended the connection: a new one is worth one attempt.
        turn.give_up();
        turn = committer.turn().await?;
        rows = turn.rows(sql).await;
    }
    match rows {
        Ok(rows) => Ok((turn, rows)),
        Err(failure) => {
            leave(turn, &failure).await;
            Err(failure.into())
        }
    }
}

async fn leave(turn: Turn, failure: &Failure) {
    match failure {
        Failure::Refused { .. } => turn.roll_back().await,
        Failure::Unanswered(_) => turn.give_up(),
    }
}

/// Writes the rest and commits. An outcome that is not known is an error: all of this may be done again.
async fn end(turn: Turn, mut rest: Script) -> Result<(), StoreError> {
    rest.statement("COMMIT");
    match turn.finish(rest.packets()).await {
        Ok(()) => Ok(()),
        Err((_, failure, turn)) => {
            leave(turn, &failure).await;
            Err(failure.into())
        }
    }
}

#[async_trait]
impl AlertBook for MysqlBooks {
    async fn raise(&self, alerts: &[Alert], now: Timestamp) -> Result<Vec<Raised>, StoreError> {
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let committer = committer(&self.shared)?;
        let alerts: Vec<(String, Alert)> =
            alerts.iter().take(RAISED_MAX).map(|alert| (alert.id(), alert.clone())).collect();
        self.shared.sessions.run(async move { raise(&committer, &alerts, now).await }).await?
    }

    async fn alert(&self, id: &str) -> Result<Option<KeptAlert>, StoreError> {
        let rows = self.shared.sessions.rows(format!("{ALERT} WHERE id = {}", script::literal(id))).await?;
        rows.first().map(read).transpose()
    }

    async fn alerts(&self, query: &AlertQuery) -> Result<Vec<KeptAlert>, StoreError> {
        let mut sql = format!("{ALERT} WHERE TRUE");
        // A string takes every write.
        if let Some(rule) = &query.rule {
            let _ = write!(sql, " AND rule = {}", script::literal(rule));
        }
        if let Some(severity) = query.severity {
            let _ = write!(sql, " AND severity = {}", severity_number(severity));
        }
        if let Some(state) = query.state {
            let _ = write!(sql, " AND state = {}", state_number(state));
        }
        if let Some(subject) = &query.subject {
            let _ = write!(sql, " AND subject = {}", script::literal(subject));
        }
        if let Some((seen, id)) = &query.after {
            let (seen, id) = (seen.micros(), script::literal(id));
            let _ = write!(sql, " AND (first_seen < {seen} OR (first_seen = {seen} AND id < {id}))");
        }
        let _ = write!(sql, " ORDER BY first_seen DESC, id DESC LIMIT {}", query.limit.min(ALERTS_PER_PAGE_MAX));
        let rows = self.shared.sessions.rows(sql).await?;
        rows.iter().map(read).collect()
    }

    async fn unresolved(&self) -> Result<[(Severity, u64); 3], StoreError> {
        let sql = "SELECT severity, COUNT(*) AS alerts FROM alert WHERE state <> 2 GROUP BY severity";
        let rows = self.shared.sessions.rows(sql.to_owned()).await?;
        let mut counts = Severity::ALL.map(|severity| (severity, 0));
        for row in &rows {
            let severity = read_severity(i64::from(get::<i8>(row, "severity")?))?;
            for (_, count) in counts.iter_mut().filter(|(of, _)| *of == severity) {
                *count = read_count(get(row, "alerts")?)?;
            }
        }
        Ok(counts)
    }

    async fn acknowledge(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.decide(id, note, AlertState::Acknowledged).await
    }

    async fn resolve(&self, id: &str, note: &Note) -> Result<Option<Decided>, StoreError> {
        self.decide(id, note, AlertState::Resolved).await
    }

    async fn unpublished(&self, limit: usize) -> Result<Vec<KeptAlert>, StoreError> {
        let limit = limit.min(ALERTS_PER_PAGE_MAX);
        let sql = format!("{ALERT} WHERE published_at IS NULL ORDER BY first_seen, id LIMIT {limit}");
        let rows = self.shared.sessions.rows(sql).await?;
        rows.iter().map(read).collect()
    }

    async fn published(&self, alerts: &[KeptAlert], now: Timestamp) -> Result<(), StoreError> {
        let mut conditions = String::new();
        for alert in alerts {
            let or = if conditions.is_empty() { "" } else { " OR " };
            let (id, reopened) = (script::literal(&alert.id), alert.times_reopened);
            let _ = write!(conditions, "{or}(id = {id} AND times_reopened = {reopened})");
        }
        if conditions.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE alert SET published_at = {} WHERE {conditions}", now.micros());
        self.change(sql).await
    }

    async fn put_away(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let (parts, digest) = parts(checkpoint);
        let (lane, generation) = (checkpoint.lane.number(), checkpoint.at.micros());
        for (number, part) in parts.iter().enumerate() {
            let mut sql = String::with_capacity(part.len() * 2 + 128);
            let _ = write!(
                sql,
                "REPLACE INTO watch_part (lane, generation, part, body) VALUES ({lane}, {generation}, {number}, "
            );
            script::push_bytes(&mut sql, part);
            sql.push(')');
            self.change(sql).await?;
        }
        let (mut hash, mut summed) = (String::new(), String::new());
        script::push_bytes(&mut hash, &checkpoint.hash.0);
        script::push_bytes(&mut summed, &digest);
        let offset = checkpoint.offset.map_or_else(|| "NULL".to_owned(), |offset| offset.to_string());
        self.change(format!(
            "REPLACE INTO watch_state (lane, generation, seq, hash, next_offset, parts, digest) \
             VALUES ({lane}, {generation}, {}, {hash}, {offset}, {}, {summed})",
            checkpoint.seq.number(),
            parts.len()
        ))
        .await?;
        self.change(format!("DELETE FROM watch_part WHERE lane = {lane} AND generation <> {generation}")).await
    }

    async fn taken_back(&self, lane: LaneId) -> Result<Option<Checkpoint>, StoreError> {
        let number = lane.number();
        let sql =
            format!("SELECT generation, seq, hash, next_offset, parts, digest FROM watch_state WHERE lane = {number}");
        let rows = self.shared.sessions.rows(sql).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let generation: i64 = get(row, "generation")?;
        let count: i32 = get(row, "parts")?;
        let mut parts = Vec::new();
        for part in 0..count {
            // One by one: an answer is held whole.
            let sql = format!(
                "SELECT body FROM watch_part WHERE lane = {number} AND generation = {generation} AND part = {part}"
            );
            let rows = self.shared.sessions.rows(sql).await?;
            parts.extend(rows.first().map(|row| get::<Vec<u8>>(row, "body")).transpose()?);
        }
        let digest: &[u8] = get(row, "digest")?;
        Ok(Some(Checkpoint {
            lane,
            seq: read_seq(get(row, "seq")?)?,
            hash: chain_hash(row)?,
            offset: get(row, "next_offset")?,
            at: Timestamp::from_micros(generation),
            body: joined(parts, i64::from(count), digest)?,
        }))
    }
}

impl MysqlBooks {
    /// A statement that stands alone.
    async fn change(&self, sql: String) -> Result<(), StoreError> {
        let committer = committer(&self.shared)?;
        let run = async move {
            let first = committer.turn().await?.matched(sql.clone()).await;
            match first {
                // After a pause the server has ended the connection. All of these may be done twice.
                Err(Failure::Unanswered(_)) => committer.turn().await?.matched(sql).await,
                other => other,
            }
            .map(|_| ())
            .map_err(StoreError::from)
        };
        self.shared.sessions.run(run).await?
    }

    async fn decide(&self, id: &str, note: &Note, to: AlertState) -> Result<Option<Decided>, StoreError> {
        let committer = committer(&self.shared)?;
        let (id, note) = (id.to_owned(), note.clone());
        self.shared.sessions.run(async move { decide(&committer, &id, &note, to).await }).await?
    }
}

async fn decide(committer: &Committer, id: &str, note: &Note, to: AlertState) -> Result<Option<Decided>, StoreError> {
    let (mut turn, rows) = begin(committer, &format!("{ALERT} WHERE id = {}", script::literal(id))).await?;
    let found = rows.first().map(read).transpose()?;
    let decided = match found {
        None => None,
        Some(found) if found.state == to => Some(Decided::Before(found)),
        Some(found) if found.state == AlertState::Resolved => Some(Decided::Resolved(found)),
        Some(mut found) => {
            let column = if to == AlertState::Resolved { "resolved" } else { "acknowledged" };
            let sql = format!(
                "UPDATE alert SET state = {}, {column}_at = {}, {column}_by = {}, {column}_note = {} WHERE id = {}",
                state_number(to),
                note.at.micros(),
                script::literal(&note.by),
                script::literal(&note.text),
                script::literal(id)
            );
            if let Err(failure) = turn.rows(sql).await {
                leave(turn, &failure).await;
                return Err(failure.into());
            }
            found.state = to;
            match to {
                AlertState::Resolved => found.resolved = Some(note.clone()),
                _ => found.acknowledged = Some(note.clone()),
            }
            Some(Decided::Now(found))
        }
    };
    end(turn, Script::default()).await?;
    Ok(decided)
}

async fn raise(committer: &Committer, alerts: &[(String, Alert)], now: Timestamp) -> Result<Vec<Raised>, StoreError> {
    let ids: Vec<String> = alerts.iter().map(|(id, _)| script::literal(id)).collect();
    let (turn, rows) =
        begin(committer, &format!("SELECT id, state FROM alert WHERE id IN ({})", ids.join(","))).await?;
    let mut states: HashMap<String, AlertState> = HashMap::new();
    for row in &rows {
        states.insert(get(row, "id")?, read_state(i64::from(get::<i8>(row, "state")?))?);
    }
    let mut rest = Script::default();
    let mut raised = Vec::with_capacity(alerts.len());
    for (id, alert) in alerts {
        let (micros, literal) = (now.micros(), script::literal(id));
        let became = match states.insert(id.clone(), AlertState::Open) {
            None => Raised::New,
            Some(AlertState::Resolved) if alert.rule.nature() == Nature::Condition => Raised::Reopened,
            Some(state) => {
                states.insert(id.clone(), state);
                Raised::Again
            }
        };
        match became {
            Raised::New => rest.insert(
                "INSERT INTO alert (id, rule, severity, subject_kind, subject, expected, found, record, account, pair, at, \
                 first_seen, last_seen)",
                "",
                [alert],
                |row, alert| {
                    let (account, pair) = touched(alert);
                    row.text(id);
                    row.text(alert.rule.as_str());
                    row.number(severity_number(alert.severity()));
                    row.text(alert.subject.kind());
                    row.text(&alert.subject.to_string());
                    row.text(&alert.evidence.expected);
                    row.text(&alert.evidence.found);
                    row.number_or_null(alert.evidence.record.map(|record| record.packed()));
                    row.number_or_null(account);
                    row.text_or_null(pair.as_deref());
                    row.number(alert.at.micros());
                    row.number(micros);
                    row.number(micros);
                },
            ),
            Raised::Again => rest.statement(&format!(
                "UPDATE alert SET times_seen = times_seen + 1, last_seen = GREATEST(last_seen, {micros}) WHERE id = {literal}"
            )),
            Raised::Reopened => rest.statement(&format!(
                "UPDATE alert SET times_seen = times_seen + 1, last_seen = GREATEST(last_seen, {micros}), state = 0, \
                 times_reopened = times_reopened + 1, found = {}, acknowledged_at = NULL, acknowledged_by = NULL, \
                 acknowledged_note = NULL, published_at = NULL WHERE id = {literal}",
                script::literal(&alert.evidence.found)
            )),
        }
        raised.push(became);
    }
    end(turn, rest).await?;
    Ok(raised)
}
