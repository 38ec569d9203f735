//! What must be borne out by some state of the journals between question and answer: rejections, reads, quotes, trials.

use std::collections::BTreeMap;

use hwan::{
    actors::{
        command::{Command, Order, Refusal},
        view::TrialView,
    },
    storage::port::JournalRow,
};
use hwan_domain::{
    account::AccountKind,
    exchange::Side,
    id::{AccountId, CustomerId, LaneId},
    money::Money,
    record::Event,
    rejection::{Code, Rejection},
    time::Timestamp,
};

use crate::{
    board,
    history::{Act, Answer, Attempt, History},
    judging::{Bench, Elsewhere},
    ledger::Ledger,
    registry::Registry,
    replay::Replayed,
    views,
};

/// The lane that an operation belongs to, where it is known beforehand.
fn lane_of(act: &Act) -> Option<LaneId> {
    match act {
        Act::Command(command) => match command {
            Command::OpenCustomer { .. } => None,
            Command::OpenAccount { customer, .. } | Command::StateCustomerFact { customer, .. } => {
                Some(customer.lane())
            }
            Command::StateAccountFact { account, .. }
            | Command::CloseAccount { account, .. }
            | Command::Deposit { account, .. }
            | Command::Withdraw { account, .. }
            | Command::PayInterest { account, .. }
            | Command::Transfer { from: account, .. } => Some(account.lane()),
            Command::Exchange(order) => Some(match order.as_ref() {
                Order::AtQuote(quote) => quote.customer.lane(),
                Order::AtMarket(order) => order.customer.lane(),
            }),
            Command::Reverse { exchange, .. } => Some(exchange.position.lane()),
        },
        Act::Board(_) => Some(LaneId::SYSTEM),
        Act::Quote(order, _) | Act::Trial(order) => Some(order.customer.lane()),
        Act::ReadCustomer(id) => Some(id.lane()),
        Act::ReadAccount(id) => Some(id.lane()),
        Act::ReadRecord(place) => Some(place.lane()),
    }
}

/// Up to where the system lane's records had been answered to anybody before this tick.
pub(crate) fn acknowledged(history: &History, tick: u64) -> u64 {
    let answered = history.attempts.iter().filter_map(|attempt| {
        let (when, Answer::Executed(executed)) = attempt.ended.as_ref()? else { return None };
        let place = executed.record.position;
        (place.lane() == LaneId::SYSTEM && when.tick < tick).then_some(place.seq().number())
    });
    answered.max().unwrap_or(0)
}

/// An answer that some state must bear out.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) attempt: usize,
    lane: Option<LaneId>,
    /// Positions of the lane at which it may have been decided.
    pub(crate) seqs: (u64, u64),
    /// States of the board by which it may have been decided.
    pub(crate) boards: (u64, u64),
    clocks: (usize, usize),
}

/// The answers that no state has borne out yet.
pub(crate) struct Claims<'a> {
    history: &'a History,
    registry: Registry,
    pub(crate) open: Vec<Claim>,
    system_times: Vec<Timestamp>,
    pub(crate) tally: BTreeMap<&'static str, u64>,
}

impl<'a> Claims<'a> {
    pub(crate) fn of(history: &'a History, rows: &[Vec<JournalRow>]) -> Self {
        let mut open = Vec::new();
        for (index, attempt) in history.attempts.iter().enumerate().filter(|(_, attempt)| !attempt.stale) {
            let Some((ended, answer)) = &attempt.ended else { continue };
            let claims = matches!(
                answer,
                Answer::Refused(Refusal::Rejected(_))
                    | Answer::Customer(_)
                    | Answer::Account(_)
                    | Answer::Quoted(_)
                    | Answer::Tried(_)
            );
            if !claims {
                continue;
            }
            // A retry that joined is answered with what was decided for the first.
            let joined = history.attempts.iter().filter(|other| other.op == attempt.op && other.overlaps(attempt));
            let begun = joined.map(|other| &other.begun).min_by_key(|begun| begun.tick).unwrap_or(&attempt.begun);
            let lane = lane_of(&history.ops[attempt.op].act);
            let at = |heads: &[u64]| lane.and_then(|lane| heads.get(usize::from(lane.number()))).copied();
            open.push(Claim {
                attempt: index,
                lane,
                seqs: (at(&begun.heads).unwrap_or(0), at(&ended.heads).unwrap_or(u64::MAX)),
                boards: (acknowledged(history, begun.tick), ended.heads.first().copied().unwrap_or(0)),
                clocks: (begun.clock, ended.clock),
            });
        }
        let system_times = rows.first().into_iter().flatten().map(|row| row.record.at).collect();
        Self { history, registry: Registry::of(rows), open, system_times, tally: BTreeMap::new() }
    }

