//! What a server is started with.

use std::time::Duration;

/// How much room a server takes. Both leave durability as the servers have it by default: every commit is on disk, in
/// redo log and binary log, before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// For tests: small caches and logs, some hundred megabytes of disk.
    #[default]
    Test,
    /// For measurements: a large buffer pool and redo log, some gigabytes of disk.
    Speed,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on loopback; a free one without.
    pub port: Option<u16>,
    /// How much room it takes.
    pub profile: Profile,
    /// Options of the server's own, such as `--server-id=2`: said last, so that they win.
    pub extra: Vec<String>,
    /// How long it may take until it answers, with the repair after a crash in it.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: None, profile: Profile::Test, extra: vec![], ready_within: Duration::from_secs(120) }
    }
}
