//! The poster of a lane: takes what comes, in order, and posts it, a transaction a step.
//!
//! It does not know where things come from. Repeats are dropped once their hash was compared; a gap, another hash, a broken chain
//! or control accounts that are not what the engine says stop the lane, with everything before the cause posted; what cannot be
//! posted for itself is put aside and the lane goes on. Whatever fails, the store says where the books stand: the same things may
//! always be brought again.

use std::{sync::Arc, time::Duration};

use hwan_domain::{
    id::{LaneId, Position, Seq},
    ledger::Chart,
};

use super::{
    draft::{Draft, Judged, Rules, Standing},
    event_reader::EventReader,
    incoming::Incoming,
    verdict::{Stop, Verdict},
};
use crate::{
    clock::Clock,
    storage::{
        general_ledger::port::{DeadLetter, GeneralLedger, LaneCursor, PostError},
        port::{ChainHash, StoreError},
    },
    telemetry::metrics::BooksMetrics,
};

/// Records that one step takes at most.
pub const STEP_RECORDS_MAX: usize = 4_096;
/// Things that one step puts aside at most: each is kept whole.
const STEP_PUT_ASIDE_MAX: usize = 256;
/// Hashes of the trail that one look brings, about.
const TRAIL_HASHES: usize = 4_096;
/// How often in a row a step may be fenced by others before it is left for later.
const FENCED_MAX: usize = 8;

/// What every poster works with.
#[derive(Clone)]
pub struct PosterParts {
    /// The store of the books.
    pub ledger: Arc<dyn GeneralLedger>,
    /// The chart of accounts.
    pub chart: Arc<Chart>,
    /// Reads what comes as text.
    pub reader: EventReader,
    /// When something was put aside.
    pub clock: Arc<dyn Clock>,
}

/// What became of what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Records that were taken.
    pub records: u64,
    /// Records that came again.
    pub repeats: u64,
    /// What was put aside.
    pub put_aside: Vec<DeadLetter>,
}

/// Hashes of records that were taken, a stretch of the trail.
type Trail = Vec<(Seq, ChainHash)>;

/// Posts a lane.
pub struct LanePoster {
    parts: PosterParts,
    lane: LaneId,
    standing: Standing,
    /// Whether the store may stand elsewhere.
    is_stale: bool,
    trail: Trail,
    metrics: BooksMetrics,
}

impl LanePoster {
    /// Begins where the lane's books stand.
    pub async fn open(parts: PosterParts, lane: LaneId) -> Result<Self, StoreError> {
        let books = parts.ledger.enter(lane).await?;
        let standing = Standing::of(books, &parts.chart);
        Ok(Self {
            parts,
            lane,
            standing,
            is_stale: false,
            trail: Vec::new(),
            metrics: BooksMetrics::new(lane.number()),
        })
    }

    /// Where the books stand, as far as is known here.
    pub const fn cursor(&self) -> &LaneCursor {
        &self.standing.cursor
    }

    /// Looks where the books stand: they may have been moved on, or changed, by somebody else.
    pub async fn look_again(&mut self) -> Result<(), StoreError> {
        self.standing = Standing::of(self.parts.ledger.enter(self.lane).await?, &self.parts.chart);
        self.is_stale = false;
        Ok(())
    }

    /// Where messages go on is not true any more: with the next step the topic is read from its beginning.
    pub const fn forget_offset(&mut self) {
        self.standing.cursor.offset = None;
    }

    /// Takes what came. Everything up to what is taken is durable when this returns, and also when it stops.
    pub async fn take(&mut self, events: &[Incoming]) -> Result<Taken, Stop> {
        let mut taken = Taken::default();
        let mut rest = events;
        let mut fenced = 0;
        while !rest.is_empty() {
            if self.is_stale
                && let Err(error) = self.look_again().await
            {
                return Err(self.failed(error).await);
            }
            let mut draft = Draft::new(&self.standing);
            let (judged, verdict) = self.judge(&mut draft, rest).await?;
            let counts = (draft.records(), draft.repeats);
            match self.post(draft).await {
                Ok(put_aside) => {
                    fenced = 0;
                    taken.put_aside.extend(put_aside);
                }
                Err(PostError::Fenced { .. }) if fenced < FENCED_MAX => {
                    // Somebody else has moved the books: what is left is judged again, from where they stand now.
                    fenced += 1;
                    self.is_stale = true;
                    continue;
                }
                Err(PostError::Fenced { lane, from }) => {
                    let why = format!("others move the books of lane {lane}, which do not stand at {from}");
                    return Err(Stop::Unavailable(StoreError::Unavailable(why)));
                }
                Err(PostError::Store(error)) => return Err(self.failed(error).await),
            }
            taken.records += u64::try_from(counts.0).unwrap_or(0);
            taken.repeats += counts.1;
            if let Some(verdict) = verdict {
                return Err(self.stop(verdict).await);
            }
            rest = rest.get(judged..).unwrap_or_default();
        }
        Ok(taken)
    }

