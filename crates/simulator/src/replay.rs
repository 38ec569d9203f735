//! The journals replayed: every lane through the naive ledger, every record back to the operation that asked for it.

use std::collections::BTreeMap;

use hwan::{
    actors::command::{Claim, Command, Order},
    storage::port::JournalRow,
};
use hwan_domain::{
    exchange::Side,
    id::{LaneId, Position},
    quote::Quote,
    record::{Event, Leg, Record},
    round::RoundId,
};

use crate::{
    board::{self, NaiveBoard, NaiveRound},
    history::{Act, Answer, History},
    ledger::{Ledger, Surroundings},
};

/// What the journals say.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// The board after each record of the system lane, the empty one first.
    pub(crate) boards: Vec<NaiveBoard>,
    pub(crate) rounds: BTreeMap<RoundId, NaiveRound>,
    pub(crate) quotes: BTreeMap<u128, Quote>,
    /// Which record each operation has made.
    pub(crate) made: BTreeMap<usize, Position>,
    /// The customers' lanes at their ends.
    pub(crate) ledgers: Vec<Ledger>,
}

/// Who asked for which record.
struct Askers<'a> {
    history: &'a History,
    by_request: BTreeMap<[u8; 16], usize>,
    alone: BTreeMap<(&'a str, &'static str), usize>,
}

impl<'a> Askers<'a> {
    fn of(history: &'a History) -> Self {
        let keyed = history.ops.iter().enumerate().filter(|(_, op)| op.key.is_some());
        let by_request = keyed.map(|(index, op)| (op.request.0, index)).collect();
        let alone = history.ops.iter().enumerate().filter(|(_, op)| op.key.is_none());
        let alone = alone.map(|(index, op)| ((&*op.caller, kind(&op.act)), index)).collect();
        Self { history, by_request, alone }
    }

    fn find(&self, record: &Record) -> Result<Option<usize>, String> {
        let by = &*record.origin.caller;
        let found = match (&record.origin.key, &record.event) {
            (None, Event::DateRolled { .. }) if by == "engine" => return Ok(None),
            (Some(used), _) => self.by_request.get(&used.request.0),
            (None, event) => {
                let kind = if matches!(event, Event::RoundRefused { .. }) { "round_published" } else { event.name() };
                self.alone.get(&(by, kind))
            }
        };
        let op = *found.ok_or_else(|| format!("record {:?} by {by}: nobody asked for it", record.position))?;
        if let Act::Command(command) = &self.history.ops[op].act
            && let Some(wrong) = differs(command, record)
        {
            return Err(format!("record {:?} is not what operation {op} asked for: {wrong}", record.position));
        }
        Ok(Some(op))
    }
}

/// The name of the event that an operation makes.
fn kind(act: &Act) -> &'static str {
    use crate::board::BoardAct;
    match act {
        Act::Command(Command::OpenCustomer { .. }) => "customer_opened",
        Act::Command(Command::OpenAccount { .. }) => "account_opened",
        Act::Command(Command::StateAccountFact { .. }) => "account_fact_stated",
        Act::Command(Command::StateCustomerFact { .. }) => "customer_fact_stated",
        Act::Command(Command::CloseAccount { .. }) => "account_closed",
        Act::Command(Command::Reverse { .. }) => "reversed",
        Act::Command(Command::Deposit { .. }) => "deposited",
        Act::Command(Command::Withdraw { .. }) => "withdrawn",
        Act::Command(Command::Transfer { .. }) => "transferred",
        Act::Command(Command::PayInterest { .. }) => "interest_paid",
        Act::Command(Command::Exchange(_)) => "exchanged",
        Act::Board(BoardAct::Publish(_)) => "round_published",
        Act::Board(BoardAct::Void(_)) => "round_voided",
        Act::Board(BoardAct::Halt(_)) => "pair_halted",
        Act::Board(BoardAct::Resume(_)) => "pair_resumed",
        Act::Quote(..) | Act::Trial(_) | Act::ReadCustomer(_) | Act::ReadAccount(_) | Act::ReadRecord(_) => "nothing",
    }
}

