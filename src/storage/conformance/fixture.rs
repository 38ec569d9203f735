//! Records as an engine would write them, for tests and benchmarks: a [`Scribe`] sequences events of one lane, keeps
//! the books beside them, and hands out batches.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use hwan_domain::{
    account::{AccountBook, AccountKind, AccountState, Balance},
    check::Fact,
    control::{ControlTotal, ControlTotals},
    currency::{Currency, CurrencySet, CurrencySpec},
    customer::CustomerState,
    exchange::{Ask, Side, Terms},
    id::{AccountId, CustomerId, LaneId, Position, Seq},
    interest::{DailyClosing, Interest, Period, RateLine, RateTable, accrue},
    limit::LimitUse,
    money::Money,
    quote::QuoteId,
    rate::Rate,
    record::{Event, KeyDigest, KeyUse, Landing, Leg, Origin, Record, RequestDigest},
    reversal,
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;
use smallvec::{SmallVec, smallvec};

use crate::storage::{
    codec,
    port::{ChainHash, CommitBatch, Epoch, Holding, JournalRow, StateWrite, TakenLane},
};

static CURRENCIES: LazyLock<Arc<CurrencySet>> = LazyLock::new(|| {
    let zero = ["KRW", "JPY", "VND"];
    let hundred = ["JPY", "VND", "IDR"];
    let codes = [
        "KRW", "JPY", "VND", "USD", "EUR", "GBP", "CNY", "HKD", "SGD", "AUD", "CAD", "CHF", "NZD", "THB", "MYR", "TWD",
        "IDR", "PHP",
    ];
    let specs = codes.map(|code| CurrencySpec {
        code: code.into(),
        name: code.into(),
        minor_digits: if zero.contains(&code) { 0 } else { 2 },
        rate_unit: if hundred.contains(&code) { 100 } else { 1 },
        rate_decimals: 2,
        spread_decimals: 2,
        spread_percent: Decimal::ONE,
        preference_percent: Decimal::ONE_HUNDRED,
        jump_percent_max: Decimal::TWO,
        holding_cap_won: None,
    });
    Arc::new(CurrencySet::new(specs.into()).expect("the codes are distinct and hold KRW"))
});

/// The bank's eighteen currencies.
pub fn currencies() -> Arc<CurrencySet> {
    Arc::clone(&CURRENCIES)
}

/// A currency of the set.
pub fn currency(code: &str) -> Currency {
    CURRENCIES.find(code).expect("a code of the eighteen")
}

/// An amount such as `money("100.00", "USD")`.
pub fn money(text: &str, code: &str) -> Money {
    Money::parse(text, currency(code)).expect("an amount at the currency's scale")
}

/// The number of a lane, as a lane.
pub fn lane(number: u16) -> LaneId {
    LaneId::new(number).expect("a lane's number")
}

/// A sequence number.
pub fn seq(number: u64) -> Seq {
    Seq::new(number).expect("a sequence number")
}

/// 10:00 of Monday 2026-11-23 in Seoul.
pub fn ten_o_clock() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-23T01:00:00Z").expect("an instant")
}

/// An idempotency key of this number.
pub fn key(number: u128) -> KeyDigest {
    KeyDigest(number.to_be_bytes())
}

/// A round of this date and number, active, USD at this rate.
pub fn round(date: BusinessDate, number: u32, mid: &str) -> Round {
    Round {
        id: RoundId { currency: *b"USD", date, number },
        currency: currency("USD"),
        mid: Rate::new(mid.parse().expect("a decimal"), 1).expect("a rate"),
        spread: "13.5".parse().expect("a decimal"),
        preference_percent: Decimal::ONE_HUNDRED,
        published_at: ten_o_clock(),
        valid_until: ten_o_clock().plus_seconds(60),
        status: RoundStatus::Active,
    }
}

/// Terms of USD at 1350.50.
pub fn terms(side: Side) -> Terms {
    let round = round(ten_o_clock().seoul_date(), 1, "1350.50");
    Terms::of(&round, side).expect("a round that trades")
}

