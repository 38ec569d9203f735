//! What clients ask: random operations of a small town, with everything that clients do wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hwan::actors::command::{Command, MarketOrder, Order, Reach};
use hwan_domain::{
    account::AccountKind,
    board::Publication,
    check::{Check, Fact},
    currency::Currency,
    exchange::{Ask, Side},
    guard::Proposal,
    id::{AccountId, CustomerId, Position},
    money::Money,
    quote::Quote,
    record::{Event, Record, RequestDigest},
    revision::AccountRevision,
    round::RoundId,
    time::Timestamp,
};
use rust_decimal::Decimal;

use crate::{
    board::BoardAct,
    dice::Dice,
    history::{Act, Op},
    rules, world,
};

/// A customer that clients know of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) customer: CustomerId,
    pub(crate) won: Option<AccountId>,
    pub(crate) foreign: Option<AccountId>,
}

/// What clients know.
#[derive(Debug, Default)]
pub(crate) struct Town {
    pub(crate) families: Vec<Family>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) rounds: Vec<(RoundId, Currency)>,
    /// Who halted which pair.
    pub(crate) halts: Vec<(Currency, Arc<str>)>,
    pub(crate) places: Vec<Position>,
    pub(crate) exchanges: Vec<Arc<Record>>,
    /// Other movements of money.
    movements: Vec<Arc<Record>>,
    /// What accounts hold, as far as clients were told: with the version they were told of.
    held: BTreeMap<(AccountId, Currency), (u64, Money)>,
    closed: BTreeSet<AccountId>,
    /// What accounts were seen to be at.
    pub(crate) revisions: BTreeMap<AccountId, AccountRevision>,
}

impl Town {
    /// Accounts that held something and are believed to hold nothing now.
    fn emptied(&self) -> Vec<AccountId> {
        let mut accounts: BTreeMap<AccountId, bool> = BTreeMap::new();
        for ((account, _), (_, amount)) in &self.held {
            *accounts.entry(*account).or_insert(true) &= amount.is_zero();
        }
        let emptied = accounts.into_iter().filter(|(account, empty)| *empty && !self.closed.contains(account));
        emptied.map(|(account, _)| account).collect()
    }

    /// Exchanges that were paid from an account that is closed by now.
    fn orphaned(&self) -> Vec<Arc<Record>> {
        let paid =
            |record: &&Arc<Record>| record.event.legs().next().is_some_and(|leg| self.closed.contains(&leg.account));
        self.exchanges.iter().filter(paid).cloned().collect()
    }

    /// Learns from a record that a client was answered with.
    pub(crate) fn learn(&mut self, record: &Arc<Record>) {
        self.places.push(record.position);
        for leg in record.event.legs() {
            let held = self.held.entry((leg.account, leg.amount.currency())).or_insert((0, leg.balance_after));
            if leg.version > held.0 {
                *held = (leg.version, leg.balance_after);
            }
        }
        if matches!(record.event, Event::Exchanged { .. }) {
            self.exchanges.push(record.clone());
        } else if record.event.legs().next().is_some() {
            self.movements.push(record.clone());
        }
        match &record.event {
            Event::CustomerOpened { .. } => {
                let customer = CustomerId::at(record.position);
                if !self.families.iter().any(|family| family.customer == customer) {
                    self.families.push(Family { customer, won: None, foreign: None });
                }
            }
            Event::AccountOpened { customer, kind } => {
                let id = AccountId::at(record.position);
                for family in self.families.iter_mut().filter(|family| family.customer == *customer) {
                    match kind {
                        AccountKind::Won => family.won = Some(id),
                        AccountKind::Foreign => family.foreign = Some(id),
                    }
                }
            }
            Event::AccountClosed { account, .. } => {
                self.closed.insert(*account);
            }
            Event::RoundPublished { round, findings } => {
                self.rounds.push((round.id, round.currency));
                if !findings.is_empty() {
                    self.halts.push((round.currency, record.origin.caller.clone()));
                }
            }
            Event::RoundRefused { currency, .. }
            | Event::RoundVoided { currency, .. }
            | Event::PairHalted { currency, .. } => self.halts.push((*currency, record.origin.caller.clone())),
            Event::PairResumed { currency } => self.halts.retain(|(halted, _)| halted != currency),
            _ => {}
        }
    }
}

/// The middle rate around which a currency moves.
fn usual_rate(currency: Currency) -> Decimal {
    Decimal::from_i128_with_scale(
        match currency.code() {
            "USD" => 135_050,
            "JPY" => 93_406,
            _ => 545,
        },
        2,
    )
}

