//! May this account take part? Facts about accounts and customers, and what each forbids.
//!
//! A fact is in force from its `effective_from` to its `effective_to`; both are compared with the *posting* time, so
//! a death reported today blocks from tomorrow's midnight on. The table of what a fact forbids is [`Check::admits`].
//!
//! A sheet keeps one timeline per check, and for seizures one per seized currency and one for the whole account.
//! Stating a fact decides its timeline **from the fact's beginning on, and nothing before it**:
//!
//! | stated at `now` | effect on the timeline of that check |
//! |---|---|
//! | from tomorrow, open-ended | what is in force today stays until tomorrow; from then on the new fact holds |
//! | from now (or before), open-ended | the new fact holds from now on, whatever was scheduled |
//! | from any time, with an end not after now | lifted: nothing is in force, nothing scheduled later survives |
//! | from tomorrow, with an end not after tomorrow | lifted from tomorrow on; what is in force today stays until then |
//! | from tomorrow, until the day after | in force for that day alone; nothing scheduled later survives |
//!
//! Timelines do not touch each other: a seizure of dollars leaves one of yen, or of the whole account, in place. The
//! amount of a seizure is the total that is seized of its currency then, not an addition to what was stated before.
//! A sheet holds at most [`FACTS_MAX`] facts: whoever would state one asks [`FactSheet::refusal`] first (a book's
//! `judge_fact` does); stating itself, like applying any sequenced event, refuses nothing.

use smallvec::SmallVec;

use crate::{
    money::Money,
    rejection::{Code, Violation, Violations},
    time::Timestamp,
};

/// What may stand against an account or a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The account is closed.
    AccountClosed,
    /// Loss or theft.
    AccidentReported,
    /// Death of the customer.
    Deceased,
    /// Dormant account.
    Dormant,
    /// Suspended account, long unused.
    Suspended,
    /// Seized, an amount or the whole.
    Seized,
    /// Stopped by law.
    PaymentStopped,
    /// Fraud.
    FraudReported,
    /// Pledged, or balance certificate issued.
    Pledged,
    /// A limited account with a daily cap on debits.
    LimitedAccount,
    /// Customer below the product's age.
    Minor,
    /// Identity to be verified again.
    KycExpired,
    /// Credentials locked.
    CredentialLocked,
    /// Bankrupt customer.
    Bankrupt,
    /// Sanctioned customer, or residency missing.
    Sanctioned,
}

/// Whom a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One account.
    Account,
    /// The customer, so all of the customer's accounts.
    Customer,
}

/// Which way money would move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Out of the account.
    Debit,
    /// Into the account.
    Credit,
    /// Back into the account, having left wrongly: passes holds and blocks.
    CompensatingCredit,
}

/// What a fact says to a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No objection.
    Admit,
    /// Not at all.
    Forbid,
    /// Only what the balance holds above the seized amount.
    AboveSeized,
    /// Only up to the daily cap of a limited account.
    UpToDailyCap,
    /// Not into this account: the money waits in suspense, and somebody is told.
    ToSuspense,
}

impl Check {
    /// All checks, in order of precedence.
    pub const ALL: [Check; 15] = [
        Check::AccountClosed,
        Check::AccidentReported,
        Check::Deceased,
        Check::Dormant,
        Check::Suspended,
        Check::Seized,
        Check::PaymentStopped,
        Check::FraudReported,
        Check::Pledged,
        Check::LimitedAccount,
        Check::Minor,
        Check::KycExpired,
        Check::CredentialLocked,
        Check::Bankrupt,
        Check::Sanctioned,
    ];

    /// The code of a rejection by this check.
    pub const fn code(self) -> Code {
        match self {
            Check::AccountClosed => Code::AccountClosed,
            Check::AccidentReported => Code::AccidentReported,
            Check::Deceased => Code::Deceased,
            Check::Dormant => Code::Dormant,
            Check::Suspended => Code::Suspended,
            Check::Seized => Code::Seized,
            Check::PaymentStopped => Code::PaymentStopped,
            Check::FraudReported => Code::FraudReported,
            Check::Pledged => Code::Pledged,
            Check::LimitedAccount => Code::LimitedAccount,
            Check::Minor => Code::Minor,
            Check::KycExpired => Code::KycExpired,
            Check::CredentialLocked => Code::CredentialLocked,
            Check::Bankrupt => Code::Bankrupt,
            Check::Sanctioned => Code::Sanctioned,
        }
    }

