//! The life of quotes.

use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, number::within};

/// The longest life that may be configured: the board remembers a pair's rounds for at least that long.
const LIFETIME_SECONDS_MOST: u32 = 300;

/// How long quotes are good.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotesConfig {
    /// If the request does not say, in seconds.
    pub lifetime_seconds: u32,
    /// The longest that a request may ask for, in seconds.
    pub lifetime_seconds_max: u32,
}

impl QuotesConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("quotes.lifetime_seconds_max", self.lifetime_seconds_max, 1..=LIFETIME_SECONDS_MOST)?;
        within("quotes.lifetime_seconds", self.lifetime_seconds, 1..=self.lifetime_seconds_max)
    }

    /// The longest life of a quote.
    pub fn lifetime_max(&self) -> Duration {
        Duration::from_secs(self.lifetime_seconds_max.into())
    }
}
