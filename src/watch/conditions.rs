//! Conditions: what is looked at every few seconds, in the books and in the watch itself.
//!
//! Bounds: a few reads of the books at each look.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    anomaly::{
        Alert,
        standing::{self, ControlSeen, LagSeen},
    },
    control::ControlTotals,
    id::{LaneId, Seq},
    ledger::{Chart, TrialBalance},
    time::Timestamp,
};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    told::Told,
    watcher::{LaneStands, Watch},
};
use crate::storage::{
    general_ledger::{books_store::BooksStore, port::LaneCursor},
    port::StoreError,
};

/// How often it is said that the books cannot be read.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Where the engine's lane stands.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// The lane.
    pub lane: LaneId,
    /// Its newest durable record.
    pub seq: Seq,
    /// Since when the oldest record waits for the books, where that is known.
    pub waits_since: Option<Timestamp>,
}

/// What is looked at.
pub struct Looked {
    /// The watch.
    pub watch: Watch,
    /// The books.
    pub books: Arc<dyn BooksStore>,
    /// Their chart of accounts.
    pub chart: Arc<Chart>,
    /// How often.
    pub every: Duration,
}

/// Looks again and again, with the engine's lanes as `heads` gives them; where it gives none, by what the watch has seen. Never ends by
/// itself.
pub async fn run(looked: Looked, heads: impl Fn() -> Vec<Head>) {
    let mut told = Told::default();
    let mut said: Option<Instant> = None;
    let mut look = tokio::time::interval(looked.every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        let done = async {
            let due = told.due(find(&looked, &heads()).await?);
            let teller = &looked.watch.parts().teller;
            if let Err(error) = teller.tell(&due).await {
                told.forget();
                return Err(error);
            }
            teller.count_unresolved().await
        };
        match done.await {
            Err(error) if said.is_none_or(|at| at.elapsed() >= SAID_EVERY) => {
                said = Some(Instant::now());
                tracing::warn!(%error, "the watch cannot look at the books, looking again later");
            }
            _ => {}
        }
    }
}

/// Everything that is wrong now.
async fn find(looked: &Looked, heads: &[Head]) -> Result<Vec<Alert>, StoreError> {
    for closing in looked.books.closings(None, 1).await? {
        for lane in &closing.lanes {
            looked.watch.closed(lane.lane, closing.business_date, lane.seq);
        }
    }
    let parts = looked.watch.parts();
    let now = parts.teller.clock().now();
    // The books first: they are never ahead of what is seen of the lanes afterwards.
    let cursors = looked.books.cursors().await?;
    let stands = looked.watch.stands();
    let mut alerts = Vec::new();
    for lag in lags(&cursors, &stands, heads) {
        alerts.extend(standing::lag(&lag, now, &parts.policy));
        alerts.extend(standing::stopped(&lag, now));
        alerts.extend(standing::dead_letters(&lag, now));
    }
    for cursor in &cursors {
        let stand = stands.iter().find(|stand| stand.lane == cursor.lane && stand.seq == cursor.seq);
        // What could not be posted is missing in the control accounts, and told for itself.
        if let Some(stand) = stand.filter(|_| cursor.dead_letters == 0) {
            alerts.extend(compare(looked, cursor, stand, now).await?);
        }
    }
    Ok(alerts)
}

/// How far the books are behind each lane.
fn lags(cursors: &[LaneCursor], stands: &[LaneStands], heads: &[Head]) -> Vec<LagSeen> {
    let of = |cursor: &LaneCursor| {
        let head = heads.iter().find(|head| head.lane == cursor.lane);
        let stand = stands.iter().find(|stand| stand.lane == cursor.lane);
        let newest = head.map(|head| head.seq).max(stand.map(|stand| stand.seq)).unwrap_or(cursor.seq);
        let records = newest.number().saturating_sub(cursor.seq.number());
        // Who does not know since when the oldest waits may know when the newest was sequenced that does.
        let newest_waits = stand.filter(|stand| stand.seq > cursor.seq).map(|stand| stand.at);
        let since = head.and_then(|head| head.waits_since).or(newest_waits);
        LagSeen {
            lane: cursor.lane,
            records,
            since: since.filter(|_| records > 0),
            stopped: cursor.stopped.clone(),
            dead_letters: cursor.dead_letters,
        }
    };
    cursors.iter().map(of).collect()
}

/// The control accounts of a lane against its entries, where both stand at the same record.
async fn compare(
    looked: &Looked,
    cursor: &LaneCursor,
    stand: &LaneStands,
    now: Timestamp,
) -> Result<Vec<Alert>, StoreError> {
    let Some(entries) = &stand.totals else { return Ok(Vec::new()) };
    let Some(books) = looked.books.look(cursor.lane).await?.filter(|books| books.cursor.seq == stand.seq) else {
        return Ok(Vec::new());
    };
    let control = TrialBalance::of(None, books.turnovers).control_totals(&looked.chart);
    let both = ControlTotals::of(entries.iter().chain(control.iter()).copied());
    let differ = both.iter().filter_map(|total| {
        let currency = total.currency;
        let (control, entries) = (control.minor(currency), entries.minor(currency));
        standing::control(&ControlSeen { lane: stand.lane, currency, control, entries }, stand.date, now)
    });
    Ok(differ.collect())
}

#[cfg(test)]
mod tests {
    use hwan_domain::time::BusinessDate;

    use super::*;
    use crate::storage::port::ChainHash;

    fn cursor(seq: u64) -> LaneCursor {
        LaneCursor {
            lane: LaneId::FIRST,
            seq: Seq::new(seq).unwrap(),
            hash: ChainHash::GENESIS,
            at: None,
            business_date: None,
            offset: None,
            revision: 0,
            stopped: None,
            dead_letters: 0,
        }
    }

    fn stand(seq: u64, at: i64) -> LaneStands {
        let (at, date) = (Timestamp::from_micros(at), BusinessDate::from_days(0));
        LaneStands { lane: LaneId::FIRST, seq: Seq::new(seq).unwrap(), at, date, totals: None }
    }

    #[test]
    fn the_age_of_what_is_posted_is_no_lag() {
        let head = |seq, waits_since: Option<i64>| Head {
            lane: LaneId::FIRST,
            seq: Seq::new(seq).unwrap(),
            waits_since: waits_since.map(Timestamp::from_micros),
        };
        for (books, judged, engine, records, since) in [
            (7, Some((7, 100)), None, 0, None),
            // A record has just come that nobody has judged: how old the one before it is, says nothing.
            (7, Some((7, 100)), Some(head(8, None)), 1, None),
            (7, Some((9, 200)), None, 2, Some(200)),
            (7, Some((9, 200)), Some(head(9, Some(150))), 2, Some(150)),
            (7, Some((7, 100)), Some(head(7, Some(50))), 0, None),
            (7, None, None, 0, None),
        ] {
            let stands: Vec<LaneStands> = judged.map(|(seq, at)| stand(seq, at)).into_iter().collect();
            let heads: Vec<Head> = engine.into_iter().collect();
            let lag = lags(&[cursor(books)], &stands, &heads).remove(0);
            assert_eq!((lag.records, lag.since.map(Timestamp::micros)), (records, since), "{judged:?} {engine:?}");
        }
    }
}
