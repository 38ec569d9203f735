//! A lane as the watch follows it: the state so far, and every rule of the stream applied to the next record.
//!
//! Bounded: accounts and customers up to a number of each, of keys, reversals and what waits the newest. A record that was here
//! before changes nothing; one that breaks a rule is told once, and the state goes on from what it says. So the same records in
//! the same order make the same alerts, whoever follows them and however often.

use std::collections::{HashMap, VecDeque};

use smallvec::SmallVec;

use super::{
    accounts::{AccountSeen, LegContext, observe_leg},
    alert::{Alert, Subject},
    conduct::{self, CustomerSeen, Dealing},
    interest::{self, InterestSeen},
    legs::{self, Drift},
    once::{KeysSeen, ReversalsSeen, Suspended},
    order::{Arrival, LaneOrder, Link, Sighting},
    policy::WatchPolicy,
    rounds::{Judged, RoundsSeen, Trade},
    rule::Rule,
    standing::{self, SagaSeen},
};
use crate::{
    check::{Check, Direction, Fact},
    control::ControlTotals,
    id::{AccountId, CustomerId, LaneId, Seq},
    record::{Event, Landing, Leg, Record},
    time::{BusinessDate, Timestamp},
};

/// A lane as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneWatch {
    pub(super) lane: LaneId,
    pub(super) order: LaneOrder,
    /// Whether every record since the lane's first was seen: then an account that is not known was never opened.
    pub(super) is_whole: bool,
    /// From this account, or customer, on they are not followed one by one: there are too many.
    pub(super) untracked_from: Option<Seq>,
    pub(super) accounts: HashMap<Seq, AccountSeen>,
    pub(super) customers: HashMap<Seq, CustomerSeen>,
    pub(super) totals: ControlTotals,
    pub(super) drifts: SmallVec<[Drift; 4]>,
    pub(super) reversals: ReversalsSeen,
    pub(super) suspended: VecDeque<Suspended>,
    /// Exchanges whose round did not come yet.
    pub(super) waiting: VecDeque<Trade>,
    keys: KeysSeen,
    /// Exchanges that were given up waiting for their round, because too many did. Not put away.
    unjudged: u64,
}

impl LaneWatch {
    /// A lane from its beginning.
    pub fn begin(lane: LaneId) -> Self {
        Self { is_whole: true, ..Self::begin_after(lane, Seq::ZERO, [0; 32]) }
    }

    /// A lane whose earlier records are gone: after this one, with this hash. What its accounts held before is not known.
    pub fn begin_after(lane: LaneId, seq: Seq, hash: Link) -> Self {
        Self {
            lane,
            order: LaneOrder::after(lane, seq, hash),
            is_whole: false,
            untracked_from: None,
            accounts: HashMap::new(),
            customers: HashMap::new(),
            totals: ControlTotals::default(),
            drifts: SmallVec::new(),
            reversals: ReversalsSeen::default(),
            suspended: VecDeque::new(),
            waiting: VecDeque::new(),
            keys: KeysSeen::default(),
            unjudged: 0,
        }
    }

    /// Which lane.
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Where it stands.
    pub const fn order(&self) -> &LaneOrder {
        &self.order
    }

    /// A day was closed, with this record as the lane's last. A record of that day that was here already is told.
    pub fn close(&mut self, date: BusinessDate, last: Seq, alerts: &mut Vec<Alert>) {
        self.order.close(date, last, alerts);
    }

    /// How many accounts and customers are followed.
    pub fn followed(&self) -> (usize, usize) {
        (self.accounts.len(), self.customers.len())
    }

    /// How many exchanges were not judged by their round, because too many waited for one at once.
    pub const fn unjudged(&self) -> u64 {
        self.unjudged
    }

    /// What the lane's customers hold by its entries, where all of them were seen.
    pub fn totals(&self) -> Option<&ControlTotals> {
        self.is_whole.then_some(&self.totals)
    }

