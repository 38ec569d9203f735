//! What the attempts of one key say of each other, without looking at any database.

use super::{record, violation::Violation};
use crate::history::{Acknowledgement, Attempt, Command, Meaning, Micros, Outcome, RetryAfter};

/// By how much a record's time may be before the sending of the attempt that made it: the clocks are two.
const CLOCKS_DIFFER: Micros = 20_000;

/// One key: one outcome, one answer, at most one execution, and a refusal means what it says.
/// `began_at` is the wall clock's time at the zero of the attempts' clock.
pub(super) fn judge(command: &Command, began_at: i64, violations: &mut Vec<Violation>) {
    let key = || command.key.clone();
    if !command.is_resolved() {
        violations.push(Violation::Unresolved { key: key() });
    }
    let mut acknowledgements = command.acknowledgements();
    if let Some((_, first)) = acknowledgements.next()
        && acknowledgements.any(|(_, other)| other.body != first.body)
    {
        violations.push(Violation::AnswerChanged { key: key() });
    }
    if command.acknowledgements().filter(|(_, answer)| !answer.replayed).count() > 1 {
        violations.push(Violation::ExecutedTwice { key: key() });
    }
    if repeats_nothing(command, began_at) {
        violations.push(Violation::RepeatedNothing { key: key() });
    }
    let first_acknowledged = command.acknowledgements().map(|(attempt, _)| attempt.ended).min();
    for attempt in &command.attempts {
        let Outcome::Refused { status, code, meaning, retry_after } = &attempt.outcome else { continue };
        // Sent after the acknowledgement was there: nothing may take it back.
        if *meaning == Meaning::Rejected && first_acknowledged.is_some_and(|at| at < attempt.invoked) {
            violations.push(Violation::TakenBack { key: key(), code: code.clone() });
        }
        if matches!(*status, 429 | 503) && *retry_after == RetryAfter::Missing {
            violations.push(Violation::NoRetryAfter { key: key(), code: code.clone() });
        }
    }
}

/// No attempt can have done what is acknowledged: each that was sent before the record's time was told that it is certainly not
/// done, or is a repetition itself.
fn repeats_nothing(command: &Command, began_at: i64) -> bool {
    let Some((_, first)) = command.acknowledgements().next() else { return false };
    let made_at = record::micros_of(&first.effect.at)
        .and_then(|at| Micros::try_from(at.saturating_sub(began_at)).ok())
        .map_or(Micros::MAX, |at| at.saturating_add(CLOCKS_DIFFER));
    let can_have_done_it = |attempt: &Attempt| match &attempt.outcome {
        Outcome::Acknowledged(Acknowledgement { replayed, .. }) => !replayed,
        Outcome::Refused { .. } | Outcome::Unanswered | Outcome::NotSent => attempt.may_have_worked(),
    };
    !command.attempts.iter().any(|attempt| can_have_done_it(attempt) && attempt.invoked <= made_at)
}
