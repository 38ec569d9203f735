//! The hydrator: brings customers into memory on first use, lets idle ones go, and opens new ones.
//!
//! A customer comes and goes with all accounts. Visitors of a customer that is being read wait here; they are in
//! flight, so the door bounds them. A transfer waits until both owners are in memory. Memory follows the active
//! customers: each tick looks at a share of the residents and passivates who is idle, or, beyond the bound, who was
//! not used lately.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{Arc, Weak},
    time::Duration,
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use hwan_domain::{
    customer::CustomerBook,
    id::{CustomerId, Seq},
};

use super::{
    command::{Command, NotDone, Overload, Refusal, Viewer},
    customer::Ask,
    directory::{Reached, Visitor},
    door::overloaded,
    home::Home,
    key_lookup::{AskStore, Asker},
    lane::{Replay, Sequence},
    link::{Ending, Fuse, KeyCheck, LaneLink, LaneShared},
    look::Look,
    sequence::{account_post, move_in},
    travel::{Travel, Work},
};
use crate::storage::port::{Household, StoreError};

/// Reads of customers at once.
const READS_MAX: usize = 4;
/// Customers that one read brings at most.
const CUSTOMERS_PER_READ_MAX: usize = 128;
/// How often residents are looked at.
pub const TICK: Duration = Duration::from_secs(1);
/// The share of the residents that one tick looks at is one part in this many, so that a tick stays short.
const TICKS_PER_ROUND: usize = 10;
/// The least number of residents that one tick looks at.
const LOOK_AT_MIN: usize = 256;

/// Brings customers into memory, lets them go, opens new ones.
pub struct HydratorActor {
    shared: Arc<LaneShared>,
    link: Weak<LaneLink>,
    /// Who waits for which customer to be read; each with the customer it is a visit to.
    waiting: HashMap<CustomerId, Vec<(CustomerId, Visit)>>,
    /// Customers that were opened, changed and let go while they were being read: what was read is stale.
    stale: HashSet<CustomerId>,
    /// Customers to be read; each of them is waited for, so the door bounds them.
    wanted: Vec<CustomerId>,
    /// Reads under way.
    reading: usize,
    _fuse: Fuse,
}

/// Somebody who wants to reach a customer.
#[derive(Debug)]
pub enum Visit {
    /// A command.
    Command(Box<Travel>),
    /// A transfer to an account of another customer.
    Transfer(Box<Travel>, CustomerId),
    /// A read.
    Look(Box<Look>),
}

impl Visitor for Visit {
    fn who(&self) -> &Viewer {
        match self {
            Visit::Command(travel) | Visit::Transfer(travel, _) => &travel.who,
            Visit::Look(look) => &look.who,
        }
    }
}

impl Visit {
    /// That whom it visits is not there.
    fn absent(&self) -> Refusal {
        match self {
            Visit::Command(travel) | Visit::Transfer(travel, _) => travel.absent(),
            Visit::Look(look) => look.absent(),
        }
    }
}

impl HydratorActor {
    /// The hydrator of a generation.
    pub fn new(shared: Arc<LaneShared>, link: Weak<LaneLink>) -> Self {
        Self {
            _fuse: shared.fuse(),
            shared,
            link,
            waiting: HashMap::new(),
            stale: HashSet::new(),
            wanted: Vec::new(),
            reading: 0,
        }
    }

    fn admit(&mut self, customer: CustomerId, visit: Visit, ctx: &mut Context<Self>) {
        let Some(link) = self.link.upgrade().filter(|link| !link.shared.has_ended()) else {
            return self.refuse(visit, Refusal::NotDone(NotDone::LaneClosed));
        };
        let missing = match &visit {
            _ if !link.directory.holds(customer) => Some(customer),
            Visit::Transfer(_, other) if !link.directory.holds(*other) => Some(*other),
            _ => None,
        };
        let Some(missing) = missing else { return self.dispatch(&link, customer, visit) };
        match self.waiting.entry(missing) {
            Entry::Occupied(mut entry) => entry.get_mut().push((customer, visit)),
            Entry::Vacant(entry) => {
                entry.insert(vec![(customer, visit)]);
                self.read(missing, ctx);
            }
        }
    }

    /// Has a customer read: at once, or, while enough reads are under way, with the others that are wanted by then.
    fn read(&mut self, id: CustomerId, ctx: &mut Context<Self>) {
        self.wanted.push(id);
        self.read_on(ctx);
    }