    /// Judges the next record and follows it.
    pub fn observe(
        &mut self,
        sighting: &Sighting<'_>,
        rounds: &mut RoundsSeen,
        policy: &WatchPolicy,
        alerts: &mut Vec<Alert>,
    ) -> Arrival {
        let record = sighting.record;
        let arrival = self.order.observe(sighting, alerts);
        match arrival {
            Arrival::Repeat => return arrival,
            Arrival::AfterGap => self.forget_holdings(),
            Arrival::New => {}
        }
        self.keys.observe(record, policy, alerts);
        self.reversals.observe(record, policy, alerts);
        match &record.event {
            Event::CustomerOpened { .. } => self.open_customer(record.position.seq(), policy),
            Event::AccountOpened { customer, kind } => {
                let seq = record.position.seq();
                if self.accounts.len() < policy.accounts_max {
                    self.accounts.insert(seq, AccountSeen::opened(*customer, *kind));
                } else {
                    self.untracked_from.get_or_insert(seq);
                }
            }
            Event::AccountFactStated { account, customer, fact } => {
                self.state_fact(*account, *customer, *fact, record.at)
            }
            Event::AccountClosed { account, customer } => {
                let closed =
                    Fact { check: Check::AccountClosed, effective_from: record.at, effective_to: None, amount: None };
                self.state_fact(*account, *customer, closed, record.at);
            }
            Event::CustomerFactStated { customer, fact } => {
                if let Some(customer) = self.customer(*customer, policy) {
                    customer.facts.state(*fact, record.at);
                }
            }
            Event::RoundPublished { .. }
            | Event::RoundRefused { .. }
            | Event::RoundVoided { .. }
            | Event::PairHalted { .. }
            | Event::PairResumed { .. } => rounds.observe(record, policy, alerts),
            _ => self.move_money(record, rounds, policy, alerts),
        }
        arrival
    }

    fn open_customer(&mut self, seq: Seq, policy: &WatchPolicy) {
        if self.customers.len() < policy.accounts_max {
            self.customers.insert(seq, CustomerSeen::default());
        } else {
            self.untracked_from.get_or_insert(seq);
        }
    }

    fn state_fact(&mut self, account: AccountId, customer: CustomerId, fact: Fact, at: Timestamp) {
        let is_whole = self.is_whole;
        match self.accounts.get_mut(&account.position().seq()) {
            Some(account) => account.facts.state(fact, at),
            None if !is_whole => {
                let mut met = AccountSeen::met(customer);
                met.facts.state(fact, at);
                self.accounts.insert(account.position().seq(), met);
            }
            None => {}
        }
    }

    /// A customer, met now where its opening was not seen.
    fn customer(&mut self, id: CustomerId, policy: &WatchPolicy) -> Option<&mut CustomerSeen> {
        let seq = id.position().seq();
        if !self.customers.contains_key(&seq) && !self.is_whole && self.customers.len() < policy.accounts_max {
            self.customers.insert(seq, CustomerSeen::default());
        }
        self.customers.get_mut(&seq)
    }

    fn move_money(&mut self, record: &Record, rounds: &mut RoundsSeen, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        legs::judge(record, alerts);
        for (index, leg) in record.event.legs().enumerate() {
            let direction = match &record.event {
                Event::Reversed { .. } if index > 0 => Direction::CompensatingCredit,
                _ if leg.amount.is_negative() => Direction::Debit,
                _ => Direction::Credit,
            };
            self.observe_leg(record, leg, direction, policy, alerts);
        }
        if self.is_whole {
            legs::judge_totals(record, &mut self.totals, alerts);
        }
        match &record.event {
            Event::Exchanged { terms, debit, credit, limited_won, .. } => {
                let (won, foreign) = legs::amounts(terms, debit, credit);
                let deal = Dealing { record, customer: debit.customer, terms, won, foreign };
                if let Some(customer) = self.customer(debit.customer, policy) {
                    conduct::judge(customer, &deal, policy, alerts);
                }
                conduct::judge_cap(record, terms, credit, policy, alerts);
                self.judge_limited(record, debit, *limited_won, policy, alerts);
                legs::judge_drift(&mut self.drifts, record, (terms, won, foreign), policy, alerts);
                self.judge_round(record, rounds, policy, alerts);
            }
            Event::Withdrawn { debit, limited_won } | Event::Transferred { debit, limited_won, .. } => {
                self.judge_limited(record, debit, *limited_won, policy, alerts);
            }
            Event::Reversed { exchange, debit, landing, limits, limited_won, .. } => {
                if let (Some(limits), Some(customer)) = (limits, self.customer(debit.customer, policy)) {
                    customer.limits = *limits;
                }
                if let Landing::Suspense(_) = landing {
                    bounded(&mut self.suspended, policy);
                    let (position, since) = (record.position, record.at);
                    self.suspended.push_back(Suspended { position, exchange: *exchange, since });
                }
                self.judge_limited(record, debit, *limited_won, policy, alerts);
            }
            Event::InterestPaid { account, .. } => self.judge_interest(record, *account, alerts),
            _ => {}
        }
    }

