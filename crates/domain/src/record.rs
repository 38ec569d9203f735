//! Records: the entries of a lane's journal. Every change of state is one; nothing changes beside the journal.
//!
//! A record says what happened, at which place, when, on whose word, and what the accounts it touched held afterwards.
//! So balances, passbooks, counters and answers can all be derived from the journal alone, and checked against it.

use std::sync::Arc;

use rust_decimal::Decimal;
use smallvec::SmallVec;

use crate::{
    account::AccountKind,
    check::Fact,
    control::ControlTotal,
    currency::Currency,
    exchange::{Side, Terms},
    guard::Finding,
    id::{AccountId, CustomerId, ExchangeId, Position},
    interest::Accrual,
    limit::LimitUse,
    money::Money,
    quote::QuoteId,
    rate::Rate,
    round::{Round, RoundId},
    time::{BusinessDate, Timestamp},
};

/// The fingerprint of an idempotency key in its scope (caller, customer); unique in the journal. What a record uses up
/// beside its key stands among the keys: a quote, an exchange that is reversed, a period that interest is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyDigest(pub [u8; 16]);

impl KeyDigest {
    /// Under which a used quote stands among the used keys: a quote is used at most once, as a key is.
    pub const fn of_quote(quote: QuoteId) -> Self {
        Self(quote.0.to_be_bytes())
    }

    /// Under which an exchange that was reversed stands among the used keys: it is reversed at most once. A quote that
    /// reads the same would have been made in the year 5956; a key's fingerprint would have to begin with these letters.
    pub const fn of_reversal(exchange: ExchangeId) -> Self {
        let [a, b, c, d, e, f, g, h] = *b"reversal";
        let [i, j, k, l, m, n, o, p] = exchange.position().packed().to_be_bytes();
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// Under which the interest of an account from this day on stands among the used keys: a day is paid for at most once.
    /// A quote that reads the same would have been made in the year 5643.
    pub const fn of_interest(account: AccountId, from: BusinessDate) -> Self {
        let [a, b, c, d] = *b"intr";
        let [e, f, g, h] = from.days().to_be_bytes();
        let [i, j, k, l, m, n, o, p] = account.position().packed().to_be_bytes();
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }
}

/// The fingerprint of a request's body: another body under the same key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestDigest(pub [u8; 16]);

/// An idempotency key as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key in its scope.
    pub digest: KeyDigest,
    /// The body that came with it.
    pub request: RequestDigest,
}

/// On whose word a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The caller's name: of a token, or of a part of the engine.
    pub caller: Arc<str>,
    /// The idempotency key, if the command had one.
    pub key: Option<KeyUse>,
}

/// One side of a movement of money, with the account as it stands afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The account.
    pub account: AccountId,
    /// Its owner.
    pub customer: CustomerId,
    /// What was posted: negative for a debit.
    pub amount: Money,
    /// The balance of this currency afterwards.
    pub balance_after: Money,
    /// The account's version afterwards: how many postings it has had, this one included.
    pub version: u64,
}

/// Where money lands that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// On the account that it left.
    Account(Leg),
    /// In suspense, because that account is closed: it belongs to no customer's account until somebody decides.
    Suspense(Money),
}

impl Landing {
    /// How much comes back, positive.
    pub const fn amount(&self) -> Money {
        match self {
            Landing::Account(leg) => leg.amount,
            Landing::Suspense(amount) => *amount,
        }
    }

    /// What is posted to an account.
    pub const fn leg(&self) -> Option<&Leg> {
        match self {
            Landing::Account(leg) => Some(leg),
            Landing::Suspense(_) => None,
        }
    }
}

