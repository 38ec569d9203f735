//! An account: what it holds, what stands against it, and how a posting changes it.
//!
//! | phase | what changes | when |
//! |---|---|---|
//! | reserve | available shrinks; at most one reserve is open | the debit was judged good |
//! | accept | a credit is announced, for holding caps | the credit was judged good |
//! | post | balance and version | the record is sequenced; its caller ends the reserve or the announcement with it |
//! | release | nothing but that the reserve or the announcement ends | the command was refused after all |
//!
//! A won account holds won; a foreign account holds up to seventeen currencies. To judge changes nothing and adds every
//! violation that there is; to post refuses nothing but a broken invariant. Only an account's own mailbox may call either.

use smallvec::SmallVec;

use crate::{
    check::{Check, Direction, Fact, FactSheet, Subject, Verdict},
    currency::Currency,
    exchange::value_in_won,
    id::{AccountId, CustomerId},
    interest::Period,
    invariant::Breach,
    limit::LimitPolicy,
    money::Money,
    rate::Rate,
    record::Leg,
    rejection::{Code, Violation, Violations},
    revision::AccountRevision,
    time::{BusinessDate, Timestamp},
};

/// What an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// Won.
    Won,
    /// Foreign currencies.
    Foreign,
}

impl AccountKind {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountKind::Won => "won",
            AccountKind::Foreign => "foreign",
        }
    }

    /// The kind of this text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Won, Self::Foreign].into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether accounts of this kind hold this currency.
    pub fn holds(self, currency: Currency) -> bool {
        currency.is_home() == (self == AccountKind::Won)
    }
}

/// What a limited account has debited on a business date, in won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitedUse {
    /// The business date of the last debit.
    pub date: BusinessDate,
    /// Debited on that date.
    pub won: i64,
}

/// One currency's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What is there.
    pub amount: Money,
    /// The account's version at this currency's last posting.
    pub version: u64,
}

/// What of an account survives a restart: as sequenced, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Its id.
    pub id: AccountId,
    /// Its owner.
    pub customer: CustomerId,
    /// Won or foreign.
    pub kind: AccountKind,
    /// What stands against it.
    pub facts: FactSheet,
    /// The use of a limited account's daily cap, once it has any.
    pub limited: Option<LimitedUse>,
    /// The last business date for which interest was paid; `None` before the first payment: interest counts from the day of
    /// opening then.
    pub paid_through: Option<BusinessDate>,
    /// A balance for each currency that ever had a posting.
    pub balances: SmallVec<[Balance; 1]>,
}

impl AccountState {
    /// A new account, empty.
    pub fn opened(id: AccountId, customer: CustomerId, kind: AccountKind) -> Self {
        Self {
            id,
            customer,
            kind,
            facts: FactSheet::default(),
            limited: None,
            paid_through: None,
            balances: SmallVec::new(),
        }
    }

    /// How many postings the account has had.
    pub fn version(&self) -> u64 {
        self.balances.iter().map(|balance| balance.version).max().unwrap_or(0)
    }

    /// What is booked in this currency; nothing where it never had a posting.
    pub fn booked(&self, currency: Currency) -> Money {
        self.balances
            .iter()
            .find(|balance| balance.amount.currency() == currency)
            .map_or(Money::zero(currency), |balance| balance.amount)
    }

    /// What is seized of this currency at `at`: an amount, or everything. Several seizures of one currency add up.
    pub fn seized(&self, currency: Currency, at: Timestamp) -> Seizure {
        seized(&self.facts, currency, at)
    }

    /// Whether the account is closed at `at`.
    pub fn is_closed(&self, at: Timestamp) -> bool {
        self.facts.in_force(at).any(|fact| fact.check == Check::AccountClosed)
    }

    /// Whether a compensating credit at `at` would wait in suspense: the account may not take even that.
    pub fn sends_to_suspense(&self, at: Timestamp) -> bool {
        self.facts.in_force(at).any(|fact| fact.check.admits(Direction::CompensatingCredit) == Verdict::ToSuspense)
    }

    /// Closes the account: from `at` on, for good, no posting is admitted.
    pub fn close(&mut self, at: Timestamp) {
        self.facts.state(closing(at), at);
    }

    /// What a client that changes the account may insist on having seen.
    pub fn revision(&self) -> AccountRevision {
        AccountRevision::of(self.version(), &self.facts)
    }

