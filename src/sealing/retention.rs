//! Lets the journal's rows go that are sealed and exported.
//!
//! Only on MySQL and MariaDB, only as the configuration says, and only behind a manifest: of every day up to there one lies at the
//! place, its files have the bytes that it says, and its last record is the very one that the journal has, by its hash. So a day of
//! another ledger, or one whose files went missing, lets nothing go.

use hwan_domain::id::Seq;
use hwan_sealed::{Manifest, Place};

use super::{
    SealingError,
    bounds::{self, LaneDay},
    export::hex,
};
use crate::storage::{
    mysql::{MysqlStore, Retention},
    port::{LedgerStore as _, StoreError},
};

/// Notes that a day's records are exported, lane by lane, as far as all days before them are; gives how many lanes moved.
pub async fn note_exported(store: &MysqlStore, place: &Place, manifest: &Manifest) -> Result<usize, SealingError> {
    for file in &manifest.files {
        if place.bytes_of(&file.path).await? != Some(file.bytes) {
            let reason = format!("{} is not what the manifest of {} says", file.path, manifest.business_date);
            return Err(StoreError::Damaged(reason).into());
        }
    }
    let mut moved = 0;
    for head in store.lane_heads().await? {
        let Some(lane) = manifest.lane(head.lane.number()) else { continue };
        let kept = store.kept(head.lane).await?;
        let (sealed, last) = (kept.sealed.number(), Seq::new(lane.last_seq).unwrap_or_default());
        // A day before it that was not exported keeps everything from there on.
        if lane.after_seq > sealed || lane.last_seq <= sealed {
            continue;
        }
        let row = bounds::row_at(store, head.lane, last).await?;
        if hex(&row.hash.0) != lane.last_hash {
            let reason = format!(
                "record {last} of lane {} is not the one that was exported: is the place another ledger's?",
                head.lane
            );
            return Err(StoreError::Damaged(reason).into());
        }
        store.seal(head.lane, last).await?;
        moved += 1;
    }
    Ok(moved)
}

/// Deletes what is exported, at this pace; gives how many records went.
pub async fn delete_exported(store: &MysqlStore, lanes: &[LaneDay], pace: Retention) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for lane in lanes.iter().filter(|lane| !store.has_lapsed(lane.lane)) {
        deleted += store.delete_sealed(lane.lane, pace).await?;
    }
    Ok(deleted)
}
