//! Taking a lane: a new epoch under the row's lock, and the proof that what is stored belongs together.
//!
//! A lane may be taken by its owner again, from an owner whose lease has run out, and from one whose process is known to have
//! ended. Safety does not rest on that: the epoch alone decides who commits. The lease keeps two living engines from taking a
//! lane from each other in turns.
//!
//! The old owner may hold the row's lock: stopped in the middle of a transaction, or cut off. Its row names its server and
//! connection; where that is this server, the connection is killed before the lock is asked for.

use std::time::Duration;

use hwan_domain::{
    control::ControlTotals,
    currency::CurrencySet,
    id::{LaneId, SEQ_MAX, Seq},
    time::{BusinessDate, Timestamp},
};
use sqlx::{Row, mysql::MySqlRow};

use super::{
    commit::packed,
    committer::{Failure, Turn},
    errors::column,
    owner::Owner,
    reads::{chain_hash, get, read_position, read_seq},
    script::{self, Packet},
    store::{Owned, Shared},
};
use crate::storage::{
    consistency::{journal_and_lane_agree, published_went_back, went_back},
    port::{Epoch, LaneHead, StoreError, TakenLane},
    totals,
};

/// Ends every earlier epoch and returns where the lane stands.
pub(super) async fn take(store: &Shared, lane: LaneId) -> Result<TakenLane, StoreError> {
    let shared = store.clone();
    store.sessions.run(async move { take_here(&shared, lane).await }).await?
}

async fn take_here(store: &Shared, lane: LaneId) -> Result<TakenLane, StoreError> {
    if store.is_lost() {
        // What became of a last batch is read from where the others write.
        store.sessions.renew_readers();
        return Err(StoreError::LaneHeld { lane, by: "it has taken over".to_owned(), left: Duration::ZERO });
    }
    store.forget(lane);
    let committer = store.committer(lane);
    let mut turn = committer.turn().await?;
    let held = look(&mut turn, lane).await?;
    let server = turn.server();
    if let Some(held) = &held {
        refuse_what_is_held(store, lane, held)?;
        end_connections(&mut turn, &server, held).await;
    }
    let began = match &held {
        Some(_) => Ok(()),
        None => create(&mut turn, lane).await,
    };
    let taken = match began {
        Ok(()) => bump(store, &mut turn, lane, &server).await,
        Err(failure) => Err(failure.into()),
    };
    match taken {
        Ok(taken) => {
            let commit = Packet { sql: "COMMIT".to_owned(), statements: 1 };
            if let Err((_, failure, turn)) = turn.finish(vec![commit]).await {
                // Whether it happened does not matter: it is done again.
                turn.give_up();
                return Err(failure.into());
            }
            // What is read of the lane from now on is read from the server where it was taken.
            store.sessions.renew_readers();
            store.openings.forget();
            store.owns(lane, taken.epoch, server);
            Ok(taken)
        }
        Err(error) => {
            if turn.is_in_doubt() {
                turn.give_up();
            } else {
                turn.roll_back().await;
            }
            Err(error)
        }
    }
}

/// Before a connection's first transaction for a lane: it leads to the server where the lane was taken, and the lane's row names
/// it, so that a taker can end it even in the middle of that transaction.
pub(super) async fn prepare(store: &Shared, turn: &mut Turn, lane: LaneId, epoch: Epoch) -> Result<(), StoreError> {
    store.refuse_other_server(lane, &turn.server())?;
    if turn.is_new_to(lane) {
        let name = format!(
            "UPDATE lane SET connection = {} WHERE id = {} AND epoch = {}",
            turn.number,
            lane.number(),
            epoch.0
        );
        turn.matched(name).await?;
    }
    Ok(())
}

/// After a fence: whether it was another engine that took the lane. If so, all lanes are left to it.
pub(super) async fn notice_another_owner(store: &Shared, turn: &mut Turn, lane: LaneId) {
    match look(turn, lane).await {
        Ok(Some(held)) if held.owner != store.owner.as_str() => {
            tracing::error!(%lane, by = held.owner, "another engine has taken over: this one stands down");
            store.lose();
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%lane, %error, "who has the lane could not be asked"),
    }
}

