//! Steps: one transaction each, the cursor first.

use std::sync::Arc;

use hwan_domain::{
    id::{LaneId, Position, Seq},
    ledger::TrialLine,
    time::{BusinessDate, Timestamp},
};

use super::Shared;
use crate::storage::{
    general_ledger::{
        columns::{kind_number, narrow, of_column, write_entries},
        port::{DeadLetterKind, PostError, Redelivery, Step},
    },
    mysql::{
        committer::{Committer, Failure},
        errors::Stage,
        script::{self, Script},
    },
    port::StoreError,
};

/// About what a journal takes, in bytes of SQL.
const JOURNAL_BYTES: usize = 256;
/// A day begins with its first record. What could not be posted may have begun it, and be redelivered before or after what followed.
const BEGIN_DAY: (&str, &str) = (
    "INSERT INTO ledger_day (lane, business_date, first_seq)",
    " ON DUPLICATE KEY UPDATE first_seq = LEAST(first_seq, VALUES(first_seq))",
);

/// A number in SQL, or null.
fn or_null(number: Option<i64>) -> String {
    number.map_or_else(|| "NULL".to_owned(), |number| number.to_string())
}

/// Takes a step.
pub(super) async fn post(store: &Arc<Shared>, step: &Step) -> Result<(), PostError> {
    let mut hash = String::new();
    script::push_bytes(&mut hash, &step.hash.0);
    let fence = format!(
        "UPDATE lane_cursor SET seq = {}, hash = {hash}, at = {}, business_date = {}, next_offset = {}, stopped = NULL \
         WHERE lane = {} AND seq = {} AND revision = {}",
        step.seq.number(),
        or_null(step.at.map(Timestamp::micros)),
        or_null(step.business_date.map(|date| date.days().into())),
        or_null(step.offset),
        step.lane.number(),
        step.from.number(),
        step.revision,
    );
    let rest = write(step)?;
    let committer = store.committer(step.lane)?;
    match store.sessions.run(transact(committer, fence, rest)).await?? {
        true => Ok(()),
        false => Err(PostError::Fenced { lane: step.lane, from: step.from }),
    }
}

/// Runs a transaction whose first statement must match one row; whether it did. Nothing was changed where it did not.
pub(super) async fn transact(committer: Arc<Committer>, fence: String, mut rest: Script) -> Result<bool, StoreError> {
    rest.statement("COMMIT");
    let mut turn = committer.turn().await?;
    let mut begun = turn.begin(&fence).await;
    if matches!(begun, Err(Failure::Unanswered(_))) {
        // After a pause the server has ended the connection, so nothing was done: a new one is worth one attempt.
        turn.give_up();
        turn = committer.turn().await?;
        begun = turn.begin(&fence).await;
    }
    match begun {
        Ok(true) => {}
        Ok(false) => {
            turn.roll_back().await;
            return Ok(false);
        }
        Err(failure) => {
            match failure {
                Failure::Refused { .. } => turn.roll_back().await,
                Failure::Unanswered(_) => turn.give_up(),
            }
            return Err(failure.into());
        }
    }
    match turn.finish(rest.packets()).await {
        Ok(()) => Ok(true),
        Err((Stage::Before, failure @ Failure::Refused { .. }, turn)) => {
            turn.roll_back().await;
            Err(failure.into())
        }
        Err((_, failure, turn)) => {
            // Whether it happened, the next look at the cursor tells.
            turn.give_up();
            Err(failure.into())
        }
    }
}

fn write(step: &Step) -> Result<Script, StoreError> {
    let lane = step.lane.number();
    let mut script = Script::with_room(step.journals.len() * JOURNAL_BYTES + step.trail.len() * 64 + 4_096);
    script.insert(
        "INSERT INTO journal (id, kind, at, business_date, reference, entries)",
        "",
        &step.journals,
        |row, journal| {
            row.number(journal.position.packed());
            row.number(kind_number(journal.kind));
            row.number(journal.at.micros());
            row.number(journal.business_date.days());
            row.text_or_null(journal.reference.as_deref());
            row.text(&write_entries(&journal.entries));
        },
    );
    let narrowed = |(date, line): &(BusinessDate, TrialLine)| -> Result<_, StoreError> {
        Ok((*date, *line, narrow(line.turnover.debit)?, narrow(line.turnover.credit)?))
    };
    let turnovers = step.turnovers.iter().map(narrowed).collect::<Result<Vec<_>, _>>()?;
    turn_over(
        &mut script,
        lane,
        &turnovers,
        " ON DUPLICATE KEY UPDATE debit_minor = VALUES(debit_minor), credit_minor = VALUES(credit_minor)",
    );
    let (head, tail) = BEGIN_DAY;
    script.insert(head, tail, &step.days, |row, (date, first)| {
        row.number(lane);
        row.number(date.days());
        row.number(number(*first));
    });
    let first = step.from.next().filter(|_| !step.trail.is_empty());
    script.insert("INSERT INTO trail (lane, last_seq, first_seq, hashes)", "", first, |row, first| {
        row.number(lane);
        row.number(number(step.seq));
        row.number(number(first));
        row.bytes(&step.trail.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>());
    });
    script.insert(
        "INSERT INTO dead_letter (position, kind, message_offset, reason, since, body)",
        // A stray that comes again: it is known.
        " ON DUPLICATE KEY UPDATE kind = VALUES(kind)",
        &step.dead_letters,
        |row, letter| {
            row.number(letter.position.packed());
            row.number(if letter.kind == DeadLetterKind::Record { 1 } else { 2 });
            row.number(letter.offset.unwrap_or(-1));
            row.text(&letter.reason);
            row.number(letter.since.micros());
            row.bytes(&letter.body);
        },
    );
    Ok(script)
}

