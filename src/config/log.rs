//! Logs.

use serde::Deserialize;

/// How lines look, and which are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Text for people or JSON for machines.
    pub format: LogFormat,
    /// A level, or levels by module: `info,hwan=debug`. Checked where the log is installed.
    pub filter: String,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; in colours on a terminal.
    Text,
    /// For machines.
    Json,
}