/// Who holds a lane.
struct Held {
    owner: String,
    server: String,
    connection: u64,
    projecting: u64,
    /// How long its lease lasts yet.
    left: Duration,
}

async fn look(turn: &mut Turn, lane: LaneId) -> Result<Option<Held>, StoreError> {
    let rows = turn.read(who_holds(lane)).await?;
    rows.first().map(read_held).transpose()
}

fn who_holds(lane: LaneId) -> String {
    format!(
        "SELECT l.owner, l.server, l.connection, COALESCE(p.connection, 0) AS projecting, \
         TIMESTAMPDIFF(MICROSECOND, NOW(6), l.lease_until) AS left_us \
         FROM lane l LEFT JOIN projection p ON p.lane = l.id WHERE l.id = {}",
        lane.number()
    )
}

fn read_held(row: &MySqlRow) -> Result<Held, StoreError> {
    let left: i64 = get(row, "left_us")?;
    Ok(Held {
        owner: get(row, "owner")?,
        server: get(row, "server")?,
        connection: connection_number(row, "connection")?,
        projecting: connection_number(row, "projecting")?,
        left: Duration::from_micros(u64::try_from(left).unwrap_or(0)),
    })
}

fn connection_number(row: &MySqlRow, name: &str) -> Result<u64, StoreError> {
    let number: i64 = get(row, name)?;
    u64::try_from(number).map_err(|_| StoreError::Damaged(format!("a stored {name} is negative")))
}

fn refuse_what_is_held(store: &Shared, lane: LaneId, held: &Held) -> Result<(), StoreError> {
    let is_mine = held.owner == store.owner.as_str();
    if is_mine || held.owner.is_empty() || held.left.is_zero() || Owner::has_ended(&held.owner) {
        return Ok(());
    }
    Err(StoreError::LaneHeld { lane, by: held.owner.clone(), left: held.left })
}

/// Ends the connections by which the old owner committed and projected, if they are of this server and of hwan's own user: an
/// open transaction of theirs holds what is needed here. A server that has begun anew counts anew; whose connection that number is
/// now, the server's list says only in part, so no other user's is ever touched.
async fn end_connections(turn: &mut Turn, server: &str, held: &Held) {
    if held.server != server {
        return;
    }
    for number in [held.connection, held.projecting] {
        if number == 0 || number == turn.number {
            continue;
        }
        let is_ours = format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE ID = {number} AND DB = DATABASE() \
             AND USER = SUBSTRING_INDEX(USER(), '@', 1)"
        );
        let known = match turn.read(is_ours).await {
            Ok(rows) => !rows.is_empty(),
            Err(error) => {
                tracing::warn!(%error, "whether an old connection is still there could not be asked");
                continue;
            }
        };
        if !known {
            continue;
        }
        match turn.read(format!("KILL {number}")).await {
            Ok(_) => tracing::info!(connection = number, "ended a connection of the lane's owner before"),
            // It has gone by itself meanwhile.
            Err(error) => tracing::debug!(%error, connection = number, "an old connection was not ended"),
        }
    }
}

async fn create(turn: &mut Turn, lane: LaneId) -> Result<(), Failure> {
    let number = lane.number();
    let mut sql = format!("INSERT IGNORE INTO lane (id, epoch, seq, hash) VALUES ({number}, 0, 0, ");
    script::push_bytes(&mut sql, &[0; 32]);
    sql.push(')');
    turn.query(&sql).await?;
    turn.query(&format!("SELECT epoch FROM lane WHERE id = {number} FOR UPDATE")).await?;
    turn.query(&format!("INSERT IGNORE INTO projection (lane, epoch, seq) VALUES ({number}, 0, 0)")).await?;
    let mut sql = format!("INSERT IGNORE INTO relay (lane, epoch, seq, hash) VALUES ({number}, 0, 0, ");
    script::push_bytes(&mut sql, &[0; 32]);
    sql.push(')');
    turn.query(&sql).await?;
    let mut sql = format!("INSERT IGNORE INTO checkpoint (lane, begins_hash) VALUES ({number}, ");
    script::push_bytes(&mut sql, &[0; 32]);
    sql.push(')');
    turn.query(&sql).await.map(|_| ())
}

