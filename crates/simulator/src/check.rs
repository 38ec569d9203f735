//! The check: do the journals and the answers tell one story that a single-threaded bank could have lived?
//!
//! | about | it must hold |
//! |---|---|
//! | journals | the naive ledger replays them; every record was asked for, none twice |
//! | executed | the answer is the journal's record, durable by then; first at most once, and only for whoever made it |
//! | not done, rejected | no record that no later or uncertain attempt can have made |
//! | rejected | at some position between question and answer the naive ledger rejects with the same code |
//! | reads | what was seen existed at some position between question and answer |
//! | keys | once used, the same key repeats that answer; another body is refused only if the key was in use |

use std::collections::BTreeMap;

use hwan::{
    actors::command::{Command, Delivery, Executed, KeyError, Order, Refusal},
    storage::port::JournalRow,
};
use hwan_domain::{id::LaneId, record::Event, time::Timestamp};

use crate::{
    board,
    counts::Counts,
    history::{Act, Answer, Attempt, History},
    judging::{Bench, Elsewhere},
    ledger::Ledger,
    replay::Replayed,
    views,
};

/// Checks the journals and everything that clients were answered.
pub(crate) fn journal_and_answers(
    history: &History,
    rows: &[Vec<JournalRow>],
    counts: &mut Counts,
) -> Result<(), String> {
    let mut claims = Claims::of(history, rows);
    let replayed = Replayed::of(history, rows, |ledger, replayed| claims.visit(ledger, replayed))?;
    for (index, attempt) in history.attempts.iter().enumerate() {
        let wrong = |wrong| format!("attempt {index} at operation {}: {wrong}", attempt.op);
        answer(history, attempt, rows, &replayed, counts).map_err(wrong)?;
    }
    claims.board_rejections(&replayed);
    traded(history, rows, &replayed)?;
    once(history, &replayed)?;
    if let Some(claim) = claims.open.first() {
        let attempt = &history.attempts[claim.attempt];
        return Err(format!(
            "attempt {} at operation {}: its answer fits no state between {:?} and {:?}: {:?}",
            claim.attempt, attempt.op, claim.seqs, claim.boards, attempt.ended
        ));
    }
    for (what, count) in claims.tally {
        counts.add(what, count);
    }
    Ok(())
}

/// The lane that an operation belongs to, where it is known beforehand.
fn lane_of(act: &Act) -> Option<LaneId> {
    match act {
        Act::Command(command) => match command {
            Command::OpenCustomer { .. } => None,
            Command::OpenAccount { customer, .. } | Command::StateCustomerFact { customer, .. } => {
                Some(customer.lane())
            }
            Command::StateAccountFact { account, .. }
            | Command::Deposit { account, .. }
            | Command::Withdraw { account, .. }
            | Command::Transfer { from: account, .. } => Some(account.lane()),
            Command::Exchange(order) => Some(match order.as_ref() {
                Order::AtQuote(quote) => quote.customer.lane(),
                Order::AtMarket(order) => order.customer.lane(),
            }),
        },
        Act::Board(_) => Some(LaneId::SYSTEM),
        Act::Quote(order, _) => Some(order.customer.lane()),
        Act::ReadCustomer(id) => Some(id.lane()),
        Act::ReadAccount(id) => Some(id.lane()),
        Act::ReadRecord(place) => Some(place.lane()),
    }
}

