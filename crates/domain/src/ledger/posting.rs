//! The posting rules: which entries a record makes.
//!
//! | record | won | foreign currency |
//! |---|---|---|
//! | deposit | Dr won reserves / Cr won deposits | Dr nostro / Cr foreign deposits |
//! | withdrawal | Dr won deposits / Cr won reserves | Dr foreign deposits / Cr nostro |
//! | transfer | Dr and Cr won deposits | Dr and Cr foreign deposits |
//! | customer buys | Dr won deposits / Cr equivalent | Dr position / Cr foreign deposits |
//! | customer sells | Dr equivalent / Cr won deposits | Dr foreign deposits / Cr position |
//! | reversal | the exchange's entries, sides swapped | likewise |
//! | interest | Dr expense / Cr accrued, gross; Dr accrued, gross / Cr won deposits, net / Cr withholding tax, each tax | |
//! | bank covers by buying | Dr equivalent / Cr won reserves | Dr nostro / Cr position |
//! | bank covers by selling | Dr won reserves / Cr equivalent | Dr position / Cr nostro |
//!
//! What a reversal gives back to an account that is closed waits in suspense instead of the deposits.

use smallvec::smallvec;

use super::{
    account::LedgerAccount,
    chart::{Chart, Role},
    event::{Deal, LedgerEvent},
    journal::{Entries, Entry, EntrySide, Journal, JournalKind},
};
use crate::{currency::Currency, exchange::Side, money::Money, record::Record};

/// Why a record has no journal that could be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// A currency's sides differ.
    #[error("unbalanced: {debit} debited and {credit} credited in minor units of {currency}")]
    Unbalanced {
        /// The currency.
        currency: Currency,
        /// What would be debited, in minor units.
        debit: i128,
        /// What would be credited, in minor units.
        credit: i128,
    },
    /// An entry of nothing, or of less than nothing.
    #[error("an entry of {amount:?} on account {account}: entries are above zero, a leg points the wrong way")]
    NotPositive {
        /// The account.
        account: LedgerAccount,
        /// The amount.
        amount: Money,
    },
    /// Legs that are not those of their event.
    #[error("a leg in {found} where {expected} was exchanged")]
    WrongCurrency {
        /// What was expected.
        expected: Currency,
        /// What was found.
        found: Currency,
    },
    /// The won was exchanged for itself.
    #[error("the won has no position: it was exchanged for itself")]
    HomePosition,
}

/// The journal of a record; `None` where no money moved.
pub fn journal_of(chart: &Chart, record: &Record) -> Result<Option<Journal>, PostingError> {
    post(chart, &LedgerEvent::from(record))
}

