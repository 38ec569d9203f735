//! What can go wrong between a mirror and a server at work. Each error says what to look at next.

use std::{fmt, io, path::PathBuf, time::Duration};

/// Of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server could not be fetched, made, started or stopped.
#[derive(Debug)]
pub enum Error {
    /// This machine cannot do it at all: the reason, and what would do instead.
    Unsupported(String),
    /// The operating system refused.
    Io {
        /// What was tried, with its path.
        doing: String,
        /// Its answer.
        source: io::Error,
    },
    /// A program ended badly, or was ended because it took too long.
    Program {
        /// Which one, and what for.
        program: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote.
        last_lines: String,
    },
    /// A file is not what it should be.
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A server runs but does not answer.
    NotReady {
        /// Its port on loopback.
        port: u16,
        /// How long it was waited for.
        waited: Duration,
        /// Where it logs.
        log: PathBuf,
    },
    /// A server runs in this folder already.
    Running {
        /// The folder.
        home: PathBuf,
        /// The server's process.
        pid: u32,
    },
    /// A server did not stop when it was asked to, and was killed.
    Killed {
        /// The server's process.
        pid: u32,
        /// How long it was waited for.
        waited: Duration,
    },
}

impl Error {
    /// Names what was tried when the operating system refused: for `map_err`.
    pub(crate) fn io(doing: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.to_string();
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(reason) => f.write_str(reason),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Program { program, status, last_lines } => {
                write!(f, "{program}: {status}; it wrote last:\n{last_lines}")
            }
            Self::Damaged { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::NotReady { port, waited, log } => {
                write!(f, "no answer on port {port} within {} s: see {}", waited.as_secs(), log.display())
            }
            Self::Running { home, pid } => {
                write!(f, "a server runs in {} already, process {pid}: stop it first", home.display())
            }
            Self::Killed { pid, waited } => {
                write!(f, "process {pid} did not stop within {} s and was killed", waited.as_secs())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
