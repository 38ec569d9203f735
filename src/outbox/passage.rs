//! A lane's passage over one line of a carrier: from the journal through the window, until the line breaks.
//!
//! Nothing here waits for one record: what is read goes while there is room, what is delivered is noticed when half a window or
//! the last record is, and the cursor is saved beside it. Bounds: [`READ_MAX`] records read ahead, the window, one save under way.

use std::{
    collections::VecDeque,
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use hwan_domain::id::Seq;
use tokio::time::Instant;

use super::{
    feed::Tail,
    port::FollowedLane,
    relay::{Line, NotTaken, Repeated},
    window::{Place, Window},
};
use crate::{
    storage::port::{JournalRow, StoreError},
    telemetry::metrics::OutboxMetrics,
};

/// Records that are read ahead.
const READ_MAX: usize = 1_024;
/// How long a delivered record may be beyond the cursor: after a restart so much is published again.
const SAVED_EVERY: Duration = Duration::from_millis(500);
/// How many delivered records may be beyond the cursor before it is saved earlier.
const UNSAVED_MAX: u64 = 5_000;
/// The pause after which a carrier that takes nothing is asked again, where nothing of this lane is under way.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// Why a passage ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The line broke: another is opened.
    Broken,
    /// It may not go on.
    Stopped(String),
}

type Saving = Pin<Box<dyn Future<Output = (Place, Result<(), StoreError>)> + Send>>;

/// A lane on its way over a line.
pub(super) struct Passage<'a> {
    lane: &'a FollowedLane,
    line: Box<dyn Line>,
    tail: Tail,
    read: VecDeque<JournalRow>,
    window: Window,
    /// Where the cursor stands in the store.
    saved: Seq,
    saved_at: Instant,
    saving: Option<Saving>,
    fails: Repeated,
    metrics: &'a OutboxMetrics,
}

impl<'a> Passage<'a> {
    pub(super) fn new(
        lane: &'a FollowedLane,
        line: Box<dyn Line>,
        place: Place,
        saved: Seq,
        metrics: &'a OutboxMetrics,
    ) -> Self {
        Self {
            lane,
            line,
            tail: lane.tail(place.0),
            read: VecDeque::new(),
            window: Window::after(place),
            saved,
            saved_at: Instant::now(),
            saving: None,
            fails: Repeated::default(),
            metrics,
        }
    }

    /// Up to where everything is delivered.
    pub(super) fn settled(&self) -> Place {
        self.window.settled()
    }

    /// Where the cursor stands in the store, as far as is known.
    pub(super) fn saved(&self) -> Seq {
        self.saved
    }

    /// Goes on until it can't.
    pub(super) async fn run(&mut self) -> Left {
        let delivered = self.line.delivered();
        loop {
            let sent = self.send();
            let settled = self.window.settle(delivered.seq());
            self.metrics.published.increment(settled);
            self.lane.backlog.reached(self.window.settled().0, self.oldest());
            if let Err(left) = sent {
                return self.finish(left).await;
            }
            if delivered.is_broken() {
                return self.finish(Left::Broken).await;
            }
            self.save_if_due();
            let awaited = self.window.awaited();
            let is_hungry = self.read.is_empty() && self.window.has_room();
            tokio::select! {
                rows = self.tail.next(READ_MAX), if is_hungry => match rows {
                    Ok(rows) => {
                        self.fails.over();
                        self.read.extend(rows);
                    }
                    Err(StoreError::Unavailable(reason)) => {
                        self.fails.again(self.lane, "the journal cannot be read for the outbox: tried again", &reason).await;
                    }
                    Err(error) => return self.finish(Left::Stopped(error.to_string())).await,
                },
                () = reached(&delivered, awaited), if awaited.is_some() => {}
                (to, outcome) = done(&mut self.saving) => {
                    self.saving = None;
                    if let Err(left) = self.judge(to, outcome).await {
                        return left;
                    }
                }
                () = tokio::time::sleep_until(self.saved_at + SAVED_EVERY), if self.is_unsaved() && self.saving.is_none() => {}
                () = tokio::time::sleep(FULL_PAUSE), if awaited.is_none() && !is_hungry => {}
            }
        }
    }

    /// Gives away what is read, as far as there is room.
    fn send(&mut self) -> Result<(), Left> {
        while self.window.has_room()
            && let Some(row) = self.read.front()
        {
            if let Some(breach) = self.window.breach(self.lane.lane, row) {
                return Err(Left::Stopped(breach));
            }
            match self.line.send(row, self.window.last().1) {
                Ok(()) => self.window.went(row),
                Err(NotTaken::Full) => return Ok(()),
                Err(NotTaken::Broken) => return Err(Left::Broken),
            }
            self.read.pop_front();
        }
        Ok(())
    }

    fn oldest(&self) -> Option<hwan_domain::time::Timestamp> {
        self.window.oldest().or_else(|| self.read.front().map(|row| row.record.at))
    }

    fn is_unsaved(&self) -> bool {
        self.window.settled().0 > self.saved
    }

    fn save_if_due(&mut self) {
        let unsaved = self.window.settled().0.number().saturating_sub(self.saved.number());
        let is_due = unsaved >= UNSAVED_MAX || self.saved_at.elapsed() >= SAVED_EVERY;
        if unsaved == 0 || !is_due || self.saving.is_some() {
            return;
        }
        self.saved_at = Instant::now();
        self.saving = Some(self.save());
    }

    fn save(&self) -> Saving {
        let FollowedLane { lane, epoch, store, .. } = self.lane.clone();
        let (from, to) = (self.saved, self.window.settled());
        // A task of its own: it may hold a store's only writer, and must not stand still while this passage does something else.
        let saved = tokio::spawn(async move { store.relay(lane, epoch, from, to).await });
        Box::pin(async move {
            let outcome = saved.await;
            let ended = |error| Err(StoreError::Unavailable(format!("the save did not end: {error}")));
            (to, outcome.unwrap_or_else(ended))
        })
    }

    /// What became of a save.
    async fn judge(&mut self, to: Place, outcome: Result<(), StoreError>) -> Result<(), Left> {
        match outcome {
            Ok(()) => {
                self.saved = to.0;
                Ok(())
            }
            Err(StoreError::RelayFenced { .. }) => match self.lane.store.relayed(self.lane.lane).await {
                Ok((seq, _)) if seq == self.saved => Err(Left::Stopped("the lane has another owner".to_owned())),
                // A save that seemed to fail had been done. If it was another owner's, the next one tells.
                Ok((seq, _)) => {
                    self.saved = seq;
                    Ok(())
                }
                Err(_) => Ok(()), // it is asked again at the next save
            },
            Err(StoreError::Unavailable(reason)) => {
                tracing::debug!(lane = %self.lane.lane, reason, "the outbox's cursor was not saved: tried again");
                Ok(())
            }
            Err(error) => Err(Left::Stopped(error.to_string())),
        }
    }

    /// Waits for the save that is under way, so that the next passage knows where the cursor is.
    async fn finish(&mut self, left: Left) -> Left {
        if let Some(saving) = self.saving.take() {
            let (to, outcome) = saving.await;
            if let Err(stopped) = self.judge(to, outcome).await {
                return stopped;
            }
        }
        left
    }
}

async fn reached(delivered: &super::delivered::Delivered, seq: Option<Seq>) {
    match seq {
        Some(seq) => delivered.reached(seq).await,
        None => pending().await,
    }
}

async fn done(saving: &mut Option<Saving>) -> (Place, Result<(), StoreError>) {
    match saving {
        Some(saving) => saving.await,
        None => pending().await,
    }
}
