//! Reads: what is seen in the customer's mailbox, answered in lane order once all of it is durable.

use std::sync::Arc;

use actix::Message;
use hwan_domain::{
    currency::CurrencySet,
    id::{AccountId, Seq},
    limit::LimitWindow,
    quote::{Quote, QuoteId},
    rejection::{Code, Rejection},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{
    command::{MarketOrder, Refusal},
    door::Passage,
    home::{Home, Pin, lock},
    judge::{self, Situation},
    plan,
    travel::{Movement, MovementKind},
    view::{AccountView, CustomerView},
};

/// The way back of a read.
pub type LookReply<T> = oneshot::Sender<Result<T, Refusal>>;

/// Something to be answered once what it was decided on is durable.
pub type Answering = Box<dyn FnOnce(Result<(), Refusal>) + Send>;

/// A read of one customer's state.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Look {
    /// What is asked.
    pub at: Sight,
    /// Keeps the customer in memory.
    pub pin: Option<Pin>,
    /// Its place among what is in flight.
    pub passage: Passage,
}

/// What is asked.
#[derive(Debug)]
pub enum Sight {
    /// The customer.
    Customer(LookReply<CustomerView>),
    /// One of the customer's accounts.
    Account(AccountId, LookReply<AccountView>),
    /// What a market order would cost, as a quote.
    Quote {
        /// The order.
        order: Box<MarketOrder>,
        /// The quote's name.
        id: QuoteId,
        /// How long it is to be good.
        lifetime_micros: i64,
        /// The way back.
        reply: LookReply<Quote>,
    },
}

impl Look {
    /// Answers without having looked.
    pub fn refuse(self, refusal: Refusal) {
        match self.at {
            Sight::Customer(reply) => drop(reply.send(Err(refusal))),
            Sight::Account(_, reply) => drop(reply.send(Err(refusal))),
            Sight::Quote { reply, .. } => drop(reply.send(Err(refusal))),
        }
    }

    /// Looks, and tells from which record on the answer is durable.
    pub fn see(self, home: &Arc<Home>, situation: &Situation, currencies: &CurrencySet) -> (Seq, Answering) {
        let Self { at, pin, passage } = self;
        let (after, answer) = match at {
            Sight::Customer(reply) => {
                let (view, after) = customer_view(home, situation.at);
                (after, answering(reply, Ok(view)))
            }
            Sight::Account(id, reply) => match home.account(id) {
                Some(post) => {
                    let (view, after) = account_view(&post, situation);
                    (after, answering(reply, Ok(view)))
                }
                None => (Seq::ZERO, answering(reply, Err(Rejection::one(Code::AccountNotFound, id.to_string())))),
            },
            Sight::Quote { order, id, lifetime_micros, reply } => {
                let expires_at = situation.at.plus_micros(lifetime_micros);
                let quoted = quote(&order, id, expires_at, home, situation, currencies);
                (lock(&home.customer).last_seq, answering(reply, quoted))
            }
        };
        let answer: Answering = Box::new(move |durable| {
            answer(durable);
            drop((pin, passage));
        });
        (after, answer)
    }
}

fn answering<T: Send + 'static>(reply: LookReply<T>, seen: Result<T, Rejection>) -> Answering {
    Box::new(move |durable| {
        let answer = durable.and_then(|()| seen.map_err(Refusal::Rejected));
        let _hung_up = reply.send(answer);
    })
}

fn customer_view(home: &Home, at: Timestamp) -> (CustomerView, Seq) {
    let cell = lock(&home.customer);
    let mut state = cell.book.state().clone();
    state.limits = state.limits.at(at);
    let view = CustomerView {
        state,
        accounts: home.accounts().iter().map(|post| post.id).collect(),
        in_flight_won: cell.book.in_flight_won(),
        window: LimitWindow::at(at),
        at,
    };
    (view, cell.last_seq)
}

fn account_view(post: &super::home::AccountPost, situation: &Situation) -> (AccountView, Seq) {
    let cell = lock(&post.cell);
    let state = cell.book.state().clone();
    let available =
        state.balances.iter().map(|balance| cell.book.available(balance.amount.currency(), situation.at)).collect();
    let view = AccountView {
        state,
        available,
        reserved: cell.book.reserved(),
        at: situation.at,
        business_date: situation.date,
    };
    (view, cell.last_seq)
}

/// Prices a market order; rates, facts and limits are judged, balances are not: they may change until it is used.
fn quote(
    order: &MarketOrder,
    id: QuoteId,
    expires_at: Timestamp,
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<Quote, Rejection> {
    let movement = plan::at_market(order, home, situation, currencies)?;
    let mut violations = hwan_domain::rejection::Violations::new();
    judge::movement_of_customer(&movement, situation, &mut violations);
    if let Some(rejection) = Rejection::of(violations) {
        return Err(rejection);
    }
    let Movement { kind: MovementKind::Exchange { terms, .. }, debit: Some(debit), credit: Some(credit) } = movement
    else {
        return Err(Rejection::one(Code::RateUnavailable, "not an exchange")); // at_market plans nothing else
    };
    let (won, foreign) = match terms.side {
        hwan_domain::exchange::Side::Buy => (debit, credit),
        hwan_domain::exchange::Side::Sell => (credit, debit),
    };
    Ok(Quote {
        id,
        customer: home.id,
        won_account: won.account.id,
        foreign_account: foreign.account.id,
        terms,
        priced: hwan_domain::exchange::Priced { foreign: foreign.amount, won: won.amount },
        expires_at,
    })
}