    /// Judges as much as one step takes: how much that was, and what ended it before its time.
    async fn judge(&mut self, draft: &mut Draft, events: &[Incoming]) -> Result<(usize, Option<Verdict>), Stop> {
        let (chart, reader) = (Arc::clone(&self.parts.chart), self.parts.reader.clone());
        let rules = Rules { chart: &chart, reader: &reader, now: self.parts.clock.now() };
        for (index, incoming) in events.iter().enumerate() {
            if draft.records() >= STEP_RECORDS_MAX || draft.put_aside() >= STEP_PUT_ASIDE_MAX {
                return Ok((index, None));
            }
            match draft.judge(incoming, rules) {
                Ok(Judged::Taken) => {}
                Ok(Judged::Repeat(position, came)) => match self.compare(position, came).await? {
                    None => draft.repeats += 1,
                    Some(verdict) => return Ok((index, Some(verdict))),
                },
                Err(verdict) => return Ok((index, Some(verdict))),
            }
        }
        Ok((events.len(), None))
    }

    /// A record that an earlier step took, against its hash in the trail.
    async fn compare(&mut self, position: Position, came: ChainHash) -> Result<Option<Verdict>, Stop> {
        let known = |trail: &Trail| {
            let at = trail.binary_search_by_key(&position.seq(), |(seq, _)| *seq).ok()?;
            trail.get(at).map(|(_, hash)| *hash)
        };
        if known(&self.trail).is_none() {
            match self.parts.ledger.trail(self.lane, position.seq(), TRAIL_HASHES).await {
                Ok(trail) => self.trail = trail,
                Err(error) => return Err(self.failed(error).await),
            }
        }
        Ok(match known(&self.trail) {
            Some(taken) if taken == came => None,
            Some(taken) => Some(Verdict::AnotherHash { position, taken, came }),
            None => Some(Verdict::Damaged(format!("the trail has no hash of record {position:?}, which was taken"))),
        })
    }

    /// Posts a step; what it put aside.
    async fn post(&mut self, draft: Draft) -> Result<Vec<DeadLetter>, PostError> {
        if draft.is_empty() {
            return Ok(Vec::new());
        }
        let had_stopped = self.standing.cursor.stopped.is_some();
        let (step, standing) = draft.finish();
        self.parts.ledger.post(&step).await?;
        self.standing = standing;
        self.observe();
        if had_stopped {
            tracing::info!(lane = %self.lane, seq = %step.seq, "the books of a lane that had stopped go on");
        }
        Ok(step.dead_letters)
    }

    fn observe(&self) {
        let cursor = &self.standing.cursor;
        let now = self.parts.clock.now().micros();
        let lag = cursor.at.map_or(0, |at| now.saturating_sub(at.micros()).max(0));
        self.metrics.stand(cursor.seq.number(), Duration::from_micros(lag.unsigned_abs()), cursor.dead_letters);
    }

    /// A store that failed: where the books stand is not known.
    async fn failed(&mut self, error: StoreError) -> Stop {
        self.is_stale = true;
        match error {
            StoreError::Damaged(reason) => self.stop(Verdict::Damaged(reason)).await,
            error => Stop::Unavailable(error),
        }
    }

    /// Stops the lane's books: says why, once, and leaves it where other processes see it.
    pub async fn stop(&mut self, verdict: Verdict) -> Stop {
        let lane = self.lane;
        let reason = verdict.to_string();
        self.metrics.stop();
        if self.standing.cursor.stopped.as_deref() != Some(reason.as_str()) {
            tracing::error!(%lane, seq = %self.standing.cursor.seq, reason, "the books of a lane have stopped");
            match self.parts.ledger.note_stop(lane, self.standing.cursor.seq, &reason).await {
                Ok(()) => self.standing.cursor.stopped = Some(reason),
                Err(error) => tracing::warn!(%lane, %error, "why the books of a lane have stopped could not be noted"),
            }
        }
        Stop::Lane { lane, verdict }
    }
}

impl std::fmt::Debug for LanePoster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LanePoster").field("cursor", self.cursor()).finish_non_exhaustive()
    }
}
