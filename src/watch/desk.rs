//! The desk: alerts as people see them, and what they say to them. The façade of the watch for the API.

use std::sync::Arc;

pub use crate::storage::alerts::port::{
    ALERTS_PER_PAGE_MAX, AlertQuery, AlertState, Decided, KeptAlert, NOTE_LEN_MAX, Note,
};
use crate::storage::{alerts::port::AlertBook, port::StoreError};

/// Why the desk does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The store cannot be reached or is too busy: try again.
    #[error("alerts are unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be what was written.
    #[error("alerts are damaged: {0}")]
    Damaged(String),
}

impl From<StoreError> for DeskError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged(reason) => DeskError::Damaged(reason),
            StoreError::Unavailable(reason) => DeskError::Unavailable(reason),
            other => DeskError::Unavailable(other.to_string()),
        }
    }
}

/// Alerts, to be seen and decided. Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<dyn AlertBook>);

impl Desk {
    /// The alerts of a store.
    pub const fn new(alerts: Arc<dyn AlertBook>) -> Self {
        Self(alerts)
    }

    /// A page of alerts, the newest first.
    pub async fn list(&self, query: &AlertQuery) -> Result<Vec<KeptAlert>, DeskError> {
        Ok(self.0.alerts(query).await?)
    }

    /// An alert; `None` if there is none.
    pub async fn get(&self, id: &str) -> Result<Option<KeptAlert>, DeskError> {
        Ok(self.0.alert(id).await?)
    }

    /// Somebody has it. `None` if there is none.
    pub async fn acknowledge(&self, id: &str, note: &Note) -> Result<Option<Decided>, DeskError> {
        Ok(self.0.acknowledge(id, note).await?)
    }

    /// Somebody has done with it. `None` if there is none.
    pub async fn resolve(&self, id: &str, note: &Note) -> Result<Option<Decided>, DeskError> {
        Ok(self.0.resolve(id, note).await?)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}