    /// Lets go of every claim that this state bears out.
    pub(crate) fn visit(&mut self, ledger: &Ledger, replayed: &Replayed) {
        let mut open = std::mem::take(&mut self.open);
        open.retain(|claim| {
            let here = claim.lane.is_none_or(|lane| lane == ledger.lane && lane != LaneId::SYSTEM)
                && (claim.seqs.0..=claim.seqs.1).contains(&ledger.seq);
            !(here && self.is_borne_out(claim, ledger, replayed))
        });
        self.open = open;
    }

    fn is_borne_out(&mut self, claim: &Claim, ledger: &Ledger, replayed: &Replayed) -> bool {
        let attempt = &self.history.attempts[claim.attempt];
        let Some((_, answer)) = &attempt.ended else { return true };
        let op = &self.history.ops[attempt.op];
        let act = &op.act;
        match (answer, act) {
            (Answer::Customer(view), Act::ReadCustomer(id)) if self.registry.hides(op, *id) => return view.is_none(),
            (Answer::Account(view), Act::ReadAccount(id)) if self.registry.hides_account(op, *id) => {
                return view.is_none();
            }
            (Answer::Customer(view), _) => return views::is_customer(view.as_ref(), act, ledger),
            (Answer::Account(view), _) => return views::is_account(view.as_ref(), act, ledger),
            _ => {}
        }
        if let Some(hidden) = self.registry.hidden_of(op) {
            // In the very words in which it would be told of what does not exist, and nothing beside.
            let told = match answer {
                Answer::Refused(Refusal::Rejected(rejection)) => is_all_of(rejection, &hidden),
                _ => false,
            };
            *self.tally.entry("not there for a confined caller").or_default() += u64::from(told);
            return told;
        }
        let elsewhere = self.elsewhere(attempt, replayed);
        let last = ledger.last.map_or(Timestamp::default(), |(at, _)| at);
        for at in self.times(claim, last) {
            for board in
                (claim.boards.0..=claim.boards.1).rev().filter_map(|n| replayed.boards.get(usize::try_from(n).ok()?))
            {
                let bench = Bench { at, board, policy: &self.history.policy, elsewhere: &elsewhere };
                let good = match (answer, act) {
                    (Answer::Quoted(quote), Act::Quote(order, millis)) => {
                        let lifetime = i64::try_from(*millis).unwrap_or(0) * 1_000;
                        let rate = board.current(order.currency, at);
                        rate.is_ok_and(|round| board::are_of(&quote.terms, round))
                            && quote.expires_at == at.plus_micros(lifetime)
                            && quote.customer == order.customer
                            && ledger.plan(order, bench).is_ok_and(|movement| {
                                let moved = [movement.debit, movement.credit];
                                moved.contains(&Some((quote.won_account, quote.priced.won)))
                                    && moved.contains(&Some((quote.foreign_account, quote.priced.foreign)))
                            })
                    }
                    (Answer::Tried(view), Act::Trial(order)) => ledger.is_trial(view, order, bench),
                    (Answer::Refused(Refusal::Rejected(rejection)), act) => {
                        let codes = match act {
                            Act::Command(command) => ledger.judge(command, bench),
                            Act::Quote(order, _) => ledger.judge_quote(order, bench),
                            Act::Trial(order) => ledger.plan(order, bench).err().into_iter().collect(),
                            _ => Vec::new(),
                        };
                        let exact = codes.first() == Some(&rejection.code());
                        if exact {
                            *self.tally.entry("rejection borne out").or_default() += 1;
                        } else if codes.contains(&rejection.code()) {
                            *self.tally.entry("rejection borne out beside another").or_default() += 1;
                        }
                        codes.contains(&rejection.code())
                    }
                    _ => false,
                };
                if good {
                    return true;
                }
            }
        }
        false
    }