fn number(seq: Seq) -> i64 {
    i64::try_from(seq.number()).unwrap_or(i64::MAX)
}

/// Turnovers, and what happens to those that stand already.
fn turn_over(script: &mut Script, lane: u16, turnovers: &[(BusinessDate, TrialLine, i64, i64)], tail: &str) {
    script.insert(
        "INSERT INTO turnover (lane, business_date, account, of_currency, currency, debit_minor, credit_minor)",
        tail,
        turnovers,
        |row, (date, line, debit, credit)| {
            row.number(lane);
            row.number(date.days());
            row.number(line.account.code.number());
            row.text(of_column(&line.account));
            row.text(line.currency.code());
            row.number(*debit);
            row.number(*credit);
        },
    );
}

/// Posts what could not be posted. The letter is the fence: it is redelivered once.
pub(super) async fn redeliver(store: &Arc<Shared>, redelivery: &Redelivery) -> Result<bool, StoreError> {
    let Redelivery { position, business_date, journal, lines, at } = redelivery;
    let lane = position.lane().number();
    let fence = format!(
        "UPDATE dead_letter SET redelivered_at = {} WHERE position = {} AND kind = 1 AND redelivered_at IS NULL AND NOT ({})",
        at.micros(),
        position.packed(),
        day_over(*position, *business_date)
    );
    let mut rest = Script::default();
    rest.statement(&format!("UPDATE lane_cursor SET revision = revision + 1 WHERE lane = {lane}"));
    rest.insert(
        "INSERT INTO journal (id, kind, at, business_date, reference, entries)",
        "",
        journal,
        |row, journal| {
            row.number(journal.position.packed());
            row.number(kind_number(journal.kind));
            row.number(journal.at.micros());
            row.number(journal.business_date.days());
            row.text_or_null(journal.reference.as_deref());
            row.text(&write_entries(&journal.entries));
        },
    );
    // The day that the cursor is on has its turnovers in memory: it is never behind a day that has any.
    let date = business_date.days();
    rest.statement(&format!(
        "UPDATE lane_cursor SET business_date = GREATEST(COALESCE(business_date, {date}), {date}) WHERE lane = {lane}"
    ));
    let (head, tail) = BEGIN_DAY;
    rest.insert(head, tail, [position.seq()], |row, first| {
        row.number(lane);
        row.number(date);
        row.number(number(first));
    });
    if let Some(journal) = journal {
        let added = lines.iter().map(|line| {
            Ok((journal.business_date, *line, narrow(line.turnover.debit)?, narrow(line.turnover.credit)?))
        });
        let added = added.collect::<Result<Vec<_>, StoreError>>()?;
        turn_over(
            &mut rest,
            lane,
            &added,
            " ON DUPLICATE KEY UPDATE debit_minor = debit_minor + VALUES(debit_minor), \
             credit_minor = credit_minor + VALUES(credit_minor)",
        );
    }
    let committer = store.committer(position.lane())?;
    if store.sessions.run(transact(committer, fence, rest)).await?? {
        return Ok(true);
    }
    // The letter was redelivered before, or there is none: or its day is over.
    let sql = format!(
        "SELECT 1 FROM dead_letter WHERE position = {} AND kind = 1 AND redelivered_at IS NULL AND ({})",
        position.packed(),
        day_over(*position, *business_date)
    );
    if store.sessions.rows(sql).await?.is_empty() { Ok(false) } else { Err(StoreError::DayOver(*business_date)) }
}

/// Whether a date was over in a lane at a record's place, or is closed: as a condition in SQL.
fn day_over(position: Position, date: BusinessDate) -> String {
    let date = date.days();
    format!(
        "EXISTS (SELECT 1 FROM ledger_day d WHERE d.lane = {} AND d.business_date > {date} AND d.first_seq <= {}) \
         OR EXISTS (SELECT 1 FROM closing c WHERE c.business_date >= {date})",
        position.lane().number(),
        position.seq().number()
    )
}

/// Notes why a lane's books stopped.
pub(super) async fn note_stop(store: &Arc<Shared>, lane: LaneId, at: Seq, reason: &str) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE lane_cursor SET stopped = {} WHERE lane = {} AND seq = {}",
        script::literal(reason),
        lane.number(),
        at.number()
    );
    let committer = store.committer(lane)?;
    store
        .sessions
        .run(async move { committer.turn().await?.matched(sql).await.map(|_| ()).map_err(StoreError::from) })
        .await?
}
