//! The directory: which of a lane's customers are in memory, and where. The only place that knows the concurrent map.
//! It lives and dies with a generation of its lane.
//!
//! A resident is pinned and addressed under the map's guard, and removed only under it and only when nothing is in
//! flight: so no message can be left behind in the mailbox of an actor that is passivated.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use actix::Addr;
use dashmap::DashMap;
use hwan_domain::id::{AccountId, CustomerId, Seq};

use super::{
    account::TurnBack,
    command::Viewer,
    customer::CustomerActor,
    home::{Home, Pin, lock},
    travel::Travel,
};

/// A customer in memory and its actor.
#[derive(Clone, Debug)]
pub struct Resident {
    /// The customer's actor.
    pub actor: Addr<CustomerActor>,
    /// The customer.
    pub home: Arc<Home>,
}

/// Whoever wants to reach a customer.
pub trait Visitor {
    /// Who asks.
    fn who(&self) -> &Viewer;
}

impl Visitor for Box<Travel> {
    fn who(&self) -> &Viewer {
        &self.who
    }
}

impl Visitor for &Viewer {
    fn who(&self) -> &Viewer {
        self
    }
}

/// What became of an attempt to reach a resident; who was not let in comes back.
pub enum Reached<V> {
    /// It is in memory, and was visited.
    Visited,
    /// It is not in memory.
    Absent(V),
    /// It is in memory, but not there for this viewer.
    Foreign(V),
    /// Too many commands of this customer are in flight.
    Crowded(V),
}

/// Which of a lane's customers are in memory.
#[derive(Debug)]
pub struct Directory {
    residents: DashMap<CustomerId, Resident>,
    owners: DashMap<AccountId, CustomerId>,
    /// Residents in the order in which the sweep looks at them.
    rounds: Mutex<VecDeque<CustomerId>>,
    in_flight_per_customer_max: u32,
    tick: AtomicU64,
}

impl Directory {
    /// An empty directory.
    pub fn new(in_flight_per_customer_max: u32) -> Self {
        Self {
            residents: DashMap::new(),
            owners: DashMap::new(),
            rounds: Mutex::new(VecDeque::new()),
            in_flight_per_customer_max,
            tick: AtomicU64::new(0),
        }
    }

    /// Pins a resident and lets `visit` address it, under the guard. Whom the viewer does not reach is not touched: what
    /// comes of it must not differ from what comes of a customer that does not exist.
    pub fn reach<V: Visitor>(
        &self,
        customer: CustomerId,
        visitor: V,
        visit: impl FnOnce(&Resident, Pin, V),
    ) -> Reached<V> {
        let Some(resident) = self.residents.get(&customer) else { return Reached::Absent(visitor) };
        if !visitor.who().sees(&resident.home.channel) {
            return Reached::Foreign(visitor);
        }
        let Some(pin) = resident.home.pin(self.in_flight_per_customer_max) else { return Reached::Crowded(visitor) };
        resident.home.touch(self.tick.load(Ordering::Relaxed));
        visit(&resident, pin, visitor);
        Reached::Visited
    }

    /// Whether a customer is in memory.
    pub fn holds(&self, customer: CustomerId) -> bool {
        self.residents.contains_key(&customer)
    }

    /// The owner of an account, if the owner is in memory.
    pub fn owner(&self, account: AccountId) -> Option<CustomerId> {
        self.owners.get(&account).map(|owner| *owner)
    }

    /// Moves a customer in.
    pub fn move_in(&self, resident: Resident) {
        let customer = resident.home.id;
        for post in resident.home.accounts() {
            self.owners.insert(post.id, customer);
        }
        resident.home.touch(self.tick.load(Ordering::Relaxed));
        if self.residents.insert(customer, resident).is_none() {
            lock(&self.rounds).push_back(customer);
        }
    }

    /// Notes the owner of an account that was opened.
    pub fn own(&self, account: AccountId, customer: CustomerId) {
        self.owners.insert(account, customer);
    }

    /// Customers in memory.
    pub fn residents(&self) -> usize {
        self.residents.len()
    }

    /// Some of the customers in memory, at most so many, picked by `pick`, which gives a number below the one that it gets.
    pub fn sample(&self, customers_max: usize, mut pick: impl FnMut(usize) -> usize) -> Vec<CustomerId> {
        let rounds = lock(&self.rounds);
        if rounds.len() <= customers_max {
            return rounds.iter().copied().collect();
        }
        let mut picked: Vec<CustomerId> =
            (0..customers_max).filter_map(|_| rounds.get(pick(rounds.len())).copied()).collect();
        drop(rounds);
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    /// Accounts in memory.
    pub fn accounts(&self) -> usize {
        self.owners.len()
    }

    /// One step of the sweep: looks at up to `look_at` residents in turn and passivates those that are at rest and either
    /// idle for `idle_ticks` or, beyond `residents_max`, not used since the last tick. Returns who left.
    pub fn sweep(&self, durable: Seq, look_at: usize, idle_ticks: u64, residents_max: usize) -> Vec<CustomerId> {
        let tick = self.tick.load(Ordering::Relaxed);
        let mut left = Vec::new();
        for _ in 0..look_at.min(self.residents.len()) {
            let Some(customer) = lock(&self.rounds).pop_front() else { break };
            let crowded = self.residents.len() > residents_max;
            let leaving = self.residents.remove_if(&customer, |_, resident| {
                let used = resident.home.used_at_tick();
                let idle = tick.saturating_sub(used) > idle_ticks;
                (idle || (crowded && used < tick)) && resident.home.is_at_rest(durable)
            });
            match leaving {
                Some((_, resident)) => {
                    self.disown(&resident.home);
                    left.push(customer);
                }
                None => lock(&self.rounds).push_back(customer),
            }
        }
        left
    }

    /// Moves the sweep's time on by one tick.
    pub fn tick(&self) {
        self.tick.fetch_add(1, Ordering::Relaxed);
    }

    /// Moves everybody out: the generation has ended.
    pub fn clear(&self) {
        for resident in &self.residents {
            resident.home.accounts().iter().for_each(|post| post.actor.do_send(TurnBack));
        }
        self.residents.clear();
        self.owners.clear();
        lock(&self.rounds).clear();
    }

    fn disown(&self, home: &Home) {
        for post in home.accounts() {
            self.owners.remove(&post.id);
        }
    }
}
