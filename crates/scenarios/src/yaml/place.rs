//! Where something stands in a file, and what is wrong there.

use std::{fmt, path::PathBuf};

/// A line and a column, both from 1; both 0 where it is about the whole file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: usize,
    /// The column, in characters.
    pub(crate) column: usize,
}

/// Something in a file that is not the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileError {
    /// The file.
    pub(crate) path: PathBuf,
    /// Where in it.
    pub(crate) at: Place,
    /// What was found and what was expected.
    pub(crate) message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.at;
        match line {
            0 => write!(f, "{}: {}", self.path.display(), self.message), // of the whole file
            _ => write!(f, "{}:{line}:{column}: {}", self.path.display(), self.message),
        }
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