    /// A limited account's debits on this business date so far, in won.
    pub fn limited_won(&self, date: BusinessDate) -> i64 {
        self.limited.filter(|used| used.date == date).map_or(0, |used| used.won)
    }
}

/// The fact that a closing leaves in force.
const fn closing(at: Timestamp) -> Fact {
    Fact { check: Check::AccountClosed, effective_from: at, effective_to: None, amount: None }
}

/// How much of a currency is seized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seizure {
    /// This many minor units, zero for nothing.
    Amount(i64),
    /// All of it.
    Everything,
}

/// What these facts seize of a currency at `at`: an amount, or everything. Several seizures of one currency add up.
pub fn seized(facts: &FactSheet, currency: Currency, at: Timestamp) -> Seizure {
    let mut seizure = Seizure::Amount(0);
    for fact in facts.in_force(at).filter(|fact| fact.check == Check::Seized) {
        seizure = match (fact.amount, seizure) {
            (None, _) | (_, Seizure::Everything) => Seizure::Everything,
            (Some(amount), Seizure::Amount(sum)) if amount.currency() == currency => {
                Seizure::Amount(sum.saturating_add(amount.minor().max(0)))
            }
            (Some(_), seizure) => seizure,
        };
    }
    seizure
}

/// A debit to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Debit {
    /// How much, positive.
    pub amount: Money,
    /// Its value in won, for the cap of a limited account.
    pub won: i64,
}

/// A credit to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Credit {
    /// How much, positive.
    pub amount: Money,
    /// A credit, or money that left wrongly coming back.
    pub direction: Direction,
    /// The currency's holding cap in won and the middle rate to value the holding at, where it has a cap.
    pub cap: Option<HoldingCap>,
}

/// A currency's holding cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldingCap {
    /// The most that one account may hold of it, in won.
    pub won: i64,
    /// The middle rate at which the holding is valued.
    pub mid: Rate,
}

/// When and by which rules a posting is judged.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The posting time.
    pub at: Timestamp,
    /// The business date.
    pub date: BusinessDate,
    /// The bank's limits.
    pub policy: &'a LimitPolicy,
}

/// An account at work: its state, and what commands in flight have reserved or announced.
#[derive(Clone, Debug)]
pub struct AccountBook {
    state: AccountState,
    version: u64,
    reserve: Option<Money>,
    incoming: SmallVec<[Money; 0]>,
}

impl AccountBook {
    /// An account at rest, as stored.
    pub fn new(state: AccountState) -> Self {
        Self { version: state.version(), state, reserve: None, incoming: SmallVec::new() }
    }

    /// What is sequenced.
    pub const fn state(&self) -> &AccountState {
        &self.state
    }

    /// How many postings the account has had.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The open reserve.
    pub const fn reserved(&self) -> Option<Money> {
        self.reserve
    }

    /// Whether no command in flight has reserved or announced anything.
    pub fn at_rest(&self) -> bool {
        self.reserve.is_none() && self.incoming.is_empty()
    }

    /// What can be debited of this currency at `at`: booked less reserved less seized, never below zero.
    pub fn available(&self, currency: Currency, at: Timestamp) -> Money {
        let unreserved = self.unreserved(currency);
        let available = match self.state.seized(currency, at) {
            Seizure::Everything => 0,
            Seizure::Amount(seized) => unreserved.saturating_sub(seized).max(0),
        };
        Money::from_minor(available, currency).unwrap_or(Money::zero(currency)) // 0 ≤ available ≤ booked
    }

    fn unreserved(&self, currency: Currency) -> i64 {
        let reserved = self.reserve.filter(|reserve| reserve.currency() == currency).map_or(0, Money::minor);
        self.state.booked(currency).minor() - reserved
    }

    /// Adds a violation for each fact that forbids a posting in this direction outright, naming the account: of an
    /// exchange's two accounts both may fail the same check.
    pub fn judge_facts(&self, direction: Direction, at: Timestamp, violations: &mut Violations) {
        let found = violations.len();
        self.state.facts.forbid(direction, at, violations);
        for violation in violations.iter_mut().skip(found) {
            violation.detail = format!("{}: {}", self.state.id, violation.detail);
        }
    }

