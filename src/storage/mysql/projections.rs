//! Passbook and days: they follow the journal of a lane, each step fenced by where the last one ended and by the epoch of the
//! lane's owner.
//!
//! Of a day the *opening* of each account and currency is kept, written once, at the day's first posting; what was closing the
//! day before follows from it. Writing the closing again at every posting would cost the server as much as the passbook. Which
//! openings stand already is remembered ([`Openings`]), so that they are not sent again; forgetting costs nothing but that.

use std::{
    collections::HashSet,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use hwan_domain::{
    currency::Currency,
    id::{AccountId, LaneId, Seq},
    money::Money,
    record::Record,
    time::BusinessDate,
};

use super::{
    committer::{Failure, Turn},
    errors::Stage,
    lanes::seq_by,
    script::{Packet, Script},
    store::Shared,
};
use crate::storage::{
    consistency::{ahead, step_end},
    port::{Epoch, StoreError},
    postings::{Posting, postings},
};

/// About what a posting takes, in bytes of SQL.
const POSTING_BYTES: usize = 112;
/// Openings that are remembered at most, some tens of megabytes; then it begins anew.
const OPENINGS_MAX: usize = 1_000_000;

/// Of which account and currency the opening of which day stands already.
#[derive(Debug, Default)]
pub(super) struct Openings(Mutex<HashSet<Opening>>);

type Opening = (AccountId, Currency, BusinessDate);

impl Openings {
    /// The openings among these postings, sorted by account and version, that are not known to stand.
    fn new_among(&self, postings: &[Posting<'_>]) -> Result<Vec<(Opening, Money)>, StoreError> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen: HashSet<Opening> = HashSet::new();
        let mut new = Vec::new();
        for (record, _, leg) in postings {
            let opening = (leg.account, leg.amount.currency(), record.business_date);
            if known.contains(&opening) || !seen.insert(opening) {
                continue;
            }
            let before = leg.balance_after.checked_sub(leg.amount).map_err(|error| {
                StoreError::Damaged(format!("record {:?}: the balance before it cannot be: {error}", record.position))
            })?;
            new.push((opening, before));
        }
        Ok(new)
    }

    /// Nothing is known any more: the lane was taken, perhaps on another server.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// These stand now.
    fn stand(&self, openings: impl IntoIterator<Item = Opening>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= OPENINGS_MAX {
            known.clear();
        }
        known.extend(openings);
    }
}

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
    let postings = postings(records)?;
    let openings = store.openings.new_among(&postings)?;
    let packets = write(&postings, &openings);
    let shared = store.clone();
    let work = async move {
        let mut turn = shared.projector.turn().await?;
        prepare(&shared, &mut turn, lane, epoch).await?;
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
    store.sessions.run(work).await??;
    store.openings.stand(openings.into_iter().map(|(opening, _)| opening));
    Ok(())
}

/// Before a connection's first step for a lane: it leads to the server where the lane was taken, and the lane's row names it, so
/// that a taker can end it.
pub(super) async fn prepare(store: &Shared, turn: &mut Turn, lane: LaneId, epoch: Epoch) -> Result<(), StoreError> {
    store.refuse_other_server(lane, &turn.server())?;
    if turn.is_new_to(lane) {
        let name = format!(
            "UPDATE projection SET connection = {} WHERE lane = {} AND epoch = {}",
            turn.number,
            lane.number(),
            epoch.0
        );
        turn.matched(name).await?;
    }
    Ok(())
}

fn write(postings: &[Posting<'_>], openings: &[(Opening, Money)]) -> Vec<Packet> {
    let mut script = Script::with_room(postings.len() * POSTING_BYTES + openings.len() * POSTING_BYTES);
    script.insert(
        "INSERT INTO passbook (account, version, record, kind, currency, amount_minor, balance_minor, at, business_date)",
        "",
        postings,
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
    script.insert(
        "INSERT INTO daily_opening (account, currency, business_date, amount_minor)",
        // One that stands already was written by an earlier step: it began the day, this posting did not.
        " ON DUPLICATE KEY UPDATE amount_minor = amount_minor",
        openings,
        |row, ((account, currency, date), amount)| {
            row.number(account.position().packed());
            row.text(currency.code());
            row.number(date.days());
            row.number(amount.minor());
        },
    );
    script.statement("COMMIT");
    script.packets()
}