    /// The check of this code's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.code().as_str() == text)
    }

    /// Whom a fact of this kind is about.
    pub const fn subject(self) -> Subject {
        match self {
            Check::Deceased
            | Check::Minor
            | Check::KycExpired
            | Check::CredentialLocked
            | Check::Bankrupt
            | Check::Sanctioned => Subject::Customer,
            Check::AccountClosed
            | Check::AccidentReported
            | Check::Dormant
            | Check::Suspended
            | Check::Seized
            | Check::PaymentStopped
            | Check::FraudReported
            | Check::Pledged
            | Check::LimitedAccount => Subject::Account,
        }
    }

    /// When a report of this kind takes effect that names no time: a death at the next midnight in Seoul, all else at once.
    pub fn in_force_from(self, reported_at: Timestamp) -> Timestamp {
        match self {
            Check::Deceased => reported_at.seoul_date().next().begins_at(),
            _ => reported_at,
        }
    }

    /// The table: what this check says to a posting in this direction.
    pub const fn admits(self, direction: Direction) -> Verdict {
        use Verdict::{AboveSeized, Admit, Forbid, ToSuspense, UpToDailyCap};
        match (self, direction) {
            (Check::AccountClosed, Direction::CompensatingCredit) => ToSuspense,
            (Check::AccountClosed, _) => Forbid,
            (_, Direction::CompensatingCredit) => Admit,
            (Check::Seized, Direction::Debit) => AboveSeized,
            (Check::LimitedAccount, Direction::Debit) => UpToDailyCap,
            (_, Direction::Debit) => Forbid,
            (Check::Dormant | Check::FraudReported | Check::Minor | Check::Sanctioned, Direction::Credit) => Forbid,
            (_, Direction::Credit) => Admit,
        }
    }
}

/// Something that stands against an account or a customer for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What.
    pub check: Check,
    /// In force from this instant on.
    pub effective_from: Timestamp,
    /// Until just before this instant; open-ended without.
    pub effective_to: Option<Timestamp>,
    /// For [`Check::Seized`]: the seized amount, in the currency of the balance that it binds; the whole account
    /// without. Means nothing for other checks.
    pub amount: Option<Money>,
}

impl Fact {
    /// Whether it is in force at `at`.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.effective_from <= at && self.effective_to.is_none_or(|to| at < to)
    }

    /// Whether it is never in force at `at` or later.
    fn is_over(&self, at: Timestamp) -> bool {
        self.effective_to.is_some_and(|to| to <= at || to <= self.effective_from)
    }

    /// Without an amount where none has a meaning.
    fn plain(self) -> Self {
        Self { amount: self.amount.filter(|_| self.check == Check::Seized), ..self }
    }

    /// Whether both belong to one timeline.
    fn same_timeline(&self, other: &Fact) -> bool {
        self.check == other.check && self.amount.map(Money::currency) == other.amount.map(Money::currency)
    }
}

/// The most facts that one sheet holds: each check may be scheduled a few times over, no more.
pub const FACTS_MAX: usize = 64;

/// The facts of one account or one customer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FactSheet {
    facts: SmallVec<[Fact; 0]>,
}

impl FactSheet {
    /// Of facts as stored.
    pub fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
        Self { facts: facts.into_iter().map(Fact::plain).collect() }
    }

    /// All facts, past and future ones too.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// Whether no further fact fits, once what ended before `at` is dropped.
    pub fn is_full(&self, at: Timestamp) -> bool {
        self.facts.iter().filter(|fact| !fact.is_over(at)).count() >= FACTS_MAX
    }

    /// Why this fact may not be stated at `at`: the sheet would hold more than [`FACTS_MAX`]. Lifting is never refused.
    pub fn refusal(&self, fact: &Fact, at: Timestamp) -> Option<Violation> {
        let mut after = self.clone();
        after.state(*fact, at);
        (after.facts.len() > FACTS_MAX && after.facts.len() > self.facts.len()).then(|| {
            Violation::new(Code::FactsFull, format!("at most {FACTS_MAX} present and future facts: lift some first"))
        })
    }

    /// States a fact at `at`: decides its timeline from the fact's beginning on (see the header), and drops what is
    /// over. To lift a fact is to state it again with an end.
    pub fn state(&mut self, fact: Fact, at: Timestamp) {
        let fact = fact.plain();
        for other in self.facts.iter_mut().filter(|other| other.same_timeline(&fact)) {
            if other.effective_to.is_none_or(|to| to > fact.effective_from) {
                other.effective_to = Some(fact.effective_from);
            }
        }
        self.facts.push(fact);
        self.facts.retain(|fact| !fact.is_over(at));
    }

    /// The facts in force at `at`.
    pub fn in_force(&self, at: Timestamp) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(move |fact| fact.in_force(at))
    }

    /// The next instant after `at` at which any fact begins or ends: until then, what was checked stays true.
    pub fn stable_until(&self, at: Timestamp) -> Timestamp {
        self.facts
            .iter()
            .flat_map(|fact| [Some(fact.effective_from), fact.effective_to])
            .flatten()
            .filter(|boundary| *boundary > at)
            .min()
            .unwrap_or(Timestamp::MAX)
    }

    /// Adds a violation for each fact in force at `at` that forbids a posting in `direction` outright. Seizures and
    /// the cap of a limited account depend on amounts: the account's book judges those.
    pub fn forbid(&self, direction: Direction, at: Timestamp, violations: &mut Violations) {
        for fact in self.in_force(at) {
            if matches!(fact.check.admits(direction), Verdict::Forbid | Verdict::ToSuspense) {
                let (code, since) = (fact.check.code(), fact.effective_from);
                violations.push(Violation::new(code, format!("{code} since {since}")));
            }
        }
    }
}
