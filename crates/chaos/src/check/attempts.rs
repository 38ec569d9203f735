//! What the attempts of one key say of each other, without looking at any database.

use super::violation::Violation;
use crate::history::{Attempt, Command, Meaning, Outcome, RetryAfter};

/// One key: one outcome, one answer, at most one execution, and a refusal means what it says.
pub(super) fn judge(command: &Command, violations: &mut Vec<Violation>) {
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
    if repeats_nothing(command) {
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

/// Every acknowledgement is a repetition, and of no attempt that could have worked.
fn repeats_nothing(command: &Command) -> bool {
    let mut acknowledgements = command.acknowledgements().peekable();
    let worked = |attempt: &Attempt| attempt.may_have_worked();
    acknowledgements.peek().is_some()
        && acknowledgements.all(|(_, answer)| answer.replayed)
        && !command.attempts.iter().any(worked)
}
