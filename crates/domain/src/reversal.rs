//! The reversal of an exchange at its original numbers: both amounts go back, whatever the rate is now.
//!
//! | side of the reversal | how it is judged |
//! |---|---|
//! | debit of the account that was credited | like any debit: facts, seizure, daily cap, balance; what was spent is missing |
//! | credit of the account that was debited | as a compensating credit: it passes holds and blocks, no cap binds it |
//! | where that account is closed | the money waits in suspense, out of every customer's account |
//! | the limits | what the exchange charged is given back, while its limit day or month lasts |
//!
//! An exchange is reversed at most once. A plan changes nothing: both sides are judged by the accounts' books.

use crate::{
    account::{Credit, Debit},
    check::Direction,
    exchange::{Side, Terms},
    id::{AccountId, CustomerId, ExchangeId, Position, ReversalId},
    limit::Charge,
    record::{Event, Record},
    rejection::{Code, Rejection, Violation},
};

/// What reversing an exchange takes.
#[derive(Clone, Debug)]
pub struct ReversalPlan {
    /// The exchange that is reversed.
    pub exchange: ExchangeId,
    /// Its terms: the side is the customer's side in it, a buy goes back as foreign currency for won.
    pub terms: Terms,
    /// Whose exchange it was: both accounts are this customer's.
    pub customer: CustomerId,
    /// The account that the exchange credited.
    pub debit_account: AccountId,
    /// What it was credited with then; its won value is the exchange's own won leg.
    pub debit: Debit,
    /// The account that the exchange debited.
    pub credit_account: AccountId,
    /// What it was debited with then, as a compensating credit without a holding cap.
    pub credit: Credit,
    /// What the exchange took of the customer's limits, if it took anything.
    pub charge: Option<Charge>,
}

/// Plans the reversal of the exchange that `record` is, at its original numbers. Expects a record that
/// [`balanced`](crate::invariant::balanced) passes.
///
/// Refused: `exchange_not_found` where the record is no exchange.
pub fn plan(record: &Record) -> Result<ReversalPlan, Rejection> {
    let exchange = ExchangeId::at(record.position);
    let Event::Exchanged { terms, debit, credit, limits, .. } = &record.event else {
        return Err(not_found(exchange));
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
        charge: limits.map(|_| Charge { at: record.at, won: won.minor() }),
    })
}

/// That there is no exchange of this id, or none that the caller may know of: both in the same words.
pub fn not_found(exchange: ExchangeId) -> Rejection {
    Rejection::one(Code::ExchangeNotFound, format!("nothing has the id {exchange}"))
}

/// That the exchange was reversed before, by the record at this place.
pub fn reversed_before(exchange: ExchangeId, by: Position) -> Violation {
    Violation::new(Code::AlreadyReversed, format!("{exchange} was reversed before, by {}", ReversalId::at(by)))
}
