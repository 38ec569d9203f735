//! Logs: one line per event, as text for a person or JSON for a machine.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::log::{LogConfig, LogFormat};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("log.filter {filter:?} cannot be read, write for example \"info\" or \"info,hwan=debug\": {cause}")]
    Filter {
        /// What stands in the configuration.
        filter: String,
        /// What is wrong with it.
        cause: tracing_subscriber::filter::ParseError,
    },
}

/// Installs the log on standard error; where one is installed already (in tests), that one stays.
pub fn install(config: &LogConfig) -> Result<(), LogError> {
    let filter = EnvFilter::builder()
        .parse(&config.filter)
        .map_err(|cause| LogError::Filter { filter: config.filter.clone(), cause })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is refused: whoever installed the first one wants to see the lines there.
    let _already_installed = match config.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
