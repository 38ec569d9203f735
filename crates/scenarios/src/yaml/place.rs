//! Where something stands in a file, and what is wrong there.

use std::{fmt, path::PathBuf};

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Something in a file that is not the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub at: Place,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path.display(), self.at.line, self.at.column, self.message)
    }
}

/// What is wrong at a place, before the file's name is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) at: Place,
    pub(crate) message: String,
}

impl Mistake {
    pub(crate) fn at(at: Place, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}
