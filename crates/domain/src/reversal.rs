//! The reversal of an exchange at its original numbers: both amounts go back, whatever the rate is now.
//!
//! The account that was credited is debited, the one that was debited is credited; the credit is a compensating one
//! and passes holds and blocks. An exchange is reversed at most once.
//!
//! A plan changes nothing: both sides are judged by the accounts' books like any posting, the debit first. What the
//! customer has spent in the meantime is missing there, and the books say so (`insufficient_balance`).

use crate::{
    account::{Credit, Debit},
    check::Direction,
    exchange::{Side, Terms},
    id::{AccountId, CustomerId, ExchangeId, Position, ReversalId},
    record::{Event, Record},
    rejection::{Code, Rejection, Violation},
    time::Timestamp,
};

/// What reversing an exchange takes.
#[derive(Clone, Debug, PartialEq)]
pub struct ReversalPlan {
    /// The exchange that is reversed.
    pub exchange: ExchangeId,
    /// Its own terms: a buy goes back as foreign currency for won.
    pub terms: Terms,
    /// Whose exchange it was.
    pub customer: CustomerId,
    /// The account that the exchange credited.
    pub debit_account: AccountId,
    /// What it was credited with then; its won value is the exchange's own won leg.
    pub debit: Debit,
    /// The account that the exchange debited.
    pub credit_account: AccountId,
    /// What it was debited with then, as a compensating credit without a holding cap.
    pub credit: Credit,
    /// What the exchange charged of the customer's limits, in won, and when; `None` where nothing was.
    pub charged: Option<(i64, Timestamp)>,
    /// Why.
    pub reason: Box<str>,
}

/// Plans the reversal of the exchange that `record` is, at its original numbers. Expects a record that
/// [`balanced`](crate::invariant::balanced) passes. Refused: `exchange_not_found` where the record is no exchange.
pub fn plan(record: &Record, reason: &str) -> Result<ReversalPlan, Rejection> {
    let exchange = ExchangeId::at(record.position);
    let Event::Exchanged { terms, debit, credit, limits, .. } = &record.event else {
        return Err(Rejection::one(Code::ExchangeNotFound, format!("nothing has the id {exchange}")));
    };
    let won = match terms.side {
        Side::Buy => debit.amount.negated(),
        Side::Sell => credit.amount,
    };
    Ok(ReversalPlan {
        exchange,
        terms: *terms,
        customer: debit.customer,
        debit_account: credit.account,
        debit: Debit { amount: credit.amount, won: won.minor() },
        credit_account: debit.account,
        credit: Credit { amount: debit.amount.negated(), direction: Direction::CompensatingCredit, cap: None },
        charged: limits.map(|_| (won.minor(), record.at)),
        reason: reason.into(),
    })
}

/// That the exchange was reversed before, by the record at `earlier`.
pub fn already(earlier: Position) -> Violation {
    Violation::new(Code::AlreadyReversed, format!("reversed before, by {}", ReversalId::at(earlier)))
}
