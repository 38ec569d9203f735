//! The port by which an engine shows what it holds in memory. Reconciliation knows no actor: whoever has an engine implements this.

use std::fmt;

use async_trait::async_trait;
use hwan_domain::reconciliation::Breaks;

/// What comparing memory with the store gave.
#[derive(Clone, Debug, Default)]
pub struct MemoryCompared {
    /// Customers that were compared.
    pub customers: u64,
    /// Customers that moved at every attempt, and were not compared.
    pub moving: u64,
    /// What does not agree.
    pub breaks: Breaks,
}

/// An engine's memory.
#[async_trait]
pub trait Memory: Send + Sync {
    /// Compares some customers that are in memory, picked at random, with the store at the same version; one that moved meanwhile is
    /// tried again. Or why that cannot be done.
    async fn compare(&self, customers_max: usize) -> Result<MemoryCompared, String>;
}

impl fmt::Debug for dyn Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}
