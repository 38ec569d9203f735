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
    exchange::Side,
    id::{AccountId, CustomerId, ExchangeId, Position},
    record::{Event, Record},
    rejection::{Code, Rejection},
};

/// What reversing an exchange takes.
#[derive(Clone, Debug)]
pub struct ReversalPlan {
    /// The exchange that is reversed.
    pub exchange: ExchangeId,
    /// The customer's side in it: a buy goes back as foreign currency for won.
    pub side: Side,
    /// Whose account is debited.
    pub debit_customer: CustomerId,
    /// The account that the exchange credited.
    pub debit_account: AccountId,
    /// What it was credited with then; its won value is the exchange's own won leg.
    pub debit: Debit,
    /// Whose account is credited.
    pub credit_customer: CustomerId,
    /// The account that the exchange debited.
    pub credit_account: AccountId,
    /// What it was debited with then, as a compensating credit without a holding cap.
    pub credit: Credit,
    /// Why.
    pub reason: Box<str>,
}

/// Plans the reversal of the exchange that `record` is, at its original numbers. `reversed_by` names the record of an
/// earlier reversal of it. Expects a record that [`balanced`](crate::invariant::balanced) passes.
///
/// Refused: `exchange_not_found` where the record is no exchange, `already_reversed` where there was a reversal.
pub fn plan(record: &Record, reversed_by: Option<Position>, reason: &str) -> Result<ReversalPlan, Rejection> {
    let exchange = ExchangeId::at(record.position);
    let Event::Exchanged { terms, debit, credit, .. } = &record.event else {
        let detail = format!("{exchange} names a record of another kind ({})", record.event.name());
        return Err(Rejection::one(Code::ExchangeNotFound, detail));
    };
    if let Some(earlier) = reversed_by {
        let detail = format!("{exchange} was reversed before, by record {earlier:?}");
        return Err(Rejection::one(Code::AlreadyReversed, detail));
    }
    let won = match terms.side {
        Side::Buy => debit.amount.negated(),
        Side::Sell => credit.amount,
    };
    Ok(ReversalPlan {
        exchange,
        side: terms.side,
        debit_customer: credit.customer,
        debit_account: credit.account,
        debit: Debit { amount: credit.amount, won: won.minor() },
        credit_customer: debit.customer,
        credit_account: debit.account,
        credit: Credit { amount: debit.amount.negated(), direction: Direction::CompensatingCredit, cap: None },
        reason: reason.into(),
    })
}
