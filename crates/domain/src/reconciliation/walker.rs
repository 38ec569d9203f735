//! Strategy 1: follows a lane's journal record by record, from its beginning or from a snapshot on.
//!
//! From a record it takes the legs' amounts; the balances that a leg names are compared with what the amounts give. When the first
//! record of a later day comes, the lane is frozen as it closed the day, and the walk goes on to the end: so it knows what every
//! account stands at now, too. A break is noted and stepped over by what the record says, so that it is found once.

use std::{collections::HashSet, sync::Arc};

use super::{
    accounts::{Accounts, Standing},
    check::Check,
    digest::EntryColumns,
    finding::{Break, BreakKind, Breaks, Subject},
    interest::{self, Payments},
    movement::{Fault, Movement},
    snapshot::{
        ACCOUNTS_PER_CHUNK, AccountState, BalanceState, LaneState, Unreadable, decode_chunk, encode_chunk, first_of,
    },
    tree::Tree,
};
use crate::{
    control::{ControlTotal, ControlTotals},
    currency::{Currency, CurrencySet},
    id::{AccountId, ExchangeId, LaneId, Position, Seq},
    ledger::{Chart, Deal, Journal, TrialLine, post},
    money::Money,
    record::Leg,
    time::{BusinessDate, Timestamp},
};

/// A lane as it closed a day.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// What belongs to the lane as a whole.
    pub state: LaneState,
    /// Every account, in chunks by its id, see [`snapshot`](super::snapshot).
    pub chunks: Vec<Vec<u8>>,
    /// What accounts held, zeros left out.
    pub closings: Tree,
    /// What accounts with a posting on the day held before the first, in minor units, zeros left out; in no order.
    pub openings: Vec<(AccountId, Currency, i64)>,
}

impl Frozen {
    /// An account as it closed the day.
    pub fn find(&self, account: AccountId, currencies: &CurrencySet) -> Result<Option<AccountState>, Unreadable> {
        let after = self.chunks.partition_point(|chunk| first_of(chunk).is_some_and(|first| first <= account));
        let Some(chunk) = after.checked_sub(1).and_then(|at| self.chunks.get(at)) else { return Ok(None) };
        let accounts = decode_chunk(chunk, currencies)?;
        Ok(accounts.into_iter().find(|state| state.account == account))
    }
}

/// Follows one lane.
pub struct Walker {
    lane: LaneId,
    date: BusinessDate,
    chart: Option<Arc<Chart>>,
    accounts: Accounts,
    state: LaneState,
    last_date: Option<BusinessDate>,
    openings: Vec<(AccountId, Currency, i64)>,
    frozen: Option<Frozen>,
    /// A day before, whose accounts are wanted too, and what they were.
    earlier: Option<(BusinessDate, Option<Vec<Vec<u8>>>)>,
    reversed: HashSet<ExchangeId>,
    payments: Payments,
    records: u64,
    postings: u64,
    breaks: Breaks,
}

impl Walker {
    /// Begins before a lane's first record, to close this day. With a chart, the posting rules are applied to each record of up to
    /// that day.
    pub fn new(lane: LaneId, date: BusinessDate, chart: Option<Arc<Chart>>) -> Self {
        Self {
            lane,
            date,
            chart,
            accounts: Accounts::default(),
            state: LaneState::empty(lane, date),
            last_date: None,
            openings: Vec::new(),
            frozen: None,
            earlier: None,
            reversed: HashSet::new(),
            payments: Payments::default(),
            records: 0,
            postings: 0,
            breaks: Breaks::default(),
        }
    }

    /// Goes on from where an earlier day was closed; the accounts come by [`Walker::restore`].
    pub fn resume(state: LaneState, date: BusinessDate, chart: Option<Arc<Chart>>) -> Self {
        let last_date = Some(state.date);
        Self { last_date, state: LaneState { date, ..state.clone() }, ..Self::new(state.lane, date, chart) }
    }

    /// Takes an account as the snapshot has it.
    pub fn restore(&mut self, account: &AccountState) {
        self.accounts.restore(account);
    }

    /// Keeps the accounts as they closed an earlier day, too.
    pub fn keep(&mut self, earlier: BusinessDate) {
        self.earlier = Some((earlier, None));
    }