/// A deal of the bank's own in the market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Whether the bank bought or sold the foreign currency.
    pub side: Side,
    /// The foreign amount, positive.
    pub amount: Money,
    /// What was paid or received for it in won, positive.
    pub won: Money,
    /// At which rate.
    pub rate: Rate,
    /// The deal's reference in the bank's dealing system, if it has one.
    pub reference: Option<Box<str>>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A customer was opened; the record's position is the customer's id.
    CustomerOpened {
        /// The bank's own name for the customer, if it gave one: an opaque reference, never a person's name.
        reference: Option<Box<str>>,
        /// The channel that the customer belongs to, where it is another than the caller.
        channel: Option<Box<str>>,
    },
    /// An account was opened; the record's position is the account's id.
    AccountOpened {
        /// Whose.
        customer: CustomerId,
        /// Won or foreign.
        kind: AccountKind,
    },
    /// A fact about an account was stated, or lifted by stating its end.
    AccountFactStated {
        /// The account.
        account: AccountId,
        /// Its owner.
        customer: CustomerId,
        /// The fact.
        fact: Fact,
    },
    /// An account was closed: it was empty, and takes no posting from then on.
    AccountClosed {
        /// The account.
        account: AccountId,
        /// Its owner.
        customer: CustomerId,
    },
    /// A fact about a customer was stated, or lifted by stating its end.
    CustomerFactStated {
        /// The customer.
        customer: CustomerId,
        /// The fact.
        fact: Fact,
    },
    /// Money came in from outside.
    Deposited {
        /// The credit.
        credit: Leg,
    },
    /// Money went out.
    Withdrawn {
        /// The debit.
        debit: Leg,
        /// A limited account's debits of that business date afterwards, in won; absent for others.
        limited_won: Option<i64>,
    },
    /// Money moved between two accounts of one lane.
    Transferred {
        /// The debit.
        debit: Leg,
        /// The credit.
        credit: Leg,
        /// A limited account's debits of that business date afterwards, in won; absent for others.
        limited_won: Option<i64>,
    },
    /// Money was changed: both legs in one record.
    Exchanged {
        /// Side, round and rates.
        terms: Terms,
        /// The quote that was used, if one was.
        quote: Option<QuoteId>,
        /// The debit.
        debit: Leg,
        /// The credit.
        credit: Leg,
        /// The customer's limit counters afterwards; absent where nothing was charged.
        limits: Option<LimitUse>,
        /// A limited account's debits of that business date afterwards, in won; absent for others.
        limited_won: Option<i64>,
    },
    /// An exchange was reversed at its original numbers.
    Reversed {
        /// The exchange.
        exchange: ExchangeId,
        /// Why.
        reason: Box<str>,
        /// The exchange's own terms; its side is the customer's side then.
        terms: Terms,
        /// Taken back from the account that the exchange credited.
        debit: Leg,
        /// Given back to the account that the exchange debited.
        landing: Landing,
        /// The customer's limit counters afterwards; absent where nothing was given back.
        limits: Option<LimitUse>,
        /// A limited account's debits of that business date afterwards, in won; absent for others.
        limited_won: Option<i64>,
    },
    /// Interest was paid for a run of days, after tax.
    InterestPaid {
        /// On which account.
        account: AccountId,
        /// Its owner.
        customer: CustomerId,
        /// The first day that it is for: the one after the last that was paid for.
        from: BusinessDate,
        /// The last day that it is for, before the record's own date.
        through: BusinessDate,
        /// At which rates and on which sums it accrued.
        accruals: Vec<Accrual>,
        /// Before tax.
        gross: Money,
        /// Withheld for the state.
        income_tax: Money,
        /// Withheld for the municipality.
        local_tax: Money,
        /// The credit, of what is left.
        credit: Leg,
    },
    /// The lane passed on to a business date: what follows belongs to it.
    DateRolled {
        /// The new date.
        date: BusinessDate,
    },
    /// A round was published, with the guard's findings; with any, it does not trade and its pair is halted.
    RoundPublished {
        /// The round, as it stands afterwards.
        round: Round,
        /// What the guard found.
        findings: Vec<Finding>,
    },
    /// What was proposed as a round is no rate at all (zero, negative, beyond what a rate can be): it gets no number,
    /// and its pair is halted.
    RoundRefused {
        /// The foreign currency.
        currency: Currency,
        /// The middle rate as received.
        mid: Decimal,
        /// What the guard found, at least one.
        findings: Vec<Finding>,
    },
    /// A round was voided: quotes on it are refused. Its pair is halted until someone else resumes it.
    RoundVoided {
        /// The round.
        round: RoundId,
        /// Its currency.
        currency: Currency,
        /// Why.
        reason: Box<str>,
    },
    /// A pair was halted.
    PairHalted {
        /// The foreign currency.
        currency: Currency,
        /// Why.
        reason: Box<str>,
    },
    /// A pair was resumed, by another person than the one who halted it.
    PairResumed {
        /// The foreign currency.
        currency: Currency,
    },
    /// The bank covered its position in the market: a deal of its own, which no customer's account sees.
    Covered {
        /// The deal.
        cover: Cover,
    },
}

