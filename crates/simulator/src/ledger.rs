//! The naive ledger: one thread, one lane, plain maps. It replays a journal record by record and refuses whatever a
//! single-threaded bank would not have done.
//!
//! | it refuses | |
//! |---|---|
//! | order | a gap, time or business date back, a broken chain of hashes |
//! | chains | a version or balance that does not continue its account, a balance below zero |
//! | rules | legs that do not follow from the terms, a fact in force at the record's own time, a limit or cap exceeded |
//! | once | a key or a quote used twice, an exchange reversed twice, a second open account of a kind |
//! | reversals | other amounts or accounts than the exchange's, suspense for an open account or none for a closed one |
//! | closings | of what holds money or is closed; a revision that was expected and not there |
//! | channels | a confined caller at a customer of another channel |
//! | counters | `limits` and `limited_won` other than the sums of what was charged |
//! | conservation | Σ balances + suspense + the bank's position ≠ what came in less what went out, per currency |

use std::{collections::BTreeMap, sync::Arc};

use hwan::{
    actors::command::{Command, Reach},
    storage::{
        codec,
        port::{ChainHash, JournalRow},
    },
};
use hwan_domain::{
    check::{Check, Fact, FactSheet},
    currency::Currency,
    exchange::Side,
    id::{AccountId, CustomerId, LaneId, Position},
    limit::{LimitPolicy, LimitUse},
    money::Money,
    quote::Quote,
    record::{Event, Landing, Leg, Record},
    rejection::Code,
    round::RoundId,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

use crate::{
    board::{self, NaiveRound},
    history::{Act, Op},
    household::{Line, NaiveAccount, NaiveCustomer, used},
    judging::Movement,
    rules,
};

/// What a replay may consult beside the lane itself.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The bank's limits.
    pub(crate) policy: LimitPolicy,
    /// Every round that was ever published.
    pub(crate) rounds: &'a BTreeMap<RoundId, NaiveRound>,
    /// Every quote that was ever given.
    pub(crate) quotes: &'a BTreeMap<u128, Quote>,
}

impl Surroundings<'_> {
    /// Every rate at which a currency may have been valued.
    fn mids(&self, currency: Currency) -> Vec<(Decimal, u32)> {
        let of_currency = self.rounds.values().filter(|known| known.traded && known.round.currency == currency);
        of_currency.map(|known| (known.round.mid.value(), known.round.mid.unit())).collect()
    }

    /// The same for a holding cap, which binds nobody while there is no rate; so it may have been after a void.
    fn mids_of_caps(&self, currency: Currency) -> Vec<(Decimal, u32)> {
        let voided = self.rounds.values().any(|known| known.voided && known.round.currency == currency);
        if voided { Vec::new() } else { self.mids(currency) }
    }
}

/// A lane as a single-threaded bank would keep it.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) lane: LaneId,
    pub(crate) seq: u64,
    pub(crate) last: Option<(Timestamp, BusinessDate)>,
    hash: ChainHash,
    pub(crate) customers: BTreeMap<CustomerId, NaiveCustomer>,
    pub(crate) accounts: BTreeMap<AccountId, NaiveAccount>,
    pub(crate) keys: BTreeMap<[u8; 16], u64>,
    pub(crate) quotes: BTreeMap<u128, u64>,
    /// Every exchange, by its place.
    pub(crate) exchanges: BTreeMap<Position, Arc<Record>>,
    /// Which record reversed which exchange.
    pub(crate) reversals: BTreeMap<Position, Position>,
    outside: BTreeMap<Currency, i128>,
    pub(crate) position: BTreeMap<Currency, i128>,
    pub(crate) suspense: BTreeMap<Currency, i128>,
}

pub(crate) type Wrong = Result<(), String>;

pub(crate) fn ensure(good: bool, wrong: impl FnOnce() -> String) -> Wrong {
    if good { Ok(()) } else { Err(wrong()) }
}

impl Ledger {
    pub(crate) fn new(lane: LaneId) -> Self {
        Self {
            lane,
            seq: 0,
            last: None,
            hash: ChainHash::GENESIS,
            customers: BTreeMap::new(),
            accounts: BTreeMap::new(),
            keys: BTreeMap::new(),
            quotes: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            reversals: BTreeMap::new(),
            outside: BTreeMap::new(),
            position: BTreeMap::new(),
            suspense: BTreeMap::new(),
        }
    }

