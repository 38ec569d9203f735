//! Accounts and customers as the watch follows them: what they hold, what stands against them, and the rules of a leg.
//!
//! What is kept of an account is what the rules need: owner, kind, facts, version and balances. A breach is told once: from then on
//! the account is what its record says.

use smallvec::SmallVec;

use super::{
    alert::{Alert, Subject},
    rule::Rule,
};
use crate::{
    account::{AccountKind, Seizure, seized},
    check::{Check, Direction, FactSheet, Verdict},
    id::CustomerId,
    money::Money,
    record::{Leg, Record},
    time::{BusinessDate, Timestamp},
};

/// An account as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSeen {
    /// Whose it is.
    pub customer: CustomerId,
    /// What it holds; `None` where its opening was not seen.
    pub kind: Option<AccountKind>,
    /// What stands against it.
    pub facts: FactSheet,
    /// How many postings it has had; `None` where that is not known.
    pub version: Option<u64>,
    /// What it holds of each currency that ever had a posting, as far as is known.
    pub balances: SmallVec<[Money; 1]>,
    /// The last day that interest was paid for, as far as is known.
    pub paid_through: Option<BusinessDate>,
    /// Whether all its postings were seen: a currency that is not among the balances is at zero then, and unknown otherwise.
    pub is_whole: bool,
}

impl AccountSeen {
    /// A new account, empty.
    pub fn opened(customer: CustomerId, kind: AccountKind) -> Self {
        let (facts, balances) = (FactSheet::default(), SmallVec::new());
        Self { customer, kind: Some(kind), facts, version: Some(0), balances, paid_through: None, is_whole: true }
    }

    /// An account whose opening was not seen: what it holds will be learned from its records.
    pub fn met(customer: CustomerId) -> Self {
        let (facts, balances) = (FactSheet::default(), SmallVec::new());
        Self { customer, kind: None, facts, version: None, balances, paid_through: None, is_whole: false }
    }

    /// Records may be missing: what it holds is not known any more.
    pub fn forget_holdings(&mut self) {
        self.version = None;
        self.balances.clear();
        self.is_whole = false;
    }

    /// Follows a leg; its version and its balance before, as far as they are known.
    fn follow(&mut self, leg: &Leg) -> (Option<u64>, Option<Money>) {
        let version = self.version.replace(leg.version);
        let currency = leg.amount.currency();
        let before = match self.balances.iter_mut().find(|held| held.currency() == currency) {
            Some(held) => Some(std::mem::replace(held, leg.balance_after)),
            None => {
                self.balances.push(leg.balance_after);
                self.is_whole.then(|| Money::zero(currency))
            }
        };
        (version, before)
    }
}

/// What a leg is judged in.
#[derive(Clone, Copy, Debug)]
pub struct LegContext<'a> {
    /// Its record.
    pub record: &'a Record,
    /// Debit, credit, or money that comes back.
    pub direction: Direction,
    /// What stands against the customer.
    pub customer_facts: Option<&'a FactSheet>,
}

/// Judges a leg against its account and follows it.
pub fn observe_leg(account: &mut AccountSeen, leg: &Leg, context: LegContext<'_>, alerts: &mut Vec<Alert>) {
    let record = context.record;
    let here = (record.position, record.at);
    let subject = Subject::Account(leg.account);
    let currency = leg.amount.currency();
    let mut raise = |rule, expected: String, found: String| {
        alerts.push(Alert::at_record(rule, subject, here, expected, found));
    };
    if account.customer != leg.customer {
        raise(Rule::OrphanLeg, format!("owner {}", account.customer), format!("owner {}", leg.customer));
    }
    if let Some(kind) = account.kind.filter(|kind| !kind.holds(currency)) {
        raise(Rule::OrphanLeg, format!("a {} account", kind.as_str()), format!("a leg in {currency}"));
    }
    if !account.facts.is_empty() {
        facts(&account.facts, context.direction, record.at, &mut raise);
    }
    if let Some(sheet) = context.customer_facts.filter(|sheet| !sheet.is_empty()) {
        facts(sheet, context.direction, record.at, &mut raise);
    }
    if leg.balance_after.is_negative() {
        raise(Rule::NegativeBalance, "at least 0".into(), format!("{} {currency}", leg.balance_after));
    } else if context.direction == Direction::Debit && !account.facts.is_empty() {
        let bound = match seized(&account.facts, currency, record.at) {
            Seizure::Amount(0) => None,
            Seizure::Amount(amount) => (leg.balance_after.minor() < amount).then(|| format!("{amount} minor units")),
            Seizure::Everything => Some("all of it".into()),
        };
        if let Some(bound) = bound {
            let left = format!("{} {currency} left", leg.balance_after);
            raise(Rule::BelowSeizure, format!("seized {currency}: {bound}"), left);
        }
    }
    if leg.balance_after.currency() != currency {
        let found = format!("a balance in {}", leg.balance_after.currency());
        return raise(Rule::BalanceOffEntries, format!("a balance in {currency}"), found);
    }
    let (version, before) = account.follow(leg);
    if let Some(expected) = version.map(|version| version.saturating_add(1)).filter(|next| *next != leg.version) {
        raise(Rule::AccountVersionGap, format!("version {expected}"), format!("version {}", leg.version));
    }
    if let Some(before) = before {
        let expected = i128::from(before.minor()) + i128::from(leg.amount.minor());
        if expected != i128::from(leg.balance_after.minor()) {
            let found = format!("{} minor units of {currency}", leg.balance_after.minor());
            raise(Rule::BalanceOffEntries, format!("{expected} minor units of {currency}"), found);
        }
    }
}

/// What facts in force forbid outright.
fn facts(sheet: &FactSheet, direction: Direction, at: Timestamp, raise: &mut impl FnMut(Rule, String, String)) {
    for fact in sheet.in_force(at) {
        let verdict = fact.check.admits(direction);
        if !matches!(verdict, Verdict::Forbid | Verdict::ToSuspense) {
            continue;
        }
        let rule = match (fact.check, direction) {
            (_, Direction::Debit) => Rule::DebitOnBlockedAccount,
            (Check::AccountClosed, _) => Rule::CreditToClosedAccount,
            _ => Rule::CreditOnBlockedAccount,
        };
        let expected = format!("nothing: {} since {}", fact.check.code(), fact.effective_from);
        let moved = if direction == Direction::Debit { "a debit" } else { "a credit" };
        raise(rule, expected, moved.into());
    }
}