    /// After its leg was followed: an account that is not followed has no days that are known.
    fn judge_interest(&mut self, record: &Record, account: AccountId, alerts: &mut Vec<Alert>) {
        let Some(payment) = InterestSeen::of(record) else { return };
        let seen = self.accounts.get_mut(&account.position().seq()).filter(|_| account.lane() == self.lane);
        interest::judge(&payment, seen.as_ref().and_then(|seen| seen.paid_through), alerts);
        if let Some(seen) = seen {
            seen.paid_through = seen.paid_through.max(Some(payment.payment.through));
        }
    }

    fn judge_limited(
        &self,
        record: &Record,
        debit: &Leg,
        won: Option<i64>,
        policy: &WatchPolicy,
        alerts: &mut Vec<Alert>,
    ) {
        if let Some(won) = won {
            conduct::judge_limited(record, debit, won, policy, alerts);
        }
    }

    fn observe_leg(
        &mut self,
        record: &Record,
        leg: &Leg,
        direction: Direction,
        policy: &WatchPolicy,
        alerts: &mut Vec<Alert>,
    ) {
        let seq = leg.account.position().seq();
        let is_here = leg.account.lane() == self.lane;
        if !self.accounts.contains_key(&seq) || !is_here {
            let is_untracked = self.untracked_from.is_some_and(|from| seq >= from);
            if !is_here || (self.is_whole && !is_untracked) {
                let (subject, here) = (Subject::Account(leg.account), (record.position, record.at));
                let (expected, found) = ("an account of this lane that was opened".to_owned(), "a leg".to_owned());
                alerts.push(Alert::at_record(Rule::OrphanLeg, subject, here, expected, found));
                return;
            }
            if is_untracked || self.accounts.len() >= policy.accounts_max {
                return;
            }
            self.accounts.insert(seq, AccountSeen::met(leg.customer));
        }
        let Self { accounts, customers, .. } = self;
        let Some(account) = accounts.get_mut(&seq) else { return };
        let customer_facts = customers.get(&leg.customer.position().seq()).map(|customer| &customer.facts);
        observe_leg(account, leg, LegContext { record, direction, customer_facts }, alerts);
    }

    fn judge_round(&mut self, record: &Record, rounds: &mut RoundsSeen, policy: &WatchPolicy, alerts: &mut Vec<Alert>) {
        let Some(trade) = Trade::of(record) else { return };
        if rounds.judge(&trade, policy, alerts) == Judged::Unknown {
            while self.waiting.len() >= policy.waiting_max.max(1) {
                // Not told: it is the system lane that is late, and nobody knows what it will bring.
                self.waiting.pop_front();
                self.unjudged = self.unjudged.saturating_add(1);
            }
            self.waiting.push_back(trade);
        }
    }

    /// Judges again what waits for its round, and what waits in suspense. `is_caught_up` says that everything that was durable a
    /// while ago, of the system lane too, was seen: then what has waited too long has no round.
    pub fn look_again(
        &mut self,
        rounds: &mut RoundsSeen,
        now: Timestamp,
        system: SystemLane,
        policy: &WatchPolicy,
        alerts: &mut Vec<Alert>,
    ) {
        let waiting = std::mem::take(&mut self.waiting);
        for trade in waiting {
            if rounds.judge(&trade, policy, alerts) == Judged::Done {
                continue;
            }
            let is_due = trade.at.plus_seconds(policy.round_wait_seconds_max) <= now;
            if is_due && system == SystemLane::CaughtUp {
                RoundsSeen::never_came(&trade, alerts);
            } else {
                self.waiting.push_back(trade);
            }
        }
        for suspended in &self.suspended {
            alerts.extend(standing::saga(&SagaSeen::from(*suspended), now, policy));
            alerts.extend(standing::aged(suspended, now, policy));
        }
    }

    /// Records are missing: nobody knows what the accounts hold, nor which there are.
    fn forget_holdings(&mut self) {
        self.is_whole = false;
        self.accounts.values_mut().for_each(AccountSeen::forget_holdings);
        self.reversals.forget_days();
    }
}

/// How far the system lane was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemLane {
    /// All of it that is known to be durable.
    CaughtUp,
    /// It may bring more.
    Behind,
}

/// Makes room for one more that waits.
fn bounded<T>(waiting: &mut VecDeque<T>, policy: &WatchPolicy) {
    while waiting.len() >= policy.waiting_max.max(1) {
        waiting.pop_front();
    }
}
