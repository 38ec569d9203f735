//! Sealed days: where they are exported to, by whom, and what becomes of the journal afterwards.

use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::storage::mysql::Retention;

/// Export of sealed days, and retention of the journal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealingConfig {
    /// Where sealed days lie; none where it is empty.
    pub url: String,
    /// Whether a running hwan exports each day as it becomes sealed.
    pub export_after_closing: bool,
    /// Whether the journal's records go once their day lies there.
    pub delete_exported: bool,
    /// Records that one step of the deletion takes.
    pub delete_records_per_step: u64,
    /// The pause after each step, in milliseconds.
    pub delete_pause_ms: u64,
}

impl SealingConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let asked = [
            ("sealing.export_after_closing", self.export_after_closing),
            ("sealing.delete_exported", self.delete_exported),
        ];
        if let Some((field, _)) = asked.iter().find(|(_, asked)| *asked && self.url.is_empty()) {
            let advice = "say in sealing.url where sealed days lie".to_owned();
            return Err(ConfigError::Bound { field, found: "true".to_owned(), advice });
        }
        within("sealing.delete_records_per_step", self.delete_records_per_step, 1..=100_000)?;
        within("sealing.delete_pause_ms", self.delete_pause_ms, 0..=60_000)
    }

    /// How gently exported records go.
    pub fn pace(&self) -> Retention {
        Retention { step: self.delete_records_per_step, pause: Duration::from_millis(self.delete_pause_ms) }
    }
}
