//! A customer in memory, with all accounts: the unit that is hydrated and passivated.
//!
//! Each account's book and each customer's book is owned by its actor. What an actor shares with the sequencing step
//! lies in a cell: the actor judges and reserves, the step posts, both on the lane's thread, so a cell's lock is never
//! contended. It is a lock and not a `RefCell` only because messages must be `Send`.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use actix::Addr;
use hwan_domain::{
    account::{AccountBook, AccountKind},
    customer::CustomerBook,
    id::{AccountId, CustomerId, Seq},
    time::Timestamp,
};
use smallvec::SmallVec;

use super::account::AccountActor;
use crate::storage::port::Holding;

/// Locks a cell. A lock that a panic has poisoned is taken all the same: the panic has ended the lane's generation,
/// and nothing of it is sequenced any more.
pub fn lock<T>(cell: &Mutex<T>) -> MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A customer's book, and the last record that changed it.
#[derive(Debug)]
pub struct CustomerCell {
    /// Facts, limits, and what exchanges in flight have reserved.
    pub book: CustomerBook,
    /// The last record that changed it.
    pub last_seq: Seq,
}

/// An account's book, and the last record that changed it.
#[derive(Debug)]
pub struct AccountCell {
    /// Balances, version, facts, and what commands in flight have reserved or announced.
    pub book: AccountBook,
    /// The last record that changed it.
    pub last_seq: Seq,
    /// Debits that wait for the open reserve to end.
    pub waiting: usize,
}

/// Where to reach an account: its actor, and the cell that the actor shares with the sequencing step.
#[derive(Debug)]
pub struct AccountPost {
    /// Which.
    pub id: AccountId,
    /// Won or foreign.
    pub kind: AccountKind,
    /// Its book.
    pub cell: Arc<Mutex<AccountCell>>,
    /// Its actor.
    pub actor: Addr<AccountActor>,
}

impl AccountPost {
    /// Whether the account is closed at `at`.
    pub fn is_closed(&self, at: Timestamp) -> bool {
        lock(&self.cell).book.state().is_closed(at)
    }
}

/// A customer in memory.
#[derive(Debug)]
pub struct Home {
    /// Which.
    pub id: CustomerId,
    /// The channel that the customer belongs to, for good.
    pub channel: Arc<str>,
    /// The customer's book.
    pub customer: Mutex<CustomerCell>,
    accounts: Mutex<SmallVec<[Arc<AccountPost>; 2]>>,
    in_flight: AtomicU32,
    used_at_tick: AtomicU64,
}

impl Home {
    /// A customer with these accounts, unchanged since `last_seq`.
    pub fn new(book: CustomerBook, last_seq: Seq, accounts: impl IntoIterator<Item = Arc<AccountPost>>) -> Self {
        Self {
            id: book.state().id,
            channel: book.state().channel.clone(),
            customer: Mutex::new(CustomerCell { book, last_seq }),
            accounts: Mutex::new(accounts.into_iter().collect()),
            in_flight: AtomicU32::new(0),
            used_at_tick: AtomicU64::new(0),
        }
    }

    /// The account of this id, if it is this customer's.
    pub fn account(&self, id: AccountId) -> Option<Arc<AccountPost>> {
        lock(&self.accounts).iter().find(|post| post.id == id).cloned()
    }

    /// The customer's account of this kind: the open one, of which there is at most one at `at`; without it the one
    /// that was opened last, which is closed.
    pub fn account_of_kind(&self, kind: AccountKind, at: Timestamp) -> Option<Arc<AccountPost>> {
        let accounts = lock(&self.accounts);
        let mut of_kind = accounts.iter().filter(|post| post.kind == kind);
        let open = of_kind.clone().find(|post| !post.is_closed(at));
        open.or_else(|| of_kind.next_back()).cloned()
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> SmallVec<[Arc<AccountPost>; 2]> {
        lock(&self.accounts).clone()
    }

    /// What the customer holds as sequenced.
    pub fn holding(&self) -> Holding {
        let limits = lock(&self.customer).book.state().limits;
        let mut balances = SmallVec::new();
        for post in lock(&self.accounts).iter() {
            let cell = lock(&post.cell);
            balances.extend(cell.book.state().balances.iter().map(|balance| (post.id, *balance)));
        }
        Holding { customer: self.id, limits, balances }
    }

    /// Adds an account that was opened.
    pub fn add_account(&self, post: Arc<AccountPost>) {
        lock(&self.accounts).push(post);
    }

    /// Keeps the customer in memory while a command is in flight; `None` when `in_flight_max` are.
    pub fn pin(self: &Arc<Self>, in_flight_max: u32) -> Option<Pin> {
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        let pin = Pin(self.clone());
        (before < in_flight_max).then_some(pin)
    }

    /// Notes that it was used, at this tick of the hydrator.
    pub fn touch(&self, tick: u64) {
        self.used_at_tick.store(tick, Ordering::Relaxed);
    }

    /// The tick at which it was last used.
    pub fn used_at_tick(&self) -> u64 {
        self.used_at_tick.load(Ordering::Relaxed)
    }

    /// Whether it can be passivated: nothing is in flight, and all that changed it is durable.
    pub fn is_at_rest(&self, durable: Seq) -> bool {
        self.in_flight.load(Ordering::Acquire) == 0
            && lock(&self.customer).last_seq <= durable
            && lock(&self.accounts).iter().all(|post| {
                let cell = lock(&post.cell);
                cell.last_seq <= durable && cell.book.at_rest()
            })
    }
}

/// Keeps a customer in memory until it is dropped.
#[derive(Debug)]
pub struct Pin(Arc<Home>);

impl Pin {
    /// The customer.
    pub const fn home(&self) -> &Arc<Home> {
        &self.0
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
