//! Asks the store about keys, quotes and reversals for which the lane's memory is not complete: many at a time, one read.
//!
//! Bounded by the door: each question is a command in flight.

use std::{collections::HashMap, sync::Weak};

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use hwan_domain::record::KeyDigest;

use super::{
    command::{NotDone, Refusal},
    customer::{CustomerActor, KeyIsNew},
    home::lock,
    hydrator::OpeningIsNew,
    idempotency::UsedOnce,
    link::{Fuse, LaneLink, LaneShared, answer_all, replay},
    rate_board::RateBoardActor,
    travel::Travel,
};
use crate::storage::port::{JournalRow, StoreError};

/// How many digests one read asks for.
const DIGESTS_PER_READ_MAX: usize = 256;

/// Asks the store about keys, and what else is used once.
#[derive(Debug)]
pub struct KeyLookupActor {
    shared: std::sync::Arc<LaneShared>,
    link: Weak<LaneLink>,
    queued: Vec<AskStore>,
    reading: bool,
    _fuse: Fuse,
}

impl KeyLookupActor {
    /// The lookup of a generation.
    pub fn new(shared: std::sync::Arc<LaneShared>, link: Weak<LaneLink>) -> Self {
        Self { _fuse: shared.fuse(), shared, link, queued: Vec::new(), reading: false }
    }

    fn read(&mut self, ctx: &mut Context<Self>) {
        if self.reading || self.queued.is_empty() {
            return;
        }
        self.reading = true;
        let count = self.queued.len().min(DIGESTS_PER_READ_MAX / 2);
        let asked: Vec<AskStore> = self.queued.drain(..count).collect();
        let digests: Vec<KeyDigest> = asked.iter().flat_map(|ask| digests(&ask.travel)).collect();
        let store = self.shared.common.store.clone();
        let read = async move { (store.find_keys(&digests).await, asked) };
        ctx.spawn(read.into_actor(self).map(|(found, asked), actor, ctx| {
            actor.reading = false;
            actor.tell(found, asked);
            actor.read(ctx);
        }));
    }

    fn tell(&self, found: Result<Vec<(KeyDigest, JournalRow)>, StoreError>, asked: Vec<AskStore>) {
        let found: HashMap<KeyDigest, JournalRow> = match found {
            Ok(found) => found.into_iter().collect(),
            Err(error) => {
                tracing::warn!(lane = %self.shared.lane, %error, "keys could not be looked up: the commands are not done");
                for ask in asked {
                    self.shared.refuse(*ask.travel, Refusal::NotDone(NotDone::LaneClosed));
                }
                return;
            }
        };
        for AskStore { mut travel, asker } in asked {
            if let Some(row) = travel.key.as_ref().and_then(|key| found.get(&key.used.digest)) {
                let outcome = replay(travel.key.as_ref(), row.record.clone());
                let joined = travel.key.as_ref().map(|key| lock(&self.shared.keys).turn_back(key.used.digest));
                answer_all(travel.reply, joined.unwrap_or_default(), outcome);
                continue;
            }
            if let Some(used) = travel.used_once()
                && let Some(row) = found.get(&used.digest())
            {
                travel.violations.push(used.used_before(row.record.position));
            }
            match asker {
                Asker::Customer(customer) => customer.do_send(KeyIsNew(travel)),
                Asker::RateBoard(board) => board.do_send(KeyIsNew(travel)),
                Asker::Hydrator => match self.link.upgrade() {
                    Some(link) => link.hydrator.do_send(OpeningIsNew(travel)),
                    None => self.shared.refuse(*travel, Refusal::NotDone(NotDone::LaneClosed)),
                },
            }
        }
    }
}

fn digests(travel: &Travel) -> impl Iterator<Item = KeyDigest> {
    let key = travel.key.as_ref().map(|key| key.used.digest);
    key.into_iter().chain(travel.used_once().map(UsedOnce::digest))
}

impl Actor for KeyLookupActor {
    type Context = Context<Self>;
}

/// A command for whose key, or what else it uses up, memory is not complete.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct AskStore {
    /// The command; its key is noted as in flight.
    pub travel: Box<Travel>,
    /// Who goes on with it if it is new.
    pub asker: Asker,
}

/// Who goes on with a command whose key turned out to be new.
#[derive(Debug)]
pub enum Asker {
    /// The customer's actor.
    Customer(Addr<CustomerActor>),
    /// The hydrator, which opens customers.
    Hydrator,
    /// The rate board's actor.
    RateBoard(Addr<RateBoardActor>),
}

impl Handler<AskStore> for KeyLookupActor {
    type Result = ();

    fn handle(&mut self, ask: AskStore, ctx: &mut Context<Self>) {
        self.queued.push(ask);
        self.read(ctx);
    }
}
