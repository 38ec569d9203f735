//! What went wrong, told in the least words that make it replayable: the seed, who asked what, and the journal.

use std::fmt::{self, Write as _};

use hwan::storage::port::JournalRow;

use crate::history::{Answer, History};

/// A sequence whose story does not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that replays it.
    pub seed: u64,
    /// What is wrong.
    pub wrong: String,
    /// Operations, attempts and journal.
    story: String,
}

impl Failure {
    pub(crate) fn new(seed: u64, wrong: String, history: &History, rows: &[Vec<JournalRow>]) -> Self {
        let mut story = String::new();
        // A string takes every write.
        for (index, op) in history.ops.iter().enumerate() {
            let _ = writeln!(story, "operation {index} by {} key {:?}: {:?}", op.caller, op.key, op.act);
        }
        for (index, clock) in history.clocks.iter().enumerate() {
            let _ = writeln!(story, "clock {index}: {clock}");
        }
        for (index, attempt) in history.attempts.iter().enumerate() {
            let begun = &attempt.begun;
            let _ = write!(
                story,
                "attempt {index} at operation {} from {} {:?} clock {}",
                attempt.op, begun.tick, begun.heads, begun.clock
            );
            let stale = if attempt.stale { " by a zombie" } else { "" };
            let _ = match &attempt.ended {
                None => writeln!(story, ": hung up{stale}"),
                Some((to, answer)) => {
                    let what = match answer {
                        Answer::Executed(executed) => format!("{:?} {:?}", executed.delivery, executed.record.position),
                        Answer::Refused(refusal) => refusal.to_string(),
                        other => format!("{other:?}"),
                    };
                    writeln!(story, " to {} {:?} clock {}{stale}: {what}", to.tick, to.heads, to.clock)
                }
            };
        }
        for row in rows.iter().flatten() {
            let record = &row.record;
            let _ = writeln!(story, "{:?} {} {} {}", record.position, record.at, record.business_date, row.body);
        }
        Self { seed, wrong, story }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.story)?;
        writeln!(f, "seed {}: {}", self.seed, self.wrong)?;
        write!(f, "replay with: cargo run -p hwan-simulator --bin simulate -- --seed {}", self.seed)
    }
}

impl std::error::Error for Failure {}
