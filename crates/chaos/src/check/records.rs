//! The journal against itself (gapless, chained, readable) and against the commands (each acknowledged one there as it
//! was answered, none twice, nothing that nobody sent).

use std::collections::{BTreeMap, HashMap};

use super::{
    auditor::Counts,
    record::{self, Movement, Text},
    violation::Violation,
};
use crate::{
    database::{JournalRow, Standing},
    fingerprint,
    history::{Command, Effect, Fingerprint, Order, Posting},
    money::{Currency, Side},
    place::Place,
};

/// Where a lane's reading stands.
#[derive(Debug)]
struct LaneSoFar {
    last: Place,
    hash: [u8; 32],
    at: i64,
    business_date: i32,
}

impl LaneSoFar {
    fn empty(lane: u16) -> Self {
        Self { last: Place::new(lane, 0), hash: [0; 32], at: i64::MIN, business_date: i32::MIN }
    }
}

/// The reading of the journal.
#[derive(Debug)]
pub(super) struct Records<'h> {
    commands: &'h [Command],
    by_key: HashMap<Fingerprint, &'h Command>,
    by_id: HashMap<Place, Vec<&'h Command>>,
    lanes: BTreeMap<u16, LaneSoFar>,
    /// Where each key took effect first.
    done: HashMap<Fingerprint, Place>,
    counts: Counts,
}

impl<'h> Records<'h> {
    pub(super) fn of(commands: &'h [Command]) -> Self {
        let mut by_id: HashMap<Place, Vec<&Command>> = HashMap::new();
        for command in commands {
            // Normally one; a changed answer may name another.
            let mut ids: Vec<Place> = command.acknowledgements().map(|(_, answer)| answer.effect.id).collect();
            ids.sort_unstable();
            ids.dedup();
            for id in ids {
                by_id.entry(id).or_default().push(command);
            }
        }
        let by_key = commands.iter().map(|command| (command.key_digest, command)).collect();
        let (lanes, done, counts) = (BTreeMap::new(), HashMap::new(), Counts::default());
        Self { commands, by_key, by_id, lanes, done, counts }
    }

    /// Takes the next row; gives how it moves money.
    pub(super) fn take(&mut self, row: &JournalRow, violations: &mut Vec<Violation>) -> Vec<Posting> {
        self.counts.journal_rows += 1;
        self.follow(row, violations);
        let text: Text<'_> = match serde_json::from_str(&row.body) {
            Ok(text) => text,
            Err(error) => {
                violations.push(Violation::Damaged { id: row.id, found: error.to_string() });
                return Vec::new();
            }
        };
        if let Some(found) = differing_column(row, &text) {
            violations.push(Violation::Damaged { id: row.id, found: found.to_owned() });
        }
        let postings = match text.postings() {
            Ok(postings) => postings,
            Err(found) => {
                violations.push(Violation::Torn { id: row.id, found });
                Vec::new()
            }
        };
        if text.movement() != Movement::Nothing {
            self.counts.movements += 1;
            self.match_command(row, &text, &postings, violations);
        }
        postings
    }

    /// Seq by seq, link by link, never back in time.
    fn follow(&mut self, row: &JournalRow, violations: &mut Vec<Violation>) {
        let lane = self.lanes.entry(row.id.lane()).or_insert_with(|| LaneSoFar::empty(row.id.lane()));
        if row.id.seq() != lane.last.seq() + 1 {
            violations.push(Violation::Gap { after: lane.last, found: row.id });
        }
        if fingerprint::link(&lane.hash, &row.body) != row.hash {
            violations.push(Violation::BrokenChain { id: row.id });
        }
        if row.at < lane.at || row.business_date < lane.business_date {
            violations.push(Violation::TimeWentBack { id: row.id });
        }
        *lane = LaneSoFar { last: row.id, hash: row.hash, at: row.at, business_date: row.business_date };
    }

    /// Money moves only for a key that was sent, once, and as it was asked for and answered.
    fn match_command(
        &mut self,
        row: &JournalRow,
        text: &Text<'_>,
        postings: &[Posting],
        violations: &mut Vec<Violation>,
    ) {
        let id = row.id;
        let sent = row.key_digest.and_then(|digest| self.by_key.get(&digest));
        let Some(command) = sent.filter(|command| command.first_sent().is_some()) else {
            violations.push(Violation::Phantom { id });
            return;
        };
        let key = || command.key.clone();
        if let Some(first) = self.done.insert(command.key_digest, id) {
            violations.push(Violation::Doubled { key: key(), first, second: id });
        }
        if text.request_digest() != Some(command.request_digest) || row.customer != Some(command.customer) {
            let found = "another request or another customer".to_owned();
            violations.push(Violation::RecordedDifferently { key: key(), id, found });
        }
        if let Some(found) = not_asked_for(&command.order, text.movement(), postings) {
            violations.push(Violation::WrongEffect { key: key(), id, found });
        }
        let mut acknowledgements = command.acknowledgements().peekable();
        if acknowledgements.peek().is_none() && command.is_resolved() {
            violations.push(Violation::DoneThoughRefused { key: key(), id });
        }
        for (_, answer) in acknowledgements {
            if answer.effect.id != id {
                continue; // its own row is looked for at the end
            }
            if let Some(found) = differing_answer(&answer.effect, text, postings) {
                violations.push(Violation::RecordedDifferently { key: key(), id, found });
                break; // repetitions say the same
            }
        }
    }

    /// What was acknowledged and never came; the lanes' heads.
    pub(super) fn finish(mut self, standing: &Standing, violations: &mut Vec<Violation>) -> Counts {
        for command in self.commands {
            self.counts.commands += 1;
            let answers = command.acknowledgements().count() as u64;
            self.counts.repetitions += answers.saturating_sub(1);
            self.counts.unknown_attempts +=
                command.attempts.iter().filter(|attempt| attempt.may_have_worked()).count() as u64;
            let Some((_, first)) = command.acknowledgements().next() else { continue };
            self.counts.acknowledged += 1;
            self.counts.acknowledged_exchanges += u64::from(matches!(command.order, Order::Exchange { .. }));
            if self.done.get(&command.key_digest) != Some(&first.effect.id) {
                violations.push(Violation::Lost { key: command.key.clone(), id: first.effect.id });
            }
            if not_asked_for(&command.order, movement_of(&command.order), &first.effect.postings).is_some() {
                let found = format!("answered {:?}", first.effect.postings);
                violations.push(Violation::WrongEffect { key: command.key.clone(), id: first.effect.id, found });
            }
        }
        for (id, commands) in &self.by_id {
            if let [first, second, ..] = commands.as_slice() {
                let keys = (first.key.clone(), second.key.clone());
                violations.push(Violation::Shared { id: *id, keys });
            }
        }
        judge_heads(&self.lanes, standing, violations);
        self.counts
    }
}

