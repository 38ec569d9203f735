//! A bank that writes records as the engine does, fast and without an engine, and the watch that reads them. A plant changes a record
//! on its way to the watch.

use std::{collections::HashMap, sync::Arc};

use hwan_domain::{
    account::AccountKind,
    anomaly::{Alert, Arrival, LaneWatch, RoundsSeen, Rule, Sighting, WatchPolicy},
    check::{Check, Fact},
    control::ControlTotals,
    currency::{Currency, CurrencySet, CurrencySpec},
    exchange::{Ask, Side, Terms},
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position, Seq},
    interest::{self, Accrual, Period},
    limit::LimitUse,
    money::Money,
    quote::QuoteId,
    rate::Rate,
    record::{Event, KeyDigest, KeyUse, Landing, Leg, Origin, Record, RequestDigest},
    round::{Round, RoundId, RoundStatus},
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

/// Code, minor digits, rate unit, cap, middle rate.
const CURRENCIES: [(&str, u8, u32, Option<i64>, &str); 5] = [
    ("KRW", 0, 1, None, "1"),
    ("USD", 2, 1, None, "1350.57"),
    ("EUR", 2, 1, None, "1480.25"),
    ("JPY", 0, 100, None, "934.06"),
    ("VND", 0, 100, Some(5_000_000), "5.45"),
];

pub(crate) fn currencies() -> CurrencySet {
    let spec =
        |&(code, minor_digits, rate_unit, holding_cap_won, _): &(&str, u8, u32, Option<i64>, &str)| CurrencySpec {
            code: code.into(),
            name: code.into(),
            minor_digits,
            rate_unit,
            rate_decimals: 2,
            spread_decimals: 2,
            spread_percent: Decimal::ONE,
            preference_percent: Decimal::ONE_HUNDRED,
            jump_percent_max: Decimal::from(3),
            holding_cap_won,
        };
    CurrencySet::new(CURRENCIES.iter().map(spec).collect()).unwrap()
}

/// A customer with both accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) customer: CustomerId,
    pub(crate) won: AccountId,
    pub(crate) foreign: AccountId,
}

#[derive(Default)]
struct Book {
    version: u64,
    balances: Vec<Money>,
}

/// The bank, and the watch.
pub(crate) struct Bank {
    pub(crate) lane: LaneWatch,
    pub(crate) system: LaneWatch,
    pub(crate) rounds: RoundsSeen,
    pub(crate) policy: WatchPolicy,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) now: Timestamp,
    pub(crate) date: BusinessDate,
    pub(crate) currencies: CurrencySet,
    seqs: [u64; 2],
    keys: u64,
    books: HashMap<AccountId, Book>,
    owners: HashMap<AccountId, CustomerId>,
    limits: HashMap<CustomerId, LimitUse>,
    totals: ControlTotals,
    current: HashMap<Currency, Round>,
    caller: Arc<str>,
}

pub(crate) fn place(lane: u16, seq: u64) -> Position {
    Position::new(LaneId::new(lane).unwrap(), Seq::new(seq).unwrap())
}

/// What stands for a chain here: a hash that its place makes.
pub(crate) fn link(position: Position) -> [u8; 32] {
    let mut link = [7; 32];
    link[..8].copy_from_slice(&(position.packed().wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)).to_be_bytes());
    link
}

impl Bank {
    /// With a round of every pair, at 10:00 in Seoul.
    pub(crate) fn open() -> Self {
        let currencies = currencies();
        let now = Timestamp::parse_rfc3339("2026-11-23T10:00:00+09:00").unwrap();
        let mut bank = Self {
            lane: LaneWatch::begin(LaneId::FIRST),
            system: LaneWatch::begin(LaneId::SYSTEM),
            rounds: RoundsSeen::default(),
            policy: WatchPolicy::default().with_currencies(&currencies),
            alerts: Vec::new(),
            now,
            date: now.seoul_date(),
            currencies,
            seqs: [0, 0],
            keys: 0,
            books: HashMap::new(),
            owners: HashMap::new(),
            limits: HashMap::new(),
            totals: ControlTotals::default(),
            current: HashMap::new(),
            caller: "app".into(),
        };
        bank.write(1, Event::DateRolled { date: bank.date });
        for (code, .., mid) in &CURRENCIES[1..] {
            bank.publish(code, mid);
        }
        bank
    }

    pub(crate) fn ccy(&self, code: &str) -> Currency {
        self.currencies.find(code).unwrap()
    }

