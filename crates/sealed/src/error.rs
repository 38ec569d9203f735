//! Why a day is not written, or not read. Callers: everybody here.

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// The place is none that is known.
    #[error("{url} cannot be used: {cause}")]
    Place {
        /// As it was given.
        url: String,
        /// Why, and what to do.
        cause: String,
    },
    /// The store of objects refuses, or cannot be reached.
    #[error("{path}: {cause}")]
    Store {
        /// Of which object.
        path: String,
        /// Why.
        cause: Box<object_store::Error>,
    },
    /// Parquet could not be written.
    #[error("{path}: the rows cannot be written as parquet: {cause}")]
    Parquet {
        /// Of which file.
        path: String,
        /// Why.
        cause: String,
    },
    /// A date that is none.
    #[error("{0:?} is no business date: write it as 2026-11-23")]
    Date(String),
    /// A manifest that cannot be read.
    #[error("{path} is no manifest of a sealed day: {cause}")]
    Manifest {
        /// Where it lies.
        path: String,
        /// Why.
        cause: String,
    },
    /// What lies there is something else.
    #[error("{date} lies there already and differs: {}; replace it only if you know why", differences.join("; "))]
    Differs {
        /// Of which day.
        date: String,
        /// What differs, a line each.
        differences: Vec<String>,
    },
}