    /// Replays the next row of a customers' lane; what is wrong with it otherwise.
    pub(crate) fn apply(&mut self, row: &JournalRow, around: &Surroundings<'_>) -> Wrong {
        self.follow(row)?;
        let record = &*row.record;
        let name = |wrong| format!("record {:?} ({}): {wrong}", record.position, record.event.name());
        self.event(record, around).and_then(|()| self.conserved()).map_err(name)?;
        if matches!(record.event, Event::Exchanged { .. }) {
            self.exchanges.insert(record.position, row.record.clone());
        }
        Ok(())
    }

    /// Whether the operation that made the next record was one that its caller could make here.
    pub(crate) fn was_expected(&self, op: &Op, record: &Record) -> Wrong {
        let Act::Command(command) = &op.act else { return Ok(()) };
        let name = |wrong: &str| format!("record {:?} ({}): {wrong}", record.position, record.event.name());
        let expected = match command {
            Command::StateAccountFact { account, expected, .. } | Command::CloseAccount { account, expected } => {
                expected.map(|expected| (account, expected))
            }
            _ => None,
        };
        if let Some((account, expected)) = expected {
            let found = self.accounts.get(account).map(NaiveAccount::revision);
            ensure(found == Some(expected), || name("the account was at another revision than expected"))?;
        }
        if op.reach == Reach::OwnCustomers {
            let owners = record.event.legs().map(|leg| leg.customer).chain(record.event.customer());
            for owner in owners {
                let own = self.customers.get(&owner).is_some_and(|customer| customer.channel == *op.caller);
                ensure(own, || name("by a caller that does not reach the customer"))?;
            }
        }
        Ok(())
    }

    /// Replays the next row as far as order goes: place, time, date, hash, key.
    pub(crate) fn follow(&mut self, row: &JournalRow) -> Wrong {
        let record = &*row.record;
        self.order(row).map_err(|wrong| format!("record {:?} ({}): {wrong}", record.position, record.event.name()))?;
        self.seq += 1;
        self.hash = row.hash;
        self.last = Some((record.at, record.business_date));
        Ok(())
    }

    fn order(&mut self, row: &JournalRow) -> Wrong {
        let record = &*row.record;
        ensure(record.position.lane() == self.lane && record.position.seq().number() == self.seq + 1, || {
            format!("follows {}: a gap", self.seq)
        })?;
        let body = codec::encode(record);
        ensure(*body == *row.body, || "its text is not that of the record".into())?;
        ensure(codec::chain(self.hash, &body) == row.hash, || "the chain of hashes is broken".into())?;
        match (&self.last, &record.event) {
            (Some((at, _)), _) if record.at < *at => return Err(format!("time goes back from {at}")),
            (Some((_, date)), Event::DateRolled { date: to }) => {
                ensure(to > date && record.business_date == *to, || format!("the date rolls from {date} to {to}"))?;
            }
            (Some((_, date)), _) => {
                ensure(record.business_date == *date, || format!("the date jumps from {date} without a roll"))?;
            }
            (None, Event::DateRolled { .. }) => {}
            (None, _) => return Err("a lane begins with its date".into()),
        }
        if let Some(key) = &record.origin.key
            && let Some(earlier) = self.keys.insert(key.digest.0, record.position.seq().number())
        {
            return Err(format!("its key was used by record {earlier}"));
        }
        Ok(())
    }