/// What one answer says by itself and of its key.
fn answer(
    history: &History,
    attempt: &Attempt,
    rows: &[Vec<JournalRow>],
    replayed: &Replayed,
    counts: &mut Counts,
) -> Result<(), String> {
    let Some((ended, answer)) = &attempt.ended else { return Ok(()) };
    let made = replayed.made.get(&attempt.op).copied();
    let head = |heads: &[u64], lane: LaneId| heads.get(usize::from(lane.number())).copied().unwrap_or(0);
    // Whether the operation's record was there when this attempt began.
    let was_made = made.is_some_and(|place| place.seq().number() <= head(&attempt.begun.heads, place.lane()));
    match answer {
        Answer::Executed(Executed { record, delivery }) => {
            let row = rows
                .get(usize::from(record.position.lane().number()))
                .and_then(|rows| rows.get(usize::try_from(record.position.seq().number()).ok()?.checked_sub(1)?));
            let row = row.ok_or_else(|| format!("executed as {:?}, which is not in the journal", record.position))?;
            if *row.record != **record {
                return Err(format!("the answer {record:?} is not the journal's {:?}", row.record));
            }
            if made != Some(record.position) {
                return Err(format!("executed as {:?}, its record is {made:?}", record.position));
            }
            if record.position.seq().number() > head(&ended.heads, record.position.lane()) {
                return Err(format!("answered before {:?} was durable", record.position));
            }
            match delivery {
                Delivery::First if was_made => return Err("answered as first what was there before".into()),
                Delivery::First => counts.one("answer: executed"),
                Delivery::Replayed if history.ops[attempt.op].key.is_none() => {
                    return Err("a replay without a key".into());
                }
                Delivery::Replayed => counts.one("answer: replayed"),
            }
        }
        Answer::Refused(Refusal::Rejected(rejection)) => {
            counts.one("answer: rejected");
            counts.one(rejection.code().as_str());
            if was_made && !attempt.stale {
                return Err(format!("rejected by {} although {made:?} was there", rejection.code()));
            }
        }
        Answer::Refused(Refusal::Key(error)) => {
            counts.one("answer: key refused");
            key_error(history, attempt, *error, replayed)?;
        }
        Answer::Refused(Refusal::NotDone(_)) => counts.one("answer: not done"),
        Answer::Refused(Refusal::Unknown) => counts.one("answer: unknown"),
        Answer::Refused(Refusal::Overloaded { .. }) => counts.one("answer: overloaded"),
        Answer::Record(found) => {
            let Act::ReadRecord(place) = &history.ops[attempt.op].act else { return Err("a record unasked".into()) };
            let row =
                rows[usize::from(place.lane().number())].get(usize::try_from(place.seq().number()).unwrap_or(0) - 1);
            if found.as_deref() != row.map(|row| &*row.record) {
                return Err(format!("read {found:?} at {place:?}"));
            }
            counts.one("answer: read");
        }
        Answer::Customer(_) | Answer::Account(_) => counts.one("answer: read"),
        Answer::Quoted(_) => counts.one("answer: quoted"),
    }
    Ok(())
}

/// A key is refused only for its own time, or because it was in use with another body.
fn key_error(history: &History, attempt: &Attempt, error: KeyError, replayed: &Replayed) -> Result<(), String> {
    let op = &history.ops[attempt.op];
    let text = op.key.as_deref().ok_or("a key refused where there was none")?;
    let ended = attempt.ended.as_ref().map_or(attempt.begun.clock, |(moment, _)| moment.clock);
    let made = uuid::Uuid::try_parse(text).ok().and_then(|uuid| uuid.get_timestamp()).map(|time| {
        let (seconds, nanos) = time.to_unix();
        i64::try_from(seconds * 1_000_000 + u64::from(nanos) / 1_000).unwrap_or(i64::MAX)
    });
    let clocks = history.clocks[attempt.begun.clock..=ended].iter().map(|clock| clock.micros());
    let ahead: Vec<i64> = clocks.filter_map(|clock| Some(made? - clock)).collect();
    let good = match error {
        KeyError::Malformed => false,
        KeyError::FromFuture => ahead.iter().any(|micros| *micros > 5_000_000),
        KeyError::Expired => ahead.iter().any(|micros| *micros < -3_600_000_000),
        KeyError::Reused => history.attempts.iter().any(|other| {
            let rival = &history.ops[other.op];
            let same_key = rival.key == op.key && rival.caller == op.caller && rival.request != op.request;
            same_key && (other.overlaps(attempt) || replayed.made.contains_key(&other.op))
        }),
    };
    if good { Ok(()) } else { Err(format!("{error:?} of {text} without reason")) }
}

