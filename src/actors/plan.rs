//! What a command means here: which accounts, at which terms, for which amounts.

use std::sync::Arc;

use hwan_domain::{
    account::AccountKind,
    board::Board,
    currency::{Currency, CurrencySet},
    exchange::{Priced, Side, Terms, value_in_won},
    id::AccountId,
    money::Money,
    quote::Quote,
    rejection::{Code, Rejection, Violation},
    reversal::ReversalPlan,
    time::Timestamp,
};

use super::{
    command::{Command, MarketOrder, Order},
    home::{AccountPost, Home},
    judge::{self, Situation},
    travel::{MoneySide, Movement, MovementKind, Pins, Travel, Work},
};

/// Turns what was asked into what is to be done; the travel is of this customer.
pub fn resolve(
    travel: &mut Travel,
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<(), Rejection> {
    let Work::Asked(command) = &travel.work else { return Ok(()) };
    travel.work = match command {
        Command::OpenCustomer { .. } => return Ok(()), // the hydrator opens customers
        Command::OpenAccount { kind, .. } => {
            refuse_second_account(home, *kind, situation.at)?;
            Work::OpenAccount { home: home.clone(), kind: *kind }
        }
        Command::StateCustomerFact { fact, .. } => Work::CustomerFact { home: home.clone(), fact: *fact },
        Command::StateAccountFact { account, fact, expected } => {
            Work::AccountFact { account: own_account(home, *account)?, fact: *fact, expected: *expected }
        }
        Command::CloseAccount { account, expected } => {
            Work::CloseAccount { account: own_account(home, *account)?, expected: *expected }
        }
        Command::Reverse(plan) => Work::Move(Box::new(reversal(plan, home)?)),
        Command::Deposit { account, amount } => {
            let credit = credit_side(home, own_account(home, *account)?, *amount, situation, currencies);
            Work::Move(Box::new(Movement { kind: MovementKind::Deposit, debit: None, credit: Some(credit) }))
        }
        Command::Withdraw { account, amount } => {
            let debit = debit_side(home, own_account(home, *account)?, *amount, &situation.board);
            Work::Move(Box::new(Movement { kind: MovementKind::Withdrawal, debit: Some(debit), credit: None }))
        }
        Command::Transfer { from, to, amount } => {
            Work::Move(Box::new(transfer(*from, *to, *amount, home, &travel.pins, situation, currencies)?))
        }
        Command::Exchange(order) => Work::Move(Box::new(match order.as_ref() {
            Order::AtQuote(quote) => at_quote(quote, home, situation, currencies)?,
            Order::AtMarket(order) => at_market(order, home, situation, currencies)?,
        })),
    };
    Ok(())
}

/// A customer has one open account of each kind.
pub fn refuse_second_account(home: &Home, kind: AccountKind, at: Timestamp) -> Result<(), Rejection> {
    match home.open_account(kind, at) {
        Some(post) => Err(Rejection::one(Code::AccountExists, format!("the {} account is {}", kind.as_str(), post.id))),
        None => Ok(()),
    }
}

fn own_account(home: &Home, id: AccountId) -> Result<Arc<AccountPost>, Rejection> {
    home.account(id)
        .ok_or_else(|| Rejection::one(Code::AccountNotFound, format!("{id} is not an account of this customer")))
}

fn account_or_own(
    home: &Home,
    id: Option<AccountId>,
    kind: AccountKind,
    at: Timestamp,
) -> Result<Arc<AccountPost>, Rejection> {
    match id {
        Some(id) => own_account(home, id),
        None => home.account_of_kind(kind, at).ok_or_else(|| {
            Rejection::one(Code::AccountNotFound, format!("the customer has no {} account: open one", kind.as_str()))
        }),
    }
}

/// A debit of this account, by its worth in won.
pub fn debit_side(home: &Arc<Home>, account: Arc<AccountPost>, amount: Money, board: &Board) -> MoneySide {
    MoneySide { home: home.clone(), account, amount, won: worth(amount, board), cap: Ok(None) }
}

/// A credit to this account, with the cap of its currency.
pub fn credit_side(
    home: &Arc<Home>,
    account: Arc<AccountPost>,
    amount: Money,
    situation: &Situation,
    currencies: &CurrencySet,
) -> MoneySide {
    let cap = judge::holding_cap(&situation.board, currencies, amount.currency());
    MoneySide { home: home.clone(), account, amount, won: 0, cap }
}

/// The value of an amount in won at the newest rate that traded; without any, more than every cap: a limited account
/// cannot debit what cannot be valued.
fn worth(amount: Money, board: &Board) -> i64 {
    if amount.currency() == Currency::KRW {
        return amount.minor();
    }
    judge::mid_rate(board, amount.currency()).map_or(i64::MAX, |mid| value_in_won(amount, mid))
}

fn transfer(
    from: AccountId,
    to: AccountId,
    amount: Money,
    home: &Arc<Home>,
    pins: &Pins,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<Movement, Rejection> {
    if from == to {
        return Err(Rejection::one(Code::SameAccount, "debit and credit are the same account"));
    }
    let debit = debit_side(home, own_account(home, from)?, amount, &situation.board);
    let other = pins.other.as_ref().map_or(home, |pin| pin.home());
    let credit = credit_side(other, own_account(other, to)?, amount, situation, currencies);
    Ok(Movement { kind: MovementKind::Transfer, debit: Some(debit), credit: Some(credit) })
}

/// An order at a quote.
pub fn at_quote(
    quote: &Quote,
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<Movement, Rejection> {
    let won = own_account(home, quote.won_account)?;
    let foreign = own_account(home, quote.foreign_account)?;
    Ok(exchange(quote.terms, Some(Box::new(*quote)), quote.priced, (won, foreign), home, situation, currencies))
}

/// An exchange goes back as it came: nothing is priced again.
fn reversal(plan: &ReversalPlan, home: &Arc<Home>) -> Result<Movement, Rejection> {
    let side = |account, amount, won| MoneySide { home: home.clone(), account, amount, won, cap: Ok(None) };
    let debit = side(own_account(home, plan.debit_account)?, plan.debit.amount, plan.debit.won);
    let credit = side(own_account(home, plan.credit_account)?, plan.credit.amount, 0);
    let kind = MovementKind::Reversal(Box::new(plan.clone()));
    Ok(Movement { kind, debit: Some(debit), credit: Some(credit) })
}

/// A market order at the current round.
pub fn at_market(
    order: &MarketOrder,
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Result<Movement, Rejection> {
    let won = account_or_own(home, order.won_account, AccountKind::Won, situation.at)?;
    let foreign = account_or_own(home, order.foreign_account, AccountKind::Foreign, situation.at)?;
    let one = |violation: Violation| Rejection::one(violation.code, violation.detail);
    let terms = situation.board.terms(order.currency, order.side, situation.at).map_err(one)?;
    if let Some(worst) = order.worst_rate.filter(|worst| terms.worse_than(*worst)) {
        let detail = format!("the rate is {}, the worst accepted is {worst}", terms.rate);
        return Err(Rejection::one(Code::RateWorse, detail));
    }
    let priced = terms.price(order.ask).map_err(one)?;
    Ok(exchange(terms, None, priced, (won, foreign), home, situation, currencies))
}

fn exchange(
    terms: Terms,
    quote: Option<Box<Quote>>,
    priced: Priced,
    (won, foreign): (Arc<AccountPost>, Arc<AccountPost>),
    home: &Arc<Home>,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Movement {
    let (debit, credit) = match terms.side {
        Side::Buy => ((won, priced.won), (foreign, priced.foreign)),
        Side::Sell => ((foreign, priced.foreign), (won, priced.won)),
    };
    let debit =
        MoneySide { home: home.clone(), account: debit.0, amount: debit.1, won: priced.won.minor(), cap: Ok(None) };
    let credit = credit_side(home, credit.0, credit.1, situation, currencies);
    Movement { kind: MovementKind::Exchange { terms, quote }, debit: Some(debit), credit: Some(credit) }
}
