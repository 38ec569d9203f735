//! What must always hold. One predicate serves the engine, its tests, the simulator and `verify`.
//!
//! A breach is never a customer's fault and never continued past: the lane that finds one stops and says so.

use crate::{
    exchange::{Ask, Side, Terms},
    id::{AccountId, ExchangeId, Position},
    interest::{self, Interest, Period},
    money::Money,
    record::{Event, Landing, Leg, Record},
    time::{BusinessDate, Timestamp},
};

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// I1: no balance is negative.
    #[error("I1 negative balance: account {account} would hold {balance:?}")]
    NegativeBalance {
        /// The account.
        account: AccountId,
        /// What it would hold.
        balance: Money,
    },
    /// I2: every amount and balance stays within what money can be.
    #[error("I2 balance overflow: account {account}")]
    BalanceOverflow {
        /// The account.
        account: AccountId,
    },
    /// I3: an account has at most one open reserve.
    #[error("I3 a reserve is already open: account {account}")]
    ReserveOpen {
        /// The account.
        account: AccountId,
    },
    /// I4: a leg continues its account: version by one, balance by the amount.
    #[error(
        "I4 broken chain: account {account} goes from version {version_before} to {version_after}, balance {balance_before:?} by {amount:?} to {balance_after:?}"
    )]
    BrokenChain {
        /// The account.
        account: AccountId,
        /// Its version before.
        version_before: u64,
        /// The leg's version.
        version_after: u64,
        /// Its balance before.
        balance_before: Money,
        /// The leg's amount.
        amount: Money,
        /// The leg's balance.
        balance_after: Money,
    },
    /// I5: the legs of an exchange are what its terms make of each other.
    #[error("I5 legs do not follow from the terms: record {position:?} moves {won:?} against {foreign:?} at {terms:?}")]
    LegsAgainstTerms {
        /// The record.
        position: Position,
        /// The won leg.
        won: Money,
        /// The foreign leg.
        foreign: Money,
        /// The terms.
        terms: Box<Terms>,
    },
    /// I6: a transfer takes from one account exactly what it gives to another.
    #[error("I6 a transfer does not conserve: record {position:?} moves {debit:?} against {credit:?}")]
    NotConserved {
        /// The record.
        position: Position,
        /// The debit.
        debit: Money,
        /// The credit.
        credit: Money,
    },
    /// I7: a debit is negative, a credit positive, neither zero.
    #[error("I7 a leg points the wrong way: record {position:?} moves {amount:?}")]
    WrongWay {
        /// The record.
        position: Position,
        /// The leg's amount.
        amount: Money,
    },
    /// I10: a reversal moves back what its exchange moved, between the same accounts.
    #[error("I10 a reversal is not that of its exchange: {exchange:?} by debit {debit:?}, {landing:?}")]
    NotItsReversal {
        /// The record of the exchange.
        exchange: Position,
        /// What the reversal debits.
        debit: Money,
        /// What comes back, and where.
        landing: Box<Landing>,
    },
    /// I11: interest is what its accruals come to, taxed by the formula, for days before its own, on its own account.
    #[error("I11 interest is not what accrued: record {position:?} pays {paid:?}")]
    InterestAgainstAccruals {
        /// The record.
        position: Position,
        /// What it credits.
        paid: Money,
    },
    /// I12: interest is paid for the days that follow those paid for.
    #[error(
        "I12 interest does not follow: account {account} is paid from {from} on, was paid through {paid_through:?}"
    )]
    InterestPeriod {
        /// The account.
        account: AccountId,
        /// The first day of the payment.
        from: BusinessDate,
        /// The last day paid for before.
        paid_through: Option<BusinessDate>,
    },
    /// I8: positions are gapless within a lane.
    #[error("I8 gap or repeat: {after:?} follows {before:?}")]
    Gap {
        /// The record before.
        before: Position,
        /// The one that follows.
        after: Position,
    },
    /// I9: time and business date never decrease within a lane.
    #[error("I9 time goes back: {position:?} at {at} on {date} follows {before_at} on {before_date}")]
    TimeBack {
        /// The record.
        position: Position,
        /// Its instant.
        at: Timestamp,
        /// Its date.
        date: BusinessDate,
        /// The instant before.
        before_at: Timestamp,
        /// The date before.
        before_date: BusinessDate,
    },
}

/// I4: `leg` continues an account that stood at `version_before` with `balance_before` in the leg's currency.
pub fn continues(leg: &Leg, version_before: u64, balance_before: Money) -> Result<(), Breach> {
    let chained = version_before.checked_add(1) == Some(leg.version)
        && balance_before.checked_add(leg.amount) == Ok(leg.balance_after);
    if leg.balance_after.is_negative() {
        return Err(Breach::NegativeBalance { account: leg.account, balance: leg.balance_after });
    }
    if chained {
        return Ok(());
    }
    Err(Breach::BrokenChain {
        account: leg.account,
        version_before,
        version_after: leg.version,
        balance_before,
        amount: leg.amount,
        balance_after: leg.balance_after,
    })
}