    fn event(&mut self, record: &Record, around: &Surroundings<'_>) -> Wrong {
        match &record.event {
            Event::CustomerOpened { channel, .. } => {
                let channel = channel.as_deref().unwrap_or(&record.origin.caller).to_owned();
                let customer = NaiveCustomer { channel, statements: Vec::new(), charges: Vec::new() };
                self.customers.insert(CustomerId::at(record.position), customer);
                Ok(())
            }
            Event::AccountOpened { customer, kind } => {
                ensure(self.customers.contains_key(customer), || "nobody's account".into())?;
                let mut open = self.accounts.values().filter(|account| !account.is_closed());
                let second = open.any(|account| account.owner == *customer && account.kind == *kind);
                ensure(!second, || "a second account of a kind".into())?;
                let account = NaiveAccount {
                    owner: *customer,
                    kind: *kind,
                    statements: Vec::new(),
                    sheet: FactSheet::default(),
                    balances: BTreeMap::new(),
                    limited: Vec::new(),
                    opened_on: record.business_date,
                    paid_through: None,
                    lines: Vec::new(),
                };
                self.accounts.insert(AccountId::at(record.position), account);
                Ok(())
            }
            Event::CustomerFactStated { customer, fact } => {
                ensure(rules::is_about_customer(fact.check) && fact.amount.is_none(), || "no customer's fact".into())?;
                let customer = self.customers.get_mut(customer).ok_or("nobody's fact")?;
                customer.statements.push(*fact);
                Ok(())
            }
            Event::AccountFactStated { account, customer, fact } => {
                let account = self.accounts.get_mut(account).ok_or("no account's fact")?;
                ensure(account.owner == *customer, || "the fact names another owner".into())?;
                let codes = crate::judging::fact_of_account(account.kind, fact);
                ensure(codes.is_empty(), || format!("should have been rejected: {codes:?}"))?;
                account.state_fact(*fact, record.at);
                Ok(())
            }
            Event::AccountClosed { account, customer } => {
                let account = self.accounts.get_mut(account).ok_or("no account's closing")?;
                ensure(account.owner == *customer, || "the closing names another owner".into())?;
                ensure(!account.is_closed(), || "it was closed before".into())?;
                ensure(account.is_empty(), || "it holds money".into())?;
                let closed =
                    Fact { check: Check::AccountClosed, effective_from: record.at, effective_to: None, amount: None };
                account.state_fact(closed, record.at);
                Ok(())
            }
            Event::Deposited { credit } => self.movement(record, None, Some(credit), None, None, around),
            Event::Withdrawn { debit, limited_won } => {
                self.movement(record, Some(debit), None, None, *limited_won, around)
            }
            Event::Transferred { debit, credit, limited_won } => {
                ensure(debit.amount.negated() == credit.amount, || "debit and credit differ".into())?;
                ensure(debit.account != credit.account, || "debit and credit are one account".into())?;
                self.movement(record, Some(debit), Some(credit), None, *limited_won, around)
            }
            Event::Exchanged { debit, credit, limits, limited_won, .. } => {
                let won = self.exchange(record, around)?;
                self.movement(record, Some(debit), Some(credit), won, *limited_won, around)?;
                self.charge(record, debit.customer, won, *limits)
            }
            Event::Reversed { exchange, landing, limited_won, debit, .. } => {
                let of = self.exchanges.get(&exchange.position()).cloned().ok_or("the reversal of no exchange")?;
                self.takes_back(record, &of)?;
                if let Some(earlier) = self.reversals.insert(of.position, record.position) {
                    return Err(format!("the exchange was reversed before, by {earlier:?}"));
                }
                self.movement(record, Some(debit), landing.leg(), None, *limited_won, around)?;
                self.give_back(record, of.position)
            }
            Event::InterestPaid { credit, .. } => {
                self.pays_interest(record)?;
                self.movement(record, None, Some(credit), None, None, around)
            }
            Event::DateRolled { .. } => Ok(()),
            _ => Err("is not of a customers' lane".into()),
        }
    }

    /// Interest: for every day since the last one paid for, each at its closing, day by day.
    fn pays_interest(&mut self, record: &Record) -> Wrong {
        let Event::InterestPaid { account, from, through, accruals, gross, income_tax, local_tax, credit, .. } =
            &record.event
        else {
            return Ok(());
        };
        let account = self.accounts.get_mut(account).ok_or("no account's interest")?;
        let due = account.paid_through.map_or(account.opened_on, BusinessDate::next);
        ensure(*from == due && *through < record.business_date, || format!("interest from {from} where {due} is due"))?;
        let mut weighted = 0;
        for accrual in accruals {
            let percent = accrual.annual_percent * Decimal::from(10_000);
            let percent = percent.normalize().mantissa();
            let days = accrual.period.from().days()..=accrual.period.through().days();
            for day in days {
                weighted += i128::from(account.closing(Currency::KRW, BusinessDate::from_days(day))) * percent;
            }
        }
        let accrued = i64::try_from(weighted / 365_000_000).map_err(|error| error.to_string())?;
        let income = accrued * 14 / 1_000 * 10;
        let local = income / 100 * 10;
        let said = [*gross, *income_tax, *local_tax, credit.amount].map(Money::minor);
        let due = [accrued, income, local, accrued - income - local];
        ensure(said == due, || format!("interest {said:?} where {due:?} is due"))?;
        account.paid_through = Some(*through);
        Ok(())
    }

