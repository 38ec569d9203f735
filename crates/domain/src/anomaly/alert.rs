//! Alerts: what a rule found, about whom, with what it goes by.
//!
//! An alert's id is made of its rule, its subject and its place alone: whoever sees the same thing again makes the same alert.

use std::fmt;

use super::rule::{Rule, Severity};
use crate::{
    currency::Currency,
    id::{AccountId, CustomerId, ExchangeId, LaneId, Position},
    round::RoundId,
    time::{BusinessDate, Timestamp},
};

/// Whom an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// An account.
    Account(AccountId),
    /// A customer.
    Customer(CustomerId),
    /// An exchange.
    Exchange(ExchangeId),
    /// A lane.
    Lane(LaneId),
    /// A pair, by its foreign currency.
    Pair([u8; 3]),
    /// A round.
    Round(RoundId),
    /// A business date.
    Date(BusinessDate),
}

impl fmt::Display for Subject {
    /// `acc_…`, `cus_…`, `exg_…`, `lane-3`, `USD`, `USD-20261123-1`, `2026-11-23`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Account(account) => account.fmt(f),
            Subject::Customer(customer) => customer.fmt(f),
            Subject::Exchange(exchange) => exchange.fmt(f),
            Subject::Lane(lane) => write!(f, "lane-{lane}"),
            Subject::Pair(code) => f.write_str(std::str::from_utf8(code).unwrap_or("???")),
            Subject::Round(round) => round.fmt(f),
            Subject::Date(date) => date.fmt(f),
        }
    }
}

impl Subject {
    /// What kind of thing it is, for lists: `account`, `customer`, `exchange`, `lane`, `pair`, `round`, `date`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Subject::Account(_) => "account",
            Subject::Customer(_) => "customer",
            Subject::Exchange(_) => "exchange",
            Subject::Lane(_) => "lane",
            Subject::Pair(_) => "pair",
            Subject::Round(_) => "round",
            Subject::Date(_) => "date",
        }
    }
}

/// Where in the bank's history it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// At a record.
    Record(Position),
    /// In a window that began then.
    Window(Timestamp),
    /// On a business date.
    Day(BusinessDate),
    /// Nowhere: a condition of its subject.
    Standing,
}

impl fmt::Display for Place {
    /// `1-42`, `t1763862000000000`, `2026-11-23`, `now`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Record(position) => write!(f, "{}-{}", position.lane(), position.seq()),
            Place::Window(began) => write!(f, "t{}", began.micros()),
            Place::Day(date) => date.fmt(f),
            Place::Standing => f.write_str("now"),
        }
    }
}

/// The longest id of an alert, in bytes; all of it may stand in a path: letters, digits, `_`, `-`, `.`.
pub const ALERT_ID_LEN_MAX: usize = 96;
/// The longest text of what was expected or found, in bytes.
pub const EVIDENCE_LEN_MAX: usize = 512;

/// What a rule goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What should have been, with values.
    pub expected: String,
    /// What was, with values.
    pub found: String,
    /// The record that shows it; a condition has none.
    pub record: Option<Position>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Which rule.
    pub rule: Rule,
    /// About whom.
    pub subject: Subject,
    /// Where.
    pub place: Place,
    /// By what.
    pub evidence: Evidence,
    /// When it happened: the record's time, or when a condition was found.
    pub at: Timestamp,
    /// The account that it touches, if one: what a policy may freeze.
    pub account: Option<AccountId>,
    /// The foreign currency that it touches, if one: the pair that a policy may halt.
    pub pair: Option<Currency>,
}

impl Alert {
    /// Of a record.
    pub fn at_record(
        rule: Rule,
        subject: Subject,
        (position, at): (Position, Timestamp),
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::new(rule, subject, Place::Record(position), at, Some(position), expected, found)
    }

    /// Of a condition that was found at an instant.
    pub fn standing(
        rule: Rule,
        subject: Subject,
        now: Timestamp,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::new(rule, subject, Place::Standing, now, None, expected, found)
    }

    /// Of anything.
    pub fn new(
        rule: Rule,
        subject: Subject,
        place: Place,
        at: Timestamp,
        record: Option<Position>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let account = if let Subject::Account(account) = subject { Some(account) } else { None };
        let evidence = Evidence { expected: cut(expected.into()), found: cut(found.into()), record };
        Self { rule, subject, place, evidence, at, account, pair: None }
    }

    /// Touching this account.
    #[must_use]
    pub fn of_account(self, account: AccountId) -> Self {
        Self { account: Some(account), ..self }
    }

    /// Touching this pair.
    #[must_use]
    pub fn of_pair(self, currency: Currency) -> Self {
        Self { pair: Some(currency), ..self }
    }

    /// The id: rule, subject and place, such as `negative_balance.acc_0008000000007.1-42`.
    pub fn id(&self) -> String {
        format!("{}.{}.{}", self.rule, self.subject, self.place)
    }

    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// Held within [`EVIDENCE_LEN_MAX`], at a character's end.
fn cut(mut text: String) -> String {
    if text.len() > EVIDENCE_LEN_MAX {
        let end = (0..=EVIDENCE_LEN_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}
