//! The lane's actor: sequences, batches, commits, answers.
//!
//! While one batch commits, the next one fills; no timers. Later commands build on sequenced records that are not yet
//! durable; every answer, a rejection's and a read's too, leaves in lane order once all it was decided on is durable.
//! How a command becomes a record is in [`sequence`](super::sequence).
//!
//! Bounds: what fills and waits here is in flight, so the door bounds it; a commit holds at most `batch_records_max`.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use hwan_domain::{control::ControlTotals, id::Seq};
use tokio::time::Instant;

use super::{
    batch::Batch,
    command::{NotDone, Refusal},
    link::{Ending, Fuse, LaneLink, LaneShared, Limbo, answer_all, replay},
    look::Answering,
    place::Place,
    rate_board::BoardSeat,
    travel::Travel,
};
use crate::storage::port::{ChainHash, CommitBatch, CommitError};

/// For how long a commit that was not done is tried again before the lane is taken anew.
const COMMIT_RETRIED_FOR: Duration = Duration::from_secs(2);
/// The pause before a commit is tried again.
const COMMIT_RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A lane's mailbox.
pub struct LaneActor {
    pub(super) shared: Arc<LaneShared>,
    pub(super) link: Weak<LaneLink>,
    /// The newest sequenced record.
    pub(super) tail: Seq,
    /// What fills while another batch commits; the first batches are full.
    pub(super) filling: VecDeque<Batch>,
    /// The rate board, in the system lane.
    pub(super) board: Option<BoardSeat>,
    /// What all accounts of the lane hold, after `tail`.
    pub(super) totals: ControlTotals,
    committer: Place,
    head_hash: ChainHash,
    committing: Option<Batch>,
    gated: VecDeque<(Seq, Answering)>,
    flush_is_due: bool,
    _fuse: Fuse,
}

impl LaneActor {
    /// The actor of a generation whose lane stands at `tail` with `head_hash` and these control totals.
    pub fn new(
        shared: Arc<LaneShared>,
        link: Weak<LaneLink>,
        (tail, head_hash, totals): (Seq, ChainHash, ControlTotals),
        committer: Place,
        board: Option<BoardSeat>,
    ) -> Self {
        Self {
            _fuse: shared.fuse(),
            shared,
            link,
            tail,
            filling: VecDeque::new(),
            board,
            totals,
            committer,
            head_hash,
            committing: None,
            gated: VecDeque::new(),
            flush_is_due: false,
        }
    }

    /// The batch that takes the next record.
    pub(super) fn open_batch(&mut self) -> &mut Batch {
        let full = self.filling.back().is_none_or(|batch| batch.len() >= self.shared.common.limits.batch_records_max);
        if full {
            self.filling.push_back(Batch::default());
        }
        self.filling.back_mut().expect("one was pushed where there was none")
    }

    /// Answers once everything up to `after` is durable.
    pub(super) fn answer_after(&mut self, after: Seq, answer: Answering) {
        if self.gated.is_empty() && after <= self.shared.durable() {
            answer(Ok(()));
        } else {
            self.gated.push_back((after, answer));
        }
    }

    /// Sees to it that what was sequenced is committed, once the mailbox has been worked off.
    pub(super) fn flush_soon(&mut self, ctx: &mut Context<Self>) {
        if !self.flush_is_due && self.committing.is_none() {
            self.flush_is_due = true;
            // Once around the thread's other actors: what is on its way to this mailbox joins the batch.
            ctx.spawn(tokio::task::yield_now().into_actor(self).map(|(), actor, ctx| {
                actor.flush_is_due = false;
                actor.flush(ctx);
            }));
        }
    }

    fn flush(&mut self, ctx: &mut Context<Self>) {
        if self.committing.is_some() || self.shared.has_ended() {
            return;
        }
        let Some(mut batch) = self.filling.pop_front() else { return };
        let draft = batch.draft(&self.shared, self.shared.durable(), self.head_hash);
        self.committing = Some(batch);
        self.commit(async move { Arc::new(draft.seal()) }, Instant::now(), ctx);
    }

    /// Sends a batch to the store; the work of it is done on the committer's thread.
    fn commit(
        &self,
        sealed: impl Future<Output = Arc<CommitBatch>> + Send + 'static,
        begun: Instant,
        ctx: &mut Context<Self>,
    ) {
        let store = self.shared.common.store.clone();
        let commit = async move {
            let sealed = sealed.await;
            let done = store.commit(&sealed).await;
            (done, sealed)
        };
        let done = self.committer.clone().run(commit);
        ctx.spawn(done.into_actor(self).map(move |done, actor, ctx| match done {
            Some((done, sealed)) => actor.committed(done, sealed, begun, ctx),
            // It panicked, or its thread is gone: what became of the batch only the store knows.
            None => actor.shared.end(Ending::Panicked, None),
        }));
    }

    fn committed(
        &mut self,
        done: Result<(), CommitError>,
        sealed: Arc<CommitBatch>,
        begun: Instant,
        ctx: &mut Context<Self>,
    ) {
        match done {
            Ok(()) => {
                self.shared.common.metrics.commit_seconds.record(begun.elapsed().as_secs_f64());
                self.made_durable(sealed, ctx);
            }
            Err(CommitError::NotDone(reason)) if begun.elapsed() < COMMIT_RETRIED_FOR && !self.shared.has_ended() => {
                tracing::warn!(lane = %self.shared.lane, reason, "a commit was not done: it is tried again");
                ctx.run_later(COMMIT_RETRY_PAUSE, move |actor, ctx| {
                    actor.commit(std::future::ready(sealed), begun, ctx)
                });
            }
            Err(error) => self.commit_failed(&error, sealed),
        }
    }