    /// The exchange's own rules; returns what it takes of the limits.
    fn exchange(&mut self, record: &Record, around: &Surroundings<'_>) -> Result<Option<i64>, String> {
        let Event::Exchanged { terms, quote, debit, credit, .. } = &record.event else { return Ok(None) };
        let known = around.rounds.get(&terms.round).ok_or("at a round that nobody published")?;
        ensure(known.traded && board::are_of(terms, &known.round), || "the terms are not the round's".into())?;
        ensure(debit.customer == credit.customer, || "between two customers".into())?;
        let (won, foreign) = match terms.side {
            Side::Buy => (debit.amount.negated(), credit.amount),
            Side::Sell => (credit.amount, debit.amount.negated()),
        };
        let exact = rules::won_leg(foreign, terms.rate.value(), terms.rate.unit(), terms.side);
        ensure(won.currency() == Currency::KRW && foreign.currency() == terms.currency, || "wrong currencies".into())?;
        ensure(won.minor() == exact, || format!("{foreign:?} is {exact} won at {}, not {won:?}", terms.rate))?;
        match quote {
            None => ensure(record.at < known.round.valid_until, || "the round had expired".into())?,
            Some(id) => {
                let quote = around.quotes.get(&id.0).ok_or("at a quote that nobody gave")?;
                let promised = quote.terms == *terms && quote.priced.won == won && quote.priced.foreign == foreign;
                ensure(promised, || "the quote promised something else".into())?;
                let pair = match terms.side {
                    Side::Buy => (quote.won_account, quote.foreign_account),
                    Side::Sell => (quote.foreign_account, quote.won_account),
                };
                ensure(pair == (debit.account, credit.account), || "the quote names other accounts".into())?;
                ensure(record.at < quote.expires_at, || format!("the quote expired at {}", quote.expires_at))?;
                if let Some(earlier) = self.quotes.insert(id.0, record.position.seq().number()) {
                    return Err(format!("its quote was used by record {earlier}"));
                }
            }
        }
        Ok((terms.side == Side::Buy).then_some(won.minor()))
    }

    fn movement(
        &mut self,
        record: &Record,
        debit: Option<&Leg>,
        credit: Option<&Leg>,
        buy_won: Option<i64>,
        limited_won: Option<i64>,
        around: &Surroundings<'_>,
    ) -> Wrong {
        let moment = (record.at, record.business_date);
        let is_reversal = matches!(record.event, Event::Reversed { .. });
        let values: Vec<i64> = match (debit, &record.event) {
            (None, _) => vec![0],
            (Some(_), Event::Reversed { landing: Landing::Suspense(amount), .. }) if amount.currency().is_home() => {
                vec![amount.minor()]
            }
            (Some(leg), Event::Exchanged { .. } | Event::Reversed { .. }) => {
                let legs = [Some(leg), credit].into_iter().flatten();
                legs.filter(|leg| leg.amount.currency() == Currency::KRW).map(|leg| leg.amount.minor().abs()).collect()
            }
            (Some(leg), _) if leg.amount.currency() == Currency::KRW => vec![leg.amount.negated().minor()],
            (Some(leg), _) => {
                let mids = around.mids(leg.amount.currency());
                mids.into_iter().map(|(mid, unit)| rules::worth(leg.amount.negated(), mid, unit)).collect()
            }
        };
        let before =
            debit.and_then(|leg| self.accounts.get(&leg.account)).map_or(0, |a| a.limited_won(record.business_date));
        let value = match limited_won {
            None => values.first().copied().unwrap_or(0),
            Some(total) => *values
                .iter()
                .find(|value| before + **value == total)
                .ok_or_else(|| format!("limited_won is {total} after {before} and one of {values:?}"))?,
        };
        let movement = Movement {
            debit: debit.map(|leg| (leg.account, leg.amount.negated())),
            // What comes back passes whatever stands against the account, but for its closing.
            credit: credit.filter(|_| !is_reversal).map(|leg| (leg.account, leg.amount)),
            won: value,
            buy_won,
        };
        let codes =
            self.judge_movement(&movement, moment, &around.policy, &|currency| around.mids_of_caps(currency), &[]);
        ensure(codes.is_empty(), || format!("should have been rejected: {codes:?}"))?;
        if let Some(leg) = debit {
            ensure(self.is_limited(leg.account, record.at) == limited_won.is_some(), || {
                "limited_won is out of place".into()
            })?;
            self.post(record, leg, -1)?;
            if let (Some(_), Some(account)) = (limited_won, self.accounts.get_mut(&leg.account)) {
                account.limited.push((record.business_date, value));
            }
        }
        match credit {
            Some(leg) => self.post(record, leg, 1),
            None => Ok(()),
        }
    }

