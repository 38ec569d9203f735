//! Who owns which lane, looked at again and again past the proxy: the material by which zombies are told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{MySqlConnection, Row};
use tokio::{task::JoinHandle, time::timeout};

use super::mysqld::Direct;
use crate::history::{EngineId, Reign};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a look may take; one that takes longer is left out.
const LOOK_MAX: Duration = Duration::from_secs(1);

type Seen = Arc<Mutex<BTreeMap<(u16, i64), Reign>>>;

/// Somebody who looks until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    seen: Seen,
    looking: JoinHandle<()>,
}

impl Watcher {
    /// Begins to look at the lanes of this server.
    pub fn of(direct: Direct) -> Self {
        let seen = Seen::default();
        Self { seen: seen.clone(), looking: tokio::spawn(look_on(direct, seen)) }
    }

    /// The reigns so far.
    pub fn reigns(&self) -> Vec<Reign> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whose the lanes of customers are, as last seen: the owner of the newest epoch of each.
    pub fn owners(&self) -> Vec<EngineId> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let newest: BTreeMap<u16, EngineId> = seen.values().map(|reign| (reign.lane, reign.engine)).collect();
        newest.into_values().collect()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look_on(direct: Direct, seen: Seen) {
    let mut connection = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let mut open = match connection.take() {
            Some(open) => open,
            None => match direct.connect().await {
                Ok(open) => open,
                Err(_) => continue, // it is away: part of the run
            },
        };
        if let Ok(Ok(reigns)) = timeout(LOOK_MAX, look(&mut open)).await {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            for reign in reigns {
                let first = seen.entry((reign.lane, reign.epoch)).or_insert_with(|| reign.clone());
                first.seq_last_seen = reign.seq_last_seen;
            }
            connection = Some(open);
        }
    }
}

/// The lanes as they stand. An owner's name is machine, process number and more, with slashes between.
async fn look(connection: &mut MySqlConnection) -> anyhow::Result<Vec<Reign>> {
    let rows = sqlx::raw_sql("SELECT id, epoch, seq, owner FROM lane").fetch_all(connection).await?;
    let mut reigns = Vec::with_capacity(rows.len());
    for row in &rows {
        let (lane, epoch, seq): (i16, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let owner: String = row.try_get(3)?;
        let Some(process) = owner.split('/').nth(1).and_then(|process| process.parse().ok()) else { continue };
        let (lane, seq) = (u16::try_from(lane)?, u64::try_from(seq)?);
        let engine = EngineId(process);
        reigns.push(Reign { lane, epoch, engine, seq_first_seen: seq, seq_last_seen: seq });
    }
    Ok(reigns)
}