/// No record without somebody who can have made it; nobody first twice; one record a key.
fn once(history: &History, replayed: &Replayed) -> Result<(), String> {
    let mut by_key: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
    for (op, place) in &replayed.made {
        let attempts = || history.attempts.iter().filter(|attempt| attempt.op == *op);
        let firsts = attempts().filter_map(Attempt::executed).filter(|done| done.delivery == Delivery::First).count();
        let lane = usize::from(place.lane().number());
        let open = attempts().any(|attempt| {
            attempt.is_open() && attempt.begun.heads.get(lane).is_some_and(|head| *head < place.seq().number())
        });
        if firsts > 1 {
            return Err(format!("operation {op}: {firsts} were answered as first"));
        }
        if firsts == 0 && !open {
            return Err(format!(
                "operation {op}: record {place:?} although every attempt was told that it did nothing"
            ));
        }
        let asked = &history.ops[*op];
        if let Some(key) = &asked.key {
            let scope = format!("{:?}", lane_scope(&asked.act, replayed));
            if let Some(other) = by_key.insert((key, &asked.caller, scope), *op) {
                return Err(format!("operations {other} and {op} both took effect under key {key}"));
            }
        }
    }
    Ok(())
}

/// No exchange at a round that was superseded, voided or halted when it was asked for, as far as anybody had been told.
fn traded(history: &History, rows: &[Vec<JournalRow>], replayed: &Replayed) -> Result<(), String> {
    for (op, place) in &replayed.made {
        let Some(row) =
            rows[usize::from(place.lane().number())].get(usize::try_from(place.seq().number()).unwrap_or(0) - 1)
        else {
            continue;
        };
        let Event::Exchanged { terms, quote, .. } = &row.record.event else { continue };
        let makers = || history.attempts.iter().filter(|attempt| attempt.op == *op);
        let begun = makers().map(|attempt| attempt.begun.tick).min().unwrap_or(0);
        let told = acknowledged(history, begun);
        let ends = makers().filter_map(|attempt| attempt.ended.as_ref()?.0.heads.first().copied());
        let last = if makers().any(|attempt| attempt.ended.is_none()) { u64::MAX } else { ends.max().unwrap_or(0) };
        let mut boards = replayed.boards.iter().zip(0_u64..).filter(|(_, seq)| (told..=last).contains(seq));
        let good = boards.any(|(board, _)| {
            board.admits(terms.round).is_ok()
                && (quote.is_some() || board.last_traded(terms.currency).is_some_and(|round| round.id == terms.round))
        });
        if !good {
            return Err(format!("{place:?} traded at {} against boards {told} to {last}", terms.round));
        }
    }
    Ok(())
}

/// Up to where the system lane's records had been answered to anybody before this tick.
fn acknowledged(history: &History, tick: u64) -> u64 {
    let answered = history.attempts.iter().filter_map(|attempt| {
        let (when, Answer::Executed(executed)) = attempt.ended.as_ref()? else { return None };
        let place = executed.record.position;
        (place.lane() == LaneId::SYSTEM && when.tick < tick).then_some(place.seq().number())
    });
    answered.max().unwrap_or(0)
}

/// Whose key it is: the customer's.
fn lane_scope(act: &Act, replayed: &Replayed) -> Option<hwan_domain::id::CustomerId> {
    let owner = |account| replayed.ledgers.iter().find_map(|ledger| Some(ledger.accounts.get(account)?.owner));
    let Act::Command(command) = act else { return None };
    match command {
        Command::OpenCustomer { .. } => None,
        Command::OpenAccount { customer, .. } | Command::StateCustomerFact { customer, .. } => Some(*customer),
        Command::StateAccountFact { account, .. }
        | Command::Deposit { account, .. }
        | Command::Withdraw { account, .. }
        | Command::Transfer { from: account, .. } => owner(account),
        Command::Exchange(order) => Some(match order.as_ref() {
            Order::AtQuote(quote) => quote.customer,
            Order::AtMarket(order) => order.customer,
        }),
    }
}

