//! Reads: what is seen in the customer's mailbox, answered in lane order once all of it is durable.

use std::sync::Arc;

use actix::Message;
use hwan_domain::{
    account::AccountKind,
    check::Direction,
    currency::CurrencySet,
    exchange::{Priced, Side},
    id::{AccountId, CustomerId, Seq},
    limit::LimitWindow,
    money::Money,
    quote::{Quote, QuoteId},
    rejection::{Code, Rejection, Violation, Violations},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{
    command::{MarketOrder, Order, Refusal, Viewer},
    door::Passage,
    home::{Home, Pin, lock},
    judge::{self, Situation},
    plan,
    travel::{Movement, MovementKind},
    view::{AccountView, CheckView, CustomerView, TrialView},
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
    /// Who looks.
    pub who: Viewer,
    /// Whose state.
    pub customer: CustomerId,
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
    /// The same, with the newest record of the lane: answered once everything sequenced before is durable.
    AsSequenced(AccountId, LookReply<(AccountView, Seq)>),
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
    /// What every check says to a posting; nothing is reserved.
    Check {
        /// One of the customer's accounts.
        account: AccountId,
        /// Which way.
        direction: Direction,
        /// How much.
        amount: Money,
        /// The way back.
        reply: LookReply<CheckView>,
    },
    /// What would become of an exchange; nothing is reserved.
    Trial {
        /// The order.
        order: Box<Order>,
        /// The way back.
        reply: LookReply<TrialView>,
    },
}

impl Look {
    /// Answers without having looked.
    pub fn refuse(self, refusal: Refusal) {
        match self.at {
            Sight::Customer(reply) => drop(reply.send(Err(refusal))),
            Sight::Account(_, reply) => drop(reply.send(Err(refusal))),
            Sight::AsSequenced(_, reply) => drop(reply.send(Err(refusal))),
            Sight::Quote { reply, .. } => drop(reply.send(Err(refusal))),
            Sight::Check { reply, .. } => drop(reply.send(Err(refusal))),
            Sight::Trial { reply, .. } => drop(reply.send(Err(refusal))),
        }
    }

    /// That whom it looks at is not there.
    pub fn absent(&self) -> Refusal {
        Refusal::Rejected(Rejection::one(Code::CustomerNotFound, self.customer.to_string()))
    }

    /// Looks, and tells from which record on the answer is durable.
    pub fn see(self, home: &Arc<Home>, situation: &Situation, currencies: &CurrencySet) -> (Seq, Answering) {
        let Self { at, pin, passage, .. } = self;
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
            Sight::AsSequenced(id, reply) => match home.account(id) {
                Some(post) => {
                    let (view, _) = account_view(&post, situation);
                    (situation.newest, answering(reply, Ok((view, situation.newest))))
                }
                None => (Seq::ZERO, answering(reply, Err(Rejection::one(Code::AccountNotFound, id.to_string())))),
            },
            Sight::Quote { order, id, lifetime_micros, reply } => {
                let expires_at = situation.at.plus_micros(lifetime_micros);
                let quoted = quote(&order, id, expires_at, home, situation, currencies);
                (lock(&home.customer).last_seq, answering(reply, quoted))
            }
            Sight::Check { account, direction, amount, reply } => {
                let checked = check(account, direction, amount, home, situation, currencies);
                (last_seq(home), answering(reply, checked))
            }
            Sight::Trial { order, reply } => {
                (last_seq(home), answering(reply, Ok(trial(&order, home, situation, currencies))))
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

/// The last record that changed the customer or any of the accounts.
fn last_seq(home: &Home) -> Seq {
    let of_customer = lock(&home.customer).last_seq;
    home.accounts().iter().map(|post| lock(&post.cell).last_seq).fold(of_customer, Seq::max)
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

/// What every check says to a posting, by the functions that judge commands: facts of account and customer, seizure,
/// daily cap, holding cap, balance.
fn check(
    account: AccountId,
    direction: Direction,
    amount: Money,
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<CheckView, Rejection> {
    let post = home.account(account).ok_or_else(|| Rejection::one(Code::AccountNotFound, account.to_string()))?;
    let movement = plan::one_side(home, post.clone(), direction, amount, situation, currencies);
    let mut violations = Violations::new();
    judge::movement(&movement, situation, &mut violations);
    if movement.credit.as_ref().is_some_and(|side| judge::goes_to_suspense(side, situation.at)) {
        lock(&post.cell).book.judge_facts(direction, situation.at, &mut violations);
    }
    Ok(CheckView { violations: in_order(violations), at: situation.at, business_date: situation.date })
}

/// What would become of an exchange, by the functions that plan and judge one.
fn trial(order: &Order, home: &Arc<Home>, situation: &Situation, currencies: &CurrencySet) -> TrialView {
    let mut violations = Violations::new();
    let planned = match order {
        Order::AtQuote(quote) => plan::at_quote(quote, home, situation, currencies),
        Order::AtMarket(order) => plan::at_market(order, home, situation, currencies),
    };
    match &planned {
        Ok(movement) => judge::movement(movement, situation, &mut violations),
        Err(rejection) => {
            violations.extend(rejection.violations().iter().cloned());
            judge::facts_without_plan(order, home, situation.at, &mut violations);
        }
    }
    let own = |id, kind| plan::account_or_own(home, id, kind, situation.at).ok().map(|post| post.id);
    let (terms, priced, won, foreign) = match order {
        Order::AtQuote(quote) => {
            (Some(quote.terms), Some(quote.priced), Some(quote.won_account), Some(quote.foreign_account))
        }
        Order::AtMarket(order) => {
            let terms = situation.board.terms(order.currency, order.side, situation.at).ok();
            let priced = terms.and_then(|terms| terms.price(order.ask).ok());
            (terms, priced, order.won_account, order.foreign_account)
        }
    };
    TrialView {
        side: order.side(),
        terms,
        priced,
        won_account: own(won, AccountKind::Won),
        foreign_account: own(foreign, AccountKind::Foreign),
        violations: in_order(violations),
        at: situation.at,
        business_date: situation.date,
    }
}

/// By precedence, each once.
fn in_order(violations: Violations) -> Vec<Violation> {
    Rejection::of(violations).map(|rejection| rejection.violations().to_vec()).unwrap_or_default()
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
    let mut violations = Violations::new();
    judge::customer(&movement, situation, &mut violations);
    if let Some(rejection) = Rejection::of(violations) {
        return Err(rejection);
    }
    let Movement { kind: MovementKind::Exchange { terms, .. }, debit: Some(debit), credit: Some(credit) } = movement
    else {
        return Err(Rejection::one(Code::RateUnavailable, "not an exchange")); // at_market plans nothing else
    };
    let (won, foreign) = match terms.side {
        Side::Buy => (debit, credit),
        Side::Sell => (credit, debit),
    };
    Ok(Quote {
        id,
        customer: home.id,
        won_account: won.account.id,
        foreign_account: foreign.account.id,
        terms,
        priced: Priced { foreign: foreign.amount, won: won.amount },
        expires_at,
    })
}