/// The record of buying 100.00 USD at 1350.50 with 1,000,000 won on the account.
pub fn exchange_of_scenario_s01() -> Record {
    let at = |number| Position::new(LaneId::FIRST, seq(number));
    let customer = CustomerId::at(at(1));
    let leg = |account, amount: Money, balance_after, version| Leg {
        account: AccountId::at(at(account)),
        customer,
        amount,
        balance_after,
        version,
    };
    Record {
        position: at(7),
        at: ten_o_clock(),
        business_date: ten_o_clock().seoul_date(),
        origin: Origin {
            caller: "branch-7".into(),
            key: Some(KeyUse {
                digest: KeyDigest(*b"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x0a"),
                request: RequestDigest([2; 16]),
            }),
        },
        event: Event::Exchanged {
            terms: terms(Side::Buy),
            quote: Some(QuoteId(42)),
            debit: leg(2, money("135050", "KRW").negated(), money("864950", "KRW"), 2),
            credit: leg(3, money("100.00", "USD"), money("100.00", "USD"), 1),
            limits: Some(hwan_domain::limit::LimitUse::default().charged(135_050, ten_o_clock())),
            limited_won: None,
        },
        totals: smallvec![
            ControlTotal { currency: Currency::KRW, minor: 864_950 },
            ControlTotal { currency: currency("USD"), minor: 10_000 },
        ],
    }
}

/// A customer with a won and a foreign account.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The customer.
    pub customer: CustomerId,
    /// The won account.
    pub won: AccountId,
    /// The foreign account.
    pub foreign: AccountId,
}

/// How the keys of a scribe's records follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// All over the place, as fingerprints are.
    #[default]
    Scattered,
    /// Upwards, as if a fingerprint began with a time.
    Ascending,
}

/// Writes one lane as an engine would: gapless, chained, with books beside the records.
#[derive(Clone)]
pub struct Scribe {
    lane: LaneId,
    epoch: Epoch,
    from: Seq,
    seq: Seq,
    hash: ChainHash,
    at: Timestamp,
    date: BusinessDate,
    pace_seconds: i64,
    next_key: u128,
    keys: Keys,
    rows: Vec<JournalRow>,
    writes: Vec<StateWrite>,
    held: HashMap<CustomerId, Holding>,
    touched: HashSet<CustomerId>,
    accounts: HashMap<AccountId, AccountBook>,
    customers: HashMap<CustomerId, CustomerState>,
    totals: ControlTotals,
}

impl Scribe {
    /// Begins where the lane stands; from ten o'clock on, a second a record.
    pub fn taken(lane: LaneId, taken: &TakenLane) -> Self {
        let (at, date) = taken.last.unwrap_or((ten_o_clock(), ten_o_clock().seoul_date()));
        Self {
            lane,
            epoch: taken.epoch,
            totals: taken.totals.clone(),
            from: taken.seq,
            seq: taken.seq,
            hash: taken.hash,
            at,
            date,
            next_key: (u128::from(lane.number()) << 64) + u128::from(taken.seq.number()) + 1,
            pace_seconds: 1,
            keys: Keys::default(),
            rows: Vec::new(),
            writes: Vec::new(),
            held: HashMap::new(),
            touched: HashSet::new(),
            accounts: HashMap::new(),
            customers: HashMap::new(),
        }
    }

    /// Goes on under another epoch, with nothing pending.
    pub fn retaken(&mut self, taken: &TakenLane) {
        self.rows.clear();
        self.writes.clear();
        self.touched.clear();
        (self.epoch, self.from, self.seq, self.hash) = (taken.epoch, taken.seq, taken.seq, taken.hash);
    }

    /// Where the lane stands after everything that was written down.
    pub fn head(&self) -> (Seq, ChainHash) {
        (self.seq, self.hash)
    }

    /// The instant and date of the last record.
    pub fn clock(&self) -> (Timestamp, BusinessDate) {
        (self.at, self.date)
    }

    /// What an account holds by these books.
    pub fn account(&self, id: AccountId) -> &AccountState {
        self.accounts.get(&id).expect("an account that was opened here").state()
    }

    /// A customer by these books.
    pub fn customer(&self, id: CustomerId) -> &CustomerState {
        self.customers.get(&id).expect("a customer that was opened here")
    }

    /// From here on this much time passes from record to record.
    pub fn set_pace(&mut self, seconds: i64) {
        self.pace_seconds = seconds;
    }

    /// From here on keys follow each other like this.
    pub fn use_keys(&mut self, keys: Keys) {
        self.keys = keys;
    }

