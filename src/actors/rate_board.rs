//! The rate board's actor: the door to rounds, voids and halts, and the keeper of what the engine trades at.
//!
//! Orders travel to the system lane, which decides them in its sequencing step on the sequenced board, so that two
//! publications at once get two numbers. What the engine trades at, the published board, follows when a batch is
//! durable: nobody ever trades at a round that could be lost.

use std::sync::{Arc, Mutex};

use actix::{Actor, Addr, Context, Handler, Message};
use hwan_domain::{
    board::Board,
    record::{Event, Record},
    rejection::Rejection,
};

use super::{
    command::{NotDone, Refusal},
    home::lock,
    judge::Situation,
    lane::{Replay, Sequence},
    link::{Common, Fuse, KeyCheck, LaneLink},
    travel::{BoardOrder, Travel},
};
use crate::storage::port::StateWrite;

/// The rate board's mailbox.
pub struct RateBoardActor {
    published: Board,
    link: Arc<LaneLink>,
    _fuse: Fuse,
}

impl RateBoardActor {
    /// The actor of a generation of the system lane, whose durable board is `published`.
    pub fn new(published: Board, link: Arc<LaneLink>) -> Self {
        link.shared.common.board.store(Arc::new(published.clone()));
        Self { published, _fuse: link.shared.fuse(), link }
    }
}

impl Actor for RateBoardActor {
    type Context = Context<Self>;
}

impl std::fmt::Debug for RateBoardActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateBoardActor").finish_non_exhaustive()
    }
}

/// A change of the board is asked for.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Change(pub Box<Travel>);

impl Handler<Change> for RateBoardActor {
    type Result = ();

    fn handle(&mut self, Change(travel): Change, _: &mut Context<Self>) {
        match self.link.shared.check_key(travel) {
            KeyCheck::New(travel) => self.link.lane.do_send(Sequence(travel)),
            KeyCheck::Finished(travel, seq) => self.link.lane.do_send(Replay { travel, seq }),
            KeyCheck::Unsure(travel) => self.link.shared.refuse(*travel, Refusal::NotDone(NotDone::LaneClosed)),
            KeyCheck::Settled => {}
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct MadeDurable(Vec<Arc<Record>>);

impl Handler<MadeDurable> for RateBoardActor {
    type Result = ();

    fn handle(&mut self, MadeDurable(records): MadeDurable, _: &mut Context<Self>) {
        for record in records {
            self.published.apply(&record.event, &record.origin.caller, record.at);
        }
        self.link.shared.common.board.store(Arc::new(self.published.clone()));
    }
}

/// The board's seat in the system lane: the sequenced board, and the actor that publishes what is durable.
#[derive(Debug)]
pub struct BoardSeat {
    sequenced: Mutex<Board>,
    actor: Addr<RateBoardActor>,
}

impl BoardSeat {
    /// A seat whose sequenced board is the durable one.
    pub const fn new(durable: Board, actor: Addr<RateBoardActor>) -> Self {
        Self { sequenced: Mutex::new(durable), actor }
    }

    /// Decides an order on the sequenced board and applies it: the event, and the rows it leaves behind.
    pub fn decide(
        &self,
        order: &BoardOrder,
        by: &Arc<str>,
        situation: &Situation,
        common: &Common,
    ) -> Result<(Event, Vec<StateWrite>), Rejection> {
        let mut board = lock(&self.sequenced);
        let (date, at) = (situation.date, situation.at);
        let event = match order {
            BoardOrder::Publish(publication) => {
                board.publish(publication, &common.currencies, &common.guard, date, at)?
            }
            BoardOrder::Void(round, reason) => board.void(*round, reason)?,
            BoardOrder::Halt(currency, reason) => board.halt(*currency, reason)?,
            BoardOrder::Resume(currency) => board.resume(*currency, by)?,
        };
        let currency = match &event {
            Event::RoundPublished { round, .. } => round.currency,
            Event::RoundRefused { currency, .. }
            | Event::RoundVoided { currency, .. }
            | Event::PairHalted { currency, .. }
            | Event::PairResumed { currency } => *currency,
            _ => return Ok((event, Vec::new())),
        };
        let before = board.pair(currency).cloned().unwrap_or_default();
        board.apply(&event, by, at);
        let after = board.pair(currency).cloned().unwrap_or_default();
        let changed = after.rounds.iter().filter(|round| !before.rounds.contains(round)).cloned();
        let mut writes: Vec<StateWrite> = changed.map(StateWrite::Round).collect();
        if before.halt != after.halt {
            writes.push(StateWrite::Halt(currency, after.halt));
        }
        Ok((event, writes))
    }

    /// Publishes what a durable batch changed.
    pub fn made_durable(&self, records: &[Arc<Record>]) {
        self.actor.do_send(MadeDurable(records.to_vec()));
    }
}
