//! Whether a business date is over for good: nothing that is read of it can change any more.

use hwan_domain::time::BusinessDate;

use super::{
    DaySource, SealingError,
    bounds::{self, Bounds, LaneDay},
};
use crate::storage::port::StoreError;

/// A date that is over for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDay {
    /// The date.
    pub date: BusinessDate,
    /// Its records, lane by lane.
    pub lanes: Vec<LaneDay>,
    /// The hash of its closing, where days are closed.
    pub closing_hash: Option<[u8; 32]>,
}

/// Judges a date: every lane has passed it, its projections and books stand beyond it, nothing of it waits to be redelivered, and it is
/// closed where days are.
pub async fn is_sealed(source: &DaySource, date: BusinessDate) -> Result<SealedDay, SealingError> {
    let not_yet = |reason: String| Err(SealingError::NotSealed { date, reason });
    let mut lanes = Vec::new();
    for head in source.store.lane_heads().await? {
        match bounds::find(source.store.as_ref(), &head, date).await? {
            Bounds::Passed(lane) => lanes.push(lane),
            Bounds::NotPassed => return not_yet(format!("lane {} has not passed it", head.lane)),
        }
    }
    if lanes.iter().all(|lane| lane.last.0.number() == 0) {
        return not_yet("nothing has happened yet".to_owned());
    }
    lanes.sort_by_key(|lane| lane.lane);
    if let Some(lane) = lanes.iter().find(|lane| lane.projected < lane.last.0) {
        return not_yet(format!("the daily balances of lane {} stand at record {}", lane.lane, lane.projected));
    }
    let Some(books) = &source.books else { return Ok(SealedDay { date, lanes, closing_hash: None }) };
    let progress = books.progress().await?;
    for lane in lanes.iter().filter(|lane| lane.last.0.number() > 0) {
        let of_lane = progress.iter().find(|of| of.lane == lane.lane);
        let posted = of_lane.map(|of| of.seq).unwrap_or_default();
        if posted < lane.last.0 {
            return not_yet(format!("the books of lane {} stand at record {posted}", lane.lane));
        }
        let waiting = books.dead_letters(Some(lane.lane), None, 1).await?;
        if let Some(letter) = waiting.first().filter(|letter| letter.position.seq() <= lane.last.0) {
            let at = letter.position.seq();
            return not_yet(format!("record {at} of lane {} could not be posted: hwan ledger redeliver", lane.lane));
        }
    }
    let Some(book) = &source.back_office else { return Ok(SealedDay { date, lanes, closing_hash: None }) };
    let Some(closing) = book.closing(date).await? else {
        return not_yet("it is not closed: hwan close, or wait until it closes by itself".to_owned());
    };
    for closed in &closing.lanes {
        let here = lanes.iter().find(|lane| lane.lane == closed.lane).map(|lane| (lane.last.0, lane.last.1.0));
        if here != Some((closed.seq, closed.hash.0)) {
            let lane = closed.lane;
            return Err(SealingError::Store(StoreError::Damaged(format!(
                "{date} was closed at record {} of lane {lane}, and the journal says otherwise: hwan reconcile",
                closed.seq
            ))));
        }
    }
    Ok(SealedDay { date, lanes, closing_hash: Some(closing.hash.0) })
}