    /// The next record of a lane, not yet seen by the watch.
    pub(crate) fn record(&mut self, lane: u16, event: Event) -> Record {
        self.seqs[usize::from(lane)] += 1;
        let position = place(lane, self.seqs[usize::from(lane)]);
        let totals = if lane == 0 { Default::default() } else { self.totals.carry_forward(&event) };
        self.keys += 1;
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&self.keys.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        digest[8..].copy_from_slice(&self.keys.to_be_bytes());
        let key = Some(KeyUse { digest: KeyDigest(digest), request: RequestDigest(digest) });
        let origin = Origin { caller: Arc::clone(&self.caller), key };
        Record { position, at: self.now, business_date: self.date, origin, event, totals }
    }

    /// Shows a record to the watch.
    pub(crate) fn show(&mut self, record: &Record) -> Arrival {
        let hash = link(record.position);
        self.show_as(Sighting { record, hash, computed: Some(hash), epoch: Some(1) })
    }

    pub(crate) fn show_as(&mut self, sighting: Sighting<'_>) -> Arrival {
        let lane = if sighting.record.position.lane() == LaneId::SYSTEM { &mut self.system } else { &mut self.lane };
        lane.observe(&sighting, &mut self.rounds, &self.policy, &mut self.alerts)
    }

    /// The next record of a lane, seen by the watch.
    pub(crate) fn write(&mut self, lane: u16, event: Event) -> Record {
        let record = self.record(lane, event);
        self.show(&record);
        record
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, micros: i64) {
        self.now = self.now.plus_micros(micros);
    }

    pub(crate) fn roll(&mut self) {
        self.date = self.date.next();
        self.now = self.now.max(self.date.begins_at());
        for lane in [0, 1] {
            self.write(lane, Event::DateRolled { date: self.date });
        }
    }

    /// A round as the next publication would be.
    pub(crate) fn round(&self, code: &str, mid: &str) -> Round {
        let currency = self.ccy(code);
        let before = self.current.get(&currency).filter(|round| round.id.date == self.date);
        let number = before.map_or(0, |round| round.id.number) + 1;
        Round {
            id: RoundId { currency: *currency.code_bytes(), date: self.date, number },
            currency,
            mid: Rate::new(Decimal::from_str_exact(mid).unwrap(), self.currencies.spec(currency).unwrap().rate_unit)
                .unwrap(),
            spread: Decimal::ZERO,
            preference_percent: Decimal::ONE_HUNDRED,
            published_at: self.now,
            valid_until: self.now.plus_seconds(120),
            status: RoundStatus::Active,
        }
    }

    pub(crate) fn publish(&mut self, code: &str, mid: &str) -> RoundId {
        let round = self.round(code, mid);
        self.current.insert(round.currency, round.clone());
        self.write(0, Event::RoundPublished { round: round.clone(), findings: vec![] });
        round.id
    }

    pub(crate) fn family(&mut self) -> Family {
        let opened = self.write(1, Event::CustomerOpened { reference: None, channel: None });
        let customer = CustomerId::at(opened.position);
        let [won, foreign] = [AccountKind::Won, AccountKind::Foreign].map(|kind| {
            let opened = self.write(1, Event::AccountOpened { customer, kind });
            let account = AccountId::at(opened.position);
            self.owners.insert(account, customer);
            account
        });
        Family { customer, won, foreign }
    }

    /// A customer with this much won.
    pub(crate) fn rich_family(&mut self, won: i64) -> Family {
        let family = self.family();
        self.deposit(family.won, Money::won(won).unwrap());
        family
    }

    /// Posts to an account, as the engine would.
    pub(crate) fn leg(&mut self, account: AccountId, amount: Money) -> Leg {
        let book = self.books.entry(account).or_default();
        book.version += 1;
        let currency = amount.currency();
        if !book.balances.iter().any(|held| held.currency() == currency) {
            book.balances.push(Money::zero(currency));
        }
        let held = book.balances.iter_mut().find(|held| held.currency() == currency).unwrap();
        *held = held.checked_add(amount).unwrap();
        Leg { account, customer: self.owners[&account], amount, balance_after: *held, version: book.version }
    }

    pub(crate) fn held(&self, account: AccountId, currency: Currency) -> i64 {
        let held = self.books.get(&account).and_then(|book| book.balances.iter().find(|h| h.currency() == currency));
        held.map_or(0, |held| held.minor())
    }

    pub(crate) fn deposit(&mut self, account: AccountId, amount: Money) -> Record {
        let credit = self.leg(account, amount);
        self.write(1, Event::Deposited { credit })
    }