fn foreign(dice: &mut Dice) -> Currency {
    world::currency(dice.any(["USD", "USD", "JPY", "VND"]))
}

fn some_money(dice: &mut Dice, currency: Currency) -> Money {
    let minor = match (currency.code(), dice.below(10)) {
        (_, 0) => 1,
        ("KRW", 1) => 10_000_000,
        ("KRW", _) => dice.within(1, 150_000),
        ("USD", _) => dice.within(1, 10_000),
        ("JPY", _) => dice.within(1, 15_000),
        _ => dice.within(1, 900_000),
    };
    Money::from_minor(minor, currency).expect("a small amount")
}

/// Draws operations.
pub(crate) struct Clients {
    pub(crate) dice: Dice,
    pub(crate) town: Town,
    numbered: u64,
    resumed: BTreeSet<Arc<str>>,
}

impl Clients {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, town: Town::default(), numbered: 0, resumed: BTreeSet::new() }
    }

    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// An operation of its own, with or without a key.
    pub(crate) fn op(&mut self, act: Act, now: Timestamp) -> Op {
        let number = self.number();
        let mut request = [0_u8; 16];
        request[..8].copy_from_slice(&number.to_be_bytes());
        let keyed = matches!(act, Act::Command(_)) && !self.dice.one_in(12);
        let key = keyed.then(|| self.key(number, now));
        let caller = match (&act, keyed) {
            (_, true) => self.channel(),
            (Act::Board(BoardAct::Resume(currency)), _) if self.dice.one_in(5) => self.halter(*currency, number),
            _ => Arc::from(format!("alone-{number}")),
        };
        // A confined caller without a key has a name of its own: no customer is that channel's.
        let is_confined = match (&act, keyed) {
            (Act::Board(_), _) => false,
            (_, true) => self.dice.one_in(3),
            (_, false) => self.dice.one_in(12),
        };
        let reach = if is_confined { Reach::OwnCustomers } else { Reach::All };
        Op { act, key, caller, reach, request: RequestDigest(request) }
    }

    /// One of two channels, to which customers belong.
    pub(crate) fn channel(&mut self) -> Arc<str> {
        Arc::from(if self.dice.one_in(2) { "branch" } else { "app" })
    }

    /// The very one who halted a pair, who may not resume it.
    fn halter(&mut self, currency: Currency, number: u64) -> Arc<str> {
        let halt = self.town.halts.iter().find(|(halted, _)| *halted == currency);
        match halt {
            // Once each, so that a record still tells whose it is.
            Some((_, by)) if self.resumed.insert(by.clone()) => by.clone(),
            _ => Arc::from(format!("alone-{number}")),
        }
    }

    fn key(&mut self, number: u64, now: Timestamp) -> String {
        // Clients' clocks differ by a little, some by a lot.
        let off = match self.dice.below(40) {
            0..5 => 4_990,
            5..9 => -self.dice.within(5_000, 60_000),
            9 => self.dice.within(6_000, 9_000),
            _ => self.dice.within(-200, 200),
        };
        if self.dice.one_in(3) {
            return format!("order-{number}");
        }
        let millis = u64::try_from(now.micros() / 1_000 + off).unwrap_or(0);
        let mut random = [0_u8; 10];
        random[2..].copy_from_slice(&(self.dice.draw() ^ number).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
    }

    fn family(&mut self) -> Option<Family> {
        self.dice.pick(&self.town.families).copied()
    }

    fn account(&mut self) -> Option<AccountId> {
        let family = self.family()?;
        let first = if self.dice.one_in(3) { family.foreign } else { family.won };
        first.or(family.won)
    }

    /// What one client asks next.
    pub(crate) fn act(&mut self, now: Timestamp) -> Option<Act> {
        let act = match self.dice.below(100) {
            0..2 => {
                let channel = self.dice.one_in(2).then(|| self.channel());
                Act::Command(Command::OpenCustomer { reference: None, channel })
            }
            2..6 => {
                let kind = self.dice.any([AccountKind::Won, AccountKind::Foreign]);
                Act::Command(Command::OpenAccount { customer: self.family()?.customer, kind })
            }
            6..16 => {
                let account = self.account()?;
                let amount = self.amount_of(account);
                Act::Command(Command::Deposit { account, amount })
            }
            16..20 => {
                let account = self.account()?;
                let amount = self.amount_of(account);
                Act::Command(Command::Withdraw { account, amount })
            }
            20..31 => self.transfer()?,
            31..35 => self.reversal()?,
            35..41 => self.closing()?,
            41..64 => {
                let order = self.order()?;
                Act::Command(Command::Exchange(Box::new(Order::AtMarket(order))))
            }
            64..70 => {
                let quote = *self.dice.pick(&self.town.quotes)?;
                Act::Command(Command::Exchange(Box::new(Order::AtQuote(quote))))
            }
            70..76 => Act::Quote(self.order()?, 200 + self.dice.below(6_000)),
            76..78 => Act::Trial(self.order()?),
            78..83 => self.fact(now)?,
            83..86 => Act::ReadCustomer(self.family()?.customer),
            86..92 => Act::ReadAccount(self.account()?),
            92 => Act::ReadRecord(*self.dice.pick(&self.town.places)?),
            93 => Act::Command(Command::Deposit {
                account: AccountId::at(self.family()?.customer.position()), // a customer is no account
                amount: some_money(&mut self.dice, Currency::KRW),
            }),
            _ => Act::Board(self.board(now)),
        };
        Some(act)
    }

    /// Mostly one of the newest exchanges; now and then what is no exchange at all, or one that was reversed before.
    fn reversal(&mut self) -> Option<Act> {
        let newest = self.town.exchanges.len().saturating_sub(6);
        let recent = self.town.exchanges.get(newest..).unwrap_or_default();
        let orphaned = self.town.orphaned();
        let from = match self.dice.below(15) {
            0 => &self.town.movements,
            1..8 if !orphaned.is_empty() => &orphaned,
            _ => recent,
        };
        let exchange = self.dice.pick(from)?.clone();
        Some(Act::Command(Command::Reverse { exchange, reason: "at a wrong rate".into() }))
    }

    /// Closes what is believed to be empty, or empties it first. Mostly an account that paid for an exchange not long
    /// ago: what comes back of that has to wait then.
    fn closing(&mut self) -> Option<Act> {
        let paid = self.dice.pick(&self.town.exchanges).and_then(|record| record.event.legs().next());
        let emptied = self.dice.pick(&self.town.emptied()).copied();
        let account = match (emptied, paid.map(|leg| leg.account)) {
            (Some(account), _) if !self.dice.one_in(3) => account,
            (_, Some(account)) if !self.dice.one_in(3) => account,
            _ => self.account()?,
        };
        let held = self.town.held.iter().find(|((of, _), (_, amount))| *of == account && !amount.is_zero());
        Some(Act::Command(match held {
            Some((_, (_, amount))) if !self.dice.one_in(6) => Command::Withdraw { account, amount: *amount },
            _ => Command::CloseAccount { account, expected: self.expected(account) },
        }))
    }

    /// What an account was seen to be at, now and then.
    fn expected(&mut self, account: AccountId) -> Option<AccountRevision> {
        self.town.revisions.get(&account).copied().filter(|_| self.dice.one_in(3))
    }

    fn amount_of(&mut self, account: AccountId) -> Money {
        let is_won = self.town.families.iter().any(|family| family.won == Some(account));
        let currency = if is_won != self.dice.one_in(25) { Currency::KRW } else { foreign(&mut self.dice) };
        if self.dice.one_in(40) { Money::zero(currency) } else { some_money(&mut self.dice, currency) }
    }

    fn transfer(&mut self) -> Option<Act> {
        let from = self.account()?;
        let other = self.neighbour(from)?;
        let is_won = self.town.families.iter().any(|family| family.won == Some(from));
        let to = match self.dice.below(12) {
            0 => self.account()?,
            _ if is_won => other.won?,
            _ => other.foreign?,
        };
        let amount = self.amount_of(from);
        Some(Act::Command(Command::Transfer { from, to, amount }))
    }

    /// Mostly somebody else of the same lane.
    fn neighbour(&mut self, of: AccountId) -> Option<Family> {
        let owns = |family: &Family| family.won == Some(of) || family.foreign == Some(of);
        let others: Vec<Family> = self
            .town
            .families
            .iter()
            .filter(|family| family.customer.lane() == of.lane() && !owns(family))
            .copied()
            .collect();
        if self.dice.one_in(8) { self.family() } else { self.dice.pick(&others).copied().or_else(|| self.family()) }
    }

    pub(crate) fn order(&mut self) -> Option<MarketOrder> {
        let family = self.family()?;
        let currency = foreign(&mut self.dice);
        let side = self.dice.any([Side::Buy, Side::Buy, Side::Sell]);
        let ask = match self.dice.below(8) {
            0..4 => Ask::Foreign(some_money(&mut self.dice, currency)),
            4 | 5 => Ask::WonBudget(some_money(&mut self.dice, Currency::KRW)),
            6 => {
                // A won amount that some foreign amount is worth at the usual rate.
                let unit = world::currencies().spec(currency)?.rate_unit;
                let some = some_money(&mut self.dice, currency);
                Ask::Won(Money::won(rules::won_leg(some, usual_rate(currency), unit, side)).ok()?)
            }
            _ => Ask::Won(some_money(&mut self.dice, Currency::KRW)),
        };
        let worst_rate = self
            .dice
            .one_in(6)
            .then(|| usual_rate(currency) * Decimal::from_i128_with_scale(i128::from(self.dice.within(990, 1_010)), 3));
        let named = self.dice.one_in(3);
        let (won_account, foreign_account) = if named { (family.won, family.foreign) } else { (None, None) };
        Some(MarketOrder { customer: family.customer, won_account, foreign_account, side, currency, ask, worst_rate })
    }

    fn fact(&mut self, now: Timestamp) -> Option<Act> {
        let check = match self.dice.below(4) {
            0 => Check::Seized,
            1 if self.dice.one_in(2) => Check::LimitedAccount,
            _ => *self.dice.pick(&Check::ALL)?,
        };
        let effective_from = match self.dice.below(6) {
            0 => now.plus_seconds(-1),
            1 => now.plus_micros(self.dice.within(1, 2_000_000)),
            2 => rules::seoul_day(now).next().begins_at(),
            _ => now,
        };
        let effective_to = match self.dice.below(6) {
            0..3 => Some(now.plus_micros(self.dice.within(1, 2_500_000))),
            3 => Some(effective_from), // lifted
            4 => None,
            _ => Some(now.plus_micros(self.dice.within(1, 500_000))),
        };
        let seized = check == Check::Seized && !self.dice.one_in(4);
        let account = self.account()?;
        let amount = (seized || self.dice.one_in(20)).then(|| self.amount_of(account));
        let fact = Fact { check, effective_from, effective_to, amount };
        let of_customer = rules::is_about_customer(check) != self.dice.one_in(15);
        Some(Act::Command(match of_customer {
            true => Command::StateCustomerFact { customer: self.family()?.customer, fact },
            false => Command::StateAccountFact { account, fact, expected: self.expected(account) },
        }))
    }

    /// A round as a source would propose it.
    pub(crate) fn publication(&mut self, currency: Currency, permille: i64, now: Timestamp) -> Publication {
        let usual = usual_rate(currency);
        let mid = (usual * Decimal::from_i128_with_scale(i128::from(permille), 3)).round_dp(2);
        let valid = if self.dice.one_in(4) { 2 } else { 3_600 };
        Publication {
            currency,
            proposal: Proposal { mid, observed_at: now, sources: Vec::new() },
            valid_until: now.plus_seconds(valid),
            spread_percent: None,
            preference_percent: Some(Decimal::from(self.dice.any([100_u32, 100, 90, 0]))),
        }
    }

    fn board(&mut self, now: Timestamp) -> BoardAct {
        let currency = foreign(&mut self.dice);
        // What is halted is mostly resumed, or nothing would trade for long.
        if let Some((halted, _)) = self.dice.pick(&self.town.halts)
            && !self.dice.one_in(4)
        {
            return BoardAct::Resume(*halted);
        }
        match self.dice.below(12) {
            0 => BoardAct::Halt(currency),
            1 => match self.dice.pick(&self.town.rounds) {
                Some((round, _)) => BoardAct::Void(*round),
                None => BoardAct::Halt(currency),
            },
            2 => {
                let wild = self.dice.any([-1_000, 0, 10, 500, 1_100]);
                BoardAct::Publish(self.publication(currency, wild, now))
            }
            3 => {
                let mut stale = self.publication(currency, 1_000, now);
                stale.proposal.observed_at = now.plus_seconds(-61);
                BoardAct::Publish(stale)
            }
            4 => {
                let mut sourced = self.publication(currency, 1_000, now);
                let off = Decimal::from_i128_with_scale(i128::from(self.dice.within(980, 1_020)), 3);
                sourced.proposal.sources = vec![sourced.proposal.mid * off; 1 + usize::from(self.dice.one_in(2))];
                BoardAct::Publish(sourced)
            }
            5 => {
                let mut over = self.publication(currency, 1_000, now);
                over.valid_until = now;
                BoardAct::Publish(over)
            }
            _ => {
                let permille = self.dice.within(995, 1_005);
                BoardAct::Publish(self.publication(currency, permille, now))
            }
        }
    }
}
