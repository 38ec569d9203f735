//! Real time: what was acknowledged before another command was sent comes before it, in its lane and in each account.

use std::collections::HashMap;

use super::violation::Violation;
use crate::{
    history::{Command, Micros},
    place::Place,
};

/// A command that took effect, as the clock saw it.
struct Timed<'h> {
    key: &'h str,
    number: u64,
    sent: Micros,
    acknowledged: Micros,
}

/// Judges every lane by seq and every account by version.
pub(super) fn judge(commands: &[Command], violations: &mut Vec<Violation>) {
    let mut lanes: HashMap<u16, Vec<Timed<'_>>> = HashMap::new();
    let mut accounts: HashMap<Place, Vec<Timed<'_>>> = HashMap::new();
    for command in commands {
        let acknowledged = command.acknowledgements().min_by_key(|(attempt, _)| attempt.ended);
        let (Some((attempt, answer)), Some(sent)) = (acknowledged, command.first_sent()) else { continue };
        let timed = |number| Timed { key: &command.key, number, sent, acknowledged: attempt.ended };
        lanes.entry(answer.effect.id.lane()).or_default().push(timed(answer.effect.id.seq()));
        for posting in &answer.effect.postings {
            accounts.entry(posting.account).or_default().push(timed(posting.version));
        }
    }
    for (lane, timed) in lanes {
        judge_line(timed, || format!("seq in lane {lane}"), violations);
    }
    for (account, timed) in accounts {
        judge_line(timed, || format!("version of account {account}"), violations);
    }
}

/// From the end: whatever comes later must not have been acknowledged before this one was sent.
fn judge_line(mut line: Vec<Timed<'_>>, by: impl Fn() -> String, violations: &mut Vec<Violation>) {
    line.sort_by_key(|timed| std::cmp::Reverse(timed.number));
    let mut earliest: Option<&Timed<'_>> = None;
    for timed in &line {
        if let Some(other) = earliest
            && other.acknowledged < timed.sent
        {
            let (earlier, later) = (other.key.into(), timed.key.into());
            violations.push(Violation::Reordered { earlier, later, by: by() });
        }
        if earliest.is_none_or(|other| timed.acknowledged < other.acknowledged) {
            earliest = Some(timed);
        }
    }
}