/// An entry of a lane's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Lane and sequence number.
    pub position: Position,
    /// When it was sequenced; never decreases within a lane.
    pub at: Timestamp,
    /// The business date it belongs to; never decreases within a lane.
    pub business_date: BusinessDate,
    /// On whose word.
    pub origin: Origin,
    /// What happened.
    pub event: Event,
    /// What all accounts of the lane hold afterwards of each currency that moved, in the order of their codes; empty where no money
    /// moved, and in records older than these totals.
    pub totals: SmallVec<[ControlTotal; 2]>,
}

impl Record {
    /// The idempotency key that it used, if it used one.
    pub fn key(&self) -> Option<KeyDigest> {
        self.origin.key.as_ref().map(|key| key.digest)
    }

    /// What it used up beside its key, as that stands among the used keys: a quote, the exchange that it reversed, or the
    /// day from which it paid interest.
    pub const fn used_once(&self) -> Option<KeyDigest> {
        match &self.event {
            Event::Exchanged { quote: Some(quote), .. } => Some(KeyDigest::of_quote(*quote)),
            Event::Reversed { exchange, .. } => Some(KeyDigest::of_reversal(*exchange)),
            Event::InterestPaid { account, from, .. } => Some(KeyDigest::of_interest(*account, *from)),
            _ => None,
        }
    }
}

impl Event {
    /// The movements of money, debit first; empty where none moved.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        let (first, second) = match self {
            Event::Deposited { credit } | Event::InterestPaid { credit, .. } => (Some(credit), None),
            Event::Withdrawn { debit, .. } => (Some(debit), None),
            Event::Transferred { debit, credit, .. } | Event::Exchanged { debit, credit, .. } => {
                (Some(debit), Some(credit))
            }
            Event::Reversed { debit, landing, .. } => (Some(debit), landing.leg()),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The stable name of the kind of event, as it stands in the journal.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::CustomerOpened { .. } => "customer_opened",
            Event::AccountOpened { .. } => "account_opened",
            Event::AccountFactStated { .. } => "account_fact_stated",
            Event::AccountClosed { .. } => "account_closed",
            Event::CustomerFactStated { .. } => "customer_fact_stated",
            Event::Deposited { .. } => "deposited",
            Event::Withdrawn { .. } => "withdrawn",
            Event::Transferred { .. } => "transferred",
            Event::Exchanged { .. } => "exchanged",
            Event::Reversed { .. } => "reversed",
            Event::InterestPaid { .. } => "interest_paid",
            Event::DateRolled { .. } => "date_rolled",
            Event::RoundPublished { .. } => "round_published",
            Event::RoundRefused { .. } => "round_refused",
            Event::RoundVoided { .. } => "round_voided",
            Event::PairHalted { .. } => "pair_halted",
            Event::PairResumed { .. } => "pair_resumed",
            Event::Covered { .. } => "covered",
        }
    }

    /// The customer whose state changed first: of the debit, or of the only leg. `None` for lane-wide events, and for
    /// the opening of a customer, whose id is the record's position.
    pub fn customer(&self) -> Option<CustomerId> {
        match self {
            Event::AccountOpened { customer, .. }
            | Event::AccountFactStated { customer, .. }
            | Event::AccountClosed { customer, .. }
            | Event::CustomerFactStated { customer, .. } => Some(*customer),
            _ => self.legs().next().map(|leg| leg.customer),
        }
    }
}