    /// The lane's possible times: the clock's, but not before the last record; nor before one that was sequenced and not
    /// yet durable, which may bear any time that the clock showed earlier.
    fn times(&self, claim: &Claim, last: Timestamp) -> Vec<Timestamp> {
        let (earlier, since) = self.history.clocks.split_at(claim.clocks.0);
        let shown = &since[..=claim.clocks.1 - claim.clocks.0];
        let earliest = shown.iter().min().copied().unwrap_or(last);
        let mut times: Vec<Timestamp> = shown.iter().map(|clock| last.max(*clock)).collect();
        times.extend(earlier.iter().filter(|clock| **clock > earliest.max(last)));
        times
    }

    /// What else was in flight beside an attempt and may have been counted against it.
    fn elsewhere(&self, attempt: &Attempt, replayed: &Replayed) -> Vec<Elsewhere> {
        let mut elsewhere = Vec::new();
        let mut seen = Vec::new();
        // A retry that joined was decided on while the first was on its way.
        let joined = || self.history.attempts.iter().filter(|other| other.op == attempt.op && other.overlaps(attempt));
        let beside = |other: &&Attempt| other.op != attempt.op && joined().any(|joined| joined.overlaps(other));
        for other in self.history.attempts.iter().filter(beside) {
            if seen.contains(&other.op) {
                continue;
            }
            seen.push(other.op);
            let Act::Command(command) = &self.history.ops[other.op].act else { continue };
            match command {
                Command::Deposit { account, amount } => elsewhere.push(Elsewhere::Crediting(*account, *amount)),
                Command::Withdraw { account, .. } => elsewhere.push(Elsewhere::Debiting(*account)),
                Command::Transfer { from, to, amount } => {
                    elsewhere.extend([Elsewhere::Debiting(*from), Elsewhere::Crediting(*to, *amount)]);
                }
                Command::Exchange(order) => match order.as_ref() {
                    Order::AtQuote(quote) => {
                        elsewhere.push(Elsewhere::Buying(quote.customer, quote.priced.won.minor()));
                        let (won, foreign) = (quote.won_account, quote.foreign_account);
                        let (debit, credit) = match quote.terms.side {
                            Side::Buy => (won, Elsewhere::Crediting(foreign, quote.priced.foreign)),
                            Side::Sell => (foreign, Elsewhere::Crediting(won, quote.priced.won)),
                        };
                        elsewhere.extend([Elsewhere::Debiting(debit), credit]);
                    }
                    Order::AtMarket(order) => {
                        let rounds = replayed.rounds.values().filter(|known| known.round.currency == order.currency);
                        let priced = rounds.filter_map(|known| {
                            let rate = board::rate_of(&known.round, order.side);
                            board::price(order.ask, order.currency, order.side, rate, known.round.mid.unit()).ok()
                        });
                        let Some((foreign, won)) = priced.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))) else { continue };
                        elsewhere.push(Elsewhere::Buying(order.customer, won));
                        let (debits, credits, amount) = match order.side {
                            Side::Buy => {
                                (AccountKind::Won, AccountKind::Foreign, Money::from_minor(foreign, order.currency))
                            }
                            Side::Sell => (AccountKind::Foreign, AccountKind::Won, Money::won(won)),
                        };
                        let of = |kind| accounts_of(self.history, order.customer, kind);
                        elsewhere.extend(of(debits).map(Elsewhere::Debiting));
                        if let Ok(money) = amount {
                            elsewhere.extend(of(credits).map(|account| Elsewhere::Crediting(account, money)));
                        }
                    }
                },
                Command::Reverse { exchange, .. } => {
                    if let Event::Exchanged { debit, credit, .. } = &exchange.event {
                        elsewhere.push(Elsewhere::Debiting(credit.account));
                        elsewhere.push(Elsewhere::Crediting(debit.account, debit.amount.negated()));
                    }
                }
                _ => {}
            }
        }
        elsewhere
    }

    /// Lets go of the rejections of orders to the board that some state of it bears out.
    pub(crate) fn board_rejections(&mut self, replayed: &Replayed) {
        let (history, times) = (self.history, &self.system_times);
        self.open.retain(|claim| {
            let attempt = &history.attempts[claim.attempt];
            let op = &history.ops[attempt.op];
            let (Act::Board(act), Some((_, Answer::Refused(Refusal::Rejected(rejection))))) = (&op.act, &attempt.ended)
            else {
                return true;
            };
            let borne_out = (claim.seqs.0..=claim.seqs.1).any(|seq| {
                let Some(board) = usize::try_from(seq).ok().and_then(|seq| replayed.boards.get(seq)) else {
                    return false;
                };
                let last = usize::try_from(seq).ok().and_then(|seq| times.get(seq.checked_sub(1)?)).copied();
                history.clocks[claim.clocks.0..=claim.clocks.1].iter().any(|clock| {
                    let at = last.unwrap_or_default().max(*clock);
                    board.judge(act, &op.caller, at) == Some(rejection.code())
                })
            });
            !borne_out
        });
    }
}

