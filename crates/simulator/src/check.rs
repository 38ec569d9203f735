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
    actors::command::{Command, Delivery, Executed, KeyError, Order, Reach, Refusal},
    storage::port::JournalRow,
};
use hwan_domain::{
    id::{CustomerId, LaneId},
    record::{Event, Landing},
};

use crate::{
    claims::{Claims, acknowledged},
    counts::Counts,
    history::{Act, Answer, Attempt, History},
    replay::Replayed,
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
                Delivery::First => {
                    counts.one("answer: executed");
                    match &record.event {
                        Event::Reversed { landing: Landing::Suspense(_), .. } => counts.one("reversed to suspense"),
                        Event::Reversed { .. } => counts.one("reversed"),
                        Event::AccountClosed { .. } => counts.one("closed"),
                        _ => {}
                    }
                    if history.ops[attempt.op].reach == Reach::OwnCustomers {
                        counts.one("executed for a confined caller");
                    }
                }
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
        Answer::Tried(_) => counts.one("answer: tried"),
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

/// Whose key it is: the customer's.
pub(crate) fn lane_scope(act: &Act, replayed: &Replayed) -> Option<CustomerId> {
    let owner = |account| replayed.ledgers.iter().find_map(|ledger| Some(ledger.accounts.get(account)?.owner));
    let Act::Command(command) = act else { return None };
    match command {
        Command::OpenCustomer { .. } => None,
        Command::OpenAccount { customer, .. } | Command::StateCustomerFact { customer, .. } => Some(*customer),
        Command::StateAccountFact { account, .. }
        | Command::CloseAccount { account, .. }
        | Command::Deposit { account, .. }
        | Command::Withdraw { account, .. }
        | Command::PayInterest { account, .. }
        | Command::Transfer { from: account, .. } => owner(account),
        Command::Exchange(order) => Some(match order.as_ref() {
            Order::AtQuote(quote) => quote.customer,
            Order::AtMarket(order) => order.customer,
        }),
        Command::Reverse { exchange, .. } => exchange.event.customer(),
    }
}