    /// Writes an event down with a key of its own.
    pub fn write(&mut self, event: Event) -> Position {
        let key = match self.keys {
            // Multiplying by an odd number permutes, so no two are the same.
            Keys::Scattered => key(self.next_key.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
            Keys::Ascending => key(self.next_key),
        };
        self.next_key += 1;
        self.write_with(Some(key), event)
    }

    /// Writes an event down with this key, or none.
    pub fn write_with(&mut self, key: Option<KeyDigest>, event: Event) -> Position {
        self.seq = self.seq.next().expect("a short test");
        self.at = self.at.plus_seconds(self.pace_seconds);
        let position = Position::new(self.lane, self.seq);
        let key = key.map(|digest| KeyUse { digest, request: RequestDigest([7; 16]) });
        let origin = Origin { caller: "scribe".into(), key };
        let totals = self.totals.carry_forward(&event);
        let record = Record { position, at: self.at, business_date: self.date, origin, event, totals };
        let body: Arc<str> = codec::encode(&record).into();
        self.hash = codec::chain(self.hash, &body);
        self.rows.push(JournalRow { record: Arc::new(record), body, hash: self.hash });
        position
    }

    /// Adds a value that the batch leaves behind.
    pub fn leave(&mut self, write: StateWrite) {
        match &write {
            StateWrite::Customer(state) | StateWrite::Charged(state) => {
                self.hold(state.id).limits = state.limits;
            }
            StateWrite::Balance { account, amount, version } => {
                let owner = self.account(*account).customer;
                let balances = &mut self.hold(owner).balances;
                let balance = Balance { amount: *amount, version: *version };
                match balances
                    .iter_mut()
                    .find(|(id, held)| id == account && held.amount.currency() == amount.currency())
                {
                    Some((_, held)) => *held = balance,
                    None => balances.push((*account, balance)),
                }
            }
            StateWrite::Account(_) | StateWrite::Round(_) | StateWrite::Halt(..) => {}
        }
        self.writes.push(write);
    }

    /// What a customer holds, to be changed: it goes with the next batch.
    fn hold(&mut self, customer: CustomerId) -> &mut Holding {
        self.touched.insert(customer);
        self.held.entry(customer).or_insert_with(|| Holding {
            customer,
            limits: LimitUse::default(),
            balances: SmallVec::new(),
        })
    }

    /// Rolls to the next business date.
    pub fn roll_date(&mut self) -> BusinessDate {
        let date = self.date.next();
        self.date = date;
        self.write_with(None, Event::DateRolled { date });
        date
    }

    /// Opens a customer with both accounts.
    pub fn open_family(&mut self) -> Family {
        let reference: Box<str> = format!("ref-{}", self.seq).into();
        let customer =
            CustomerId::at(self.write(Event::CustomerOpened { reference: Some(reference.clone()), channel: None }));
        let state = CustomerState::opened(customer, "scribe".into(), Some(Arc::from(&*reference)));
        self.customers.insert(customer, state.clone());
        self.leave(StateWrite::Customer(state));
        let mut open = |kind| {
            let account = AccountId::at(self.write(Event::AccountOpened { customer, kind }));
            let state = AccountState::opened(account, customer, kind);
            self.accounts.insert(account, AccountBook::new(state.clone()));
            self.leave(StateWrite::Account(state));
            account
        };
        Family { customer, won: open(AccountKind::Won), foreign: open(AccountKind::Foreign) }
    }

    fn post(&mut self, account: AccountId, amount: Money) -> Leg {
        let book = self.accounts.get_mut(&account).expect("an account that was opened here");
        let leg = book.post(amount).expect("a posting that the account can carry");
        self.leave(StateWrite::Balance { account, amount: leg.balance_after, version: leg.version });
        leg
    }

    /// Deposits.
    pub fn deposit(&mut self, account: AccountId, amount: Money) -> Position {
        let credit = self.post(account, amount);
        self.write(Event::Deposited { credit })
    }

    /// Withdraws.
    pub fn withdraw(&mut self, account: AccountId, amount: Money) -> Position {
        let debit = self.post(account, amount.negated());
        self.write(Event::Withdrawn { debit, limited_won: None })
    }

    /// Buys this much USD at 1350.50, charged to the customer's limits.
    pub fn buy(&mut self, family: Family, foreign: Money) -> Position {
        let terms = terms(Side::Buy);
        let priced = terms.price(Ask::Foreign(foreign)).expect("an amount that is worth a won");
        let debit = self.post(family.won, priced.won.negated());
        let credit = self.post(family.foreign, priced.foreign);
        let at = self.at.plus_seconds(self.pace_seconds);
        let customer = self.customers.get_mut(&family.customer).expect("a customer that was opened here");
        customer.limits = customer.limits.charged(priced.won.minor(), at);
        let state = customer.clone();
        let limits = Some(state.limits);
        self.leave(StateWrite::Customer(state));
        let quote = Some(self.next_quote());
        self.write(Event::Exchanged { terms, quote, debit, credit, limits, limited_won: None })
    }

    /// Reverses the exchange that was written at this place; where the account that paid is to be closed, to suspense.
    pub fn reverse(&mut self, exchange: &Record, to_suspense: bool) -> Position {
        let plan = reversal::plan(exchange).expect("an exchange");
        let debit = self.post(plan.debit_account, plan.debit.amount.negated());
        let landing = match to_suspense {
            true => Landing::Suspense(plan.credit.amount),
            false => Landing::Account(self.post(plan.credit_account, plan.credit.amount)),
        };
        let at = self.at.plus_seconds(1);
        let customer = self.customers.get_mut(&plan.customer).expect("a customer that was opened here");
        let limits = plan.charge.and_then(|charge| customer.limits.given_back(charge, at));
        customer.limits = limits.unwrap_or(customer.limits);
        let state = customer.clone();
        self.leave(StateWrite::Customer(state));
        let (exchange, terms, reason) = (plan.exchange, plan.terms, "wrong".into());
        self.write(Event::Reversed { exchange, reason, terms, debit, landing, limits, limited_won: None })
    }

    /// Pays interest of this period on a won account that held this much all the while, at 2 %.
    pub fn pay_interest(&mut self, account: AccountId, period: Period, held: Money) -> Position {
        let interest = two_percent(period, &[DailyClosing { date: period.from(), amount: held }]);
        let credit = self.post(account, interest.net);
        let book = self.accounts.get_mut(&account).expect("an account that was opened here");
        book.pay_interest(period);
        let state = book.state().clone();
        self.leave(StateWrite::Account(state));
        self.write(interest.paid(credit))
    }

    /// Closes an account.
    pub fn close_account(&mut self, account: AccountId) -> Position {
        let at = self.at.plus_seconds(1);
        let book = self.accounts.get_mut(&account).expect("an account that was opened here");
        book.close(at);
        let state = book.state().clone();
        let customer = state.customer;
        self.leave(StateWrite::Account(state));
        self.write(Event::AccountClosed { account, customer })
    }

    /// A quote of its own for the next record: none of another lane's, and no key's number.
    fn next_quote(&self) -> QuoteId {
        let place = Position::new(self.lane, self.seq).packed().unsigned_abs();
        QuoteId((1 << 127) | u128::from(place))
    }

    /// States a fact about an account.
    pub fn state_account_fact(&mut self, account: AccountId, fact: Fact) -> Position {
        let at = self.at.plus_seconds(self.pace_seconds);
        let book = self.accounts.get_mut(&account).expect("an account that was opened here");
        book.state_fact(fact, at);
        let state = book.state().clone();
        let customer = state.customer;
        self.leave(StateWrite::Account(state));
        self.write(Event::AccountFactStated { account, customer, fact })
    }

    /// States a fact about a customer.
    pub fn state_customer_fact(&mut self, customer: CustomerId, fact: Fact) -> Position {
        let at = self.at.plus_seconds(self.pace_seconds);
        let state = self.customers.get_mut(&customer).expect("a customer that was opened here");
        state.facts.state(fact, at);
        let state = state.clone();
        self.leave(StateWrite::Customer(state));
        self.write(Event::CustomerFactStated { customer, fact })
    }

    /// Everything since the last batch, as one.
    pub fn batch(&mut self) -> CommitBatch {
        let holdings = self.touched.drain().filter_map(|customer| self.held.get(&customer).cloned()).collect();
        let batch = CommitBatch {
            lane: self.lane,
            epoch: self.epoch,
            from: self.from,
            rows: std::mem::take(&mut self.rows),
            writes: std::mem::take(&mut self.writes),
            holdings,
            totals: self.totals.clone(),
        };
        self.from = self.seq;
        batch
    }
}

/// What accrues in won at 2 % a year.
fn two_percent(period: Period, closings: &[DailyClosing]) -> Interest {
    let line =
        RateLine { currency: Currency::KRW, effective_from: BusinessDate::from_days(0), annual_percent: Decimal::TWO };
    let table = RateTable::new([line]).expect("a rate");
    accrue(&table, Currency::KRW, period, closings).expect("closings in order")
}

/// Three days of 10,000,000 won and two of 4,000,000 at 2 %, the last one 22 November 2026.
pub fn interest_of_scenario_s37(account: AccountId, customer: CustomerId) -> Event {
    let date = |text| BusinessDate::parse(text).expect("a date");
    let closing = |day, text| DailyClosing { date: date(day), amount: money(text, "KRW") };
    let period = Period::new(date("2026-11-18"), date("2026-11-22")).expect("in order");
    let interest = two_percent(period, &[closing("2026-11-18", "10000000"), closing("2026-11-21", "4000000")]);
    let balance_after = money("4001772", "KRW");
    interest.paid(Leg { account, customer, amount: interest.net, balance_after, version: 3 })
}

/// The records of a batch, for projecting.
pub fn records(batch: &CommitBatch) -> Vec<Arc<Record>> {
    batch.rows.iter().map(|row| Arc::clone(&row.record)).collect()
}