/// The accounts of a kind that a customer was ever seen to open.
fn accounts_of(history: &History, customer: CustomerId, kind: AccountKind) -> impl Iterator<Item = AccountId> {
    history.attempts.iter().filter_map(Attempt::executed).filter_map(move |executed| match &executed.record.event {
        Event::AccountOpened { customer: owner, kind: opened } if (*owner, *opened) == (customer, kind) => {
            Some(AccountId::at(executed.record.position))
        }
        _ => None,
    })
}

/// Whether a rejection says this, in these words, and nothing else.
fn is_all_of(rejection: &Rejection, (code, detail): &(Code, String)) -> bool {
    matches!(rejection.violations(), [one] if one.code == *code && one.detail == *detail)
}

impl Ledger {
    /// Whether a trial says what the naive bank would: at least what stands against the order by itself, at most what
    /// others on their way add to it.
    fn is_trial(&self, view: &TrialView, order: &hwan::actors::command::MarketOrder, bench: Bench<'_>) -> bool {
        let command = Command::Exchange(Box::new(Order::AtMarket(order.clone())));
        let alone = self.judge(&command, Bench { elsewhere: &[], ..bench });
        let mut beside = self.judge(&command, bench);
        let debited = self.plan(order, bench).ok().and_then(|movement| movement.debit).map(|(account, _)| account);
        if bench
            .elsewhere
            .iter()
            .any(|other| matches!(other, Elsewhere::Debiting(account) if Some(*account) == debited))
        {
            beside.extend([Code::InsufficientBalance, Code::Seized]); // what is reserved
        }
        let said: Vec<Code> = view.violations.iter().map(|violation| violation.code).collect();
        let priced = self.plan(order, bench).ok().map(|movement| {
            let moved = [movement.debit, movement.credit].into_iter().flatten().map(|(_, amount)| amount);
            moved.collect::<Vec<Money>>()
        });
        let agrees = priced.is_none_or(|moved| {
            view.priced.is_some_and(|said| moved.contains(&said.won) && moved.contains(&said.foreign))
        });
        agrees && alone.iter().all(|code| said.contains(code)) && said.iter().all(|code| beside.contains(code))
    }
}
