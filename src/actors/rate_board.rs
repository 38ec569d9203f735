//! The rate board's actor: the door to rounds, voids and halts, and to the bank's own deals, which share their lane.
//!
//! Orders travel to the system lane, which decides them in its sequencing step on the sequenced board, so that two
//! publications at once get two numbers. What the engine trades at, the published board, follows when a batch is
//! durable and before its answers leave: nobody ever trades at a round that could be lost, nor after a halt was answered.

use std::sync::{Arc, Mutex};

use actix::{Actor, AsyncContext, Context, Handler, Message};
use hwan_domain::{
    board::Board,
    record::{Event, Record},
    rejection::Rejection,
};

use super::{
    customer::KeyIsNew,
    home::lock,
    judge::Situation,
    key_lookup::{AskStore, Asker},
    lane::{Replay, Sequence},
    link::{Common, Fuse, KeyCheck, LaneLink},
    travel::{BoardOrder, Travel},
};
use crate::storage::port::StateWrite;

/// The rate board's mailbox.
pub struct RateBoardActor {
    link: Arc<LaneLink>,
    _fuse: Fuse,
}

impl RateBoardActor {
    /// The actor of a generation of the system lane.
    pub fn new(link: Arc<LaneLink>) -> Self {
        Self { _fuse: link.shared.fuse(), link }
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

/// A change of the board is asked for, or a deal of the bank's own is reported.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Change(pub Box<Travel>);

impl Handler<Change> for RateBoardActor {
    type Result = ();

    fn handle(&mut self, Change(travel): Change, ctx: &mut Context<Self>) {
        if self.link.shared.has_ended() {
            return self.link.shared.turn_away(*travel);
        }
        match self.link.shared.check_key(travel) {
            KeyCheck::New(travel) => self.link.lane.do_send(Sequence(travel)),
            KeyCheck::Finished(travel, seq) => self.link.lane.do_send(Replay { travel, seq }),
            KeyCheck::Unsure(travel) => {
                self.link.key_lookup.do_send(AskStore { travel, asker: Asker::RateBoard(ctx.address()) });
            }
            KeyCheck::Settled => {}
        }
    }
}

impl Handler<KeyIsNew> for RateBoardActor {
    type Result = ();

    fn handle(&mut self, KeyIsNew(travel): KeyIsNew, _: &mut Context<Self>) {
        self.link.lane.do_send(Sequence(travel));
    }
}

/// The board's seat in the system lane: the sequenced board, and the durable one, which the engine trades at.
#[derive(Debug)]
pub struct BoardSeat {
    sequenced: Mutex<Board>,
    durable: Mutex<Board>,
}

impl BoardSeat {
    /// A seat of a board that is durable as it stands.
    pub fn new(durable: Board) -> Self {
        Self { sequenced: Mutex::new(durable.clone()), durable: Mutex::new(durable) }
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

    /// Publishes what a durable batch changed: before anybody is told, so that nothing trades against what was answered.
    pub fn made_durable(&self, records: &[Arc<Record>], common: &Common) {
        let mut durable = lock(&self.durable);
        for record in records {
            durable.apply(&record.event, &record.origin.caller, record.at);
        }
        if let Some(last) = records.last() {
            common.publish_board(last.position.seq(), durable.clone());
        }
    }
}
