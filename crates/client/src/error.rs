//! What can go wrong with a call, and what is known of its outcome then.

use std::{fmt, io, time::Duration};

use serde::Deserialize;

use crate::wire::HeadError;

/// One failed check of a problem.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Violation {
    /// The stable code.
    pub code: String,
    /// What was found and what would do.
    #[serde(default)]
    pub detail: String,
    /// The field of the request that it is about.
    pub field: Option<String>,
}

/// A problem that the server answered with (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// What happened, in a sentence.
    pub detail: String,
    /// Whether the same request, with the same key, may be sent again.
    pub retryable: bool,
    /// How long to wait before that.
    pub retry_after: Option<Duration>,
    /// Everything that stands against the request.
    pub violations: Vec<Violation>,
    /// The server's name for this request.
    pub request_id: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status={} code={} retryable={}: {}", self.status, self.code, self.retryable, self.detail)
    }
}

/// How much of a request left the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Not one byte.
    Nothing,
    /// Some or all of it: the server may have acted on it.
    Possibly,
}

/// What a failed call leaves known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownOutcome {
    /// The request had no effect.
    Nothing,
    /// It may have taken effect: send it again with the same key to learn.
    Unknown,
}

/// Why a call brought no answer of the expected kind.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused the request.
    #[error("refused: {0}")]
    Problem(Box<Problem>),
    /// The connection failed or the deadline passed.
    #[error("connection failed ({sent:?} sent): {cause}")]
    Connection {
        /// How much of the request had left.
        sent: Sent,
        /// Why. A passed deadline is `TimedOut`, an end before the answer `UnexpectedEof`, in its midst
        /// `ConnectionAborted`.
        cause: io::Error,
    },
    /// An answer that is not one of hwan's.
    #[error("not an answer of hwan's: {reason}")]
    Protocol {
        /// What was wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// What is known of the request's effect.
    pub fn outcome(&self) -> KnownOutcome {
        match self {
            Self::Problem(problem) if problem.status < 500 => KnownOutcome::Nothing,
            Self::Connection { sent: Sent::Nothing, .. } => KnownOutcome::Nothing,
            // A 503 may be "not done", "overloaded" or "unknown": the codes tell, but a retry is right for each.
            Self::Problem(_) | Self::Connection { .. } | Self::Protocol { .. } => KnownOutcome::Unknown,
        }
    }

    /// The problem, where the server gave one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Connection { .. } | Self::Protocol { .. } => None,
        }
    }

    pub(crate) fn protocol(reason: impl Into<String>) -> Self {
        Self::Protocol { reason: reason.into() }
    }

    pub(crate) fn unsent(cause: io::Error) -> Self {
        Self::Connection { sent: Sent::Nothing, cause }
    }
}

impl From<HeadError> for ClientError {
    fn from(error: HeadError) -> Self {
        Self::protocol(error.to_string())
    }
}

/// The body of a problem, as it stands on the wire.
#[derive(Deserialize)]
struct ProblemBody {
    code: String,
    #[serde(default)]
    detail: String,
    retryable: bool,
    #[serde(default)]
    violations: Vec<Violation>,
    request_id: Option<String>,
}

/// Reads a problem from an answer of 400 or above.
pub(crate) fn problem(status: u16, retry_after_s: Option<u32>, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<ProblemBody>(body) {
        Ok(problem) => ClientError::Problem(Box::new(Problem {
            status,
            code: problem.code,
            detail: problem.detail,
            retryable: problem.retryable,
            retry_after: retry_after_s.map(|seconds| Duration::from_secs(seconds.into())),
            violations: problem.violations,
            request_id: problem.request_id,
        })),
        Err(error) => ClientError::protocol(format!("status {status} without a problem that can be read: {error}")),
    }
}
