//! Reversals in the naive ledger: amounts, accounts, suspense, limits.

use hwan_domain::{
    id::Position,
    record::{Event, Landing, Record},
};

use crate::{
    household::{NaiveAccount, used},
    ledger::{Ledger, Wrong, ensure},
};

impl Ledger {
    /// A reversal moves back what its exchange moved, and to where the account that paid still is one.
    pub(crate) fn takes_back(&mut self, record: &Record, of: &Record) -> Wrong {
        let Event::Reversed { terms, debit, landing, .. } = &record.event else { return Ok(()) };
        let Event::Exchanged { terms: traded, debit: paid, credit: received, .. } = &of.event else {
            return Err("the reversal of something else".into());
        };
        ensure(terms == traded, || "the terms are not the exchange's".into())?;
        let taken = (debit.account, debit.amount.negated()) == (received.account, received.amount);
        ensure(taken, || format!("{debit:?} is not what {received:?} takes back"))?;
        let given = landing.amount() == paid.amount.negated();
        ensure(given, || format!("{landing:?} is not what {paid:?} gives back"))?;
        let is_closed = self.accounts.get(&paid.account).is_none_or(NaiveAccount::is_closed);
        match landing {
            Landing::Account(leg) => ensure(leg.account == paid.account && !is_closed, || {
                format!("it lands on {} (closed: {is_closed}), {} paid", leg.account, paid.account)
            }),
            Landing::Suspense(amount) => {
                *self.suspense.entry(amount.currency()).or_default() += i128::from(amount.minor());
                *self.position.entry(amount.currency()).or_default() -= i128::from(amount.minor());
                ensure(is_closed, || "suspense although the account is open".into())
            }
        }
    }

    /// The limits after a reversal: as if the exchange had never been charged.
    pub(crate) fn give_back(&mut self, record: &Record, of: Position) -> Wrong {
        let Event::Reversed { debit, limits, .. } = &record.event else { return Ok(()) };
        let customer = self.customers.get_mut(&debit.customer).ok_or("a reversal of nobody")?;
        let before = used(customer, record.at);
        customer.charges.retain(|(_, _, place)| *place != of);
        let due = used(customer, record.at);
        let said = limits.map(|said| (said.charged_at, said.day_won, said.month_won));
        let due = (before != due).then_some((record.at, due.0, due.1));
        ensure(said == due, || format!("counters {said:?} where {due:?} is due"))
    }
}
