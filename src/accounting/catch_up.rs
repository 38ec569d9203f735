//! The books brought up to the engine's journal, past whatever should have delivered it: where a topic has lost what the books want
//! next, or was made anew.
//!
//! The same poster judges and posts as always, so nothing is posted twice, also beside a process that keeps the books. Where a message
//! goes on is forgotten with it: the topic is read from its beginning then, and what the books have is dropped by its hash.

use std::sync::Arc;

use hwan_domain::id::{LaneId, Seq};

use super::{
    incoming::Incoming,
    poster::{LanePoster, PosterParts},
    verdict::Stop,
};
use crate::storage::port::LedgerStore;

/// Records that one read brings.
const READ_RECORDS_MAX: usize = 2_000;

/// What was done for a lane.
#[derive(Debug)]
pub struct CaughtUp {
    /// The lane.
    pub lane: LaneId,
    /// Where its books stood.
    pub from: Seq,
    /// Where they stand.
    pub to: Seq,
    /// Why they do not go on, if they don't.
    pub stopped: Option<String>,
}

/// Brings the books of these lanes up to their journals; `tell` hears how far it is after every read.
pub async fn catch_up(
    parts: &PosterParts,
    store: &Arc<dyn LedgerStore>,
    lanes: &[LaneId],
    tell: &mut dyn FnMut(LaneId, Seq),
) -> Result<Vec<CaughtUp>, Stop> {
    let mut done = Vec::new();
    for lane in lanes {
        let mut poster = LanePoster::open(parts.clone(), *lane).await.map_err(Stop::Unavailable)?;
        let from = poster.cursor().seq;
        let mut stopped = None;
        while let Some(next) = poster.cursor().seq.next() {
            let rows = store.journal(*lane, next, READ_RECORDS_MAX).await.map_err(Stop::Unavailable)?;
            if rows.is_empty() {
                break;
            }
            poster.forget_offset();
            let events: Vec<Incoming> = rows.into_iter().map(Incoming::from).collect();
            match poster.take(&events).await {
                Ok(_) => tell(*lane, poster.cursor().seq),
                Err(Stop::Lane { verdict, .. }) => {
                    stopped = Some(verdict.to_string());
                    break;
                }
                Err(unavailable) => return Err(unavailable),
            }
        }
        done.push(CaughtUp { lane: *lane, from, to: poster.cursor().seq, stopped });
    }
    Ok(done)
}