    /// The accounts as they closed the earlier day, in chunks.
    pub fn kept(&self) -> &[Vec<u8>] {
        self.earlier.as_ref().and_then(|(_, chunks)| chunks.as_deref()).unwrap_or_default()
    }

    /// Passes over a record that cannot be read.
    pub fn pass_over(&mut self, position: Position, hash: [u8; 32]) {
        self.records += 1;
        self.state.seq = position.seq();
        self.state.hash = hash;
    }

    /// The last record that was followed.
    pub const fn at(&self) -> Seq {
        self.state.seq
    }

    /// Its hash, as the journal says.
    pub const fn hash(&self) -> [u8; 32] {
        self.state.hash
    }

    /// Records and postings followed.
    pub const fn followed(&self) -> (u64, u64) {
        (self.records, self.postings)
    }

    /// The business date of the last record; of the snapshot at first.
    pub const fn last_date(&self) -> Option<BusinessDate> {
        self.last_date
    }

    /// Payments of interest that were seen.
    pub const fn interest_payments(&self) -> u64 {
        self.payments.count()
    }

    /// Every account as it stands where the walk is.
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Notes a break that was found beside the walk.
    pub fn note(&mut self, found: Break) {
        self.breaks.add(found);
    }

    /// What was found so far; it is taken.
    pub fn take_breaks(&mut self) -> Breaks {
        std::mem::take(&mut self.breaks)
    }

    fn add(&mut self, check: Check, kind: BreakKind, subject: Subject, sides: (String, String), explanation: String) {
        let (expected, found) = sides;
        self.breaks.add(Break { kind, check, subject, expected, found, explanation });
    }

    /// The lane as it closed the day; frozen now where no later day has begun.
    pub fn close(&mut self) -> &Frozen {
        if self.frozen.is_none() {
            self.freeze();
        }
        // It was just frozen.
        self.frozen.as_ref().expect("a lane that was closed is frozen")
    }

    fn freeze(&mut self) {
        let mut closings = Tree::default();
        let chunks = chunks_of(&self.accounts, |state| {
            for balance in state.balances.iter().filter(|balance| balance.minor != 0) {
                closings.add(state.account, balance.currency, balance.minor, 0);
            }
        });
        let accounts = self.accounts.len() as u64;
        let state = LaneState { date: self.date, accounts, ..self.state.clone() };
        let openings = std::mem::take(&mut self.openings);
        self.frozen = Some(Frozen { state, chunks, closings, openings });
    }

    /// What accounts stand at where the walk is, with the version of each balance.
    pub fn balances(&self) -> Tree {
        let mut tree = Tree::default();
        for state in self.accounts.iter() {
            for balance in &state.balances {
                tree.add(state.account, balance.currency, balance.minor, balance.version);
            }
        }
        tree
    }

    /// Follows the next record, which has this hash; `journal` hears what the posting rules make of it, up to the day's end.
    pub fn follow(&mut self, movement: &Movement, hash: [u8; 32], journal: &mut dyn FnMut(&Journal)) {
        let event = &movement.event;
        self.place(event.position, event.at, event.business_date);
        if let Some((date, chunks @ None)) = &mut self.earlier
            && event.business_date > *date
        {
            *chunks = Some(chunks_of(&self.accounts, |_| {}));
        }
        if event.business_date > self.date && self.frozen.is_none() {
            self.freeze();
        }
        self.records += 1;
        if let Some(fault) = movement.fault() {
            self.faulty(event.position, fault);
        }
        for leg in &movement.legs {
            self.post(movement, leg);
        }
        self.deal(movement);
        self.totals(movement);
        if let Some(chart) = self.chart.clone().filter(|_| event.business_date <= self.date) {
            self.keep_books(&chart, movement, journal);
        }
        self.state.seq = event.position.seq();
        self.state.hash = hash;
        self.state.at = event.at;
        self.last_date = Some(event.business_date);
    }