    fn made_durable(&mut self, sealed: Arc<CommitBatch>, ctx: &mut Context<Self>) {
        let (Some(batch), Some((seq, hash))) = (self.committing.take(), sealed.head()) else { return };
        self.head_hash = hash;
        let date = sealed.rows.last().map_or_else(|| self.shared.date(), |row| row.record.business_date);
        self.shared.made_durable(seq, hash, date);
        self.shared.metrics.committed(seq.number());
        self.shared.common.metrics.batch_records.record(batch.len() as f64);
        // Before anybody is answered, and after the generation's end too: what is acknowledged holds.
        if let Some(board) = &self.board {
            board.made_durable(batch.records(), &self.shared.common);
        }
        batch.succeed(&self.shared);
        while self.gated.front().is_some_and(|(after, _)| *after <= seq) {
            if let Some((_, answer)) = self.gated.pop_front() {
                answer(Ok(()));
            }
        }
        self.shared.publish(&sealed);
        if self.shared.has_ended() {
            self.turn_back();
        } else {
            self.flush(ctx);
        }
    }

    fn commit_failed(&mut self, error: &CommitError, sealed: Arc<CommitBatch>) {
        tracing::error!(lane = %self.shared.lane, %error, "a commit failed: the lane is taken again from the store");
        let batch = self.committing.take();
        let ending = match error {
            CommitError::Unknown(_) => Ending::OutcomeUnknown,
            CommitError::NotDone(_) => Ending::CommitFailed,
            CommitError::DuplicateKey { key, used_by } => Ending::DuplicateKey { key: *key, used_by: *used_by },
            CommitError::Fenced { .. } => Ending::Fenced,
        };
        // Where the generation has ended already, its keeper does not look again: unanswered means unknown.
        match batch {
            Some(batch) if ending == Ending::OutcomeUnknown => {
                self.shared.end(ending, Some(Limbo { batch, sealed, since: Instant::now() }));
            }
            Some(batch) => {
                batch.fail(&self.shared, NotDone::CommitFailed);
                self.shared.end(ending, None);
            }
            None => self.shared.end(ending, None),
        }
        self.turn_back();
    }

    /// The generation has ended: what was never sent is not done. A batch that is being committed is answered by its
    /// commit.
    fn turn_back(&mut self) {
        for batch in self.filling.drain(..) {
            batch.fail(&self.shared, NotDone::LaneClosed);
        }
        for (_, answer) in self.gated.drain(..) {
            answer(Err(Refusal::NotDone(NotDone::LaneClosed)));
        }
    }
}

impl Actor for LaneActor {
    type Context = Context<Self>;
}

impl std::fmt::Debug for LaneActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaneActor").field("shared", &self.shared).field("tail", &self.tail).finish_non_exhaustive()
    }
}

/// A command that was judged: it becomes a record or a rejection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Sequence(pub Box<Travel>);

impl Handler<Sequence> for LaneActor {
    type Result = ();

    fn handle(&mut self, Sequence(travel): Sequence, ctx: &mut Context<Self>) {
        if self.shared.has_ended() {
            return self.shared.refuse(*travel, Refusal::NotDone(NotDone::LaneClosed));
        }
        self.sequence(*travel);
        if !self.filling.is_empty() {
            self.flush_soon(ctx);
        }
    }
}

/// An answer that waits for durability.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Answer {
    /// The last record it was decided on.
    pub after: Seq,
    /// The answer.
    pub answer: Answering,
}

impl Handler<Answer> for LaneActor {
    type Result = ();

    fn handle(&mut self, Answer { after, answer }: Answer, _: &mut Context<Self>) {
        if self.shared.has_ended() && after > self.shared.durable() {
            return answer(Err(Refusal::NotDone(NotDone::LaneClosed)));
        }
        self.answer_after(after, answer);
    }
}

/// A retry whose key was used by this durable record: it is read back and answered again.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Replay {
    /// The retry.
    pub travel: Box<Travel>,
    /// The record.
    pub seq: Seq,
}

impl Handler<Replay> for LaneActor {
    type Result = ();

    fn handle(&mut self, Replay { travel, seq }: Replay, ctx: &mut Context<Self>) {
        let (store, lane) = (self.shared.common.store.clone(), self.shared.lane);
        let read = async move {
            let outcome = match store.journal(lane, seq, 1).await {
                Ok(rows) => match rows.into_iter().next() {
                    Some(row) => replay(travel.key.as_ref(), row.record),
                    None => Err(Refusal::Unknown), // durable, so it is there; if it is not, nothing may be claimed
                },
                Err(_) => Err(Refusal::NotDone(NotDone::LaneClosed)),
            };
            answer_all(travel.reply, Vec::new(), outcome);
        };
        ctx.spawn(read.into_actor(self));
    }
}

/// The generation has ended; sent by its keeper.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TurnBack;

impl Handler<TurnBack> for LaneActor {
    type Result = ();

    fn handle(&mut self, _: TurnBack, _: &mut Context<Self>) {
        self.turn_back();
    }
}