/// I10: this event is a reversal, of this exchange: both amounts, both accounts, the same terms.
pub fn reverses(event: &Event, exchange: &Record) -> Result<(), Breach> {
    let Event::Reversed { exchange: named, terms, debit, landing, .. } = event else { return Ok(()) };
    let is_its_reversal = match &exchange.event {
        Event::Exchanged { terms: of, debit: paid, credit: received, .. } => {
            *named == ExchangeId::at(exchange.position)
                && terms == of
                && (debit.account, debit.customer) == (received.account, received.customer)
                && debit.amount == received.amount.negated()
                && landing.amount() == paid.amount.negated()
                && landing.leg().is_none_or(|leg| (leg.account, leg.customer) == (paid.account, paid.customer))
        }
        _ => false,
    };
    if is_its_reversal {
        return Ok(());
    }
    Err(Breach::NotItsReversal { exchange: exchange.position, debit: debit.amount, landing: Box::new(*landing) })
}

/// I12: interest from this day on follows what an account was paid for before, without overlap and without a gap. The first
/// payment begins with the day of opening, which only the account's opening tells.
pub fn follows_interest(
    account: AccountId,
    from: BusinessDate,
    paid_through: Option<BusinessDate>,
) -> Result<(), Breach> {
    match paid_through {
        Some(paid) if paid.next() != from => Err(Breach::InterestPeriod { account, from, paid_through }),
        _ => Ok(()),
    }
}

/// I11: a record that pays interest pays what its own numbers come to.
fn interest_follows(record: &Record) -> Result<(), Breach> {
    let Event::InterestPaid { account, customer, from, through, accruals, gross, income_tax, local_tax, credit } =
        &record.event
    else {
        return Ok(());
    };
    let reckoned = Period::new(*from, *through)
        .and_then(|period| interest::reckon(credit.amount.currency(), period, accruals.clone()).ok());
    let is_right = match &reckoned {
        Some(Interest { gross: accrued, income_tax: income, local_tax: local, net, .. }) => {
            (accrued, income, local, *net) == (gross, income_tax, local_tax, credit.amount)
                && (credit.account, credit.customer) == (*account, *customer)
                && *through < record.business_date
        }
        None => false,
    };
    if is_right {
        return Ok(());
    }
    Err(Breach::InterestAgainstAccruals { position: record.position, paid: credit.amount })
}

/// Whether two amounts, positive, are what these terms make of each other.
fn priced(position: Position, terms: &Terms, won: Money, foreign: Money) -> Result<(), Breach> {
    match terms.price(Ask::Foreign(foreign)) {
        Ok(priced) if priced.won == won && foreign.currency() == terms.currency => Ok(()),
        _ => Err(Breach::LegsAgainstTerms { position, won, foreign, terms: Box::new(*terms) }),
    }
}

/// I5, I6, I7, I11: the legs of a record fit its event and each other.
pub fn balanced(record: &Record) -> Result<(), Breach> {
    let position = record.position;
    let is_right = |amount: Money, right: bool| if right { Ok(()) } else { Err(Breach::WrongWay { position, amount }) };
    let leaves = |leg: &Leg| is_right(leg.amount, leg.amount.is_negative());
    let enters = |amount: Money| is_right(amount, !amount.is_negative() && !amount.is_zero());
    match &record.event {
        Event::Deposited { credit } => enters(credit.amount),
        Event::Withdrawn { debit, .. } => leaves(debit),
        Event::Transferred { debit, credit, .. } => {
            leaves(debit)?;
            enters(credit.amount)?;
            if debit.amount.negated() == credit.amount {
                Ok(())
            } else {
                Err(Breach::NotConserved { position, debit: debit.amount, credit: credit.amount })
            }
        }
        Event::Exchanged { terms, debit, credit, .. } => {
            leaves(debit)?;
            enters(credit.amount)?;
            let (won, foreign) = match terms.side {
                Side::Buy => (debit.amount.negated(), credit.amount),
                Side::Sell => (credit.amount, debit.amount.negated()),
            };
            priced(position, terms, won, foreign)
        }
        Event::Reversed { terms, debit, landing, .. } => {
            leaves(debit)?;
            enters(landing.amount())?;
            // The other way round than the exchange: what it credited is debited.
            let (won, foreign) = match terms.side {
                Side::Buy => (landing.amount(), debit.amount.negated()),
                Side::Sell => (debit.amount.negated(), landing.amount()),
            };
            priced(position, terms, won, foreign)
        }
        Event::InterestPaid { credit, .. } => {
            enters(credit.amount)?;
            interest_follows(record)
        }
        _ => Ok(()),
    }
}

/// I8, I9: `after` follows `before` in one lane.
pub fn follows(before: &Record, after: &Record) -> Result<(), Breach> {
    let next = before.position.seq().next();
    if before.position.lane() != after.position.lane() || next != Some(after.position.seq()) {
        return Err(Breach::Gap { before: before.position, after: after.position });
    }
    if after.at < before.at || after.business_date < before.business_date {
        return Err(Breach::TimeBack {
            position: after.position,
            at: after.at,
            date: after.business_date,
            before_at: before.at,
            before_date: before.business_date,
        });
    }
    Ok(())
}