/// The journal of an event; `None` where no money moved.
pub fn post(chart: &Chart, event: &LedgerEvent) -> Result<Option<Journal>, PostingError> {
    let (kind, reference, entries) = match &event.deal {
        Deal::None => return Ok(None),
        Deal::Deposit(credit) => {
            let currency = credit.currency();
            (JournalKind::Deposit, None, pair(own(chart, currency), chart.control(currency), *credit))
        }
        Deal::Withdrawal(debit) => {
            let currency = debit.currency();
            (JournalKind::Withdrawal, None, pair(chart.control(currency), own(chart, currency), debit.negated()))
        }
        Deal::Transfer { debit, credit } => {
            let entry = |side, amount: Money| Entry { account: chart.control(amount.currency()), side, amount };
            let entries = smallvec![entry(EntrySide::Debit, debit.negated()), entry(EntrySide::Credit, *credit)];
            (JournalKind::Transfer, None, entries)
        }
        Deal::Exchange { side, currency, debit, credit } => {
            let exchanged = Exchanged::of(*side, *currency, debit.negated(), *credit)?;
            let customers = |money: Money| chart.control(money.currency());
            let entries = exchanged.entries(chart, customers(exchanged.won), customers(exchanged.foreign));
            (JournalKind::Exchange, None, entries)
        }
        Deal::Reversal { exchange, side, currency, debit, credit, in_suspense } => {
            // The customer's side is the other one now: what was bought is sold again, at the same numbers.
            let back = match side {
                Side::Buy => Side::Sell,
                Side::Sell => Side::Buy,
            };
            let exchanged = Exchanged::of(back, *currency, debit.negated(), *credit)?;
            let customers = |money: Money| {
                let is_credit = money.currency() == credit.currency();
                if *in_suspense && is_credit {
                    chart.account_of(Role::Suspense, money.currency())
                } else {
                    chart.control(money.currency())
                }
            };
            let entries = exchanged.entries(chart, customers(exchanged.won), customers(exchanged.foreign));
            (JournalKind::Reversal, Some(exchange.to_string().into_boxed_str()), entries)
        }
        Deal::Interest { gross, income_tax, local_tax, net } => {
            for money in [gross, income_tax, local_tax, net] {
                if money.currency() != Currency::KRW {
                    return Err(PostingError::WrongCurrency { expected: Currency::KRW, found: money.currency() });
                }
            }
            let accrued = chart.account(Role::AccruedInterest);
            let mut entries = pair(chart.account(Role::InterestExpense), accrued, *gross);
            entries.push(Entry { account: accrued, side: EntrySide::Debit, amount: *gross });
            let credits = [
                (chart.control(Currency::KRW), net),
                (chart.account(Role::WithholdingTax), income_tax),
                (chart.account(Role::WithholdingTax), local_tax),
            ];
            // A tax that was cut to nothing is no entry.
            entries.extend(
                credits.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(account, amount)| Entry {
                    account,
                    side: EntrySide::Credit,
                    amount: *amount,
                }),
            );
            (JournalKind::Interest, None, entries)
        }
        Deal::Cover { side, amount, won, reference } => {
            // The market is the counterparty as a customer would be, seen from the other side of the bank's counter.
            let (customer_side, debit, credit) = match side {
                Side::Buy => (Side::Sell, *amount, *won),
                Side::Sell => (Side::Buy, *won, *amount),
            };
            let exchanged = Exchanged::of(customer_side, amount.currency(), debit, credit)?;
            let entries = exchanged.entries(chart, own(chart, Currency::KRW), own(chart, amount.currency()));
            (JournalKind::Cover, reference.clone(), entries)
        }
    };
    let journal = Journal {
        position: event.position,
        at: event.at,
        business_date: event.business_date,
        kind,
        reference,
        entries,
    };
    journal.balanced()?;
    Ok(Some(journal))
}

/// Where the bank itself keeps a currency.
fn own(chart: &Chart, currency: Currency) -> LedgerAccount {
    if currency.is_home() { chart.account(Role::WonReserves) } else { chart.account_of(Role::Nostro, currency) }
}

fn pair(debit: LedgerAccount, credit: LedgerAccount, amount: Money) -> Entries {
    smallvec![
        Entry { account: debit, side: EntrySide::Debit, amount },
        Entry { account: credit, side: EntrySide::Credit, amount },
    ]
}

/// Won against a foreign currency; both amounts positive.
struct Exchanged {
    /// Of the counterparty.
    side: Side,
    won: Money,
    foreign: Money,
}

impl Exchanged {
    /// Of what the counterparty gave and got.
    fn of(side: Side, currency: Currency, given: Money, got: Money) -> Result<Self, PostingError> {
        let (won, foreign) = match side {
            Side::Buy => (given, got),
            Side::Sell => (got, given),
        };
        if currency.is_home() {
            return Err(PostingError::HomePosition);
        }
        for (money, expected) in [(won, Currency::KRW), (foreign, currency)] {
            if money.currency() != expected {
                return Err(PostingError::WrongCurrency { expected, found: money.currency() });
            }
        }
        Ok(Self { side, won, foreign })
    }

    /// Through the position: between where the won and where the foreign currency come from or go to.
    fn entries(&self, chart: &Chart, won_account: LedgerAccount, foreign_account: LedgerAccount) -> Entries {
        let currency = self.foreign.currency();
        let position = chart.account_of(Role::Position, currency);
        let equivalent = chart.account_of(Role::PositionEquivalent, currency);
        let (mut entries, rest) = match self.side {
            Side::Buy => (pair(won_account, equivalent, self.won), pair(position, foreign_account, self.foreign)),
            Side::Sell => (pair(equivalent, won_account, self.won), pair(foreign_account, position, self.foreign)),
        };
        entries.extend(rest);
        entries
    }
}
