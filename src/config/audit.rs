//! The audit trail's configuration.

use serde::Deserialize;

use super::{ConfigError, number::within};
use crate::access::audit_file::AuditLimits;

/// How much of the trail is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// Bytes after which the file is put aside.
    pub file_bytes_max: u64,
    /// Files put aside at most; then the oldest leaves.
    pub files_kept: u32,
}

impl AuditConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("audit.file_bytes_max", self.file_bytes_max, 4_096..=1 << 40)?;
        within("audit.files_kept", self.files_kept, 1..=10_000)
    }

    /// As the trail takes them.
    pub const fn limits(&self) -> AuditLimits {
        AuditLimits { file_bytes_max: self.file_bytes_max, files_kept: self.files_kept }
    }
}
