//! What the naive ledger would say to a command at some position, instant and state of the board.

use hwan::actors::command::{Claim, Command, MarketOrder, Order};
use hwan_domain::{
    account::AccountKind,
    check::Fact,
    currency::Currency,
    exchange::Side,
    id::{AccountId, CustomerId},
    limit::LimitPolicy,
    money::Money,
    quote::Quote,
    record::{Event, Record},
    rejection::Code,
    time::{BusinessDate, Timestamp},
};
use rust_decimal::Decimal;

use crate::{
    board::{self, NaiveBoard},
    household,
    ledger::Ledger,
    rules, world,
};

/// Money on its way, as the naive ledger sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Movement {
    pub(crate) debit: Option<(AccountId, Money)>,
    pub(crate) credit: Option<(AccountId, Money)>,
    /// The debit's value in won, for a limited account.
    pub(crate) won: i64,
    /// What it takes of the limits.
    pub(crate) buy_won: Option<i64>,
}

/// What else was on its way and may have been counted: reserved limits, announced credits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elsewhere {
    /// A purchase of this customer for this much won.
    Buying(CustomerId, i64),
    /// A credit to this account.
    Crediting(AccountId, Money),
    /// A debit of this account, which may have had it reserved.
    Debiting(AccountId),
}

/// When and against what a command is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) at: Timestamp,
    pub(crate) board: &'a NaiveBoard,
    pub(crate) policy: &'a LimitPolicy,
    pub(crate) elsewhere: &'a [Elsewhere],
}

/// Every reason against stating this fact of an account.
pub(crate) fn fact_of_account(kind: AccountKind, fact: &Fact) -> Vec<Code> {
    let seizure = fact.check.code() == Code::Seized;
    let wrong = fact.check.code() == Code::AccountClosed
        || rules::is_about_customer(fact.check)
        || fact.amount.is_some_and(|amount| {
            !seizure || amount.minor() <= 0 || (amount.currency() == Currency::KRW) != (kind == AccountKind::Won)
        });
    if wrong { vec![Code::FactInvalid] } else { Vec::new() }
}

