//! What a command means here: which accounts, at which terms, for which amounts.

use std::sync::Arc;

use hwan_domain::{
    account::AccountKind,
    board::Board,
    check::Direction,
    currency::{Currency, CurrencySet},
    exchange::{Priced, Side, Terms, value_in_won},
    id::AccountId,
    money::Money,
    quote::Quote,
    record::Record,
    rejection::{Code, Rejection, Violation},
    reversal,
    time::Timestamp,
};

use super::{
    command::{Claim, Command, MarketOrder, Order},
    home::{AccountPost, Home},
    judge::{self, Situation},
    travel::{MoneySide, Movement, MovementKind, Pins, Reversing, Travel, Work},
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
            let account = own_account(home, *account)?;
            Work::CloseAccount { home: home.clone(), account, expected: *expected }
        }
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
        Command::PayInterest { account, claim } => Work::Move(Box::new(pay_interest(home, *account, claim)?)),
        Command::Exchange(order) => Work::Move(Box::new(match order.as_ref() {
            Order::AtQuote(quote) => at_quote(quote, home, situation, currencies)?,
            Order::AtMarket(order) => at_market(order, home, situation, currencies)?,
        })),
        Command::Reverse { exchange, reason } => Work::Move(Box::new(take_back(exchange, reason, home)?)),
    };
    Ok(())
}

/// A customer has one open account of each kind; one that is closed does not count.
pub fn refuse_second_account(home: &Home, kind: AccountKind, at: Timestamp) -> Result<(), Rejection> {
    match home.account_of_kind(kind, at).filter(|post| !post.is_closed(at)) {
        Some(post) => Err(Rejection::one(Code::AccountExists, format!("the {} account is {}", kind.as_str(), post.id))),
        None => Ok(()),
    }
}

fn own_account(home: &Home, id: AccountId) -> Result<Arc<AccountPost>, Rejection> {
    home.account(id)
        .ok_or_else(|| Rejection::one(Code::AccountNotFound, format!("{id} is not an account of this customer")))
}

/// The account that is named, or the customer's own of this kind.
pub fn account_or_own(
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

fn debit_side(home: &Arc<Home>, account: Arc<AccountPost>, amount: Money, board: &Board) -> MoneySide {
    let won = worth(amount, board);
    MoneySide { home: home.clone(), account, amount, direction: Direction::Debit, won, cap: Ok(None) }
}

fn credit_side(
    home: &Arc<Home>,
    account: Arc<AccountPost>,
    amount: Money,
    situation: &Situation,
    currencies: &CurrencySet,
) -> MoneySide {
    let cap = judge::holding_cap(&situation.board, currencies, amount.currency());
    MoneySide { home: home.clone(), account, amount, direction: Direction::Credit, won: 0, cap }
}

/// One side alone, as a debit or a credit would be judged.
pub fn one_side(
    home: &Arc<Home>,
    account: Arc<AccountPost>,
    direction: Direction,
    amount: Money,
    situation: &Situation,
    currencies: &CurrencySet,
) -> Movement {
    let credit = |cap| MoneySide { home: home.clone(), account: account.clone(), amount, direction, won: 0, cap };
    let (kind, debit, credit) = match direction {
        Direction::Debit => (MovementKind::Withdrawal, Some(debit_side(home, account, amount, &situation.board)), None),
        Direction::Credit => {
            let cap = judge::holding_cap(&situation.board, currencies, amount.currency());
            (MovementKind::Deposit, None, Some(credit(cap)))
        }
        Direction::CompensatingCredit => (MovementKind::Deposit, None, Some(credit(Ok(None)))),
    };
    Movement { kind, debit, credit }
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

/// Interest, as it was reckoned; won has no holding cap.
fn pay_interest(home: &Arc<Home>, id: AccountId, claim: &Claim) -> Result<Movement, Rejection> {
    let account = own_account(home, id)?;
    match claim {
        Claim::Due(interest) => {
            let (home, amount) = (home.clone(), interest.net);
            let credit = MoneySide { home, account, amount, direction: Direction::Credit, won: 0, cap: Ok(None) };
            Ok(Movement { kind: MovementKind::Interest(interest.clone()), debit: None, credit: Some(credit) })
        }
        Claim::Nothing => {
            Err(Rejection::one(Code::NothingAccrued, format!("{id}: every day is paid for, or too little accrued")))
        }
        Claim::NotOffered => Err(super::interest::not_offered(id)),
    }
}

/// An exchange taken back, at its original numbers.
fn take_back(record: &Arc<Record>, reason: &str, home: &Arc<Home>) -> Result<Movement, Rejection> {
    let plan = reversal::plan(record)?;
    let absent = |_| reversal::not_found(plan.exchange);
    let (debit, credit) = (
        own_account(home, plan.debit_account).map_err(absent)?,
        own_account(home, plan.credit_account).map_err(absent)?,
    );
    let side = |account, amount, direction, won| MoneySide {
        home: home.clone(),
        account,
        amount,
        direction,
        won,
        cap: Ok(None),
    };
    Ok(Movement {
        debit: Some(side(debit, plan.debit.amount, Direction::Debit, plan.debit.won)),
        credit: Some(side(credit, plan.credit.amount, plan.credit.direction, 0)),
        kind: MovementKind::Reversal(Box::new(Reversing {
            record: record.clone(),
            exchange: plan.exchange,
            terms: plan.terms,
            charge: plan.charge,
            reason: reason.into(),
        })),
    })
}

/// At a quote, whatever the round is now.
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
    let debit = MoneySide {
        home: home.clone(),
        account: debit.0,
        amount: debit.1,
        direction: Direction::Debit,
        won: priced.won.minor(),
        cap: Ok(None),
    };
    let credit = credit_side(home, credit.0, credit.1, situation, currencies);
    Movement { kind: MovementKind::Exchange { terms, quote }, debit: Some(debit), credit: Some(credit) }
}
