//! Judging a command: the same functions on the way (in the customer's and the accounts' mailboxes) and again, at the
//! stamped time, in the sequencing step. So what is sequenced was good at the very instant that its record bears.

use std::sync::Arc;

use hwan_domain::{
    account::{AccountKind, Credit, Debit, HoldingCap, Moment},
    board::Board,
    check::Direction,
    currency::{Currency, CurrencySet},
    exchange::Side,
    id::{AccountId, Seq},
    interest::Interest,
    limit::LimitPolicy,
    rate::Rate,
    rejection::{Code, Violation, Violations},
    time::{BusinessDate, Timestamp},
};

use super::{
    command::Order,
    home::{AccountPost, Home, lock},
    travel::{MoneySide, Movement, MovementKind},
};

/// When something is judged, and by which rules and rates.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The lane's time.
    pub at: Timestamp,
    /// The lane's business date.
    pub date: BusinessDate,
    /// The lane's newest record: sequenced, not necessarily durable.
    pub newest: Seq,
    /// The bank's limits.
    pub policy: LimitPolicy,
    /// The rates.
    pub board: Arc<Board>,
}

impl Situation {
    fn moment(&self) -> Moment<'_> {
        Moment { at: self.at, date: self.date, policy: &self.policy }
    }
}

/// All three parts of judging a movement, one after the other: the customer's, the debit's and the credit's.
pub fn movement(movement: &Movement, situation: &Situation, violations: &mut Violations) {
    customer(movement, situation, violations);
    debit(movement, situation, violations);
    credit(movement, situation, violations);
}

/// The customer's part: facts for both directions, limits, rates and quotes.
pub fn customer(movement: &Movement, situation: &Situation, violations: &mut Violations) {
    for side in [&movement.debit, &movement.credit].into_iter().flatten() {
        lock(&side.home.customer).book.judge(side.direction, situation.at, violations);
    }
    if let MovementKind::Exchange { quote, .. } = &movement.kind {
        trade(movement, situation, violations);
        if let (Some(side), Some(won)) = (&movement.debit, movement.limited_won()) {
            lock(&side.home.customer).book.judge_limits(won, situation.at, &situation.policy, violations);
        }
        if let Some(expired) = quote.as_ref().and_then(|quote| quote.expired(situation.at)) {
            violations.push(expired);
        }
    }
}

/// What stands against an exchange that can't be planned (no rate, no amount): the facts, so that all failures are told.
pub fn facts_without_plan(order: &Order, home: &Home, at: Timestamp, violations: &mut Violations) {
    let (debit, credit) = match order.side() {
        Side::Buy => (AccountKind::Won, AccountKind::Foreign),
        Side::Sell => (AccountKind::Foreign, AccountKind::Won),
    };
    for (kind, direction) in [(debit, Direction::Debit), (credit, Direction::Credit)] {
        lock(&home.customer).book.judge(direction, at, violations);
        if let Some(account) = home.account_of_kind(kind, at) {
            lock(&account.cell).book.judge_facts(direction, at, violations);
        }
    }
}

/// Whether the round may still trade.
fn trade(movement: &Movement, situation: &Situation, violations: &mut Violations) {
    let MovementKind::Exchange { terms, quote } = &movement.kind else { return };
    if let Err(violation) = situation.board.admits_quote_on(terms.round) {
        violations.push(violation);
    } else if quote.is_none()
        && situation.board.round(terms.round).is_none_or(|round| round.valid_until <= situation.at)
    {
        let detail = format!("round {} is no longer valid: wait for the next one", terms.round);
        violations.push(Violation::new(Code::RateUnavailable, detail));
    }
}

/// Whether interest is still due: no other claim has come first, and its days are over.
fn interest(interest: &Interest, account: &AccountPost, situation: &Situation, violations: &mut Violations) {
    lock(&account.cell).book.judge_interest(interest.period, violations);
    if interest.period.through() >= situation.date {
        let detail = format!("{} is not over: the lane is at {}", interest.period.through(), situation.date);
        violations.push(Violation::new(Code::NothingAccrued, detail));
    }
}

/// What stands against a claim of interest of which nothing is due: so that all failures are told.
pub fn facts_without_interest(account: AccountId, home: &Home, at: Timestamp, violations: &mut Violations) {
    lock(&home.customer).book.judge(Direction::Credit, at, violations);
    if let Some(account) = home.account(account) {
        lock(&account.cell).book.judge_facts(Direction::Credit, at, violations);
    }
}

/// The debit account's part.
pub fn debit(movement: &Movement, situation: &Situation, violations: &mut Violations) {
    if let Some(side) = &movement.debit {
        let debit = Debit { amount: side.amount, won: side.won };
        lock(&side.account.cell).book.judge_debit(debit, situation.moment(), violations);
    }
}

/// The credit account's part. Of what would wait in suspense there is nothing to judge: it does not touch the account.
pub fn credit(movement: &Movement, situation: &Situation, violations: &mut Violations) {
    if let Some(side) = &movement.credit {
        if goes_to_suspense(side, situation.at) {
            return;
        }
        let cap = match &side.cap {
            Ok(cap) => *cap,
            Err(violation) => {
                violations.push(violation.clone());
                None
            }
        };
        let credit = Credit { amount: side.amount, direction: side.direction, cap };
        lock(&side.account.cell).book.judge_credit(credit, situation.moment(), violations);
        if let MovementKind::Interest(of) = &movement.kind {
            interest(of, &side.account, situation, violations);
        }
    }
}

/// Whether money that comes back may not enter its account at `at`: then it waits in suspense.
pub fn goes_to_suspense(side: &MoneySide, at: Timestamp) -> bool {
    side.direction == Direction::CompensatingCredit && lock(&side.account.cell).book.state().sends_to_suspense(at)
}

/// The newest middle rate that traded, for valuing a holding.
pub fn mid_rate(board: &Board, currency: Currency) -> Option<Rate> {
    board.pair(currency)?.last_traded().map(|round| round.mid)
}

/// The holding cap of a currency, where it has one. Without a rate to value a holding at, nothing more may be held.
pub fn holding_cap(
    board: &Board,
    currencies: &CurrencySet,
    currency: Currency,
) -> Result<Option<HoldingCap>, Violation> {
    let Some(won) = currencies.spec(currency).and_then(|spec| spec.holding_cap_won) else { return Ok(None) };
    match mid_rate(board, currency) {
        Some(mid) => Ok(Some(HoldingCap { won, mid })),
        None => {
            let detail = format!("a holding in {currency} cannot be valued against its cap before the pair has a rate");
            Err(Violation::new(Code::RateUnavailable, detail))
        }
    }
}