    fn read_on(&mut self, ctx: &mut Context<Self>) {
        while self.reading < READS_MAX && !self.wanted.is_empty() {
            let ids: Vec<CustomerId> = self.wanted.drain(..self.wanted.len().min(CUSTOMERS_PER_READ_MAX)).collect();
            self.reading += 1;
            let store = self.shared.common.store.clone();
            let read = async move {
                let found = store.households(&ids).await;
                (ids, found)
            };
            ctx.spawn(read.into_actor(self).map(|(ids, found), actor, ctx| actor.have_read(&ids, found, ctx)));
        }
    }

    fn have_read(&mut self, ids: &[CustomerId], found: Result<Vec<Household>, StoreError>, ctx: &mut Context<Self>) {
        self.reading -= 1;
        match found {
            Ok(households) => {
                let mut households: HashMap<CustomerId, Household> =
                    households.into_iter().map(|household| (household.customer.id, household)).collect();
                for id in ids {
                    let found = households.remove(id);
                    self.arrived(*id, Ok(found), ctx);
                }
            }
            Err(error) => ids.iter().for_each(|id| self.arrived(*id, Err(error.clone()), ctx)),
        }
        self.read_on(ctx);
    }

    /// Sends a visit on; everybody it needs is in memory.
    fn dispatch(&self, link: &LaneLink, customer: CustomerId, mut visit: Visit) {
        if let Visit::Transfer(travel, other) = &mut visit {
            let mut pinned = None;
            match link.directory.reach(*other, &travel.who, |_, pin, _| pinned = Some(pin)) {
                Reached::Visited => travel.pins.other = pinned,
                Reached::Foreign(_) => return self.foreign_to_transfer(link, customer, visit),
                Reached::Absent(_) | Reached::Crowded(_) => return self.crowded(visit),
            }
        }
        let reached = link.directory.reach(customer, visit, |resident, pin, visit| match visit {
            Visit::Command(mut travel) | Visit::Transfer(mut travel, _) => {
                travel.pins.own = Some(pin);
                resident.actor.do_send(Ask(travel));
            }
            Visit::Look(mut look) => {
                look.pin = Some(pin);
                resident.actor.do_send(*look);
            }
        });
        match reached {
            Reached::Visited => {}
            Reached::Foreign(visit) => self.absent(visit),
            Reached::Absent(visit) | Reached::Crowded(visit) => self.crowded(visit),
        }
    }

    /// The credit's owner is not there for who asked. The debit's comes first, as where neither exists.
    fn foreign_to_transfer(&self, link: &LaneLink, customer: CustomerId, visit: Visit) {
        let refusal = match &visit {
            Visit::Transfer(travel, _)
                if !matches!(link.directory.reach(customer, &travel.who, |_, _, _| ()), Reached::Foreign(_)) =>
            {
                travel.absent_credit()
            }
            visit => visit.absent(),
        };
        self.refuse(visit, refusal);
    }

    /// Answers as if what the visit is to did not exist.
    fn absent(&self, visit: Visit) {
        let refusal = visit.absent();
        self.refuse(visit, refusal);
    }

    fn crowded(&self, visit: Visit) {
        self.refuse(visit, overloaded(Overload::InFlightOfCustomer));
    }

    fn arrived(&mut self, id: CustomerId, found: Result<Option<Household>, StoreError>, ctx: &mut Context<Self>) {
        if self.stale.remove(&id) {
            return self.read(id, ctx);
        }
        let visits = self.waiting.remove(&id).unwrap_or_default();
        let link = self.link.upgrade().filter(|link| !link.shared.has_ended());
        match (found, link) {
            (Ok(Some(household)), Some(link)) => {
                if !link.directory.holds(id) {
                    hydrate(&link, household);
                }
                for (customer, visit) in visits {
                    self.admit(customer, visit, ctx);
                }
            }
            (Ok(None), Some(_)) => {
                visits.into_iter().for_each(|(_, visit)| self.absent(visit));
            }
            (found, _) => {
                if let Err(StoreError::Damaged(reason)) = &found {
                    tracing::error!(lane = %self.shared.lane, reason, "a customer as stored cannot be: the lane stops");
                    self.shared.end(Ending::Breached(reason.clone()), None);
                } else if let Err(error) = found {
                    tracing::warn!(lane = %self.shared.lane, %error, "a customer could not be read: the commands are not done");
                }
                let refusal = Refusal::NotDone(NotDone::LaneClosed);
                visits.into_iter().for_each(|(_, visit)| self.refuse(visit, refusal.clone()));
            }
        }
    }