impl Ledger {
    /// Every reason against a movement, at this instant and date; holdings are valued at each of `mids` and refused only
    /// if every one refuses.
    pub(crate) fn judge_movement(
        &self,
        movement: &Movement,
        (at, date): (Timestamp, BusinessDate),
        policy: &LimitPolicy,
        mids: &dyn Fn(Currency) -> Vec<(Decimal, u32)>,
        elsewhere: &[Elsewhere],
    ) -> Vec<Code> {
        let mut codes = Vec::new();
        if let Some((id, amount)) = movement.debit {
            codes.extend(self.judge_debit(id, amount, movement.won, (at, date), policy));
        }
        if let Some((id, amount)) = movement.credit {
            codes.extend(self.judge_credit(id, amount, at, mids, elsewhere));
        }
        if let (Some(won), Some((id, _))) = (movement.buy_won, movement.debit)
            && let Some(owner) = self.accounts.get(&id).map(|account| account.owner)
            && let Some(customer) = self.customers.get(&owner)
        {
            let reserved: i64 = elsewhere
                .iter()
                .filter_map(|other| match other {
                    Elsewhere::Buying(who, won) if *who == owner => Some(*won),
                    _ => None,
                })
                .sum();
            let (day, month) = household::used(customer, at);
            if day + reserved + won > policy.daily_won {
                codes.push(Code::LimitDaily);
            }
            if month + reserved + won > policy.monthly_won {
                codes.push(Code::LimitMonthly);
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn judge_debit(
        &self,
        id: AccountId,
        amount: Money,
        value: i64,
        (at, date): (Timestamp, BusinessDate),
        policy: &LimitPolicy,
    ) -> Vec<Code> {
        let Some(account) = self.accounts.get(&id) else { return vec![Code::AccountNotFound] };
        let facts = self.facts_of(id, at);
        let owner = self.customers.get(&account.owner).map(|customer| rules::in_force(&customer.statements, at));
        let all = facts.iter().chain(owner.iter().flatten());
        let mut codes: Vec<Code> = all.filter_map(|fact| rules::forbids_debit(fact.check)).collect();
        let currency = amount.currency();
        if (currency == Currency::KRW) != (account.kind == AccountKind::Won) {
            codes.push(Code::AccountNotFound);
            return codes;
        }
        if amount.minor() <= 0 {
            codes.push(Code::AmountTooSmall);
            return codes;
        }
        let left = account.balance(currency) - amount.minor();
        if left < 0 {
            codes.push(Code::InsufficientBalance);
        }
        let seizures = facts.iter().filter(|fact| fact.check.code() == Code::Seized);
        let mut seized = Some(0_i64);
        for fact in seizures {
            seized = match (seized, fact.amount) {
                (Some(sum), Some(held)) if held.currency() == currency => Some(sum + held.minor()),
                (Some(sum), Some(_)) => Some(sum),
                _ => None,
            };
        }
        if seized.is_none_or(|seized| seized > 0 && left < seized) {
            codes.push(Code::Seized);
        }
        let limited = facts.iter().any(|fact| fact.check.code() == Code::LimitedAccount);
        if limited && account.limited_won(date).saturating_add(value) > policy.limited_account_daily_won {
            codes.push(Code::LimitedAccount);
        }
        codes
    }

    fn judge_credit(
        &self,
        id: AccountId,
        amount: Money,
        at: Timestamp,
        mids: &dyn Fn(Currency) -> Vec<(Decimal, u32)>,
        elsewhere: &[Elsewhere],
    ) -> Vec<Code> {
        let Some(account) = self.accounts.get(&id) else { return vec![Code::AccountNotFound] };
        let owner = self.customers.get(&account.owner).map(|customer| rules::in_force(&customer.statements, at));
        let facts = self.facts_of(id, at);
        let all = facts.iter().chain(owner.iter().flatten());
        let mut codes: Vec<Code> = all.filter_map(|fact| rules::forbids_credit(fact.check)).collect();
        let currency = amount.currency();
        if (currency == Currency::KRW) != (account.kind == AccountKind::Won) {
            codes.push(Code::AccountNotFound);
            return codes;
        }
        if amount.minor() <= 0 {
            codes.push(Code::AmountTooSmall);
            return codes;
        }
        let announced: i64 = elsewhere
            .iter()
            .filter_map(|other| match other {
                Elsewhere::Crediting(to, money) if *to == id && money.currency() == currency => Some(money.minor()),
                _ => None,
            })
            .sum();
        let held = account.balance(currency) + announced + amount.minor();
        let cap = world::currencies().spec(currency).and_then(|spec| spec.holding_cap_won);
        let (mids, held) = (mids(currency), Money::from_minor(held, currency));
        if let (Some(cap), Ok(held)) = (cap, held)
            && !mids.is_empty()
            && mids.iter().all(|(mid, unit)| rules::worth(held, *mid, *unit) > cap)
        {
            codes.push(Code::HoldingLimit);
        }
        codes
    }

    /// The account that is named, or the customer's open one of this kind, or the last one that was closed.
    fn account_of(&self, customer: CustomerId, id: Option<AccountId>, kind: AccountKind) -> Result<AccountId, Code> {
        let mut own = self.accounts.iter().filter(|(_, account)| account.owner == customer);
        let found = match id {
            Some(id) => own.find(|(own, _)| **own == id),
            None => {
                own.filter(|(_, account)| account.kind == kind).max_by_key(|(id, account)| (!account.is_closed(), **id))
            }
        };
        found.map(|(id, _)| *id).ok_or(Code::AccountNotFound)
    }

    /// Every reason against a command; empty if it would be executed.
    pub(crate) fn judge(&self, command: &Command, bench: Bench<'_>) -> Vec<Code> {
        let mut codes = self.reasons(command, bench).unwrap_or_else(|code| vec![code]);
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn reasons(&self, command: &Command, bench: Bench<'_>) -> Result<Vec<Code>, Code> {
        let Bench { at, board, .. } = bench;
        let date = self.last.map_or_else(|| rules::seoul_day(at), |(_, date)| date);
        match command {
            Command::OpenCustomer { .. } => Ok(Vec::new()),
            Command::OpenAccount { customer, kind } => {
                self.customers.get(customer).ok_or(Code::CustomerNotFound)?;
                let open = self.accounts.values().filter(|account| !account.is_closed());
                let exists = open.filter(|account| (account.owner, account.kind) == (*customer, *kind)).count() > 0;
                if exists { Err(Code::AccountExists) } else { Ok(Vec::new()) }
            }
            Command::StateCustomerFact { customer, fact } => {
                self.customers.get(customer).ok_or(Code::CustomerNotFound)?;
                let wrong = !rules::is_about_customer(fact.check) || fact.amount.is_some();
                Ok(if wrong { vec![Code::FactInvalid] } else { Vec::new() })
            }
            Command::StateAccountFact { account, fact, expected } => {
                let account = self.accounts.get(account).ok_or(Code::AccountNotFound)?;
                let mut codes = fact_of_account(account.kind, fact);
                codes.extend(expected.filter(|at| *at != account.revision()).map(|_| Code::VersionMismatch));
                Ok(codes)
            }
            Command::CloseAccount { account: id, expected } => {
                let account = self.accounts.get(id).ok_or(Code::AccountNotFound)?;
                let awaits =
                    bench.elsewhere.iter().any(|other| matches!(other, Elsewhere::Crediting(to, _) if to == id));
                let mut codes = Vec::new();
                codes.extend(expected.filter(|at| *at != account.revision()).map(|_| Code::VersionMismatch));
                codes.extend(account.is_closed().then_some(Code::AccountClosed));
                codes.extend((awaits || !account.is_empty()).then_some(Code::AccountNotEmpty));
                Ok(codes)
            }
            Command::Deposit { account, amount } => {
                let movement = Movement { credit: Some((*account, *amount)), ..Movement::default() };
                Ok(self.weigh(&movement, date, bench))
            }
            Command::PayInterest { account: id, claim } => {
                let account = self.accounts.get(id).ok_or(Code::AccountNotFound)?;
                let Claim::Due(due) = claim else {
                    return Ok(vec![match claim {
                        Claim::NotOffered => Code::InterestNotOffered,
                        _ => Code::NothingAccrued,
                    }]);
                };
                let movement = Movement { credit: Some((*id, due.net)), ..Movement::default() };
                let mut codes = self.weigh(&movement, date, bench);
                let late = account.paid_through.is_some_and(|paid| paid >= due.period.from());
                codes.extend((late || due.period.through() >= date).then_some(Code::NothingAccrued));
                Ok(codes)
            }
            Command::Withdraw { account, amount } => {
                let won = worth_on(board, *amount);
                let movement = Movement { debit: Some((*account, *amount)), won, ..Movement::default() };
                Ok(self.weigh(&movement, date, bench))
            }
            Command::Transfer { from, to, amount } => {
                if !self.accounts.contains_key(from) {
                    return Err(Code::AccountNotFound);
                }
                if to.lane() != self.lane {
                    return Err(Code::LanesDiffer);
                }
                if from == to {
                    return Err(Code::SameAccount);
                }
                let won = worth_on(board, *amount);
                let (debit, credit) = (Some((*from, *amount)), Some((*to, *amount)));
                Ok(self.weigh(&Movement { debit, credit, won, buy_won: None }, date, bench))
            }
            Command::Exchange(order) => match order.as_ref() {
                Order::AtQuote(quote) => self.at_quote(quote, date, bench),
                Order::AtMarket(order) => self.at_market(order, date, bench),
            },
            Command::Reverse { exchange, .. } => self.reversal(exchange, date, bench),
        }
    }

    /// The debit is judged as any; the credit passes everything, or waits.
    fn reversal(&self, exchange: &Record, date: BusinessDate, bench: Bench<'_>) -> Result<Vec<Code>, Code> {
        let Event::Exchanged { terms, debit, credit, .. } = &exchange.event else { return Err(Code::ExchangeNotFound) };
        let won = match terms.side {
            Side::Buy => debit.amount.minor().abs(),
            Side::Sell => credit.amount.minor(),
        };
        let movement = Movement { debit: Some((credit.account, credit.amount)), won, ..Movement::default() };
        let mut codes = self.weigh(&movement, date, bench);
        codes.extend(self.reversals.contains_key(&exchange.position).then_some(Code::AlreadyReversed));
        Ok(codes)
    }

    fn weigh(&self, movement: &Movement, date: BusinessDate, bench: Bench<'_>) -> Vec<Code> {
        let mids = |currency| bench.board.mid(currency).into_iter().collect();
        let mut codes = self.judge_movement(movement, (bench.at, date), bench.policy, &mids, bench.elsewhere);
        let credited = movement.credit.map(|(_, amount)| amount.currency());
        let cap = credited.and_then(|currency| world::currencies().spec(currency)?.holding_cap_won);
        if cap.is_some() && credited.is_some_and(|currency| bench.board.mid(currency).is_none()) {
            codes.push(Code::RateUnavailable);
        }
        codes
    }

    fn at_quote(&self, quote: &Quote, date: BusinessDate, bench: Bench<'_>) -> Result<Vec<Code>, Code> {
        let Quote { terms, priced, .. } = quote;
        self.account_of(quote.customer, Some(quote.won_account), AccountKind::Won)?;
        self.account_of(quote.customer, Some(quote.foreign_account), AccountKind::Foreign)?;
        let pair = (quote.won_account, quote.foreign_account);
        let movement = exchanged(terms.side, pair, (priced.won, priced.foreign));
        let mut codes = self.weigh(&movement, date, bench);
        codes.extend(bench.board.admits(terms.round).err());
        codes.extend((bench.at >= quote.expires_at).then_some(Code::QuoteExpired));
        if self.quotes.contains_key(&quote.id.0) {
            codes.push(Code::QuoteUsed);
        }
        Ok(codes)
    }

    /// What a market order would move, or why it may not be planned.
    pub(crate) fn plan(&self, order: &MarketOrder, bench: Bench<'_>) -> Result<Movement, Code> {
        self.customers.get(&order.customer).ok_or(Code::CustomerNotFound)?;
        let won = self.account_of(order.customer, order.won_account, AccountKind::Won)?;
        let foreign = self.account_of(order.customer, order.foreign_account, AccountKind::Foreign)?;
        let round = bench.board.current(order.currency, bench.at)?;
        let rate = board::rate_of(round, order.side);
        let worse = order.worst_rate.is_some_and(|worst| match order.side {
            Side::Buy => rate > worst,
            Side::Sell => rate < worst,
        });
        if worse {
            return Err(Code::RateWorse);
        }
        let priced = board::price(order.ask, order.currency, order.side, rate, round.mid.unit())?;
        let too_large = |_| Code::AmountTooLarge;
        let amounts =
            (Money::won(priced.1).map_err(too_large)?, Money::from_minor(priced.0, order.currency).map_err(too_large)?);
        Ok(exchanged(order.side, (won, foreign), amounts))
    }

    fn at_market(&self, order: &MarketOrder, date: BusinessDate, bench: Bench<'_>) -> Result<Vec<Code>, Code> {
        match self.plan(order, bench) {
            Ok(movement) => Ok(self.weigh(&movement, date, bench)),
            Err(Code::CustomerNotFound) => Err(Code::CustomerNotFound),
            Err(code) => Ok([code].into_iter().chain(self.facts_against(order, bench.at)).collect()),
        }
    }

    /// What stands against an exchange even where it can't be planned: the facts, both ways.
    fn facts_against(&self, order: &MarketOrder, at: Timestamp) -> Vec<Code> {
        let (debit, credit) = match order.side {
            Side::Buy => (AccountKind::Won, AccountKind::Foreign),
            Side::Sell => (AccountKind::Foreign, AccountKind::Won),
        };
        let of_customer = self.customers.get(&order.customer).map(|customer| rules::in_force(&customer.statements, at));
        let of_kind = |kind| {
            let account = self.account_of(order.customer, None, kind);
            account.map(|id| self.facts_of(id, at)).unwrap_or_default()
        };
        let (of_debit, of_credit) = (of_kind(debit), of_kind(credit));
        let owner = || of_customer.iter().flatten();
        let debits = of_debit.iter().chain(owner()).filter_map(|fact| rules::forbids_debit(fact.check));
        let credits = of_credit.iter().chain(owner()).filter_map(|fact| rules::forbids_credit(fact.check));
        debits.chain(credits).collect()
    }

    /// What pricing a market order has to be refused for: all but the balances.
    pub(crate) fn judge_quote(&self, order: &MarketOrder, bench: Bench<'_>) -> Vec<Code> {
        let date = self.last.map_or_else(|| rules::seoul_day(bench.at), |(_, date)| date);
        match self.plan(order, bench) {
            Err(code) => vec![code],
            Ok(movement) => self.weigh(&movement, date, bench),
        }
    }
}

fn exchanged(side: Side, (won, foreign): (AccountId, AccountId), (krw, other): (Money, Money)) -> Movement {
    let (debit, credit, buy_won) = match side {
        Side::Buy => ((won, krw), (foreign, other), Some(krw.minor())),
        Side::Sell => ((foreign, other), (won, krw), None),
    };
    Movement { debit: Some(debit), credit: Some(credit), won: krw.minor(), buy_won }
}

/// What a debit is worth to a limited account.
fn worth_on(board: &NaiveBoard, amount: Money) -> i64 {
    if amount.currency() == Currency::KRW {
        return amount.minor();
    }
    board.mid(amount.currency()).map_or(i64::MAX, |(mid, unit)| rules::worth(amount, mid, unit))
}