    fn place(&mut self, position: Position, at: Timestamp, date: BusinessDate) {
        let subject = Subject::record(position);
        let expected = self.state.seq.next().unwrap_or(self.state.seq);
        if position.seq() > expected {
            let last = position.seq().number() - 1;
            let missing = Subject::record(Position::new(self.lane, expected));
            let sides = (format!("record {expected}"), format!("record {}", position.seq()));
            let text = format!(
                "records {expected} to {last} are not in the journal: rows were deleted, nothing of the engine's does that"
            );
            self.add(Check::JournalChain, BreakKind::Missing, missing, sides, text);
        } else if position.seq() < expected || position.lane() != self.lane {
            let sides = (format!("record {expected}"), format!("record {position:?}"));
            let text = "a record stands where another was expected".to_owned();
            self.add(Check::JournalChain, BreakKind::Duplicate, subject, sides, text);
        }
        if at < self.state.at || self.last_date.is_some_and(|last| date < last) {
            let last = self.last_date.unwrap_or(date);
            let sides = (format!("not before {} on {last}", self.state.at), format!("{at} on {date}"));
            self.add(Check::JournalChain, BreakKind::Amount, subject, sides, "time or date goes back".to_owned());
        }
    }

    fn faulty(&mut self, position: Position, fault: Fault) {
        let subject = Subject::record(position);
        let (check, expected, found, text) = match fault {
            Fault::WrongWay(amount) => (
                Check::Conservation,
                "debits below zero, credits above".to_owned(),
                format!("{amount:?}"),
                "a leg points the wrong way",
            ),
            Fault::NotConserved { debit, credit } => (
                Check::Conservation,
                format!("{:?}", debit.negated()),
                format!("{credit:?}"),
                "a transfer gives another amount than it takes",
            ),
            Fault::NotTheRate { expected, won, foreign } => (
                Check::Terms,
                format!("{expected} KRW for {foreign:?}"),
                format!("{won:?}"),
                "the legs are not what the rate makes of each other",
            ),
            Fault::OtherCurrencies => (
                Check::Terms,
                "won against the currency of the terms".to_owned(),
                String::new(),
                "the legs are in other currencies",
            ),
        };
        self.add(check, BreakKind::Amount, subject, (expected, found), text.to_owned());
    }

    fn post(&mut self, movement: &Movement, leg: &Leg) {
        let event = &movement.event;
        let (currency, day) = (leg.amount.currency(), event.business_date);
        let after = BalanceState { currency, minor: leg.balance_after.minor(), version: leg.version };
        let digest = || {
            let kind = entry_kind(&event.deal);
            let (amount, balance) = (leg.amount, leg.balance_after);
            let (version, record, at) = (leg.version, event.position, event.at);
            EntryColumns { version, record, kind, amount, balance, at, date: day }.digest()
        };
        let before = self.accounts.post(leg.account, after, day.days(), digest);
        self.postings += 1;
        self.state.postings += 1;
        self.state.totals.post(leg.amount);
        if day == self.date && before.day < day.days() && before.minor != 0 {
            self.openings.push((leg.account, currency, before.minor));
        }
        let balance = before.minor.checked_add(leg.amount.minor());
        if before.version.checked_add(1) != Some(leg.version) || balance != Some(after.minor) || after.minor < 0 {
            self.off_chain(event.position, leg, before, balance);
        }
    }

    fn off_chain(&mut self, position: Position, leg: &Leg, before: Standing, balance: Option<i64>) {
        let subject = Subject::account(leg.account, Some(leg.amount.currency())).at(position);
        let next = before.version.saturating_add(1);
        let shown = |minor: Option<i64>| {
            let money = minor.and_then(|minor| Money::from_minor(minor, leg.amount.currency()).ok());
            money.map_or_else(|| "no amount".to_owned(), |money| format!("{money:?}"))
        };
        let expected = format!("version {next}, {}", shown(balance));
        let found = format!("version {}, {:?}", leg.version, leg.balance_after);
        let (kind, text) = match leg.version.cmp(&next) {
            std::cmp::Ordering::Greater => {
                (BreakKind::Missing, format!("{} postings of the account are not in the journal", leg.version - next))
            }
            std::cmp::Ordering::Less => (BreakKind::Duplicate, "a version of the account stands twice".to_owned()),
            std::cmp::Ordering::Equal if balance == Some(leg.balance_after.minor()) => {
                (BreakKind::Amount, "the balance is below zero".to_owned())
            }
            std::cmp::Ordering::Equal => {
                (BreakKind::Amount, "the amount does not lead from the balance before to the balance after".to_owned())
            }
        };
        self.add(Check::AccountChain, kind, subject, (expected, found), text);
    }