/// In what a record differs from what was asked, if it does.
fn differs(command: &Command, record: &Record) -> Option<&'static str> {
    let is = |leg: &Leg, account, amount| leg.account == account && leg.amount == amount;
    let same = match (command, &record.event) {
        (Command::OpenCustomer { reference, channel }, Event::CustomerOpened { reference: opened, channel: of }) => {
            let asked = channel.as_deref().filter(|channel| **channel != *record.origin.caller);
            reference == opened && asked == of.as_deref()
        }
        (Command::OpenAccount { customer, kind }, Event::AccountOpened { customer: of, kind: opened }) => {
            (customer, kind) == (of, opened)
        }
        (
            Command::StateAccountFact { account, fact, .. },
            Event::AccountFactStated { account: of, fact: stated, .. },
        ) => (account, fact) == (of, stated),
        (Command::CloseAccount { account, .. }, Event::AccountClosed { account: closed, .. }) => account == closed,
        (Command::Reverse { exchange, reason }, Event::Reversed { exchange: of, reason: given, .. }) => {
            exchange.position == of.position() && reason == given
        }
        (Command::StateCustomerFact { customer, fact }, Event::CustomerFactStated { customer: of, fact: stated }) => {
            (customer, fact) == (of, stated)
        }
        (Command::Deposit { account, amount }, Event::Deposited { credit }) => is(credit, *account, *amount),
        (Command::Withdraw { account, amount }, Event::Withdrawn { debit, .. }) => {
            is(debit, *account, amount.negated())
        }
        (Command::Transfer { from, to, amount }, Event::Transferred { debit, credit, .. }) => {
            is(debit, *from, amount.negated()) && is(credit, *to, *amount)
        }
        (
            Command::PayInterest { account, claim: Claim::Due(due) },
            Event::InterestPaid { from, through, credit, .. },
        ) => is(credit, *account, due.net) && (due.period.from(), due.period.through()) == (*from, *through),
        (Command::Exchange(order), Event::Exchanged { terms, quote, debit, credit, .. }) => {
            let (won, foreign) = match terms.side {
                Side::Buy => (debit, credit),
                Side::Sell => (credit, debit),
            };
            match order.as_ref() {
                Order::AtQuote(asked) => *quote == Some(asked.id) && asked.terms == *terms,
                Order::AtMarket(asked) => {
                    let (rate, unit) = (terms.rate.value(), terms.rate.unit());
                    let priced = board::price(asked.ask, asked.currency, asked.side, rate, unit);
                    let worse = asked.worst_rate.is_some_and(|worst| match asked.side {
                        Side::Buy => rate > worst,
                        Side::Sell => rate < worst,
                    });
                    if worse {
                        return Some("the rate is worse than the worst that was accepted");
                    }
                    quote.is_none()
                        && (terms.side, terms.currency) == (asked.side, asked.currency)
                        && priced == Ok((foreign.amount.minor().abs(), won.amount.minor().abs()))
                        && debit.customer == asked.customer
                        && asked.won_account.is_none_or(|account| account == won.account)
                        && asked.foreign_account.is_none_or(|account| account == foreign.account)
                }
            }
        }
        _ => return Some("it is of another kind"),
    };
    (!same).then_some("its contents")
}

impl Replayed {
    /// Replays everything; `visit` sees every state of every customers' lane, the empty one too.
    pub(crate) fn of(
        history: &History,
        rows: &[Vec<JournalRow>],
        mut visit: impl FnMut(&Ledger, &Self),
    ) -> Result<Self, String> {
        let askers = Askers::of(history);
        let mut replayed = Self { boards: vec![NaiveBoard::default()], ..Self::default() };
        for attempt in &history.attempts {
            if let Some((_, Answer::Quoted(quote))) = &attempt.ended {
                replayed.quotes.insert(quote.id.0, *quote);
            }
        }
        replayed.system(history, &askers, rows.first().map(Vec::as_slice).unwrap_or_default())?;
        for (number, rows) in rows.iter().enumerate().skip(1) {
            let lane = u16::try_from(number).ok().and_then(LaneId::new).ok_or("too many lanes")?;
            let mut ledger = Ledger::new(lane);
            visit(&ledger, &replayed);
            for row in rows {
                if let Some(op) = replayed.note(&askers, &row.record)? {
                    ledger.was_expected(&history.ops[op], &row.record)?;
                }
                let around =
                    Surroundings { policy: history.policy, rounds: &replayed.rounds, quotes: &replayed.quotes };
                ledger.apply(row, &around)?;
                visit(&ledger, &replayed);
            }
            replayed.ledgers.push(ledger);
        }
        Ok(replayed)
    }

    fn system(&mut self, history: &History, askers: &Askers<'_>, rows: &[JournalRow]) -> Result<(), String> {
        let mut lane = Ledger::new(LaneId::SYSTEM);
        let mut board = NaiveBoard::default();
        for row in rows {
            lane.follow(row)?;
            if let Some(op) = self.note(askers, &row.record)?
                && let Act::Board(act) = &history.ops[op].act
                && let Some(wrong) = board.disagrees(act, &row.record)
            {
                return Err(format!("record {:?}: {wrong}", row.record.position));
            }
            board.apply(&row.record);
            self.boards.push(board.clone());
        }
        let all = board.pairs.values().flat_map(|pair| &pair.rounds);
        self.rounds = all.map(|known| (known.round.id, known.clone())).collect();
        Ok(())
    }

    fn note(&mut self, askers: &Askers<'_>, record: &Record) -> Result<Option<usize>, String> {
        let op = askers.find(record)?;
        if let Some(op) = op
            && let Some(earlier) = self.made.insert(op, record.position)
        {
            return Err(format!("operation {op} made {earlier:?} and {:?}: done twice", record.position));
        }
        Ok(op)
    }
}