/// Takes the lane in the transaction that holds its row. Few round trips: while a slow line is waited for, other lanes of the same
/// connection cannot renew their leases.
async fn bump(store: &Shared, turn: &mut Turn, lane: LaneId, server: &str) -> Result<TakenLane, StoreError> {
    let number = lane.number();
    // The locking read is the transaction's first statement: it sees, and holds, the newest row. And the owner is looked at again
    // under the lock: somebody else may have been faster.
    let locked = format!("SELECT epoch FROM lane WHERE id = {number} FOR UPDATE;{}", who_holds(lane));
    let rows = turn.query(&locked).await?;
    if let Some(held) = rows.last() {
        refuse_what_is_held(store, lane, &read_held(held)?)?;
    }
    let mine = format!(
        "UPDATE lane SET epoch = epoch + 1, owner = {}, server = {}, connection = {}, \
         lease_until = NOW(6) + INTERVAL {} MICROSECOND WHERE id = {number};\
         UPDATE projection SET epoch = (SELECT epoch FROM lane WHERE id = {number}), connection = 0 WHERE lane = {number};\
         UPDATE relay SET epoch = (SELECT epoch FROM lane WHERE id = {number}) WHERE lane = {number};\
         SELECT l.epoch, l.seq, l.hash, l.last_at, l.last_date, l.totals, p.seq AS projected, r.seq AS relayed \
         FROM lane l JOIN projection p ON p.lane = l.id JOIN relay r ON r.lane = l.id WHERE l.id = {number}",
        script::literal(store.owner.as_str()),
        script::literal(server),
        turn.number,
        store.lease.as_micros(),
    );
    let rows = turn.query(&mine).await?;
    let row_of_lane = rows.first().ok_or_else(|| {
        StoreError::Damaged(format!("the row of lane {lane}, of its projections or of its outbox is gone"))
    })?;
    let taken = read_lane(row_of_lane)?;
    let last = turn
        .read(format!(
            "SELECT id, hash, at, business_date FROM journal WHERE id BETWEEN {} AND {} ORDER BY id DESC LIMIT 1",
            packed(lane, Seq::ZERO),
            last_of(lane)
        ))
        .await?;
    let end = last.first().map(read_end).transpose()?;
    journal_and_lane_agree(lane, &taken, end)?;
    let projected = read_seq(get(row_of_lane, "projected")?)?;
    if projected > taken.seq {
        return Err(went_back(lane, taken.seq, projected));
    }
    let relayed = read_seq(get(row_of_lane, "relayed")?)?;
    if relayed > taken.seq {
        return Err(published_went_back(lane, taken.seq, relayed));
    }
    let totals: Option<String> = get(row_of_lane, "totals")?;
    let totals = match totals {
        Some(text) => totals::read(&text, &store.currencies)?,
        None => add_up(turn, lane, &store.currencies).await?,
    };
    Ok(TakenLane { projected, totals, ..taken })
}

/// What the accounts of a lane hold together, for one whose totals were never kept.
async fn add_up(turn: &mut Turn, lane: LaneId, currencies: &CurrencySet) -> Result<ControlTotals, StoreError> {
    let sql = format!(
        "SELECT currency, CAST(SUM(amount_minor) AS CHAR) AS total FROM balance WHERE customer BETWEEN {} AND {} GROUP BY currency",
        packed(lane, Seq::ZERO),
        last_of(lane)
    );
    let rows = turn.read(sql).await?;
    let sums = rows.iter().map(|row| Ok((get(row, "currency")?, get(row, "total")?)));
    let sums: Vec<(String, String)> = sums.collect::<Result<_, StoreError>>()?;
    totals::of_sums(sums.iter().map(|(code, sum)| (code.as_str(), sum.as_str())), currencies)
}

