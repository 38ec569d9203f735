//! What leaves the database: idempotency keys whose time is over, and journal rows of days that are sealed and exported.
//!
//! Both go along the journal's primary key behind a cursor in `checkpoint`, at its old end, a few rows a step: nothing that
//! exchanges touch is scanned, and no step holds a lock for long. Each step is one transaction that moves the cursor from
//! where it stood, so two who do it at once do it once.
//!
//! A key that has expired leaves its column, and so its index; the record stays. A row is deleted only up to `sealed_seq`,
//! which whoever has sealed and exported a day has set; the last deleted record's seq and hash stay, so the chain
//! verifies from there. The newest record of a lane is never deleted.

use std::time::Duration;

use hwan_domain::{
    id::{LaneId, Seq},
    time::Timestamp,
};

use super::{
    commit::packed,
    committer::{Failure, Turn},
    reads::{self, chain_hash, get, read_seq},
    relay,
    script::{self, Packet},
    store::Shared,
};
use crate::storage::port::{ChainHash, StoreError};

/// How far a lane's retention has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The last record that is sealed and exported.
    pub sealed: Seq,
    /// The last record that was deleted: the journal begins after it.
    pub deleted: Seq,
    /// Its hash: the journal's first record follows it.
    pub hash: ChainHash,
    /// The last record whose key has expired, and all before it.
    pub keys_expired: Seq,
}

/// How gently it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Records that one step looks at.
    pub step: u64,
    /// The pause after each step.
    pub pause: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { step: 1_000, pause: Duration::from_millis(50) }
    }
}

/// How far a lane has come.
pub(super) async fn kept(store: &Shared, lane: LaneId) -> Result<Kept, StoreError> {
    let rows = store
        .sessions
        .rows(format!(
            "SELECT sealed_seq, begins_seq, begins_hash AS hash, keys_until_seq FROM checkpoint WHERE lane = {}",
            lane.number()
        ))
        .await?;
    let nothing = Kept { sealed: Seq::ZERO, deleted: Seq::ZERO, hash: ChainHash::GENESIS, keys_expired: Seq::ZERO };
    let Some(row) = rows.first() else { return Ok(nothing) };
    Ok(Kept {
        sealed: read_seq(get(row, "sealed_seq")?)?,
        deleted: read_seq(get(row, "begins_seq")?)?,
        hash: chain_hash(row)?,
        keys_expired: read_seq(get(row, "keys_until_seq")?)?,
    })
}

/// Notes that a lane's journal is sealed and exported up to and including `through`.
pub(super) async fn seal(store: &Shared, lane: LaneId, through: Seq) -> Result<(), StoreError> {
    let shared = store.clone();
    let work = async move {
        let mut turn = shared.projector.turn().await?;
        let sql = format!(
            "UPDATE checkpoint SET sealed_seq = GREATEST(sealed_seq, {}) WHERE lane = {}",
            through.number(),
            lane.number()
        );
        turn.matched(sql).await.map(|_| ()).map_err(StoreError::from)
    };
    store.sessions.run(work).await?
}

/// Lets the keys of records before `before` expire; returns how many records were looked at.
pub(super) async fn expire_keys(
    store: &Shared,
    lane: LaneId,
    before: Timestamp,
    pace: Retention,
) -> Result<u64, StoreError> {
    let first_kept = reads::journal_since(store, lane, before).await?.number();
    let mut looked_at = 0;
    loop {
        let at = kept(store, lane).await?.keys_expired.number();
        let to = first_kept.saturating_sub(1).min(at.saturating_add(pace.step));
        if to <= at {
            return Ok(looked_at);
        }
        let cursor = format!(
            "UPDATE checkpoint SET keys_until_seq = {to} WHERE lane = {} AND keys_until_seq = {at}",
            lane.number()
        );
        let (from, until) = (packed_number(lane, at.saturating_add(1)), packed_number(lane, to));
        let expire = format!(
            "UPDATE journal SET key_digest = NULL WHERE id BETWEEN {from} AND {until} AND key_digest IS NOT NULL"
        );
        if step(store, cursor, expire).await? {
            looked_at += to - at;
        }
        tokio::time::sleep(pace.pause).await;
    }
}

/// Deletes what is sealed and exported; returns how many records were deleted.
pub(super) async fn delete_sealed(store: &Shared, lane: LaneId, pace: Retention) -> Result<u64, StoreError> {
    let mut deleted = 0;
    loop {
        let Kept { sealed, deleted: at, keys_expired, .. } = kept(store, lane).await?;
        let at = at.number();
        let head = super::lanes::seq_by(store, format!("SELECT seq FROM lane WHERE id = {}", lane.number())).await?;
        // A key is as good as its record: what has not expired stays; so do what is not projected yet, and the last record.
        let projected = reads::projected(store, lane).await?;
        // Where an outbox publishes, what it has not published yet stays too.
        let published = Some(relay::relayed(store, lane).await?.0).filter(|seq| *seq > Seq::ZERO).unwrap_or(head);
        let end = sealed.min(keys_expired).min(projected).min(published).number();
        let end = end.min(head.number().saturating_sub(1));
        let to = end.min(at.saturating_add(pace.step));
        if to <= at {
            return Ok(deleted);
        }
        let last = packed_number(lane, to);
        let rows = store.sessions.rows(format!("SELECT hash FROM journal WHERE id = {last}")).await?;
        let row = rows.first().ok_or_else(|| {
            StoreError::Damaged(format!("record {to} of lane {lane} is missing where the journal would begin"))
        })?;
        let mut cursor = format!("UPDATE checkpoint SET begins_seq = {to}, begins_hash = ");
        script::push_bytes(&mut cursor, &chain_hash(row)?.0);
        cursor.push_str(&format!(" WHERE lane = {} AND begins_seq = {at} AND sealed_seq >= {to}", lane.number()));
        let delete =
            format!("DELETE FROM journal WHERE id BETWEEN {} AND {last}", packed_number(lane, at.saturating_add(1)));
        if step(store, cursor, delete).await? {
            deleted += to - at;
        }
        tokio::time::sleep(pace.pause).await;
    }
}

/// One transaction: the cursor moves from where it stood, or nothing happens.
async fn step(store: &Shared, cursor: String, work: String) -> Result<bool, StoreError> {
    let shared = store.clone();
    let step = async move {
        let mut turn: Turn = shared.projector.turn().await?;
        match turn.begin(&cursor).await {
            Ok(true) => {}
            Ok(false) => {
                turn.roll_back().await;
                return Ok(false);
            }
            Err(failure) => {
                turn.give_up();
                return Err(failure.into());
            }
        }
        let rest = Packet { sql: format!("{work};COMMIT"), statements: 2 };
        match turn.finish(vec![rest]).await {
            Ok(()) => Ok(true),
            Err((_, failure, turn)) => {
                match failure {
                    Failure::Refused { .. } => turn.roll_back().await,
                    Failure::Unanswered(_) => turn.give_up(),
                }
                Err(StoreError::Unavailable("a step of the retention failed: it is tried again".to_owned()))
            }
        }
    };
    store.sessions.run(step).await?
}

fn packed_number(lane: LaneId, number: u64) -> i64 {
    packed(lane, Seq::new(number).unwrap_or(Seq::ZERO))
}