    /// Adds every violation that this debit would be.
    pub fn judge_debit(&self, debit: Debit, moment: Moment<'_>, violations: &mut Violations) {
        let currency = debit.amount.currency();
        self.judge_facts(Direction::Debit, moment.at, violations);
        if !self.fits(debit.amount, violations) {
            return;
        }
        let unreserved = self.unreserved(currency);
        if debit.amount.minor() > unreserved {
            let available = self.available(currency, moment.at);
            let detail = format!("needs {} {currency}, available {available} {currency}", debit.amount);
            violations.push(Violation::new(Code::InsufficientBalance, detail));
        }
        let left = unreserved.saturating_sub(debit.amount.minor());
        match self.state.seized(currency, moment.at) {
            Seizure::Amount(0) => {}
            Seizure::Amount(seized) if left >= seized => {}
            _ => {
                let available = self.available(currency, moment.at);
                violations
                    .push(Violation::new(Code::Seized, format!("available above the seizure {available} {currency}")));
            }
        }
        if self.is_limited(moment.at) {
            let (used, max) = (self.state.limited_won(moment.date), moment.policy.limited_account_daily_won);
            if used.saturating_add(debit.won) > max {
                let remaining = max.saturating_sub(used).max(0);
                let detail = format!("needs {} KRW, {remaining} of {max} KRW remain today", debit.won);
                violations.push(Violation::new(Code::LimitedAccount, detail));
            }
        }
    }

    /// Adds every violation that this credit would be.
    pub fn judge_credit(&self, credit: Credit, moment: Moment<'_>, violations: &mut Violations) {
        let currency = credit.amount.currency();
        self.judge_facts(credit.direction, moment.at, violations);
        if !self.fits(credit.amount, violations) {
            return;
        }
        let announced = self.incoming.iter().filter(|money| money.currency() == currency).map(|money| money.minor());
        let held = announced.fold(self.state.booked(currency).minor(), i64::saturating_add);
        let Ok(held_after) = Money::from_minor(held.saturating_add(credit.amount.minor()), currency) else {
            violations.push(Violation::new(
                Code::AmountTooLarge,
                format!("the balance in {currency} would be beyond what an account can hold"),
            ));
            return;
        };
        if let Some(cap) = credit.cap.filter(|_| credit.direction == Direction::Credit) {
            let value = value_in_won(held_after, cap.mid);
            if value > cap.won {
                let detail =
                    format!("the holding in {currency} would be worth {value} KRW, the cap is {} KRW", cap.won);
                violations.push(Violation::new(Code::HoldingLimit, detail));
            }
        }
    }

    /// Whether an amount is one for this account at all: a currency that it holds, and more than nothing.
    fn fits(&self, amount: Money, violations: &mut Violations) -> bool {
        let (kind, currency) = (self.state.kind, amount.currency());
        if !kind.holds(currency) {
            let detail = format!("a {} account does not hold {currency}", kind.as_str());
            violations.push(Violation::new(Code::AccountNotFound, detail));
        } else if amount.is_zero() || amount.is_negative() {
            violations.push(Violation::new(Code::AmountTooSmall, format!("{amount} {currency} is nothing to move")));
        } else {
            return true;
        }
        false
    }

    /// Adds every reason why this fact may not be stated of the account at `at`.
    pub fn judge_fact(&self, fact: &Fact, at: Timestamp, violations: &mut Violations) {
        let kind = self.state.kind;
        let invalid = |detail: String| Violation::new(Code::FactInvalid, detail);
        if fact.check == Check::AccountClosed {
            violations.push(invalid("account_closed is not stated: close the account".into()));
        }
        if fact.check.subject() != Subject::Account {
            violations.push(invalid(format!("{} is stated of the customer, not of an account", fact.check.code())));
        }
        match fact.amount {
            Some(_) if fact.check != Check::Seized => {
                violations.push(invalid(format!("{} has no amount", fact.check.code())));
            }
            Some(amount) if !kind.holds(amount.currency()) => {
                violations.push(invalid(format!("a {} account holds no {} to seize", kind.as_str(), amount.currency())))
            }
            Some(amount) if amount.is_zero() || amount.is_negative() => {
                violations.push(invalid("a seized amount is above zero: lift the seizure by stating its end".into()));
            }
            _ => {}
        }
        violations.extend(self.state.facts.refusal(fact, at));
    }

    /// Adds a violation where the account is not as a client expects it to be that wants to change it.
    pub fn judge_revision(&self, expected: Option<AccountRevision>, violations: &mut Violations) {
        let found = self.state.revision();
        if expected.is_some_and(|expected| expected != found) {
            let detail = format!("the account is at {found}: read it again and decide anew");
            violations.push(Violation::new(Code::VersionMismatch, detail));
        }
    }

