//! What the ledger needs to know of a record, wherever it comes from: the record itself, or its text.

use smallvec::SmallVec;

use crate::{
    control::ControlTotal,
    currency::Currency,
    exchange::Side,
    id::{ExchangeId, Position},
    money::Money,
    record::{Event, Landing, Record},
    time::{BusinessDate, Timestamp},
};

/// What a record did, in the terms of the posting rules. Amounts of legs carry their sign: negative for a debit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deal {
    /// No money moved.
    None,
    /// Money came in: the credit.
    Deposit(Money),
    /// Money went out: the debit.
    Withdrawal(Money),
    /// Money moved between two customers' accounts.
    Transfer {
        /// The debit.
        debit: Money,
        /// The credit.
        credit: Money,
    },
    /// Money was changed.
    Exchange {
        /// The customer's side.
        side: Side,
        /// The foreign currency.
        currency: Currency,
        /// The debit.
        debit: Money,
        /// The credit.
        credit: Money,
    },
    /// An exchange was reversed.
    Reversal {
        /// The exchange.
        exchange: ExchangeId,
        /// The customer's side in the exchange.
        side: Side,
        /// The foreign currency.
        currency: Currency,
        /// What was taken back.
        debit: Money,
        /// What was given back, to the account or to suspense.
        credit: Money,
        /// Whether it waits in suspense.
        in_suspense: bool,
    },
    /// Interest was paid.
    Interest {
        /// Before tax.
        gross: Money,
        /// Withheld for the state.
        income_tax: Money,
        /// Withheld for the municipality.
        local_tax: Money,
        /// The credit.
        net: Money,
    },
    /// The bank covered its position.
    Cover {
        /// Whether the bank bought or sold the foreign currency.
        side: Side,
        /// The foreign amount, positive.
        amount: Money,
        /// What was paid or received in won, positive.
        won: Money,
        /// The deal's reference.
        reference: Option<Box<str>>,
    },
}

/// A record, as the ledger sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEvent {
    /// Its place.
    pub position: Position,
    /// When it was sequenced.
    pub at: Timestamp,
    /// To which business date it belongs.
    pub business_date: BusinessDate,
    /// What it did.
    pub deal: Deal,
    /// What all accounts of the lane hold afterwards of each currency that moved.
    pub totals: SmallVec<[ControlTotal; 2]>,
}

impl From<&Record> for LedgerEvent {
    fn from(record: &Record) -> Self {
        let deal = match &record.event {
            Event::Deposited { credit } => Deal::Deposit(credit.amount),
            Event::Withdrawn { debit, .. } => Deal::Withdrawal(debit.amount),
            Event::Transferred { debit, credit, .. } => Deal::Transfer { debit: debit.amount, credit: credit.amount },
            Event::Exchanged { terms, debit, credit, .. } => Deal::Exchange {
                side: terms.side,
                currency: terms.currency,
                debit: debit.amount,
                credit: credit.amount,
            },
            Event::Reversed { exchange, terms, debit, landing, .. } => Deal::Reversal {
                exchange: *exchange,
                side: terms.side,
                currency: terms.currency,
                debit: debit.amount,
                credit: landing.amount(),
                in_suspense: matches!(landing, Landing::Suspense(_)),
            },
            Event::InterestPaid { gross, income_tax, local_tax, credit, .. } => {
                Deal::Interest { gross: *gross, income_tax: *income_tax, local_tax: *local_tax, net: credit.amount }
            }
            Event::Covered { cover } => Deal::Cover {
                side: cover.side,
                amount: cover.amount,
                won: cover.won,
                reference: cover.reference.clone(),
            },
            Event::CustomerOpened { .. }
            | Event::AccountOpened { .. }
            | Event::AccountFactStated { .. }
            | Event::AccountClosed { .. }
            | Event::CustomerFactStated { .. }
            | Event::DateRolled { .. }
            | Event::RoundPublished { .. }
            | Event::RoundRefused { .. }
            | Event::RoundVoided { .. }
            | Event::PairHalted { .. }
            | Event::PairResumed { .. } => Deal::None,
        };
        Self {
            position: record.position,
            at: record.at,
            business_date: record.business_date,
            deal,
            totals: record.totals.clone(),
        }
    }
}
