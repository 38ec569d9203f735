//! Exports days as they become sealed, within a running engine, and lets go what is exported, where the configuration says so.
//!
//! It goes day by day from the oldest that the journal has: a day that lies at the place is not computed again, the first that cannot
//! be exported is where it waits. It has a thread of its own, since pressing rows keeps a processor busy. A process that ends
//! in the middle leaves files without a manifest, which are no day and are written over the next time.

use std::{sync::Arc, time::Duration};

use hwan_domain::{id::Seq, time::BusinessDate};
use hwan_sealed::{
    Manifest, Place, Written,
    day::{self, Existing},
};
use tokio::{runtime::Builder, sync::oneshot};

use super::{
    DaySource, SealingError,
    export::export,
    retention,
    sealed::{SealedDay, is_sealed},
};
use crate::storage::{
    mysql::{MysqlStore, Retention},
    port::StoreError,
};

/// How often it looks whether a day has become sealed.
const LOOKED_EVERY: Duration = Duration::from_secs(60);

/// Whether days are exported here, or by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exports {
    /// Here, as they become sealed.
    Here,
    /// By command: here it is only looked whether they lie there.
    Elsewhere,
}

/// What it works with.
pub struct AfterClosing {
    /// What days are read from.
    pub source: DaySource,
    /// Where they go.
    pub place: Place,
    /// Who exports.
    pub exports: Exports,
    /// The store whose exported records go, and how gently; `None` where they stay.
    pub deletion: Option<(Arc<MysqlStore>, Retention)>,
}

/// Runs until what it gives is dropped.
pub fn start(work: AfterClosing) -> std::io::Result<impl Future<Output = ()>> {
    let (alive, ends) = oneshot::channel::<()>();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("sealing".to_owned()).spawn(move || runtime.block_on(run(work, ends)))?;
    Ok(async move {
        let _alive = alive;
        std::future::pending::<()>().await;
    })
}

async fn run(work: AfterClosing, ends: oneshot::Receiver<()>) {
    let mut next = None;
    tokio::select! {
        // Whatever is under way is given up: a day without a manifest is none.
        _ = ends => {}
        () = async {
            loop {
                look(&work, &mut next).await;
                tokio::time::sleep(LOOKED_EVERY).await;
            }
        } => {}
    }
}

/// Exports what can be, and lets go what may.
async fn look(work: &AfterClosing, next: &mut Option<BusinessDate>) {
    match step(work, next).await {
        Ok(()) | Err(SealingError::NotSealed { .. }) => {}
        Err(error) => tracing::error!(%error, "sealed days are not exported any further: tried again in a minute"),
    }
}

async fn step(work: &AfterClosing, next: &mut Option<BusinessDate>) -> Result<(), SealingError> {
    loop {
        let date = match *next {
            Some(date) => date,
            None => match oldest(&work.source).await? {
                Some(date) => date,
                None => return Ok(()),
            },
        };
        let sealed = match is_sealed(&work.source, date).await {
            // A part of it was deleted before this process began: it lies there then, or nothing of it would have gone.
            Err(SealingError::Gone { .. }) if day::manifest(&work.place, &date.to_string()).await?.is_some() => {
                *next = Some(date.next());
                continue;
            }
            judged => judged?,
        };
        let Some(manifest) = lies_there(work, &sealed).await? else { return Ok(()) };
        if let Some((store, pace)) = &work.deletion
            && is_reconciled(&work.source, &sealed).await?
        {
            retention::note_exported(store, &work.place, &manifest).await?;
            let records = retention::delete_exported(store, &sealed.lanes, *pace).await?;
            if records > 0 {
                tracing::info!(records, %date, "records that are exported have left the journal");
            }
        }
        *next = Some(date.next());
    }
}

/// Whether every lane has a snapshot of the day or of a later one, which reconciliation leaves of a day that agrees: what is older than
/// that it reads no more.
async fn is_reconciled(source: &DaySource, sealed: &SealedDay) -> Result<bool, StoreError> {
    let Some(book) = &source.back_office else { return Ok(false) };
    for lane in sealed.lanes.iter().filter(|lane| lane.last.0 > Seq::ZERO) {
        let newest = book.newest_snapshot(lane.lane, BusinessDate::from_days(i32::MAX)).await?;
        if newest.is_none_or(|snapshot| snapshot.date < sealed.date) {
            let date = sealed.date;
            tracing::debug!(%date, lane = %lane.lane, "exported and kept in the journal: it was not reconciled yet");
            return Ok(false);
        }
    }
    Ok(true)
}

/// The manifest of a day that lies there, or that was exported just now.
async fn lies_there(work: &AfterClosing, sealed: &SealedDay) -> Result<Option<Manifest>, SealingError> {
    let there = day::manifest(&work.place, &sealed.date.to_string()).await?;
    if there.is_some() || work.exports == Exports::Elsewhere {
        return Ok(there);
    }
    let date = sealed.date;
    let mut tell = |progress: &str| tracing::debug!(%date, progress, "exporting");
    let (manifest, written) = export(&work.source, sealed, &work.place, Existing::Keep, &mut tell).await?;
    let (files, bytes) = (manifest.files.len(), manifest.bytes());
    tracing::info!(%date, files, bytes, new = (written == Written::New), to = work.place.url(), "a day is exported");
    Ok(Some(manifest))
}

/// The date of the oldest record that any journal has.
async fn oldest(source: &DaySource) -> Result<Option<BusinessDate>, StoreError> {
    let mut oldest: Option<BusinessDate> = None;
    for head in source.store.lane_heads().await? {
        let (begins, _) = source.store.journal_begins(head.lane).await?;
        let first = begins.next().unwrap_or(Seq::ZERO);
        if let Some(row) = source.store.journal(head.lane, first, 1).await?.first() {
            let date = row.record.business_date;
            oldest = Some(oldest.map_or(date, |of| of.min(date)));
        }
    }
    Ok(oldest)
}