    /// Adds every reason why the account cannot be closed at `at`: it is closed, or it holds or awaits money.
    pub fn judge_closing(&self, at: Timestamp, violations: &mut Violations) {
        let id = self.state.id;
        if let Some(closed) = self.state.facts.in_force(at).find(|fact| fact.check == Check::AccountClosed) {
            let detail = format!("{id}: account_closed since {}", closed.effective_from);
            violations.push(Violation::new(Code::AccountClosed, detail));
        }
        let held = self.state.balances.iter().map(|balance| balance.amount).filter(|amount| !amount.is_zero());
        let mut reasons: SmallVec<[String; 2]> = held.map(|held| format!("holds {held} {}", held.currency())).collect();
        if let Some(reserve) = self.reserve {
            reasons.push(format!("{reserve} {} are reserved", reserve.currency()));
        }
        reasons.extend(self.incoming.iter().map(|money| format!("{money} {} are on their way", money.currency())));
        if !reasons.is_empty() {
            violations.push(Violation::new(Code::AccountNotEmpty, format!("{id} {}", reasons.join(", "))));
        }
        violations.extend(self.state.facts.refusal(&closing(at), at));
    }

    /// Closes the account, which was judged good.
    pub fn close(&mut self, at: Timestamp) {
        self.state.close(at);
    }

    /// Whether debits count against a daily cap at `at`.
    pub fn is_limited(&self, at: Timestamp) -> bool {
        self.state.facts.in_force(at).any(|fact| fact.check.admits(Direction::Debit) == Verdict::UpToDailyCap)
    }

    /// Opens the reserve of a debit that was judged good.
    pub fn reserve(&mut self, amount: Money) -> Result<(), Breach> {
        if self.reserve.is_some() {
            return Err(Breach::ReserveOpen { account: self.state.id });
        }
        self.reserve = Some(amount);
        Ok(())
    }

    /// Ends the reserve, if one is open, with nothing changed.
    pub fn release(&mut self) {
        self.reserve = None;
    }

    /// Announces a credit that was judged good.
    pub fn announce(&mut self, amount: Money) {
        self.incoming.push(amount);
    }

    /// Ends an announcement with nothing changed.
    pub fn withdraw_announcement(&mut self, amount: Money) {
        if let Some(index) = self.incoming.iter().position(|money| *money == amount) {
            self.incoming.swap_remove(index);
        }
    }

    /// Posts an amount, negative for a debit: balance and version change, in the sequencing step only.
    pub fn post(&mut self, amount: Money) -> Result<Leg, Breach> {
        let account = self.state.id;
        let currency = amount.currency();
        let before = self.state.booked(currency);
        let balance_after = before.checked_add(amount).map_err(|_| Breach::BalanceOverflow { account })?;
        if balance_after.is_negative() {
            return Err(Breach::NegativeBalance { account, balance: balance_after });
        }
        self.version += 1;
        let balance = Balance { amount: balance_after, version: self.version };
        match self.state.balances.iter_mut().find(|balance| balance.amount.currency() == currency) {
            Some(slot) => *slot = balance,
            None => self.state.balances.push(balance),
        }
        Ok(Leg { account, customer: self.state.customer, amount, balance_after, version: self.version })
    }

    /// Counts a debit of a limited account; returns the day's total in won, or `None` for an account without the cap.
    pub fn count_limited(&mut self, won: i64, at: Timestamp, date: BusinessDate) -> Option<i64> {
        if !self.is_limited(at) {
            return None;
        }
        let total = self.state.limited_won(date).saturating_add(won);
        self.state.limited = Some(LimitedUse { date, won: total });
        Some(total)
    }

    /// Adds a violation where interest was paid since a claim was reckoned, so that its period is no longer the one due.
    pub fn judge_interest(&self, period: Period, violations: &mut Violations) {
        if let Some(paid) = self.state.paid_through.filter(|paid| *paid >= period.from()) {
            let detail = format!("{}: interest is paid through {paid}", self.state.id);
            violations.push(Violation::new(Code::NothingAccrued, detail));
        }
    }

    /// Notes for which days interest was just paid.
    pub fn pay_interest(&mut self, period: Period) {
        self.state.paid_through = Some(period.through());
    }

    /// States a fact that was judged good.
    pub fn state_fact(&mut self, fact: Fact, at: Timestamp) {
        self.state.facts.state(fact, at);
    }
}