/// The lanes' rows against where their journals end.
fn judge_heads(lanes: &BTreeMap<u16, LaneSoFar>, standing: &Standing, violations: &mut Vec<Violation>) {
    for row in &standing.lanes {
        let empty = LaneSoFar::empty(row.lane);
        let lane = lanes.get(&row.lane).unwrap_or(&empty);
        if (row.seq, row.hash) != (lane.last.seq(), lane.hash) {
            let found = format!("the lane stands at {}, its journal ends at {}", row.seq, lane.last.seq());
            violations.push(Violation::WrongHead { lane: row.lane, found });
        }
        if row.projected != Some(lane.last.seq()) && (row.projected.is_some() || lane.last.seq() > 0) {
            let (journal, projected) = (lane.last.seq(), row.projected);
            violations.push(Violation::ProjectionBehind { lane: row.lane, journal, projected });
        }
    }
    for lane in lanes.keys() {
        if !standing.lanes.iter().any(|row| row.lane == *lane) {
            violations.push(Violation::WrongHead { lane: *lane, found: "the lane has no row".to_owned() });
        }
    }
}

/// Which column says something else than the text.
fn differing_column(row: &JournalRow, text: &Text<'_>) -> Option<&'static str> {
    [
        ("id", text.id() == row.id),
        ("kind", text.kind == row.kind),
        ("key_digest", text.key.is_none() == row.key_digest.is_none() && text.key_digest() == row.key_digest),
        ("at", record::micros_of(text.at) == Some(row.at)),
        ("business_date", record::days_of(text.business_date) == Some(row.business_date)),
    ]
    .into_iter()
    .find_map(|(column, same)| (!same).then_some(column))
}

const fn movement_of(order: &Order) -> Movement {
    match order {
        Order::Exchange { .. } => Movement::Exchange,
        Order::Deposit { .. } => Movement::In,
        Order::Withdrawal { .. } => Movement::Out,
    }
}

/// What of an effect nobody asked for; `None` if it is the order's. Of an exchange the won leg's size is judged by the
/// record's rate, elsewhere.
fn not_asked_for(order: &Order, movement: Movement, postings: &[Posting]) -> Option<String> {
    let legs: Vec<(Place, Currency, Option<i64>, i64)> = match *order {
        Order::Deposit { account, currency, minor } => vec![(account, currency, Some(minor), 1)],
        Order::Withdrawal { account, currency, minor } => vec![(account, currency, Some(-minor), -1)],
        Order::Exchange { side: Side::Buy, won, foreign, currency, minor } => {
            vec![(won, Currency::KRW, None, -1), (foreign, currency, Some(minor), 1)]
        }
        Order::Exchange { side: Side::Sell, won, foreign, currency, minor } => {
            vec![(foreign, currency, Some(-minor), -1), (won, Currency::KRW, None, 1)]
        }
    };
    let as_asked = movement == movement_of(order)
        && legs.len() == postings.len()
        && legs.iter().zip(postings).all(|((account, currency, amount, sign), posting)| {
            posting.account == *account
                && posting.currency == *currency
                && amount.is_none_or(|amount| amount == posting.amount)
                && posting.amount.signum() == *sign
        });
    (!as_asked).then(|| format!("asked {order:?}, found {postings:?}"))
}

/// What an answer says differently from the record.
fn differing_answer(effect: &Effect, text: &Text<'_>, postings: &[Posting]) -> Option<String> {
    if effect.postings != postings {
        return Some(format!("answered {:?}, recorded {postings:?}", effect.postings));
    }
    if (&*effect.at, &*effect.business_date) != (text.at, text.business_date) {
        return Some(format!(
            "answered {} {}, recorded {} {}",
            effect.at, effect.business_date, text.at, text.business_date
        ));
    }
    None
}