fn read_lane(row: &MySqlRow) -> Result<TakenLane, StoreError> {
    let epoch: i64 = get(row, "epoch")?;
    let at: Option<i64> = get(row, "last_at")?;
    let date: Option<i32> = get(row, "last_date")?;
    Ok(TakenLane {
        epoch: Epoch(u64::try_from(epoch).map_err(|_| StoreError::Damaged("a negative epoch".into()))?),
        seq: read_seq(get(row, "seq")?)?,
        hash: chain_hash(row)?,
        last: at.zip(date).map(|(at, date)| (Timestamp::from_micros(at), BusinessDate::from_days(date))),
        projected: Seq::ZERO,             // its own row says
        totals: ControlTotals::default(), // the column says, where it has any
    })
}

fn read_end(row: &MySqlRow) -> Result<crate::storage::consistency::JournalEnd, StoreError> {
    let position = read_position(get(row, "id")?)?;
    let last = (Timestamp::from_micros(get(row, "at")?), BusinessDate::from_days(get(row, "business_date")?));
    Ok((position.seq(), chain_hash(row)?, last))
}

/// Ends the leases of a store that closes, so that its successor need not wait for them. What can't be ended runs out.
pub(super) async fn release(store: &Shared) {
    for Owned { lane, epoch, .. } in store.owned() {
        store.forget(lane);
        let let_go =
            format!("UPDATE lane SET lease_until = NOW(6) WHERE id = {} AND epoch = {}", lane.number(), epoch.0);
        let ended = async {
            let mut turn = store.committer(lane).turn().await?;
            turn.matched(let_go).await.map_err(StoreError::from)
        };
        if let Err(error) = ended.await {
            tracing::debug!(%lane, %error, "the lease was not ended: it runs out");
        }
    }
}

/// Where every lane stands: one statement, so one state.
pub(super) async fn heads(store: &Shared) -> Result<Vec<LaneHead>, StoreError> {
    let rows = store
        .sessions
        .rows(
            "SELECT l.id, l.seq, l.hash, COALESCE(p.seq, 0) AS projected FROM lane l \
             LEFT JOIN projection p ON p.lane = l.id ORDER BY l.id"
                .to_owned(),
        )
        .await?;
    let head = |row: &MySqlRow| {
        let number: i16 = get(row, "id")?;
        let lane = u16::try_from(number).ok().and_then(LaneId::new);
        Ok(LaneHead {
            lane: lane.ok_or_else(|| StoreError::Damaged("a stored lane is beyond what a lane can be".into()))?,
            seq: read_seq(get(row, "seq")?)?,
            hash: chain_hash(row)?,
            projected: read_seq(get(row, "projected")?)?,
        })
    };
    rows.iter().map(head).collect()
}

/// The last place that a lane has, as a column holds it.
pub(super) fn last_of(lane: LaneId) -> i64 {
    packed(lane, Seq::new(SEQ_MAX).unwrap_or(Seq::ZERO))
}

/// A lane's seq by this query; the beginning where there is no row.
pub(super) async fn seq_by(store: &Shared, sql: String) -> Result<Seq, StoreError> {
    let rows = store.sessions.rows(sql).await?;
    rows.first().map_or(Ok(Seq::ZERO), |row| read_seq(row.try_get(0).map_err(|error| column(&error))?))
}

impl Turn {
    /// A statement of the transaction; begins it where it has not begun.
    async fn query(&mut self, sql: &str) -> Result<Vec<MySqlRow>, Failure> {
        let begin = if self.is_open() { "" } else { "START TRANSACTION;" };
        self.rows(format!("{begin}{sql}")).await
    }

    /// A statement that reads, or stands alone.
    async fn read(&mut self, sql: String) -> Result<Vec<MySqlRow>, StoreError> {
        Ok(self.rows(sql).await?)
    }
}
