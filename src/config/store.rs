//! The store's configuration.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// Where everything lies that outlives the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The directory of the store, the token and the quote keys; created with mode 0700 if it is missing.
    pub directory: PathBuf,
}

impl StoreConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.directory.as_os_str().is_empty() {
            return Err(ConfigError::Bound {
                field: "store.directory",
                found: "empty".to_owned(),
                advice: "name a directory, such as \"data\"".to_owned(),
            });
        }
        Ok(())
    }
}