    /// Interest of 2 % for a day that closed with 10,000,000 won, as the engine would pay it; not yet seen by the watch.
    pub(crate) fn interest(&mut self, family: Family, day: BusinessDate) -> Record {
        let period = Period::new(day, day).unwrap();
        let accrual = Accrual { period, annual_percent: Decimal::TWO, closings_minor: 10_000_000 };
        let interest = interest::reckon(Currency::KRW, period, vec![accrual]).unwrap();
        let credit = self.leg(family.won, interest.net);
        self.record(1, interest.paid(credit))
    }

    /// The same, seen by the watch.
    pub(crate) fn pay_interest(&mut self, family: Family, day: BusinessDate) {
        let record = self.interest(family, day);
        self.show(&record);
    }

    pub(crate) fn withdrawal(&mut self, account: AccountId, amount: Money) -> Record {
        let debit = self.leg(account, amount.negated());
        self.record(1, Event::Withdrawn { debit, limited_won: None })
    }

    /// An exchange as the engine would make it, not yet seen by the watch.
    pub(crate) fn exchange(&mut self, family: Family, code: &str, side: Side, minor: i64) -> Record {
        let currency = self.ccy(code);
        let terms = Terms::of(&self.current[&currency], side).unwrap();
        let priced = terms.price(Ask::Foreign(Money::from_minor(minor, currency).unwrap())).unwrap();
        let (debit, credit) = match side {
            Side::Buy => (self.leg(family.won, priced.won.negated()), self.leg(family.foreign, priced.foreign)),
            Side::Sell => (self.leg(family.foreign, priced.foreign.negated()), self.leg(family.won, priced.won)),
        };
        let limits = (side == Side::Buy).then(|| {
            let used = self.limits.entry(family.customer).or_default();
            *used = used.charged(priced.won.minor(), self.now);
            *used
        });
        self.record(1, Event::Exchanged { terms, quote: None, debit, credit, limits, limited_won: None })
    }

    /// The same, on a quote that was made then.
    pub(crate) fn quoted(&mut self, family: Family, code: &str, minor: i64, made: Timestamp) -> Record {
        let record = self.exchange(family, code, Side::Buy, minor);
        let name = (u128::try_from(made.micros() / 1_000).unwrap() << 80) | u128::from(self.keys);
        change(record, |event| {
            let Event::Exchanged { quote, .. } = event else { unreachable!() };
            *quote = Some(QuoteId(name));
        })
    }

    pub(crate) fn buy(&mut self, family: Family, code: &str, minor: i64) -> Record {
        let record = self.exchange(family, code, Side::Buy, minor);
        self.show(&record);
        record
    }

    pub(crate) fn sell(&mut self, family: Family, code: &str, minor: i64) -> Record {
        let record = self.exchange(family, code, Side::Sell, minor);
        self.show(&record);
        record
    }

    /// The reversal of an exchange, not yet seen by the watch.
    pub(crate) fn reversal(&mut self, exchange: &Record, to_suspense: bool) -> Record {
        let Event::Exchanged { terms, debit, credit, .. } = exchange.event else { panic!("an exchange") };
        let back = self.leg(credit.account, credit.amount.negated());
        let landing = if to_suspense {
            Landing::Suspense(debit.amount.negated())
        } else {
            Landing::Account(self.leg(debit.account, debit.amount.negated()))
        };
        let event = Event::Reversed {
            exchange: ExchangeId::at(exchange.position),
            reason: "wrong rate".into(),
            terms,
            debit: back,
            landing,
            limits: None,
            limited_won: None,
        };
        self.record(1, event)
    }

    pub(crate) fn fact(&mut self, family: Family, account: AccountId, check: Check, amount: Option<Money>) {
        let fact = Fact { check, effective_from: self.now, effective_to: None, amount };
        self.write(1, Event::AccountFactStated { account, customer: family.customer, fact });
    }

    /// The rules that were broken so far, each once, in the order of the catalogue.
    pub(crate) fn broken(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self.alerts.iter().map(|alert| alert.rule).collect();
        rules.sort();
        rules.dedup();
        rules
    }
}

/// A record with another event.
pub(crate) fn change(mut record: Record, by: impl FnOnce(&mut Event)) -> Record {
    by(&mut record.event);
    record
}

/// The legs of a record, to be changed.
pub(crate) fn legs_of(event: &mut Event) -> Vec<&mut Leg> {
    match event {
        Event::Deposited { credit } => vec![credit],
        Event::Withdrawn { debit, .. } => vec![debit],
        Event::Transferred { debit, credit, .. } | Event::Exchanged { debit, credit, .. } => vec![debit, credit],
        _ => vec![],
    }
}

pub(crate) fn won(won: i64) -> Money {
    Money::won(won).unwrap()
}