    fn post(&mut self, record: &Record, leg: &Leg, sign: i64) -> Wrong {
        let account = self.accounts.get_mut(&leg.account).ok_or("a leg of no account")?;
        let currency = leg.amount.currency();
        ensure(leg.customer == account.owner, || "a leg names another owner".into())?;
        ensure(leg.amount.minor().signum() == sign, || format!("a leg of {:?}", leg.amount))?;
        let version = account.lines.len() as u64 + 1;
        ensure(leg.version == version, || format!("version {} where {version} is due", leg.version))?;
        let after = account.balance(currency) + leg.amount.minor();
        ensure(after >= 0, || format!("a balance of {after}"))?;
        ensure(leg.balance_after == Money::from_minor(after, currency).map_err(|error| error.to_string())?, || {
            format!("balance {:?} where {after} is due", leg.balance_after)
        })?;
        account.balances.insert(currency, (after, version));
        account.lines.push(Line { leg: *leg, at: record.at, date: record.business_date });
        let amount = i128::from(leg.amount.minor());
        match &record.event {
            // The bank's own move in two currencies.
            Event::Exchanged { .. } | Event::Reversed { .. } => *self.position.entry(currency).or_default() -= amount,
            Event::Transferred { .. } => {}
            _ => *self.outside.entry(currency).or_default() += amount,
        }
        Ok(())
    }

    fn charge(&mut self, record: &Record, customer: CustomerId, won: Option<i64>, said: Option<LimitUse>) -> Wrong {
        let Some(won) = won else { return ensure(said.is_none(), || "a sale was charged".into()) };
        let customer = self.customers.get_mut(&customer).ok_or("a charge of nobody")?;
        customer.charges.push((record.at, won, record.position));
        let due = used(customer, record.at);
        let said = said.ok_or("a purchase was not charged")?;
        ensure((said.charged_at, said.day_won, said.month_won) == (record.at, due.0, due.1), || {
            format!("counters {said:?} where {due:?} is due")
        })
    }

    fn conserved(&self) -> Wrong {
        let mut held: BTreeMap<Currency, i128> = BTreeMap::new();
        for account in self.accounts.values() {
            for (currency, (amount, _)) in &account.balances {
                *held.entry(*currency).or_default() += i128::from(*amount);
            }
        }
        let of = |book: &BTreeMap<Currency, i128>, currency: &Currency| book.get(currency).copied().unwrap_or(0);
        for currency in held.keys().chain(self.suspense.keys()) {
            let (held, waits) = (of(&held, currency), of(&self.suspense, currency));
            let (position, outside) = (of(&self.position, currency), of(&self.outside, currency));
            ensure(held + waits + position == outside, || {
                format!("{held} {currency} are held, {waits} wait, {position} are the bank's: {outside} came in")
            })?;
        }
        Ok(())
    }

    /// The facts in force against an account.
    pub(crate) fn facts_of(&self, account: AccountId, at: Timestamp) -> Vec<Fact> {
        self.accounts.get(&account).map(|account| rules::in_force(&account.statements, at)).unwrap_or_default()
    }

    fn is_limited(&self, account: AccountId, at: Timestamp) -> bool {
        self.facts_of(account, at).iter().any(|fact| fact.check.code() == Code::LimitedAccount)
    }
}
