//! How exchanges ended.

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Executed and answered with 201.
    Executed,
    /// A replay, although every key is new.
    Replayed,
    /// Refused with this code.
    Refused(String),
    /// The connection failed, or the deadline passed.
    Connection(String),
    /// An answer that is not hwan's.
    Foreign(String),
}

impl Outcome {
    /// What it is called in the report.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Executed => "executed".to_owned(),
            Self::Replayed => "replayed".to_owned(),
            Self::Refused(code) => code.clone(),
            Self::Connection(kind) => format!("connection: {kind}"),
            Self::Foreign(reason) => format!("foreign answer: {reason}"),
        }
    }
}

/// How the exchanges of one request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) executed: u64,
    /// Empty, and without allocation, where all were executed.
    pub(crate) others: Vec<(Outcome, u64)>,
}

impl Ended {
    /// All of `exchanges` ended alike.
    pub(crate) fn all(outcome: Outcome, exchanges: u64) -> Self {
        if outcome == Outcome::Executed {
            Self { executed: exchanges, others: Vec::new() }
        } else {
            Self { executed: 0, others: vec![(outcome, exchanges)] }
        }
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        if outcome == Outcome::Executed {
            self.executed += 1;
        } else {
            self.others.push((outcome, 1));
        }
    }
}