    fn deal(&mut self, movement: &Movement) {
        let position = movement.event.position;
        if let Deal::Reversal { exchange, credit, in_suspense, .. } = &movement.event.deal {
            if *in_suspense {
                self.state.suspense.post(*credit);
            }
            if !self.reversed.insert(*exchange) {
                let sides = ("one reversal".to_owned(), format!("another one of {exchange}"));
                let text = "an exchange was reversed twice".to_owned();
                self.add(Check::Terms, BreakKind::Duplicate, Subject::record(position), sides, text);
            }
        }
        let Some(payment) = movement.interest else { return };
        let subject = Subject::account(payment.account, None).at(position);
        if !interest::follows(&payment) {
            let (income, local) = payment.taxes();
            let sides = (
                format!("{} by its accruals, taxes {income} and {local} of {}", payment.accrued, payment.gross),
                format!("{}, {} and {}, net {}", payment.gross, payment.income_tax, payment.local_tax, payment.net),
            );
            self.add(
                Check::Interest,
                BreakKind::Amount,
                subject,
                sides,
                "interest or its tax does not follow the formula".to_owned(),
            );
        }
        if let Some(through) = self.payments.take(&payment) {
            let sides = (format!("from after {through}"), format!("from {}", payment.from));
            self.add(Check::Interest, BreakKind::Duplicate, subject, sides, "a day was paid for twice".to_owned());
        }
    }

    fn totals(&mut self, movement: &Movement) {
        for total in &movement.event.totals {
            let ours = self.state.totals.minor(total.currency);
            if ours == total.minor {
                continue;
            }
            let mut subject = Subject::record(movement.event.position);
            subject.currency = Some(total.currency);
            let sides = (format!("{ours} minor units"), format!("{} minor units", total.minor));
            let text = "the lane's running total is not the sum of its postings".to_owned();
            self.add(Check::Conservation, BreakKind::Amount, subject, sides, text);
            let difference = ControlTotal { currency: total.currency, minor: total.minor - ours };
            self.state.totals = ControlTotals::of(self.state.totals.iter().copied().chain([difference]));
        }
    }

    fn keep_books(&mut self, chart: &Chart, movement: &Movement, journal: &mut dyn FnMut(&Journal)) {
        let made = match post(chart, &movement.event) {
            Ok(Some(made)) => made,
            Ok(None) => return,
            Err(error) => {
                let subject = Subject::record(movement.event.position);
                let sides = ("a journal".to_owned(), "none".to_owned());
                let text = format!("the posting rules make no journal of the record: {error}");
                return self.add(Check::LedgerJournals, BreakKind::Amount, subject, sides, text);
            }
        };
        for entry in &made.entries {
            let (turnover, currency) = (made.turnover(entry, chart), entry.amount.currency());
            let lines = &mut self.state.turnovers;
            match lines.iter_mut().find(|line| line.account == entry.account && line.currency == currency) {
                Some(line) => line.turnover = line.turnover.plus(turnover),
                None => lines.push(TrialLine { account: entry.account, currency, turnover }),
            }
        }
        journal(&made);
    }
}

/// All accounts by their ids, packed; `each` sees them on their way.
fn chunks_of(accounts: &Accounts, mut each: impl FnMut(&AccountState)) -> Vec<Vec<u8>> {
    let mut chunks = Vec::with_capacity(accounts.len() / ACCOUNTS_PER_CHUNK + 1);
    let mut chunk = Vec::with_capacity(ACCOUNTS_PER_CHUNK.min(accounts.len()));
    for state in accounts.sorted() {
        each(&state);
        chunk.push(state);
        if chunk.len() == ACCOUNTS_PER_CHUNK {
            chunks.push(encode_chunk(&chunk));
            chunk.clear();
        }
    }
    if !chunk.is_empty() {
        chunks.push(encode_chunk(&chunk));
    }
    chunks
}

/// The number of the kind under which a passbook shows a deal. Without a wildcard: a new deal has to be placed here.
pub const fn entry_kind(deal: &Deal) -> u8 {
    match deal {
        Deal::Exchange { .. } => 1,
        Deal::Deposit(_) => 2,
        Deal::Withdrawal(_) => 3,
        Deal::Transfer { .. } => 4,
        Deal::Reversal { .. } => 5,
        Deal::Interest { .. } => 6,
        Deal::None | Deal::Cover { .. } => 0,
    }
}
