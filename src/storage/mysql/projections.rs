//! Passbook and daily balances: they follow the journal of a lane, each step fenced by where the last one ended and by the
//! epoch of the lane's owner.

use std::{fmt::Write as _, sync::Arc};

use hwan_domain::{
    id::{LaneId, Seq},
    record::{Leg, Record},
};

use super::{
    committer::Failure,
    errors::Stage,
    lanes::seq_by,
    script::{Packet, Script},
    store::Shared,
};
use crate::storage::{
    consistency::{ahead, step_end},
    port::StoreError,
    postings::{DayKey, closings, postings},
};

/// Moves a lane's projections over these records.
pub(super) async fn project(
    store: &Shared,
    lane: LaneId,
    from: Seq,
    records: &[Arc<Record>],
) -> Result<(), StoreError> {
    let to = step_end(lane, from, records)?;
    // The journal only grows: what it holds now, it holds when the step is committed.
    let head = seq_by(store, format!("SELECT seq FROM lane WHERE id = {}", lane.number())).await?;
    if to > head {
        return Err(ahead(lane, to, head));
    }
    let Some(epoch) = store.epoch(lane) else { return Err(StoreError::ProjectionFenced { lane, from }) };
    let packets = write(records)?;
    let shared = store.clone();
    let work = async move {
        let mut turn = shared.projector.turn().await?;
        let mut fence = String::new();
        let _ = write!(
            fence,
            "UPDATE projection SET seq = {}, connection = {} WHERE lane = {} AND epoch = {} AND seq = {}",
            to.number(),
            turn.number,
            lane.number(),
            epoch.0,
            from.number(),
        );
        match turn.begin(&fence).await {
            Ok(true) => {}
            Ok(false) => {
                turn.roll_back().await;
                return Err(StoreError::ProjectionFenced { lane, from });
            }
            Err(failure) => {
                turn.give_up();
                return Err(failure.into());
            }
        }
        match turn.finish(packets).await {
            Ok(()) => Ok(()),
            Err((Stage::Before, failure @ Failure::Refused { .. }, turn)) => {
                turn.roll_back().await;
                Err(failure.into())
            }
            Err((_, failure, turn)) => {
                // Whether it happened, the fence of the next step tells.
                turn.give_up();
                Err(failure.into())
            }
        }
    };
    store.sessions.run(work).await?
}

fn write(records: &[Arc<Record>]) -> Result<Vec<Packet>, StoreError> {
    let postings = postings(records)?;
    let mut script = Script::default();
    script.insert(
        "INSERT INTO passbook (account, version, record, kind, currency, amount_minor, balance_minor, at, business_date)",
        "",
        &postings,
        |row, (record, kind, leg)| {
            row.number(leg.account.position().packed());
            row.number(i64::try_from(leg.version).unwrap_or(i64::MAX));
            row.number(record.position.packed());
            row.number(kind.number());
            row.text(leg.amount.currency().code());
            row.number(leg.amount.minor());
            row.number(leg.balance_after.minor());
            row.number(record.at.micros());
            row.number(record.business_date.days());
        },
    );
    let days: Vec<(DayKey, &Leg)> = closings(&postings).into_iter().collect();
    script.insert(
        "INSERT INTO daily_balance (account, currency, business_date, amount_minor, version)",
        " ON DUPLICATE KEY UPDATE amount_minor = VALUES(amount_minor), version = VALUES(version)",
        days,
        |row, ((account, currency, date), leg)| {
            row.number(account.position().packed());
            row.text(currency.code());
            row.number(date.days());
            row.number(leg.balance_after.minor());
            row.number(i64::try_from(leg.version).unwrap_or(i64::MAX));
        },
    );
    script.statement("COMMIT");
    Ok(script.packets())
}