    /// Answers a visit that reached nobody. Its key was not noted yet, so nobody can have joined it.
    fn refuse(&self, visit: Visit, refusal: Refusal) {
        match visit {
            Visit::Command(travel) | Visit::Transfer(travel, _) => travel.reply.send(Err(refusal)),
            Visit::Look(look) => look.refuse(refusal),
        }
    }

    fn open(&self, mut travel: Box<Travel>) {
        if let Work::Asked(Command::OpenCustomer { reference, channel }) = &travel.work {
            let (reference, channel) = (reference.as_deref().map(Arc::from), channel.clone());
            travel.work = Work::OpenCustomer { reference, channel };
        }
        match self.link.upgrade() {
            Some(link) => link.lane.do_send(Sequence(travel)),
            None => self.shared.refuse(*travel, Refusal::NotDone(NotDone::LaneClosed)),
        }
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let Some(link) = self.link.upgrade().filter(|link| !link.shared.has_ended()) else {
            let waiting: Vec<_> = self.waiting.drain().flat_map(|(_, visits)| visits).collect();
            waiting.into_iter().for_each(|(_, visit)| self.refuse(visit, Refusal::NotDone(NotDone::LaneClosed)));
            return ctx.stop();
        };
        let limits = &self.shared.common.limits;
        let (residents, directory) = (link.directory.residents(), &link.directory);
        let look_at =
            (residents / TICKS_PER_ROUND).max(LOOK_AT_MIN).max(residents.saturating_sub(limits.resident_customers_max));
        let idle_ticks = limits.idle_after.as_secs() / TICK.as_secs().max(1);
        let left = directory.sweep(self.shared.durable(), look_at, idle_ticks, limits.resident_customers_max);
        self.stale.extend(left.into_iter().filter(|customer| self.waiting.contains_key(customer)));
        directory.tick();
    }
}

/// Brings a customer into memory as committed.
///
/// Whoever is not in memory is at rest, with everything durable: so what is read is what was sequenced last.
fn hydrate(link: &Arc<LaneLink>, household: Household) {
    let accounts = household.accounts.into_iter().map(|state| account_post(link, state, Seq::ZERO));
    move_in(link, Home::new(CustomerBook::new(household.customer), Seq::ZERO, accounts));
}

impl Actor for HydratorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, |actor, ctx| actor.sweep(ctx));
    }
}

impl std::fmt::Debug for HydratorActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HydratorActor").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Somebody wants to reach a customer that is not in memory.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Admit {
    /// The customer.
    pub customer: CustomerId,
    /// Who, and why.
    pub visit: Visit,
}

impl Handler<Admit> for HydratorActor {
    type Result = ();

    fn handle(&mut self, Admit { customer, visit }: Admit, ctx: &mut Context<Self>) {
        self.admit(customer, visit, ctx);
    }
}

/// A customer is to be opened.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Open(pub Box<Travel>);

impl Handler<Open> for HydratorActor {
    type Result = ();

    fn handle(&mut self, Open(travel): Open, _: &mut Context<Self>) {
        if self.shared.has_ended() {
            return self.shared.turn_away(*travel);
        }
        match self.shared.check_key(travel) {
            KeyCheck::New(travel) => self.open(travel),
            KeyCheck::Unsure(travel) => match self.link.upgrade() {
                Some(link) => link.key_lookup.do_send(AskStore { travel, asker: Asker::Hydrator }),
                None => self.shared.refuse(*travel, Refusal::NotDone(NotDone::LaneClosed)),
            },
            KeyCheck::Finished(travel, seq) => {
                if let Some(link) = self.link.upgrade() {
                    link.lane.do_send(Replay { travel, seq });
                }
            }
            KeyCheck::Settled => {}
        }
    }
}

/// The store was asked: the opening's key was never used.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct OpeningIsNew(pub Box<Travel>);

impl Handler<OpeningIsNew> for HydratorActor {
    type Result = ();

    fn handle(&mut self, OpeningIsNew(travel): OpeningIsNew, _: &mut Context<Self>) {
        self.open(travel);
    }
}
