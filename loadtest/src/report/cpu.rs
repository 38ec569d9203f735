//! CPU as a report has it.

use serde::Serialize;

/// CPU that processes took, in microseconds; none of those that were not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct CpuTaken {
    pub(crate) server_us: Option<u64>,
    pub(crate) store_us: Option<u64>,
    pub(crate) client_us: u64,
    /// All processes together.
    pub(crate) machine_us: u64,
    pub(crate) cores: u64,
}

impl CpuTaken {
    /// What processes took that nobody named.
    pub(crate) fn others_us(&self) -> u64 {
        let named = self.server_us.unwrap_or(0) + self.store_us.unwrap_or(0) + self.client_us;
        self.machine_us.saturating_sub(named)
    }

    /// What was taken since `start`.
    pub(crate) fn since(&self, start: Self) -> Self {
        let of = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        Self {
            server_us: of(self.server_us, start.server_us),
            store_us: of(self.store_us, start.store_us),
            client_us: self.client_us.saturating_sub(start.client_us),
            machine_us: self.machine_us.saturating_sub(start.machine_us),
            cores: self.cores,
        }
    }
}