/// An answer that some state must bear out.
struct Claim {
    attempt: usize,
    lane: Option<LaneId>,
    /// Positions of the lane at which it may have been decided.
    seqs: (u64, u64),
    /// States of the board by which it may have been decided.
    boards: (u64, u64),
    clocks: (usize, usize),
}

/// The answers that no state has borne out yet.
struct Claims<'a> {
    history: &'a History,
    open: Vec<Claim>,
    system_times: Vec<Timestamp>,
    tally: BTreeMap<&'static str, u64>,
}

impl<'a> Claims<'a> {
    fn of(history: &'a History, rows: &[Vec<JournalRow>]) -> Self {
        let mut open = Vec::new();
        for (index, attempt) in history.attempts.iter().enumerate().filter(|(_, attempt)| !attempt.stale) {
            let Some((ended, answer)) = &attempt.ended else { continue };
            let claims = matches!(
                answer,
                Answer::Refused(Refusal::Rejected(_)) | Answer::Customer(_) | Answer::Account(_) | Answer::Quoted(_)
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
        Self { history, open, system_times, tally: BTreeMap::new() }
    }

    /// Lets go of every claim that this state bears out.
    fn visit(&mut self, ledger: &Ledger, replayed: &Replayed) {
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
        let act = &self.history.ops[attempt.op].act;
        match answer {
            Answer::Customer(view) => return views::is_customer(view.as_ref(), act, ledger),
            Answer::Account(view) => return views::is_account(view.as_ref(), act, ledger),
            _ => {}
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
                    (Answer::Refused(Refusal::Rejected(rejection)), act) => {
                        let codes = match act {
                            Act::Command(command) => ledger.judge(command, bench),
                            Act::Quote(order, _) => ledger.judge_quote(order, bench),
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
                Command::Transfer { to, amount, .. } => elsewhere.push(Elsewhere::Crediting(*to, *amount)),
                Command::Exchange(order) => match order.as_ref() {
                    Order::AtQuote(quote) => {
                        elsewhere.push(Elsewhere::Buying(quote.customer, quote.priced.won.minor()));
                        elsewhere.push(Elsewhere::Crediting(quote.foreign_account, quote.priced.foreign));
                    }
                    Order::AtMarket(order) => {
                        let rounds = replayed.rounds.values().filter(|known| known.round.currency == order.currency);
                        let priced = rounds.filter_map(|known| {
                            let rate = board::rate_of(&known.round, order.side);
                            board::price(order.ask, order.currency, order.side, rate, known.round.mid.unit()).ok()
                        });
                        let Some((foreign, won)) = priced.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1))) else { continue };
                        elsewhere.push(Elsewhere::Buying(order.customer, won));
                        let accounts = replayed_account(self.history, order.customer, order.foreign_account);
                        if let (Some(account), Ok(money)) =
                            (accounts, hwan_domain::money::Money::from_minor(foreign, order.currency))
                        {
                            elsewhere.push(Elsewhere::Crediting(account, money));
                        }
                    }
                },
                _ => {}
            }
        }
        elsewhere
    }

    /// Lets go of the rejections of orders to the board that some state of it bears out.
    fn board_rejections(&mut self, replayed: &Replayed) {
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

/// The foreign account that an order names, or that its customer was ever seen to open.
fn replayed_account(
    history: &History,
    customer: hwan_domain::id::CustomerId,
    named: Option<hwan_domain::id::AccountId>,
) -> Option<hwan_domain::id::AccountId> {
    use hwan_domain::{account::AccountKind, id::AccountId, record::Event};
    named.or_else(|| {
        history.attempts.iter().filter_map(Attempt::executed).find_map(|executed| match &executed.record.event {
            Event::AccountOpened { customer: owner, kind: AccountKind::Foreign } if *owner == customer => {
                Some(AccountId::at(executed.record.position))
            }
            _ => None,
        })
    })
}
